"""The scheduler: reads the inbox and the feeds when they are due, in their own processes; knows no formats.

It keeps no job store: what is due follows from the settings and the ledger, so a scheduler that dies has lost
nothing.
"""

from __future__ import annotations

import json
import logging
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ingest.inbox import Inbox, State, still
from ingest.source import Unreadable, find

LOCKED = 75
"""What the ingest command answers when another ingester holds the lock (EX_TEMPFAIL)."""
STOPPED = (130, 143)
"""What it answers when it was told to stop, by SIGINT or SIGTERM."""
_STOP_SECONDS = 8
_TRIES = 2
log = logging.getLogger("sightings.schedule")


@dataclass(frozen=True)
class Due:
    """One feed of the settings."""

    name: str
    path: str
    arguments: tuple[str, ...]
    """What the ingest command is told besides the paths."""
    every_seconds: int | None = None
    cron: str | None = None
    last_run: datetime | None = None

    def trigger(self) -> BaseTrigger:
        """When it is read."""
        if self.cron:
            return CronTrigger.from_crontab(self.cron, timezone=UTC)
        return IntervalTrigger(seconds=self.every_seconds or 3600, timezone=UTC)

    def first(self, now: datetime) -> datetime:
        """When it is read first: at once if overdue, what fell due while nobody ran is made up once."""
        if self.last_run is None:
            return now
        following = self.trigger().get_next_fire_time(self.last_run, self.last_run + timedelta(seconds=1))
        return max(now, following) if following else now


class _Locked(Exception):
    """Another ingest is running; whatever is due has to wait."""


class Schedule:
    """The jobs of one process; ``run`` blocks until ``stop``."""

    def __init__(
        self,
        command: Sequence[str],
        inbox: Inbox,
        feeds: Sequence[Due],
        inbox_every: float,
        settle_seconds: float,
        deadline: float,
    ) -> None:
        """``command`` is the ingest command as words, to which ``--feed``, options and paths are added."""
        self._command, self._inbox, self._feeds = list(command), inbox, feeds
        self._inbox_every, self._settle, self._deadline = inbox_every, settle_seconds, deadline
        self._child: subprocess.Popen[str] | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._seen: dict[Path, State] = {}
        self._broke: Counter[tuple[Path, State]] = Counter()
        """How often each file has taken too long or brought its ingest down, as it is now."""
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
        scheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        now = datetime.now(UTC)
        scheduler.add_job(
            self.read_inbox,
            IntervalTrigger(seconds=self._inbox_every, timezone=UTC),
            id="inbox",
            next_run_time=now,
        )
        for feed in self._feeds:
            scheduler.add_job(
                self.read_feed, feed.trigger(), [feed], id=feed.name, next_run_time=feed.first(now)
            )
        scheduler.start()
        log.info("schedule started: the inbox %s and %d feeds", self._inbox.folder, len(self._feeds))
        self._stopping.wait()
        self._end_child()
        scheduler.shutdown(wait=True)

    def stop(self) -> None:
        """End ``run``: the ingest that is under way is ended too, and leaves nothing half done."""
        self._stopping.set()

    def read_inbox(self) -> None:
        """Ingest every file of the inbox that is ready, and move it."""
        for feed, files in self._inbox.ready(self._settle).items():
            told = ["--feed", feed] if feed else []
            for file, state in still(files, 0).items():
                try:
                    outcome = self._ingest(told, file, state)
                except _Locked:
                    return
                if outcome:
                    self._put_away(file, outcome)

    def _put_away(self, file: Path, outcome: dict[str, Any]) -> None:
        try:
            if outcome["status"] in ("failed", "needs_approval"):
                self._inbox.refuse(file, outcome["message"])
            else:
                self._inbox.finish(file)
        except OSError as error:
            log.warning("%s was read and cannot be moved: %s", file, error)

    def read_feed(self, feed: Due) -> None:
        """Ingest what is at a feed's path, unless nothing there has changed since this process read it.

        What still grows, breaks its ingest, or finds another one running, is looked at again with the inbox:
        its own time may come round in a day only.
        """
        try:
            there = {source.path for source in find([feed.path])}
        except Unreadable as error:
            log.warning("feed %s: %s", feed.name, error)
            return
        files = still(there, self._settle)
        fresh = {file: state for file, state in files.items() if self._seen.get(file) != state}
        try:
            for file, state in fresh.items():
                if self._ingest(["--feed", feed.name, *feed.arguments], file, state):
                    self._seen[file] = state
        except _Locked:
            pass  # what was not seen is looked at again
        if there - files.keys() or any(self._seen.get(file) != state for file, state in fresh.items()):
            self._again(feed)

    def _again(self, feed: Due) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=self._inbox_every)
        again = {"id": f"{feed.name} again", "replace_existing": True, "next_run_time": soon}
        with self._starting:  # a scheduler that shuts down waits for us, and would let us wait for it
            if not self._stopping.is_set():
                self._scheduler.add_job(self.read_feed, DateTrigger(soon), [feed], **again)

    def _ingest(self, told: Sequence[str], file: Path, state: State) -> dict[str, Any] | None:
        """Run the ingest command on one file; what became of it, or None if that is to be tried again.

        Each file has a process of its own, so that one which breaks it stops no other. Raises _Locked.
        """
        words = [*self._command, "--json", *told, "--", str(file)]
        with self._starting:
            if self._stopping.is_set():
                return None
            child = self._child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        late = False
        with child:
            try:
                out, _ = child.communicate(timeout=self._deadline)
            except subprocess.TimeoutExpired:
                self._end_child()
                out, late = "", True
            finally:
                code, self._child = child.returncode, None
        if code in STOPPED:
            out = ""  # its answer is that it did not get to the end
        if self._stopping.is_set() and (code < 0 or code in STOPPED):
            return None
        if code == LOCKED:
            log.info("another ingest is running; %s waits for the next time", file)
            raise _Locked
        try:
            (run,) = json.loads(out)["runs"]
        except (ValueError, KeyError):
            return self._broken(file, state, code, late)
        log.info("ingest %s", json.dumps({key: run[key] for key in ("input", "feed", "status", "message")}))
        return dict(run)

    def _broken(self, file: Path, state: State, code: int, late: bool) -> dict[str, Any] | None:
        """A failure, if the file has broken its ingest too often; else None.

        One that ends by itself without an answer had no database or no disk: that is no fault of the file.
        """
        what = f"took longer than {self._deadline:g} s" if late else f"ended with code {code} and no answer"
        log.error("the ingest of %s %s", file, what)
        self._broke[file, state] += late or code < 0 or code in STOPPED
        if self._broke[file, state] < _TRIES:
            return None
        del self._broke[file, state]
        log.error("%s is not read again until it changes", file)
        return {"status": "failed", "message": f"The ingest of {file} {what}, and had failed so before."}

    def _end_child(self) -> None:
        with self._starting:
            child = self._child
        if child is None:
            return
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _tell(event: JobEvent) -> None:
    log.warning(
        "job %s: %s", event.job_id, getattr(event, "exception", None) or "skipped, the last one still runs"
    )
