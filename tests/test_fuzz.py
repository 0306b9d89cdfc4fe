"""Random tables in every form come back as they were written; damaged bytes are accounted for.

200 examples; ``make fuzz`` runs 5,000, in parts that several processes share.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select

from db.engine import LOOK, open_writer
from db.models import Place, Sighting, Taxon
from ingest.formats import FORMATS
from tests.files import read_one
from tests.seed import ready

EXAMPLES = max(200, settings().max_examples)
PARTS = max(1, EXAMPLES // 500)
"""Each begins at a place of its own, by chance; a single one would keep a single core busy for an hour."""
FUZZ = settings(
    max_examples=EXAMPLES // PARTS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


Record = dict[str, str]
"""Term -> what is written of one animal."""
NAMES = [
    *("occurrenceID", "eventDate", "scientificName", "individualCount"),
    *("decimalLatitude", "decimalLongitude", "locality"),
]
WORD = st.text(st.sampled_from("abcdefgopsu"), min_size=2, max_size=8)
IDENTIFIER = st.text(st.sampled_from("abz019-_:/.é漢"), min_size=1, max_size=12)
TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=12)
DEGREES = st.integers(-89_9999, 89_9999).filter(bool).map(lambda number: f"{number / 10_000:.4f}")
VALUES = (
    IDENTIFIER,
    st.one_of(
        st.dates(date(1800, 1, 1), date(2025, 1, 1)).map(str),
        st.integers(1800, 2024).map(str),
        st.tuples(st.integers(1800, 2024), st.integers(1, 12)).map(lambda both: f"{both[0]}-{both[1]:02}"),
    ),
    st.tuples(WORD, WORD).map(lambda words: f"{words[0].capitalize()} {words[1]}"),
    st.one_of(st.just(""), st.integers(0, 10**9).map(str)),
    DEGREES,
    DEGREES,
    TEXT,
)
RECORDS = st.lists(
    st.fixed_dictionaries(dict(zip(NAMES, VALUES, strict=True))),
    min_size=1,
    max_size=8,
    unique_by=lambda record: record["occurrenceID"],
)


def delimited(delimiter: str) -> Callable[[list[Record]], bytes]:
    def written(records: list[Record]) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows([record[name] for name in NAMES] for record in records)
        return out.getvalue().encode()

    return written


def as_json(records: list[Record]) -> bytes:
    return json.dumps({"results": records}).encode()


def as_lines(records: list[Record]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def as_archive(records: list[Record]) -> bytes:
    fields = "".join(
        f'<field index="{place}" term="http://rs.tdwg.org/dwc/terms/{name}"/>'
        for place, name in enumerate(NAMES)
    )
    meta = (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8" fieldsTerminatedBy="\\t"'
        ' linesTerminatedBy="\\n" fieldsEnclosedBy="&quot;" ignoreHeaderLines="1"'
        ' rowType="http://rs.tdwg.org/dwc/terms/Occurrence"><files><location>occurrence.txt</location></files>'
        f'<id index="0"/>{fields}</core></archive>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("meta.xml", meta)
        archive.writestr("occurrence.txt", delimited("\t")(records))
    return out.getvalue()


FORMS: dict[str, Callable[[list[Record]], bytes]] = {
    "csv": delimited(","),
    "tsv": delimited("\t"),
    "json": as_json,
    "ndjson": as_lines,
    "zip": as_archive,
}


@pytest.fixture(params=range(PARTS))
def fresh(tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Makes the database of this test empty again.

    One engine writes all of them, because it keeps the statements that it has put together, which would take
    a quarter of the time; so the file stays the same one, and only its content is another.
    """
    path, empty = tmp_path / "sightings.db", ready().read_bytes()
    path.write_bytes(empty)
    writer = open_writer(f"sqlite:///{path}")

    @event.listens_for(writer, "connect")
    def _hurry(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # nobody looks for it after a power cut

    def make() -> Engine:
        for left in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            left.unlink(missing_ok=True)
        path.write_bytes(empty)
        return writer

    yield make
    writer.dispose()


def kept(writer: Engine) -> Iterator[tuple[object, ...]]:
    """What the database holds, as it would be exported."""
    columns = (Sighting.occurrence_id, Sighting.first_day, Sighting.last_day, Taxon.name)
    more = (Sighting.individual_count, Sighting.absent, Sighting.decimal_latitude, Sighting.decimal_longitude)
    asked = select(*columns, *more, Place.locality).join_from(Sighting, Taxon).join(Place)
    with writer.connect().execution_options(**LOOK) as connection:
        yield from map(tuple, connection.execute(asked.order_by(Sighting.key)))


def expected(record: Record) -> tuple[object, ...]:
    when = record["eventDate"]
    first, last = (int(f"{when}{rest}".replace("-", "")[:8]) for rest in ("-01-01", "-12-31"))
    if len(when) == 7:
        year, month = map(int, when.split("-"))
        end = (date(year + month // 12, month % 12 + 1, 1) - date.resolution).day
        first, last = (year * 10_000 + month * 100 + day for day in (1, end))
    count = float(record["individualCount"]) if record["individualCount"] else None
    place = (float(record["decimalLatitude"]), float(record["decimalLongitude"]))
    return (record["occurrenceID"], first, last, count, count == 0, *place)


@FUZZ
@given(form=st.sampled_from(list(FORMS)), records=RECORDS)
def test_what_is_written_in_any_form_is_what_is_kept(
    fresh: Callable[[], Engine], tmp_path: Path, form: str, records: list[Record]
) -> None:
    path = tmp_path / f"a.{form}"
    path.write_bytes(FORMS[form](records))
    writer = fresh()
    outcome = read_one(writer, path)
    assert outcome.status == "committed", outcome.message
    assert outcome.tally.inserted == len(records)
    found = [(*row[:3], *row[4:8]) for row in kept(writer)]
    assert found == [expected(record) for record in records]
    names = [str(row[3]).casefold() for row in kept(writer)]
    assert names == [record["scientificName"].casefold() for record in records]
    # What a place is called is compared in the form of Unicode in which databases keep it.
    assert [row[8] for row in kept(writer)] == [
        " ".join(normalize("NFC", record["locality"]).split()) for record in records
    ]


MUTATION = st.tuples(
    st.sampled_from(["replace", "insert", "delete", "cut", "double"]),
    st.floats(0, 1),
    st.binary(min_size=1, max_size=6),
)


def mutated(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, bytes_ in changes:
        at = int(where * len(content))
        behind = content[at + len(bytes_) :]
        content = {
            "replace": content[:at] + bytes_ + behind,
            "insert": content[:at] + bytes_ + content[at:],
            "delete": content[:at] + behind,
            "cut": content[:at],
            "double": content[:at] + content[at:] * 2,
        }[kind]
    return content


def accounted(writer: Engine, path: Path) -> None:
    """Whatever was wrong is told in a sentence that somebody thought of, and every row is in the sum."""
    before = time.time() - 60
    os.utime(path, (before, before))  # nobody is writing it, so nobody waits for the end of its last line
    outcome = read_one(writer, path)
    assert outcome.status in ("committed", "unchanged", "failed", "needs_approval")
    assert "unexpected" not in outcome.message, outcome.message
    assert "INTERPRETATION_ERROR" not in outcome.reasons, outcome.reasons
    assert (outcome.status == "failed") == bool(outcome.message)


@FUZZ
@given(form=st.sampled_from(list(FORMS)), records=RECORDS, changes=st.lists(MUTATION, min_size=1, max_size=4))
def test_damaged_bytes_are_accounted_for(
    fresh: Callable[[], Engine],
    tmp_path: Path,
    form: str,
    records: list[Record],
    changes: list[tuple[str, float, bytes]],
) -> None:
    path = tmp_path / f"a.{form}"
    path.write_bytes(mutated(FORMS[form](records), changes))
    accounted(fresh(), path)


@FUZZ
@given(
    known=st.sampled_from([known for known in FORMATS if known.about.sample]),
    changes=st.lists(MUTATION, min_size=1, max_size=4),
)
def test_damaged_samples_of_every_format_are_accounted_for(
    fresh: Callable[[], Engine], tmp_path: Path, known: object, changes: list[tuple[str, float, bytes]]
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(mutated(known.about.sample.encode(), changes))  # type: ignore[attr-defined]
    accounted(fresh(), path)
