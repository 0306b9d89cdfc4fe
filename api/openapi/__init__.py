"""The description of the API for programs: OpenAPI 3.1, made from the models that check what is asked."""

from __future__ import annotations

from functools import lru_cache

from flask import Blueprint, Response, request

from api.answering.negotiation import coding, respond, unchanged, validator
from api.answering.tables import json_bytes
from api.asking.parameters import Parameters
from api.asking.query import pairs, read
from api.keeping.envelope import Answer, codings, enclose
from api.openapi.build import document
from api.openapi.operations import GROUPS, OPERATIONS
from api.site import site

MEDIA_TYPE = "application/json"
routes = Blueprint("openapi", __name__)


@routes.get("/api/v1/openapi.json")
def described() -> Response:
    """The whole description; it changes with the code alone."""
    read(Parameters, pairs(request.query_string))
    answer = _made(site().title, request.script_root)
    coded = coding(request, codings("json"))
    known = validator(answer.tag, coded)
    body = None if unchanged(request, known) else answer.bodies[coded]
    return respond(body, MEDIA_TYPE, known, coded=coded)


@lru_cache(maxsize=4)
def _made(title: str, root: str) -> Answer:
    content = json_bytes(document(OPERATIONS, GROUPS, title, root))
    return enclose(content.decode(), "json", content)
