"""The routes of the course reading that this project grew from: /animal.svg, /bears.svg and /divide.json."""

from __future__ import annotations

import hashlib
import math
import re
from typing import Annotated, Any

from flask import Blueprint, Response, request
from pydantic import BeforeValidator, Field
from werkzeug.exceptions import NotFound

from api.animal import order
from api.answering.answers import serve
from api.answering.negotiation import coding, respond, unchanged, validator
from api.answering.tables import json_bytes
from api.asking.parameters import Parameters
from api.asking.query import BadParameter, pairs, read
from api.asking.values import WrittenText, read_name
from api.keeping.envelope import CODINGS, enclose
from api.plot import BEARS
from api.site import site

_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", re.ASCII)
routes = Blueprint("reading", __name__)


class AnimalParameters(Parameters):
    """Which animal."""

    type: Annotated[str, BeforeValidator(read_name, json_schema_input_type=WrittenText)] = Field(
        description="The animal, by any of its names, in any case.", examples=["Deer"]
    )


def _number(text: str) -> float:
    if len(text) > 100 or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError("must be a number")
    return float(text)


Number = Annotated[float, BeforeValidator(_number)]


class DivideParameters(Parameters):
    """What is divided, and by what."""

    numerator: Number = Field(description="What is divided.", examples=[1])
    denominator: Number = Field(description="What it is divided by; 0 is answered with 500.", examples=[2])


@routes.get("/animal.svg")
def animal() -> Response:
    """A line chart of one animal by year."""
    parameters = read(AnimalParameters, pairs(request.query_string))
    return serve(order(parameters.type, site().title, site().zone))


@routes.get("/bears.svg")
def bears() -> Response:
    """The chart of bears that was saved last."""
    read(Parameters, pairs(request.query_string))
    try:
        content = (site().charts / BEARS).read_bytes()
    except OSError:
        raise NotFound(
            "No chart of bears is saved yet: ingest records of Bear, or run manage.py plot."
        ) from None
    answer = enclose(hashlib.sha256(content).hexdigest(), "svg", content)
    coded = coding(request, CODINGS)
    tag = validator(answer.tag, coded)
    body = None if unchanged(request, tag) else answer.bodies[coded]
    return respond(body, "image/svg+xml", tag, coded=coded)


@routes.get("/divide.json")
def divide() -> Response:
    """One number divided by another."""
    given = read(DivideParameters, pairs(request.query_string))
    numerator, denominator = given.numerator, given.denominator
    told: dict[str, Any] = {"num": numerator, "denom": denominator, "result": None}
    if denominator == 0:
        told["error"] = "denominator cannot be zero!!!"
        return _divided(told, 500)
    told["result"] = numerator / denominator
    if not math.isfinite(told["result"]):
        raise BadParameter("The result is too large for a number.", "numerator")
    return _divided(told, 200)


def _divided(told: dict[str, Any], status: int) -> Response:
    response = Response(json_bytes(told), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
