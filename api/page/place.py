"""The page of one place: what is recorded there.

It is asked for by filters (``/place?locality=Lake&country=SI``) and not by a path: names hold slashes, dots
and percent signs, which servers on the way read and change in a path, and never in a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Response, render_template, request
from pydantic import BeforeValidator
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from api.answering.answers import order
from api.answering.order import key as key_of
from api.answering.order import survey
from api.asking.query import nearest, pairs, read
from api.asking.values import read_country, read_text
from api.keeping.envelope import Answer, enclose, tag
from api.page.answered import answered
from api.page.assets import assets, fingerprint
from api.page.board.compose import compose, today
from api.page.board.offered import PLACES
from api.page.handed import handed
from api.page.query import Counting, PageParameters
from api.page.silence import Silence, heard
from api.page.speech import _
from api.page.ways import filters_of, of_place, of_species
from api.page.words import amount, day
from api.reports.buckets import label
from api.reports.report import leading
from api.site import site
from api.speech import readers_language
from db.questions import counts
from db.questions.ends import ends_per_taxon
from db.questions.places import Named, localities, namesakes

SPECIES = 60


class PlaceParameters(Counting):
    """Which place: its name, and where several share it, the state and the country."""

    locality: Annotated[str, BeforeValidator(read_text)]
    state_province: Annotated[str, BeforeValidator(read_text)] = ""
    country: Annotated[str, BeforeValidator(read_country)] = ""

    @property
    def place(self) -> Named:
        """As the records name it, as far as that was asked."""
        return Named(self.country, self.state_province, self.locality)


@dataclass(frozen=True)
class Seen:
    """A species that is recorded there, how often, and when first and last."""

    key: int
    name: str
    also: str
    page: str
    records: str
    individuals: str
    first: str
    last: str


@dataclass(frozen=True)
class Namesake:
    """Another place of the same name, by where it is."""

    area: str
    page: str


def place_page() -> Response:
    """All that is recorded there: 304 before any question is asked, else from the cache, else made."""
    parameters = read(PlaceParameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        wanted = _wanted(connection, parameters)
    return answered(wanted.key, wanted.version, lambda: _make(parameters), until=wanted.silent.until)


@dataclass(frozen=True)
class _Wanted:
    """One page, and what it rests on."""

    key: str
    """Everything that its bytes depend on, as one text."""
    version: int
    names: tuple[Named, ...]
    """The places that the name may mean."""
    parameters: PageParameters
    silent: Silence


def _wanted(connection: Connection, asked: PlaceParameters) -> _Wanted:
    """Raises NotFound where no place ever went by this name."""
    names = namesakes(connection, asked.locality)
    if names and not any(_meant(one, asked.place) for one in names):
        raise NotFound(_("There are records of this place, but not in this state or country."))
    if not names:
        near = nearest(asked.locality, localities(connection, PLACES)).partition("; there are")[0]
        raise NotFound(_("No record names a place like this%(hint)s", hint=near or "."))
    parameters = read(PageParameters, [*filters_of(asked.place), *asked.settings()])
    summary = order("summary", "json", parameters.pairs())
    ground = survey(connection, summary)
    silent = heard(connection, parameters.filters)
    shown = (parameters.model_dump_json(), request.script_root, today().isoformat(), fingerprint())
    whole = repr(("place", shown, tag(repr(names)), silent.feeds, key_of(summary, ground)))
    return _Wanted(whole, ground.data_version, tuple(names), parameters, silent)


def _meant(one: Named, asked: Named) -> bool:
    """Whether a place is the one, or one of those, that are asked for."""
    return asked.state in ("", one.state) and asked.country in ("", one.country)


def _make(asked: PlaceParameters) -> tuple[Answer, int]:
    """Compose it, under the key of the transaction that its numbers came from."""
    with site().reader.begin() as connection:
        wanted = _wanted(connection, asked)
        board = compose(connection, wanted.parameters, today(), apart=0)
        seen, more = _seen(connection, wanted.parameters)
    here = [one for one in wanted.names if _meant(one, asked.place)]
    html = render_template(
        "place.html",
        board=board,
        place=asked.locality,
        area=_area(here[0]) if len(here) == 1 else "",
        namesakes=_others(wanted.names, here, asked),
        seen=seen,
        more=more,
        handed=handed(wanted.parameters),
        silent=wanted.silent.feeds,
        site=site(),
        assets=assets(),
    )
    return enclose(wanted.key, "html", html.encode()), wanted.version


def _area(one: Named) -> str:
    return ", ".join(part for part in (one.state, one.country) if part)


def _others(names: tuple[Named, ...], here: list[Named], asked: PlaceParameters) -> tuple[Namesake, ...]:
    """The places that share the name: of one all others, of several each of them."""
    others = [one for one in names if _area(one) and (one not in here or len(here) > 1)]
    found = [Namesake(_area(one), of_place(one, asked.settings())) for one in others]
    if len(here) < len(names):
        together = Named("", "", asked.locality)
        found.append(Namesake(_("all of them together"), of_place(together, asked.settings())))
    return tuple(found)


def _seen(connection: Connection, parameters: PageParameters) -> tuple[tuple[Seen, ...], int]:
    """The species that are recorded there, the most first, and how many more there are."""
    found, _ = site().grounds.find(connection, parameters.filters)
    totals = {count.taxon_id: count for count in counts.totals(connection, found) if count.records}
    labels = counts.labels(connection, sorted(totals), None, readers_language())
    ranked = leading(list(totals.values()), parameters.measure, labels)
    ends = ends_per_taxon(connection, found, "day")

    def seen(taxon: int) -> Seen:
        called, count, span = labels[taxon], totals[taxon], ends.get(taxon)
        return Seen(
            taxon,
            called.vernacular_name or called.name,
            (called.scientific_name or "") if called.vernacular_name else "",
            of_species(taxon, parameters.settings()),
            amount(count.records),
            amount(count.individuals),
            *(day(label(end, "day")) if end else "" for end in span or (None, None)),
        )

    return tuple(seen(taxon) for taxon in ranked[:SPECIES]), max(len(ranked) - SPECIES, 0)
