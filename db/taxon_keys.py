"""The keys that taxa go by outside, also the higher ones that no record is of; knows no sightings.

A taxon that records are of has its own id. A family that is only told of as the family of others is known as
the family of one of them: its key is that one's id and the rank in front, 500000012 for the family of 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, union_all

from db.former import labels_as_of, names_as_of
from db.models import FormerLabel, FormerName, Taxon
from db.names import RANKS

_RANK_IN_FRONT = 100_000_000
MOST_KEY = _RANK_IN_FRONT * (len(RANKS) + 1) - 1
"""No key is higher."""
_AT_ONCE = 400


def taxa_below(connection: Connection, keys: Iterable[int], as_of: int | None = None) -> set[int]:
    """The ids of all taxa that these keys stand for, with what lies below them; their own in any case."""
    return set().union(*below_each(connection, keys, as_of).values())


def below_each(connection: Connection, keys: Iterable[int], as_of: int | None = None) -> dict[int, set[int]]:
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
        # What was only recognised as a genus is of that genus too.
        named = select(taxon.id).where(or_(*(func.lower(taxon[of]).in_(names) for of in (rank, "name"))))
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


def keys_of(connection: Connection, names: Iterable[str], as_of: int | None = None) -> dict[str, int]:
    """Name (of a taxon or of what is above one, case-folded) -> its key; unknown ones are missing."""
    found: dict[str, int] = {}
    wanted, known = sorted({name.casefold() for name in names}), labels_as_of(as_of).alias()
    for some in _parts(wanted):
        own = (
            select(Taxon.name_key, Taxon.id)
            .join(known, known.c.id == Taxon.id)
            .where(Taxon.name_key.in_(some))
        )
        found.update((row.name_key, row.id) for row in connection.execute(own))
    for some in _parts([name for name in wanted if name not in found]):
        for name, row in _first_below(connection, some, as_of).items():
            found[name] = _key_above(row, name) or _key_of_another(connection, name, as_of) or int(row.id)
    return found


def _first_below(
    connection: Connection, names: Sequence[str], as_of: int | None
) -> dict[str, Row[*tuple[Any, ...]]]:
    """Of all taxa that go by a name, or lie below what does, the oldest."""
    known, called = names_as_of(as_of).c, labels_as_of(as_of).c
    first = (
        select(known.name_key.label("below"), func.min(known.taxon_id).label("first"))
        .where(known.name_key.in_(names), known.kind == "scientific")
        .group_by(known.name_key)
        .subquery()
    )
    asked = select(first.c.below, called.id, *(called[rank] for rank in RANKS))
    rows = connection.execute(asked.join(first, first.c.first == called.id))
    return {row.below: row for row in rows}


def _key_above(row: Row[*tuple[Any, ...]], name: str) -> int | None:
    """The key of what has this name above a taxon; None where the taxon is no longer told to be below it."""
    for number, rank in enumerate(RANKS, start=1):
        if (row._mapping[rank] or "").casefold() == name:
            return number * _RANK_IN_FRONT + int(row.id)
    return None


def _key_of_another(connection: Connection, name: str, as_of: int | None) -> int | None:
    """The same by the oldest taxon that is told to be below it."""
    named, called = names_as_of(as_of), labels_as_of(as_of).c
    below = or_(*(func.lower(called[rank]) == name for rank in RANKS))
    asked = select(called.id, *(called[rank] for rank in RANKS)).join(named, named.c.taxon_id == called.id)
    asked = asked.where(named.c.name_key == name, named.c.kind == "scientific", below)
    row = connection.execute(asked.order_by(called.id).limit(1)).first()
    return _key_above(row, name) if row else None


def taxonomy_run(connection: Connection) -> int:
    """The last run that brought a taxon, or changed what one is called or lies below; 0 where none did."""
    newest = (func.max(Taxon.added_run), func.max(FormerLabel.until_run), func.max(FormerName.until_run))
    asked = (select(func.coalesce(one, 0)) for one in newest)
    return max(int(number) for number in connection.execute(union_all(*asked)).scalars())


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
    for rank in reversed(RANKS):
        if (row._mapping[rank] or "").casefold() == row.name.casefold():
            return rank
    return "species" if row.scientific_name and _BINOMIAL.fullmatch(row.name) else None


def ranks_of(row: Row[*tuple[Any, ...]]) -> dict[str, str]:
    """Kingdom to species -> the name that a taxon or what is above it has there; unknown ones are missing."""
    found = {rank: row._mapping[rank] for rank in RANKS if row._mapping[rank]}
    own = own_rank(row)
    told = {own: row.name, **found} if own in RANKS else found
    return {rank: told[rank] for rank in RANKS if rank in told}


LABEL = ("name", "scientific_name", "vernacular_name", "taxon_rank", *RANKS)
"""The columns that ``own_rank`` and ``ranks_of`` have to know of a taxon."""


def taxa(
    connection: Connection, ids: Iterable[int], as_of: int | None = None
) -> dict[int, Row[*tuple[Any, ...]]]:
    """``id`` and LABEL of these taxa, by id."""
    found: dict[int, Row[*tuple[Any, ...]]] = {}
    called = labels_as_of(as_of).c
    columns = [called.id, *(called[name] for name in LABEL)]
    for some in _parts(sorted(ids)):
        rows = connection.execute(select(*columns).where(called.id.in_(some)))
        found.update((row.id, row) for row in rows)
    return found


def names_at(connection: Connection, rank: str, as_of: int | None = None) -> list[str]:
    """All names that taxa are told to have at this rank."""
    column = labels_as_of(as_of).c[rank]
    return list(connection.execute(select(column).where(column.is_not(None)).distinct()).scalars())


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
