"""Which taxa are one species, and which only stand above one. Knows no database and no report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from db.questions.kinds import Kind


def species(kinds: Mapping[int, Kind]) -> dict[str, list[int]]:
    """The taxa of each species, under a name that they share.

    A subspecies belongs to its species. What has no second part of a name (Bombus, Bombus sp., Apidae) stands
    for itself; what goes only by a vernacular name too.
    """
    found: dict[str, list[int]] = {}
    for taxon, kind in kinds.items():
        found.setdefault(_species(kind), []).append(taxon)
    return found


def higher(kinds: Iterable[Kind]) -> set[str]:
    """The names, as ``species`` has them, of all that stands above one of these."""
    names: set[str] = set()
    for kind in kinds:
        above = [*kind.above, *(kind.scientific_name or "").split(" ")[:1]]
        names.update({name.casefold() for name in above} - {_species(kind)})
    return names


def _species(kind: Kind) -> str:
    if not kind.scientific_name:
        return kind.name.casefold()
    words = kind.scientific_name.casefold().split(" ")
    return " ".join(words[: 2 if len(words) > 1 and words[1].replace("-", "").isalpha() else 1])
