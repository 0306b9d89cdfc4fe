"""Made-up records of every awkward kind as rows of files, random questions about them, and no answer."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

Row = dict[str, str]
COLUMNS = (
    "occurrenceID", "eventDate", "eventTime", "scientificName", "vernacularName", "family", "genus",
    "individualCount", "occurrenceStatus", "basisOfRecord", "countryCode", "stateProvince", "locality",
    "decimalLatitude", "decimalLongitude",
)  # fmt: skip
TAXA = (
    ("Lynx lynx", "Eurasian lynx", "Felidae", "Lynx"), ("Felis silvestris", "Wildcat", "Felidae", "Felis"),
    ("Lynx lynx carpathicus", "Carpathian lynx", "Felidae", "Lynx"),
    ("Canis lupus", "Wolf", "Canidae", "Canis"),
    ("Vulpes vulpes", "Red fox", "Canidae", "Vulpes"), ("Vulpes lagopus", "Arctic fox", "Canidae", "Vulpes"),
    ("Vulpes", "", "Canidae", "Vulpes"), ("Ursus arctos", "Brown bear", "Ursidae", "Ursus"),
    ("Erinaceus europaeus", "", "Erinaceidae", "Erinaceus"), ("", "Bat", "", ""), ("Mustelidae", "", "", ""),
)  # fmt: skip
PLACES = (
    ("NO", "Oslo", "Østmarka", 59.9, 10.8), ("NO", "Vestland", "Bergen", 60.4, 5.3),
    ("SI", "", "Kočevje", 45.6, 14.9), ("FJ", "Northern", "Taveuni", -16.8, 179.9),
    ("FJ", "Northern", "Naqara", -16.7, -179.9),
)  # fmt: skip
BASES = ("HUMAN_OBSERVATION", "MACHINE_OBSERVATION", "PRESERVED_SPECIMEN", "")
COUNTS = ("", "", "0", "1", "1", "2", "7", "0.1", "0.2", "2.5")
FEEDS = ("station", "cameras", "museum")


def rows(chance: random.Random, feed: str, number: int) -> list[Row]:
    """So many rows of a feed; the museum knows no identifiers."""
    return [_row(chance, f"{feed}-{place}" if feed != "museum" else "") for place in range(number)]


def corrected(chance: random.Random, some: list[Row]) -> list[Row]:
    """Some of these rows again, with another content."""
    return [
        _row(chance, row["occurrenceID"])
        for row in chance.sample(some, len(some) // 4)
        if row["occurrenceID"]
    ]


def write(path: Path, some: list[Row]) -> Path:
    """The rows as a file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(some)
    return path


def _row(chance: random.Random, identifier: str) -> Row:
    scientific, vernacular, family, genus = chance.choice(TAXA)
    when, time = _when(chance)
    country, state, locality, north, east = chance.choice(PLACES)
    where = chance.random() < 0.8
    absent = chance.random() < 0.08
    return {
        "occurrenceID": identifier,
        "eventDate": when,
        "eventTime": time,
        "scientificName": scientific,
        "vernacularName": vernacular,
        "family": family,
        "genus": genus,
        "individualCount": "" if absent else chance.choice(COUNTS),
        "occurrenceStatus": "ABSENT" if absent else "",
        "basisOfRecord": chance.choice(BASES),
        "countryCode": country,
        "stateProvince": state,
        "locality": locality,
        "decimalLatitude": f"{north + chance.randint(-9, 9) / 100:.2f}" if where else "",
        "decimalLongitude": f"{east + chance.randint(-9, 9) / 100:.2f}" if where else "",
    }


def _when(chance: random.Random) -> tuple[str, str]:
    """A date of any precision, and a time on some of the single days."""
    day = date(2021, 1, 1) + timedelta(chance.randint(0, 1290))
    if chance.random() < 0.3:  # some days are busy
        day = date(2024, 6, 1) + timedelta(chance.randint(0, 13))
    kind = chance.random()
    if kind < 0.07:
        return "", ""
    if kind < 0.14:
        return str(day.year), ""
    if kind < 0.21:
        return f"{day:%Y-%m}", ""
    if kind < 0.3:
        return f"{day}/{day + timedelta(chance.choice((1, 5, 20, 60, 300)))}", ""
    return str(day), f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}" if kind < 0.7 else ""


@dataclass(frozen=True)
class Query:
    """A question: a report, what it is restricted to, its shape."""

    report: str
    filters: dict[str, list[str]] = field(default_factory=dict)
    shape: dict[str, str] = field(default_factory=dict)

    def url(self, form: str) -> str:
        """The address of its answer."""
        given = [(name, value) for name, values in self.filters.items() for value in values]
        return f"/api/v1/reports/{self.report}.{form}?{urlencode([*given, *self.shape.items()])}"


NAMES = {
    "scientificName": ("Lynx lynx", "felidae", "Canidae", "Vulpes", "Ursus arctos", "Unicornis fictus"),
    "vernacularName": ("Wolf", "red fox", "Bat", "Wildcat"),
    "species": ("LYNX LYNX", "Bat", "Canidae", "brown bear", "Erinaceus europaeus"),
}
DATES = {
    "eventDate": ("2024-06-05", "2024-06", "2023", "2022-03,2024-02", "*,2022-10-15", "2024-06-03,*"),
    "year": ("2022", "2022,2023", "*,2022", "2024,*"),
    "month": ("6", "4,8", "1", "*,3"),
}
REST = {
    "country": ("NO", "si", "FJ"),
    "stateProvince": ("Northern", "Oslo"),
    "locality": ("Kočevje", "Bergen"),
    "basisOfRecord": ("HUMAN_OBSERVATION", "MachineObservation"),
    "feed": FEEDS,
    "bbox": ("10,59,11,61", "179.85,-17,-179.85,-16", "-180,-90,180,50", "0,40,20,70"),
}


def query(chance: random.Random, report: str, understood: list[str]) -> Query:
    """A random question for a report that understands these parameters."""
    filters: dict[str, list[str]] = {}
    for group, often in ((NAMES, 0.5), (DATES, 0.5), (REST, 0.5)):
        if chance.random() < often:
            name = chance.choice(list(group))
            most = 1 if name == "bbox" else 2
            filters[name] = sorted(set(chance.choices(group[name], k=chance.randint(1, most))))
    shape: dict[str, str] = {}
    choices = {
        "interval": ("year", "month", "week", "day", *(("hour",) if report != "accumulation" else ())),
        "measure": ("individuals", "records"),
        "limit": ("1", "2", "3", "5", "200"),
        "numerator": ("Lynx lynx", "Canidae", "wolf"),
        "denominator": ("Felidae", "Red fox", "Bat"),
    }
    for name, values in choices.items():
        if name in understood and (name in ("numerator", "denominator") or chance.random() < 0.8):
            shape[name] = chance.choice(values)
    return Query(report, filters, shape)
