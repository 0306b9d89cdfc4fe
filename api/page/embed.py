"""One chart as a page of its own, for frames in other pages, with its numbers as a table. Knows no report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, render_template, request, url_for
from sqlalchemy import Connection

from api.answering import lasting
from api.answering.answers import order
from api.answering.negotiation import coding, respond, unchanged, validator
from api.answering.once import kept_or_made
from api.answering.order import Ground, Order, key, survey
from api.asking.query import Pairs, pairs
from api.keeping.envelope import Answer, codings, enclose, tag
from api.page.answered import MEDIA_TYPE
from api.page.assets import assets, fingerprint
from api.page.board.panels import Told, told
from api.page.speech import chosen, in_pictures
from api.site import site

FRAMED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors *"
)
"""Anybody may frame it: it has no form and nothing that only some may see."""
MOST_ROWS = 400


@dataclass(frozen=True)
class Embedded:
    """What the frame shows."""

    name: str
    alt: str
    picture: str
    narrow: str
    """The picture for a phone; empty where a size was asked for."""
    width: int
    height: int
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    all_rows: int
    csv: str


def embedded(name: str) -> Response:
    """The chart and its table: 304 before any question is asked, else from the cache, else made."""
    wanted = order(name, "json", pairs(request.query_string))
    with site().reader.begin() as connection:
        asked, ground = _key(connection, wanted)
    coded = coding(request, codings("html"))
    lasting.say(codings("html"), ground.newest)
    known = validator(tag(asked), coded)
    if unchanged(request, known):
        return _framed(respond(None, MEDIA_TYPE, known, "no-cache", coded, ground.data_version))
    answer, version = kept_or_made(asked, ground.data_version, lambda: _make(wanted))
    body = answer.bodies[coded]
    return _framed(respond(body, MEDIA_TYPE, validator(answer.tag, coded), "no-cache", coded, version))


def _framed(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = FRAMED
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _key(connection: Connection, wanted: Order) -> tuple[str, Ground]:
    ground = survey(connection, wanted)
    shown = (wanted.parameters.model_dump_json(exclude={"at_least"}), request.script_root, fingerprint())
    return repr(("embed", shown, key(wanted, ground))), ground


def _make(wanted: Order) -> tuple[Answer, int]:
    with site().reader.begin() as connection:
        asked, ground = _key(connection, wanted)
        found = told(connection, wanted)
    html = render_template("embed.html", shown=_shown(wanted, found), site=site(), assets=assets())
    return enclose(asked, "html", html.encode()), ground.data_version


def _shown(wanted: Order, found: Told) -> Embedded:
    parameters, tidy = wanted.parameters, found.tidy
    given = [(name, value) for name, value in pairs(request.query_string) if name != "v"]
    looked = [] if any(name == "theme" for name, _ in given) else [("theme", "auto")]
    looked += [(name, str(value)) for name, value in in_pictures() if not chosen()]
    version = found.ground.scope.version
    pinned = parameters.as_of is not None or not version
    whole = [*given, *looked, *([] if pinned else [("v", str(version))])]
    sized = any(name in ("width", "height") for name, _ in given)
    heading = parameters.title or tidy.heading or found.heading
    return Embedded(
        name=heading,
        alt=f"{heading}: {tidy.said}" if tidy.said else heading,
        picture=_address(wanted, "svg", whole),
        narrow="" if sized else _address(wanted, "svg", [*whole, ("width", "340"), ("height", "380")]),
        width=parameters.width,
        height=parameters.height,
        columns=tidy.columns,
        rows=tidy.rows[:MOST_ROWS],
        all_rows=len(tidy.rows),
        csv=_address(wanted, "csv", given),
    )


def _address(wanted: Order, form: str, given: Pairs) -> str:
    query: dict[str, list[str]] = {}
    for name, value in given:
        query.setdefault(name, []).append(value)
    return url_for("charts.report", name=wanted.report.name, form=form, **query)  # type: ignore[arg-type]
