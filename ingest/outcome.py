"""What is said of inputs, and what became of one: values that commands and runs hand each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from db.store import Tally
from ingest.words import days

Progress = Callable[[int, int, int], None]
"""Told after each chunk: rows read, bytes read, bytes in all."""


@dataclass(frozen=True)
class Options:
    """What the operator says of the inputs."""

    feed: str | None = None
    format: str = "auto"
    date_order: days.Order | None = None
    timezone: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    """Their column -> our term."""
    set: Mapping[str, str] = field(default_factory=dict)
    """Term -> a value for every row."""
    dry_run: bool = False
    strict: bool = False
    """One refused row is enough to refuse the input."""
    max_error_rate: float = 0.2
    accept_new_ids: bool = False
    """Go on where most identifiers of a known feed are new."""
    sheet: str | None = None
    min_confidence: float = 0.0
    made_up: bool = False

    def said(self) -> dict[str, Any]:
        """What bears on how rows are understood, where it is not left to be found out; for the ledger."""
        names = ("feed", "format", "date_order", "timezone", "map", "set", "sheet", "min_confidence")
        given = {name: getattr(self, name) for name in names}
        given = {name: dict(value) if isinstance(value, Mapping) else value for name, value in given.items()}
        return {name: value for name, value in given.items() if value and value != "auto"}


@dataclass
class Outcome:
    """What became of one input."""

    input: str
    feed: str = ""
    format: str = ""
    status: str = "failed"
    run: int | None = None
    tally: Tally = field(default_factory=Tally)
    reasons: dict[str, int] = field(default_factory=dict)
    """Reason code -> refused rows."""
    data_version: int = 0
    terms: dict[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    """Columns that were kept without being understood."""
    notes: tuple[str, ...] = ()
    message: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The shape that ``ingest --json`` promises."""
        names = ("read", "inserted", "updated", "duplicate", "rejected", "skipped")
        counts = {name: getattr(self.tally, name) for name in names}
        return {
            "run": self.run,
            "feed": self.feed,
            "input": self.input,
            "format": self.format,
            "status": self.status,
            **counts,
            "issues": self.tally.issues,
            "dataVersion": self.data_version,
            "reasons": self.reasons,
            "skips": self.tally.skips,
            "columns": self.terms,
            "extra": list(self.extra),
            "notes": list(self.notes),
            "message": self.message,
            "seconds": round(self.seconds, 3),
        }
