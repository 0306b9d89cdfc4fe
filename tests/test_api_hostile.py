"""Names that were made to break something: they stay names, in every answer."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.seed import Record, ingest, open_app, open_database

NAMES = [
    "<script>alert(1)</script>", '"><svg onload=alert(1)>', "--> ]]> <!--", "&amp;&lt;", "$\\frac{$",
    "$" + 40 * "{" + "$",
    "cost $5 and $6", "' OR 1=1--", "../../etc/passwd", "javascript:alert(1)", "_hidden", "%s %d {0} {name}",
    "\u202egnirts\u202c", "e\u0301\u0301\u0301", "熊 🐻", "x" * 190, "\x1b[31mred", "a\x0bb", "\ufffe", "NaN",
    "null", "",
]  # fmt: skip
NAMES = [name for name in NAMES if name]
FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    '=HYPERLINK("http://evil")',
    'quo"te, comma\nand line',
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    records = [Record(name, 20240101 + number % 20) for number, name in enumerate([*NAMES, *FORMULAS])]
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), records, feed="<b>feed</b>")
    app = open_app(Path(home), title="<title> & $x$")
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def assert_harmless(svg: bytes) -> None:
    for one in ET.fromstring(svg).iter():
        assert one.tag.rpartition("}")[2] not in ("script", "foreignObject", "a", "iframe", "use", "image")
        for name, value in one.attrib.items():
            assert not name.lower().startswith("on")
            assert "href" not in name.lower() or value.startswith("#")
            assert "javascript:" not in value.lower() or name.startswith("data-")


@pytest.mark.parametrize("url", ["timeline.svg?limit=200&interval=day", "species.svg?limit=200",
                         "recent.svg", "summary.svg",
                                 "species.svg?height=1600&theme=auto"])  # fmt: skip
def test_charts_with_hostile_names_are_well_formed_and_harmless(client: FlaskClient, url: str) -> None:
    answer = client.get(f"/api/v1/reports/{url}")
    assert answer.status_code == 200
    assert_harmless(answer.data)


@pytest.mark.parametrize("name", [*NAMES, *FORMULAS])
def test_a_hostile_name_can_be_asked_for_or_is_refused(client: FlaskClient, name: str) -> None:
    for url, query in (("/animal.svg", {"type": name}), ("/api/v1/reports/timeline.svg", {"species": name})):
        answer = client.get(url, query_string=query)
        assert answer.status_code in (200, 400, 404)
        assert_harmless(answer.data)
    answer = client.get("/api/v1/reports/timeline.svg", query_string={"title": name})
    assert answer.status_code in (200, 400)
    assert_harmless(answer.data)
    assert client.get("/api/v1/reports/species.json", query_string={"locality": name}).status_code in (
        200,
        400,
    )


def test_a_spreadsheet_runs_no_cell(client: FlaskClient) -> None:
    url = "/api/v1/reports/species.{}?limit=200"
    answer = client.get(url.format("csv"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="species.csv"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    data = client.get(url.format("json")).json["data"]
    assert len(rows) == len(data) == len(NAMES) + len(FORMULAS)
    for row, record in zip(rows, data, strict=True):
        dangerous = record["name"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert row["name"] == ("'" if dangerous else "") + record["name"]
        assert row["value"] == str(record["value"])


def test_json_is_strict(client: FlaskClient) -> None:
    text = client.get("/api/v1/reports/species.json?limit=200").text
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    assert text.endswith("}\n")
