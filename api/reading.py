"""The routes of the course reading that this project grew from: /animal.svg, /bears.svg and /divide.json."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request
from pydantic import BeforeValidator
from sqlalchemy import Connection, Engine
from werkzeug.exceptions import NotFound

from api.answers import serve
from api.draw import Look, Picture, Words
from api.draw import reading as draw_reading
from api.envelope import CODINGS, enclose
from api.negotiation import coding, respond, verdict
from api.parameters import BadParameter, Parameters, pairs, read
from api.render import Order, make, save
from api.reports.report import Report, Tidy, value
from api.reports.timeline import TimelineParameters
from api.site import site
from api.tables import json_bytes
from api.values import read_name
from db.filters import Filters, Scope, scope
from db.questions.counts import Count, per_bucket, spelling

BEARS = "bears.svg"
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", re.ASCII)
routes = Blueprint("reading", __name__)


class AnimalParameters(Parameters):
    """Which animal."""

    type: Annotated[str, BeforeValidator(read_name)]


@dataclass(frozen=True)
class Found:
    """Counts per year, and the animal's name as the data writes it."""

    counts: list[Count]
    animal: str


def ask(connection: Connection, found: Scope, parameters: TimelineParameters) -> Found:
    """Counts per year of everything that goes by the name."""
    name = parameters.species[0]
    return Found(per_bucket(connection, found, "year"), spelling(connection, name) or name)


def shape(found: Found, _parameters: TimelineParameters, _under_way: int | None) -> Tidy:
    """A row for each year with records: the individuals."""
    sums: dict[int, float] = {}
    for count in found.counts:
        sums[count.bucket] = sums.get(count.bucket, 0) + count.individuals
    rows: list[dict[str, Any]] = [{"date": year, "name": found.animal, "value": value(sums[year])} for year in sorted(sums)]
    return Tidy(("date", "name", "value"), rows, facts={"animal": found.animal})


def draw(tidy: Tidy, _parameters: TimelineParameters, _words: Words, _look: Look) -> Picture:
    """The chart of the reading; a year without records is a gap."""
    values = {row["date"]: row["value"] for row in tidy.rows}
    years = range(min(values), max(values) + 1) if values else range(0)
    return draw_reading(years, [values.get(year) for year in years], tidy.facts["animal"])


ANIMAL = Report(
    "animal", "How many of one animal were seen each year?", TimelineParameters, ask, shape, draw,
    lambda parameters: f"{parameters.species[0]} Sightings",
)  # fmt: skip


def _order(name: str, title: str, zone: ZoneInfo) -> Order:
    parameters = TimelineParameters.model_validate({"species": [name], "measure": "individuals"})
    return Order(ANIMAL, "svg", parameters, title, zone, known=True)


@routes.get("/animal.svg")
def animal() -> Response:
    """A line chart of one animal by year."""
    parameters = read(AnimalParameters, pairs(request.query_string))
    return serve(_order(parameters.type, site().title, site().zone))


@routes.get("/bears.svg")
def bears() -> Response:
    """The chart of bears that was saved last."""
    read(Parameters, pairs(request.query_string))
    try:
        content = (site().charts / BEARS).read_bytes()
    except OSError:
        raise NotFound(
            "No chart of bears is saved yet: ingest records of Bear, or run manage.py plot timeline --species Bear "
            f"-o {BEARS} in the home's folder charts."
        ) from None
    answer = enclose(hashlib.sha256(content).hexdigest(), "svg", content)
    coded = coding(request, CODINGS)
    tag = answer.tag if coded == "identity" else f"{answer.tag}-{coded}"
    body = None if verdict(request, tag) == "unchanged" else answer.bodies[coded]
    return respond(body, "image/svg+xml", tag, coded=coded)


def save_bear_chart(reader: Engine, charts: Path, title: str, zone: ZoneInfo) -> Path | None:
    """Draw the chart of bears from the data into the folder of charts; None where there is no bear in it."""
    with reader.begin() as connection:
        if not scope(connection, Filters(species=("bear",))).taxa:
            return None
    path = charts / BEARS
    save(make(reader, _order("bear", title, zone)).content, path)
    return path


@routes.get("/divide.json")
def divide() -> Response:
    """One number divided by another."""
    given = dict.fromkeys(("numerator", "denominator"), "")
    for name, text in pairs(request.query_string):
        if name not in given:
            raise BadParameter("Only numerator and denominator are parameters here.", name)
        if given[name]:
            raise BadParameter(f"{name} is given more than once.", name)
        given[name] = text
    numerator, denominator = (_number(name, text) for name, text in given.items())
    told: dict[str, Any] = {"num": numerator, "denom": denominator, "result": None}
    if denominator == 0:
        told["error"] = "denominator cannot be zero!!!"
        return _divided(told, 500)
    told["result"] = numerator / denominator
    if not math.isfinite(told["result"]):
        raise BadParameter("The result is too large for a number.", "numerator")
    return _divided(told, 200)


def _number(name: str, text: str) -> float:
    if not text:
        raise BadParameter(f"{name} is missing.", name)
    if len(text) > 100 or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise BadParameter(f"{name} must be a number.", name)
    return float(text)


def _divided(told: dict[str, Any], status: int) -> Response:
    response = Response(json_bytes(told), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
