"""Parquet files: what becomes of typed columns, and the real one of OBIS counted again by pandas."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from db.models import Sighting
from ingest.formats import parquet as reader
from ingest.formats.table import Table, Wanted
from ingest.sources.source import DAMAGE, Unreadable, of_file
from tests.files import per, read_one, rows_of, sums

Find = Callable[[str], Path]
OBIS = "C-scale-obis/0ada9b0c-14f5-4247-881e-9f6f62b2c165.parquet"


def written(folder: Path, columns: dict[str, object], **said: object) -> Path:
    path = folder / "sightings.parquet"
    pq.write_table(pa.table(columns), path, **said)
    return path


def opened(path: Path) -> Table:
    table = reader.read(of_file(path), Wanted())
    assert table is not None
    return table


def cells(path: Path) -> dict[str, list[str]]:
    table = opened(path)
    rows = [row for chunk in table.chunks() for row in chunk.rows]
    return {name: [row[place] for row in rows] for place, name in enumerate(table.columns)}


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array(["Lynx", None, ""]), ["Lynx", "", ""]),
        (pa.array(["Lynx", None, "Lynx"]).dictionary_encode(), ["Lynx", "", "Lynx"]),
        (pa.array(["Lynx", None], pa.large_string()), ["Lynx", ""]),
        (pa.array([9007199254740993, None, -1]), ["9007199254740993", "", "-1"]),
        (pa.array([3.0, 48.2083, None, float("nan"), 1e16, -2.0]), ["3", "48.2083", "", "", "1e+16", "-2"]),
        (pa.array([0.1, 2.0, None, float("nan")], pa.float32()), ["0.1", "2", "", ""]),
        (pa.array([True, False, None]), ["true", "false", ""]),
        (pa.array([date(2024, 5, 3), None]), ["2024-05-03", ""]),
        (pa.array([datetime(2024, 5, 3, 6, 5), None]), ["2024-05-03T06:05:00", ""]),
        (pa.array([datetime(2024, 5, 3, 6, 5)], pa.timestamp("ns")), ["2024-05-03T06:05:00"]),
        (
            pa.array([datetime(2024, 5, 3, 6, 5, tzinfo=UTC)], pa.timestamp("ms", "Europe/Vienna")),
            ["2024-05-03T08:05:00+02:00"],
        ),
        (pa.array([time(6, 5), None]), ["06:05:00", ""]),
        (pa.array([Decimal("1.50"), None]), ["1.50", ""]),
        (pa.array([b"Lynx", b"\xff\x00", None]), ["Lynx", "ff00", ""]),
        (pa.array([["a", None, "b"], [], None]), ["a; b", "", ""]),
        (pa.array([[{"a": 1, "b": date(2024, 5, 3)}], None]), ['[{"a": 1, "b": "2024-05-03"}]', ""]),
        (pa.array([None, None], pa.null()), ["", ""]),
    ],
    ids=lambda one: str(one.type) if isinstance(one, pa.Array) else "",
)
def test_typed_columns_become_text(tmp_path: Path, column: pa.Array, texts: list[str]) -> None:
    assert cells(written(tmp_path, {"x": column}))["x"] == texts


def test_structures_get_dotted_names(tmp_path: Path) -> None:
    taxon = pa.array([{"name": "Lynx", "at": {"rank": "genus"}}, None])
    found = cells(written(tmp_path, {"id": ["1", "2"], "taxon": taxon}))
    assert found == {"id": ["1", "2"], "taxon.name": ["Lynx", ""], "taxon.at.rank": ["genus", ""]}


def test_a_file_of_pandas_is_ingested(writer: Engine, tmp_path: Path) -> None:
    path = tmp_path / "sightings.parquet"
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(["2024-05-03", "2024-05-04 06:30"], format="ISO8601"),
            "species": ["Lynx lynx", "Canis lupus"],
            "count": [2, None],
            "lat": [48.5, None],
            "lon": [14.25, None],
        }
    )
    frame.to_parquet(path)
    outcome = read_one(writer, path)
    assert (outcome.format, sums(outcome)) == ("parquet", (2, 2, 0, 0, 0))
    assert per(writer, "day", "individuals") == {("Lynx lynx", 20240503): 2, ("Canis lupus", 20240504): 1}
    assert [row.line for row in rows_of(writer, Sighting.line)] == [1, 2]


def test_rows_come_in_chunks_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MOST_CELLS", 100)
    path = written(tmp_path, {"a": list(range(1_000)), "b": ["x"] * 1_000}, row_group_size=333)
    chunks = list(opened(path).chunks())
    assert max(len(chunk.rows) for chunk in chunks) <= 50
    assert [line for chunk in chunks for line in chunk.lines] == list(range(1, 1_001))
    assert chunks[-1].done == path.stat().st_size


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_a_file_that_breaks_off_is_refused(sqlite_writer: Engine, tmp_path: Path, kept: float) -> None:
    path = written(tmp_path, {"date": ["2024"] * 100, "species": ["Lynx"] * 100})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    outcome = read_one(sqlite_writer, path)
    assert (outcome.status, "damaged Parquet file" in outcome.message) == ("failed", True), outcome.message


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PARE" + bytes(100) + b"PARE")
    with pytest.raises(Unreadable, match="is encrypted"):
        opened(path)


def test_records_of_obis_are_known_by_their_columns(shared_data: Find, sqlite_writer: Engine) -> None:
    path = shared_data(OBIS)
    frame = pd.read_parquet(path)
    assert frame.shape == (20_210, 283)
    table = opened(path)
    assert (table.feed, len(table.columns)) == ("obis", 283)
    outcome = read_one(sqlite_writer, path)
    # Where the scientific name is that of an order or of life itself, it is a name all the same.
    assert outcome.reasons == {}
    assert sums(outcome) == (20_210, 20_210, 0, 0, 0)
    kept = rows_of(sqlite_writer, Sighting.occurrence_id, Sighting.first_day, Sighting.last_day)
    assert {row.occurrence_id for row in kept} == set(frame["id"])
    starts = frame["eventDate"].str.slice(0, 10).str.replace("-", "")
    assert Counter(row.first_day for row in kept) == Counter(starts.astype(int))
    ends = frame["eventDate"].str.slice(-10).str.replace("-", "")
    assert Counter(row.last_day for row in kept) == Counter(ends.astype(int))


def test_mutilated_bytes_never_raise_anything_unexpected(tmp_path: Path) -> None:
    chance = random.Random(9)
    path = written(tmp_path, {"date": ["2024", None] * 50, "n": [1.5] * 100, "tags": [["a"], None] * 50})
    whole = path.read_bytes()
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 4))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content)
        with suppress(Unreadable, *DAMAGE):
            table = reader.read(of_file(path), Wanted())
            for chunk in table.chunks() if table else ():
                assert all(isinstance(cell, str) for row in chunk.rows for cell in row)
