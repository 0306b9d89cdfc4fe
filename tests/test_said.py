"""What the page says in words is what the JSON of the same question holds: real records, several filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from ingest.outcome import Options
from ingest.run import ingest
from ingest.sources.source import of_file
from tests.seed import open_app

FILES = {
    "linz": "A07-inat-austria/16-10-2021-linz.csv",
    "crayfish": "A04-gbif-simple-tsv/20220630_harmonia_axyridis_2012.txt",
    "recorder": "A11-birdnet/test_example_1.csv",
    "cameras": "A10-camtrap-dp",
}
FILTERS = (
    "",
    "measure=records",
    "feed=linz&month=5,8&measure=records",
    "feed=linz&species=Insecta&interval=month",
    "feed=cameras",
    "eventDate=2012,2019&measure=records",
)
Rows = list[dict[str, Any]]


@pytest.fixture
def client(home: Path, sqlite_writer: Engine, shared_data: Callable[[str], Path]) -> Iterator[FlaskClient]:
    for feed, name in FILES.items():
        (outcome,) = ingest(sqlite_writer, [of_file(shared_data(name))], Options(feed=feed))
        assert outcome.run
    app = open_app(home)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


class Board:
    """The page as one reads it aloud, and for each of its charts the JSON that it links to."""

    def __init__(self, client: FlaskClient, query: str) -> None:
        self._client, self._query = client, query
        self.html = client.get(f"/?{query}").text
        self.keys = re.findall('<picture data-live="([^"]+)"', self.html)

    def alt(self, key: str) -> str:
        (found,) = re.findall(f'(?s)<picture data-live="{key}">.*?alt="([^"]*)"', self.html)
        return plain(found)

    def note(self, key: str) -> str:
        (found,) = re.findall(f'(?s)<span data-live="{key}-note">(.*?)</span>', self.html)
        return plain(found)

    def json(self, key: str) -> tuple[dict[str, Any], Rows]:
        (url,) = re.findall(f'data-link="{key}-JSON" href="([^"]+)"', self.html)
        told = self._client.get(unescape(url)).get_json()
        return told["meta"], told["data"]

    def report(self, name: str, **more: str) -> Rows:
        """The answer to a question about what the page shows; what is given here counts more."""
        given = dict(re.findall("([^=&]+)=([^&]*)", self._query))
        kept = {key: value for key, value in given.items() if key not in ("interval", "measure")} | more
        rows: Rows = self._client.get(f"/api/v1/reports/{name}.json?{urlencode(kept)}").get_json()["data"]
        return rows

    def total(self, label: str) -> tuple[str, str]:
        """A number in large type, and what stands below it."""
        (found,) = re.findall(f"(?s)<dt>{label}</dt>(.*?)</div>", self.html)
        value, note = re.search("<dd[^>]*>(.*?)</dd>", found), re.search('class="note">(.*?)</dd>', found)
        assert value is not None
        return plain(value[1]), plain(note[1]) if note else ""


def plain(html: str) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", "", html)).split())


def amount(value: float) -> str:
    assert value == round(value)
    return f"{round(value):,}".replace(",", " ")


def called(row: dict[str, Any]) -> str:
    return str(row["vernacularName"] or row["name"])


def sums(rows: Rows) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        found[called(row)] = found.get(called(row), 0) + row["value"]
    return found


def ended(text: str, end: str) -> bool:
    return text == end or text.endswith(f": {end}")


def test_what_the_page_says_of_each_chart_is_what_its_json_holds(client: FlaskClient) -> None:
    for query in FILTERS:
        board = Board(client, query)
        assert "timeline" in board.keys
        for key in board.keys:
            name = "animal" if key.startswith("animal-") else key
            SAID[name](board, key, *board.json(key))


def timeline(board: Board, key: str, meta: dict[str, Any], rows: Rows) -> None:
    heading = f"{meta['measure'].capitalize()} per {meta['interval']}"
    said = ", ".join(f"{name} {amount(value)}" for name, value in sums(rows).items())
    assert board.alt(key) == f"{heading}: {said}"
    left = [one for one in meta["leftOut"] if "precise" in one["reason"]]
    missing = sum(one[meta["measure"]] for one in left)
    assert board.note(key).startswith(f"Without {amount(missing)} " if left else "")
    assert bool(board.note(key)) == bool(left)


def species(board: Board, key: str, meta: dict[str, Any], rows: Rows) -> None:
    said = ", ".join(f"{called(row)} {amount(row['value'])}" for row in rows)
    assert board.alt(key) == f"Species by {meta['measure']}: {said}"
    number = f"{amount(meta['species'])} species"
    leading = f"The leading {len(rows)} of " if meta["species"] > len(rows) else ""
    assert board.note(key) == leading + number


def animal(board: Board, key: str, meta: dict[str, Any], rows: Rows) -> None:
    measure = meta["measure"]
    vague = sum(one[measure] for one in meta["leftOut"] if measure in one)
    total = sum(row["value"] for row in rows) + vague
    unit = measure.removesuffix("s") if total == 1 else measure
    name = board.alt(key).partition(":")[0]
    assert name in sums(rows)  # the others are taxa below it
    assert board.note(key) == f"{amount(total)} {unit}, per {meta['interval']}"
    assert board.alt(key) == f"{name}: {amount(total)} {unit}, drawn per {meta['interval']}"


def phenology(board: Board, key: str, meta: dict[str, Any], rows: Rows) -> None:
    year = max(row["year"] for row in rows)
    weeks = {row["date"]: row["value"] for row in rows if row["year"] == year and row["value"]}
    most = max(weeks, key=lambda week: weeks[week])
    said = (
        f"Recorded from {min(weeks)} to {max(weeks)}, most in {most}: {amount(weeks[most])} {meta['measure']}"
    )
    earlier = sorted({row["year"] for row in rows} - {year})
    if earlier:
        said += f"; over {earlier[0]}" + (f"–{earlier[-1]}" if len(earlier) > 1 else "")
    assert board.note(key) == said
    assert ended(board.alt(key), said)


def arrivals(board: Board, key: str, _meta: dict[str, Any], rows: Rows) -> None:
    latest = {row["name"]: f"{row['name']}: {row['first']} to {row['last']}" for row in rows}
    assert ended(board.alt(key), "; ".join(list(latest.values())[:8]))
    assert board.note(key) == ""


def calendar(board: Board, key: str, meta: dict[str, Any], rows: Rows) -> None:
    days = {row["date"]: row["value"] for row in rows if row["value"]}
    most = max(days, key=lambda day: days[day])
    span = " to ".join(dict.fromkeys((str(meta["years"][0]), str(meta["years"][-1]))))
    assert {day[:4] for day in days} <= {str(year) for year in meta["years"]}
    said = f"{amount(len(days))} days with records in {span}; most on {most}: {amount(days[most])}"
    assert board.note(key) == said
    assert ended(board.alt(key), said)


def place(board: Board, key: str, meta: dict[str, Any], rows: Rows) -> None:
    most = max(rows, key=lambda row: row["value"])
    said = board.note(key)
    cells = f"{amount(len(rows))} cell{'s' * (len(rows) != 1)} of {most['cellSize']:g} degrees"
    assert said.startswith(f"{amount(sum(row['value'] for row in rows))} {meta['measure']} in {cells}; ")
    found = re.search("; the most, ([0-9 ]+), around ([0-9.]+)° ([NS]), ([0-9.]+)° ([EW])$", said)
    assert found is not None
    assert found[1] == amount(most["value"])
    latitude, longitude = (
        float(found[2]) * (1, -1)[found[3] == "S"],
        float(found[4]) * (1, -1)[found[5] == "W"],
    )
    assert (latitude, longitude) == pytest.approx(
        (most["decimalLatitude"], most["decimalLongitude"]), abs=0.01
    )
    assert ended(board.alt(key), said)


def diel(board: Board, key: str, _meta: dict[str, Any], rows: Rows) -> None:
    hours: dict[str, dict[int, float]] = {}
    for row in rows:
        hours.setdefault(row["name"], {})[row["hour"]] = row["value"]
    peaks = []
    for name, values in list(hours.items())[:8]:
        most = max(values.values())
        first = min(hour for hour, value in values.items() if value == most)
        peaks.append(f"{name}: most at {first:02}:00 local time, {most}")
    assert ended(board.alt(key), "; ".join(peaks))


SAID = {
    "timeline": timeline,
    "species": species,
    "animal": animal,
    "phenology": phenology,
    "arrivals": arrivals,
    "calendar": calendar,
    "map": place,
    "diel": diel,
}


def test_the_totals_what_happened_lately_and_the_latest_records_are_those_of_the_json(
    client: FlaskClient,
) -> None:
    for query in FILTERS:
        board = Board(client, query)
        totals(board, *board.report("summary"))
        lately(board)
        rows = board.report("recent", limit="9")
        assert re.findall('(?s)<tr data-row="([0-9]+)">.*?</tr>', board.html) == [
            str(row["key"]) for row in rows
        ]


def totals(board: Board, summary: dict[str, Any]) -> None:
    for name in ("records", "individuals", "species"):
        assert board.total(name.capitalize())[0] == amount(summary[name])
    years = "–".join(dict.fromkeys((str(summary["firstDate"])[:4], str(summary["lastDate"])[-10:][:4])))
    undated = f", {amount(summary['undated'])} undated" if summary["undated"] else ""
    assert board.total("Records")[1] == years + undated
    each = " each" if summary["uncounted"] > 1 else ""
    uncounted = f"{amount(summary['uncounted'])} not counted, taken as one{each}"
    assert board.total("Individuals")[1] == (uncounted if summary["uncounted"] else "")


def lately(board: Board) -> None:
    told = plain(re.findall('(?s)data-live="lately">(.*?)</p>', board.html)[0])
    last = date.fromisoformat(board.report("calendar", limit="1")[-1]["date"])
    (week,) = board.report("summary", eventDate=f"{last - timedelta(6)},{last}")
    units = [name.removesuffix("s" if week[name] == 1 else "") for name in ("records", "individuals")]
    assert told == (
        f"In the seven days to {last.day} {last:%b} {last.year}: {amount(week['records'])} {units[0]}, "
        f"{amount(week['individuals'])} {units[1]} of {amount(week['species'])} species."
    )
