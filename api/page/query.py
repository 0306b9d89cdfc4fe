"""What a visitor asks the page for: its parameters, its form, its links. Knows no data and no picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import url_for

from api.asking.parameters import FilterParameters, Interval, Language, Measure
from api.asking.query import Pairs
from api.asking.values import read_days, written_days
from api.page.speech import PARAMETER, _, later
from api.speech import filter_name
from db.models import FOREVER

TAXA = ("species", "scientificName", "vernacularName", "taxonKey")
_SETTINGS = ("measure", "interval", PARAMETER)
"""What does not restrict the page."""
_IN_THE_FORM = ("species", "from", "to", *_SETTINGS)
_ONCE = ("locality", "feed")
"""What the form has one field for."""
_OPEN = "*"
_KINDS = (
    (later("At any time"), ("eventDate", "year", "month", "from", "to")),
    (later("Anywhere"), ("country", "stateProvince", "locality", "bbox")),
    (later("From all feeds"), ("feed",)),
    (later("On any basis"), ("basisOfRecord",)),
    (later("Of all species"), TAXA),
)
"""In words the page without filters of one kind, and these."""


class PageParameters(FilterParameters):
    """The filters of every report, and how they are counted; no interval means the one that fits the data."""

    measure: Measure = "individuals"
    interval: Interval | None = None
    lang: Language | None = None

    def pairs(self) -> list[tuple[str, str]]:
        """The filters, as they were understood."""
        return [(name, value) for name, given in self.understood().items() for value in given]

    def settings(self) -> list[tuple[str, str]]:
        """What is counted and how, where it is not the default."""
        chosen = [("measure", self.measure)] if self.measure != "individuals" else []
        return chosen + ([("interval", self.interval)] if self.interval else [])


@dataclass(frozen=True)
class Chip:
    """A filter that the form has no field for, what it is called, and the page without it."""

    name: str
    called: str
    value: str
    without: str


@dataclass(frozen=True)
class Wider:
    """A way to ask for more: in words, and the page of it."""

    words: str
    page: str


@dataclass(frozen=True)
class Form:
    """What stands in the form's fields."""

    species: tuple[str, ...]
    place: str
    feed: str
    since: str
    until: str
    measure: str
    interval: str
    chips: tuple[Chip, ...]
    filtered: bool
    wider: tuple[Wider, ...]


def link(given: Iterable[tuple[str, str]]) -> str:
    """The address of the page for these parameters, in the language that was chosen."""
    query = written(pair for pair in given if pair[0] != PARAMETER)
    home: str = url_for("page.home")
    return f"{home}{'&' if '?' in home else '?'}{query}" if query else home


def written(given: Iterable[tuple[str, str]]) -> str:
    """Parameters as a query string."""
    return urlencode(list(given), safe=",:*")


def straightened(given: Pairs) -> list[tuple[str, str]] | None:
    """What the form sends as the URL that is kept: no empty fields, two days as a span; None if it is one."""
    plain = [(name, value.strip()) for name, value in given if value.strip() and name not in ("from", "to")]
    since, until = (
        next((value.strip() for name, value in given if name == end and value.strip()), _OPEN)
        for end in ("from", "to")
    )
    if (since, until) != (_OPEN, _OPEN):
        plain.append(("eventDate", since if since == until else f"{since},{until}"))
    return plain if plain != list(given) else None


def form(given: Pairs) -> Form:
    """The form as it has to be filled for these parameters, which may be wrong ones."""
    dates = [value for name, value in given if name == "eventDate"]
    since, until = _days(dates[0]) if len(dates) == 1 else ("", "")
    once = {name: _only(given, name) for name in _ONCE}
    in_fields = {*_IN_THE_FORM, *(["eventDate"] if since or until else [])} | {
        name for name, value in once.items() if value
    }
    chips = [
        Chip(name, filter_name(name), value, link(pair for pair in given if pair != (name, value)))
        for name, value in given
        if name not in in_fields
    ]
    first = dict(reversed(given))
    return Form(
        species=tuple(value for name, value in given if name == "species"),
        place=once["locality"],
        feed=once["feed"],
        since=since,
        until=until,
        measure=first.get("measure", "individuals"),
        interval=first.get("interval", ""),
        chips=tuple(chips),
        filtered=any(name not in _SETTINGS for name, _ in given),
        wider=_wider(given),
    )


def _only(given: Pairs, asked: str) -> str:
    """The value of what is asked for once; empty where it is not, or several times."""
    values = [value for name, value in given if name == asked]
    return values[0] if len(values) == 1 else ""


def _wider(given: Pairs) -> tuple[Wider, ...]:
    """The same without one kind of filter, where there are several; what most often is too narrow first."""
    ways = []
    for words, names in _KINDS:
        rest = [pair for pair in given if pair[0] not in names]
        if len(rest) < len(given) and any(name not in _SETTINGS for name, _ in rest):
            ways.append(Wider(_(words), link(rest)))
    return tuple(ways)


def _days(written: str) -> tuple[str, str]:
    """The first and the last day of a span, empty where it is open or cannot be read."""
    try:
        first, last = read_days(written)
    except ValueError:
        return "", ""
    return written_days((first, first)) if first else "", written_days((last, last)) if last < FOREVER else ""
