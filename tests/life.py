"""What may happen to a database, at random, one batch after the other, and what is asked of it meanwhile."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Engine

from api.reports import REPORTS
from db.names import PlaceValue
from db.undo import CannotUndo, undo
from tests.seed import OSLO, Record, ingest

TAXA = [
    (f"{genus} {epithet}", vernacular, genus)
    for genus, vernacular in (("Lynx", "Eurasian lynx"), ("Vulpes", "Red fox"), ("Ursus", "Bear"))
    for epithet in (
        "lynx",
        "alba",
        "nigra",
        "minor",
        "major",
        "arctos",
        "vulgaris",
        "borealis",
        "alpina",
        "rufa",
    )
]
"""So many that there is always something left to be learned of one."""
DAYS = (
    (None, None), (20210101, 20211231), (20220101, 20221231), (20220401, 20220430), (20230601, 20230831),
    *((day, day) for day in (20210311, 20220407, 20220408, 20230715, 20241230)),
)  # fmt: skip
WHAT = (
    "", "species=lynx lynx", "species=eurasian lynx&species=bear",
    "scientificName=Vulpes", "feed=b", "taxonKey=2", "feed=a&feed=c", "country=LT",
    "vernacularName=red fox&feed=a", "basisOfRecord=HUMAN_OBSERVATION",
)  # fmt: skip
WHEN = ("", "", "year=2022", "eventDate=*,2021", "eventDate=2022-04", "month=4", "year=2021&year=2023")
NEEDED = {"numerator": "lynx lynx", "denominator": "vulpes"}


def addresses(chance: random.Random) -> list[str]:
    """Every report with a few restrictions each; the same ones are asked again and again."""
    found = []
    for report in REPORTS.values():
        needed = [f"{name}={NEEDED[name]}" for name in report.parameters.required()]
        for _ in range(3):
            parts = [chance.choice(WHAT), chance.choice(WHEN), *needed]
            query = "&".join(part for part in parts if part).replace(" ", "+")
            found.append(f"/api/v1/reports/{report.name}.json?{query}")
    return found


@dataclass
class Life:
    """A database to which things happen, one batch after the other."""

    writer: Engine
    chance: random.Random
    runs: list[int] = field(default_factory=list)
    known: list[tuple[str, Record]] = field(default_factory=list)

    def goes_on(self) -> None:
        """New records, corrections, or an undo, also of an undo."""
        if self.runs and self.chance.random() < 0.2:
            with suppress(CannotUndo):
                run = undo(self.writer, self.chance.choice(self.runs[-6:])).run
                self.runs += [run] if run else []
            return
        feed = self.chance.choice("abc")
        mine = [record for of_feed, record in self.known if of_feed == feed]
        if mine and self.chance.random() < 0.4:
            again = self.chance.sample(mine, min(2, len(mine)))
            rows = [self._record(record.identifier or "") for record in again]
        else:
            number = len(self.known)
            rows = [self._record(f"{number}-{place}") for place in range(self.chance.randint(1, 3))]
            self.known += [(feed, row) for row in rows]
        self.runs.append(ingest(self.writer, rows, feed, made_up=feed == "c"))

    def _record(self, identifier: str) -> Record:
        name, vernacular, genus = self.chance.choice(TAXA)
        first, last = self.chance.choice(DAYS)
        return Record(
            name,
            first,
            last,
            self.chance.choice((None, 0, 1, 2, 0.1)),
            identifier,
            scientific=name,
            vernacular=self.chance.choice(("", "", vernacular)),
            genus=self.chance.choice(("", genus)),
            time=self.chance.choice((None, 7 * 3600)),
            place=self.chance.choice((OSLO, PlaceValue("LT", "", "", "Kaunas"))),
            absent=self.chance.random() < 0.1,
        )
