"""Rows of text -> sightings ready for staging, or rejects with a reason; knows no files and no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from db.arrow import pa, pc
from db.names import PlaceValue
from ingest.meaning import countries, fingerprints, positions
from ingest.meaning.parts import SEPARATOR, Given, Group, Part, Refusal, Understood, distinct, part, refused
from ingest.text.rows import Chunk, Columnar, Row, columns_of
from ingest.text.text import join
from ingest.words import days, months, taxa, values
from ingest.words.columns import spoken_in
from ingest.words.zones import named_zone


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
    decimal_comma: bool = False
    comma_told: bool = False
    """Some cell can be read with this decimal mark only; else it is what goes with the delimiter."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the table is understood."""


class Parsed(NamedTuple):
    """A chunk understood, and the rows of it that were refused."""

    columns: dict[str, pa.Array]
    """As db.staging wants them, without the ids of taxa and places."""
    taxa: Understood
    """A TaxonValue for each row that was kept."""
    places: Understood
    """A PlaceValue for each row that was kept."""
    rejects: list[dict[str, Any]]
    issues: dict[str, int]
    """Issue -> how many of the kept rows have it."""


_NOTHING = days.When(0, 0)
_TOO_WIDE = Refusal("FIELD_COUNT", "", "the row has more fields than the header")
_NO_RECORD = Refusal("RECORD_UNREADABLE", "", "what stands here is no record")
_Keep = np.ndarray[Any, np.dtype[np.bool_]]


class Parser:
    """Understands the chunks of one table, one after the other."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._width = len(rules.columns)
        self._at = {term: rules.columns.index(column) for column, term in rules.terms.items()}
        self._number = 0
        self._latest = days.latest_likely()
        spoken = next((spoken_in(name) for name, term in rules.terms.items() if term == "vernacularName"), "")
        self._taxon = self._group(taxa.COLUMNS, lambda given: _taxon(given, rules.latin, spoken))
        self._place = self._group(_PLACE, _place)
        self._when = self._group(_WHEN, self._understand_when)
        self._count = self._group(_COUNT, self._understand_count)
        self._position = positions.group()
        self._basis = self._group(("basisOfRecord",), _basis)
        self._words = [self._group((term,), _word) for term in ("recordedBy", "sex", "lifeStage")]
        self._given = self._group(("issue",), _given_issues)

    def _group(self, terms: Sequence[str], understand: Callable[[Given], Part]) -> Group:
        """Columns that are understood together; those that the table lacks cost nothing but this look."""
        constants = self._rules.constants
        present = [term for term in terms if term in self._at and term not in constants]
        filled = {term: constants.get(term, "") for term in terms}

        def understand_all(given: Given) -> Part:
            return understand(tuple((filled | dict(zip(present, given, strict=True))).values()))

        return Group(
            tuple(self._at[term] for term in present),
            understand if len(present) == len(terms) else understand_all,
        )

    def parse(self, chunk: Chunk) -> Parsed:
        """Understand every row of a chunk."""
        rejects, lines, rows = self._sort_by_width(chunk)
        parsed = self._parse(lines, rows)
        parsed.rejects.extend(rejects)
        parsed.rejects.sort(key=itemgetter("line"))
        return parsed

    def forget(self) -> None:
        """Give back what is remembered of the values, which may be a quarter of what an ingest holds."""
        remembering = (self._taxon, self._place, self._when, self._count, self._position, self._basis)
        for group in (*remembering, self._given, *self._words):
            group.forget()

    def _sort_by_width(self, chunk: Chunk) -> tuple[list[dict[str, Any]], Sequence[int], Sequence[Row]]:
        """Fill up rows that leave out empty fields at their end; refuse those that have too many."""
        # A reader that could not even cut a record into fields hands it on as one.
        rejects = [
            self._reject(line, row, _TOO_WIDE if len(row) > 1 else _NO_RECORD) for line, row in chunk.unfit
        ]
        if isinstance(chunk.rows, Columnar) and len(chunk.rows.columns) == self._width:
            return rejects, chunk.lines, chunk.rows
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

    def _parse(self, lines: Sequence[int], rows: Sequence[Row]) -> Parsed:
        number = len(rows)
        columns = columns_of(rows) if number else [pa.array([], pa.string())] * self._width
        groups = {
            name: group.of(columns, number)
            for name, group in (
                ("taxon", self._taxon),
                ("place", self._place),
                ("when", self._when),
                ("count", self._count),
                ("basis", self._basis),
                ("given", self._given),
            )
        }
        words = [group.of(columns, number) for group in self._words]
        where = positions.read(
            [self._column(term, columns, number) for term in positions.TERMS], number, self._position
        )
        mirrored = countries.read(groups["place"], where)
        every = [*groups.values(), Understood(where.codes, where.parts), mirrored, *words]
        keep, rejects = self._refused(every, lines, rows)
        named, geospatial, issues = _issues(every, keep)
        staged = self._identity(columns, lines) | _values(groups, where, words)
        digests = [groups[name].digests() for name in ("taxon", "place", "when", "count", "basis")]
        digests += [*where.digests(), *(word.digests() for word in words)]
        staged |= {
            "fingerprint": fingerprints.combined(digests),
            "issues": named,
            "geospatial_issue": geospatial,
        }
        self._number += number
        if not keep.all():
            mask = pa.array(keep)
            staged = {name: column.filter(mask) for name, column in staged.items()}
        return Parsed(staged, groups["taxon"].where(keep), groups["place"].where(keep), rejects, issues)

    def _column(self, term: str, columns: Sequence[pa.Array], number: int) -> pa.Array | None:
        """The texts of one term; None where the table has none."""
        if term in self._rules.constants:
            return pa.repeat(self._rules.constants[term], number)
        return columns[self._at[term]] if term in self._at else None

    def _refused(
        self, groups: Iterable[Understood], lines: Sequence[int], rows: Sequence[Row]
    ) -> tuple[_Keep, list[dict[str, Any]]]:
        """Which rows are kept, and the others with the first reason that was found."""
        keep = np.ones(len(rows), bool)
        why: dict[int, Refusal] = {}
        for group in groups:
            bad = np.array([one.refusal is not None for one in group.parts], bool)[group.codes]
            for place in np.flatnonzero(bad & keep).tolist():
                refusal = group.parts[group.codes[place]].refusal
                why[place] = refusal or _TOO_WIDE
            keep &= ~bad
        return keep, [self._reject(lines[place], rows[place], reason) for place, reason in why.items()]

    def _identity(self, columns: Sequence[pa.Array], lines: Sequence[int]) -> dict[str, pa.Array]:
        number = len(lines)
        given = self._column("occurrenceID", columns, number)
        identifier = pa.nulls(number, pa.string()) if given is None else _identifiers(given)
        verbatim = pc.binary_join_element_wise(*columns, SEPARATOR)
        return {
            "line": pa.array(np.asarray(lines, np.int64)),
            "number": pa.array(np.arange(self._number + 1, self._number + number + 1)),
            "occurrence_id": _storable(identifier),
            "verbatim": _storable(verbatim),
        }

    def _reject(self, line: int, fields: Row, why: Refusal) -> dict[str, Any]:
        raw = values.storable(join(fields, self._rules.delimiter))
        return {"line": line, "reason": why.reason, "field": why.field, "detail": why.detail, "raw": raw}

    def _understand_when(self, given: Given) -> Part:
        date, time, year, month, day, moment, zone_name = (text.strip() for text in given)
        try:
            when = self._day(date, year, month, day)
            if when.first_day and when.time_of_day is None:
                when = self._with_time(when, time, moment, zone_name)
        except days.NotADate as error:
            return refused("RECORDED_DATE_INVALID", "eventDate", str(error))
        unlikely = when.first_day and (when.last_day < 1600_01_01 or when.first_day > self._latest)
        issue = "RECORDED_DATE_UNLIKELY" if unlikely else _mismatch(when, year, month, day)
        # 0 stands for "undated" inside When; the database says it with NULL.
        return part((when.first_day or None, when.last_day or None, when.time_of_day, when.utc_offset), issue)

    def _day(self, date: str, year: str, month: str, day: str) -> days.When:
        if date not in values.MISSING:
            return days.parse(date, self._rules.order, self._rules.zone)
        if year in values.MISSING:
            return _NOTHING
        parts = [_whole(year), _whole(month) or months.month(month), _whole(day)]
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

    def _understand_count(self, given: Given) -> Part:
        written, quantity, kind, status = given
        if not written.strip() and kind.strip().casefold() in ("individuals", "individual"):
            written = quantity
        counted, issue = values.count(written, self._rules.decimal_comma)
        absent, status_issue = values.is_absent(status, counted)
        return part((counted, absent), issue, status_issue)


_PLACE = ("countryCode", "stateProvince", "county", "locality", "locationID")
_WHEN = ("eventDate", "eventTime", "year", "month", "day", "timeObservedAt", "timeZone")
_COUNT = ("individualCount", "organismQuantity", "organismQuantityType", "occurrenceStatus")


def _values(
    groups: dict[str, Understood], where: positions.Positions, words: Sequence[Understood]
) -> dict[str, pa.Array]:
    """What was understood, under the names of the staging table."""
    when, counted = groups["when"], groups["count"]
    whole = ("first_day", "last_day", "time_of_day", "utc_offset")
    return {
        **{name: when.column(place, pa.int64()) for place, name in enumerate(whole)},
        "individual_count": counted.column(0, pa.float64()),
        "absent": counted.column(1, pa.bool_()),
        "basis_of_record": groups["basis"].column(0, pa.string()),
        "decimal_latitude": pa.array(where.latitude, from_pandas=True),
        "decimal_longitude": pa.array(where.longitude, from_pandas=True),
        "coordinate_uncertainty": pa.array(where.uncertainty, from_pandas=True),
        **{
            name: word.column(0, pa.string())
            for name, word in zip(("recorded_by", "sex", "life_stage"), words, strict=True)
        },
    }


def _issues(groups: Sequence[Understood], keep: _Keep) -> tuple[pa.Array, pa.Array, dict[str, int]]:
    """Each row's issues, joined by semicolons; whether one of them keeps it out of maps; how many of each."""
    flagged = [group for group in groups if any(one.issues for one in group.parts)]
    if not flagged:
        return pa.nulls(len(keep), pa.string()), pa.array(np.zeros(len(keep), bool)), {}
    codes, combinations = distinct([pa.array(group.codes) for group in flagged])
    told = [
        tuple(
            dict.fromkeys(
                issue
                for group, code in zip(flagged, combination, strict=True)
                for issue in group.parts[int(code)].issues
            )
        )
        for combination in combinations
    ]
    counts = np.bincount(codes[keep], minlength=len(told)).tolist()
    numbers: dict[str, int] = {}
    for issues, count in zip(told, counts, strict=True):
        for issue in issues if count else ():
            numbers[issue] = numbers.get(issue, 0) + count
    named = pa.array([";".join(issues) or None for issues in told], pa.string())
    geospatial = np.array([not values.GEOSPATIAL.isdisjoint(issues) for issues in told], bool)
    return named.take(pa.array(codes)), pa.array(geospatial[codes]), numbers


def _taxon(given: Given, latin: bool, spoken: str) -> Part:
    """``spoken`` is the language of the vernacular names; no part of what makes a row itself."""
    value = taxa.taxon(given, latin)
    if value is None:
        return refused("NAME_MISSING", "scientificName", "the row names no species")
    value = value._replace(language=spoken) if value.vernacular_name else value
    return part((value,), text=f"{value.name}{SEPARATOR}{value.vernacular_name}")


def _place(given: Given) -> Part:
    code, issue = values.country(given[0])
    state, county, locality, location = map(values.clean, given[1:])
    # Together no longer than an index of PostgreSQL can hold.
    value = PlaceValue(code[:100], state[:100], county[:100], locality[:400], location[:100])
    return part((value,), issue, text=SEPARATOR.join(value))


def _basis(given: Given) -> Part:
    found, issue = values.basis_of_record(given[0])
    return part((found,), issue)


def _word(given: Given) -> Part:
    return part((values.clean(given[0])[:500] or None,))


def _given_issues(given: Given) -> Part:
    """The issues that the source itself has found."""
    return part((), *re.findall(r"[A-Z][A-Z0-9_]+", given[0]))


_LONGEST_IDENTIFIER = 500


def _identifiers(column: pa.Array) -> pa.Array:
    """What the source calls its records, as text; one that is too long for an index by its digest."""
    texts = pc.utf8_trim_whitespace(column)
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if (pc.max(pc.utf8_length(texts)).as_py() or 0) <= _LONGEST_IDENTIFIER:
        return texts
    return pa.array([_shortened(text) for text in texts.to_pylist()], pa.string())


def _shortened(text: str | None) -> str | None:
    if text is None or len(text) <= _LONGEST_IDENTIFIER:
        return text
    return blake2b(text.encode()).hexdigest()


def _storable(column: pa.Array) -> pa.Array:
    """Without the character that PostgreSQL cannot hold."""
    # All its text at once: to look into each value takes fifty times as long.
    text = column.buffers()[2]
    if text and not np.frombuffer(text, np.uint8).all():
        return pc.replace_substring(column, "\x00", "\ufffd")
    return column


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
