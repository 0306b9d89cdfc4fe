"""Tidy rows as bytes, JSON or CSV: the same columns and the same numbers. Knows no report and no database."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def json_bytes(value: object) -> bytes:
    """JSON in UTF-8, compact, ending with a line feed; the same value gives the same bytes."""
    return (json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()


def csv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """CSV after RFC 4180 with a header, UTF-8; nothing known is an empty cell."""
    return csv_rows(columns, [{column: column for column in columns}]) + csv_rows(columns, rows)


def csv_rows(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The rows alone, without a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows(_cells(row[column] for column in columns) for row in rows)
    return text.getvalue().encode()


def _cells(values: Iterable[object]) -> list[object]:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers.

    So does text that looks as if it had got one: to take one away again gives what was there, always.
    """
    runs = _FORMULA.match
    return [f"'{value}" if isinstance(value, str) and runs(value) else value for value in values]
