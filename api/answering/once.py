"""One making for each answer, however many ask for it: out of the cache, or made once. Knows no question."""

from __future__ import annotations

from collections.abc import Callable

from api.answering.envelope import Answer
from api.site import site

Making = Callable[[], tuple[Answer, int]]
"""Makes an answer, and tells the data version that it was made at."""


def kept_or_made(key: str, version: int, make: Making) -> tuple[Answer, int]:
    """The answer of a key and the data version that it was seen at: never below ``version``, which was seen.

    What is kept is kept under the key of the snapshot that it really came from, whatever was asked for.
    """
    kept = site().cache.get(key)
    if kept is not None:
        return kept, version
    answer, made_at = site().flights.fly(key, lambda: _made(key, version, make))
    return answer, max(made_at, version)


def _made(key: str, version: int, make: Making) -> tuple[Answer, int]:
    with site().slots.taken():
        kept = site().cache.get(key)  # another flight may have landed between the first look and this one
        if kept is not None:
            return kept, version
        answer, made_at = make()
        site().cache.put(answer)
        return answer, made_at
