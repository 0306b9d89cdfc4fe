"""The page of one species: both names, all that is recorded of it, and the ways on from there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from db.names import PlaceValue
from db.undo import undo
from tests.files import read_one
from tests.seed import OSLO, READING, Record, ingest, open_app
from tests.test_page import HOSTILE, page

LAKE = PlaceValue("NO", "Viken", "", "Lake & shore")
LYNX = Record("Lynx lynx", 20240305, scientific="Lynx lynx", vernacular="Eurasian lynx", family="Felidae")


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> Iterator[FlaskClient]:
    """Over a database that is still empty."""
    app = open_app(home, title="Station Nord")
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def key_of(client: FlaskClient, name: str) -> int:
    found = client.get(f"/api/v1/species/search?q={name}").get_json()["results"]
    return next(
        int(one["key"]) for one in found if name in (one.get("canonicalName"), one.get("vernacularName"))
    )


def test_it_has_both_names_and_what_it_lies_below(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [LYNX, *READING])
    shown = page(client, f"/species/{key_of(client, 'Lynx lynx')}")
    assert "Felidae Eurasian lynx Lynx lynx" in shown.text
    assert len(shown.all("h1")) == 1
    family = client.get("/api/v1/species/search?q=Felidae").get_json()["results"][0]["key"]
    assert f"/species/{family}" in shown.urls("a", "href")
    assert "Felidae" in page(client, f"/species/{family}").text
    bear = page(client, f"/species/{key_of(client, 'Bear')}")  # has one name alone
    assert "Bear" in bear.text


def test_its_numbers_are_those_of_its_rows(
    client: FlaskClient, sqlite_writer: Engine, tmp_path: Path
) -> None:
    rows = [
        (
            f"{('Lynx', 'Deer', 'Newt')[n % 3]}",
            f"20{20 + n % 5}-0{1 + n % 9}-1{n % 9}",
            n % 7 + 1,
            f"Hut {n % 4}",
        )
        for n in range(120)
    ]
    every = pd.DataFrame(rows, columns=["species", "eventDate", "individualCount", "locality"])
    every.to_csv(tmp_path / "walks.csv", index=False)
    read_one(sqlite_writer, tmp_path / "walks.csv")
    deer = every[every["species"] == "Deer"]
    shown = page(client, f"/species/{key_of(client, 'Deer')}").text
    assert f"Records {len(deer)} " in shown
    assert f"Individuals {deer['individualCount'].sum()} " in shown
    assert f"Places {deer['locality'].nunique()} " in shown
    first, last = (date.fromisoformat(day) for day in (deer["eventDate"].min(), deer["eventDate"].max()))
    assert f"Last recorded {last.day} {last:%b %Y} first {first.day} {first:%b %Y}" in shown
    for place, here in deer.groupby("locality"):
        assert f"{place} {len(here)} {here['individualCount'].sum()}" in shown
    individuals = page(client, f"/species/{key_of(client, 'Deer')}?measure=records")
    assert all("measure=records" in url for url in individuals.urls("img", "src") if "arrivals" not in url)


def test_it_shows_its_year_its_hours_its_map_and_nothing_of_others(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    months = [Record("Newt", 20230000 + month * 100 + 5, time=3600 * month) for month in range(1, 13)]
    ingest(sqlite_writer, [*months, *READING])
    shown = page(client, f"/species/{key_of(client, 'Newt')}")
    images = shown.urls("img", "src")
    reports = [url.partition(".svg")[0].rpartition("/")[2] for url in images]
    assert reports == ["timeline", "phenology", "arrivals", "calendar", "seasonality", "map", "diel"]
    assert all("species=newt" in url for url in images)
    assert {client.get(url).status_code for url in images} == {200}
    assert "Bear" not in shown.text


def test_it_leads_to_the_dashboard_the_api_the_records_and_the_exports(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, [LYNX, *READING])
    key = key_of(client, "Lynx lynx")
    links = page(client, f"/species/{key}").urls("a", "href")
    assert {"/?species=lynx+lynx", f"/api/v1/species/{key}"} <= set(links)
    assert "Records 1 " in page(client, "/?species=lynx+lynx").text
    assert client.get(f"/api/v1/species/{key}").get_json()["vernacularName"] == "Eurasian lynx"
    (records,) = [url for url in links if url.startswith("/api/v1/occurrence/search?")]
    assert client.get(records).get_json()["count"] == 1
    exports = [url for url in links if url.startswith("/api/v1/export.")]
    assert [url[15:].partition("?")[0] for url in exports] == ["csv", "ndjson", "parquet", "zip"]
    assert {client.get(url).status_code for url in exports} == {200}


def test_the_dashboard_leads_to_it_and_keeps_what_is_counted(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, [Record("Bear", 20240102), Record("Newt", 20240101)])
    bear, newt = key_of(client, "Bear"), key_of(client, "Newt")
    shown = page(client, "/?measure=records")
    links = shown.urls("a", "href")
    for key in (bear, newt):  # a record, a newest species, a leading animal
        assert links.count(f"/species/{key}?measure=records") == 3
    assert "/?species=Bear&measure=records" in links
    assert "All about Newt" in page(client, "/?species=newt").text
    assert "All about" not in shown.text + page(client, f"/species/{newt}").text


def test_what_is_above_several_species_has_a_page_with_a_ranking(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    cat = Record("Felis silvestris", 20240306, scientific="Felis silvestris", family="Felidae", count=3)
    ingest(sqlite_writer, [LYNX, cat, *READING])
    family = client.get("/api/v1/species/search?q=Felidae").get_json()["results"][0]["key"]
    shown = page(client, f"/species/{family}")
    assert "Species 2 " in shown.text
    assert [url for url in shown.urls("img", "src") if "/species.svg" in url]
    assert f"/species/{key_of(client, 'Felis silvestris')}" in shown.urls("a", "href")


@pytest.mark.parametrize(
    "key", ["999999", "0", "00001", "1e3", "-1", "99999999999999999999", "%00", "x" * 300, "\u0661"]
)
def test_an_unknown_key_is_a_page_with_a_way_on(client: FlaskClient, sqlite_writer: Engine, key: str) -> None:
    ingest(sqlite_writer, READING)
    shown = page(client, f"/species/{key}", 404)
    assert "There is no species of this key." in shown.text
    assert "/" in shown.urls("a", "href")
    assert [one for one in shown.all("input") if one.get("name") == "species"]


def test_a_species_whose_records_were_taken_back_says_so(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    run = ingest(sqlite_writer, [Record("Newt", 20240101)], feed="walks")
    key = key_of(client, "Newt")
    undo(sqlite_writer, run)
    shown = page(client, f"/species/{key}")
    assert "No record of it is left" in shown.text
    assert not shown.all("img")


def test_it_is_validated_and_changes_with_its_own_records_alone(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, [*READING, Record("Newt", 20240101)])
    url = f"/species/{key_of(client, 'Newt')}"
    known = {"If-None-Match": client.get(url).headers["ETag"]}
    ingest(sqlite_writer, [Record("Deer", 20240501), Record("Otter", 20240501)])
    assert client.get(url, headers=known).status_code == 304
    ingest(sqlite_writer, [Record("Newt", 20240501, place=LAKE)])
    answer = client.get(url, headers=known)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert "Lake &amp; shore" in answer.text
    wrong = page(client, f"{url}?species=Deer", 400)
    assert "This is not a parameter here" in wrong.text


def test_a_hostile_name_is_text_on_its_page(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [Record(HOSTILE, 20240501, place=PlaceValue("NO", "", "", HOSTILE)), *READING])
    key = client.get("/api/v1/reports/recent.json?limit=1").get_json()["data"][0]["taxonKey"]
    answer = client.get(f"/species/{key}")
    assert "<script>alert" not in answer.text
    shown = page(client, f"/species/{key}")
    assert shown.text.count(HOSTILE) >= 3
    for url in {*shown.urls("a", "href"), *shown.urls("img", "src")} - {"#content"}:
        assert client.get(url).status_code in (200, 304), url


def test_a_name_that_others_go_by_is_asked_for_by_key(client: FlaskClient, sqlite_writer: Engine) -> None:
    thrush = Record("Turdus migratorius", 20240502, scientific="Turdus migratorius", vernacular="Robin")
    ingest(sqlite_writer, [Record("Robin", 20240501, vernacular="Robin", count=7, place=OSLO), thrush])
    data = client.get("/api/v1/reports/species.json").get_json()["data"]
    key = next(row["taxonKey"] for row in data if row["name"] == "Robin")
    shown = page(client, f"/species/{key}")
    assert "Records 1 " in shown.text
    assert f"/?taxonKey={key}" in shown.urls("a", "href")


def test_it_speaks_the_language_that_was_chosen_and_hands_it_on(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, [Record("Newt", 20240101), Record("Newt", 20230101), Record("Bear", 20230101)])
    url = f"/species/{key_of(client, 'Newt')}?lang=de"
    shown = page(client, url)
    assert "Zuletzt beobachtet 1. Jan. 2024" in shown.text
    assert "Wo sie am häufigsten beobachtet wird" in shown.text
    for path in ("/place?lang=de&locality=Oslo&country=NO", "/?lang=de&species=newt", "/runs?lang=de"):
        assert path in shown.urls("a", "href")
        assert "Was eingelesen wurde" in page(client, path).text
    assert "Zeilen gelesen" in page(client, "/runs/1?lang=de").text
    assert "Es gibt keinen Lauf mit dieser Nummer." in page(client, "/runs/9?lang=de", 404).text
    german = client.get(url.partition("?")[0], headers={"Accept-Language": "de"})
    assert ("Zuletzt" in german.text, "Accept-Language" in german.headers["Vary"]) == (True, True)
