"""The keys that taxa go by outside, also the higher ones that no record is of; knows no sightings.

A taxon that records are of has its own id. A family that is only told of as the family of others is known as
the family of one of them: its key is that one's id and the rank in front, 500000012 for the family of 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from db.former import labels_as_of, names_as_of
from db.models import Taxon, TaxonName
from db.names import RANKS

_RANK_IN_FRONT = 100_000_000
MOST_KEY = _RANK_IN_FRONT * (len(RANKS) + 1) - 1
"""No key is higher."""
_AT_ONCE = 400

RANK_COLUMNS = {rank: Taxon.__table__.c[rank] for rank in RANKS}
"""Kingdom to species -> the column that holds its name."""


def taxa_below(connection: Connection, keys: Iterable[int], as_of: int | None = None) -> set[int]:
    """The ids of all taxa that these keys stand for, with what lies below them; their own in any case."""
    own = {key for key in keys if key < _RANK_IN_FRONT}
    names = {name.casefold() for name in names_of(connection, keys, as_of).values()}
    found, known = set(own), names_as_of(as_of).c
    for some in _parts(sorted(names)):
        asked = select(known.taxon_id).where(known.name_key.in_(some), known.kind == "scientific")
        found.update(connection.execute(asked).scalars())
    return found


def narrowed(
    connection: Connection,
    taxa: tuple[int, ...] | None,
    key_sets: Iterable[Sequence[int]],
    ranks: Iterable[tuple[str, Sequence[str]]],
    as_of: int | None = None,
) -> tuple[int, ...] | None:
    """Of these taxa (None is all) those that lie below one key of each set and have one name at each rank."""
    sets = [taxa_below(connection, keys, as_of) for keys in key_sets]
    taxon = labels_as_of(as_of).c
    for rank, names in ranks:
        named = select(taxon.id).where(func.lower(taxon[rank]).in_(names))
        sets.append(set(connection.execute(named).scalars()))
    for one in sets:
        taxa = tuple(sorted(one if taxa is None else one.intersection(taxa)))
    return taxa


def names_of(connection: Connection, keys: Iterable[int], as_of: int | None = None) -> dict[int, str]:
    """The name that each of these keys stands for; a key that stands for nothing is missing."""
    of_taxon: dict[int, list[tuple[int, int]]] = {}
    for key in keys:
        rank, taxon = divmod(key, _RANK_IN_FRONT)
        of_taxon.setdefault(taxon, []).append((rank, key))
    found: dict[int, str] = {}
    called = labels_as_of(as_of).c
    for some in _parts(sorted(of_taxon)):
        asked = select(called.id, called.name, *(called[rank] for rank in RANKS)).where(called.id.in_(some))
        for row in connection.execute(asked):
            for rank, key in of_taxon[row.id]:
                name = row.name if rank == 0 else row[rank + 1] if rank <= len(RANKS) else None
                if name:
                    found[key] = name
    return found


def keys_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Name (of a taxon or of what is above one, case-folded) -> its key; unknown ones are missing."""
    wanted = sorted({name.casefold() for name in names})
    found: dict[str, int] = {}
    for some in _parts(wanted):
        own = select(Taxon.name_key, Taxon.id).where(Taxon.name_key.in_(some))
        found.update((row.name_key, row.id) for row in connection.execute(own))
    for some in _parts([name for name in wanted if name not in found]):
        first = (
            select(TaxonName.name_key, func.min(TaxonName.taxon_id).label("id"))
            .where(TaxonName.name_key.in_(some), TaxonName.kind == "scientific")
            .group_by(TaxonName.name_key)
            .subquery()
        )
        rows = select(first.c.name_key, Taxon.id, *RANK_COLUMNS.values()).join(first, first.c.id == Taxon.id)
        found.update((row.name_key, _key_above(row, row.name_key)) for row in connection.execute(rows))
    return found


def _key_above(row: Row[*tuple[Any, ...]], name: str) -> int:
    """The key of what has this name above a taxon, or is the taxon itself under another of its names."""
    for number, rank in enumerate(RANKS, start=1):
        if (row._mapping[RANK_COLUMNS[rank]] or "").casefold() == name:
            return number * _RANK_IN_FRONT + int(row.id)
    return int(row.id)


def rank_of(key: int) -> str | None:
    """The rank that stands in front of a key; None for a taxon's own."""
    rank = key // _RANK_IN_FRONT
    return RANKS[rank - 1] if 0 < rank <= len(RANKS) else None


def ranks_above(row: Mapping[str, Any]) -> dict[str, str]:
    """Rank -> name, of a row that holds the columns of ``taxon``; what is not known is missing."""
    return {rank: row[rank] for rank in RANKS if row[rank]}


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
