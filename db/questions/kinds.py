"""What taxa are called and what stands above them; knows no sightings."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from db.former import labels_as_of

_AT_ONCE = 500
_NAMES = ("name", "scientific_name", "vernacular_name")
_ABOVE = ("genus", "family", "order", "class", "phylum", "kingdom")


class Kind(NamedTuple):
    """The names of a taxon, and those of its higher taxa as far as they are known."""

    name: str
    scientific_name: str | None
    vernacular_name: str | None
    above: tuple[str, ...]


def kinds(connection: Connection, taxa: list[int], as_of: int | None) -> dict[int, Kind]:
    """What is known of these taxa, or was as of a version."""
    found: dict[int, Kind] = {}
    called = labels_as_of(as_of).c
    named = select(called.id, *(called[name] for name in (*_NAMES, *_ABOVE)))
    for start in range(0, len(taxa), _AT_ONCE):
        some = called.id.in_(taxa[start : start + _AT_ONCE])
        for key, *names in connection.execute(named.where(some)):
            found[key] = Kind(names[0], names[1], names[2], tuple(filter(None, names[3:])))
    return found
