"""The page of one place: what is recorded there, by whatever name the records call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from db.names import PlaceValue
from db.undo import undo
from tests.files import read_one
from tests.seed import READING, Record, ingest, open_app
from tests.test_page import page

LAKE = PlaceValue("NO", "Viken", "", "Lake")
ODD = [
    "a/b",
    "../..",
    ".",
    "100 %",
    "%2F",
    "Süd & Nord?",
    "#1",
    "a+b",
    "野鳥の森",
    "\u202bشاطئ\u202c",
    "x\\y",
    "<b>i</b>",
]


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> Iterator[FlaskClient]:
    """Over a database that is still empty."""
    app = open_app(home)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def test_its_numbers_and_its_species_are_those_of_its_rows(
    client: FlaskClient, sqlite_writer: Engine, tmp_path: Path
) -> None:
    rows = [
        (
            f"{('Lynx', 'Deer', 'Newt', 'Elk')[n % 4]}",
            f"202{n % 5}-0{1 + n % 9}-1{n % 8}",
            n % 7 + 1,
            f"Hut {n % 3}",
        )
        for n in range(150)
    ]
    every = pd.DataFrame(rows, columns=["species", "eventDate", "individualCount", "locality"])
    every.to_csv(tmp_path / "walks.csv", index=False)
    read_one(sqlite_writer, tmp_path / "walks.csv")
    hut = every[every["locality"] == "Hut 1"]
    shown = page(client, "/place?locality=Hut+1")
    assert f"Records {len(hut)} " in shown.text
    assert f"Individuals {hut['individualCount'].sum()} " in shown.text
    for species, seen in hut.groupby("species"):
        ends = (pd.to_datetime(seen["eventDate"]).agg(["min", "max"])).dt.strftime("%-d %b %Y")
        told = f"{species} {len(seen)} {seen['individualCount'].sum()} {ends['min']} {ends['max']}"
        assert told in shown.text
    images = shown.urls("img", "src")
    reports = [url.partition(".svg")[0].rpartition("/")[2] for url in images]
    assert reports == ["timeline", "species", "phenology", "arrivals", "calendar"]
    assert all("locality=Hut+1" in url for url in images)
    links = shown.urls("a", "href")
    assert {"/?locality=Hut+1", "/api/v1/export.csv?locality=Hut+1"} <= set(links)
    assert f"Records {len(hut)} " in page(client, "/?locality=Hut+1").text


def test_the_places_of_a_real_download_have_as_many_records_as_the_file(
    client: FlaskClient, sqlite_writer: Engine, shared_data: Callable[[str], Path]
) -> None:
    path = shared_data("A04-gbif-simple-zip") / "0009886-250127130748423.zip"
    rows = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    read_one(sqlite_writer, path)
    there = rows[(rows["occurrenceStatus"] == "PRESENT") & (rows["locality"] != "")]
    for place, here in list(there.groupby("locality"))[:6]:
        shown = page(client, f"/place?{urlencode({'locality': place})}").text
        assert f"Records {len(here)} " in shown, place
        assert f"Species {here['species'].nunique()} " in shown, place
    species = there["species"].value_counts().index[0]
    key = client.get(f"/api/v1/species/match?name={species}").get_json()["usageKey"]
    haunts = page(client, f"/species/{key}").text.partition("Where it is recorded most")[2]
    places = there[there["species"] == species].groupby(["locality", "stateProvince", "countryCode"])
    for (place, state, country), number in places.size().nlargest(5).items():
        area = ", ".join(part for part in (state, country) if part)
        assert f"{place} {area} {number} " in haunts


@pytest.mark.parametrize("name", ODD)
def test_any_name_leads_from_a_record_to_its_place(
    client: FlaskClient, sqlite_writer: Engine, name: str
) -> None:
    there = PlaceValue("NO", "", "", name)
    ingest(sqlite_writer, [*READING, Record("Newt", 20240102, place=there), Record("Newt", 20240101)])
    (url, _) = [one for one in page(client).urls("a", "href") if one.startswith("/place?")][:2]
    shown = page(client, url)
    assert name in shown.text
    assert "Records 1 " in shown.text


def test_two_places_of_one_name_are_told_apart(client: FlaskClient, sqlite_writer: Engine) -> None:
    other = PlaceValue("SE", "Skåne", "", "Lake")
    ingest(sqlite_writer, [Record("Newt", 20240101, place=LAKE), Record("Bear", 20240102, place=other)])
    both = page(client, "/place?locality=Lake")
    assert "Records 2 " in both.text
    assert "Places of this name: Viken, NO ; Skåne, SE" in both.text
    one = page(client, "/place?locality=Lake&stateProvince=Viken&country=NO")
    assert "Lake Viken, NO Places of this name: Skåne, SE ; all of them together" in one.text
    assert "Records 1 " in one.text
    assert "Bear" not in one.text
    links = both.urls("a", "href")
    query = urlencode({"locality": "Lake", "stateProvince": "Skåne", "country": "SE"})
    assert f"/place?{query}" in links


def test_a_place_that_nobody_named_is_a_page_with_a_way_on(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    shown = page(client, "/place?locality=Osloo", 404)
    assert "No record names a place like this; did you mean Oslo?" in shown.text
    assert "/" in shown.urls("a", "href")
    elsewhere = page(client, "/place?locality=Oslo&country=SE", 404).text
    assert "There are records of this place, but not in this state or country." in elsewhere
    for query in (
        "",
        "?locality=",
        "?locality=a&locality=b",
        "?locality=Oslo&x=1",
        "?locality=Oslo&country=NOR",
    ):
        assert client.get(f"/place{query}").status_code == 400, query


def test_a_place_whose_records_were_taken_back_says_so(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    run = ingest(sqlite_writer, [Record("Newt", 20240101, place=LAKE)], feed="walks")
    undo(sqlite_writer, run)
    shown = page(client, "/place?locality=Lake")
    assert "No record of it is left" in shown.text
    assert not shown.all("img")


def test_it_is_validated(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [*READING, Record("Newt", 20240101, place=LAKE)])
    first = client.get("/place?locality=Lake")
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/place?locality=Lake", headers=known).status_code == 304
    ingest(sqlite_writer, [Record("Newt", 20240102, place=LAKE._replace(country_code="SE"))])
    answer = client.get("/place?locality=Lake", headers=known)
    assert answer.status_code == 200
    assert "Viken, SE" in answer.text
