"""The filtered records in forms that other programs read: the catalogue of forms. Knows no web."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from api.export.about import About
from api.export.archive import write_archive
from api.export.columnar import write_parquet
from api.export.plain import write_csv, write_ndjson


@dataclass(frozen=True)
class Form:
    """One way to write records: ``write`` puts them into a file, chunk by chunk."""

    media_type: str
    write: Callable[[BinaryIO, Iterable[list[dict[str, Any]]], About], None]


FORMS = {
    "csv": Form("text/csv; charset=utf-8", write_csv),
    "ndjson": Form("application/x-ndjson", write_ndjson),
    "parquet": Form("application/vnd.apache.parquet", write_parquet),
    "zip": Form("application/zip", write_archive),
}
"""The forms by the ending of their files; a new one gets its line here."""
