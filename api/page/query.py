"""What a visitor asks the page for: its parameters, its form, its links. Knows no data and no picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import url_for

from api.asking.parameters import FilterParameters, Interval, Language, Measure, Parameters
from api.asking.query import Pairs
from api.asking.values import read_box, read_days, written_box, written_days
from api.draw.look import Theme
from api.page.speech import KEPT, PARAMETER, _, later
from api.speech import filter_name
from db.models import FOREVER

TAXA = ("species", "scientificName", "vernacularName", "taxonKey")
_SETTINGS = ("measure", "interval", "theme", "kiosk", PARAMETER)
"""What does not restrict the page."""
_IN_THE_FORM = ("species", "country", "stateProvince", *_SETTINGS)
"""What the form has as many fields for as there are values."""
_ONCE = ("locality", "feed")
"""What the form has one field for."""
_FLAGS = ("kiosk",)
_ENDS, _OPEN = ("from", "to"), ("*", "*")
_EDGES, _OUTERMOST = ("west", "south", "east", "north"), ("-180", "-90", "180", "90")
"""Fields that are one value together, and what stands for each that is empty."""
_KINDS = (
    (later("At any time"), ("eventDate", "year", "month", *_ENDS)),
    (later("Anywhere"), ("country", "stateProvince", "locality", "bbox", *_EDGES)),
    (later("From all feeds"), ("feed",)),
    (later("On any basis"), ("basisOfRecord",)),
    (later("Of all species"), TAXA),
)
"""In words the page without filters of one kind, and these."""


class Counting(Parameters):
    """How it is counted on any page; no interval means the one that fits the data."""

    measure: Measure = "individuals"
    interval: Interval | None = None
    lang: Language | None = None
    theme: Theme = "auto"

    def settings(self) -> list[tuple[str, str]]:
        """What is asked for, where it is not the default."""
        given = (("measure", self.measure), ("interval", self.interval), ("theme", self.theme))
        return [(name, value) for name, value in given if value not in ("individuals", None, "auto")]


class PageParameters(Counting, FilterParameters):
    """The filters of every report, and how they are counted."""

    kiosk: bool = False
    """On a wall: larger, without a form, one part after the other."""

    def pairs(self) -> list[tuple[str, str]]:
        """The filters, as they were understood."""
        return [(name, value) for name, given in self.understood().items() for value in given]


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
    countries: tuple[str, ...]
    states: tuple[str, ...]
    edges: tuple[str, ...]
    """Of a box: west, south, east, north; empty where none is asked for."""
    measure: str
    interval: str
    chips: tuple[Chip, ...]
    filtered: bool
    wider: tuple[Wider, ...]
    kiosk: str
    """The same on a wall."""

    @property
    def more(self) -> bool:
        """Whether a field is filled that is out of sight as a rule."""
        return bool(self.countries or self.states or any(self.edges))


def addressed(path: str, given: Iterable[tuple[str, str]]) -> str:
    """The address of a page with these parameters beside the language and the theme, which it has already."""
    query = written(pair for pair in given if pair[0] not in KEPT)
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


def link(given: Iterable[tuple[str, str]]) -> str:
    """The address of the dashboard for these parameters, in the language that was chosen."""
    return addressed(url_for("page.home"), given)


def written(given: Iterable[tuple[str, str]]) -> str:
    """Parameters as a query string; one that is there or not has no value."""
    return "&".join(
        name if name in _FLAGS else urlencode([(name, value)], safe=",:*") for name, value in given
    )


def valued(given: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Parameters that all have a value; of one that has none, being there is the value."""
    return [(name, value or ("yes" if name in _FLAGS else "")) for name, value in given]


def straightened(given: Pairs) -> list[tuple[str, str]] | None:
    """What the form sends as the URL that is kept: no empty fields, ends as a span; None if it is one."""
    apart = (*_ENDS, *_EDGES)
    filled = [(name, value.strip()) for name, value in given if value.strip() or name in _FLAGS]
    plain = [pair for pair in filled if pair[0] not in apart]
    if ends := _together(given, _ENDS, _OPEN):
        plain.append(("eventDate", ends[0] if ends[0] == ends[1] else ",".join(ends)))
    if edges := _together(given, _EDGES, _OUTERMOST):
        plain.append(("bbox", ",".join(edges)))
    return plain if plain != list(given) else None


def _together(given: Pairs, fields: Sequence[str], empty: Sequence[str]) -> list[str]:
    """What stands in fields that belong together, in their order; nothing where all of them are empty."""
    sent = {name: value.strip() for name, value in reversed(given) if value.strip()}
    if not any(name in sent for name in fields):
        return []
    return [sent.get(name, instead) for name, instead in zip(fields, empty, strict=True)]


def form(given: Pairs) -> Form:
    """The form as it has to be filled for these parameters, which may be wrong ones."""
    dates = [value for name, value in given if name == "eventDate"]
    since, until = _days(dates[0]) if len(dates) == 1 else ("", "")
    edges = _edges(_only(given, "bbox"))
    once = {name: _only(given, name) for name in _ONCE}
    filled = {**once, "eventDate": since or until, "bbox": edges[0]}
    in_fields = {*_IN_THE_FORM, *_ENDS, *_EDGES} | {name for name, value in filled.items() if value}
    chips = [
        Chip(name, filter_name(name), value, link(pair for pair in given if pair != (name, value)))
        for name, value in given
        if name not in in_fields
    ]
    first = dict(reversed(given))
    return Form(
        species=_every(given, "species"),
        place=once["locality"],
        feed=once["feed"],
        since=since,
        until=until,
        countries=_every(given, "country"),
        states=_every(given, "stateProvince"),
        edges=edges,
        measure=first.get("measure", "individuals"),
        interval=first.get("interval", ""),
        chips=tuple(chips),
        filtered=any(name not in _SETTINGS for name, _ in given),
        wider=_wider(given),
        kiosk=link([("kiosk", ""), *given]),
    )


def _every(given: Pairs, asked: str) -> tuple[str, ...]:
    return tuple(value for name, value in given if name == asked)


def _only(given: Pairs, asked: str) -> str:
    """The value of what is asked for once; empty where it is not, or several times."""
    values = _every(given, asked)
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


def _edges(written: str) -> tuple[str, ...]:
    """West, south, east and north of a box, all of them empty where it cannot be read."""
    try:
        box = read_box(written)
    except ValueError:
        return "", "", "", ""
    return tuple(written_box(box).split(","))  # type: ignore[arg-type]  # it was a text
