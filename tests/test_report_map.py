"""Where it was recorded: the cells beside a count of our own, the way around the globe, the picture."""

from __future__ import annotations

import io
import random
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.draw.words import canonical
from db.engine import LOOK
from db.extents import Extent, around, fitting
from db.filters import Filters, scope
from db.questions import cells as question
from db.questions.cells import Cells, Sum
from tests.seed import Record, ingest, open_app, open_database

Places = Sequence[tuple[float | None, float | None]]


def fox(latitude: float | None, longitude: float | None, **more: Any) -> Record:
    return Record("Red fox", more.pop("first", 20240311), latitude=latitude, longitude=longitude, **more)


def scattered(
    number: int, south: float, north: float, west: float, east: float, seed: int = 5
) -> list[Record]:
    """Records with odd counts within a rectangle; some of them exactly on the edges of cells."""
    chance = random.Random(seed)
    found = []
    for index in range(number):
        digits = chance.choice([0, 1, 2, 5])
        longitude = round((chance.uniform(west, east) + 180) % 360 - 180, digits)
        latitude = min(max(round(chance.uniform(south, north), digits), -90), 90)
        found.append(
            Record(
                chance.choice(["Lynx", "Bear"]), 20230101 + chance.randrange(28),
                count=chance.choice([None, 0, 1, 2.5]),
                identifier=f"{seed}-{index}", latitude=latitude, longitude=longitude,
                doubtful=chance.random() < 0.1, uncertainty=chance.choice([None, 10.0, 5_000.0, 2_000_000.0]),
            )
        )  # fmt: skip
    return found


WORLDS = {
    "a park": scattered(150, 46.3, 46.4, 13.75, 13.9),
    "a country": scattered(200, 45.4, 46.9, 13.3, 16.6),
    "Fiji": scattered(200, -19.5, -16, 177, 182),
    "the southern seas": scattered(200, -78, -40, -70, 60),
    "the world": scattered(300, -90, 90, -180, 180),
    "a pole": scattered(60, 89, 90, -180, 180),
}


def asked(writer: Engine, as_of: int | None = None, **filters: Any) -> Cells:
    with writer.connect().execution_options(**LOOK) as connection:
        return question.cells(connection, scope(connection, Filters(**filters), as_of))


def expected(records: Sequence[Record], hundredths: int) -> dict[tuple[int, int], Sum]:
    """The same count in exact decimals."""
    size = Decimal(hundredths) / 100
    found: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0, 0.0, 0, 0])
    for record in records:
        if record.latitude is None or record.longitude is None or record.doubtful:
            continue
        row = int((Decimal(repr(record.latitude)) + 90) // size)
        column = int((Decimal(repr(record.longitude)) + 180) // size)
        rows, columns = int(180 / size), int(360 / size)
        cell = found[min(row, rows - 1), column % columns]
        if record.count == 0:
            cell[3] += 1
        else:
            cell[0] += 1
            cell[1] += 1 if record.count is None else record.count
            cell[2] += record.count is None
    return {key: Sum(*sums) for key, sums in found.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("world", WORLDS)
def test_the_cells_are_those_of_a_count_in_exact_decimals(writer: Engine, world: str) -> None:
    records = WORLDS[world]
    ingest(writer, records)
    found = asked(writer)
    assert found.counts == expected(records, found.hundredths)
    doubtful = [record for record in records if record.doubtful]
    assert found.flagged.records == sum(record.count != 0 for record in doubtful)
    limit = found.hundredths / 100 * 111_195
    assert found.vague == sum(
        record.count != 0 and not record.doubtful and (record.uncertainty or 0) > limit for record in records
    )


@pytest.mark.parametrize("world", WORLDS)
def test_the_rollups_tell_what_the_records_tell(
    writer: Engine, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(writer, WORLDS[world])
    ingest(writer, [fox(46.35, 13.85), fox(None, 13.85)], feed="elsewhere")
    monkeypatch.setattr(question, "MOST_RECORDS", 0)
    found = asked(writer, feeds=("test",))
    assert found.counts == expected(WORLDS[world], max(found.hundredths, 10))
    assert found.unusable.records == sum(record.doubtful and record.count != 0 for record in WORLDS[world])
    assert found.vague is None
    lynx = [record for record in WORLDS[world] if record.name == "Lynx"]
    some = asked(writer, species=("Lynx",))
    assert some.counts == expected(lynx, some.hundredths)


def test_a_filter_that_only_the_records_answer_gives_the_same_cells(writer: Engine) -> None:
    records = WORLDS["Fiji"]
    run = ingest(writer, records)
    plain = asked(writer)
    for found in (
        asked(writer, days=((20230101, 20231231),)),
        asked(writer, bases_of_record=("HUMAN_OBSERVATION",)),
        asked(writer, as_of=run),
    ):
        assert found.counts == expected(records, found.hundredths) == plain.counts
        assert found.extent == plain.extent


@pytest.mark.parametrize("most", [0, 200_000])
def test_an_older_version_is_answered_as_while_it_was_the_newest(
    writer: Engine, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "MOST_RECORDS", most)
    run = ingest(writer, WORLDS["a park"])
    newest = asked(writer)
    ingest(writer, WORLDS["the world"])
    assert asked(writer, as_of=run) == newest
    assert asked(writer) != newest


def test_an_older_version_has_its_own_cells(writer: Engine) -> None:
    first = ingest(writer, [fox(46.35, 13.85, identifier="a")])
    ingest(writer, [fox(-17.0, 179.0, identifier="a")])
    assert list(asked(writer, as_of=first).counts) == [(13635, 19385)]
    assert list(asked(writer).counts) == [(7300, 35900)]


@pytest.mark.parametrize(
    ("places", "west", "east"),
    [([(-17, 179.0), (-17, -179.0)], 179, 181), ([(0, -10.0), (0, 10.0)], -10, 10),
     ([(0, 170.0), (0, -100.0)], 170, 260), ([(0, -150.0), (0, 0.0), (0, 150.0)], 0, 210),
     ([(0, west) for west in (-160.0, -80.0, 0.0, 80.0, 160.0)], -180, 180),
     ([(10, 180.0), (10, -180.0)], -180, -180), ([(0, -9.0), (0, 100.0), (0, -178.0)], -9, 182)],
)  # fmt: skip
def test_records_are_fitted_the_smaller_way_around_the_globe(
    sqlite_writer: Engine, places: Places, west: float, east: float
) -> None:
    ingest(sqlite_writer, [fox(*place) for place in places])
    for filters in ({}, {"days": ((20240101, 20241231),)}):
        found = asked(sqlite_writer, **filters)
        size = found.hundredths / 100
        assert found.extent is not None
        assert west - size <= found.extent.west <= west
        assert east <= found.extent.east <= east + size


def test_strips_that_lie_over_each_other_are_fitted_as_one() -> None:
    strips = [(0, 0, 0, 9), (5, 5, 2, 3), (9, 9, 50, 59)]
    assert around(strips, 10) == Extent(-180.0, -90.0, -174.0, -89.0)


def test_a_box_across_the_antimeridian_holds_both_sides(writer: Engine) -> None:
    ingest(writer, [fox(-17, 179.5), fox(-17, -179.5), fox(-17, 0), fox(-30, 179.5)])
    found = asked(writer, bbox=(178.0, -20.0, -178.0, -15.0))
    assert found.extent == Extent(178.0, -20.0, 182.0, -15.0)
    assert sum(one.records for one in found.counts.values()) == 2


@pytest.mark.parametrize(
    ("extent", "hundredths"),
    [(Extent(13, 46, 13.01, 46.01), 1), (Extent(13, 46, 14, 46.4), 2), (Extent(-180, -90, 180, 90), 1000),
     (Extent(-10, 35, 30, 70), 100), (Extent(-180, 80, 180, 90), 100)],
)  # fmt: skip
def test_at_most_sixty_cells_cover_the_longer_side(extent: Extent, hundredths: int) -> None:
    assert fitting(extent) == hundredths


def test_many_records_get_no_cell_smaller_than_those_of_the_rollups(
    sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(sqlite_writer, WORLDS["a park"])
    assert asked(sqlite_writer).hundredths == 1
    monkeypatch.setattr(question, "MOST_RECORDS", 10)
    found = asked(sqlite_writer)
    assert (found.hundredths, found.coarse) == (10, True)
    assert asked(sqlite_writer, bbox=(13.7, 46.2, 13.95, 46.5)).hundredths == 1


# What the web answers.

PARK = [
    fox(46.361, 13.831, count=2, uncertainty=30_000.0),
    fox(46.362, 13.832, count=None),
    fox(46.401, 13.905, count=1.5),
    fox(46.381, 13.855, count=0),
    fox(None, None, count=4),
    fox(1.0, 1.0, count=3, doubtful=True),
    Record("Chamois", 20240401, latitude=46.301, longitude=13.801),
]


@pytest.fixture
def client(home: Path) -> Iterator[FlaskClient]:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, PARK, feed="station")
    ingest(writer, [Record("Iguana", 20240501, latitude=-17.5, longitude=lon) for lon in (179.9, -179.9)])
    ingest(writer, [Record("Seal", 20240501, latitude=-90.0, longitude=0.0)])
    ingest(writer, [Record("Ghost", 20240501, latitude=None, longitude=None)])
    app = open_app(home)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def told(client: FlaskClient, query: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/reports/map.json?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def drawn(client: FlaskClient, query: str) -> ET.Element:
    answer = client.get(f"/api/v1/reports/map.svg?{query}")
    assert answer.status_code == 200, answer.text
    return ET.fromstring(answer.data)


def marks(root: ET.Element) -> list[tuple[str, ...]]:
    names = ("data-latitude", "data-longitude", "data-value")
    return [
        tuple(element.attrib[name] for name in names) for element in root.iter() if names[0] in element.attrib
    ]


def rows(answer: dict[str, Any]) -> list[tuple[str, ...]]:
    names = ("decimalLatitude", "decimalLongitude", "value")
    return [tuple(canonical(row[name]) for name in names) for row in answer["data"]]


def test_a_park_is_a_handful_of_cells_and_what_is_left_out_is_told(client: FlaskClient) -> None:
    answer = told(client, "species=red+fox")
    assert answer["data"] == [
        {"decimalLatitude": 46.365, "decimalLongitude": 13.835, "cellSize": 0.01, "value": 3},
        {"decimalLatitude": 46.385, "decimalLongitude": 13.855, "cellSize": 0.01, "value": 0},
        {"decimalLatitude": 46.405, "decimalLongitude": 13.905, "cellSize": 0.01, "value": 1.5},
    ]
    meta = answer["meta"]
    assert (meta["cellSize"], meta["cells"], meta["bounds"]) == (0.01, 3, [13.83, 46.36, 13.91, 46.41])
    assert meta["leftOut"] == [
        {"individuals": 4, "reason": "They have no coordinates."},
        {"individuals": 3, "reason": "Their coordinates are flagged as wrong."},
    ]
    assert meta["uncertain"] == 1
    assert meta["warnings"] == [
        "1 record without a count was counted as one individual.",
        "1 record has an uncertainty larger than a cell, and may lie in another one.",
    ]
    records = told(client, "species=red+fox&measure=records")
    assert [row["value"] for row in records["data"]] == [2, 0, 1]


def test_what_many_records_leave_out_is_told_as_one(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "MOST_RECORDS", 2)
    meta = told(client, "species=red+fox")["meta"]
    assert meta["leftOut"] == [
        {"individuals": 7, "reason": "Their coordinates are missing or flagged as wrong."}
    ]
    assert meta["uncertain"] is None
    assert meta["warnings"][-1].startswith("Of more than 200000 records no cell is smaller than 0.1 degrees")


@pytest.mark.parametrize(
    "query",
    ["", "species=red+fox", "species=iguana", "species=seal", "species=ghost", "measure=records&year=2024",
     "bbox=179,-18,-179,-17", "bbox=13.8,46.3,13.8,46.4", "bbox=-180,-90,180,90", "species=unicorn"],
)  # fmt: skip
def test_the_picture_the_table_and_the_numbers_are_the_same(client: FlaskClient, query: str) -> None:
    answer = told(client, query)
    for size in ("width=1000&height=500", "width=200&height=150"):
        assert sorted(marks(drawn(client, f"{query}&{size}"))) == sorted(rows(answer))
    table = client.get(f"/api/v1/reports/map.csv?{query}")
    assert pd.read_csv(io.BytesIO(table.data)).to_dict("records") == answer["data"]
    image = client.get(f"/api/v1/reports/map.png?{query}&width=320&height=240")
    assert image.data.startswith(b"\x89PNG")


def test_across_the_antimeridian_west_is_more_than_east(client: FlaskClient) -> None:
    meta = told(client, "species=iguana")["meta"]
    assert meta["bounds"] == [179.9, -17.5, -179.89, -17.49]
    assert told(client, "bbox=179,-18,-179,-17")["meta"]["bounds"] == [179, -18, -179, -17]
    labels = [
        element.text for element in drawn(client, "species=iguana").iter() if element.tag.endswith("text")
    ]
    assert {"180.0°", "179.9°\N{NO-BREAK SPACE}W"} <= set(labels)


def test_nothing_to_show_is_told(client: FlaskClient) -> None:
    for query in ("species=unicorn", "species=ghost", "bbox=0,0,1,1"):
        assert told(client, query)["data"] == []
        assert "No records match" in "".join(drawn(client, query).itertext())
    assert told(client, "species=ghost")["meta"]["leftOut"][0]["reason"] == "They have no coordinates."
    assert told(client, "species=ghost")["meta"]["bounds"] is None


def test_the_description_says_how_much_and_where_most(client: FlaskClient) -> None:
    root = drawn(client, "species=red+fox")
    description = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert "4.50 individuals in 3 cells of 0.01 degrees; the most, 3, around 46.365° N, 13.835° E" in (
        description.replace("\N{NO-BREAK SPACE}", " ")
    )
