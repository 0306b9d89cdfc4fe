"""Reads the inbox or a feed now, each file in a process of its own, and says how it went; knows no time."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ingest.due import Due
from ingest.schedule.child import Answer, Child
from ingest.schedule.inbox import Inbox, State, still
from ingest.sources.source import Unreadable, find
from ingest.sources.unfinished import WAITS

INBOX = "the inbox"
Went = Literal["well", "badly", "later"]
"""How a reading went: ``later`` is to be tried again soon, and nobody's fault."""
_TRIES = 2
_GOOD = ("committed", "unchanged")
_TOLD = (
    *("feed", "input", "status", "run", "read", "inserted", "updated", "duplicate", "rejected", "skipped"),
    *("dataVersion", "seconds", "message"),
)
log = logging.getLogger("sightings.schedule")
Runs = Sequence[dict[str, Any]]
"""What the ingest command says of each of its inputs."""


class _Locked(Exception):
    """Another ingest is running; whatever is due has to wait."""


class Reader:
    """Remembers what it has read, so that only what has changed is read again."""

    def __init__(self, child: Child, inbox: Inbox, settle_seconds: float) -> None:
        """``child`` runs the ingest command, which is told a feed's name and a file."""
        self._child, self._inbox, self._settle = child, inbox, settle_seconds
        self.seen: dict[str, dict[Path, State]] = {}
        """Feed -> its files as they were when they were read."""
        self.missed: Counter[str] = Counter()
        """How often each was due while something was still being read, since the last line about it."""
        self._broke: dict[Path, tuple[State, int]] = {}
        """How often each file has taken too long or brought its ingest down, as it is now."""
        self._waiting = False

    def read_inbox(self) -> None:
        """Ingest every file of the inbox that is ready, and move it."""
        for feed, files in self._inbox.ready(self._settle).items():
            told = ["--feed", feed] if feed else []
            for file, state in still(files, 0).items():
                try:
                    runs = self._ingest(INBOX, told, file, state)
                except _Locked:
                    return
                # One that went on growing stays: what is new in it would be put away unread.
                waits = any(WAITS in run.get("notes", ()) for run in runs or ())
                if runs is not None and not waits and still([file], 0).get(file) == state:
                    self._put_away(file, runs)
        self._broke = {file: broke for file, broke in self._broke.items() if file.exists()}

    def _put_away(self, file: Path, runs: Runs) -> None:
        bad = [run["message"] for run in runs if run["status"] not in _GOOD]
        try:
            if bad:
                self._inbox.refuse(file, "\n".join(bad))
            else:
                self._inbox.finish(file)
        except OSError as error:
            log.warning("%s was read and cannot be moved: %s", file, error)

    def read_feed(self, feed: Due) -> Went:
        """Ingest what is at a feed's path, unless nothing there has changed since it was read."""
        try:
            return self._read_url(feed) if feed.is_elsewhere else self._read_files(feed)
        except _Locked:
            return "later"
        except Unreadable as error:
            log.warning("feed %s: %s", feed.name, error)
        except Exception as error:
            log.error("feed %s could not be read", feed.name, exc_info=error)
        return "badly"

    def _read_url(self, feed: Due) -> Went:
        runs = self._ingest(feed.name, ["--feed", feed.name])
        return "well" if runs is not None and all(run["status"] in _GOOD for run in runs) else "badly"

    def _read_files(self, feed: Due) -> Went:
        """Badly if there is something new and nothing of it could be kept; later if something still grows."""
        there = {source.path for source in find([feed.path], self._inbox.is_bundle)}
        files = still(there, self._settle)
        before = self.seen.get(feed.name, {})
        seen = self.seen[feed.name] = {file: before[file] for file in there & before.keys()}
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

    def _ingest(
        self, job: str, told: Sequence[str], file: Path | None = None, state: State = (0, 0)
    ) -> Runs | None:
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
        self._tell(job, answer.runs)
        return answer.runs

    def _tell(self, job: str, runs: Runs) -> None:
        """One line for each input, and how often it was due meanwhile."""
        missed = self.missed.pop(job, 0)
        for run in runs:
            line = {key: run[key] for key in _TOLD if run.get(key) not in (None, "")}
            more = {"missed": missed} if missed else {}
            log.info("ingest %s", json.dumps(line | more, ensure_ascii=False))

    def _wait(self, job: str, answer: Answer) -> None:
        """Say it once however often it is tried: the other one may take hours. Raises _Locked."""
        if not self._waiting:
            log.info("%s waits: %s", job, answer.told.removeprefix("Error: "))
        self._waiting = True
        raise _Locked

    def _broken(self, job: str, file: Path | None, state: State, answer: Answer) -> Runs | None:
        """A failure, if the file has broken its ingest too often; else None."""
        what = f"ended with code {answer.code} and no answer"
        if answer.late:
            what = f"took longer than {self._child.deadline:g} s"
        log.error("the ingest of %s %s%s", file or job, what, f": {answer.told}" if answer.told else "")
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
