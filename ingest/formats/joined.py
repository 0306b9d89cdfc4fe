"""Rows of one table filled up from another by a key: events, deployments; knows no format.

The other table waits in a temporary database of its own, so that memory stays bounded however large it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from ingest.formats.table import Table, fitted, portions, unique
from ingest.formats.temporary import fill, of_keys, open_temporary
from ingest.text.rows import Chunk
from ingest.words.values import MISSING

_MOST_ANCESTORS = 20  # beyond, events are each other's parents

_DATE = ("eventDate", "year", "eventTime", "month", "day")
_POSITION = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
_NAME = (
    *("scientificName", "genus", "species", "specificEpithet", "infraspecificEpithet", "taxonRank"),
    *("scientificNameAuthorship", "kingdom", "phylum", "class", "order", "family"),
)
TOGETHER = ((2, _DATE), (2, _POSITION), (3, _NAME))
"""Terms that are taken together or not at all, after so many of which one says that the row has its own:
the date of a row beside the year of its event would contradict itself."""


class _Group(NamedTuple):
    """Columns that are filled together: from these places in the other row, where these cells are empty."""

    leads: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    """Place in the row, place in what the other table gives."""
    nothing: frozenset[str] = MISSING


@dataclass(frozen=True)
class Other:
    """The table to fill up from."""

    table: Table
    key: Sequence[str]
    """Its columns that the rows name."""
    parent: str = ""
    """Its column that names another row of it, from which a row takes what it lacks."""
    alias: str = ""
    """Its column by which parents are named, where that is not the key."""


def join(
    table: Table,
    key: Sequence[str],
    takes: Mapping[str, str],
    other: Other | None,
    own: Mapping[str, str] | None = None,
) -> Table:
    """The table with the terms of ``takes`` (term -> their column in the other table) filled up by ``key``.

    ``own`` says which of its columns have which term (column -> term), if it is not what the format has told.

    What a row says itself stays. A row whose key is unknown is kept as it is. Without another table the
    columns are there all the same and stay empty: an input is of the same feed with it and without.
    """
    own = {term: column for column, term in (table.told if own is None else own).items()}
    added = [term for term in takes if term not in own]
    names = unique([*table.columns, *added])
    place = {term: names.index(column) for term, column in own.items()}
    place |= {term: len(table.columns) + number for number, term in enumerate(added)}
    groups = _groups(list(takes), place)
    kept = Table(
        columns=names,
        chunks=lambda: (
            _widened(chunk, len(table.columns), len(names)) for chunk in portions(table.chunks())
        ),
        size=table.size,
        delimiter=table.delimiter,
        feed=table.feed,
        told=table.told | {names[place[term]]: term for term in takes},
        notes=table.notes,
        parts=table.parts,
        date_order=table.date_order,
    )
    if other is None or not takes:
        return kept
    lookup = cache(lambda: _Lookup(other, list(takes.values()), _groups(list(takes), _order(takes))))
    at = [table.columns.index(name) for name in key]
    return replace(
        kept,
        chunks=lambda: (_filled(chunk, at, lookup, groups) for chunk in kept.chunks()),
        notes=(*table.notes, *other.table.notes),
    )


def _order(terms: Iterable[str]) -> dict[str, int]:
    return {term: number for number, term in enumerate(terms)}


def _groups(terms: Sequence[str], place: Mapping[str, int]) -> list[_Group]:
    order = _order(terms)
    together = [(some[:leads], [term for term in some if term in order]) for leads, some in TOGETHER]
    alone = sorted(set(terms).difference(*(some for _, some in together)))
    groups = [
        _Group(
            tuple(place[term] for term in leads if term in place),
            tuple((place[term], order[term]) for term in some),
        )
        for leads, some in together
        if some
    ]
    # Among names NA may be Namibia: only an empty cell is none.
    return groups + [_Group((place[term],), ((place[term], order[term]),), frozenset({""})) for term in alone]


def _widened(chunk: Chunk, width: int, wanted: int) -> Chunk:
    fit = fitted(chunk, width)
    if width == wanted:
        return fit
    empty = [""] * (wanted - width)
    return replace(fit, rows=[row + empty for row in fit.rows])


def _filled(chunk: Chunk, at: list[int], lookup: Callable[[], _Lookup], groups: list[_Group]) -> Chunk:
    rows = list(map(list, chunk.rows))
    keys = [_key(row, at) for row in rows]
    found = lookup().of(keys)
    for key, row in zip(keys, rows, strict=True):
        _fill(row, found.get(key), groups)
    return replace(chunk, rows=rows)


def _fill(row: list[str], given: Sequence[str] | None, groups: list[_Group]) -> None:
    """Fill up a row in place."""
    if given is None:
        return
    for leads, pairs, nothing in groups:
        if any(row[place].strip() not in nothing for place in leads):
            continue
        for place, where in pairs:
            if given[where] and row[place].strip() in nothing:
                row[place] = given[where]


class _Lookup:
    """Key -> the fields that are taken of the other table's row, what it lacks taken from its parents."""

    def __init__(self, other: Other, wanted: list[str], groups: list[_Group]) -> None:
        self._groups = groups
        self._base = open_temporary(self)
        fields = ", ".join(f"f{number}" for number in range(len(wanted)))
        self._ask = f"SELECT key, parent, {fields} FROM entry WHERE key IN"  # noqa: S608 - our own names
        self._base.execute(f"CREATE TABLE entry (key TEXT PRIMARY KEY, parent TEXT, {fields}) WITHOUT ROWID")
        fill(self._base, "entry", len(wanted) + 2, _entries(other, wanted))

    def of(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """The rows of these keys, as far as there are any."""
        rows = list(of_keys(self._base, self._ask, set(keys)))
        found = {key: list(row) for key, _, *row in rows}
        parents = {key: parent for key, parent, *_ in rows if parent}
        for _ in range(_MOST_ANCESTORS):
            asked = of_keys(self._base, self._ask, set(parents.values()))
            above = {key: (parent, row) for key, parent, *row in asked}
            parents = {key: parent for key, parent in parents.items() if parent in above}
            if not parents:
                break
            for key, parent in parents.items():
                _fill(found[key], above[parent][1], self._groups)
            parents = {key: above[parent][0] for key, parent in parents.items() if above[parent][0]}
        return found


def _key(row: list[str], places: Sequence[int]) -> str:
    return "\x1f".join([row[place].strip() for place in places])


def _entries(other: Other, wanted: list[str]) -> Iterator[tuple[str, ...]]:
    names = other.table.columns
    keys, places = [names.index(name) for name in other.key], [_index(names, name) for name in wanted]
    parent, alias = _index(names, other.parent), _index(names, other.alias)
    for chunk in portions(other.table.chunks()):
        for row in fitted(chunk, len(names)).rows:
            given = [row[place].strip() if place is not None else "" for place in (parent, alias, *places)]
            for name in dict.fromkeys((_key(row, keys), given[1])):
                if name:
                    yield (name, given[0], *given[2:])


def _index(names: Sequence[str], name: str) -> int | None:
    return names.index(name) if name in names else None
