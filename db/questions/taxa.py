"""Taxa and what is above them, found by their names and told as GBIF tells a name usage; knows no web."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, true

from db.models import Rollup, TaxonName
from db.names import RANKS
from db.taxon_keys import (
    below_each,
    keys_of,
    names_of,
    own_rank,
    rank_of,
    ranks_of,
    taxa,
    taxa_below,
    told_by,
)

Usage = dict[str, Any]
"""A taxon under GBIF's names; what is not known has no place in it."""
_AT_ONCE = 400


@dataclass(frozen=True)
class Wanted:
    """Which taxa are looked for; empty is "any"."""

    text: str | None = None
    """Part of one of their names."""
    begins: bool = False
    """Whether a word of the name has to begin with it."""
    ranks: tuple[str, ...] = ()
    """In small letters."""
    below: tuple[int, ...] = ()
    """Keys that they lie below one of."""


def found_keys(connection: Connection, wanted: Wanted) -> list[int]:
    """The keys of all that is wanted: named exactly so first, then what begins so, then by key."""
    keys = _named(connection, wanted)
    if wanted.below:
        keys = _below(connection, keys, wanted.below)
    if wanted.ranks:
        known = ranks_by_key(connection, keys)
        keys = {key: place for key, place in keys.items() if known.get(key) in wanted.ranks}
    return sorted(keys, key=lambda key: (keys[key], key))


def _named(connection: Connection, wanted: Wanted) -> dict[int, int]:
    """Key -> how well its best name fits: 0 exactly, 1 at its beginning, 2 somewhere."""
    text = (wanted.text or "").casefold()
    of_own = select(TaxonName.kind, TaxonName.name_key, func.min(TaxonName.taxon_id).label("first"))
    asked = of_own.where(_fits(text, wanted.begins)).group_by(TaxonName.kind, TaxonName.name_key)
    rows = connection.execute(asked).all()
    keys = keys_of(connection, {row.name_key for row in rows if row.kind == "scientific"})
    found: dict[int, int] = {}

    def add(key: int, name: str) -> None:
        place = 0 if name == text else 1 if name.startswith(text) else 2
        found[key] = min(place, found.get(key, 2))

    for row in rows:
        if row.kind == "scientific" and row.name_key in keys:
            add(keys[row.name_key], row.name_key)
    vernacular = {row.name_key for row in rows if row.kind == "vernacular"}
    for name, taxon in _by_vernacular(connection, vernacular):
        add(taxon, name)
    return found


def _fits(text: str, begins: bool) -> ColumnElement[bool]:
    if not text:
        return true()
    name = TaxonName.name_key
    if not begins:
        return name.contains(text, autoescape=True)
    return or_(name.startswith(text, autoescape=True), name.contains(f" {text}", autoescape=True))


def _by_vernacular(connection: Connection, names: Iterable[str]) -> list[tuple[str, int]]:
    wanted, found = sorted(names), []
    for start in range(0, len(wanted), _AT_ONCE):
        some = TaxonName.name_key.in_(wanted[start : start + _AT_ONCE])
        asked = select(TaxonName.name_key, TaxonName.taxon_id).where(some, TaxonName.kind == "vernacular")
        found += [(row.name_key, row.taxon_id) for row in connection.execute(asked)]
    return found


def _below(connection: Connection, keys: dict[int, int], above: Sequence[int]) -> dict[int, int]:
    """Those that lie below one of these, themselves not included."""
    inside = taxa_below(connection, above)
    known = ranks_by_key(connection, above)
    depth = min((RANKS.index(rank) for rank in known.values() if rank in RANKS), default=-1)
    return {
        key: place
        for key, place in keys.items()
        if key not in above and told_by(key) in inside and _depth(rank_of(key)) > depth
    }


def _depth(rank: str | None) -> int:
    return RANKS.index(rank) if rank in RANKS else len(RANKS)


def ranks_by_key(connection: Connection, keys: Iterable[int]) -> dict[int, str | None]:
    """Key -> rank in small letters, None where nobody says."""
    wanted = list(keys)
    rows = taxa(connection, {key for key in wanted if rank_of(key) is None})
    return {key: rank_of(key) or (own_rank(rows[key]) if key in rows else None) for key in wanted}


def records_of(connection: Connection, keys: Sequence[int]) -> dict[int, int]:
    """How many records each of these keys stands for, what lies below included, in all feeds."""
    below = below_each(connection, keys)
    wanted = set[int]().union(*below.values())
    asked = select(Rollup.taxon_id, func.sum(Rollup.records)).where(Rollup.bucket == 0)
    if len(wanted) <= _AT_ONCE:
        asked = asked.where(Rollup.taxon_id.in_(wanted))
    rows = connection.execute(asked.group_by(Rollup.taxon_id)).all()
    numbers = {taxon: int(number) for taxon, number in rows}
    return {key: sum(numbers.get(taxon, 0) for taxon in inside) for key, inside in below.items()}


def usages(connection: Connection, keys: Sequence[int]) -> list[Usage]:
    """What these keys stand for, in this order; without those that stand for nothing."""
    rows = taxa(connection, {told_by(key) for key in keys})
    named = names_of(connection, keys)
    lines = {key: _line(rows[told_by(key)], rank_of(key)) for key in keys if key in named}
    above = keys_of(connection, {name for line in lines.values() for name in line.values()})
    numbers, vernacular = records_of(connection, keys), _vernacular_names(connection, keys)
    told = []
    for key, line in lines.items():
        row = rows[told_by(key)]
        rank = rank_of(key) or own_rank(row)
        usage = _usage(key, named[key], rank, line, above) | {"numOccurrences": numbers[key]}
        if rank_of(key) is None:
            usage |= {"scientificName": row.scientific_name}
            usage |= {} if row.scientific_name else {"canonicalName": None}
            usage["vernacularName"] = row.vernacular_name
            usage["vernacularNames"] = vernacular.get(key, [])
        told.append({name: value for name, value in usage.items() if value is not None})
    return told


def _line(row: Row[*tuple[Any, ...]], down_to: str | None) -> dict[str, str]:
    """The ranks from the kingdom down to this one, None is down to the taxon itself."""
    ranks = ranks_of(row)
    last = RANKS.index(down_to) if down_to else len(RANKS)
    return {rank: ranks[rank] for rank in RANKS[: last + 1] if rank in ranks}


def _usage(key: int, name: str, rank: str | None, line: dict[str, str], above: dict[str, int]) -> Usage:
    keys = {level: above[one.casefold()] for level, one in line.items() if one.casefold() in above}
    parents = [level for level in line if keys.get(level) != key]
    return {
        "key": key,
        "scientificName": name,
        "canonicalName": name,
        "rank": rank.upper() if rank else "UNRANKED",
        "taxonomicStatus": "ACCEPTED",
        "synonym": False,
        **line,
        **{f"{level}Key": number for level, number in keys.items()},
        "parent": line[parents[-1]] if parents else None,
        "parentKey": keys.get(parents[-1]) if parents else None,
        "higherClassificationMap": {str(keys[level]): line[level] for level in parents if level in keys},
    }


def _vernacular_names(connection: Connection, keys: Sequence[int]) -> dict[int, list[dict[str, str]]]:
    found: dict[int, list[dict[str, str]]] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = TaxonName.taxon_id.in_(keys[start : start + _AT_ONCE])
        asked = select(TaxonName).where(some, TaxonName.kind == "vernacular").order_by(TaxonName.name_key)
        for row in connection.execute(asked):
            told = {"vernacularName": row.name} | ({"language": row.language} if row.language else {})
            found.setdefault(row.taxon_id, []).append(told)
    return found


def suggestions(connection: Connection, wanted: Wanted) -> list[int]:
    """The keys of what is wanted, those with the most records first: what somebody is likely to type."""
    keys = found_keys(connection, wanted)
    numbers = records_of(connection, keys)
    return sorted(keys, key=lambda key: -numbers[key])
