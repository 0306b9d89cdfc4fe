"""An answer in JSON from one snapshot, by way of version, ETag, cache and one making. Knows no question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, request
from sqlalchemy import Connection

from api.answering import lasting
from api.answering.negotiation import PINNED, REVALIDATED, coding, respond, unchanged, validator
from api.answering.once import kept_or_made
from api.answering.order import FORMS, here
from api.answering.tables import json_bytes
from api.keeping.envelope import Answer, codings, enclose, tag
from api.metrics import ASKING
from api.site import site
from db.filters import Filters, Scope
from db.taxon_keys import taxonomy_run

_CODE = 2  # raise it whenever the same data would give another answer
_LINK = "link"
"""Beside the codings of a kept answer: the header that tells where its next page is (RFC 8288)."""


@dataclass(frozen=True)
class Told:
    """What an answer says, and where it goes on."""

    content: object
    following: str | None = None
    """The address of the next page, from the root of this site."""


@dataclass(frozen=True)
class Asked:
    """One answer that is wanted."""

    name: str
    canonical: str
    """Everything in the parameters that can change the answer."""
    filters: tuple[Filters, ...]
    """What is looked at: the first is the question's own, others are wider."""
    tell: Callable[[Connection, tuple[Scope, ...]], Told]
    as_of: int | None = None
    at_least: int | None = None


@dataclass(frozen=True)
class _Ground:
    scopes: tuple[Scope, ...]
    key: str
    data_version: int
    newest: int


def _survey(connection: Connection, asked: Asked) -> _Ground:
    """What an answer rests on now. Raises Behind or NotYet."""
    newest = here(connection, asked.at_least)
    looks = [site().grounds.find(connection, one, asked.as_of, feeds_told=False) for one in asked.filters]
    scopes = tuple(found for found, _ in looks)
    rests = [(found.version, found.as_of, found.taxa, found.feeds, rest) for found, rest in looks]
    # Keys of higher taxa and names may change where nothing that is looked at was touched.
    taxonomy = None if asked.as_of is not None else taxonomy_run(connection)
    key = repr((_CODE, asked.name, asked.canonical, rests, taxonomy))
    as_of = scopes[0].as_of
    return _Ground(scopes, key, newest if as_of is None else as_of, newest)


def serve(asked: Asked) -> Response:
    """The response: 304 before anything is asked, else the bytes, from the cache if it has them."""
    with site().reader.begin() as connection:
        ground = _survey(connection, asked)
    coded = coding(request, codings("json"))
    lasting.say(codings("json"), ground.newest)
    kept = REVALIDATED if asked.as_of is None else PINNED
    known = validator(tag(ground.key), coded)
    if unchanged(request, known):
        return respond(None, FORMS["json"], known, kept, coded, ground.data_version)
    answer, version = kept_or_made(ground.key, ground.data_version, lambda: _made(asked))
    known = validator(answer.tag, coded)
    response = respond(answer.bodies[coded], FORMS["json"], known, kept, coded, version)
    if _LINK in answer.bodies:
        response.headers["Link"] = answer.bodies[_LINK].decode()
    return response


def _made(asked: Asked) -> tuple[Answer, int]:
    with site().reader.begin() as connection, ASKING.labels(asked.name).time():
        ground = _survey(connection, asked)
        told = asked.tell(connection, ground.scopes)
    answer = enclose(ground.key, "json", json_bytes(told.content))
    if told.following is not None:
        answer.bodies[_LINK] = f'<{told.following}>; rel="next"'.encode()
    return answer, ground.data_version
