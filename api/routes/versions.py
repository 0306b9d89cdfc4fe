"""The route that tells how new the data is: tiny, and 304 as long as nothing happened; knows no report."""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.answering import lasting
from api.answering.documents import document
from api.answering.negotiation import respond, unchanged
from api.asking.parameters import FilterParameters
from api.asking.query import pairs, read
from api.keeping.envelope import tag
from api.site import site
from db.filters import Filters, data_version
from db.questions.summary import freshness

routes = Blueprint("versions", __name__)


@routes.get("/api/v1/version")
def version() -> Response:
    """Version, latest record, time of ingest: of everything, or of what filters (our extension) leave."""
    filters = read(FilterParameters, pairs(request.query_string)).filters
    with site().reader.begin() as connection:
        newest = data_version(connection)
        found, rests = site().grounds.find(connection, filters)
        number = newest if filters == Filters() else found.version
        validator = f"{number}-{tag(repr((filters, found, rests)))[:12]}"
        lasting.say((), newest)
        if unchanged(request, validator):
            return respond(None, "application/json", validator, version=newest)
        fresh = freshness(connection, found)
    told = {"dataVersion": fresh.version, "dataAsOf": fresh.data_as_of, "ingestedAt": fresh.ingested_at}
    return document(told, newest, validator)
