"""What a row calls its animal -> one taxon; knows no other part of the row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from db.names import RANKS, TaxonValue
from ingest.words.values import clean

COLUMNS = (
    "scientificName",
    "species",
    "vernacularName",
    "genus",
    "specificEpithet",
    "infraspecificEpithet",
    "taxonRank",
    "scientificNameAuthorship",
    *(rank for rank in RANKS if rank not in ("genus", "species")),
)
"""The terms that ``taxon`` reads, in the order of its argument."""

_LONGEST = 200  # what an index of PostgreSQL can hold, and no chart can show
_LATIN = re.compile(
    r"[A-Z][a-z]{2,} [a-z-]{2,}(?:us|a|um|is|i|ae|or|ax|ex|ix|ns|on|os|ma|se|es)(?: [a-z-]+)?\Z"
)
_EPITHET = re.compile(r"[a-zë-]{2,}\Z")
_BETWEEN = {"×", "x", "subsp.", "ssp.", "var.", "f.", "cf.", "aff.", "sp.", "spp."}
_AUTHOR = re.compile(r"[A-ZÀ-Þ].*|\((?=.*\d{4}|[^()]*\)\s*[A-ZÀ-Þ]|L\.).*")


def looks_latin(names: Iterable[str], beside_genus: bool = False) -> bool:
    """Whether a column of "species" holds scientific names: most of a sample end as Latin does.

    Beside a column of genera it may hold the second part alone.
    """
    sample = [name for name in {clean(name) for name in names} if name]
    if beside_genus:
        sample = [f"Genus {name}" if name[0].islower() else name for name in sample if name not in _BETWEEN]
    return bool(sample) and sum(bool(_LATIN.match(name)) for name in sample) > 0.6 * len(sample)


def without_author(name: str, authorship: str = "") -> str:
    """A scientific name without who described it: "Procyon lotor (Linnaeus, 1758)" -> "Procyon lotor"."""
    if authorship and name.endswith(authorship) and len(authorship) < len(name):
        return name[: -len(authorship)].rstrip(" ,")
    words = name.split(" ")
    end = 1
    while end < len(words) and (_EPITHET.match(words[end]) or words[end] in _BETWEEN):
        end += 1
    rest = " ".join(words[end:])
    if not _AUTHOR.fullmatch(rest) or words[end - 1] in _BETWEEN:  # Anas platyrhynchos × Anas acuta
        return name
    return " ".join(words[:end])


def taxon(values: Sequence[str], latin: bool = True) -> TaxonValue | None:
    """The taxon of one row from the values of COLUMNS; None where they hold no name.

    ``latin`` says what an ambiguous ``species`` column holds. Where a table has both ``scientificName`` and
    ``species`` (GBIF), the species that the source settled on goes before the name that the record came with.
    A ``species`` that is the second part of a name alone follows its ``genus``.
    """
    given = dict(zip(COLUMNS, (clean(value)[:_LONGEST] if value else "" for value in values), strict=True))
    scientific, vernacular = given["scientificName"], given["vernacularName"]
    species = given["species"] if latin or scientific else ""
    if given["genus"] and _is_epithet(species.partition(" ")[0]):
        species = f"{given['genus']} {species}"
    if given["species"] and not species:
        vernacular = vernacular or given["species"]
    accepted = _accepted(scientific, species, given)
    if not accepted:
        return TaxonValue(vernacular, "", vernacular) if vernacular else None
    binomial = _binomial(accepted)
    ranks = (*(given.get(rank) or "" for rank in RANKS[:-1]), binomial)
    return TaxonValue(accepted, accepted, vernacular, given["taxonRank"].upper(), ranks)


def _accepted(scientific: str, species: str, given: dict[str, str]) -> str:
    if species:
        return without_author(species) if not scientific else species
    if scientific:
        return without_author(scientific, given["scientificNameAuthorship"])
    if given["genus"]:
        return " ".join(
            filter(None, (given["genus"], given["specificEpithet"], given["infraspecificEpithet"]))
        )
    return ""


def _is_epithet(word: str) -> bool:
    return bool(_EPITHET.match(word)) or word in _BETWEEN


def _binomial(name: str) -> str:
    words = name.split(" ")
    return " ".join(words[:2]) if len(words) > 1 and _EPITHET.match(words[1]) else ""
