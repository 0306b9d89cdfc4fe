"""When each feed is to be heard of, by the settings, whose file is followed. Knows no database, no page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LEAST, _MOST = timedelta(minutes=1), timedelta(hours=1)
"""How late a reading may be before its feed counts as silent: as late as the next but one, within these."""
_OF_A_FILE = timedelta(days=1)
"""A file is read when it has changed, and at night or in bad weather nothing writes into it."""
_log = logging.getLogger("sightings.web")


@dataclass(frozen=True)
class Expected:
    """One feed of the settings that is read by a schedule."""

    name: str
    is_elsewhere: bool
    """Whether it is fetched: then the ledger has each reading, whether there was anything new or not."""
    every_seconds: int | None = None
    cron: str | None = None
    silent_after_seconds: int | None = None
    """What the operator said of its silence; None where that follows from the schedule."""

    def again(self, heard: datetime) -> datetime:
        """When it was to be heard of again, after a reading of it ended well."""
        if self.silent_after_seconds is not None:
            return heard + timedelta(seconds=self.silent_after_seconds)
        due = self._following(heard)
        return due if self.is_elsewhere else max(due, heard + _OF_A_FILE)

    def silent(self, heard: datetime) -> datetime:
        """From when on it counts as silent, if nothing more is heard."""
        again = self.again(heard)
        if self.silent_after_seconds is not None:
            return again
        return again + min(max(self._following(again) - again, _LEAST), _MOST)

    def _following(self, moment: datetime) -> datetime:
        """The next time of its schedule."""
        if self.cron is None:
            return moment + timedelta(seconds=self.every_seconds or 0)
        from apscheduler.triggers.cron import CronTrigger  # here, because few sites have such a feed

        trigger = CronTrigger.from_crontab(self.cron, timezone=UTC)
        following: datetime | None = trigger.get_next_fire_time(None, moment + timedelta(seconds=1))
        return following or moment + timedelta(days=366)


Feeds = tuple[Expected, ...]


class Followed:
    """The feeds of a file of settings; they are read again when it has changed."""

    def __init__(self, file: Path, feeds: Feeds, read: Callable[[], Feeds]) -> None:
        """``feeds`` are those of now; ``read`` raises ValueError, with a sentence, where they are no good."""
        self._file, self._feeds, self._read = file, feeds, read
        self._known = self._state()

    def __call__(self) -> Feeds:
        """The feeds of now; of when the file was last good, where it is not."""
        state = self._state()
        if state != self._known:
            self._known = state
            try:
                self._feeds = self._read()
            except (ValueError, OSError) as error:
                _log.error("the feeds that are watched stay as they were: %s", error)
        return self._feeds

    def _state(self) -> tuple[int, int, int] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns
