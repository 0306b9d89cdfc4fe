"""The routes of the course reading go on working, with real data behind them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.plot import NoSuchPlot, plot, save_bear_chart
from tests.seed import READING, Record, ingest, open_app, open_database, year


@pytest.fixture
def app(home: Path) -> Iterator[Flask]:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def texts(svg: bytes) -> list[str]:
    return ["".join(one.itertext()) for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def marks(svg: bytes) -> list[float]:
    found = (one.get("data-value") for one in ET.fromstring(svg).iter())
    return [float(value) for value in found if value]


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'sightings.db'}"


@pytest.mark.parametrize("asked", ["Deer", "deer", "DEER"])
def test_one_animal_by_year(client: FlaskClient, asked: str) -> None:
    answer = client.get(f"/animal.svg?type={asked}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert {"Year", "Deer Sightings", "0"} <= set(texts(answer.data))
    assert marks(answer.data) == [row.count for row in READING if row.name == "Deer"]


def test_an_animal_counts_under_each_of_its_names(home: Path, client: FlaskClient) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    fox = {"scientific": "Vulpes vulpes", "vernacular": "Red fox", "genus": "Vulpes"}
    ingest(writer, [Record("Vulpes vulpes", 20200101, 20201231, count, **fox) for count in (2, 3)])
    for asked, label in (("red fox", "Red fox"), ("vulpes vulpes", "Vulpes vulpes"), ("VULPES", "Vulpes")):
        answer = client.get("/animal.svg", query_string={"type": asked})
        assert f"{label} Sightings" in texts(answer.data)
        assert marks(answer.data) == [5]


@pytest.mark.parametrize(
    ("url", "status"),
    [("/animal.svg", 400), ("/animal.svg?type=", 400), ("/animal.svg?type=Unicorn", 404),
     ("/animal.svg?type=Deer&type=Bear", 400), ("/animal.svg?typ=Deer", 400),
     ("/animal.svg?type=" + "x" * 5000, 400)],
)  # fmt: skip
def test_what_is_no_animal_is_a_clear_error(client: FlaskClient, url: str, status: int) -> None:
    for headers in ({}, {"If-None-Match": "*"}):
        answer = client.get(url, headers=headers)
        assert answer.status_code == status
        assert str(status) in texts(answer.data)


def test_bears_come_from_the_file_that_was_saved_last(app: Flask, client: FlaskClient, home: Path) -> None:
    missing = client.get("/bears.svg")
    assert missing.status_code == 404
    assert "manage.py plot" in " ".join(texts(missing.data))
    path = save_bear_chart(url_of(home), home / "charts")
    assert path is not None
    assert path == home / "charts" / "bears.svg"
    answer = client.get("/bears.svg")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert answer.data == path.read_bytes() == client.get("/animal.svg?type=Bear").data
    assert client.get("/bears.svg", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    path.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert (
        client.get("/bears.svg", headers={"If-None-Match": answer.headers["ETag"]}).data == path.read_bytes()
    )
    assert [one.name for one in path.parent.iterdir()] == ["bears.svg"]


def test_no_bears_no_file(home: Path) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), [year("Deer", 2020, 1)])
    assert save_bear_chart(url_of(home), home / "charts") is None
    assert not (home / "charts").exists()


@pytest.mark.parametrize("report", ["timeline", "species", "summary", "recent"])
@pytest.mark.parametrize("form", ["svg", "png", "json", "csv"])
def test_a_plot_without_a_server_is_what_the_server_answers(
    app: Flask, home: Path, report: str, form: str
) -> None:
    given = [("species", "Deer"), ("year", "2012,2015")]
    answer = app.test_client().get(f"/api/v1/reports/{report}.{form}", query_string=given)
    assert plot(url_of(home), report, form, given, "Sightings", "UTC") == answer.data


def test_a_plot_of_the_reading_is_the_animals_chart(app: Flask, home: Path) -> None:
    drawn = plot(url_of(home), "reading", "svg", [("species", "Bear")], "Sightings", "UTC")
    assert drawn == app.test_client().get("/animal.svg?type=Bear").data


@pytest.mark.parametrize(
    ("report", "form", "given"),
    [("timelime", "svg", []), ("timeline", "pdf", []), ("timeline", "svg", [("limit", "x")]),
     ("timeline", "svg", [("asOf", "9")]), ("reading", "svg", []),
     ("reading", "svg", [("species", "Unicorn")])],
)  # fmt: skip
def test_a_plot_that_cannot_be_is_told_in_a_sentence(
    app: Flask, home: Path, report: str, form: str, given: list[tuple[str, str]]
) -> None:
    with pytest.raises(NoSuchPlot, match=r"^\w.*[.?]$"):
        plot(url_of(home), report, form, given, "Sightings", "UTC")


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [("numerator=1&denominator=2", 200, {"num": 1.0, "denom": 2.0, "result": 0.5}),
     ("numerator=-3&denominator=1.5", 200, {"num": -3.0, "denom": 1.5, "result": -2.0}),
     ("denominator=4&numerator=1e2", 200, {"num": 100.0, "denom": 4.0, "result": 25.0}),
     ("numerator=2&denominator=0", 500,
      {"num": 2.0, "denom": 0.0, "result": None, "error": "denominator cannot be zero!!!"})],
)  # fmt: skip
def test_one_number_by_another(client: FlaskClient, query: str, status: int, body: dict[str, object]) -> None:
    answer = client.get(f"/divide.json?{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert answer.json == body
    assert list(answer.json) == list(body)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("", "numerator"), ("numerator=1", "denominator"), ("denominator=1", "numerator"),
     ("numerator=&denominator=1", "numerator"),
     ("numerator=one&denominator=1", "numerator"), ("numerator=1&denominator=nan", "denominator"),
     ("numerator=inf&denominator=1", "numerator"), ("numerator=1_0&denominator=1", "numerator"),
     ("numerator=1&denominator=1e999", "denominator"), ("numerator=1e300&denominator=1e-300", "numerator"),
     ("numerator=1&numerator=2&denominator=1", "numerator"), ("numerator=1&denominator=1&x=1", "x"),
     ("numerator=" + "9" * 5000 + "&denominator=1", "numerator")],
)  # fmt: skip
def test_what_cannot_be_divided_is_a_clear_error(client: FlaskClient, query: str, parameter: str) -> None:
    answer = client.get(f"/divide.json?{query}")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["parameter"] == parameter
