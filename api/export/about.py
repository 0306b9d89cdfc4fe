"""What is said of an export as a whole: its filters, its version, its sources. Knows no format."""

from __future__ import annotations

from dataclasses import dataclass

from db.questions.summary import Source


@dataclass(frozen=True)
class About:
    """Known before the first record is read."""

    site: str
    """The title of the site."""
    filters: tuple[tuple[str, str], ...]
    """In the words of the query; none is all that there is."""
    records: int
    first: str | None
    last: str | None
    """The dates of the earliest and the latest record."""
    sources: tuple[Source, ...]
    version: int
    as_of: int | None
    """The version that was asked for; None is the newest."""
    ingested_at: str | None
    """UTC, ISO 8601."""
