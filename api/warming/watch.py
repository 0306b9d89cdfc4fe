"""Rounds of warming, one after each commit and one when a new hour opens new buckets. Knows no answer."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import cast

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from api.site import Site
from api.warming.warm import Round, warm
from db.watch import newest

PULSE_SECONDS = 0.5
_AFTER_FAILURE_SECONDS = 5.0
log = logging.getLogger("sightings.warming")


class WarmUp:
    """The rounds of one site; ``watch`` blocks until ``stop``."""

    def __init__(self, app: Flask, asked: Path) -> None:
        """``asked`` is the folder in which the servers write what they were asked for."""
        self._app, self._asked = app, asked
        self._site = cast(Site, app.extensions["sightings"])
        self._stopped = False
        self._told: SimpleQueue[None] = SimpleQueue()
        self._unreadable = False
        self._complaint = ""

    def once(self) -> Round:
        """One round."""
        return warm(self._app, self._asked, self._wait)

    def watch(self) -> None:
        """A round now, and another whenever what would be asked for now has another key."""
        last, pause = None, 0.0
        while not self._wait(pause):
            moment = self._moment()
            pause = _AFTER_FAILURE_SECONDS if moment is None else PULSE_SECONDS
            if moment not in (None, last):
                last = moment
                self._tell(self.once())

    def stop(self) -> None:
        """End ``watch`` after what is being made. A signal may call it at any moment.

        So nothing here is an Event: to set one takes a lock, which the thread that is interrupted may hold.
        """
        self._stopped = True
        self._told.put(None)

    def _wait(self, seconds: float) -> bool:
        """Wait so long, or until it is told to stop, and tell whether it is."""
        if seconds > 0 and not self._stopped:
            with suppress(Empty):
                self._told.get(timeout=seconds)
        return self._stopped

    def _moment(self) -> tuple[object, str] | None:
        """The newest commit, and the hour at the site; None where the database does not tell."""
        try:
            with self._site.reader.begin() as connection:
                commit = newest(connection)
        except SQLAlchemyError as error:
            if not self._unreadable:
                log.warning("Nothing is warmed while the database cannot be read: %s", error)
            self._unreadable = True
            return None
        self._unreadable = False
        return commit, datetime.now(self._site.zone).strftime("%Y-%m-%d %H")

    def _tell(self, done: Round) -> None:
        complaint = done.failures[0] if done.failures else ""
        if complaint and complaint != self._complaint:
            log.warning(done.told())
        elif done.made:
            log.info(done.told())
        self._complaint = complaint
