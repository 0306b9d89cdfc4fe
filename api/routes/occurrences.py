"""The routes of single records, as GBIF's clients know them: search, count, one by its key."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for
from pydantic import Field
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from api.answering.asked import Asked, Told, serve
from api.answering.documents import document
from api.asking.occurrence_filters import WITHOUT_EFFECT, Flag, OccurrenceFilters
from api.asking.paging import OccurrenceParameters, PageParameters
from api.asking.parameters import Parameters
from api.asking.query import Pairs, pairs, read
from api.site import site
from db.filters import Scope, data_version
from db.questions import occurrences, records
from db.questions.facets import facet

_PLACE = {"offset", "after", "asOf", "v"}
_VALUES = 10  # of a facet, where nobody says how many; GBIF's number
routes = Blueprint("occurrences", __name__)


class CountParameters(OccurrenceFilters):
    """What is counted; as GBIF's count, with all filters of the search."""

    is_georeferenced: Annotated[
        bool | None,
        Flag,
        Field(description="Whether it has coordinates that are not doubtful.", examples=["true"]),
    ] = None


@routes.get("/api/v1/occurrence/search")
def search() -> Response:
    """A page of records in GBIF's envelope, the oldest key first, and facets."""
    given = pairs(request.query_string)
    parameters = read(OccurrenceParameters, given)
    wider = [parameters.without(field) for field in parameters.facet] if parameters.facet_multiselect else []

    def tell(connection: Connection, scopes: tuple[Scope, ...]) -> Told:
        return _page(connection, scopes, parameters, given)

    filters = tuple(one.filters for one in (parameters, *wider))
    versions = (parameters.as_of, parameters.at_least)
    return serve(Asked("occurrence/search", parameters.canonical(), filters, tell, *versions))


def _page(
    connection: Connection, scopes: tuple[Scope, ...], parameters: PageParameters, given: Pairs
) -> Told:
    scope, *wider = (occurrences.settled(connection, found) for found in scopes)
    limit, offset = parameters.limit, parameters.offset
    held = occurrences.count(connection, scope)
    found: list[dict[str, Any]] = []
    if limit and offset < held:
        # One more than is shown tells whether there is a next page.
        found = occurrences.page(connection, scope, limit + 1, offset, parameters.after, held)
    shown, more = found[:limit], len(found) > limit
    facets = [
        _facet(connection, one, field, parameters)
        for field, one in zip(parameters.facet, wider or [scope] * len(parameters.facet), strict=True)
    ]
    envelope = {
        "offset": offset,
        "limit": limit,
        "endOfRecords": not more if limit else offset >= held,
        "count": held,
        "results": shown,
        "facets": facets,
    }
    if not more:
        return Told(envelope)
    pinned = data_version(connection) if scopes[0].as_of is None else scopes[0].as_of
    return Told(envelope, _following(given, shown[-1]["key"], pinned))


def _following(given: Pairs, last: int, version: int) -> str:
    """The address of the next page: behind the last record, in the data as it is now."""
    same = [(name, value) for name, value in given if name not in _PLACE]
    return f"{url_for('occurrences.search')}?{urlencode([*same, ('after', last), ('asOf', version)])}"


def _facet(connection: Connection, scope: Scope, field: str, parameters: PageParameters) -> dict[str, Any]:
    values = [one for one in facet(connection, scope, field) if one[1] >= parameters.least]
    start = parameters.of_facet(field, "offset", 0)
    some = values[start : start + parameters.of_facet(field, "limit", _VALUES)]
    counts = [{"name": name, "count": number} for name, number in some]
    return {"field": _shouted(field), "counts": counts}


def _shouted(field: str) -> str:
    """A field as GBIF's answers spell it: basisOfRecord -> BASIS_OF_RECORD."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in field).upper()


@routes.get("/api/v1/occurrence/count")
def count() -> Response:
    """How many records the filters leave, as a bare number."""
    parameters = read(CountParameters, pairs(request.query_string))
    asked = _georeferenced(parameters)

    def tell(connection: Connection, scopes: tuple[Scope, ...]) -> Told:
        scope = occurrences.settled(connection, scopes[0])
        return Told(0 if asked is None else occurrences.count(connection, scope))

    canonical = parameters.model_dump_json(exclude={"at_least", *WITHOUT_EFFECT}, exclude_defaults=True)
    filters, versions = ((asked or parameters).filters,), (parameters.as_of, parameters.at_least)
    return serve(Asked("occurrence/count", canonical, filters, tell, *versions))


def _georeferenced(parameters: CountParameters) -> CountParameters | None:
    """What isGeoreferenced says, said by the other filters; None where they leave nothing of it."""
    if parameters.is_georeferenced is None:
        return parameters
    meant = {"has_coordinate": parameters.is_georeferenced}
    if parameters.is_georeferenced:
        meant["has_geospatial_issue"] = False
    if any(getattr(parameters, name) not in (None, value) for name, value in meant.items()):
        return None
    return parameters.model_copy(update=meant)


@routes.get("/api/v1/occurrence/<int(max=9007199254740991):key>")
def one(key: int) -> Response:
    """One record; by the key of an older revision the one that has taken its place."""
    read(Parameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        found = records.one(connection, key)
        if found is None:
            raise NotFound("There is no record of this key; it may have been taken back.")
        return document(found, data_version(connection))
