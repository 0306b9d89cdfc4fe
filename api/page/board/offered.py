"""What the form offers to choose from, whatever the page is restricted to. Knows no HTTP and no template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from api.asking.query import Pairs
from api.page.board.panels import tell
from api.page.query import link
from api.page.speech import _
from db.questions.places import areas, localities

NAMES, PLACES = 200, 200
_WHEN = ("eventDate", "year", "month")


@dataclass(frozen=True)
class Offered:
    """Names of the leading species, of places, areas and feeds, each in the order of the alphabet."""

    names: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """A time that is often asked for, and the page of it."""

    words: str
    page: str
    chosen: bool


def offered(connection: Connection) -> Offered:
    """Everything that there is a record of."""
    told = tell(connection, "species", [("limit", str(NAMES))])
    rows = told.tidy.rows
    names = {row[kind] for row in rows for kind in ("name", "scientificName", "vernacularName") if row[kind]}
    found = areas(connection)
    countries, states = ({area[at] for area in found if area[at]} for at in (0, 1))
    return Offered(
        names=_sorted(names),
        places=_sorted(localities(connection, PLACES)),
        countries=_sorted(countries),
        states=_sorted(states)[:PLACES],
        feeds=_sorted(told.meta["sources"]),
    )


def _sorted(words: set[str] | list[str]) -> tuple[str, ...]:
    return tuple(sorted(words, key=str.casefold))


def presets(given: Pairs, today: date) -> tuple[Preset, ...]:
    """The same page of another time."""
    rest = [pair for pair in given if pair[0] not in _WHEN]
    times: tuple[tuple[str, Pairs], ...] = (
        (_("All time"), []),
        (f"{today.year}", [("eventDate", f"{today.year}")]),
        (f"{today.year - 1}", [("eventDate", f"{today.year - 1}")]),
        (_("Last 30 days"), [("eventDate", f"{today - timedelta(29)},*")]),
        (_("Last 7 days"), [("eventDate", f"{today - timedelta(6)},*")]),
    )
    now = [pair for pair in given if pair[0] in _WHEN]
    return tuple(Preset(words, link([*rest, *when]), _same(now, when)) for words, when in times)


def _same(now: Pairs, when: Pairs) -> bool:
    """Whether it is the time of the page, which has days where a preset has a year."""
    return [_days(pair) for pair in now] == [_days(pair) for pair in when]


def _days(pair: tuple[str, str]) -> tuple[str, str]:
    name, written = pair
    return (name, f"{written}-01-01,{written}-12-31") if len(written) == 4 else pair
