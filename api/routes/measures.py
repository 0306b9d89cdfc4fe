"""The route of what is counted here, for Prometheus; strangers are told nothing. Knows no metric by name."""

from __future__ import annotations

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from api.asking.parameters import Parameters
from api.asking.query import pairs, read
from api.metrics import counted
from api.metrics.looks import looked
from api.site import site

routes = Blueprint("measures", __name__)


@routes.get("/metrics")
def metrics() -> Response:
    """What all processes of this server counted, and how things stand."""
    read(Parameters, pairs(request.query_string))
    site().clients.admit(request)
    response = Response(
        counted() + looked(site().reader, site().cache.held), content_type=CONTENT_TYPE_LATEST
    )
    response.headers["Cache-Control"] = "no-store"
    return response
