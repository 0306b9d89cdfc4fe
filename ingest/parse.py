"""Rows of text -> sightings ready for staging, or rejects with a reason; knows no files and no database.

A column repeats itself: the same dates, names and places stand in it again and again. So each distinct value
is understood once and remembered, and a row costs little more than looking its values up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from db.names import PlaceValue
from ingest import days, taxa, values
from ingest.text import Chunk, join
from ingest.zones import named_zone

_REMEMBERED = 200_000  # distinct values of one column; beyond, all is forgotten, so that memory stays bounded
SEPARATOR = "\x1f"


class _Memo(dict[tuple[str, ...], "_Part"]):
    def __init__(self, understand: Callable[[tuple[str, ...]], _Part]) -> None:
        super().__init__()
        self._understand = understand

    def __missing__(self, key: tuple[str, ...]) -> _Part:
        if len(self) > _REMEMBERED:
            self.clear()
        part = self[key] = self._understand(key)
        return part


class Refusal(NamedTuple):
    """Why a row is refused: a reason code, the term at fault and a sentence."""

    reason: str
    field: str
    detail: str


class _Part(NamedTuple):
    """What was understood of some columns of a row."""

    values: tuple[Any, ...]
    """For the staging table."""
    text: str
    """For the fingerprint."""
    issues: tuple[str, ...] = ()
    refusal: Refusal | None = None


def _part(values_: tuple[Any, ...], *issues: str) -> _Part:
    return _Part(values_, SEPARATOR.join(map(str, values_)), tuple(filter(None, issues)))


class _Group(NamedTuple):
    """Columns that are understood together, by their places in the row."""

    places: tuple[int, ...]
    memo: _Memo

    def parts(self, columns: Sequence[tuple[str, ...]], rows: int) -> Iterable[_Part]:
        """The part of each of so many rows."""
        if not self.places:
            return repeat(self.memo[()], rows)
        return map(self.memo.__getitem__, zip(*(columns[place] for place in self.places), strict=True))


@dataclass(frozen=True)
class Rules:
    """How the rows of one table are to be understood."""

    columns: tuple[str, ...]
    terms: dict[str, str]
    """Column name -> Darwin Core term."""
    order: days.Order | None = None
    zone: ZoneInfo | None = None
    latin: bool = True
    delimiter: str = ","
    constants: dict[str, str] = field(default_factory=dict)
    """Term -> a value for every row."""


class Parsed(NamedTuple):
    """A chunk understood, and the rows of it that were refused."""

    rows: list[tuple[Any, ...]]
    """As db.staging wants them, but with a TaxonValue and a PlaceValue where the ids of these will stand."""
    rejects: list[dict[str, Any]]
    issues: dict[str, int]


_NOTHING = days.When(0, 0)
_TOO_WIDE = Refusal("FIELD_COUNT", "", "the row has more fields than the header")


class Parser:
    """Understands the chunks of one table, one after the other."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._width = len(rules.columns)
        self._at = {term: rules.columns.index(column) for column, term in rules.terms.items()}
        self._number = 0
        self._latest = days.latest_likely()
        self._taxon = self._group(taxa.COLUMNS, lambda given: _taxon(given, rules.latin))
        self._place = self._group(_PLACE, _place)
        self._when = self._group(_WHEN, self._understand_when)
        self._count = self._group(_COUNT, self._understand_count)
        self._position = self._group(_POSITION, _position)
        self._basis = self._group(("basisOfRecord",), _basis)
        self._words = [self._group((term,), _word) for term in ("recordedBy", "sex", "lifeStage")]

    def _group(self, terms: Sequence[str], understand: Callable[[tuple[str, ...]], _Part]) -> _Group:
        """Columns that are understood together; those that the table lacks cost nothing but this look."""
        constants = self._rules.constants
        present = [term for term in terms if term in self._at and term not in constants]
        filled = {term: constants.get(term, "") for term in terms}
        if len(present) < len(terms):
            return _Group(
                tuple(self._at[term] for term in present),
                _Memo(
                    lambda given: understand(
                        tuple((filled | dict(zip(present, given, strict=True))).values())
                    )
                ),
            )
        return _Group(tuple(self._at[term] for term in terms), _Memo(understand))

    def parse(self, chunk: Chunk) -> Parsed:
        """Understand every row of a chunk."""
        rejects, lines, rows = self._sort_by_width(chunk)
        parsed = Parsed([], rejects, {})
        if rows:
            self._parse_columns(lines, rows, parsed)
        parsed.rejects.sort(key=itemgetter("line"))
        return parsed

    def _sort_by_width(self, chunk: Chunk) -> tuple[list[dict[str, Any]], list[int], list[list[str]]]:
        """Fill up rows that leave out empty fields at their end; refuse those that have too many."""
        rejects = [self._reject(line, row, _TOO_WIDE) for line, row in chunk.unfit]
        if all(len(row) == self._width for row in chunk.rows):
            return rejects, chunk.lines, chunk.rows
        lines, rows = [], []
        for line, row in zip(chunk.lines, chunk.rows, strict=True):
            if any(row[self._width :]):
                rejects.append(self._reject(line, row, _TOO_WIDE))
                continue
            lines.append(line)
            rows.append((row + [""] * (self._width - len(row)))[: self._width])
        return rejects, lines, rows

    def _parse_columns(self, lines: list[int], rows: list[list[str]], parsed: Parsed) -> None:
        columns = list(zip(*rows, strict=True))
        identifiers = (
            columns[self._at["occurrenceID"]] if "occurrenceID" in self._at else repeat("", len(rows))
        )
        groups = (
            self._taxon,
            self._place,
            self._when,
            self._count,
            self._basis,
            self._position,
            *self._words,
        )
        understood = zip(
            lines, rows, identifiers, *(group.parts(columns, len(rows)) for group in groups), strict=True
        )
        for row in understood:
            self._add(row, parsed)

    def _add(self, row: tuple[Any, ...], parsed: Parsed) -> None:
        line, fields, identifier, *parts = row
        taxon, _, when = parts[:3]
        self._number += 1
        if taxon.refusal or when.refusal:
            parsed.rejects.append(self._reject(line, fields, taxon.refusal or when.refusal))
            return
        issues = [issue for part in parts if part.issues for issue in part.issues]
        named, geospatial = None, False
        if issues:
            named = ";".join(issues)
            geospatial = not values.GEOSPATIAL.isdisjoint(issues)
            for issue in issues:
                parsed.issues[issue] = parsed.issues.get(issue, 0) + 1
        verbatim = SEPARATOR.join(fields)
        if "\x00" in verbatim:
            verbatim, identifier = values.storable(verbatim), values.storable(identifier)
        # The identity of the content. Databases keep it: another one would make every row look corrected.
        text = SEPARATOR.join([part.text for part in parts])
        fingerprint = blake2b(text.encode(), digest_size=16).digest()
        identity = (line, self._number, _identifier(identifier), fingerprint)
        understood = [value for part in parts for value in part.values]
        parsed.rows.append((*identity, *understood, named, geospatial, verbatim))

    def _reject(self, line: int, fields: list[str], why: Refusal) -> dict[str, Any]:
        raw = values.storable(join(fields, self._rules.delimiter))
        return {"line": line, "reason": why.reason, "field": why.field, "detail": why.detail, "raw": raw}

    def _understand_when(self, given: tuple[str, ...]) -> _Part:
        date, time, year, month, day, moment, zone_name = (text.strip() for text in given)
        try:
            when = self._day(date, year, month, day)
            if when.first_day and when.time_of_day is None:
                when = self._with_time(when, time, moment, zone_name)
        except days.NotADate as error:
            return _Part((), "", refusal=Refusal("RECORDED_DATE_INVALID", "eventDate", str(error)))
        unlikely = when.first_day and (when.last_day < 1600_01_01 or when.first_day > self._latest)
        issue = "RECORDED_DATE_UNLIKELY" if unlikely else _mismatch(when, year, month, day)
        # 0 stands for "undated" inside When; the database says it with NULL.
        return _part(
            (when.first_day or None, when.last_day or None, when.time_of_day, when.utc_offset), issue
        )

    def _day(self, date: str, year: str, month: str, day: str) -> days.When:
        if date not in values.MISSING:
            return days.parse(date, self._rules.order, self._rules.zone)
        if year in values.MISSING:
            return _NOTHING
        parts = [_whole(text) for text in (year, month, day)]
        if parts[0] is None:
            return days.parse(year, self._rules.order)
        return days.When(*days.span(parts[0], parts[1], parts[2] if parts[1] is not None else None))

    def _with_time(self, when: days.When, time: str, moment: str, zone_name: str) -> days.When:
        if time and time not in values.MISSING and when.first_day == when.last_day:
            try:
                seconds, offset = days.parse_time(time)
            except days.NotADate:
                return when  # a time that cannot be read costs the hour, not the record
            return days.When(when.first_day, when.last_day, seconds, offset)
        zone = self._rules.zone or named_zone(zone_name) if moment else None
        if zone is None:
            return when
        try:
            local = days.parse(moment, "YMD", zone)
        except days.NotADate:
            return when
        return days.When(when.first_day, when.last_day, local.time_of_day, local.utc_offset)

    def _understand_count(self, given: tuple[str, ...]) -> _Part:
        written, quantity, kind, status = given
        if not written.strip() and kind.strip().casefold() in ("individuals", "individual"):
            written = quantity
        counted, issue = values.count(written, self._rules.delimiter == ";")
        absent, status_issue = values.is_absent(status, counted)
        return _part((counted, absent), issue, status_issue)


_PLACE = ("countryCode", "stateProvince", "county", "locality", "locationID")
_WHEN = ("eventDate", "eventTime", "year", "month", "day", "timeObservedAt", "timeZone")
_COUNT = ("individualCount", "organismQuantity", "organismQuantityType", "occurrenceStatus")
_POSITION = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "issue")


def _taxon(given: tuple[str, ...], latin: bool) -> _Part:
    value = taxa.taxon(given, latin)
    if value is None:
        return _Part((), "", refusal=Refusal("NAME_MISSING", "scientificName", "the row names no species"))
    return _Part((value,), f"{value.name}{SEPARATOR}{value.vernacular_name}")


def _place(given: tuple[str, ...]) -> _Part:
    code, issue = values.country(given[0])
    state, county, locality, location = map(values.clean, given[1:])
    # Together no longer than an index of PostgreSQL can hold.
    value = PlaceValue(code[:100], state[:100], county[:100], locality[:400], location[:100])
    return _Part((value,), SEPARATOR.join(value), (issue,) if issue else ())


_DEGREES = re.compile(r"-?\d{1,2}\.\d+\Z")


def _position(given: tuple[str, ...]) -> _Part:
    north, east, uncertainty, issues = given
    if not uncertainty and not issues and _DEGREES.match(north) and _DEGREES.match(east) and float(north):
        # Most rows bring coordinates of their own, in order: for these alone the memory is of no use.
        return _part((float(north), float(east), None))
    found = values.position(*given)
    return _part((found.latitude, found.longitude, found.uncertainty), *found.issues)


def _basis(given: tuple[str, ...]) -> _Part:
    found, issue = values.basis_of_record(given[0])
    return _part((found,), issue)


def _word(given: tuple[str, ...]) -> _Part:
    return _part((values.clean(given[0])[:500] or None,))


def _identifier(text: str) -> str | None:
    """What the source calls the record, as text; one that is too long for an index by its digest."""
    text = text.strip()
    return text if 0 < len(text) <= 500 else blake2b(text.encode()).hexdigest() if text else None


def _whole(text: str) -> int | None:
    text = text.removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _mismatch(when: days.When, year: str, month: str, day: str) -> str:
    """GBIF's issue where the date and the columns year, month and day contradict each other."""
    said = [_whole(text) for text in (year, month, day)]
    first, last = when.first_day, when.last_day
    if not first or said[0] is None:
        return ""
    wrong = not first // 10_000 <= said[0] <= last // 10_000
    if first == last and said[1] and said[2]:
        wrong = wrong or (said[1], said[2]) != (first // 100 % 100, first % 100)
    return "RECORDED_DATE_MISMATCH" if wrong else ""
