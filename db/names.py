"""Feeds, taxa and places by their names: finds their ids, adds the new ones; knows no sightings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from db.former import keep_labels
from db.models import FOREVER, Feed, Lesson, Place, Taxon, TaxonName, Touched

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
ATTRIBUTES = ("scientific_name", "vernacular_name", "taxon_rank", *RANKS)
"""What a taxon may have beside its name."""
_REMEMBERED = 100_000  # names; beyond, all is forgotten and looked up again, so that memory stays bounded
_AT_ONCE = 400  # names asked for in one statement; SQLite allows 999 variables in its oldest builds


class TaxonValue(NamedTuple):
    """What a row says of its taxon; empty where it says nothing."""

    name: str
    scientific_name: str = ""
    vernacular_name: str = ""
    taxon_rank: str = ""
    ranks: tuple[str, ...] = ("",) * len(RANKS)
    """Kingdom to species, as in RANKS."""
    language: str = ""
    """Of the vernacular name, as an IETF tag, where the source says it."""


class PlaceValue(NamedTuple):
    """What a row says of its place; empty where it says nothing."""

    country_code: str = ""
    state_province: str = ""
    county: str = ""
    locality: str = ""
    location_id: str = ""


class MixedFeed(ValueError):
    """Real records were to go among made-up ones, or the other way round; the message names the feed."""


def feed_id(connection: Connection, name: str, made_up: bool = False) -> int:
    """The id of the feed of this name, added if it is new. Raises MixedFeed."""
    found = connection.execute(select(Feed.id, Feed.made_up).where(Feed.name == name)).first()
    if found is None:
        added = insert(Feed).values(name=name, made_up=made_up).returning(Feed.id)
        return int(connection.execute(added).scalar_one())
    if found.made_up != made_up:
        kind = "made-up" if found.made_up else "real"
        raise MixedFeed(f"The feed {name!r} holds {kind} records: choose another name with --feed.")
    return int(found.id)


@dataclass
class Taxa:
    """The taxa of one run: value -> id, remembered: a name is looked up once however many rows carry it."""

    connection: Connection
    run_id: int
    changed: set[int] = field(default_factory=set)
    """Taxa that existed and of which this run learned something new."""
    _known: dict[TaxonValue, int] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)
    _new: set[int] = field(default_factory=set)
    """Added by this run: nobody has asked for them, and their sightings touch what they must."""

    def ids(self, values: Iterable[TaxonValue]) -> dict[TaxonValue, int]:
        """The ids of these taxa; what is new is added, what an older row left empty is filled in."""
        asked = list(dict.fromkeys(values))
        if len(self._known) > _REMEMBERED:
            self._known.clear()
            self._ids.clear()
        fresh = [value for value in asked if value not in self._known]
        if fresh:
            self._find(fresh)
            self._add([value for value in fresh if value.name.casefold() not in self._ids])
            self._learn(fresh)
            self._known.update((value, self._ids[value.name.casefold()]) for value in fresh)
        return self._known

    def _find(self, values: Sequence[TaxonValue]) -> None:
        keys = list({value.name.casefold() for value in values} - self._ids.keys())
        for start in range(0, len(keys), _AT_ONCE):
            some = select(Taxon.name_key, Taxon.id).where(Taxon.name_key.in_(keys[start : start + _AT_ONCE]))
            self._ids.update((row.name_key, row.id) for row in self.connection.execute(some))

    def _add(self, values: Sequence[TaxonValue]) -> None:
        new = {value.name.casefold(): value for value in reversed(values)}
        if not new:
            return
        rows = [
            {"name_key": key, "name": value.name, "added_run": self.run_id, **_attributes(value)}
            for key, value in reversed(new.items())
        ]
        self.connection.execute(insert(_TAXON), rows)
        self._find(list(new.values()))
        self._new |= {self._ids[key] for key in new}

    def _learn(self, values: Sequence[TaxonValue]) -> None:
        """Fill what was empty, and remember every name by which a taxon may be asked for."""
        learned: set[int] = set()
        rows: list[dict[str, Any]] = []
        ids = [self._ids[value.name.casefold()] for value in values]
        before = self._attributes_of(ids)
        names = self._names_of(ids)
        self._bring_again(dict(zip(ids, values, strict=True)), {taxon for _, _, taxon in names})
        for value, taxon in zip(values, ids, strict=True):
            known = before[taxon]
            missing = {key: text for key, text in _attributes(value).items() if text and not known[key]}
            if missing:
                self._fill(taxon, missing)
                known.update(missing)
                learned.add(taxon)
            wanted = {(*row[:2], taxon): row for row in _names(value)}
            new = [row for key, row in wanted.items() if key not in names]
            taught = {"taxon_id": taxon, "added_run": self.run_id, "since_run": self.run_id}
            rows += [
                {"name_key": key, "kind": kind, "name": name, "language": language, **taught}
                for key, kind, name, language in new
            ]
            names.update((key, kind, taxon) for key, kind, *_ in new)
            if new:
                learned.add(taxon)
        if rows:
            self.connection.execute(insert(TaxonName), rows)
        self.changed |= learned - self._new

    def _bring_again(self, values: Mapping[int, TaxonValue], named: set[int]) -> None:
        """A taxon that has no name was forgotten when its run was undone: it is as good as new."""
        forgotten = values.keys() - named - self._new
        keep_labels(self.connection, forgotten, self.run_id)
        for taxon in forgotten:
            fresh = {"name": values[taxon].name, "added_run": self.run_id}
            self.connection.execute(update(_TAXON).where(_TAXON.c.id == taxon).values(fresh))
            self._new.add(taxon)

    def _fill(self, taxon: int, missing: Mapping[str, str]) -> None:
        if taxon not in self._new:
            keep_labels(self.connection, [taxon], self.run_id)
        self.connection.execute(update(_TAXON).where(_TAXON.c.id == taxon).values(dict(missing)))
        if taxon not in self._new:
            lesson = {"run_id": self.run_id, "taxon_id": taxon}
            rows = [{**lesson, "field": key, "text": text} for key, text in missing.items()]
            self.connection.execute(insert(Lesson), rows)

    def _attributes_of(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(ids), _AT_ONCE):
            rows = self.connection.execute(
                select(_TAXON).where(_TAXON.c.id.in_(ids[start : start + _AT_ONCE]))
            )
            found.update((row["id"], dict(row)) for row in rows.mappings())
        return found

    def _names_of(self, ids: Sequence[int]) -> set[tuple[str, str, int]]:
        names: set[tuple[str, str, int]] = set()
        for start in range(0, len(ids), _AT_ONCE):
            some = TaxonName.taxon_id.in_(ids[start : start + _AT_ONCE])
            rows = self.connection.execute(
                select(TaxonName.name_key, TaxonName.kind, TaxonName.taxon_id).where(some)
            )
            names.update((row.name_key, row.kind, row.taxon_id) for row in rows)
        return names

    def touch_changed(self) -> int:
        """Mark taxa of which something was learned as touched for all days: charts may read otherwise."""
        for taxon in self.changed:
            self.connection.execute(
                insert(Touched).values(run_id=self.run_id, taxon_id=taxon, first_day=0, last_day=FOREVER)
            )
        return len(self.changed)


_TAXON: Table = Taxon.__table__  # type: ignore[assignment]


def _attributes(value: TaxonValue) -> dict[str, str | None]:
    given = (value.scientific_name, value.vernacular_name, value.taxon_rank, *value.ranks)
    return {key: text or None for key, text in zip(ATTRIBUTES, given, strict=True)}


def _names(value: TaxonValue) -> list[tuple[str, str, str, str]]:
    """(key, kind, name, language) of everything that this taxon can be asked for by."""
    own = "scientific" if value.scientific_name else "vernacular"
    names = [(value.name, own), (value.scientific_name, "scientific"), (value.vernacular_name, "vernacular")]
    names += [(name, "scientific") for name in value.ranks]
    spoken = {"vernacular": value.language, "scientific": ""}
    return list(dict.fromkeys((name.casefold(), kind, name, spoken[kind]) for name, kind in names if name))


_PLACE: Table = Place.__table__  # type: ignore[assignment]
_PLACE_COLUMNS = [_PLACE.c[name] for name in PlaceValue._fields]
_ONE_PLACE = select(_PLACE.c.id).where(*(column == bindparam(column.name) for column in _PLACE_COLUMNS))


@dataclass
class Places:
    """The places of one run: value -> id, remembered."""

    connection: Connection
    _ids: dict[PlaceValue, int] = field(default_factory=dict)

    def ids(self, values: Iterable[PlaceValue]) -> dict[PlaceValue, int]:
        """The ids of these places; what is new is added."""
        asked = list(dict.fromkeys(values))
        if len(self._ids) > _REMEMBERED:
            self._ids.clear()
        fresh = [value for value in asked if value not in self._ids]
        self._find(fresh)
        new = [_place_columns(value) for value in fresh if value not in self._ids]
        if new:
            added = insert(_PLACE).returning(_PLACE.c.id, *_PLACE_COLUMNS)
            self._ids.update(
                (PlaceValue(*row[1:]), int(row.id)) for row in self.connection.execute(added, new)
            )
        return self._ids

    def _find(self, values: Sequence[PlaceValue]) -> None:
        # One by one, through the unique index: asked for many at a time, SQLite reads the whole table.
        for value in values:
            found = self.connection.execute(_ONE_PLACE, _place_columns(value)).scalar()
            if found is not None:
                self._ids[value] = int(found)


def _place_columns(value: PlaceValue) -> dict[str, str]:
    return {name: getattr(value, name) for name in PlaceValue._fields}
