"""One round of warming: what the page shows and what is asked most is made, where it is not kept yet.

It is made as for a request, under the same key, by the same functions: so what a commit did not touch is not
made again. Works in one thread, takes a slot only where one is free, and never waits in front of anybody.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from flask import Flask
from werkzeug.exceptions import NotFound

from api.answering.answers import fetch, look, order
from api.answering.order import Behind, NothingKnown, Order, key
from api.asking.query import BadParameter, pairs, read
from api.keeping.flight import Busy
from api.page import ready
from api.page.query import PageParameters
from api.site import site
from api.speech import ENGLISH, languages, speaking
from api.warming.asked_for import PLACE
from api.warming.most_asked import most_asked
from db.filters import NotYet

PAGE = "/"
SECONDS = 60.0
"""How long a round may take."""
POLITE_SECONDS = 0.25
"""How long it keeps away where no slot is free."""
GAP_SECONDS = 0.02
"""Between two, so that whoever waits for a slot gets it."""
Wait = Callable[[float], bool]
"""Waits so many seconds, and tells whether to stop."""


_UNANSWERABLE = (NotFound, BadParameter, Behind, NothingKnown, NotYet)
"""What was answered once, and is not any more."""


class Overtaken(Exception):
    """A later commit is here, and what is asked for now is something else."""


class NotKept(Exception):
    """The cache keeps nothing, so that there is no use in going on."""


@dataclass
class Round:
    """What became of one round."""

    version: int = -1
    """The data version that it was for; -1 where nothing could be asked."""
    made: int = 0
    kept: int = 0
    """What was there already."""
    left: int = 0
    """What was not come to, because of a later commit or for want of time."""
    failures: list[str] = field(default_factory=list)

    def told(self) -> str:
        """All of it in one sentence."""
        left = f", {self.left} left" if self.left else ""
        failed = f", {len(self.failures)} failed: {self.failures[0]}" if self.failures else ""
        return f"Version {self.version}: {self.made} made, {self.kept} there already{left}{failed}."


def warm(app: Flask, asked: Path, wait: Wait, seconds: float = SECONDS) -> Round:
    """Make the page, its pictures, and what is asked most by the counts in this folder."""
    lines = most_asked(asked)
    with app.test_request_context(PAGE):
        return _Warming(wait).through([*pages(lines), *lines], time.monotonic() + seconds)


def pages(asked: Sequence[str]) -> list[str]:
    """The page, and after ``#`` each other language that pictures were asked for in, for its browsers."""
    spoken = {value for line in asked for value in parse_qs(line.partition("?")[2]).get("lang", ())}
    return [PAGE, *(f"{PAGE}#{tag}" for tag in languages() if tag != ENGLISH and tag in spoken)]


class _Warming:
    """A round under way."""

    def __init__(self, wait: Wait) -> None:
        self._wait, self._done = wait, Round()
        self._queue: deque[str] = deque()
        self._seen: set[str] = set()

    def through(self, lines: list[str], deadline: float) -> Round:
        """Answer these lines, and what the page among them shows right after it."""
        self._queue.extend(lines)
        stop = False
        while self._queue and not stop and time.monotonic() < deadline:
            stop = self._next(self._queue.popleft())
        self._done.left = len(self._queue)
        return self._done

    def _next(self, line: str) -> bool:
        """Answer one; whether to stop after it."""
        began = time.monotonic()
        try:
            path, _, tag = line.partition("#")
            made = self._page(tag or ENGLISH) if path == PAGE else self._report(line)
        except Busy:
            self._queue.append(line)
            return self._wait(POLITE_SECONDS)
        except Overtaken:
            self._queue.append(line)
            return True
        except _UNANSWERABLE:
            return False
        except Exception as error:  # noqa: BLE001 what cannot be made is no reason to leave the others
            self._done.failures.append(f"{line}: {type(error).__name__}: {error}")
            return isinstance(error, NotKept)
        return self._wait(_rest(time.monotonic() - began)) if made else False

    def _page(self, language: str) -> bool:
        with speaking(language):
            page = ready(read(PageParameters, []))
        self._done.version = page.data_version
        self._queue.extendleft(reversed(page.pictures))
        return self._tally(page.made)

    def _report(self, line: str) -> bool:
        wanted = ordered(line)
        ground = look(wanted)
        if ground.scope.as_of is None:
            if ground.data_version > self._done.version >= 0:
                raise Overtaken
            self._done.version = ground.data_version
        asked = key(wanted, ground)
        if asked in self._seen:
            return False
        made = site().cache.get(asked) is None
        if made and site().cache.get(fetch(wanted, ground)[0].key) is None:
            raise NotKept("the cache keeps nothing")
        self._seen.add(asked)
        return self._tally(made)

    def _tally(self, made: bool) -> bool:
        self._done.made += made
        self._done.kept += not made
        return made


def ordered(line: str) -> Order:
    """What a request line of a report orders. Raises NotFound or BadParameter."""
    path, _, query = line.partition("?")
    name, _, form = path.removeprefix(PLACE).partition(".")
    return order(name, form, pairs(query.encode()))


def _rest(worked: float) -> float:
    """How long to rest after so much work, in seconds: where there is one core, half of it is for others."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(GAP_SECONDS, worked if cores == 1 else 0.0)
