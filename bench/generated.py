"""Made-up rows in the shape of a GBIF download, the same for the same seed; as a program it writes a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

COLUMNS = (
    "gbifID",
    "occurrenceID",
    "genus",
    "species",
    "scientificName",
    "eventDate",
    "individualCount",
    "decimalLatitude",
    "decimalLongitude",
    "countryCode",
    "locality",
    "recordedBy",
)
SPECIES = 300
_CHUNK = 50_000
_GENERA = 90
_PLACES = 400
_PEOPLE = 256
_FIRST_DAY = np.datetime64("2015-01-01")
_DAYS = 3653
_HEADS = ("Ca", "Me", "Ru", "Lo", "Ti", "Po", "Se", "Ar", "Vu", "Ne")
_TAILS = ("lus", "rus", "nia", "dea", "mys", "pus", "tor", "bes", "vis")
_EPITHETS = ("alba", "minor", "major", "rufus", "niger", "vulgaris", "silvestris")


def rows(number: int, seed: int = 20_261_122, *, times: bool = False) -> Iterator[str]:
    """Lines of text with their ends, in blocks; the header first.

    A twentieth of the rows is not counted, one in a thousand has a month for a date, one in ten thousand a
    day that does not exist: what real files are like, and what has to be looked for. With ``times``, each
    whole day has a time of day.
    """
    random = np.random.default_rng(seed)
    names = _names()
    # Few species make most of the records, as everywhere.
    shares = 1 / np.arange(1, SPECIES + 1) ** 0.8
    places = [f"P{number:03}" for number in range(_PLACES)]
    people = [f"{first}{last}" for first in "ABCDEFGHIJKLMNOP" for last in "ABCDEFGHIJKLMNOP"]
    yield "\t".join(COLUMNS) + "\n"
    for start in range(0, number, _CHUNK):
        size = min(_CHUNK, number - start)
        kind = random.choice(SPECIES, size, p=shares / shares.sum())
        place = random.integers(0, _PLACES, size)
        columns = (
            range(4_000_000_001 + start, 4_000_000_001 + start + size),
            kind,
            _dates(random, size, times),
            _counts(random, size),
            (46 + place / 200 + random.normal(0, 0.01, size)).round(4).tolist(),
            (13 + place % 37 / 20 + random.normal(0, 0.01, size)).round(4).tolist(),
            place,
            random.integers(0, _PEOPLE, size),
        )
        yield "".join(
            f"{key}\tobs{key % 10_000_000}\t{names[taxon]}\t{day}\t{count}\t{north}\t{east}\tSI"
            f"\t{places[site]}\t{people[by]}\n"
            for key, taxon, day, count, north, east, site, by in zip(*columns, strict=True)
        )


def _names() -> list[str]:
    """Genus, species and scientific name of each species, with tabs between them."""
    genera = [f"{_HEADS[number % 10]}{_TAILS[number // 10]}" for number in range(_GENERA)]
    names = []
    for number in range(SPECIES):
        genus, epithet = genera[number % _GENERA], _EPITHETS[number // _GENERA]
        names.append(f"{genus}\t{genus} {epithet}\t{genus} {epithet}")
    return names


def _dates(random: np.random.Generator, size: int, times: bool) -> Sequence[str]:
    texts = (_FIRST_DAY + random.integers(0, _DAYS, size)).astype(str).astype(object)
    if times:
        texts = texts + np.char.mod("T%02d:30", random.integers(0, 24, size)).astype(object)
    vague = random.random(size)
    texts[vague < 0.001] = "2019-06"
    texts[vague < 0.0001] = "2019-02-30"
    return [str(text) for text in texts]


def _counts(random: np.random.Generator, size: int) -> Sequence[str]:
    texts = random.geometric(0.5, size).astype(str).astype(object)
    texts[random.random(size) < 0.05] = ""
    return [str(text) for text in texts]


def write(path: Path, number: int, times: bool) -> None:
    """Write a file of this many rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(rows(number, times=times))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), "times" in sys.argv[3:])
