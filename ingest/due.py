"""When a feed is read: its own times, what was missed, how long one that fails waits; opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.times import Once

# The scheduler's library is imported where a time is asked for: an ingest by hand asks for none.

LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Due:
    """One feed of the settings."""

    name: str
    path: str
    every_seconds: int | None = None
    cron: str | None = None
    paused: bool = False
    told: Mapping[str, Any] = field(default_factory=dict)
    """What the ingest is told of it, by the names of its options."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is fetched, so that there is no file here to look at first."""
        return self.path.startswith(("http://", "https://"))

    def trigger(self) -> Once:
        """When it is read."""
        from ingest.times import by_cron, every

        return by_cron(self.cron) if self.cron else every(self.every_seconds or 3600)

    def first(self, now: datetime, last: Mapping[str, Any] | None) -> datetime:
        """When it is read first: at once if overdue, what fell due while nobody ran is made up once.

        ``last`` is its last run, as the ledger tells it.
        """
        return max(now, self._following(last, now) or now)

    def is_overdue(self, now: datetime, last: Mapping[str, Any] | None) -> bool:
        """Whether it should have been read long ago, even if it failed and was left alone for a while."""
        following = self._following(last, now)
        return not self.paused and following is not None and now - following > LONGEST_PAUSE

    def _following(self, last: Mapping[str, Any] | None, now: datetime) -> datetime | None:
        """The time after the start of its last run; None where there was none."""
        started = datetime.fromisoformat(last["startedAt"]) if last else None
        if started is None or started > now:  # a run in the future was dated by a wrong clock
            return None
        second = timedelta(seconds=1)
        following: datetime | None = self.trigger().regular.get_next_fire_time(started, started + second)
        return following


def pause(failures: int, shortest: float) -> timedelta:
    """How long a feed that failed so often in a row is left alone: ``shortest`` seconds, then twice that."""
    return min(timedelta(seconds=shortest * 2.0 ** min(failures - 1, 20)), LONGEST_PAUSE)
