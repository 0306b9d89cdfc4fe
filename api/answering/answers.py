"""Walk B: an order becomes a response by way of version, ETag, cache and one render. Knows no report."""

from __future__ import annotations

from flask import Response, request
from werkzeug.exceptions import NotFound

from api.answering import lasting
from api.answering.negotiation import PINNED, REVALIDATED, coding, respond, unchanged, validator
from api.answering.once import kept_or_made
from api.answering.order import DRAWN, FORMS, Ground, Order, key, survey
from api.answering.render import make
from api.asking.query import Pairs, nearest, read
from api.keeping.envelope import Answer, codings, enclose, tag
from api.metrics.requests import came_from
from api.reports import REPORTS
from api.site import site
from api.speech import _


def order(name: str, form: str, given: Pairs) -> Order:
    """The order of a report in a form. Raises NotFound or BadParameter."""
    if name not in REPORTS:
        raise NotFound(_("There is no report of this name%(hint)s", hint=nearest(name, REPORTS)))
    if form not in FORMS:
        raise NotFound(_("Reports are not answered in this form%(hint)s", hint=nearest(form, FORMS)))
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
    """The response to an order: 304 before anything is asked or drawn, else the bytes.

    Who asks while a chart's next version is drawn may be given its previous one, marked as such (RFC 9211).
    """
    ground = look(wanted)
    asked = key(wanted, ground)
    has = _has(wanted, asked)
    before = None if has else _previous(wanted, asked, ground)
    if before is not None:
        response = _respond(wanted, *before)
        response.headers["X-Accel-Expires"] = "0"  # a store in front of us would lose the mark
        response.headers["Cache-Status"] = 'Sightings; hit; ttl=-1; detail="drawing the next version"'
        return response
    lasting.say(codings(wanted.form), ground.newest)
    answer, version = (Answer(asked, {}), ground.data_version) if has else fetch(wanted, ground)
    if ground.scope.as_of is None:
        site().previous.note(_question(wanted, ground), answer.key, version)
    return _respond(wanted, answer, version)


def _has(wanted: Order, asked: str) -> bool:
    """Whether the client has the answer of this key."""
    return unchanged(request, validator(tag(asked), coding(request, codings(wanted.form))))


def _respond(wanted: Order, answer: Answer, version: int) -> Response:
    coded = coding(request, codings(wanted.form))
    body = None if _has(wanted, answer.key) else answer.bodies[coded]
    kept = REVALIDATED if wanted.parameters.as_of is None else PINNED
    response = respond(body, FORMS[wanted.form], validator(answer.tag, coded), kept, coded, version)
    if wanted.form == "csv":
        response.headers["Content-Disposition"] = f'attachment; filename="{wanted.report.name}.csv"'
    return response


def _question(wanted: Order, ground: Ground) -> str:
    """What two versions of an answer have in common."""
    return f"{ground.file} {wanted.report.name}.{wanted.form} {wanted.parameters.canonical(wanted.form)}"


def _previous(wanted: Order, asked: str, ground: Ground) -> tuple[Answer, int] | None:
    """What may be shown in place of the answer of this key, which is being drawn; None for nothing."""
    if wanted.form not in DRAWN or wanted.parameters.at_least is not None or ground.scope.as_of is not None:
        return None
    if not site().flights.under_way(asked):  # who asks first waits, and sees the new one
        return None
    before = site().previous.instead(_question(wanted, ground), asked, ground.newest)
    answer = None if before is None else site().cache.get(before.key)
    if before is None or answer is None:
        return None
    came_from("previous")
    return answer, before.version
