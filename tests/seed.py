"""Records in a real database file without any input file: what tests of the read side stand on."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
from flask import Flask
from sqlalchemy import Engine, make_url

import config
from api.factory import create_app
from db.engine import open_writer
from db.names import PlaceValue, TaxonValue
from db.schema import upgrade
from db.store import Input, begin_run

OSLO = PlaceValue("NO", "", "", "Oslo")


@dataclass(frozen=True)
class Record:
    """One sighting, as a test wants to write it; days are YYYYMMDD."""

    name: str
    first: int | None
    last: int | None = None
    count: float | None = 1
    identifier: str | None = None
    scientific: str = ""
    vernacular: str = ""
    time: int | None = None
    absent: bool = False
    place: PlaceValue = OSLO
    basis: str | None = "HUMAN_OBSERVATION"
    latitude: float | None = 59.9
    longitude: float | None = 10.7
    genus: str = ""
    family: str = ""
    recorded_by: str | None = None
    sex: str | None = None
    life_stage: str | None = None
    issues: str | None = None
    uncertainty: float | None = None
    doubtful: bool = False
    """Whether its coordinates are."""

    @property
    def taxon(self) -> TaxonValue:
        if self.scientific or self.vernacular:
            name = TaxonValue(self.name, self.scientific, self.vernacular)
        else:
            name = TaxonValue(self.name, "", self.name)
        return name._replace(ranks=("", "", "", "", self.family, self.genus, ""))


def year(name: str, when: int, count: float | None) -> Record:
    """A record of which only the year is known."""
    return Record(name, when * 10_000 + 101, when * 10_000 + 1231, count)


def open_database(url: str) -> Engine:
    """The writer of a database with our schema; a file that is not there is copied from one that is ready.

    The migrations, which have tests of their own, take ten times as long.
    """
    path = make_url(url).database
    if url.startswith("sqlite") and path is not None and not Path(path).exists():
        shutil.copyfile(ready(), path)
    writer = open_writer(url)
    upgrade(writer)
    return writer


@cache
def ready() -> Path:
    """An empty database with our schema."""
    folder = Path(tempfile.mkdtemp(prefix="sightings-ready-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    writer = open_writer(f"sqlite:///{folder / 'ready.db'}")
    upgrade(writer)
    writer.dispose()
    return folder / "ready.db"


def ingest(writer: Engine, records: Iterable[Record], feed: str = "test", made_up: bool = False) -> int:
    """Store records as one run, as the ingester does; returns the run."""
    rows = list(records)
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    what = Input("seed", feed, "seed", digest, made_up)
    with writer.begin() as connection, begin_run(connection, what) as run:
        taxa = run.taxa.ids({row.taxon: None for row in rows})
        places = run.places.ids([row.place for row in rows])
        run.stage(
            {
                "number": pa.array(range(1, len(rows) + 1), pa.int64()),
                "line": pa.array(range(1, len(rows) + 1), pa.int64()),
                "occurrence_id": pa.array([row.identifier for row in rows], pa.string()),
                "fingerprint": pa.array([hashlib.sha256(repr(row).encode()).digest()[:16] for row in rows]),
                "taxon_id": pa.array([taxa[row.taxon] for row in rows], pa.int64()),
                "place_id": pa.array([places[row.place] for row in rows], pa.int64()),
                "first_day": pa.array([row.first for row in rows], pa.int64()),
                "last_day": pa.array([row.last or row.first for row in rows], pa.int64()),
                "time_of_day": pa.array([row.time for row in rows], pa.int64()),
                "individual_count": pa.array([row.count for row in rows], pa.float64()),
                "absent": pa.array([row.absent or row.count == 0 for row in rows]),
                "basis_of_record": pa.array([row.basis for row in rows], pa.string()),
                "decimal_latitude": pa.array([row.latitude for row in rows], pa.float64()),
                "decimal_longitude": pa.array([row.longitude for row in rows], pa.float64()),
                "coordinate_uncertainty": pa.array([row.uncertainty for row in rows], pa.float64()),
                "recorded_by": pa.array([row.recorded_by for row in rows], pa.string()),
                "sex": pa.array([row.sex for row in rows], pa.string()),
                "life_stage": pa.array([row.life_stage for row in rows], pa.string()),
                "issues": pa.array([row.issues for row in rows], pa.string()),
                "geospatial_issue": pa.array([row.doubtful for row in rows]),
                "verbatim": pa.array(["verbatim"] * len(rows)),
            }
        )
        run.tally.read = len(rows)
        run.finish()
        return run.run_id


def open_app(home: Path, **settings: str) -> Flask:
    """The web application over the database in this home, for a client that asks for everything."""
    settings = {"misses_per_minute": "0", **settings}
    environment = {f"SIGHTINGS_{name.upper()}": value for name, value in settings.items()}
    return create_app(config.load({"SIGHTINGS_HOME": str(home), **environment}))


READING = [
    year(name, when, low + (when * 7 + low) % (high - low))
    for name, low, high in (("Bear", 80, 120), ("Deer", 700, 1100), ("Wolf", 20, 30))
    for when in range(2010, 2022)
]
"""Records shaped as in the course reading."""
