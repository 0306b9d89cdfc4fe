"""Two hundred random questions: all four answers hold the numbers that pandas counts from the files."""

from __future__ import annotations

import io
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.reports import REPORTS
from tests import oracle, wild
from tests.files import read_one
from tests.seed import open_app
from tests.wild import FEEDS, Query

QUESTIONS = 200
SEED = 20_240_614
NOW = f"{oracle.TODAY}T{oracle.HOUR}:30:00Z"


@pytest.fixture
def client(writer: Engine, database_url: str, home: Path) -> Iterator[FlaskClient]:
    app = open_app(home, database_url=database_url, cache_url="off")
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def ingested(writer: Engine, folder: Path) -> pd.DataFrame:
    """Files of three feeds and corrections of two of them, read by the program; and as pandas has them."""
    chance = random.Random(SEED)
    files = [(feed, wild.rows(chance, feed, 110)) for feed in FEEDS]
    files += [(feed, wild.corrected(chance, rows)) for feed, rows in files[:2]]
    for place, (feed, rows) in enumerate(files):
        outcome = read_one(writer, wild.write(folder / f"{place}.csv", rows), feed=feed)
        assert (outcome.status, outcome.tally.rejected) == ("committed", 0), outcome
    return oracle.frame(files)


def questions() -> list[Query]:
    chance = random.Random(SEED)
    names = [name for name in REPORTS if name in oracle.REPORTS]
    # A timeline and a ranking have more shapes than the rest.
    often = [3 if name in ("timeline", "species") else 1 for name in names]
    drawn = [*names, *chance.choices(names, often, k=QUESTIONS - len(names))]
    return [wild.query(chance, name, REPORTS[name].parameters.names()) for name in drawn]


def alike(value: Any) -> Any:
    """A number whatever its type, nothing known as None."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bool):
        return str(value)
    return round(float(value), 6) if isinstance(value, int | float) else str(value)


def only(rows: list[dict[str, Any]], columns: list[str]) -> list[tuple[Any, ...]]:
    return [tuple(alike(row[column]) for column in columns) for row in rows]


def test_every_report_has_its_oracle() -> None:
    assert set(REPORTS) == set(oracle.REPORTS)


@time_machine.travel(NOW, tick=False)
def test_all_answers_hold_what_pandas_counts_from_the_files(
    writer: Engine, tmp_path: Path, client: FlaskClient, soak: bool
) -> None:
    every = ingested(writer, tmp_path)
    empty = 0
    # The second kind of database is asked every other of them where there is little time.
    asked = questions()[:: 1 if soak or writer.dialect.name == "sqlite" else 2]
    for number, query in enumerate(asked):
        told = client.get(query.url("json"))
        assert told.status_code == 200, (query, told.text)
        rows = told.json["data"]
        counted = oracle.expected(every, _with_size(query, told.json["meta"]))
        columns = list(counted[0]) if counted else []
        assert only(rows, columns) == only(counted, columns), query.url("json")
        _nothing_is_lost(oracle.chosen(every, query), rows, told.json["meta"], query)
        _is_the_csv(client.get(query.url("csv")).data, rows, query)
        _is_the_picture(client.get(query.url("svg")).data, rows, told.json["meta"], query)
        if number % 10 == 0:
            _is_a_png(client.get(query.url("png") + "&width=400&height=300&scale=2").data, (800, 600))
        empty += not counted
    assert empty < len(asked) / 3


def _with_size(query: Query, meta: dict[str, Any]) -> Query:
    """A map says itself how large its cells are."""
    size = {"cellSize": str(meta["cellSize"])} if query.report == "map" else {}
    return replace(query, shape={**query.shape, **size})


def _nothing_is_lost(
    chosen: pd.DataFrame, rows: list[dict[str, Any]], meta: dict[str, Any], query: Query
) -> None:
    """What has no row is counted among what is left out: together they are all."""
    if query.report in ("timeline", "species", "diel", "seasonality", "phenology", "calendar", "map"):
        measure = meta["measure"]
        told = sum(row["value"] for row in rows) + sum(one.get(measure, 0) for one in meta["leftOut"])
        assert oracle.plain(told) == oracle.plain(chosen[measure].sum()), query.url("json")


def _is_the_csv(data: bytes, rows: list[dict[str, Any]], query: Query) -> None:
    table = pd.read_csv(io.BytesIO(data), keep_default_na=False, na_values=[""])
    assert only(table.to_dict("records"), list(table)) == only(rows, list(table)), query.url("csv")
    assert not rows or list(table) == list(rows[0])


def _is_the_picture(data: bytes, rows: list[dict[str, Any]], meta: dict[str, Any], query: Query) -> None:
    picture = ET.fromstring(data)
    if query.report in WRITTEN:
        texts = " ".join(picture.itertext()).replace("\u2009", "")
        assert all(text in texts for text in WRITTEN[query.report](rows)), query.url("svg")
        return
    attributes = MARKS[query.report]
    # A mark for the week that was usual has no value of its own.
    marks = [mark for mark in picture.iter() if set(attributes) <= set(mark.keys())]
    drawn = [tuple(_number(mark.get(name)) for name in attributes) for mark in marks]
    if query.report == "phenology":  # of the other years it shows what was usual
        rows = [row for row in rows if row["year"] == meta["year"]]
        usual = [(mark.get("data-week"), mark.get("data-median")) for mark in picture.iter()]
        told = {(one["week"], alike(one["median"])) for one in meta["usual"]}
        assert {(int(week), _number(median)) for week, median in usual if week and median} == told
    shown = [tuple(alike(row[column]) for column in attributes.values()) for row in rows]
    known = [row for row in shown if None not in row]  # nothing to divide by is a gap
    assert sorted(drawn, key=str) == sorted(known, key=str), query.url("svg")


def _number(written: str | None) -> Any:
    try:
        return alike(float(written or ""))
    except ValueError:
        return written


DATED = {"data-date": "date", "data-value": "value"}
MARKS = {
    "timeline": {"data-date": "date", "data-species": "name", "data-value": "value"},
    "species": {"data-species": "name", "data-value": "value"},
    "diel": {"data-hour": "hour", "data-species": "name", "data-value": "value"},
    "arrivals": {"data-date": "year", "data-species": "name", "data-first": "first", "data-last": "last"},
    "accumulation": {**DATED, "data-new": "new"},
    "seasonality": DATED,
    "phenology": DATED,
    "calendar": DATED,
    "ratio": DATED,
    "map": {
        "data-latitude": "decimalLatitude",
        "data-longitude": "decimalLongitude",
        "data-value": "value",
    },
}
"""Which attributes of a picture's marks hold which columns of its rows."""
WRITTEN: dict[str, Callable[[list[dict[str, Any]]], list[str]]] = {
    "summary": lambda rows: [str(rows[0][name]) for name in ("records", "individuals", "species", "feeds")],
    "recent": lambda rows: [str(row["eventDate"]) for row in rows[:3]],
}
"""What stands in a picture that has no marks."""


def _is_a_png(data: bytes, size: tuple[int, int]) -> None:
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == size
