"""The same validator means the same answer, whatever is ingested, corrected and taken back in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

import api.order
from api.reports import REPORTS
from db.filters import Filters
from db.names import PlaceValue, Taxa
from db.undo import CannotUndo, undo
from tests.seed import OSLO, Record, ingest, open_app

BATCHES = 500
SEED = 4
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


@dataclass
class Contradiction:
    """Two answers of one address under one validator."""

    batch: int
    url: str


def contradiction(writer: Engine, client: FlaskClient, batches: int) -> Contradiction | None:
    """The first one over so many batches, two questions after each; None is well."""
    chance = random.Random(SEED)
    life, urls = Life(writer, chance), addresses(chance)
    seen: dict[tuple[str, str], bytes] = {}
    for batch in range(batches):
        life.goes_on()
        for url in chance.sample(urls, 2):
            answer = client.get(url)
            if answer.status_code == 404:  # a name that is demanded, and forgotten or not known yet
                continue
            assert answer.status_code == 200, answer.text
            if seen.setdefault((url, answer.headers["ETag"]), answer.data) != answer.data:
                return Contradiction(batch, url)
    # Some stayed as they were, and most did not: neither would show anything.
    assert len(urls) < len(seen) < 2 * batches
    return None


@pytest.fixture
def client(writer: Engine, database_url: str, home: Path) -> Iterator[FlaskClient]:
    app = open_app(home, database_url=database_url, cache_url="off")
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def test_the_same_validator_means_the_same_answer(writer: Engine, client: FlaskClient) -> None:
    batches = BATCHES if writer.dialect.name == "sqlite" else BATCHES // 10
    assert contradiction(writer, client, batches) is None


def _stuck(patch: pytest.MonkeyPatch) -> None:
    """The version of a scope never rises."""
    real = api.order.scope
    patch.setattr(api.order, "scope", lambda *asked: replace(real(*asked), version=0))


def _unlearned(patch: pytest.MonkeyPatch) -> None:
    """What was learned of a name is not written down as touched."""
    patch.setattr(Taxa, "touch_changed", lambda self: len(self.changed))


def _short_sighted(patch: pytest.MonkeyPatch) -> None:
    """Of several years only the first is looked at."""
    real: Any = Filters.outer_days.fget  # type: ignore[attr-defined]

    def first_only(filters: Filters) -> tuple[int, int]:
        return real(replace(filters, years=filters.years[:1]))  # type: ignore[no-any-return]

    patch.setattr(Filters, "outer_days", property(first_only))


@pytest.mark.parametrize("planted", [_stuck, _unlearned, _short_sighted])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_planted_error_is_found(
    planted: Any, writer: Engine, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch)
    assert contradiction(writer, client, BATCHES) is not None
