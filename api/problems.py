"""All that goes wrong leaves here in one shape: RFC 9457 problem+json, or a card in place of an image."""

from __future__ import annotations

import logging
import re
import uuid

from flask import Flask, Response, current_app, request
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import HTTP_STATUS_CODES

from api.answering.allowance import TooMany
from api.answering.order import Behind, NothingKnown
from api.answering.tables import json_bytes
from api.asking.query import BadParameter
from api.draw import Look, card, clean
from api.draw.look import Theme
from api.export.limits import TooLarge
from api.keeping.flight import Busy
from api.speech import _, later
from api.troubles import Troubles
from db.engine import is_damaged, took_too_long
from db.filters import NotYet

MEDIA_TYPE = "application/problem+json"
TOO_LONG = later(
    "The answer takes longer than a question may take here: ask about fewer species, a shorter time or a"
    " smaller area, and for one facet at a time."
)
_TITLES = {
    400: later("Bad Request"),
    404: later("Not Found"),
    405: later("Method Not Allowed"),
    412: later("Precondition Failed"),
    413: later("Request Entity Too Large"),
    429: later("Too Many Requests"),
    500: later("Internal Server Error"),
    503: later("Service Unavailable"),
}
"""What people may come to see of HTTP's own words."""
_log = logging.getLogger("sightings.web")
_OUR_FAULT = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def init_app(app: Flask) -> None:
    """Answer every exception of this app."""
    app.extensions["sightings troubles"] = Troubles()
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """The response to an exception."""
    if isinstance(error, BadParameter):
        return problem(400, str(error), "parameter", parameter=error.parameter)
    if isinstance(error, NotYet):
        return problem(404, str(error), "version", parameter="asOf")
    if isinstance(error, NothingKnown):
        return problem(404, str(error), "unknown-name", parameter=error.parameter)
    if isinstance(error, TooLarge):
        return problem(413, str(error), "too-large")
    if later := _later(error):
        return later
    if isinstance(error, PoolTimeout) or (
        isinstance(error, DBAPIError) and not isinstance(error, _OUR_FAULT)
    ):
        return _database_away(error)
    if isinstance(error, HTTPException):
        return _http(error)
    name = str(uuid.uuid4())
    _log.error("%s failed (%s)", clean(request.path, 200), name, exc_info=error)
    return problem(500, _("Something went wrong on our side; it was logged."), logged=name)


def _later(error: Exception) -> Response | None:
    """The answer to what goes well if it is asked again in a while."""
    if isinstance(error, Behind):
        return problem(503, str(error), "version", retry_after=1, parameter="v")
    if isinstance(error, TooMany):
        return problem(429, str(error), "too-many", retry_after=error.seconds)
    if isinstance(error, Busy):
        return problem(503, str(error), "busy", retry_after=2)
    if isinstance(error, DBAPIError) and took_too_long(error):
        return problem(503, _(TOO_LONG), "too-long", retry_after=60)
    return None


def _database_away(error: DBAPIError | PoolTimeout) -> Response:
    damaged = isinstance(error, DBAPIError) and is_damaged(error)
    level = logging.CRITICAL if damaged else logging.ERROR
    told = "The database is damaged" if damaged else "The database cannot be read at the moment"
    troubles: Troubles = current_app.extensions["sightings troubles"]
    why = clean(getattr(error, "orig", None) or error, 300)  # without the statement, which differs
    # A file that is damaged fails each question in a way of its own.
    known_by = told if damaged else f"{told}: {why}"
    name = troubles.name(_log, level, f"{told}: {why}", known_by)
    said = _("The database is damaged.") if damaged else _("The database cannot be read at the moment.")
    return problem(503, said, "database", retry_after=5, logged=name)


def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return Response.force_type(error.get_response())  # type: ignore[return-value]
    own_words = error.description if type(error).description != error.description else None
    nothing = _("There is nothing at this address; /docs says what there is.") if error.code == 404 else ""
    response = problem(error.code or 500, own_words or nothing)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def problem(
    status: int,
    detail: str,
    kind: str | None = None,
    retry_after: int | None = None,
    logged: str = "",
    parameter: str | None = None,
) -> Response:
    """A problem as the URL promises it: a card for an image, else JSON. Never kept by anybody.

    What is logged has a name, and whoever is told of the problem is told the name, to ask about it.
    """
    title = _(_TITLES[status]) if status in _TITLES else HTTP_STATUS_CODES.get(status, "Error")
    form = request.path.rpartition(".")[2]
    if form in ("svg", "png") and request.method in ("GET", "HEAD"):
        named = f"{clean(parameter, 40)}: " if parameter and parameter not in detail else ""
        response = _card(status, title, f"{named}{detail}" + (f" ({logged})" if logged else ""), form)
    else:
        told = {
            "type": f"urn:sightings:problem:{kind}" if kind else "about:blank",
            "title": title,
            "status": status,
            "detail": detail or title,
            **({"parameter": clean(parameter, 100)} if parameter is not None else {}),
            **({"instance": f"urn:uuid:{logged}"} if logged else {}),
        }
        response = Response(json_bytes(told), status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _card(status: int, title: str, detail: str, form: str) -> Response:
    """A card of the size that was asked for, as far as that can be made out."""
    width, height = _size("width", 200, 720, 2400), _size("height", 150, 400, 1600)
    themes: dict[str, Theme] = {"dark": "dark", "auto": "auto"}
    theme = themes.get(_asked("theme"), "light")
    picture = card(status, title, detail, Look(width, height, theme))
    if form == "png":
        return Response(picture.png(_size("scale", 1, 1, 2)), status, mimetype="image/png")
    return Response(picture.svg(), status, content_type="image/svg+xml")


def _asked(name: str) -> str:
    """What is asked of the card, whatever else is wrong with the query."""
    found = re.search(rf"(?:^|&){name}=([a-z0-9]{{1,5}})(?:&|$)".encode(), request.query_string)
    return found[1].decode() if found else ""


def _size(name: str, least: int, default: int, most: int) -> int:
    given = _asked(name)
    number = int(given) if given.isascii() and given.isdecimal() and len(given) <= 4 else default
    return number if least <= number <= most else default
