"""Rejects as a file that people correct in a spreadsheet, and back; knows no database.

RFC 4180. Text that a spreadsheet would run as a formula stands behind an apostrophe; reading takes it away.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = ("line", "reason", "field", "detail", "raw")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rejects as the ledger gives them, with a header."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([row["line"], *(_guarded(row[name]) for name in COLUMNS[1:])] for row in rows)
    return out.getvalue()


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def cells(raw: str, delimiter: str) -> list[str]:
    """The fields of a row as it is kept."""
    return next(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter), [])


def bare(text: str) -> str:
    """A cell without the apostrophe that stands before a formula."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
