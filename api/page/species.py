"""The page of one species, or of what is above some: its names, and all that is recorded of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, render_template, request
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from api.answering.answers import order
from api.answering.order import key as key_of
from api.answering.order import survey
from api.asking.query import Pairs, pairs, read
from api.keeping.envelope import Answer, enclose, tag
from api.page.answered import answered
from api.page.assets import assets, fingerprint
from api.page.board.compose import Dashboard, compose, shortened, today
from api.page.board.panels import ARRIVALS, CALENDAR, DIEL, MAP, PHENOLOGY, SEASONALITY, by_name
from api.page.board.totals import Total
from api.page.handed import handed
from api.page.query import Counting, PageParameters
from api.page.silence import Silence, heard
from api.page.speech import _
from api.page.ways import of_place, of_species
from api.page.words import amount, listed
from api.site import site
from api.speech import readers_language
from db.names import RANKS
from db.questions import taxa
from db.questions.names import names_in
from db.questions.places import most_recorded
from db.taxon_keys import MOST_KEY, names_of

ROWS = ((PHENOLOGY, ARRIVALS), (CALENDAR,), (SEASONALITY,), (MAP, DIEL))
PLACES, NAMES = 12, 12


@dataclass(frozen=True)
class Above:
    """What a species lies below."""

    name: str
    page: str


@dataclass(frozen=True)
class Haunt:
    """A place where it is recorded, and how often."""

    name: str
    area: str
    page: str
    records: str
    individuals: str


@dataclass(frozen=True)
class Species:
    """What is known of a taxon beside its records."""

    key: int
    name: str
    """What people call it."""
    latin: str
    """The scientific name, where people have another one."""
    scientific: bool
    """Whether what it is called is the scientific name."""
    above: tuple[Above, ...]
    others: str
    """More common names, with the language where the source said it."""


def species_page(key: str) -> Response:
    """All that is recorded of a taxon: 304 before any question is asked, else from the cache, else made."""
    counting = read(Counting, pairs(request.query_string))
    with site().reader.begin() as connection:
        wanted = _wanted(connection, key, counting)
    return answered(wanted.key, wanted.version, lambda: _make(key, counting), until=wanted.silent.until)


@dataclass(frozen=True)
class _Wanted:
    """One page, and what it rests on."""

    key: str
    """Everything that its bytes depend on, as one text."""
    version: int
    told: taxa.Usage
    parameters: PageParameters
    silent: Silence


def _wanted(connection: Connection, key: str, counting: Counting) -> _Wanted:
    """Raises NotFound where the key stands for nothing."""
    told = _usage(connection, key)
    parameters = _alone(connection, told, counting)
    asked = order("summary", "json", parameters.pairs())
    ground = survey(connection, asked)
    silent = heard(connection, parameters.filters)
    shown = (parameters.model_dump_json(), request.script_root, today().isoformat(), fingerprint())
    whole = repr(("species", shown, tag(repr(told)), silent.feeds, key_of(asked, ground)))
    return _Wanted(whole, ground.data_version, told, parameters, silent)


def _usage(connection: Connection, key: str) -> taxa.Usage:
    """What the API tells of the taxon, and under ``name`` what a chart calls it. Raises NotFound.

    Its vernacular name is that of the visitor's language where it has one.
    """
    number = int(key) if re.fullmatch("[1-9][0-9]{0,8}", key, re.ASCII) else 0
    found = taxa.usages(connection, [number]) if 0 < number <= MOST_KEY else []
    if not found:
        raise NotFound(_("There is no species of this key. Look for it by its name."))
    spoken = names_in(connection, readers_language())
    called = {"vernacularName": spoken[number]} if number in spoken else {}
    return found[0] | called | {"name": names_of(connection, [number])[number]}


def _alone(connection: Connection, told: taxa.Usage, counting: Counting) -> PageParameters:
    """What leaves it alone: its name, which lasts, or its key, where others go by that name too."""
    one = by_name(connection, {"name": told["name"], "taxonKey": told["key"]})
    return read(PageParameters, [one, *counting.settings()])


def _make(key: str, counting: Counting) -> tuple[Answer, int]:
    """Compose it, under the key of the transaction that its numbers came from."""
    with site().reader.begin() as connection:
        wanted = _wanted(connection, key, counting)
        board = compose(connection, wanted.parameters, today(), rows=ROWS)
        haunts = _haunts(connection, wanted.parameters) if board.records else ()
    html = render_template(
        "species.html",
        board=replace(board, totals=tuple(_total(one, board) for one in board.totals), about=None),
        species=_introduced(wanted.told, counting.settings()),
        haunts=haunts,
        handed=handed(wanted.parameters),
        silent=wanted.silent.feeds,
        site=site(),
        assets=assets(),
    )
    return enclose(wanted.key, "html", html.encode()), wanted.version


def _total(one: Total, board: Dashboard) -> Total:
    """That it is one species goes without saying: in the place of that, when it was recorded."""
    if one.of != "species" or board.face == "many" or not board.as_of:
        return one
    first = _("first %(day)s", day=board.since) if board.since != board.as_of else ""
    return Total(_("Last recorded"), board.as_of, first)


def _introduced(told: taxa.Usage, settings: Pairs) -> Species:
    """Its names, and what it lies below."""
    latin, common = told.get("scientificName", ""), told.get("vernacularName", "")
    others = [
        _called(one)
        for one in told.get("vernacularNames", ())
        if one["vernacularName"] not in (common, latin)
    ]
    above = (
        Above(told[rank], of_species(told[f"{rank}Key"], settings))
        for rank in RANKS
        if told.get(f"{rank}Key", told["key"]) != told["key"]
    )
    return Species(
        key=told["key"],
        name=common or latin or told["name"],
        latin=latin if common else "",
        scientific=bool(latin) and not common,
        above=tuple(above),
        others=listed(shortened(others, NAMES)),
    )


def _called(one: Mapping[str, Any]) -> str:
    return str(one["vernacularName"]) + (f" ({one['language']})" if "language" in one else "")


def _haunts(connection: Connection, parameters: PageParameters) -> tuple[Haunt, ...]:
    """Where it is recorded most."""
    found, _ = site().grounds.find(connection, parameters.filters)
    return tuple(
        Haunt(
            place.locality,
            ", ".join(part for part in (place.state, place.country) if part),
            of_place(place, parameters.settings()),
            amount(records),
            amount(individuals),
        )
        for place, records, individuals in most_recorded(connection, found, PLACES)
    )
