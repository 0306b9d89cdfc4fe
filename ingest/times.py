"""The times of a schedule, as APScheduler finds them: of a cron line, of an interval; knows no feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger


class Once(BaseTrigger):  # type: ignore[misc]
    """A trigger all of whose missed times are one.

    The library walks from the last time to now. A clock that was set on by years, as on a small computer that
    starts without one, must not cost a walk over millions of times.
    """

    def __init__(self, regular: BaseTrigger) -> None:
        self.regular = regular

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The time after ``previous``, or the next from now on where that has gone by."""
        following: datetime | None = self.regular.get_next_fire_time(previous, now)
        if previous is None or following is None or following > now:
            return following
        late: datetime | None = self.regular.get_next_fire_time(None, now + timedelta(microseconds=1))
        return late


def by_cron(line: str) -> Once:
    """The times of a cron line, in UTC. Raises ValueError for what is none."""
    return Once(CronTrigger.from_crontab(line, timezone=UTC))


def every(seconds: int) -> Once:
    """Times so many seconds apart."""
    return Once(IntervalTrigger(seconds=seconds, timezone=UTC))


def after_jump(trigger: Once, planned: datetime, jump: timedelta, now: datetime) -> datetime:
    """When a job runs that was planned so, after the clock was set back by ``jump`` (which is negative).

    A feed of every ten minutes is read within ten; one of 6 o'clock is read at six by the new clock.
    """
    if isinstance(trigger.regular, CronTrigger):
        return min(planned, trigger.regular.get_next_fire_time(None, now) or planned)
    return max(now, planned + jump)
