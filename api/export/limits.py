"""How large an export may become and how long it may take, and when it is given up. Knows no record."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import BinaryIO

SAMPLE = 1_000
"""So many records say how large all of them will be."""
_CERTAIN = 3.0
"""How far beyond the limit an export must look by its sample for it not to be tried: few take more each."""
_LIKELY = 1.5
"""And how far after its first chunks for its end not to be waited for."""
_ADVICE = "narrow the filters, by year or feed for instance, or use manage.py export where the database lies."


class TooLarge(Exception):
    """There is more than may be sent; the message says how much, and what to do."""


@dataclass(frozen=True)
class Limit:
    """How large a file may become, and what is said where it becomes larger."""

    file: BinaryIO
    most_bytes: int | None
    most_seconds: float | None
    records: int
    began: float = field(default_factory=time.monotonic)

    def expect(self, size: int) -> None:
        """Refuse to begin where a sample of this size says clearly enough how it will end."""
        expected = size * self.records / SAMPLE
        self.refuse(expected / _CERTAIN, expected)

    def look(self, done: int) -> None:
        """Refuse to go on with a file that is too large with so many records, or will be."""
        size = self.file.tell()
        expected = size * self.records / done
        self.refuse(max(size, expected / _LIKELY), expected)
        if self.most_seconds is not None and time.monotonic() - self.began > self.most_seconds:
            raise TooLarge(
                f"These {self.records:,} records take longer than {self.most_seconds:g} seconds: {_ADVICE}"
            )

    def refuse(self, size: float, expected: float = 0) -> None:
        """Raise TooLarge for a file of more bytes than it may have."""
        if self.most_bytes is None or size <= self.most_bytes:
            return
        about = max(size, expected) / 1e6
        raise TooLarge(
            f"These {self.records:,} records would be about {about:,.3g} MB, and at most"
            f" {self.most_bytes / 1e6:,.3g} MB are sent: {_ADVICE}"
        )
