"""Records as text: CSV for spreadsheets, NDJSON for programs. Knows no database and no web."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from api.answering.tables import csv_bytes, csv_rows, json_bytes
from api.export.about import About
from db.questions.exported import FIELDS

Chunks = Iterable[list[dict[str, Any]]]


def write_csv(file: BinaryIO, chunks: Chunks, _: About) -> None:
    """CSV after RFC 4180, a header first; no text of it is run as a formula."""
    file.write(csv_bytes(tuple(FIELDS), ()))
    file.writelines(csv_rows(tuple(FIELDS), chunk) for chunk in chunks)


def write_ndjson(file: BinaryIO, chunks: Chunks, _: About) -> None:
    """A JSON object on each line; what is not known is left out, as GBIF does."""
    file.writelines(b"".join(map(_line, chunk)) for chunk in chunks)


def _line(row: dict[str, Any]) -> bytes:
    return json_bytes({name: value for name, value in row.items() if value is not None})
