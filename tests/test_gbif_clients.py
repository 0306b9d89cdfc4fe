"""What GBIF's clients send, as pygbif 0.7 and rgbif 3.8 send it, to this address instead of theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from tests.seed import READING, Record, ingest, open_app, open_database

CHECKLIST = "7ddf754f-d193-4cc9-b351-99906754a03b"
FOX = {"name": "Vulpes vulpes", "scientific": "Vulpes vulpes", "vernacular": "Red fox", "genus": "Vulpes"}
LYNX = {"name": "Lynx lynx", "scientific": "Lynx lynx", "genus": "Lynx"}
RECORDS = [
    *(Record(**FOX, first=20240301 + n % 28, identifier=f"f{n}", latitude=59 + n / 1000) for n in range(350)),
    *(Record(**LYNX, first=20230301 + n, identifier=f"l{n}") for n in range(20)),
    *READING,
]  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that stands in a client's place for https://api.gbif.org/v1/."""
    home = tmp_path_factory.mktemp("home")
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, RECORDS)
    app = open_app(Path(home))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1/"
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["sightings"].reader.dispose()
    writer.dispose()


def get(base: str, path: str, **parameters: Any) -> Any:
    """As pygbif asks: lists as repeats, None not at all, and nothing but this very media type back."""
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    with requests.get(base + path, params=named, timeout=10) as answer:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.json()


def search(base: str, **parameters: Any) -> Any:
    return get(
        base, "occurrence/search", **{"limit": 300, "offset": 0, "checklistKey": CHECKLIST, **parameters}
    )


def test_pygbif_looks_a_name_up_and_asks_for_its_records(base: str) -> None:
    key = get(base, "species/suggest", q="Lynx lynx", limit=100)[0]["key"]
    assert search(base, taxonKey=key)["count"] == 20
    assert search(base, taxonKey=[key, 10**6], year="2023")["count"] == 20
    assert (
        search(base, scientificName="Lynx", hasCoordinate="true", hasGeospatialIssue="false")["count"] == 20
    )
    assert get(base, "occurrence/count", taxonKey=key) == 20
    assert get(base, "occurrence/count", isGeoreferenced="true", year=2024, checklistKey=CHECKLIST) == 350
    usage = get(base, f"species/{key}", limit=100)
    assert usage["canonicalName"] == "Lynx lynx"
    first = search(base, taxonKey=key, limit=1)["results"][0]
    assert get(base, f"occurrence/{first['key']}") == first


def test_pygbif_searches_names(base: str) -> None:
    found = get(base, "species/search", q="fox", rank="species", limit=100, hl="false", verbose="false")
    assert [one["scientificName"] for one in found["results"]] == ["Vulpes vulpes"]
    facets = get(base, "species/search", q="vulpes", facet="status", limit=0, hl="false", verbose="false")[
        "facets"
    ]
    assert facets == [{"field": "STATUS", "counts": [{"name": "ACCEPTED", "count": 2}]}]


def test_pygbif_counts_values(base: str) -> None:
    found = search(base, limit=0, facetMincount=1, facet=["country", "basisOfRecord", "hasCoordinate"],
                   country__facetLimit=3, basisOfRecord__facetLimit=6, facetMultiselect="false")  # fmt: skip
    assert [one["field"] for one in found["facets"]] == ["COUNTRY", "BASIS_OF_RECORD", "HAS_COORDINATE"]
    assert found["facets"][0]["counts"] == [{"name": "NO", "count": len(RECORDS)}]


def test_pygbif_asks_for_ranges_places_and_words(base: str) -> None:
    box = "POLYGON((10 59, 11 59,\n 11 59.1, 10 59.1, 10 59))"
    assert search(base, geometry=box)["count"] == 101
    assert search(base, decimalLatitude="59.1,59.2", year="1999,2024")["count"] == 101
    assert search(base, eventDate="2023-01-01,2023-12-31", month="3", country=["NO", "SE"])["count"] == 20
    assert search(base, q="fox", spellCheck="false", limit=2)["count"] == 350


def test_pages_of_300_end_where_gbifs_end(base: str) -> None:
    found, offset = [], 0
    while True:
        page = search(base, offset=offset)
        found += [one["occurrenceID"] for one in page["results"]]
        if page["endOfRecords"]:
            break
        offset += 300
    assert len(found) == len(set(found)) == page["count"] == len(RECORDS)


def test_rgbif_matches_a_name_and_pages_through_its_records(base: str) -> None:
    """It asks for 500 records as 300 and 200, writes TRUE in capitals and PRESENT unless told otherwise."""
    asked = {"name": "Vulpes vulpes", "kingdom": "Animalia", "strict": "FALSE", "verbose": "FALSE"}
    key = get(base, "species/match", rank="SPECIES", **asked)["usageKey"]
    asked = {"taxonKey": key, "hasCoordinate": "TRUE", "occurrenceStatus": "PRESENT"}
    pages = [get(base, "occurrence/search", **asked, limit=limit, offset=offset) for limit, offset in
             ((300, 0), (200, 300))]  # fmt: skip
    assert [(len(one["results"]), one["endOfRecords"]) for one in pages] == [(300, False), (50, True)]
    needed = {"key", "scientificName", "decimalLatitude", "decimalLongitude", "issues", "basisOfRecord"}
    assert all(needed <= one.keys() for one in pages[0]["results"])
    species = get(base, "occurrence/search", facet="speciesKey", facetLimit=100_000, limit=0, **asked)
    assert species["facets"] == [{"field": "SPECIES_KEY", "counts": [{"name": str(key), "count": 350}]}]


@pytest.mark.parametrize(
    ("name", "value"),
    [("datasetKey", "50c9509d-22c7-4a22-a47d-8c48425ef4a7"), ("mediatype", "StillImage"),
     ("elevation", "5,30"), ("institutionCode", "TLMF"), ("typeStatus", "allotype"), ("continent", "europe")],
)  # fmt: skip
def test_what_is_asked_for_and_not_held_is_an_error_that_clients_raise(
    base: str, name: str, value: str
) -> None:
    with requests.get(f"{base}occurrence/search", params={name: value}, timeout=10) as answer:
        assert answer.status_code == 400
        assert answer.json()["parameter"] == name
