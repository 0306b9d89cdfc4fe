"""Which taxon a name means, as GBIF's species match tells it: exactly, nearly, or what is above it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from db.models import TaxonName
from db.names import RANKS
from db.questions.taxa import usages
from db.taxon_keys import keys_of

NOTHING = {"confidence": 100, "matchType": "NONE", "synonym": False}
_NEAR = 0.86  # of difflib's ratio; one wrong letter in ten is 0.9
_SPREAD = 3  # letters that a name may be longer or shorter than a misspelling of it
_KINGDOMS = {"animals": "animalia", "plants": "plantae", "bacterium": "bacteria"}
_CANONICAL = re.compile(r"[^\W\d_]+(?: [^\W\d_A-Z][\w-]*)*")
_CONFIDENCE = {"EXACT": 99, "HIGHERRANK": 95}


@dataclass(frozen=True)
class Named:
    """A name to be matched, and what is said of its place among others."""

    name: str
    rank: str = ""
    """In small letters; empty is any."""
    line: tuple[tuple[str, str], ...] = ()
    """Rank and name of what is above it, as far as it is told."""


def match(connection: Connection, named: Named, strict: bool, verbose: bool) -> dict[str, Any]:
    """The best match; ``strict`` never takes what is above, ``verbose`` tells what else was near."""
    candidates = _candidates(connection, named, strict)
    best = next(candidates, None)
    answer = _answer(*best) if best else dict(NOTHING)
    alternatives = [_answer(*other) for other in candidates] if verbose else []
    return answer | ({"alternatives": alternatives} if alternatives else {})


def _candidates(
    connection: Connection, named: Named, strict: bool
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Everything that the name may mean, the best first."""
    plain = canonical(named.name)
    exact = _agreeing(connection, [named.name.casefold(), plain], named)
    yield from (("EXACT", _CONFIDENCE["EXACT"], usage) for usage in exact[:1])
    if not exact:
        near = _near(connection, plain)
        for usage in _agreeing(connection, list(near), named):
            yield "FUZZY", round(100 * near.get(usage["canonicalName"].casefold(), _NEAR)), usage
    if not strict:
        names = [plain.partition(" ")[0]] if " " in plain else []
        names += [name.casefold() for _, name in reversed(named.line)]
        above = Named("", "", named.line)
        for name in names:
            for usage in _agreeing(connection, [name], above):
                yield "HIGHERRANK", _CONFIDENCE["HIGHERRANK"], usage


def canonical(name: str) -> str:
    """A name without its author, in small letters: Vulpes vulpes (Linnaeus, 1758) -> vulpes vulpes."""
    found = _CANONICAL.match(name)
    return (found[0] if found else name).casefold()


def _near(connection: Connection, name: str) -> dict[str, float]:
    """Scientific names that are written nearly so, the nearest first, with how near (up to 1)."""
    length = func.length(TaxonName.name_key)
    asked = (
        select(TaxonName.name_key)
        .distinct()
        .where(
            TaxonName.kind == "scientific",
            TaxonName.name_key.startswith(name[:1], autoescape=True),
            length.between(len(name) - _SPREAD, len(name) + _SPREAD),
        )
    )
    known = [str(one) for one in connection.execute(asked).scalars()]
    close = difflib.get_close_matches(name, known, n=5, cutoff=_NEAR)
    return {one: difflib.SequenceMatcher(None, one, name).ratio() for one in close}


def _agreeing(connection: Connection, names: list[str], named: Named) -> list[dict[str, Any]]:
    """What these names stand for, where it does not contradict what is said of the name."""
    keys = keys_of(connection, names)
    ordered = list(dict.fromkeys(keys[name] for name in names if name in keys))
    return [usage for usage in usages(connection, ordered) if _agrees(usage, named)]


def _agrees(usage: dict[str, Any], named: Named) -> bool:
    if "scientificName" not in usage:
        return False
    if named.rank and usage["rank"] not in (named.rank.upper(), "UNRANKED"):
        return False
    for rank, name in named.line:
        said = _KINGDOMS.get(name.casefold(), name.casefold())
        if usage.get(rank, said).casefold() != said:
            return False
    return True


def _answer(kind: str, confidence: int, usage: dict[str, Any]) -> dict[str, Any]:
    names = (*RANKS, *(f"{rank}Key" for rank in RANKS))
    return {
        "usageKey": usage["key"],
        "scientificName": usage["scientificName"],
        "canonicalName": usage["canonicalName"],
        "rank": usage["rank"],
        "status": usage["taxonomicStatus"],
        "confidence": confidence,
        "matchType": kind,
        "synonym": False,
        **{name: usage[name] for name in names if name in usage},
    }
