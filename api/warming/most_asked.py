"""What was asked for most in the last day, out of the files of all processes. Knows no database."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from api.warming.asked_for import HOURS, MOST

FEWEST = 2
"""What was asked for once may never be asked for again."""
_DAY_SECONDS = HOURS * 3_600
_LARGEST_BYTES = 32 << 20


def most_asked(folder: Path, now: float | None = None) -> list[str]:
    """Request lines, the most asked first, MOST at most; files that are older than a day are removed."""
    now = time.time() if now is None else now
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("*")):
        try:
            status = path.stat()
            if now - status.st_mtime > _DAY_SECONDS:
                path.unlink()
            elif path.suffix == ".json" and status.st_size <= _LARGEST_BYTES:
                counts.update(_of_the_day(path, int(now // 3_600)))
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            # gone by now, or written by nobody we know
            continue
    often = [(line, amount) for line, amount in counts.items() if amount >= FEWEST]
    return [line for line, _ in sorted(often, key=lambda one: (-one[1], one[0]))[:MOST]]


def _of_the_day(path: Path, hour: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for of_hour, counts in json.loads(path.read_bytes())["hours"].items():
        if hour - HOURS < int(of_hour) <= hour:
            found.update({str(line): int(amount) for line, amount in counts.items()})
    return found
