"""The page's content: every number from the reports' code, all from one read transaction. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from api.answering.wording import nothing_known
from api.asking.query import Pairs
from api.page.board.figures import FULL, WIDE, Figure
from api.page.board.fitting import Fitting
from api.page.board.lately import Newcomer, in_the_last_days, newest
from api.page.board.offered import Offered
from api.page.board.panels import LEADING, RANKED, Told, animals, called, ranking, tell, timeline
from api.page.board.season import NO_SEASON, ROWS, Rows, Season, season
from api.page.board.totals import Total, totals
from api.page.query import PageParameters, written
from api.page.speech import _, ngettext
from api.page.ways import of_place, of_species
from api.page.words import ago, amount, counted, day, listed, moment
from api.site import site
from db.questions import counts
from db.questions.places import Named
from db.questions.summary import freshness

LATEST = 9


@dataclass(frozen=True)
class Dashboard:
    """Everything that the page shows of the data."""

    version: str
    """What the version's URL says now, as one text: as long as it says so, nothing here is stale."""
    number: int
    poll: str
    records: int
    ever: bool
    since: str
    as_of: str
    ago: str
    ingested_at: str | None
    ingested: str
    zone: str
    made_up: str
    totals: tuple[Total, ...]
    feeds: str
    lately: str
    newest: tuple[Newcomer, ...]
    timeline: Figure | None
    ranking: Figure | None
    season: Season
    animals: tuple[Figure, ...]
    latest: tuple[dict[str, Any], ...]
    unknown: tuple[str, ...]
    about: tuple[str, str] | None
    """The only species that it is of, by name, and the page of that."""
    offered: Offered

    @property
    def shape(self) -> str:
        """Which of its faces the page shows; another one is another page."""
        if not self.records:
            return "nothing" if self.ever else "empty"
        return " ".join((self.face, *(["newest"] if self.newest else []), *self.season.panels))

    @property
    def face(self) -> str:
        """Whether there is one species to show, or many."""
        return "one" if self.ranking is None else "many"

    @property
    def pictures(self) -> tuple[str, ...]:
        """The addresses of all its pictures, for each width of a screen; those for the widest come first."""
        shown = (self.timeline, self.ranking, *self.season.panels.values(), *self.animals)
        figures = [figure for figure in shown if figure]
        widest = [figure.sources[-1].url for figure in figures]
        return (*widest, *(source.url for figure in figures for source in figure.sources[:-1]))


def compose(
    connection: Connection,
    parameters: PageParameters,
    today: date,
    offers: Offered | None = None,
    rows: Rows = ROWS,
    apart: int = LEADING,
) -> Dashboard:
    """The page for these parameters, as the data stands in this transaction, and what the form offers.

    A page without a form has no offers: whoever asks for it knows that there is, or was, something. ``apart``
    is how many animals have a chart of their own.
    """
    filters = parameters.pairs()
    summary = tell(connection, "summary", filters)
    shape = [("measure", parameters.measure), ("limit", str(RANKED))]
    ranked = tell(connection, "species", [*filters, *shape])
    latest = tell(connection, "recent", [*filters, ("limit", str(LATEST))])
    found, told = summary.ground.scope, summary.meta
    fresh = freshness(connection, found)
    fitting = Fitting(connection, found, counts.totals(connection, found))
    records, several = summary.tidy.rows[0]["records"], len(ranked.tidy.rows) > 1
    shapes, leading = WIDE if several else FULL, ranked.tidy.rows
    return Dashboard(
        version=" ".join((str(fresh.version), fresh.data_as_of or "", fresh.ingested_at or "")),
        number=fresh.version,
        poll=written(filters),
        records=records,
        ever=offers is None or bool(offers.names),
        since=day(summary.tidy.rows[0]["firstDate"]),
        as_of=day(told["dataAsOf"]),
        ago=ago(told["dataAsOf"], today),
        ingested_at=told["ingestedAt"],
        ingested=moment(told["ingestedAt"], site().zone),
        zone=str(site().zone),
        made_up=_made_up(summary),
        totals=totals(connection, summary.tidy.rows[0], fitting, parameters.measure, today),
        feeds=_feeds(told["sources"]),
        lately=in_the_last_days(connection, found, told["dataAsOf"]),
        newest=newest(connection, found, parameters.settings()) if several else (),
        timeline=timeline(connection, parameters, fitting, shapes) if records else None,
        ranking=ranking(parameters, ranked) if several else None,
        season=season(connection, parameters, fitting, leading if several else [], rows)
        if records
        else NO_SEASON,
        animals=animals(connection, parameters, fitting, leading[:apart]) if several else (),
        latest=tuple(_record(row, parameters.settings()) for row in latest.tidy.rows),
        unknown=tuple(nothing_known(summary.ground.scope)),
        about=_about(leading, parameters.settings()),
        offered=offers or Offered(),
    )


def today() -> date:
    """The day it is at the site."""
    return datetime.now(site().zone).date()


def shortened(names: list[str], most: int = 3) -> list[str]:
    """So many names at most, of which the last may be how many more there are."""
    if len(names) <= most:
        return names
    more = len(names) - most + 1
    return [*names[: most - 1], ngettext("%(num)s more", "%(num)s more", more)]


def _made_up(summary: Told) -> str:
    sources = summary.ground.basis.sources
    invented = [source.name for source in sources if source.made_up]
    if not invented:
        return ""
    if len(invented) == len(sources):
        return _("These records are made up.")
    return ngettext(
        "Some of these records are made up: those of the feed %(feeds)s.",
        "Some of these records are made up: those of the feeds %(feeds)s.",
        len(invented),
        feeds=listed(invented),
    )


def _feeds(names: list[str]) -> str:
    if not names:
        return ""
    return _("%(feeds)s: %(names)s", feeds=counted(len(names), "feeds"), names=listed(shortened(names)))


def _about(rows: list[dict[str, Any]], settings: Pairs) -> tuple[str, str] | None:
    return (called(rows[0]), of_species(rows[0]["taxonKey"], settings)) if len(rows) == 1 else None


def _record(row: dict[str, Any], settings: Pairs) -> dict[str, Any]:
    count = row["individualCount"]
    place = Named(row["countryCode"] or "", row["stateProvince"] or "", row["locality"] or "")
    return {
        "key": row["key"],
        "day": day(row["eventDate"]),
        "time": (row["eventTime"] or "")[:5],
        "name": row["vernacularName"] or row["scientificName"] or "",
        "also": row["scientificName"] if row["vernacularName"] else "",
        "page": of_species(row["taxonKey"], settings),
        "count": "" if count is None else amount(count),
        "place": ", ".join(part for part in (place.locality, place.state) if part) or place.country,
        "there": of_place(place, settings),
    }
