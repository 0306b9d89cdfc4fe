"""First and last days: the numbers beside a search of our own, the years side by side, the leap days."""

from __future__ import annotations

import io
import random
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from api.draw import Look, Season, Words, arrivals
from db.engine import LOOK
from db.filters import Filters, scope
from db.names import PlaceValue
from db.questions.stays import stays
from tests.seed import Record, ingest, open_app, open_database

SVG = "{http://www.w3.org/2000/svg}"
BERGEN = PlaceValue("NO", "Vestland", "", "Bergen")
WORDS = Words("First and last", "", "", ("To 2024",), "Facts.")


def some_records() -> list[Record]:
    """Twelve species over four years; some dates of a month, a year or none, some absences."""
    chance = random.Random(5)
    rows = []
    for _ in range(700):
        day = date(2019, 12, 20) + timedelta(chance.randrange(1400))
        written = day.year * 10_000 + day.month * 100 + day.day
        first, until = chance.choices(
            [(written, written), (written // 100 * 100 + 1, written // 100 * 100 + 28),
             (day.year * 10_000 + 101, day.year * 10_000 + 1231), (None, None)],
            [20, 2, 2, 1],
        )[0]  # fmt: skip
        place = BERGEN if chance.random() < 0.3 else PlaceValue("SE")
        kind = min(11, int(chance.expovariate(0.25)))
        rows.append(Record(f"Kind {kind}", first, until, chance.choice([0, 1, 1, None, 4]), place=place))
    return rows


RECORDS = some_records()


def last(row: Record) -> int:
    return row.last or row.first or 0


@pytest.fixture
def either(database_url: str, home: Path) -> Iterator[FlaskClient]:
    """The records over each kind of database."""
    yield from clients(database_url, home, RECORDS)


def clients(url: str, home: Path, records: list[Record]) -> Iterator[FlaskClient]:
    writer = open_database(url)
    ingest(writer, records, feed="station")
    app = open_app(home, database_url=url)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()
    writer.dispose()


@pytest.fixture
def client_of(home: Path) -> Iterator[Callable[..., FlaskClient]]:
    """A client over these records."""
    open_ones: list[Iterator[FlaskClient]] = []

    def make(*records: Record) -> FlaskClient:
        one = clients(f"sqlite:///{home / 'sightings.db'}", home, list(records))
        open_ones.append(one)
        return next(one)

    yield make
    for one in open_ones:
        next(one, None)


def told(client: FlaskClient, query: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/reports/arrivals.json?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def iso(day: int) -> str:
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"


def leading(records: list[Record]) -> list[str]:
    """The species with the most records that lie in one year each."""
    sizes = Counter(row.name for row in records if row.first and row.first // 10_000 == last(row) // 10_000)
    return sorted(sizes, key=lambda name: (-sizes[name], name))


def by_search(records: list[Record], name: str) -> list[tuple[str, int, str, str]]:
    """(name, year, first, last) of one species."""
    days = [row.first for row in records if row.name == name and row.first and row.first == last(row)]
    of_year = {year: [iso(day) for day in days if day // 10_000 == year] for year in range(2019, 2025)}
    return [(name, year, min(found), max(found)) for year, found in of_year.items() if found]


def within(first: int, until: int) -> Callable[[Record], bool]:
    return lambda row: row.first is not None and row.first >= first and last(row) <= until


@pytest.mark.parametrize("limit", [3, 200])
@pytest.mark.parametrize(
    ("query", "kept"),
    [("", lambda row: True),
     ("country=NO", lambda row: row.place == BERGEN),
     ("asOf=1", lambda row: True),
     ("year=2021,2022", within(20210101, 20221231)),
     ("year=2022", within(20220101, 20221231)),
     ("eventDate=2020-03-10,2022-02-27", within(20200310, 20220227)),
     ("month=5", lambda row: (row.first or 0) // 100 == last(row) // 100 and last(row) // 100 % 100 == 5)],
    ids=["all", "country", "asOf", "years", "year", "days", "months"],
)  # fmt: skip
def test_first_and_last_are_those_of_a_search(either: FlaskClient, query: str, kept: Any, limit: int) -> None:
    answer = told(either, f"limit={limit}&{query}")
    records = [row for row in RECORDS if kept(row) and row.count != 0]
    ranked = leading(records)
    rows = [(row["name"], row["year"], row["first"], row["last"]) for row in answer["data"]]
    assert rows == [row for name in ranked[:limit] for row in by_search(records, name)]
    vague = sum(row.first is None or row.first != last(row) for row in records if row.name in ranked[:limit])
    left = {unit: part[unit] for part in answer["meta"]["leftOut"] for unit in part if unit != "reason"}
    expected = {"records": vague, "species": max(0, len(ranked) - limit)}
    assert left == {unit: count for unit, count in expected.items() if count}


def test_meta_says_what_the_rows_are(client_of: Callable[..., FlaskClient]) -> None:
    client = client_of(
        Record("Otter", 20200301), Record("Otter", 20200401, count=0), Record("Otter", 20200501, 20200531),
        Record("Lynx", 20200301),
    )  # fmt: skip
    answer = told(client, "limit=1")
    assert answer["data"] == [
        {"name": "Otter", "scientificName": None, "vernacularName": "Otter", "year": 2020,
         "first": "2020-03-01", "last": "2020-03-01", "partial": False}
    ]  # fmt: skip
    wanted = {"interval": "year", "measure": None, "limit": 1, "species": 2, "partial": False}
    assert wanted.items() <= answer["meta"].items()
    assert answer["meta"]["leftOut"] == [
        {"records": 1, "reason": "Their date is missing or not precise enough for one day."},
        {"species": 1, "reason": "Only the 1 leading species have rows."},
    ]


def test_a_feed_has_its_own_days(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, [Record("Otter", 20200101), Record("Otter", 20201201)], feed="old")
    ingest(writer, [Record("Otter", 20200501), Record("Otter", 20190101, count=0)], feed="new")
    client = open_app(home).test_client()
    assert [(row["first"], row["last"]) for row in told(client, "feed=new")["data"]] == [
        ("2020-05-01", "2020-05-01")
    ]


@time_machine.travel("2022-06-15T12:00:00Z", tick=False)
def test_a_year_under_way_is_partial_and_its_end_is_hollow(client_of: Callable[..., FlaskClient]) -> None:
    client = client_of(Record("Swift", 20210501), Record("Swift", 20210801), Record("Swift", 20220504))
    assert [row["partial"] for row in told(client, "")["data"]] == [False, True]
    assert [row["partial"] for row in told(client, "year=2021")["data"]] == [False]
    picture = ET.fromstring(client.get("/api/v1/reports/arrivals.svg").data)
    assert [mark.get("data-date") for mark in picture.iter() if mark.get("data-partial")] == ["2022"]
    assert "2022: 4 May to 4 May so far" in ET.tostring(picture, encoding="unicode")


@pytest.mark.parametrize("query", ["limit=5", "limit=1", "limit=5&year=2022", "limit=5&height=900"])
def test_four_answers_hold_the_same_days(client_of: Callable[..., FlaskClient], query: str) -> None:
    client = client_of(*RECORDS)
    data = told(client, re.sub("&height.*", "", query))["data"]
    frame = pd.read_csv(io.BytesIO(client.get(f"/api/v1/reports/arrivals.csv?{query}").data))
    assert frame.astype(object).where(frame.notna(), None).to_dict("records") == data
    picture = ET.fromstring(client.get(f"/api/v1/reports/arrivals.svg?{query}").data)
    marks = [
        tuple(mark.get(f"data-{name}") for name in ("species", "date", "first", "last"))
        for mark in picture.iter()
        if mark.get("data-first")
    ]
    drawn = [(row["name"], str(row["year"]), row["first"], row["last"]) for row in data]
    assert sorted(marks) == sorted(drawn)
    assert client.get(f"/api/v1/reports/arrivals.png?{query}").data.startswith(b"\x89PNG")


def spans(seasons: list[Season], look: Look | None = None) -> dict[str, tuple[float, float]]:
    """Year -> where its bar begins and ends."""
    root = ET.fromstring(arrivals(seasons, WORDS, look or Look()).svg())
    found = {}
    for mark in root.iter(f"{SVG}path"):
        if mark.get("data-first"):
            xs = [float(pair.split(" ")[0]) for pair in re.findall(r"[\d.]+ [\d.]+", mark.attrib["d"])]
            found[mark.attrib["data-date"]] = (min(xs), max(xs))
    return found


def test_a_day_has_one_place_whether_the_year_leaps_or_not() -> None:
    leap = Season("Newt", 2024, date(2024, 2, 29), date(2024, 12, 31))
    plain = Season("Newt", 2023, date(2023, 3, 1), date(2023, 12, 31))
    before = Season("Newt", 2022, date(2022, 2, 28), date(2022, 3, 1))
    found = spans([before, plain, leap])
    assert found["2024"][0] < found["2023"][0]
    assert found["2024"][1] == found["2023"][1]
    assert found["2022"][0] < found["2024"][0]
    day = found["2023"][0] - found["2024"][0]
    assert found["2022"][1] - found["2023"][0] == pytest.approx(day, abs=0.15)  # 1 March ends where it ends


def test_a_lone_species_has_its_years_down_the_side() -> None:
    seasons = [Season("Swift", year, date(year, 5, 1), date(year, 8, 1)) for year in (2010, 2011, 2013)]
    root = ET.fromstring(arrivals(seasons, WORDS, Look()).svg())
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert [text for text in texts if text.isdecimal()] == ["2010", "2011", "2012", "2013"]
    assert {"Jan", "Dec", "1 May", "1 Aug"} <= set(texts)


def test_species_stand_in_the_order_of_arrival_and_who_did_not_come_is_last() -> None:
    seasons = [
        Season("Late", 2020, date(2020, 6, 1), date(2020, 8, 1)),
        Season("Early", 2020, date(2020, 3, 1), date(2020, 8, 1)),
        Season("Early", 2019, date(2019, 12, 1), date(2019, 12, 1)),
        Season("Gone", 2019, date(2019, 1, 1), date(2019, 8, 1)),
    ]
    root = ET.fromstring(arrivals(seasons, WORDS, Look()).svg())
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert [text for text in texts if text in ("Late", "Early", "Gone")] == ["Early", "Late", "Gone"]
    assert "First to last day in 2020; dots: earlier years" in texts


@pytest.mark.parametrize("size", [(320, 240), (200, 150), (720, 400), (1600, 900)])
@pytest.mark.parametrize("count", [1, 150])
def test_all_years_of_a_century_and_a_half_have_a_bar(size: tuple[int, int], count: int) -> None:
    seasons = [
        Season("Swallow", 1870 + index, date(1870 + index, 4, 1), date(1870 + index, 9, 1))
        for index in range(count)
    ]
    assert len(spans(seasons, Look(*size))) == count


def test_two_hundred_species_show_what_fits_and_count_the_rest() -> None:
    seasons = [
        Season(f"Kind {index}", 2020, date(2020, 4, 1), date(2020, 9, 1), partial=True)
        for index in range(200)
    ]
    root = ET.fromstring(arrivals(seasons, WORDS, Look(320, 240)).svg())
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    more = next(int(match[1]) for text in texts if (match := re.fullmatch(r"and (\d+) more", text)))
    assert more + sum(text.startswith("Kind ") for text in texts) == 200


@pytest.mark.parametrize("name", ["<b>$x_$", "ثعلب أحمر", "アカギツネ", "\ud800", "x" * 300, ""])
def test_no_name_is_too_odd_to_draw(name: str) -> None:
    seasons = [Season(one, 2020, date(2020, 4, 1), date(2020, 4, 1)) for one in (name, "Other")]
    for look in (Look(), Look(200, 150, "auto")):
        ET.fromstring(arrivals(seasons, WORDS, look).svg())
        assert arrivals(seasons, WORDS, look).png().startswith(b"\x89PNG")


def test_no_day_is_an_empty_frame(client_of: Callable[..., FlaskClient]) -> None:
    client = client_of(Record("Otter", 20200101, 20201231))
    assert told(client, "")["data"] == []
    assert told(client, "")["meta"]["leftOut"][0]["records"] == 1
    assert "No records match" in client.get("/api/v1/reports/arrivals.svg").text
    assert told(client, "species=unicorn")["data"] == []


def test_days_are_looked_up_in_an_index_and_not_read_through(sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, RECORDS)
    asked: list[Any] = []
    event.listen(sqlite_writer, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
    with sqlite_writer.connect().execution_options(**LOOK) as connection:
        stays(connection, scope(connection, Filters()), [1, 2, 3])
        statement, values = asked[-1]
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    looks = [step for step in plan if "ix_rollup_taxon (taxon_id=? AND bucket>? AND bucket<?)" in step]
    assert len(looks) == 3  # the years, and the two ends of each
    assert not [step for step in plan if step.startswith("SCAN rollup") or "ORDER BY" in step], plan
