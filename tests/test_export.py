"""Whole records over the web and from the command line: what arrives is what is there, or an error."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.answering.flight import Slots
from api.asking.occurrence_filters import OccurrenceFilters
from api.export.making import ExportParameters, make, order
from db.engine import open_reader
from db.names import PlaceValue
from tests.files import here, manage, read_one, table
from tests.seed import Record, ingest, open_app, open_database
from tests.test_end_to_end import SECONDS, serving

DOCS = (Path(__file__).parent.parent / "docs" / "export.md").read_text(encoding="utf-8")
EXPORT = "/api/v1/export"
FORMS = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}
DARWIN_CORE = [
    "occurrenceID", "basisOfRecord", "occurrenceStatus", "individualCount", "sex", "lifeStage", "recordedBy",
    "eventDate", "eventTime", "year", "month", "day", "locationID", "countryCode", "stateProvince", "county",
    "locality", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "scientificName",
    "vernacularName", "kingdom", "phylum", "class", "order", "family", "genus", "taxonRank", "datasetName",
    "occurrenceRemarks",
]  # fmt: skip
NAMES = ["key", *DARWIN_CORE, "issue"]
TEXTS = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tTAB", "\rCR", "'=quoted already", "''-twice",
    "'plain", 'quo"te, comma', "two\nlines", "two\r\nlines", "熊 🐻", "\u202egnirts", 'ends with a quote"',
    " blanks ", "-",
]  # fmt: skip
RECORDS = [
    Record("Deer", 20240503, count=2, identifier="a", scientific="Cervus elaphus", vernacular="Deer"),
    Record("Deer", 20230101, 20231231, count=None, identifier="b", scientific="Cervus elaphus"),
    Record("Bear", 20240501, 20240531, count=2.5, identifier="c", latitude=-12.5, longitude=-0.25),
    Record("Bear", 20240504, count=0, identifier="d", time=36_000, place=PlaceValue("SI", "Kras", "", "Bog")),
    Record("Wolf", None, count=7, identifier="e", latitude=None, longitude=None, basis=None),
    Record("Wolf", 20220228, 20220302, count=None, identifier="f", time=0, absent=True),
]


@pytest.fixture
def app(home: Path) -> Iterator[Flask]:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), RECORDS, feed="park")
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def got(client: FlaskClient, form: str, query: str = "") -> list[dict[str, Any]]:
    """The records of an export, read by programs that others wrote; what is not known is None."""
    body = client.get(f"{EXPORT}.{form}?{query}").data
    if form == "csv":
        frame = pd.read_csv(io.BytesIO(body), keep_default_na=False, na_values=[""])
    elif form == "ndjson":
        frame = pd.DataFrame(map(json.loads, body.decode().splitlines())).reindex(columns=NAMES)
    elif form == "parquet":
        frame = pd.read_parquet(io.BytesIO(body))
    else:
        packed = zipfile.ZipFile(io.BytesIO(body)).read("occurrence.txt")
        frame = pd.read_csv(io.BytesIO(packed), sep="\t", keep_default_na=False, na_values=[""])
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    # A column of whole numbers with gaps is one of decimals in pandas; so is a column of years, of texts.
    return [{name: str(cell).removesuffix(".0") if cell is not None else None for name, cell in row.items()}
            for row in rows]  # fmt: skip


def by_id(rows: list[dict[str, Any]], *names: str) -> dict[str, tuple[Any, ...]]:
    return {row["occurrenceID"]: tuple(row[name] for name in names) for row in rows}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_records_that_were_put_in(client: FlaskClient, form: str) -> None:
    rows = got(client, form)
    assert by_id(rows, "eventDate", "eventTime", "year", "month", "day") == {
        "a": ("2024-05-03", None, "2024", "5", "3"),
        "b": ("2023", None, "2023", None, None),
        "c": ("2024-05", None, "2024", "5", None),
        "d": ("2024-05-04", "10:00:00", "2024", "5", "4"),
        "e": (None, None, None, None, None),
        "f": ("2022-02-28T00:00:00/2022-03-02", None, "2022", None, None),
    }
    assert by_id(rows, "individualCount", "occurrenceStatus", "scientificName", "vernacularName") == {
        "a": ("2", "PRESENT", "Cervus elaphus", "Deer"),
        "b": (None, "PRESENT", "Cervus elaphus", "Deer"),
        "c": ("2.5", "PRESENT", None, "Bear"),
        "d": ("0", "ABSENT", None, "Bear"),
        "e": ("7", "PRESENT", None, "Wolf"),
        "f": (None, "ABSENT", None, "Wolf"),
    }
    assert by_id(rows, "decimalLatitude", "decimalLongitude", "basisOfRecord", "stateProvince")["c"] == (
        "-12.5", "-0.25", "HUMAN_OBSERVATION", None,
    )  # fmt: skip
    assert {row["datasetName"] for row in rows} == {"park"}


def test_all_forms_hold_the_same_and_every_header_is_a_term_of_darwin_core(client: FlaskClient) -> None:
    first, *others = [got(client, form) for form in FORMS]
    assert all(rows == first for rows in others)
    assert list(first[0]) == NAMES


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_a_file_to_keep_that_no_browser_takes_for_something_else(
    client: FlaskClient, form: str
) -> None:
    answer, head = client.get(f"{EXPORT}.{form}"), client.head(f"{EXPORT}.{form}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, FORMS[form])
    assert answer.headers["Content-Disposition"] == f'attachment; filename="sightings-1.{form}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Data-Version"] == "1"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert dict(head.headers) == dict(answer.headers)
    assert head.data == b""
    assert client.get(f"{EXPORT}.{form}").data == answer.data
    again = client.get(f"{EXPORT}.{form}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    refused = client.post(f"{EXPORT}.{form}")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("species=deer", "ab"),
        ("vernacularName=BEAR&vernacularName=wolf", "cdef"),
        ("eventDate=2024-05", "acd"),
        ("year=2022,2023", "bf"),
        ("month=5", "acd"),
        ("country=SI", "d"),
        ("stateProvince=Kras", "d"),
        ("feed=park&year=2024&basisOfRecord=HumanObservation", "acd"),
        ("bbox=-1,-13,0,-12", "c"),
        ("occurrenceStatus=ABSENT", "df"),
        ("individualCount=2,5&hasCoordinate=true", "ac"),
        ("occurrenceId=a&occurrenceId=e", "ae"),
        ("year=1900", ""),
    ],
)
def test_the_filters_are_those_of_reports_and_of_single_records(
    client: FlaskClient, query: str, found: str
) -> None:
    for form in FORMS:
        assert sorted(by_id(got(client, form, query))) == sorted(found), form


def test_no_filter_of_single_records_is_missing() -> None:
    assert set(OccurrenceFilters.names()) == set(ExportParameters.names())


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("form=xls", 400, "form"),
        ("yaer=2024", 400, "year"),
        ("year=24", 400, "four digits"),
        ("width=300", 400, "width"),
        ("continent=EUROPE", 400, "not held here"),
        ("species=unicorn", 404, "unicorn"),
        ("feed=nowhere", 404, "nowhere"),
        ("asOf=9", 404, "newest is 1"),
        ("v=9", 503, "newest is 1"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_and_no_empty_file(
    client: FlaskClient, query: str, status: int, told: str
) -> None:
    answer = client.get(f"{EXPORT}.csv?{query}")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert told in answer.get_data(as_text=True)
    assert "Content-Disposition" not in answer.headers


def test_a_form_that_is_none_is_not_found(client: FlaskClient) -> None:
    answer = client.get(f"{EXPORT}.xls")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert "parquet" in answer.json["detail"]


def test_as_of_an_older_version_its_records_and_no_later_ones_are_there(home: Path, app: Flask) -> None:
    client = app.test_client()
    before = client.get(f"{EXPORT}.csv")
    corrected = [Record("Deer", 20240503, count=9, identifier="a"), Record("Elk", 20240601, identifier="n")]
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), corrected, feed="park")
    now, then = got(client, "csv"), got(client, "csv", "asOf=1")
    assert by_id(now, "individualCount")["a"] == ("9",)
    assert by_id(then, "individualCount")["a"] == ("2",)
    assert "n" in by_id(now)
    assert "n" not in by_id(then)
    assert "immutable" in client.head(f"{EXPORT}.csv?asOf=1").headers["Cache-Control"]
    assert "no-cache" in client.head(f"{EXPORT}.csv").headers["Cache-Control"]
    assert client.get(f"{EXPORT}.csv").headers["ETag"] != before.headers["ETag"]
    other = client.get(f"{EXPORT}.csv?species=wolf")
    assert other.headers["Content-Disposition"] == 'attachment; filename="sightings-1.csv"'


@pytest.fixture
def hostile(home: Path) -> Iterator[FlaskClient]:
    records = [
        Record("Deer", 20240501, identifier=f"{text}#{number}", place=PlaceValue("", "", "", text))
        for number, text in enumerate(TEXTS)
    ]
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), records, feed="=1+1")
    app = open_app(home)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def undone(cell: str) -> str:
    """With the very expression that the documentation gives."""
    expression = DOCS.partition('.str.replace(r"')[2].partition('"')[0]
    return re.sub(expression, "", cell)


def test_no_cell_of_the_csv_is_a_formula_and_each_can_be_had_as_it_was(hostile: FlaskClient) -> None:
    text = hostile.get(f"{EXPORT}.csv").get_data(as_text=True)
    assert text.count("\r\n") >= len(TEXTS) + 1
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    cells = [cell for row in rows for name, cell in row.items() if name != "decimalLatitude"]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [undone(row["locality"]) for row in rows] == TEXTS
    assert {undone(row["datasetName"]) for row in rows} == {"=1+1"}


def test_the_other_forms_carry_the_text_as_it_is(hostile: FlaskClient) -> None:
    lines = hostile.get(f"{EXPORT}.ndjson").data.decode().split("\n")
    assert [json.loads(line)["locality"] for line in lines if line] == TEXTS
    parquet = pd.read_parquet(io.BytesIO(hostile.get(f"{EXPORT}.parquet").data))
    assert parquet["locality"].to_list() == TEXTS
    packed = zipfile.ZipFile(io.BytesIO(hostile.get(f"{EXPORT}.zip").data)).read("occurrence.txt").decode()
    rows = csv.DictReader(io.StringIO(packed, newline=""), delimiter="\t", strict=True)
    assert [row["locality"] for row in rows] == TEXTS


def test_parquet_has_typed_columns_in_row_groups(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.export.columnar.ROWS_IN_A_GROUP", 4)
    monkeypatch.setattr("api.export.making.ROWS_IN_A_CHUNK", 2)
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), RECORDS, feed="park")
    app = open_app(home)
    file = pq.ParquetFile(io.BytesIO(app.test_client().get(f"{EXPORT}.parquet?year=*,2024").data))
    app.extensions["sightings"].reader.dispose()
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert (kinds["key"], kinds["year"], kinds["individualCount"]) == ("int64", "int64", "double")
    assert (kinds["decimalLatitude"], kinds["eventDate"]) == ("double", "string")
    assert [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)] == [4, 1]
    asked = json.loads(file.schema_arrow.metadata[b"sightings"])
    assert asked == {"version": 1, "filters": ["year=*,2024"]}
    frame = file.read().to_pandas()
    assert frame["individualCount"].sum() == 4.5
    assert str(frame["decimalLatitude"].dtype) == "float64"


def many(home: Path, number: int) -> Engine:
    """A database of so many records."""
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    names = (hashlib.sha256(str(place).encode()).hexdigest() for place in range(number))
    records = [Record("Deer", 20200101 + place % 28, identifier=name) for place, name in enumerate(names)]
    ingest(writer, records)
    return writer


@pytest.mark.parametrize("form", FORMS)
def test_what_is_larger_than_may_be_sent_is_refused_with_advice_and_nothing_is_cut_off(
    home: Path, form: str
) -> None:
    many(home, 3_000)
    free = open_app(home)
    whole = free.test_client().get(f"{EXPORT}.{form}")
    assert whole.status_code == 200
    exact = open_app(home, export_bytes=str(len(whole.data)))
    assert exact.test_client().get(f"{EXPORT}.{form}").data == whole.data
    for size in (len(whole.data) - 1, len(whole.data) // 2, 1024):
        narrow = open_app(home, export_bytes=str(size))
        answer = narrow.test_client().get(f"{EXPORT}.{form}")
        assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")
        assert "3,000 records" in answer.json["detail"]
        assert "manage.py export" in answer.json["detail"]
        narrow.extensions["sightings"].reader.dispose()
    for app in (free, exact):
        app.extensions["sightings"].reader.dispose()


def test_slots_come_free_when_an_export_was_sent_refused_or_given_up(home: Path) -> None:
    many(home, 300)
    app = open_app(home, export_bytes="20000")
    client = app.test_client()
    for _ in range(3):
        assert client.get(f"{EXPORT}.csv").status_code == 413
        assert client.get(f"{EXPORT}.csv?eventDate=2020-01-03").status_code == 200
        given_up = client.get(f"{EXPORT}.csv?eventDate=2020-01-03", buffered=False)
        given_up.close()
    app.extensions["sightings"].reader.dispose()


def test_an_export_that_is_broken_off_is_shorter_than_it_said(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get(f"{EXPORT}.csv")
    monkeypatch.setattr("api.export.routes._LONGEST_SECONDS", -1)
    broken = client.get(f"{EXPORT}.csv")
    assert broken.headers["Content-Length"] == whole.headers["Content-Length"]
    assert len(broken.data) < int(broken.headers["Content-Length"])


def test_an_export_that_takes_too_long_is_given_up_before_anything_is_sent(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.export.routes._LONGEST_MAKING", 0.0)
    answer = client.get(f"{EXPORT}.csv")
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")
    assert "manage.py export" in answer.json["detail"]


def test_who_comes_when_all_slots_are_taken_is_told_when_to_come_again(app: Flask) -> None:
    app.extensions["sightings"] = replace(app.extensions["sightings"], exports=Slots(1, 0.01))
    client = app.test_client()
    slow = client.get(f"{EXPORT}.csv")
    answer = client.get(f"{EXPORT}.ndjson")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "exports" in answer.json["detail"]
    assert client.get("/api/v1/reports/species.svg").status_code == 200
    slow.close()
    assert client.get(f"{EXPORT}.ndjson", buffered=True).status_code == 200


def test_every_field_and_every_form_is_documented() -> None:
    assert not [name for name in NAMES if f"`{name}`" not in DOCS]
    assert not [form for form in FORMS if f"/api/v1/export.{form} " not in DOCS]


@pytest.mark.parametrize("form", ["csv", "ndjson", "zip"])
def test_memory_does_not_grow_with_the_records(
    home: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.export.making.ROWS_IN_A_CHUNK", 100)
    many(home, 2_800)
    reader = open_reader(f"sqlite:///{home / 'sightings.db'}")

    def peak(*filters: tuple[str, str]) -> tuple[int, int]:
        with (home / f"out.{form}").open("w+b") as file:
            tracemalloc.start()
            made = make(reader, order(form, filters, "Park"), file)
            memory = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return made.records, memory

    peak(("eventDate", "2020-01-01"))
    few, little = peak(("eventDate", "2020-01-01,2020-01-03"))
    everything, much = peak()
    reader.dispose()
    assert (few, everything) == (300, 2_800)
    assert much < little + 1_000_000  # 2,500 records more, each of which takes 3,000


def test_a_command_writes_the_same_file_without_any_limit(home: Path) -> None:
    many(home, 2_500)
    app = open_app(home, export_bytes="1024")
    assert app.test_client().get(f"{EXPORT}.csv").status_code == 413
    app.extensions["sightings"].reader.dispose()
    wide = open_app(home)
    for form in FORMS:
        file = home / "out" / f"deer.{form}"
        done = here(home, "export", "-o", file, export_bytes="1024")
        assert done.returncode == 0, done.stderr
        assert done.stderr.endswith(f"deer.{form} (2,500 records, {file.stat().st_size:,} bytes)\n")
        assert file.read_bytes() == wide.test_client().get(f"{EXPORT}.{form}").data
    wide.extensions["sightings"].reader.dispose()
    assert sorted(path.suffix for path in (home / "out").iterdir()) == [".csv", ".ndjson", ".parquet", ".zip"]


def test_a_command_takes_filters_and_a_format_by_name(home: Path) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), RECORDS, feed="park")
    words = ("year=2024", "--species", "bear", "--format", "ndjson")
    assert here(home, "export", "-o", home / "bears.txt", *words).returncode == 0
    lines = (home / "bears.txt").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["occurrenceID"] for line in lines] == ["c", "d"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "a.xls"), "csv, ndjson, parquet, zip"),
        (("-o", "a.csv", "yaer=2024"), "did you mean year?"),
        (("-o", "a.csv", "feed=nowhere"), "nowhere"),
        (("-o", "a.csv", "asOf=9"), "newest is 1"),
        (("-o", "a.csv", "2024"), "NAME=VALUE"),
    ],
)
def test_a_command_that_cannot_write_says_why_and_leaves_nothing(
    home: Path, words: tuple[str, ...], told: str
) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), RECORDS, feed="park")
    (home / "a.csv").write_text("what was there", encoding="utf-8")
    done = here(home, "export", *words)
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert (home / "a.csv").read_text(encoding="utf-8") == "what was there"
    assert not [path for path in home.iterdir() if path.name.startswith(".a.")]


def test_records_that_are_made_up_say_so(home: Path) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), RECORDS[:1], feed="demo", made_up=True)
    app = open_app(home)
    (row,) = got(app.test_client(), "csv")
    archive = zipfile.ZipFile(io.BytesIO(app.test_client().get(f"{EXPORT}.zip").data))
    app.extensions["sightings"].reader.dispose()
    assert row["occurrenceRemarks"] == "made up"
    assert "The records of demo are made up." in archive.read("eml.xml").decode()


def test_nothing_recorded_is_a_header_without_rows(home: Path) -> None:
    open_database(f"sqlite:///{home / 'sightings.db'}").dispose()
    app = open_app(home)
    client = app.test_client()
    assert len(client.get(f"{EXPORT}.csv").data.decode().splitlines()) == 1
    assert client.get(f"{EXPORT}.ndjson").data == b""
    assert pd.read_parquet(io.BytesIO(client.get(f"{EXPORT}.parquet").data)).empty
    assert got(client, "zip") == []
    app.extensions["sightings"].reader.dispose()


def test_both_databases_export_the_same(writer: Engine, database_url: str, tmp_path: Path) -> None:
    lines = [f"{number},2024-05-{1 + number % 28:02},Lynx lynx,{number % 5}" for number in range(200)]
    path = table(tmp_path / "lynx.csv", "occurrenceID,eventDate,scientificName,individualCount", *lines)
    read_one(writer, path, feed="lynx")
    reader = open_reader(database_url)
    with (tmp_path / "out.csv").open("w+b") as file:
        made = make(reader, order("csv", [("month", "5")], "Park"), file)
        assert made.records == 200
        frame = pd.read_csv(tmp_path / "out.csv")
    reader.dispose()
    assert frame["individualCount"].sum() == sum(number % 5 for number in range(200))
    assert list(frame["occurrenceID"]) == list(range(200))


def test_a_real_server_sends_all_of_it_and_says_how_much_that_is(home: Path) -> None:
    many(home, 5_000)
    assert manage(home, "export", "-o", home / "all.csv").returncode == 0
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (_, address):
        answer = requests.get(f"{address}{EXPORT}.csv", timeout=SECONDS)
    assert int(answer.headers["Content-Length"]) == (home / "all.csv").stat().st_size
    assert answer.content == (home / "all.csv").read_bytes()
