"""Records that are made up: the table of the reading, and a year in an invented reserve; knows no database.

Each day is drawn from a seed of its own, so that the same day always brings the same records: a demo that is
started again tomorrow adds tomorrow, and nothing else.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

READING_FEED = "reading"
YEAR_FEED = "demo"
FEEDS = (READING_FEED, YEAR_FEED)
_SEED = 20_211_122
_COLUMNS = (
    "occurrenceID",
    "eventDate",
    "eventTime",
    "scientificName",
    "vernacularName",
    "individualCount",
    "countryCode",
    "stateProvince",
    "locality",
    "decimalLatitude",
    "decimalLongitude",
    "basisOfRecord",
)


@dataclass(frozen=True)
class _Animal:
    scientific: str
    vernacular: str
    per_day: float
    """Records on an ordinary day of its season."""
    peak: int
    """Day of the year around which it is seen most; its season is a bell of this width in days."""
    width: float
    hour: float
    """When it is about; 0 is midnight."""
    hours: float
    group: float
    """Animals in one record, on average."""
    camera: bool = False


_ALWAYS = 400.0  # a bell so wide that it is flat: residents
_ANIMALS = (
    _Animal("Capreolus capreolus", "Roe deer", 5.4, 150, _ALWAYS, 6, 3.0, 1.8, True),
    _Animal("Cervus elaphus", "Red deer", 3.2, 268, 110, 20, 3.0, 4.2, True),
    _Animal("Rupicapra rupicapra", "Northern chamois", 1.7, 200, 90, 9, 3.5, 6.0),
    _Animal("Sus scrofa", "Wild boar", 2.9, 290, _ALWAYS, 23, 3.0, 5.1, True),
    _Animal("Vulpes vulpes", "Red fox", 3.4, 40, _ALWAYS, 22, 4.0, 1.1, True),
    _Animal("Meles meles", "European badger", 1.9, 170, 80, 23, 2.5, 1.3, True),
    _Animal("Lynx lynx", "Eurasian lynx", 0.35, 75, _ALWAYS, 21, 4.0, 1.1, True),
    _Animal("Lepus europaeus", "Brown hare", 2.2, 100, _ALWAYS, 21, 3.5, 1.4),
    _Animal("Sciurus vulgaris", "Red squirrel", 2.6, 280, _ALWAYS, 9, 3.0, 1.2),
    _Animal("Martes martes", "Pine marten", 0.9, 190, _ALWAYS, 1, 3.0, 1.0, True),
    _Animal("Marmota marmota", "Alpine marmot", 2.4, 190, 48, 11, 3.0, 3.6),
    _Animal("Castor fiber", "Eurasian beaver", 1.1, 120, _ALWAYS, 22, 2.5, 1.5, True),
    _Animal("Aquila chrysaetos", "Golden eagle", 0.8, 120, _ALWAYS, 12, 3.0, 1.2),
    _Animal("Gypaetus barbatus", "Bearded vulture", 0.3, 60, _ALWAYS, 12, 2.5, 1.1),
    _Animal("Buteo buteo", "Common buzzard", 2.8, 100, _ALWAYS, 12, 3.5, 1.5),
    _Animal("Tetrao urogallus", "Western capercaillie", 0.6, 110, 30, 6, 1.5, 1.6),
    _Animal("Bubo bubo", "Eurasian eagle-owl", 0.7, 70, 60, 22, 2.5, 1.2),
    _Animal("Cuculus canorus", "Common cuckoo", 2.8, 138, 20, 7, 3.0, 1.1),
    _Animal("Hirundo rustica", "Barn swallow", 5.2, 185, 42, 11, 4.0, 7.5),
    _Animal("Apus apus", "Common swift", 4.1, 175, 26, 17, 3.5, 9.0),
    _Animal("Ciconia ciconia", "White stork", 1.6, 165, 42, 13, 3.5, 2.4),
    _Animal("Grus grus", "Common crane", 2.1, 300, 16, 13, 3.5, 48.0),
    _Animal("Alcedo atthis", "Common kingfisher", 1.2, 240, _ALWAYS, 10, 3.5, 1.2),
    _Animal("Fringilla montifringilla", "Brambling", 2.4, 10, 38, 11, 3.0, 31.0),
    _Animal("Turdus pilaris", "Fieldfare", 2.3, 350, 52, 11, 3.5, 14.0),
    _Animal("Erithacus rubecula", "European robin", 4.0, 110, _ALWAYS, 7, 3.0, 1.2),
    _Animal("Salamandra salamandra", "Fire salamander", 1.3, 275, 34, 21, 2.5, 1.9),
    _Animal("Rana temporaria", "Common frog", 2.6, 88, 16, 19, 3.0, 22.0),
    _Animal("Parnassius apollo", "Apollo", 1.9, 190, 16, 13, 2.0, 2.6),
    _Animal("Aglais io", "Peacock butterfly", 2.7, 215, 40, 13, 2.5, 2.2),
)
_PLACES = (
    ("Valley meadows", 46.388, 13.922),
    ("Lake shore", 46.364, 14.094),
    ("Beech forest", 46.341, 13.987),
    ("Upper pastures", 46.421, 13.861),
    ("Gorge", 46.402, 14.021),
    ("Scree field", 46.437, 13.812),
    ("Old quarry", 46.352, 14.131),
    ("Bog", 46.329, 13.958),
)


def write_reading(path: Path) -> None:
    """The table of the reading: Bear 80-120, Deer 700-1100, Wolf 20-30 a year, 2010-2021."""
    random = np.random.default_rng(_SEED)
    rows = zip(
        range(2010, 2022),
        random.integers(80, 121, 12),
        random.integers(700, 1101, 12),
        random.integers(20, 31, 12),
        strict=True,
    )
    _write(path, ("Year", "Bear", "Deer", "Wolf"), rows)


def write_year(path: Path, last: date) -> None:
    """About 20,000 records of 30 species in the twelve months that ``last`` closes.

    They have seasons, hours, places and counts. They begin on the first of a month: a chart of months would
    else begin with half a one.
    """
    first = date(last.year - (last.month < 12), last.month % 12 + 1, 1)
    dates = (first + timedelta(days=days) for days in range((last - first).days + 1))
    _write(path, _COLUMNS, (row for day in dates for row in _day(day)))


def write_live(path: Path, now: datetime, records: int = 5) -> None:
    """A few records of this very minute."""
    random = np.random.default_rng([_SEED, int(now.timestamp())])
    season = np.array([animal.per_day * _in_season(animal, now.date()) for animal in _ANIMALS])
    chosen = random.choice(len(_ANIMALS), records, p=season / season.sum())
    stamp = now.strftime("%Y%m%dT%H%M%S")
    rows = (
        _row(random, _ANIMALS[animal], now.date(), now.hour * 60 + now.minute, f"live-{stamp}-{number}")
        for number, animal in enumerate(chosen, 1)
    )
    _write(path, _COLUMNS, rows)


def _write(path: Path, header: tuple[str, ...], rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under another name first: the scheduler must never see half a file.
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)  # type: ignore[arg-type]
    part.replace(path)


def _day(day: date) -> Iterator[tuple[object, ...]]:
    random = np.random.default_rng([_SEED, day.toordinal()])
    weekend = 2.0 if day.weekday() >= 5 else 1.2  # more people are about
    number = 0
    for animal in _ANIMALS:
        for _ in range(random.poisson(animal.per_day * _in_season(animal, day) * weekend)):
            number += 1
            minute = int(random.normal(animal.hour * 60, animal.hours * 40)) % 1440
            yield _row(random, animal, day, minute, f"demo-{day:%Y%m%d}-{number}")


def _in_season(animal: _Animal, day: date) -> float:
    distance = abs(day.timetuple().tm_yday - animal.peak)
    distance = min(distance, 365 - distance)
    return float(np.exp(-0.5 * (distance / animal.width) ** 2))


def _row(
    random: np.random.Generator, animal: _Animal, day: date, minute: int, name: str
) -> tuple[object, ...]:
    # Each animal keeps to a few of the places; which ones follows from its name alone.
    home = sum(animal.scientific.encode()) % len(_PLACES)
    locality, latitude, longitude = _PLACES[(home + int(random.geometric(0.45)) - 1) % len(_PLACES)]
    return (
        name,
        day.isoformat(),
        f"{minute // 60:02}:{minute % 60:02}",
        animal.scientific,
        animal.vernacular,
        1 + int(random.poisson(animal.group - 1)),
        "SI",
        "Made-up reserve",
        locality,
        round(latitude + float(random.normal(0, 0.004)), 5),
        round(longitude + float(random.normal(0, 0.006)), 5),
        "MachineObservation" if animal.camera else "HumanObservation",
    )
