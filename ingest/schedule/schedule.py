"""The scheduler: has the inbox and the feeds read when they are due, one at a time; knows no files.

It keeps no job store: what is due follows from the settings and the ledger, so a scheduler that dies has lost
nothing. Its clock is the machine's, which may sleep or be set; once a second it looks whether that happened.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ingest.due import Due, pause
from ingest.schedule.child import Child
from ingest.schedule.inbox import Inbox
from ingest.schedule.reading import INBOX, Reader, Went
from ingest.times import Once, after_jump

_PULSE_SECONDS = 1.0
_JUMP = timedelta(seconds=5)
"""By less the clock is only being corrected."""
log = logging.getLogger("sightings.schedule")


class Schedule:
    """The jobs of one process; ``run`` blocks until ``stop``."""

    def __init__(
        self,
        child: Child,
        inbox: Inbox,
        feeds: Sequence[Due],
        inbox_every: float,
        settle_seconds: float,
        last: Mapping[str, Mapping[str, Any]] | None = None,
        changed: Callable[[], Sequence[Due] | None] = lambda: None,
    ) -> None:
        """``child`` runs the ingest command, which is told a feed's name and a file.

        ``last`` is the last run of each feed, as the ledger tells it. ``changed`` is asked once a second: the
        feeds of settings that have changed, None where they have not; it raises ValueError, with a sentence,
        where they cannot be used. Times are in seconds.
        """
        self._child, self._inbox, self._changed = child, inbox, changed
        self._feeds, self._last, self._inbox_every = _by_name(feeds), last or {}, inbox_every
        self._reader = Reader(child, inbox, settle_seconds)
        self._planning, self._stopping = threading.Lock(), threading.Event()
        self._failures: Counter[str] = Counter()
        """How often each feed has failed in a row."""
        self._offset = _offset()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # One thread: two ingests at a time would only wait for each other's lock.
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def run(self) -> None:
        """Read the inbox and the feeds until told to stop."""
        self._inbox.folder.mkdir(parents=True, exist_ok=True)
        scheduler = self._scheduler
        scheduler.add_listener(self._count_missed, EVENT_JOB_MAX_INSTANCES)
        every = Once(IntervalTrigger(seconds=self._inbox_every, timezone=UTC))
        scheduler.add_job(self._reader.read_inbox, every, id=INBOX, next_run_time=datetime.now(UTC))
        for feed in self._feeds.values():
            self._begin(feed, self._last.get(feed.name))
        scheduler.start()
        log.info("schedule started: the inbox %s and %d feeds", self._inbox.folder, len(self._feeds))
        while not self._stopping.wait(_PULSE_SECONDS):
            self._follow_clock()
            self._follow_settings()
        self._child.stop()
        with self._planning:  # whoever plans has done so then, and nobody begins: shutdown would wait for him
            pass
        scheduler.shutdown(wait=True)

    def stop(self) -> None:
        """End ``run``: the ingest that is under way is ended too, and leaves nothing half done."""
        self._stopping.set()

    def _begin(self, feed: Due, last: Mapping[str, Any] | None = None) -> None:
        first = feed.first(datetime.now(UTC), last)
        self._scheduler.add_job(self._read_feed, feed.trigger(), [feed], id=feed.name, next_run_time=first)

    def _follow_clock(self) -> None:
        """Where the clock was set, or stood still while the machine slept, plan accordingly."""
        jump = timedelta(seconds=_offset() - self._offset)
        self._offset += jump.total_seconds()
        if abs(jump) < _JUMP:
            return
        log.warning("the clock was set by %d s", jump.total_seconds())
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs() if jump < timedelta() else ():
            with suppress(JobLookupError):
                job.modify(next_run_time=after_jump(job.trigger, job.next_run_time, jump, now))
        self._scheduler.wakeup()

    def _follow_settings(self) -> None:
        """Where the settings have changed, begin, change and end feeds; else go on as before."""
        try:
            feeds = self._changed()
        except (ValueError, OSError) as error:
            log.error("the feeds stay as they were: %s", error)
            return
        if feeds is None:
            return
        old, self._feeds = self._feeds, _by_name(feeds)
        for name in [name for name in old if self._feeds.get(name) != old[name]]:
            self._failures.pop(name, None)
            self._reader.seen.pop(name, None)
            with suppress(JobLookupError):
                self._scheduler.remove_job(name)
        for name in [name for name in self._feeds if self._feeds[name] != old.get(name)]:
            self._begin(self._feeds[name])
        log.info("the settings have changed: %d feeds", len(self._feeds))

    def _read_feed(self, feed: Due) -> None:
        self._plan(feed.name, self._reader.read_feed(feed))

    def _plan(self, name: str, went: Went) -> None:
        """Have a feed read sooner, or later, than in its own time.

        What still grows or found another ingest running is looked at again with the inbox: its own time may
        come round in a day only. A feed that fails is left alone for longer and longer.
        """
        if went == "well":
            self._failures.pop(name, None)
            return
        self._failures[name] += went == "badly"
        wait = pause(self._failures[name] if went == "badly" else 1, self._inbox_every)
        with self._planning:  # a scheduler that shuts down waits for us, and would let us wait for it
            job = None if self._stopping.is_set() else self._scheduler.get_job(name)
            if job is None:  # its feed was removed
                return
            then = datetime.now(UTC) + wait
            with suppress(JobLookupError):
                job.modify(next_run_time=then if went == "badly" else min(then, job.next_run_time))

    def _count_missed(self, event: JobEvent) -> None:
        self._reader.missed[event.job_id] += 1


def _by_name(feeds: Sequence[Due]) -> dict[str, Due]:
    """Those that are to be read."""
    return {feed.name: feed for feed in feeds if not feed.paused}


def _offset() -> float:
    """How far the machine's clock is from the one that nobody can set, in seconds."""
    return time.time() - time.monotonic()
