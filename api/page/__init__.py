"""The dashboard: one page whose filters are its URL, and the files it is dressed in. Knows no question."""

from __future__ import annotations

import json
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from api import problems
from api.answering.answers import order
from api.answering.negotiation import PINNED, REVALIDATED, coding, respond, unchanged, validator
from api.answering.once import kept_or_made
from api.answering.order import Ground, key, survey
from api.asking.query import BadParameter, Pairs, pairs, read
from api.keeping.envelope import Answer, codings, enclose, tag
from api.page.answered import MEDIA_TYPE, answered
from api.page.assets import assets, fingerprint
from api.page.board.compose import compose, today
from api.page.board.offered import Offered, offered, presets
from api.page.embed import FRAMED, embedded
from api.page.ledger.run import run_page
from api.page.ledger.runs import runs_page
from api.page.look import Look, as_asked, keep, look
from api.page.place import place_page
from api.page.query import PageParameters, form, link, straightened, valued
from api.page.silence import Silence, heard
from api.page.species import species_page
from api.page.speech import speak
from api.site import site
from db.questions.counts import spelling

routes = Blueprint("page", __name__)
speak(routes)
routes.url_defaults(keep)


@routes.get("/")
def home() -> Response:
    """The dashboard: 304 before any question is asked, else from the cache, else composed."""
    given = pairs(request.query_string)
    straight = straightened(given)
    parameters = read(PageParameters, valued(given if straight is None else straight))
    if straight is not None:
        return redirect(link(straight))  # type: ignore[return-value]
    with site().reader.begin() as connection:
        silent = heard(connection, parameters.filters)
        asked, version = _key(connection, parameters, offered(connection), silent)
    return answered(asked, version, lambda: _make(parameters), until=silent.until)


@dataclass(frozen=True)
class Ready:
    """The page of some parameters that stands ready, and what a browser will ask for next."""

    pictures: tuple[str, ...]
    data_version: int
    made: bool
    """Whether it was made now; else it was kept."""


def ready(parameters: PageParameters) -> Ready:
    """Have the page made before it is asked for, if it is not kept; addresses as in the request at hand."""
    with site().reader.begin() as connection:
        silent = heard(connection, parameters.filters)
        asked, version = _key(connection, parameters, offered(connection), silent)
    made = site().cache.get(asked) is None
    if made:
        kept_or_made(asked, version, lambda: _make(parameters))
    with site().reader.begin() as connection:
        board = compose(connection, parameters, today(), offered(connection))
    return Ready(board.pictures, version, made)


def _key(
    connection: Connection, parameters: PageParameters, offers: Offered, silent: Silence
) -> tuple[str, int]:
    """Everything that the page's bytes depend on, as one text, and the data version."""
    wanted = order("summary", "json", parameters.pairs())
    ground: Ground = survey(connection, wanted)
    shown = (parameters.model_dump_json(), request.script_root, today().isoformat(), fingerprint())
    number = None if parameters.pairs() else ground.data_version  # only the page of everything shows it
    rests = (number, tag(repr(offers)), silent.feeds, key(wanted, ground))
    return repr(("page", shown, rests)), ground.data_version


def _make(parameters: PageParameters) -> tuple[Answer, int]:
    """Compose it, under the key of the transaction that its numbers came from."""
    with site().reader.begin() as connection:
        offers, silent = offered(connection), heard(connection, parameters.filters)
        asked, version = _key(connection, parameters, offers, silent)
        board = compose(connection, parameters, today(), offers)
        spelled = _spelled(connection, parameters)
    shown = {
        "board": board,
        "form": form(spelled),
        "times": presets(spelled, today()),
        "look": look(spelled),
        "silent": silent.feeds,
    }
    template = "kiosk.html" if parameters.kiosk else "dashboard.html"
    html = render_template(template, **shown, site=site(), assets=assets())
    return enclose(asked, "html", html.encode()), version


def _spelled(connection: Connection, parameters: PageParameters) -> Pairs:
    """What was asked for, with names as the data writes them."""
    filters = [
        (name, (spelling(connection, value, None) or value) if name == "species" else value)
        for name, value in parameters.pairs()
    ]
    return [*filters, *parameters.settings()]


@routes.get("/static/<digest>/<name>")
def asset(digest: str, name: str) -> Response:
    """A file of the page, for good where the address names these very bytes."""
    if name not in assets():
        raise NotFound("There is no such file.")
    found = assets()[name]
    coded = coding(request, codings(name))
    known = validator(found.digest, coded)
    body = None if unchanged(request, known) else found.answer.bodies[coded]
    return respond(body, found.media_type, known, PINNED if digest == found.digest else REVALIDATED, coded)


routes.add_url_rule("/embed/<name>", view_func=embedded)
routes.add_url_rule("/species/<key>", "species", species_page)
routes.add_url_rule("/place", "place", place_page)
routes.add_url_rule("/runs", "runs", runs_page)
routes.add_url_rule("/runs/<number>", "run", run_page)


@routes.app_context_processor
def looks() -> dict[str, Look]:
    """What every page that is made from the base needs to know."""
    return {"look": as_asked()}


@routes.errorhandler(Exception)
def failed(error: Exception) -> Response:
    """What went wrong, in words, on a page: same status and headers as anywhere else."""
    response = problems.answer(error)
    if response.mimetype != problems.MEDIA_TYPE:
        return response
    told = json.loads(response.get_data())
    response.content_type = MEDIA_TYPE
    if request.endpoint == "page.embedded":
        response.set_data(render_template("embed.html", shown=None, told=told, site=site(), assets=assets()))
        response.headers["Content-Security-Policy"] = FRAMED
        return response
    try:
        given: Pairs = pairs(request.query_string)
    except BadParameter:
        given = []
    html = render_template(
        "problem.html", told=told, form=form(straightened(given) or given), site=site(), assets=assets()
    )
    response.set_data(html)
    return response
