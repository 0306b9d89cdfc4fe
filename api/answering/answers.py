"""Walk B: an order becomes a response by way of version, ETag, cache and one render. Knows no report."""

from __future__ import annotations

from flask import Response, request
from werkzeug.exceptions import NotFound

from api.answering import lasting
from api.answering.envelope import Answer, codings, enclose, tag
from api.answering.negotiation import PINNED, REVALIDATED, coding, respond, unchanged, validator
from api.answering.once import kept_or_made
from api.answering.order import FORMS, Ground, Order, key, survey
from api.answering.render import make
from api.asking.query import Pairs, nearest, read
from api.reports import REPORTS
from api.site import site


def order(name: str, form: str, given: Pairs) -> Order:
    """The order of a report in a form. Raises NotFound or BadParameter."""
    if name not in REPORTS:
        raise NotFound(f"There is no report of this name{nearest(name, REPORTS)}")
    if form not in FORMS:
        raise NotFound(f"Reports are not answered in this form{nearest(form, FORMS)}")
    report = REPORTS[name]
    parameters = read(report.parameters, given)
    return Order(report, form, parameters, site().title, site().zone, grounds=site().grounds)


def look(wanted: Order) -> Ground:
    """What the answer to an order rests on at this moment."""
    with site().reader.begin() as connection:
        return survey(connection, wanted)


def fetch(wanted: Order, ground: Ground | None = None) -> tuple[Answer, int]:
    """The finished answer, from the cache if it has it, and the data version it was seen at.

    Pages in this process use it too: ``fetch(order("summary", "json", []))[0].bodies["identity"]``.
    """
    ground = ground or look(wanted)
    return kept_or_made(key(wanted, ground), ground.data_version, lambda: _made(wanted))


def _made(wanted: Order) -> tuple[Answer, int]:
    made = make(site().reader, wanted)
    return enclose(made.key, wanted.form, made.content), made.data_version


def serve(wanted: Order) -> Response:
    """The response to an order: 304 before anything is asked or drawn, else the bytes."""
    ground, offered = look(wanted), codings(wanted.form)
    coded = coding(request, offered)
    lasting.say(offered, ground.newest)
    media_type, known = FORMS[wanted.form], validator(tag(key(wanted, ground)), coded)
    kept = REVALIDATED if ground.scope.as_of is None else PINNED
    if unchanged(request, known):
        response = respond(None, media_type, known, kept, coded, ground.data_version)
    else:
        answer, version = fetch(wanted, ground)
        body, known = answer.bodies[coded], validator(answer.tag, coded)
        response = respond(body, media_type, known, kept, coded, version)
    if wanted.form == "csv":
        response.headers["Content-Disposition"] = f'attachment; filename="{wanted.report.name}.csv"'
    return response
