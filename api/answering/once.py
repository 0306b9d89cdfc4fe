"""One making for each answer, however many ask for it: out of the cache, or made once. Knows no question."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from flask import has_request_context, request

from api.answering.envelope import Answer
from api.metrics import SLOTS
from api.metrics.requests import came_from
from api.site import site

Making = Callable[[], tuple[Answer, int]]
"""Makes an answer, and tells the data version that it was made at."""

_log = logging.getLogger("sightings.web")


def kept_or_made(key: str, version: int, make: Making) -> tuple[Answer, int]:
    """The answer of a key and the data version that it was seen at: never below ``version``, which was seen.

    What is kept is kept under the key of the snapshot that it really came from, whatever was asked for.
    """
    came_from("shared")
    kept = site().cache.get(key)
    if kept is not None:
        return kept, version
    if not site().flights.under_way(key):  # to wait for what is made for another costs nothing
        charge()
    answer, made_at = site().flights.fly(key, lambda: _made(key, version, make))
    return answer, max(made_at, version)


def charge() -> None:
    """Take one off what this client may have made. Raises TooMany."""
    if has_request_context():  # what the site makes for itself is nobody's
        site().allowance.spend(site().clients.name(request))


def _made(key: str, version: int, make: Making) -> tuple[Answer, int]:
    begun = time.monotonic()
    with site().turns.taken(key):
        kept = site().cache.get(key)  # somebody may have made it since the first look
        if kept is not None:
            return kept, version
        with site().slots.taken(waited=time.monotonic() - begun), SLOTS.track_inprogress():
            came_from("render")
            answer, made_at = make()
        site().cache.put(answer)
        return answer, made_at
