"""Taxa by GBIF's parameters: searched, suggested, matched, one by its key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.files import read_one, table
from tests.seed import open_app, open_database

HEAD = (
    "occurrenceID,eventDate,scientificName,vernacularName,taxonRank,"
    "kingdom,phylum,class,order,family,genus,species"
)
BIRDS = "Animalia,Chordata,Aves,Passeriformes"
ABOVE = "Animalia,Chordata,Mammalia,Carnivora"
BIRD = "Muscicapidae,Oenanthe,Oenanthe oenanthe"
ROWS = [
    f"a,2024-01-01,Vulpes vulpes,Red fox,species,{ABOVE},Canidae,Vulpes,Vulpes vulpes",
    f"b,2024-01-02,Vulpes vulpes,Red fox,species,{ABOVE},Canidae,Vulpes,Vulpes vulpes",
    f"c,2024-01-03,Vulpes lagopus,Arctic fox,species,{ABOVE},Canidae,Vulpes,Vulpes lagopus",
    f"d,2024-01-04,Canidae,,family,{ABOVE},Canidae,,",
    f"e,2024-01-05,Vulpes vulpes crucigera,,subspecies,{ABOVE},Canidae,Vulpes,Vulpes vulpes",
    f"f,2024-01-06,Oenanthe oenanthe,Northern wheatear,species,{BIRDS},{BIRD}",
    "g,2024-01-07,Quercus robur,,,Plantae,,,,,,",
]


def fill(writer: Engine, folder: Path) -> None:
    read_one(writer, table(folder / "a.csv", HEAD, *ROWS), feed="f")
    read_one(writer, table(folder / "b.csv", "date,species", "2024-05-01,Deer"), feed="g")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    fill(writer, home)
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()
    writer.dispose()


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    return site.test_client()


@pytest.fixture
def app(writer: Engine, database_url: str, home: Path, tmp_path: Path) -> Iterator[Flask]:
    """The same in a fresh database of each kind."""
    fill(writer, tmp_path)
    app = open_app(home, database_url=database_url)
    yield app
    app.extensions["sightings"].reader.dispose()


def told(client: FlaskClient, path: str) -> Any:
    answer = client.get(f"/api/v1/{path}".replace(" ", "%20"))
    assert answer.status_code == 200, answer.text
    return answer.json


def names(usages: list[dict[str, Any]]) -> list[str]:
    return [one.get("canonicalName") or one["vernacularName"] for one in usages]


def test_a_taxon_is_told_as_gbif_tells_it(client: FlaskClient) -> None:
    fox = told(client, "species/match?name=Vulpes vulpes")["usageKey"]
    usage = told(client, f"species/{fox}")
    assert usage | {"parentKey": 0} == usage | {
        "key": fox, "scientificName": "Vulpes vulpes", "canonicalName": "Vulpes vulpes", "rank": "SPECIES",
        "taxonomicStatus": "ACCEPTED", "synonym": False, "vernacularName": "Red fox", "parent": "Vulpes",
        "kingdom": "Animalia", "phylum": "Chordata", "class": "Mammalia", "order": "Carnivora",
        "family": "Canidae", "genus": "Vulpes", "species": "Vulpes vulpes", "speciesKey": fox, "parentKey": 0,
        "numOccurrences": 3, "vernacularNames": [{"vernacularName": "Red fox"}],
    }  # fmt: skip
    for rank in ("kingdom", "phylum", "class", "order", "family", "genus"):
        above = told(client, f"species/{usage[f'{rank}Key']}")
        assert (above["canonicalName"], above["rank"]) == (usage[rank], rank.upper())
        assert (
            told(client, f"occurrence/search?taxonKey={above['key']}&limit=0")["count"]
            == above["numOccurrences"]
        )
    assert told(client, f"species/{usage['genusKey']}")["parent"] == "Canidae"


def test_an_unknown_key_is_not_found(client: FlaskClient) -> None:
    for key in ("0", "9999", "700009999", "600000006", "999999999999", "x"):
        assert client.get(f"/api/v1/species/{key}").status_code == 404, key


def test_the_key_of_a_family_that_records_are_of_is_its_own(client: FlaskClient) -> None:
    family = told(client, "species/match?name=Canidae")
    assert family["rank"] == "FAMILY"
    assert family["usageKey"] < 1000
    fox = told(client, "species/suggest?q=red fox")[0]
    assert fox["familyKey"] == family["usageKey"]
    assert told(client, f"occurrence/count?taxonKey={family['usageKey']}") == 5
    assert told(client, f"occurrence/count?taxonKey={fox['key']}") == 3  # with its subspecies


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=Vulpes vulpes", "EXACT Vulpes vulpes"), ("name=VULPES VULPES", "EXACT Vulpes vulpes"),
        ("name=Vulpes vulpes (Linnaeus, 1758)", "EXACT Vulpes vulpes"),
        ("scientificName=Vulpes vulpes&taxonRank=species", "EXACT Vulpes vulpes"),
        ("name=Vulpes vulpis", "FUZZY Vulpes vulpes"), ("name=Vuples vulpes", "FUZZY Vulpes vulpes"),
        ("name=Vulpes zerda", "HIGHERRANK Vulpes"), ("name=Vulpes zerda&strict=true", "NONE"),
        ("name=Canis lupus&family=Canidae", "HIGHERRANK Canidae"), ("name=Unicornis magnus", "NONE"),
        ("name=Quercus robur L.", "EXACT Quercus robur"), ("name=Oenanthe", "EXACT Oenanthe"),
        ("name=Oenanthe&kingdom=Plantae", "HIGHERRANK Plantae"),
        ("name=Oenanthe&kingdom=Plantae&strict=true", "NONE"),
        ("name=Oenanthe&kingdom=animals", "EXACT Oenanthe"), ("name=Oenanthe&rank=SPECIES", "NONE"),
        ("name=Deer", "NONE"), ("name=Red fox", "NONE"), ("family=Canidae", "EXACT Canidae"),
        ("name=Mammalia&rank=class&checklistKey=x", "EXACT Mammalia"),
    ],
)  # fmt: skip
def test_a_name_is_matched_as_well_as_it_can_be(client: FlaskClient, query: str, expected: str) -> None:
    found = told(client, f"species/match?{query}")
    assert f"{found['matchType']} {found.get('canonicalName', '')}".strip() == expected
    assert 0 < found["confidence"] <= 100
    assert ("usageKey" in found) is (found["matchType"] != "NONE")
    assert found["synonym"] is False


def test_what_else_was_near_is_told_on_demand(client: FlaskClient) -> None:
    found = told(client, "species/match?name=Vulpes vulpis&verbose=true")
    assert [one["matchType"] for one in found["alternatives"]] == ["HIGHERRANK"]
    assert "alternatives" not in told(client, "species/match?name=Vulpes vulpis&verbose=false")


def test_a_name_is_suggested_from_its_first_letters_and_the_frequent_ones_first(client: FlaskClient) -> None:
    assert names(told(client, "species/suggest?q=vul"))[:3] == ["Vulpes", "Vulpes vulpes", "Vulpes lagopus"]
    assert names(told(client, "species/suggest?q=FOX")) == ["Vulpes vulpes", "Vulpes lagopus"]
    assert names(told(client, "species/suggest?q=arct")) == ["Vulpes lagopus"]
    assert names(told(client, "species/suggest?q=dee")) == ["Deer"]
    assert names(told(client, "species/suggest?q=vul&rank=genus")) == ["Vulpes"]
    assert names(told(client, "species/suggest?q=vul&limit=1&offset=1")) == ["Vulpes vulpes"]
    assert told(client, "species/suggest?q=ulpes") == []
    assert told(client, "species/suggest?q=100%25") == []


def test_taxa_are_searched_in_gbifs_envelope(client: FlaskClient) -> None:
    page = told(client, "species/search?q=vulpes&limit=2")
    assert list(page) == ["offset", "limit", "endOfRecords", "count", "results", "facets"]
    assert (page["count"], page["endOfRecords"], len(page["results"])) == (3, False, 2)
    assert names(page["results"])[0] == "Vulpes"  # named exactly so
    rest = told(client, "species/search?q=vulpes&limit=2&offset=2")
    assert rest["endOfRecords"] is True
    assert sorted(names(page["results"] + rest["results"])) == ["Vulpes", "Vulpes lagopus", "Vulpes vulpes"]
    assert names(told(client, "species/search?q=wheatear")["results"]) == ["Oenanthe oenanthe"]
    assert told(client, "species/search?q=vulpes&rank=SPECIES")["count"] == 2
    assert told(client, "species/search?status=SYNONYM")["count"] == 0
    everything = told(client, "species/search?limit=100&status=ACCEPTED&hl=false&verbose=true&datasetKey=x")
    assert everything["count"] == len(everything["results"]) == 16


def test_what_lies_below_a_taxon_can_be_searched(client: FlaskClient) -> None:
    mammals = told(client, "species/match?name=Mammalia")["usageKey"]
    below = told(client, f"species/search?higherTaxonKey={mammals}&limit=100")["results"]
    assert sorted(names(below)) == ["Canidae", "Carnivora", "Vulpes", "Vulpes lagopus", "Vulpes vulpes"]


def test_taxa_are_counted_by_rank(client: FlaskClient) -> None:
    (facet,) = told(client, "species/search?q=vulpes&facet=rank&limit=0")["facets"]
    counts = [{"name": "SPECIES", "count": 2}, {"name": "GENUS", "count": 1}]
    assert facet == {"field": "RANK", "counts": counts}
    for query, expected in (
        ("rank=GENUS&facet=rank&facetMultiselect=true", 2), ("rank=GENUS&facet=rank", 1),
        ("facet=rank&facetLimit=2", 2), ("facet=rank&facetMincount=2", 1), ("facet=rank&facetOffset=1", 1),
    ):  # fmt: skip
        (facet,) = told(client, f"species/search?q=vulpes&limit=0&{query}")["facets"]
        assert len(facet["counts"]) == expected, query


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("species/search?limit=1001", "limit"), ("species/search?limit=-1", "limit"),
        ("species/search?offset=x", "offset"), ("species/search?habitat=MARINE", "habitat"),
        ("species/search?isExtinct=true", "isExtinct"), ("species/search?facet=habitat", "facet"),
        ("species/search?higherTaxonKey=x", "higherTaxonKey"), ("species/search?hl=maybe", "hl"),
        ("species/suggest?query=x", "query"), ("species/suggest?q=" + "x" * 300, "q"),
        ("species/match", "name"), ("species/match?name=a&scientificName=b", "name"),
        ("species/match?name=%07", "name"), ("species/match?strict=perhaps&name=a", "strict"),
        ("species/match?name=a&usageKey=1", "usageKey"), ("species/1?language=en", "language"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_name(client: FlaskClient, path: str, parameter: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert answer.json["parameter"] == parameter


def test_both_databases_find_the_same(client: FlaskClient, app: Flask) -> None:
    other = app.test_client()
    for path in ("search?limit=100", "search?q=vulpes&facet=rank", "suggest?q=vul", "1",
                 "match?name=Vulpes vulpis",
                 "match?name=Vulpes zerda&verbose=true", "search?higherTaxonKey=3&q=fox"):  # fmt: skip
        assert told(other, f"species/{path}") == told(client, f"species/{path}"), path


def test_an_answer_about_taxa_is_validated(app: Flask, writer: Engine, tmp_path: Path) -> None:
    client = app.test_client()
    urls = [f"/api/v1/species/{path}" for path in ("search?q=fox", "suggest?q=vul", "match?name=vulpes", "1")]
    before = [client.get(url) for url in urls]
    for answer, url in zip(before, urls, strict=True):
        assert client.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        assert client.head(url).headers["ETag"] == answer.headers["ETag"]
        assert answer.mimetype == "application/json"
    more = f"h,2024-02-01,Vulpes vulpes,Fox,species,{ABOVE},Canidae,Vulpes,Vulpes vulpes"
    read_one(writer, table(tmp_path / "c.csv", HEAD, more), feed="f")
    after = [client.get(url) for url in urls]
    assert after[0].json["results"][0]["numOccurrences"] == 4
    assert {"vernacularName": "Fox"} in after[0].json["results"][0]["vernacularNames"]
    assert [one.headers["ETag"] for one in after] != [one.headers["ETag"] for one in before]


def test_the_pages_of_taxa_name_the_next_one_until_there_is_none(client: FlaskClient) -> None:
    whole = client.get("/api/v1/species/search?limit=1000").json["results"]
    assert "Link" not in client.get("/api/v1/species/search?limit=1000").headers
    assert "Link" not in client.get("/api/v1/species/search?limit=0").headers
    address, found = "/api/v1/species/search?limit=2&rank=species", []
    while address:
        page = client.get(address)
        found += [one["key"] for one in page.json["results"]]
        address = page.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert len(found) > 2
    assert found == [one["key"] for one in whole if one.get("rank") == "SPECIES"]
