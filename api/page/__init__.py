"""The dashboard: one page whose filters are its URL, and the files it is dressed in. Knows no question."""

from __future__ import annotations

import json

from flask import Blueprint, Response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from api import problems
from api.answers import order
from api.envelope import Answer, codings, enclose, tag
from api.negotiation import PINNED, REVALIDATED, coding, respond, verdict
from api.order import Ground, key, survey
from api.page.assets import assets, fingerprint
from api.page.compose import compose, today
from api.page.query import PageParameters, form, link, straightened
from api.query import BadParameter, Pairs, pairs, read
from api.site import site
from db.questions.counts import spelling

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
MEDIA_TYPE = "text/html; charset=utf-8"
routes = Blueprint("page", __name__)


@routes.get("/")
def home() -> Response:
    """The dashboard: 304 before any question is asked, else from the cache, else composed."""
    given = pairs(request.query_string)
    straight = straightened(given)
    parameters = read(PageParameters, given if straight is None else straight)
    if straight is not None:
        return redirect(link(straight))  # type: ignore[return-value]
    with site().reader.begin() as connection:
        asked, version = _key(connection, parameters)
    coded = coding(request, codings("html"))
    if verdict(request, _validator(tag(asked), coded)) == "unchanged":
        return respond(None, MEDIA_TYPE, _validator(tag(asked), coded), "no-cache", coded, version)
    answer = site().cache.get(asked)
    if answer is None:
        answer, version = site().flights.fly(asked, lambda: _make(parameters))
    validator = _validator(answer.tag, coded)
    return respond(answer.bodies[coded], MEDIA_TYPE, validator, "no-cache", coded, version)


def _key(connection: Connection, parameters: PageParameters) -> tuple[str, int]:
    """Everything that the page's bytes depend on, as one text, and the data version."""
    wanted = order("summary", "json", parameters.pairs())
    ground: Ground = survey(connection, wanted)
    shown = (parameters.model_dump_json(), request.url_root, today().isoformat(), fingerprint())
    return repr(("page", shown, ground.data_version, key(wanted, ground))), ground.data_version


def _make(parameters: PageParameters) -> tuple[Answer, int]:
    """Compose, once; it is kept under the key of the transaction that its numbers came from."""
    with site().reader.begin() as connection:
        asked, version = _key(connection, parameters)
        board = compose(connection, parameters, today())
        fields = form(_spelled(connection, parameters))
    html = render_template("dashboard.html", board=board, form=fields, site=site(), assets=assets())
    answer = enclose(asked, "html", html.encode())
    site().cache.put(answer)
    return answer, version


def _spelled(connection: Connection, parameters: PageParameters) -> Pairs:
    """What was asked for, with names as the data writes them."""
    filters = [
        (name, (spelling(connection, value) or value) if name == "species" else value)
        for name, value in parameters.pairs()
    ]
    return [*filters, *parameters.settings()]


def _validator(plain: str, coded: str) -> str:
    return plain if coded == "identity" else f"{plain}-{coded}"


@routes.get("/static/<digest>/<name>")
def asset(digest: str, name: str) -> Response:
    """A file of the page, for good where the address names these very bytes."""
    if name not in assets():
        raise NotFound("There is no such file.")
    found = assets()[name]
    coded = coding(request, codings(name))
    validator = _validator(found.digest, coded)
    body = None if verdict(request, validator) == "unchanged" else found.answer.bodies[coded]
    return respond(
        body, found.media_type, validator, PINNED if digest == found.digest else REVALIDATED, coded
    )


@routes.errorhandler(Exception)
def failed(error: Exception) -> Response:
    """What went wrong, in words, on a page: same status and headers as anywhere else."""
    response = problems.answer(error)
    if response.mimetype != problems.MEDIA_TYPE:
        return response
    told = json.loads(response.get_data())
    try:
        given: Pairs = pairs(request.query_string)
    except BadParameter:
        given = []
    html = render_template(
        "problem.html", told=told, form=form(straightened(given) or given), site=site(), assets=assets()
    )
    response.set_data(html)
    response.content_type = MEDIA_TYPE
    return response


@routes.after_request
def guard(response: Response) -> Response:
    """The strict policy of our own pages: nothing from elsewhere, nothing inline; nobody else reads them."""
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = POLICY
        response.headers.pop("Access-Control-Allow-Origin", None)
        response.headers.pop("Access-Control-Expose-Headers", None)
    return response
