"""Records by GBIF's parameters: every filter against plain Python, facets, pages, refusals."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from api.asking.paging import MOST_RECORDS
from db.filters import data_version
from db.names import PlaceValue
from db.undo import undo
from tests.seed import Record, ingest, open_app, open_database

SEARCH = "/api/v1/occurrence/search"
BERGEN = PlaceValue("NO", "Vestland", "", "Bergen")
KAUNAS = PlaceValue("LT", "Kauno", "", "Ąžuolynas")
FOX = {"name": "Vulpes vulpes", "scientific": "Vulpes vulpes", "vernacular": "Red fox", "genus": "Vulpes",
       "family": "Canidae"}  # fmt: skip
ARCTIC = {"name": "Vulpes lagopus", "scientific": "Vulpes lagopus", "vernacular": "Arctic fox",
          "genus": "Vulpes", "family": "Canidae"}  # fmt: skip
LYNX = {"name": "Lynx lynx", "scientific": "Lynx lynx", "genus": "Lynx", "family": "Felidae"}
GENUS = {"name": "Lynx", "scientific": "Lynx", "family": "Felidae"}
RECORDS = [
    Record(**FOX, first=20240311, count=None, identifier="a", recorded_by="Åse Berg", sex="Male"),
    Record(**FOX, first=20240311, count=3, identifier="b", place=BERGEN, latitude=60.4, longitude=5.3),
    Record(**FOX, first=20240229, count=2, identifier="c", place=KAUNAS, basis="MACHINE_OBSERVATION",
           latitude=54.9, longitude=23.9, uncertainty=25.0, life_stage="adult"),
    Record(**FOX, first=20240501, last=20240531, count=4, identifier="d", sex="FEMALE"),
    Record(**ARCTIC, first=20240313, count=0, identifier="e", recorded_by="100%_sure"),
    Record(**ARCTIC, first=20231231, count=1.5, identifier="f", latitude=-10.0, longitude=179.5,
           issues="COORDINATE_ROUNDED;RECORDED_DATE_UNLIKELY", doubtful=True),
    Record(**ARCTIC, first=None, count=9, identifier="g", latitude=None, longitude=None),
    Record(**LYNX, first=20230101, last=20231231, count=1, identifier="h", basis=None),
    Record(**LYNX, first=20231201, last=20240110, count=7, identifier="i", uncertainty=5000.0),
    Record(**GENUS, first=20240311, count=2, identifier="j", latitude=10.0, longitude=-179.5,
           issues="COORDINATE_ROUNDED"),
    Record("Deer", 20200229, identifier="k", place=BERGEN, issues="ROUNDED"),
]  # fmt: skip
Keep = Callable[[Record], bool]


def dated(record: Record) -> tuple[int, int]:
    return record.first or 0, record.last or record.first or 0


def within(first: int, last: int) -> Keep:
    return lambda one: first <= dated(one)[0] and dated(one)[1] <= last


def precise(record: Record) -> bool:
    return record.first is not None and (record.last is None or record.identifier == "i")


def day_of_year(day: int) -> int:
    return date(day // 10_000, day // 100 % 100, day % 100).timetuple().tm_yday


FILTERS: list[tuple[str, Keep]] = [
    ("", lambda one: True),
    ("scientificName=VULPES vulpes", lambda one: one.name == "Vulpes vulpes"),
    ("scientificName=Canidae", lambda one: one.family == "Canidae"),
    ("vernacularName=red fox&scientificName=lynx", lambda one: one.identifier in "abcdhij"),
    ("species=deer", lambda one: one.name == "Deer"),
    ("taxonKey={Vulpes vulpes}", lambda one: one.name == "Vulpes vulpes"),
    ("taxonKey={Lynx}", lambda one: one.name.startswith("Lynx")),
    ("taxonKey={Lynx lynx}&taxonKey={Deer}", lambda one: one.name in ("Lynx lynx", "Deer")),
    ("taxonKey={Vulpes}&scientificName=Vulpes lagopus", lambda one: one.name == "Vulpes lagopus"),
    ("familyKey={Felidae}&genusKey={Lynx}", lambda one: one.family == "Felidae"),
    ("speciesKey={Vulpes lagopus}&year=2024", lambda one: one.identifier == "e"),
    ("family=canidae&genus=Lynx", lambda one: False),
    ("acceptedTaxonKey=99999", lambda one: False),
    ("year=2024", within(20240101, 20241231)),
    ("year=2023,2024", within(20230101, 20241231)),
    ("year=*,2020", lambda one: one.first is not None and one.first < 20210101),
    ("year=2020&year=2024", lambda one: within(20200101, 20201231)(one) or within(20240101, 20241231)(one)),
    ("month=3", lambda one: one.first is not None and dated(one)[0] // 100 % 100 == 3),
    ("year=2024&month=3,5", lambda one: one.identifier in "abdej"),
    ("eventDate=2024-03-11", within(20240311, 20240311)),
    ("eventDate=2024-03", within(20240301, 20240331)),
    ("eventDate=2023-12-01,2024-02", within(20231201, 20240229)),
    ("day=11", lambda one: one.last is None and one.first is not None and one.first % 100 == 11),
    ("day=10,29", lambda one: one.last is None and one.first is not None and 10 <= one.first % 100 <= 29),
    ("startDayOfYear=60", lambda one: precise(one) and day_of_year(dated(one)[0]) == 60),
    ("startDayOfYear=300,*", lambda one: precise(one) and day_of_year(dated(one)[0]) >= 300),
    ("endDayOfYear=1,20", lambda one: precise(one) and day_of_year(dated(one)[1]) <= 20),
    ("occurrenceStatus=ABSENT", lambda one: one.count == 0),
    ("occurrenceStatus=present", lambda one: one.count != 0),
    ("occurrenceStatus=detected&year=2024", lambda one: one.count != 0 and within(20240101, 20241231)(one)),
    ("basisOfRecord=MachineObservation", lambda one: one.basis == "MACHINE_OBSERVATION"),
    ("recordedBy=%C3%85se Berg", lambda one: one.recorded_by == "Åse Berg"),
    ("sex=male", lambda one: one.sex == "Male"),
    ("sex=MALE&sex=female", lambda one: one.sex is not None),
    ("lifeStage=Adult", lambda one: one.life_stage is not None),
    ("issue=COORDINATE_ROUNDED", lambda one: "COORDINATE_ROUNDED" in (one.issues or "")),
    ("issue=rounded", lambda one: one.issues == "ROUNDED"),
    ("occurrenceId=a&occurrenceId=k", lambda one: one.identifier in "ak"),
    ("individualCount=2,4", lambda one: one.count is not None and 2 <= one.count <= 4),
    ("individualCount=1.5", lambda one: one.count == 1.5),
    ("individualCount=*", lambda one: one.count is not None),
    ("hasCoordinate=true", lambda one: one.latitude is not None),
    ("hasCoordinate=FALSE", lambda one: one.latitude is None),
    ("hasGeospatialIssue=true", lambda one: one.doubtful),
    ("hasGeospatialIssue=false", lambda one: not one.doubtful),
    ("decimalLatitude=55,60", lambda one: one.latitude is not None and 55 <= one.latitude <= 60),
    ("decimalLatitude=*,0&decimalLongitude=179.5", lambda one: one.identifier == "f"),
    ("coordinateUncertaintyInMeters=*,100", lambda one: one.uncertainty == 25),
    ("country=lt&country=NO", lambda one: True),
    ("country=NO&stateProvince=Vestland", lambda one: one.place == BERGEN),
    ("locality=Oslo", lambda one: one.place.locality == "Oslo"),
    ("geometry=POLYGON((5 59,13 59,9 61,5 61,5 59))", lambda one: one.longitude in (10.7, 5.3)),
    ("geometry=POLYGON((5 60,6 60,6 61,5 61,5 60))&geometry=POLYGON((23 54,24 54,23 55,23 54))",
     lambda one: one.identifier == "b"),
    ("geometry=MULTIPOLYGON(((5 60,6 60,6 61,5 61,5 60)),((23 54,25 54,24 56,23 54)))",
     lambda one: one.identifier in "bc"),
    ("geometry=POLYGON((179 -20,-179 -20,-178 20,178 20,179 -20))", lambda one: one.identifier in "fj"),
    ("geometry=POLYGON((179 -20,181 -20,182 20,178 20,179 -20))", lambda one: one.identifier in "fj"),
    ("geoDistance=20km,60.4,5.5", lambda one: one.identifier == "b"),
    ("geoDistance=3000km,0,180", lambda one: one.identifier in "fj"),
    ("bbox=175,-20,-175,20", lambda one: one.identifier == "j"),  # ours leaves doubtful ones out
    ("feed=station", lambda one: True),
    ("feed=other", lambda one: False),
    ("q=FOX", lambda one: one.name.startswith("Vulpes")),
    ("q=bergen", lambda one: one.place == BERGEN),
    ("q=%C4%84%C5%BEuol", lambda one: one.place == KAUNAS),
    ("q=berg", lambda one: one.place == BERGEN or one.identifier == "a"),
    ("q=100%25_", lambda one: one.identifier == "e"),
    ("q=1__%25", lambda one: False),
    ("checklistKey=d7dddbf4&spellCheck=true&hl=TRUE&matchCase=false&year=2024", within(20240101, 20241231)),
]  # fmt: skip


@pytest.fixture
def app(writer: Engine, database_url: str, home: Path) -> Iterator[Flask]:
    ingest(writer, RECORDS, feed="station")
    app = open_app(home, database_url=database_url, cache_url="off")
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, RECORDS, feed="station")
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()
    writer.dispose()


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    return site.test_client()


def told(client: FlaskClient, query: str = "", path: str = SEARCH) -> Any:
    answer = client.get(f"{path}?{query}".replace(" ", "%20"))
    assert answer.status_code == 200, (query, answer.text)
    return answer.json


def ids(envelope: dict[str, Any]) -> list[str]:
    return [one["occurrenceID"] for one in envelope["results"]]


def keyed(client: FlaskClient, query: str) -> str:
    """The query with the keys of the taxa that stand in braces."""
    for name in {part.partition("}")[0] for part in query.split("{")[1:]}:
        key = told(client, f"name={name}", "/api/v1/species/match").get("usageKey")
        if key is None:
            (found,) = told(client, f"q={name}", "/api/v1/species/suggest")
            key = found["key"]
        query = query.replace(f"{{{name}}}", str(key))
    return query


def test_every_filter_leaves_what_it_says(app: Flask) -> None:
    client = app.test_client()
    for query, keep in FILTERS:
        asked = keyed(client, query)
        expected = [one.identifier for one in RECORDS if keep(one)]
        found = told(client, f"{asked}&limit=300")
        assert (ids(found), found["count"]) == (expected, len(expected)), query
        assert found["endOfRecords"] is True
        assert told(client, asked, "/api/v1/occurrence/count") == len(expected), query


def test_georeferenced_means_coordinates_that_are_not_doubtful(client: FlaskClient) -> None:
    path = "/api/v1/occurrence/count"
    assert told(client, "isGeoreferenced=true", path) == 9
    assert told(client, "isGeoreferenced=FALSE", path) == 1
    assert told(client, "isGeoreferenced=true&hasCoordinate=true", path) == 9
    for query in ("isGeoreferenced=true&hasCoordinate=false", "isGeoreferenced=false&hasCoordinate=true",
                  "isGeoreferenced=true&hasGeospatialIssue=true"):  # fmt: skip
        assert told(client, query, path) == 0


def test_a_record_is_told_as_gbif_tells_it(client: FlaskClient) -> None:
    first = told(client)["results"][0]
    taxon, genus, family = (
        told(client, f"name={name}", "/api/v1/species/match")["usageKey"]
        for name in ("Vulpes vulpes", "Vulpes", "Canidae")
    )
    assert first == {
        "key": 1, "occurrenceID": "a", "eventDate": "2024-03-11", "year": 2024, "month": 3, "day": 11,
        "startDayOfYear": 71, "endDayOfYear": 71, "scientificName": "Vulpes vulpes",
        "vernacularName": "Red fox", "taxonKey": taxon, "acceptedTaxonKey": taxon,
        "taxonRank": "SPECIES", "taxonomicStatus": "ACCEPTED",
        "family": "Canidae", "familyKey": family, "genus": "Vulpes", "genusKey": genus,
        "species": "Vulpes vulpes", "speciesKey": taxon,
        "occurrenceStatus": "PRESENT", "basisOfRecord": "HUMAN_OBSERVATION", "countryCode": "NO",
        "locality": "Oslo", "decimalLatitude": 59.9, "decimalLongitude": 10.7, "geodeticDatum": "WGS84",
        "hasCoordinate": True, "hasGeospatialIssues": False, "recordedBy": "Åse Berg", "sex": "Male",
        "issues": [], "feed": "station",
    }  # fmt: skip


def test_what_is_not_known_has_no_field_and_an_absence_is_told(client: FlaskClient) -> None:
    records = {one["occurrenceID"]: one for one in told(client, "limit=300")["results"]}
    assert "individualCount" not in records["a"]
    assert (records["e"]["individualCount"], records["e"]["occurrenceStatus"]) == (0, "ABSENT")
    assert not records["g"].keys() & {"eventDate", "year", "decimalLatitude", "geodeticDatum"}
    assert records["h"] | {"eventDate": "2023", "year": 2023} == records["h"]
    assert not records["h"].keys() & {"month", "day", "startDayOfYear", "basisOfRecord"}
    assert records["d"]["month"] == 5
    assert "day" not in records["d"]
    assert (records["i"]["startDayOfYear"], records["i"]["endDayOfYear"]) == (335, 10)
    assert "year" not in records["i"]
    assert records["f"]["issues"] == ["COORDINATE_ROUNDED", "RECORDED_DATE_UNLIKELY"]
    assert "scientificName" not in records["k"]
    assert (records["h"]["taxonRank"], records["h"]["family"]) == ("SPECIES", "Felidae")


def test_one_record_is_found_by_its_key(client: FlaskClient) -> None:
    for one in told(client, "limit=300")["results"]:
        assert told(client, path=f"/api/v1/occurrence/{one['key']}") == one
    for path in ("0", "999", "9007199254740991", "9" * 40, "x", "-1"):
        answer = client.get(f"/api/v1/occurrence/{path}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert client.get("/api/v1/occurrence/1?x=1").status_code == 400


def counted(values: list[Any]) -> list[dict[str, Any]]:
    numbers = Counter(str(value) for value in values if value not in (None, ""))
    return [
        {"name": name, "count": number}
        for name, number in sorted(numbers.items(), key=lambda one: (-one[1], one[0]))
    ]


def in_one(divisor: int, record: Record) -> bool:
    first, last = dated(record)
    return record.first is not None and first // divisor == last // divisor


FACETS: dict[str, Callable[[Record], list[Any]]] = {
    "year": lambda one: [dated(one)[0] // 10_000] if in_one(10_000, one) else [],
    "month": lambda one: [dated(one)[0] // 100 % 100] if in_one(100, one) else [],
    "day": lambda one: [dated(one)[0] % 100] if in_one(1, one) else [],
    "eventDate": lambda one: [
        f"{date(one.first // 10_000, one.first // 100 % 100, one.first % 100)}"
    ] if one.first and in_one(1, one) else [],
    "dayOfYear": lambda one: [day_of_year(one.first)] if one.first and in_one(1, one) else [],
    "basisOfRecord": lambda one: [one.basis],
    "country": lambda one: [one.place.country_code],
    "stateProvince": lambda one: [one.place.state_province],
    "locality": lambda one: [one.place.locality],
    "recordedBy": lambda one: [one.recorded_by],
    "sex": lambda one: [one.sex],
    "lifeStage": lambda one: [one.life_stage],
    "issue": lambda one: (one.issues or "").split(";"),
    "occurrenceStatus": lambda one: ["ABSENT" if one.count == 0 else "PRESENT"],
    "hasCoordinate": lambda one: [str(one.latitude is not None).lower()],
    "hasGeospatialIssue": lambda one: [str(one.doubtful).lower()],
    "feed": lambda one: ["station"],
    "scientificName": lambda one: [one.scientific],
    "family": lambda one: [one.family],
    "genus": lambda one: [one.genus or ("Lynx" if one.name == "Lynx" else "")],
    "species": lambda one: [one.name if " " in one.name else ""],
}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "keep"),
    [FILTERS[0], ("year=2024", within(20240101, 20241231)),
     ("occurrenceStatus=PRESENT", lambda one: one.count != 0),
     ("country=NO&hasCoordinate=true", lambda one: one.place != KAUNAS and one.latitude is not None),
     ("genus=vulpes&month=3", lambda one: one.identifier in "abe")],
)  # fmt: skip
def test_facets_count_what_the_filters_leave(client: FlaskClient, query: str, keep: Keep) -> None:
    kept = [one for one in RECORDS if keep(one)]
    for field, values in FACETS.items():
        answer = told(client, f"{query}&facet={field}&limit=0&facetLimit=100")
        (facet,) = answer["facets"]
        assert facet["field"].replace("_", "").lower() == field.lower()
        assert facet["counts"] == counted([value for one in kept for value in values(one)]), field
        assert (answer["results"], answer["count"]) == ([], len(kept))


def test_a_facet_of_keys_counts_what_a_search_by_key_finds(client: FlaskClient) -> None:
    fields = ("taxonKey", "familyKey", "genusKey", "speciesKey")
    for facet in told(client, "&".join(f"facet={field}" for field in fields) + "&limit=0")["facets"]:
        assert facet["counts"]
        for value in facet["counts"]:
            assert told(client, f"taxonKey={value['name']}&limit=0")["count"] == value["count"]


def test_facets_have_limits_of_their_own(client: FlaskClient) -> None:
    query = "facet=SCIENTIFIC_NAME&facet=basis_of_record&facet=month&limit=0&facetLimit=2&month.facetLimit=1"
    names, bases, months = (one["counts"] for one in told(client, query)["facets"])
    assert (len(names), len(bases), len(months)) == (2, 2, 1)
    every = told(client, "facet=month&limit=0")["facets"][0]["counts"]
    assert told(client, "facet=month&limit=0&facetOffset=1")["facets"][0]["counts"] == every[1:]
    assert told(client, "facet=month&limit=0&month.facetOffset=2")["facets"][0]["counts"] == every[2:]
    for spelled in ("facetMincount", "facetMinCount"):
        some = told(client, f"facet=month&limit=0&{spelled}=2")["facets"][0]["counts"]
        assert some == [one for one in every if one["count"] >= 2]
    assert told(client, "facet=month&limit=0&facetLimit=0")["facets"] == [{"field": "MONTH", "counts": []}]


def test_a_facet_with_multiselect_leaves_out_its_own_filter(client: FlaskClient) -> None:
    query = "facet=country&country=LT&scientificName=vulpes&limit=0&facetMultiselect="
    assert told(client, f"{query}true")["facets"][0]["counts"] == [
        {"name": "NO", "count": 6}, {"name": "LT", "count": 1}
    ]  # fmt: skip
    assert told(client, f"{query}false")["facets"][0]["counts"] == [{"name": "LT", "count": 1}]
    assert told(client, f"{query}true")["count"] == 1


def test_the_envelope_is_gbifs(client: FlaskClient) -> None:
    page = told(client, "limit=4&offset=8")
    assert list(page) == ["offset", "limit", "endOfRecords", "count", "results", "facets"]
    assert (page["offset"], page["limit"], page["count"], page["facets"]) == (8, 4, 11, [])
    assert (ids(page), page["endOfRecords"]) == (["i", "j", "k"], True)
    assert told(client, "limit=3&offset=8")["endOfRecords"] is True
    assert told(client, "limit=2&offset=8")["endOfRecords"] is False
    assert told(client, "offset=500")["results"] == []
    assert told(client, "")["limit"] == 20
    assert told(client, "limit=0")["endOfRecords"] is False
    assert told(client, "limit=0&year=1900")["endOfRecords"] is True


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=-1", "limit"), (f"limit={MOST_RECORDS + 1}", "limit"), ("limit=1e9", "limit"),
        ("limit=NaN", "limit"), ("limit=1.5", "limit"), ("limit=", "limit"), ("limit=[]", "limit"),
        ("limit=" + "9" * 400, "limit"), ("offset=-1", "offset"), ("offset=99701&limit=300", "offset"),
        ("offset=5&after=3", "offset"), ("after=x", "after"), ("facet=colour", "facet"), ("facet=", "facet"),
        ("facetLimit=-1", "facetLimit"), ("facetLimit=1000000", "facetLimit"),
        ("month.facetLimit=x", "month.facetLimit"), ("facetMincount=1&facetMinCount=2", "facetMincount"),
        ("facetMultiselect=perhaps", "facetMultiselect"), ("hasCoordinate=yes", "hasCoordinate"),
        ("occurrenceStatus=GONE", "occurrenceStatus"), ("day=0", "day"), ("day=32", "day"),
        ("day=1.5", "day"),
        ("startDayOfYear=0", "startDayOfYear"), ("endDayOfYear=367", "endDayOfYear"),
        ("decimalLatitude=91", "decimalLatitude"), ("decimalLatitude=50,40", "decimalLatitude"),
        ("decimalLongitude=nan", "decimalLongitude"), ("individualCount=-1", "individualCount"),
        ("coordinateUncertaintyInMeters=1,2,3", "coordinateUncertaintyInMeters"),
        ("geometry=POINT(1 2)", "geometry"), ("geometry=POLYGON((0 0,0 1,1 1,1 0,0 0))", "geometry"),
        ("geometry=POLYGON((" + ",".join(f"{n / 10} {n % 2}" for n in range(400)) + ",0 0))", "geometry"),
        ("geoDistance=5", "geoDistance"), ("issue=$%5Cfrac", "issue"), ("q=" + "x" * 5000, "q"),
        ("sex=%07", "sex"), ("taxonKey=x", "taxonKey"), ("genusKey=1.5", "genusKey"), ("asOf=99", "asOf"),
        ("species=%3Cscript%3E&limit=x", "limit"), ("q=a&q=b", "q"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_in_its_parameters_name(
    client: FlaskClient, query: str, parameter: str
) -> None:
    answer = client.get(f"{SEARCH}?{query}".replace(" ", "%20"))
    assert (answer.status_code, answer.mimetype) == (
        404 if parameter == "asOf" else 400,
        "application/problem+json",
    )
    assert answer.json["parameter"] == parameter
    assert parameter in answer.json["detail"] or parameter == "asOf"


@pytest.mark.parametrize(
    ("name", "near"),
    [("datasetKey", "feed"), ("elevation", ""), ("mediaType", ""), ("typeStatus", ""),
     ("continent", "country"),
     ("gadmGid", "stateProvince"), ("verbatimScientificName", "scientificName"), ("lastInterpreted", "asOf"),
     ("identifiedBy", "recordedBy"), ("organismQuantity", "individualCount"),
     ("sceintificName", "scientificName"),
     ("hascoordinate", "hasCoordinate"), ("facetlimit", "facetLimit"), ("recordedby", "recordedBy"),
     ("offSet", "offset"), ("shuffle", "")],
)  # fmt: skip
def test_what_is_not_held_or_not_known_is_refused_with_the_nearest_name(
    client: FlaskClient, name: str, near: str
) -> None:
    for path in (SEARCH, "/api/v1/occurrence/count"):
        answer = client.get(f"{path}?{name}=1")
        assert answer.status_code == 400
        assert answer.json["parameter"] == name
        if path == SEARCH or not name.startswith(("facet", "off")):
            assert (
                f"did you mean {near}?" in answer.json["detail"]
                if near
                else "there are" in answer.json["detail"]
            )


def test_an_answer_is_validated_by_what_it_looks_at(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, RECORDS, feed="station")
    app = open_app(home)
    client, urls = (
        app.test_client(),
        [f"{SEARCH}?scientificName={name}&facet=year" for name in ("lynx", "vulpes")],
    )
    before = [client.get(url) for url in urls]
    for answer, url in zip(before, urls, strict=True):
        again = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        head = client.head(url)
        assert (head.data, head.headers["ETag"]) == (b"", answer.headers["ETag"])
        assert head.headers["Content-Length"] == answer.headers["Content-Length"]
        packed = client.get(url, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["ETag"] != answer.headers["ETag"]
        assert packed.headers["Vary"] == again.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    ingest(writer, [Record(**LYNX, first=20240601, identifier="new")], feed="station")
    codes = [
        client.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code
        for url, answer in zip(urls, before, strict=True)
    ]
    assert codes == [200, 304]
    # A genus that records are of now has a key of its own, which foxes tell of too.
    ingest(writer, [Record("Vulpes", 19990101, identifier="genus", scientific="Vulpes")], feed="station")
    changed = client.get(
        f"{SEARCH}?scientificName=vulpes vulpes", headers={"If-None-Match": before[1].headers["ETag"]}
    )
    assert changed.status_code == 200
    assert changed.json["results"][0]["genusKey"] == keyed_now(client, "Vulpes")
    app.extensions["sightings"].reader.dispose()


def keyed_now(client: FlaskClient, name: str) -> int:
    return int(told(client, f"name={name}", "/api/v1/species/match")["usageKey"])


def test_values_are_bound_and_never_part_of_a_statement(site: Flask, client: FlaskClient) -> None:
    seen: list[str] = []
    reader = site.extensions["sightings"].reader

    @event.listens_for(reader, "before_cursor_execute")
    def trace(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    hostile = "quax' OR 1=1--"
    names = (
        "scientificName",
        "recordedBy",
        "sex",
        "lifeStage",
        "occurrenceId",
        "q",
        "genus",
        "locality",
        "feed",
    )
    for name in names:
        assert client.get(SEARCH, query_string={name: hostile, "facet": "country"}).json["count"] == 0
    client.get(
        SEARCH, query_string={"geometry": "POLYGON((7.77 7,8 7,8 8.88,7.77 7))", "geoDistance": "77km,7,7"}
    )
    event.remove(reader, "before_cursor_execute", trace)
    assert len(seen) > 20
    assert not [one for one in seen if "quax" in one.lower() or "7.77" in one or "77000" in one]


def follow(
    client: FlaskClient, url: str, between: Callable[[], object] = lambda: None
) -> list[dict[str, Any]]:
    """All records, by the links of the pages; something may happen between two of them."""
    found: list[dict[str, Any]] = []
    while True:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        found += answer.json["results"]
        if "Link" not in answer.headers:
            assert answer.json["endOfRecords"] is True
            return found
        assert answer.json["endOfRecords"] is False
        link = answer.headers["Link"]
        assert link.startswith("</api/v1/occurrence/search?")
        assert link.endswith('>; rel="next"')
        url = link[1 : link.index(">")]
        between()


def many(count: int, start: int = 0) -> list[Record]:
    dice = random.Random(count + start)
    return [
        Record(**dice.choice([FOX, ARCTIC, LYNX]), first=20240100 + dice.randint(1, 28),
               identifier=f"n{number}", count=number)
        for number in range(start, start + count)
    ]  # fmt: skip


def test_paging_by_links_gives_each_old_record_once_whatever_happens_meanwhile(
    writer: Engine, database_url: str, home: Path
) -> None:
    first = ingest(writer, many(60))
    ingest(writer, many(60, 60), feed="second")
    app = open_app(home, database_url=database_url, cache_url="off")
    client = app.test_client()
    before = told(client, "limit=300")["results"]
    filtered = told(client, "limit=300&scientificName=vulpes&individualCount=5,100")["results"]
    runs: list[int] = [first]

    def meanwhile() -> None:
        """Something is corrected, something arrives, something is taken back, and taken back again."""
        step = len(runs)
        if step % 3 == 0:
            undo(writer, runs[-1])
            runs.append(runs[-1] + 1)
        else:
            changed = [
                Record(**LYNX, first=20230505, identifier=f"n{step * 7 + n}", count=999) for n in range(5)
            ]
            runs.append(ingest(writer, [*changed, *many(4, 1000 + 10 * step)]))

    found = follow(client, f"{SEARCH}?limit=9", meanwhile)
    assert found == before
    assert len(runs) > 10
    last = f"&asOf={first + 1}"
    assert (
        follow(client, f"{SEARCH}?limit=7&scientificName=vulpes&individualCount=5,100{last}", meanwhile)
        == filtered
    )
    app.extensions["sightings"].reader.dispose()


def test_paging_by_offset_gives_each_old_record_once_while_others_arrive(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, many(50))
    app = open_app(home)
    client, found = app.test_client(), []
    old = [f"n{number}" for number in range(50)]
    for offset in range(0, 200, 8):
        found += ids(told(client, f"limit=8&offset={offset}"))
        ingest(writer, many(3, 500 + offset), feed="another")
    assert [one for one in found if one in old] == old
    app.extensions["sightings"].reader.dispose()


def test_a_record_that_an_undo_brings_back_is_in_its_place_under_its_key(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, many(10))
    app = open_app(home)
    client = app.test_client()
    before = told(client)
    changed = ingest(writer, [Record(**LYNX, first=20230505, identifier="n3", count=999)])
    between = told(client)
    assert ids(between)[-1] == "n3"
    old, new = before["results"][3]["key"], between["results"][-1]["key"]
    assert told(client, path=f"/api/v1/occurrence/{old}") == between["results"][-1]
    undo(writer, changed)
    assert told(client) == before
    for key in (old, new):
        assert told(client, path=f"/api/v1/occurrence/{key}") == before["results"][3]
    assert [one["key"] for one in told(client, "after=3&limit=2")["results"]] == [4, 5]
    undo(writer, 1)
    assert client.get(f"/api/v1/occurrence/{old}").status_code == 404
    assert told(client)["count"] == 0
    app.extensions["sightings"].reader.dispose()


def test_an_older_version_is_told_as_it_was_and_for_good(app: Flask, writer: Engine) -> None:
    client = app.test_client()
    queries = ["limit=300", "genus=vulpes&facet=taxonKey&facet=year&facet=country", "year=2023,2024", "q=fox",
               "occurrenceStatus=ABSENT", "facet=scientificName&facet=genusKey&limit=0",
               "hasCoordinate=true"]  # fmt: skip
    before = [told(client, query) for query in queries]
    counts = [told(client, query, "/api/v1/occurrence/count") for query in ("", "year=2024")]
    ingest(writer, [Record(**FOX | {"vernacular": "Fox"}, first=20240312, count=8, identifier="a"),
                    Record("Vulpes", 20240312, identifier="z", scientific="Vulpes", family="Canidae"),
                    Record("Deer", 20240312, identifier="y", scientific="Cervus elaphus")],
           feed="station")  # fmt: skip
    assert [told(client, query) for query in queries] != before
    for query, expected in zip(queries, before, strict=True):
        answer = client.get(f"{SEARCH}?{query}&asOf=1")
        assert answer.json == expected, query
        assert "immutable" in answer.headers["Cache-Control"]
    assert [
        told(client, f"{query}&asOf=1", "/api/v1/occurrence/count") for query in ("", "year=2024")
    ] == counts
    answer = client.get(f"{SEARCH}?v=9")
    assert (answer.status_code, answer.json["parameter"]) == (503, "v")


def test_the_same_validator_means_the_same_answer(home: Path) -> None:
    """Whatever is ingested, corrected and taken back: what kept its ETag kept its bytes."""
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, RECORDS, feed="station")
    app = open_app(home, cache_url="off")
    client, dice = app.test_client(), random.Random(11)
    queries = [f"{SEARCH}?{query}&facet=taxonKey&facet=genusKey&facet=year&limit=9" for query in (
        "", "scientificName=Vulpes vulpes", "genus=lynx", "year=2023", "taxonKey=1&facetMultiselect=true",
        "familyKey=500000001", "q=fox", "country=LT", "feed=other", "asOf=1&species=deer")]  # fmt: skip
    queries += [
        "/api/v1/species/search?q=l",
        "/api/v1/species/suggest?q=v",
        "/api/v1/species/match?name=Lynx",
    ]
    seen: dict[tuple[str, str], bytes] = {}
    runs: list[int] = []
    fennec = Record("Vulpes zerda", 20230304, scientific="Vulpes zerda", genus="Vulpes", family="Canidae")
    renamed = Record(**FOX | {"vernacular": "Fox"}, first=20230303)
    news = [*RECORDS, Record("Vulpes", 20240101, scientific="Vulpes"), fennec, renamed]
    kept = 0
    for _ in range(25):
        for query in queries:
            answer = client.get(query.replace(" ", "%20"))
            assert answer.status_code == 200, answer.text
            kept += (query, answer.headers["ETag"]) in seen
            assert seen.setdefault((query, answer.headers["ETag"]), answer.data) == answer.data, query
        if runs and dice.random() < 0.3:
            undo(writer, runs.pop())
            continue
        some = [
            replace(
                record, identifier=dice.choice("abcdexyz"), first=dice.choice([20230405, 20240607]), last=None
            )
            for record in dice.sample(news, 2)
        ]
        distinct = {record.identifier: record for record in some}
        run = ingest(writer, distinct.values(), feed=dice.choice(["station", "other"]))
        with writer.begin() as connection:
            runs += [run] if data_version(connection) == run else []
    assert kept > 40
    app.extensions["sightings"].reader.dispose()


def test_a_question_that_takes_too_long_is_stopped_with_advice(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, many(3000))
    app = open_app(home, query_time_limit="0.001")
    answer = app.test_client().get(f"{SEARCH}?facet=recordedBy&q=nothing&geoDistance=5km,1,1")
    assert (answer.status_code, answer.json["type"]) == (503, "urn:sightings:problem:too-long")
    assert "fewer species" in answer.json["detail"]
    app.extensions["sightings"].reader.dispose()
