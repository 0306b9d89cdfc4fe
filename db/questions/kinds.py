"""What taxa are called and what stands above them; knows no sightings."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from db.models import Taxon

_AT_ONCE = 500
_ABOVE = (Taxon.genus, Taxon.family, Taxon.order, Taxon.class_, Taxon.phylum, Taxon.kingdom)


class Kind(NamedTuple):
    """The names of a taxon, and those of its higher taxa as far as they are known."""

    name: str
    scientific_name: str | None
    vernacular_name: str | None
    above: tuple[str, ...]


def kinds(connection: Connection, taxa: list[int]) -> dict[int, Kind]:
    """What is known of these taxa."""
    found: dict[int, Kind] = {}
    for start in range(0, len(taxa), _AT_ONCE):
        some = Taxon.id.in_(taxa[start : start + _AT_ONCE])
        named = select(Taxon.id, Taxon.name, Taxon.scientific_name, Taxon.vernacular_name, *_ABOVE)
        for key, *names in connection.execute(named.where(some)):
            found[key] = Kind(names[0], names[1], names[2], tuple(filter(None, names[3:])))
    return found
