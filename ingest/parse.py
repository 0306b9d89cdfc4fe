"""Rows of text -> sightings ready for staging, or rejects with a reason; knows no files and no database.

A column repeats itself: the same dates, names and places stand in it again and again. So each distinct value
is understood once and remembered, and a row costs little more than looking its values up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from db.names import PlaceValue, TaxonValue
from ingest import days, taxa, values
from ingest.text import Chunk, join
from ingest.zones import named_zone

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_REMEMBERED = 200_000  # distinct values of one column; beyond, all is forgotten, so that memory stays bounded
_Counted = tuple[float | None, bool, tuple[str, ...]]  # how many, whether absent, issues
SEPARATOR = "\x1f"


class _Memo(dict[_Key, _Value], Generic[_Key, _Value]):
    def __init__(self, understand: Callable[[_Key], _Value]) -> None:
        super().__init__()
        self._understand = understand

    def __missing__(self, key: _Key) -> _Value:
        if len(self) > _REMEMBERED:
            self.clear()
        value = self[key] = self._understand(key)
        return value


class Refusal(NamedTuple):
    """Why a row is refused: a reason code, the term at fault and a sentence."""

    reason: str
    field: str
    detail: str


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
    """A chunk understood: the sightings' parts side by side, and the rows that were refused."""

    taxa: list[TaxonValue]
    places: list[PlaceValue]
    rows: list[tuple[Any, ...]]
    """As db.staging wants them, with None for the ids of taxon and place."""
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
        self._taxon = _Memo[tuple[str, ...], TaxonValue | None](lambda key: taxa.taxon(key, rules.latin))
        self._place = _Memo[tuple[str, ...], tuple[PlaceValue, str]](_place)
        self._when = _Memo[tuple[str, ...], tuple[days.When, str] | Refusal](self._understand_when)
        self._count = _Memo[tuple[str, ...], _Counted](self._understand_count)
        self._position = _Memo[tuple[str, ...], values.Position](lambda key: values.position(*key))
        self._basis = _Memo[str, tuple[str | None, str]](values.basis_of_record)
        self._word = _Memo[str, str | None](lambda text: values.clean(text)[:500] or None)

    def parse(self, chunk: Chunk) -> Parsed:
        """Understand every row of a chunk."""
        rejects, lines, rows = self._sort_by_width(chunk)
        parsed = Parsed([], [], [], rejects, {})
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
        empty = ("",) * len(rows)

        def column(term: str) -> Sequence[str]:
            if term in self._rules.constants:
                return (self._rules.constants[term],) * len(rows)
            return columns[self._at[term]] if term in self._at else empty

        def together(*terms: str) -> Iterator[tuple[str, ...]]:
            return zip(*(column(term) for term in terms), strict=True)

        understood = zip(
            lines,
            rows,
            column("occurrenceID"),
            map(self._taxon.__getitem__, together(*taxa.COLUMNS)),
            map(self._place.__getitem__, together(*_PLACE)),
            map(self._when.__getitem__, together(*_WHEN)),
            map(self._count.__getitem__, together(*_COUNT)),
            map(self._position.__getitem__, together(*_POSITION)),
            map(self._basis.__getitem__, column("basisOfRecord")),
            map(self._word.__getitem__, column("recordedBy")),
            map(self._word.__getitem__, column("sex")),
            map(self._word.__getitem__, column("lifeStage")),
            strict=True,
        )
        for row in understood:
            self._add(row, parsed)

    def _add(self, row: tuple[Any, ...], parsed: Parsed) -> None:
        line, fields, identifier, taxon, (place, place_issue), when, counted, where, basis, *who = row
        self._number += 1
        refusal = when if isinstance(when, Refusal) else None
        if taxon is None:
            refusal = Refusal("NAME_MISSING", "scientificName", "the row names no species")
        if refusal:
            parsed.rejects.append(self._reject(line, fields, refusal))
            return
        day, day_issue = when
        individuals, absent, count_issues = counted
        issues = (*where.issues, *count_issues, day_issue, place_issue, basis[1])
        named = ";".join(filter(None, issues))
        if named:
            for issue in filter(None, issues):
                parsed.issues[issue] = parsed.issues.get(issue, 0) + 1
        # 0 stands for "undated" inside When; the database says it with NULL.
        span = (day.first_day or None, day.last_day or None)
        known = (*span, day.time_of_day, day.utc_offset, individuals, absent)
        rest = (basis[0], where.latitude, where.longitude, where.uncertainty, *who)
        verbatim = SEPARATOR.join(fields)
        if "\x00" in verbatim:
            verbatim, identifier = values.storable(verbatim), values.storable(identifier)
        geospatial = bool(named) and not values.GEOSPATIAL.isdisjoint(issues)
        identity = (_identifier(identifier), _fingerprint(taxon, place, known + rest))
        parsed.taxa.append(taxon)
        parsed.places.append(place)
        parsed.rows.append(
            (line, self._number, *identity, None, None, *known, *rest, named or None, geospatial, verbatim)
        )

    def _reject(self, line: int, fields: list[str], why: Refusal) -> dict[str, Any]:
        raw = values.storable(join(fields, self._rules.delimiter))
        return {"line": line, "reason": why.reason, "field": why.field, "detail": why.detail, "raw": raw}

    def _understand_when(self, given: tuple[str, ...]) -> tuple[days.When, str] | Refusal:
        date, time, year, month, day, moment, zone_name = (text.strip() for text in given)
        try:
            when = self._day(date, year, month, day)
            if when.first_day and when.time_of_day is None:
                when = self._with_time(when, time, moment, zone_name)
        except days.NotADate as error:
            return Refusal("RECORDED_DATE_INVALID", "eventDate", str(error))
        unlikely = when.first_day and (when.last_day < 1600_01_01 or when.first_day > self._latest)
        return when, "RECORDED_DATE_UNLIKELY" if unlikely else _mismatch(when, year, month, day)

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

    def _understand_count(self, given: tuple[str, ...]) -> _Counted:
        written, quantity, kind, status = given
        if not written.strip() and kind.strip().casefold() in ("individuals", "individual"):
            written = quantity
        counted, issue = values.count(written, self._rules.delimiter == ";")
        absent, status_issue = values.is_absent(status, counted)
        return counted, absent, tuple(filter(None, (issue, status_issue)))


def _fingerprint(taxon: TaxonValue, place: PlaceValue, known: tuple[Any, ...]) -> bytes:
    """The identity of a row's content. Databases keep it: another one would make every row look corrected."""
    where = (place.country_code, place.state_province, place.county, place.locality, place.location_id)
    text = SEPARATOR.join(map(str, (taxon.name, taxon.vernacular_name, *where, *known)))
    return blake2b(text.encode(), digest_size=16).digest()


_PLACE = ("countryCode", "stateProvince", "county", "locality", "locationID")
_WHEN = ("eventDate", "eventTime", "year", "month", "day", "timeObservedAt", "timeZone")
_COUNT = ("individualCount", "organismQuantity", "organismQuantityType", "occurrenceStatus")
_POSITION = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "issue")


def _place(given: tuple[str, ...]) -> tuple[PlaceValue, str]:
    code, issue = values.country(given[0])
    state, county, locality, location = map(values.clean, given[1:])
    # Together no longer than an index of PostgreSQL can hold.
    return PlaceValue(code[:100], state[:100], county[:100], locality[:400], location[:100]), issue


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
