"""One making for each answer, however many ask for it: out of the cache, or made once. Knows no question."""

from __future__ import annotations

from collections.abc import Callable

from flask import has_request_context, request

from api.answering.envelope import Answer
from api.metrics import SLOTS
from api.metrics.requests import came_from
from api.site import site

Making = Callable[[], tuple[Answer, int]]
"""Makes an answer, and tells the data version that it was made at."""


def kept_or_made(key: str, version: int, make: Making) -> tuple[Answer, int]:
    """The answer of a key and the data version that it was seen at: never below ``version``, which was seen.

    What is kept is kept under the key of the snapshot that it really came from, whatever was asked for.
    """
    came_from("shared")
    kept = site().cache.get(key)
    if kept is not None:
        return kept, version
    charge()
    answer, made_at = site().flights.fly(key, lambda: _made(key, version, make))
    return answer, max(made_at, version)


def charge() -> None:
    """Take one off what this client may have made, also where he waits for another. Raises TooMany."""
    if has_request_context():  # what the site makes for itself is nobody's
        site().allowance.spend(site().clients.name(request))


def _made(key: str, version: int, make: Making) -> tuple[Answer, int]:
    with site().slots.taken(), SLOTS.track_inprogress():
        kept = site().cache.get(key)  # another flight may have landed between the first look and this one
        if kept is not None:
            return kept, version
        came_from("render")
        answer, made_at = make()
        site().cache.put(answer)
        return answer, made_at
