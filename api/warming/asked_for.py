"""How often each question is asked: counted in memory, written once a minute to a file of this process.

Knows lines of requests and how often; knows nobody who asked, no answer and no database.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from heapq import nlargest
from multiprocessing.util import Finalize
from pathlib import Path
from urllib.parse import urlencode

from api.asking.query import pairs

PLACE = "/api/v1/reports/"
HOURS, MOST = 24, 200
"""For how long counts are kept, and how many questions of each hour."""
LONGEST_LINE = 1_000
_MOST_AT_ONCE = 2_000
_EVERY_SECONDS = 60.0
_HOUR_SECONDS = 3_600
_log = logging.getLogger("sightings.warming")


class AskedFor:
    """The counts of one process; its file lies in a folder that all processes of a site share.

    Memory and file are bounded whatever is asked: of more questions than fit those go that were asked least.
    """

    def __init__(
        self, folder: Path, every: float = _EVERY_SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder, self._every, self._clock = folder, every, clock
        self._counting, self._writing = threading.Lock(), threading.Lock()
        self._fresh: dict[str, int] = {}
        self._hours: dict[int, Counter[str]] = {}
        self._file: Path | None = None
        self._timer: threading.Timer | None = None
        self._failed = False

    def count(self, line: str, amount: int = 1) -> None:
        """Count a request line that was answered, ``path?query`` as it was sent; only those of reports count.

        Costs about a microsecond, never waits for the disk and never fails.
        """
        if len(line) > LONGEST_LINE or not line.startswith(PLACE):
            return
        with self._counting:
            if len(self._fresh) >= _MOST_AT_ONCE and line not in self._fresh:
                self._fresh = _leading(self._fresh, _MOST_AT_ONCE // 2)
            self._fresh[line] = self._fresh.get(line, 0) + amount
            if self._timer is None:
                self._begin()

    def _begin(self) -> None:
        """Have it written in a while; also at the end of this process, which does not wait for a timer."""
        if self._file is None:
            name = f"{time.time_ns():x}-{os.getpid()}.json"  # a number of a process comes again
            self._file = self._folder / name
            # Not atexit, which a process that was forked does not come by.
            Finalize(None, self.write, exitpriority=1)
        self._timer = threading.Timer(self._every, self.write)
        self._timer.daemon = True
        self._timer.start()

    def write(self) -> None:
        """Write what was counted; where that cannot be done, it is told once and the counts stay."""
        with self._counting:
            fresh, self._fresh, self._timer = self._fresh, {}, None
        if not fresh or self._file is None:
            return
        with self._writing:
            self._take_over(fresh)
            content = json.dumps({"hours": self._hours}, separators=(",", ":"))
            try:
                _write(self._file, content)
                self._failed = False
            except OSError as error:
                if not self._failed:
                    _log.warning("What is asked for cannot be written to %s: %s", self._folder, error)
                self._failed = True

    def close(self) -> None:
        """Write what was counted now, and not in a while."""
        with self._counting:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            self.write()

    def _take_over(self, fresh: dict[str, int]) -> None:
        """Add to the hour that it is, whose end of the day falls out."""
        now = int(self._clock() // _HOUR_SECONDS)
        counts = self._hours.setdefault(now, Counter())
        for line, amount in fresh.items():
            asked = canonical(line)
            if asked is not None:
                counts[asked] += amount
        self._hours[now] = Counter(_leading(counts, _MOST_AT_ONCE))
        for hour in list(self._hours):
            if not now - HOURS < hour <= now:
                del self._hours[hour]
            elif hour != now:
                self._hours[hour] = Counter(_leading(self._hours[hour], MOST))


def canonical(line: str) -> str | None:
    """A question in one spelling: parameters in one order, without the version that is waited for.

    None for what cannot be read. So a flood of spellings counts as what it is, and a chart whose address
    carries the version of its data counts as one.
    """
    path, _, query = line.partition("?")
    try:
        given = pairs(query.encode())
    except ValueError:
        return None
    kept = sorted(pair for pair in given if pair[0] != "v")
    return f"{path}?{urlencode(kept)}" if kept else path


def _leading(counts: dict[str, int], most: int) -> dict[str, int]:
    if len(counts) <= most:
        return counts
    return dict(nlargest(most, counts.items(), key=lambda one: one[1]))


def _write(path: Path, content: str) -> None:
    """So that whoever reads finds the old one or the new one, never half of it."""
    path.parent.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
