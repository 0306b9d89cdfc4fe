"""The keys that taxa go by outside, also the higher ones that no record is of; knows no sightings.

A taxon that records are of has its own id. A family that is only told of as the family of others is known as
the family of one of them: its key is that one's id and the rank in front, 500000012 for the family of 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
    return set().union(*below_each(connection, keys, as_of).values())


def below_each(
    connection: Connection, keys: Iterable[int], as_of: int | None = None
) -> dict[int, set[int]]:
    """Key -> the ids of what it stands for and of what lies below that."""
    asked = list(keys)
    found = {key: {key} if key < _RANK_IN_FRONT else set() for key in asked}
    by_name: dict[str, list[int]] = {}
    for key, name in names_of(connection, asked, as_of).items():
        by_name.setdefault(name.casefold(), []).append(key)
    known = names_as_of(as_of).c
    for some in _parts(sorted(by_name)):
        named = select(known.name_key, known.taxon_id).where(
            known.name_key.in_(some), known.kind == "scientific"
        )
        for row in connection.execute(named):
            for key in by_name[row.name_key]:
                found[key].add(row.taxon_id)
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


def told_by(key: int) -> int:
    """The id of the taxon that a key is told by: its own, or one that lies below it."""
    return key % _RANK_IN_FRONT


_BINOMIAL = re.compile(r"[A-Z][a-z-]+ [a-z-]{3,}")


def own_rank(row: Row[*tuple[Any, ...]]) -> str | None:
    """The rank of a taxon, in small letters: as the source says, or as its name and its higher taxa show."""
    if row.taxon_rank:
        return str(row.taxon_rank).lower()
    for rank, column in reversed(RANK_COLUMNS.items()):
        if (row._mapping[column] or "").casefold() == row.name_key:
            return rank
    return "species" if row.scientific_name and _BINOMIAL.fullmatch(row.name) else None


def ranks_of(row: Row[*tuple[Any, ...]]) -> dict[str, str]:
    """Kingdom to species -> the name that a taxon or what is above it has there; unknown ones are missing."""
    found = {rank: row._mapping[column] for rank, column in RANK_COLUMNS.items() if row._mapping[column]}
    own = own_rank(row)
    told = {own: row.name, **found} if own in RANK_COLUMNS else found
    return {rank: told[rank] for rank in RANKS if rank in told}


TAXON_COLUMNS = (
    Taxon.id,
    Taxon.name_key,
    Taxon.name,
    Taxon.scientific_name,
    Taxon.vernacular_name,
    Taxon.taxon_rank,
    *RANK_COLUMNS.values(),
)
"""What ``own_rank`` and ``ranks_of`` have to know of a taxon."""


def taxa(connection: Connection, ids: Iterable[int]) -> dict[int, Row[*tuple[Any, ...]]]:
    """The TAXON_COLUMNS of these taxa, by id."""
    found: dict[int, Row[*tuple[Any, ...]]] = {}
    for some in _parts(sorted(ids)):
        found.update(
            (row.id, row) for row in connection.execute(select(*TAXON_COLUMNS).where(Taxon.id.in_(some)))
        )
    return found


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
