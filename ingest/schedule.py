"""The scheduler: reads the inbox and the feeds when they are due, in their own processes; knows no formats.

It keeps no job store: what is due follows from the settings and the ledger, so a scheduler that dies has lost
nothing. Its clock is the machine's, which may sleep or be set; once a second it looks whether that happened.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ingest.child import Answer, Child
from ingest.due import Due, Once, after_jump, pause
from ingest.inbox import Inbox, State, still
from ingest.source import Unreadable, find

INBOX = "the inbox"
_PULSE_SECONDS = 1.0
_JUMP = timedelta(seconds=5)
"""By less the clock is only being corrected."""
_TRIES = 2
_GOOD = ("committed", "unchanged")
_TOLD = (
    *("feed", "input", "status", "run", "read", "inserted", "updated", "duplicate", "rejected", "skipped"),
    *("dataVersion", "seconds", "message"),
)
Went = Literal["well", "badly", "later"]
"""How a reading went: ``later`` is to be tried again soon, and nobody's fault."""
log = logging.getLogger("sightings.schedule")


class _Locked(Exception):
    """Another ingest is running; whatever is due has to wait."""


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
        self._feeds, self._last = _by_name(feeds), last or {}
        self._inbox_every, self._settle = inbox_every, settle_seconds
        self._planning = threading.Lock()
        self._stopping = threading.Event()
        self._seen: dict[str, dict[Path, State]] = {}
        """Feed -> its files as they were when this process read them."""
        self._broke: dict[Path, tuple[State, int]] = {}
        """How often each file has taken too long or brought its ingest down, as it is now."""
        self._failures: Counter[str] = Counter()
        """How often each feed has failed in a row."""
        self._missed: Counter[str] = Counter()
        """How often something was due while it was still being read, since the last line about it."""
        self._waiting = False
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
        scheduler.add_job(self.read_inbox, every, id=INBOX, next_run_time=datetime.now(UTC))
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
        job = {"id": feed.name, "replace_existing": True, "next_run_time": first}
        self._scheduler.add_job(self.read_feed, feed.trigger(), [feed], **job)

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
        except ValueError as error:
            log.error("the feeds stay as they were: %s", error)
            return
        if feeds is None:
            return
        old, self._feeds = self._feeds, _by_name(feeds)
        for name in old.keys() - self._feeds.keys():
            with suppress(JobLookupError):
                self._scheduler.remove_job(name)
        for name in [name for name, feed in self._feeds.items() if old.get(name) != feed]:
            self._failures.pop(name, None)
            self._seen.pop(name, None)
            self._begin(self._feeds[name])
        log.info("the settings have changed: %d feeds", len(self._feeds))

    def read_inbox(self) -> None:
        """Ingest every file of the inbox that is ready, and move it."""
        for feed, files in self._inbox.ready(self._settle).items():
            told = ["--feed", feed] if feed else []
            for file, state in still(files, 0).items():
                try:
                    runs = self._ingest(INBOX, told, file, state)
                except _Locked:
                    return
                if runs is not None:
                    self._put_away(file, runs)
        self._broke = {file: broke for file, broke in self._broke.items() if file.exists()}

    def _put_away(self, file: Path, runs: Sequence[dict[str, Any]]) -> None:
        bad = [run["message"] for run in runs if run["status"] not in _GOOD]
        try:
            if bad:
                self._inbox.refuse(file, "\n".join(bad))
            else:
                self._inbox.finish(file)
        except OSError as error:
            log.warning("%s was read and cannot be moved: %s", file, error)

    def read_feed(self, feed: Due) -> None:
        """Ingest what is at a feed's path, unless nothing there has changed since this process read it.

        What still grows or finds another ingest running is looked at again with the inbox: its own time may
        come round in a day only. A feed that fails is left alone for longer and longer.
        """
        try:
            went = self._read_url(feed) if feed.is_elsewhere else self._read_files(feed)
        except _Locked:
            went = "later"
        except Unreadable as error:
            log.warning("feed %s: %s", feed.name, error)
            went = "badly"
        except Exception as error:
            log.error("feed %s could not be read", feed.name, exc_info=error)
            went = "badly"
        self._plan(feed.name, went)

    def _read_url(self, feed: Due) -> Went:
        runs = self._ingest(feed.name, ["--feed", feed.name])
        return "well" if runs is not None and all(run["status"] in _GOOD for run in runs) else "badly"

    def _read_files(self, feed: Due) -> Went:
        """Badly if there is something new and nothing of it could be kept."""
        there = {source.path for source in find([feed.path])}
        files = still(there, self._settle)
        before = self._seen.get(feed.name, {})
        seen = self._seen[feed.name] = {file: before[file] for file in there & before.keys()}
        fresh = {file: state for file, state in files.items() if seen.get(file) != state}
        kept = not fresh
        for file, state in fresh.items():
            runs = self._ingest(feed.name, ["--feed", feed.name], file, state)
            if runs is not None:
                seen[file] = state
                kept |= any(run["status"] in _GOOD for run in runs)
        if not kept:
            return "badly"
        unread = any(seen.get(file) != state for file, state in fresh.items())
        return "later" if unread or there - files.keys() else "well"

    def _plan(self, name: str, went: Went) -> None:
        """Have a feed read sooner, or later, than in its own time."""
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

    def _ingest(
        self, job: str, told: Sequence[str], file: Path | None = None, state: State = (0, 0)
    ) -> list[dict[str, Any]] | None:
        """Run the ingest command; what became of each input, or None if that is to be tried again.

        Each file has a process of its own, so that one which breaks it stops no other. Raises _Locked.
        """
        answer = self._child.ingest(*told, *(["--", str(file)] if file else []))
        if answer is None:
            return None
        if answer.is_locked:
            self._wait(job, answer)
        self._waiting = False
        if answer.runs is None:
            return self._broken(job, file, state, answer)
        self._broke.pop(file or Path(), None)
        missed = self._missed.pop(job, 0)
        for run in answer.runs:
            line = {key: run[key] for key in _TOLD if run.get(key) not in (None, "")}
            log.info(
                "ingest %s", json.dumps(line | ({"missed": missed} if missed else {}), ensure_ascii=False)
            )
        return answer.runs

    def _wait(self, job: str, answer: Answer) -> None:
        """Say it once however often it is tried: the other one may take hours. Raises _Locked."""
        if not self._waiting:
            log.info("%s waits: %s", job, answer.told.removeprefix("Error: "))
        self._waiting = True
        raise _Locked

    def _broken(
        self, job: str, file: Path | None, state: State, answer: Answer
    ) -> list[dict[str, Any]] | None:
        """A failure, if the file has broken its ingest too often; else None."""
        what = f"ended with code {answer.code} and no answer"
        if answer.late:
            what = f"took longer than {self._child.deadline:g} s"
        log.error("the ingest of %s %s %s", file or job, what, f"({answer.told})" if answer.told else "")
        if file is None or not answer.was_brought_down:
            return None
        before, times = self._broke.pop(file, (state, 0))
        times = times + 1 if before == state else 1
        if times < _TRIES:
            self._broke[file] = state, times
            return None
        log.error("%s is not read again until it changes", file)
        message = f"The ingest of {file} {what}, and had failed so before."
        return [{"status": "failed", "message": message}]

    def _count_missed(self, event: JobEvent) -> None:
        self._missed[event.job_id] += 1


def _by_name(feeds: Sequence[Due]) -> dict[str, Due]:
    """Those that are to be read."""
    return {feed.name: feed for feed in feeds if not feed.paused}


def _offset() -> float:
    """How far the machine's clock is from the one that nobody can set, in seconds."""
    return time.time() - time.monotonic()
