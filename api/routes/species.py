"""The routes of taxa, as GBIF's clients know them: search, suggest, match, one by its key."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from api.answering.asked import Asked, Told, serve
from api.answering.documents import document
from api.asking.query import Pairs, pairs, read
from api.asking.species_parameters import (
    DEEPEST,
    MatchParameters,
    SearchParameters,
    SuggestParameters,
    TaxaParameters,
    UsageParameters,
)
from api.site import site
from db.filters import Filters, Scope, data_version
from db.questions import matching, taxa
from db.taxon_keys import MOST_KEY

routes = Blueprint("species", __name__)


@routes.get("/api/v1/species/search")
def search() -> Response:
    """A page of taxa in GBIF's envelope."""
    given = pairs(request.query_string)
    parameters = read(SearchParameters, given)

    def tell(connection: Connection, _: tuple[Scope, ...]) -> Told:
        page = _page(connection, parameters)
        return Told(page, _following(given, page))

    return serve(Asked("species/search", parameters.canonical(), (Filters(),), tell))


def _page(connection: Connection, parameters: SearchParameters) -> dict[str, Any]:
    keys = _keys(connection, parameters, parameters.rank, parameters.status)
    start, limit = parameters.offset, parameters.limit
    some = keys[start : start + limit]
    return {
        "offset": start,
        "limit": limit,
        "endOfRecords": start + limit >= len(keys),
        "count": len(keys),
        "results": taxa.usages(connection, some),
        "facets": [_facet(connection, field, parameters) for field in parameters.facet],
    }


def _following(given: Pairs, page: dict[str, Any]) -> str | None:
    """The address of the next page; taxa have no versions, so that it counts on from here."""
    behind = page["offset"] + page["limit"]
    if page["endOfRecords"] or not page["limit"] or behind > DEEPEST:
        return None
    same = [(name, value) for name, value in given if name != "offset"]
    return f"{url_for('species.search')}?{urlencode([*same, ('offset', behind)])}"


def _keys(
    connection: Connection, parameters: TaxaParameters, ranks: tuple[str, ...], statuses: tuple[str, ...]
) -> list[int]:
    if statuses and "accepted" not in statuses:
        return []
    wanted = taxa.Wanted(parameters.q, False, ranks, parameters.higher_taxon_key)
    return taxa.found_keys(connection, wanted)


def _facet(connection: Connection, field: str, parameters: SearchParameters) -> dict[str, Any]:
    free = field if parameters.facet_multiselect else ""
    ranks = () if free == "rank" else parameters.rank
    keys = _keys(connection, parameters, ranks, () if free == "status" else parameters.status)
    if field == "rank":
        known = taxa.ranks_by_key(connection, keys)
        numbers = Counter((rank or "unranked").upper() for rank in known.values())
    else:
        numbers = Counter({"ACCEPTED": len(keys)} if keys else {})
    told = sorted(numbers.items(), key=lambda one: (-one[1], one[0]))
    some = [one for one in told if one[1] >= parameters.facet_mincount][parameters.facet_offset :]
    counts = [{"name": name, "count": number} for name, number in some[: parameters.facet_limit]]
    return {"field": field.upper(), "counts": counts}


@routes.get("/api/v1/species/suggest")
def suggest() -> Response:
    """Taxa of which a name begins with what was typed, those with the most records first."""
    parameters = read(SuggestParameters, pairs(request.query_string))
    wanted = taxa.Wanted(parameters.q, True, parameters.rank, parameters.higher_taxon_key)

    def tell(connection: Connection, _: tuple[Scope, ...]) -> Told:
        keys = taxa.suggestions(connection, wanted)
        return Told(taxa.usages(connection, keys[parameters.offset :][: parameters.limit]))

    return serve(Asked("species/suggest", parameters.canonical(), (Filters(),), tell))


@routes.get("/api/v1/species/match")
def match() -> Response:
    """The taxon that a name means: exactly, nearly, or what is above it."""
    parameters = read(MatchParameters, pairs(request.query_string))
    named, strict, verbose = parameters.named, bool(parameters.strict), bool(parameters.verbose)

    def tell(connection: Connection, _: tuple[Scope, ...]) -> Told:
        return Told(matching.match(connection, named, strict, verbose))

    return serve(Asked("species/match", parameters.model_dump_json(), (Filters(),), tell))


@routes.get(f"/api/v1/species/<int(max={MOST_KEY}):key>")
def one(key: int) -> Response:
    """One taxon, or what is above one."""
    read(UsageParameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        found = taxa.usages(connection, [key])
        if not found:
            raise NotFound("There is no taxon of this key.")
        return document(found[0], data_version(connection))
