"""Files through the whole ingest, and what is in the database then: what tests of the write side stand on."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections import defaultdict
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner
from sqlalchemy import Engine, func, select

from db.engine import LOOK
from db.filters import Filters, data_version, scope
from db.models import Feed, Place, Reject, Rollup, Run, Sighting, Taxon, TaxonName, Touched
from db.questions import counts
from ingest.formats import is_bundle
from ingest.outcome import Options, Outcome
from ingest.run import ingest as run
from ingest.sources.source import find

ROOT = Path(__file__).resolve().parent.parent
Buckets = dict[tuple[str, int], float]


def table(path: Path, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
    """A file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def read(writer: Engine, *paths: Path, **said: Any) -> list[Outcome]:
    """Ingest these files as the command does."""
    return run(writer, find([str(path) for path in paths], is_bundle), Options(**said))


def read_one(writer: Engine, path: Path, **said: Any) -> Outcome:
    """Ingest one file; whatever becomes of it, its rows are accounted for."""
    (outcome,) = read(writer, path, **said)
    assert outcome.tally.adds_up(), outcome.tally
    return outcome


def sums(outcome: Outcome) -> tuple[int, int, int, int, int]:
    """Read, inserted, updated, duplicate, rejected."""
    tally = outcome.tally
    return tally.read, tally.inserted, tally.updated, tally.duplicate, tally.rejected


def per(writer: Engine, interval: str, measure: str = "records", **filters: Any) -> Buckets:
    """(species, bucket) -> count, as the reports ask; what is zero is left out."""
    with writer.connect().execution_options(**LOOK) as connection:
        asked = scope(connection, Filters(**filters))
        if interval == "total":
            found = counts.totals(connection, asked)
        else:
            found = counts.per_bucket(connection, asked, interval)
        labels = counts.labels(connection, [one.taxon_id for one in found], None)
    answer: Buckets = defaultdict(float)
    for one in found:
        answer[labels[one.taxon_id].name, one.bucket] += getattr(one, measure)
    return {key: value for key, value in answer.items() if value}


def version(writer: Engine) -> int:
    """The data version."""
    with writer.connect().execution_options(**LOOK) as connection:
        return data_version(connection)


def rows_of(writer: Engine, *columns: Any) -> list[Any]:
    """Whatever is in these columns, in the order of the first."""
    with writer.connect().execution_options(**LOOK) as connection:
        return list(connection.execute(select(*columns).order_by(columns[0])))


class Image(NamedTuple):
    """All of a database that an answer could show, without ids that another order of events would give."""

    version: int
    sightings: list[Any]
    rollups: list[Any]
    touched: list[Any]
    ledger: list[Any]
    rejects: int
    names: tuple[int, ...]


def image(writer: Engine) -> Image:
    """What is in the database now."""
    places = (Place.country_code, Place.state_province, Place.locality)
    with writer.connect().execution_options(**LOOK) as connection:
        sighting = [
            column for column in Sighting.__table__.c if column.name not in ("key", "taxon_id", "place_id")
        ]
        joined = select(Taxon.name, *places, *sighting).join_from(Sighting, Taxon).join(Place)
        rollup = select(
            Rollup.bucket, Taxon.name, Feed.name, Rollup.records, Rollup.individuals, Rollup.absences
        )
        ledger = select(Run.id, Run.status, Run.changed, Run.read, Run.inserted, Run.updated, Run.duplicate)
        return Image(
            data_version(connection),
            sorted(map(repr, connection.execute(joined))),
            sorted(map(repr, connection.execute(rollup.join_from(Rollup, Taxon).join(Feed)))),
            sorted(
                map(
                    repr,
                    connection.execute(select(Touched.run_id, Taxon.name, Touched.first_day).join(Taxon)),
                )
            ),
            [tuple(row) for row in connection.execute(ledger.order_by(Run.id))],
            int(connection.execute(select(func.count()).select_from(Reject)).scalar_one()),
            tuple(
                int(connection.execute(select(func.count()).select_from(one)).scalar_one())
                for one in (Feed, Place, Taxon, TaxonName)
            ),
        )


def shuffled(path: Path, into: Path, delimiter: str, head: int = 1, member: str = "") -> Path:
    """The same records under another name and in another order; the first ``head`` lines stay."""
    into.mkdir(exist_ok=True)
    target = into / f"renamed-{path.name}"
    if path.suffix != ".zip":
        target.write_text(_shuffled(path.read_text(encoding="utf-8"), delimiter, head), encoding="utf-8")
        return target
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == member or not member:
                content = _shuffled(content.decode(), delimiter, head).encode()
            new.writestr(name, content)
    return target


def _shuffled(text: str, delimiter: str, head: int) -> str:
    lines = io.StringIO(text, newline="")
    first = [lines.readline() for _ in range(head)]
    rows = list(csv.reader(lines, delimiter=delimiter))
    random.Random(7).shuffle(rows)
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return "".join(first) + out.getvalue()


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a command whose home this is; one client may ask for everything."""
    settings = {"misses_per_minute": "0", **settings}
    named = {f"SIGHTINGS_{name.upper()}": value for name, value in settings.items()}
    # What Python has compiled may be kept: commands start a third faster then.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "SIGHTINGS_HOME": str(home), **named}


def start(home: Path, *words: object, **settings: str) -> subprocess.Popen[str]:
    """A command as a real process, under way."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *map(str, words)],
        env=environment(home, **settings),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def manage(home: Path, *words: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command as a real process, done."""
    process = start(home, *words, **settings)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def here(home: Path, *words: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command in this process: the same answer, without the second that Python takes to start."""
    from manage import main

    with chdir(home):
        done = CliRunner(env=environment(home, **settings)).invoke(main, [str(word) for word in words])
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def manage_json(home: Path, *words: object, **settings: str) -> Any:
    """What a command prints as JSON."""
    done = here(home, *words, "--json", **settings)
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)
