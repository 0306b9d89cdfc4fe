"""How a page leaves: 304 before any question is asked, else from the cache, else made. Knows no page."""

from __future__ import annotations

from flask import Response, request

from api.answering import lasting
from api.answering.negotiation import coding, respond, unchanged, validator
from api.answering.once import Making, kept_or_made
from api.keeping.envelope import codings, tag

MEDIA_TYPE = "text/html; charset=utf-8"


def answered(
    asked: str, version: int, make: Making, *, lasts: bool = True, until: float = float("inf")
) -> Response:
    """The page of a key, at the data version that it was seen at.

    ``lasts`` where nothing but the data and the day can make it another one before ``until`` (seconds since
    1970).
    """
    coded = coding(request, codings("html"))
    if lasts:
        lasting.say(codings("html"), version, until)
    known = validator(tag(asked), coded)
    if unchanged(request, known):
        return respond(None, MEDIA_TYPE, known, "no-cache", coded, version)
    answer, version = kept_or_made(asked, version, make)
    known = validator(answer.tag, coded)
    return respond(answer.bodies[coded], MEDIA_TYPE, known, "no-cache", coded, version)
