"""The description of the API: complete, and true of the answers that are really given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import TypeAdapter
from werkzeug.routing import Rule

from api.openapi.build import document
from api.openapi.operation import JSON, Operation
from api.openapi.operations import GROUPS, OPERATIONS
from api.reports import REPORTS
from tests.files import manage, table
from tests.seed import READING, Record, ingest, open_app, open_database

URL = "/api/v1/openapi.json"
DOCUMENT = document(OPERATIONS, GROUPS, "Sightings", "")
OUTSIDE = {"page", "docs", "measures"}
"""Blueprints of pages for people."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    file = table(
        home / "a.csv",
        "occurrenceID,date,species,count,locality",
        "1,2020-05-01,Deer,2,Lake",
        "2,2020-05-03,Wolf,,",
        "3,2020-02-30,Wolf,1,",
        "5,2020-13-01,Wolf,1,",
        "4,2020,Wolf,0,",
    )
    assert manage(home, "ingest", file).returncode == 0
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, [*READING, Record("Lynx", 20240503, time=3600, count=1.5, scientific="Lynx lynx")])
    (home / "charts").mkdir(exist_ok=True)
    (home / "charts" / "bears.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def resolved(one: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in one:
        return one
    found: Any = DOCUMENT
    for step in one["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def operation_of(path: str) -> dict[str, Any]:
    return DOCUMENT["paths"][path]["get"]


def filled(path: str) -> str:
    """A path with the examples of what stands in it."""
    for one in map(resolved, operation_of(path)["parameters"]):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
    return path


def test_it_is_what_the_site_answers(client: FlaskClient) -> None:
    answer = client.get(URL)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == DOCUMENT
    assert answer.json["openapi"] == "3.1.0"
    assert client.get(URL, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get(f"{URL}?x=1").status_code == 400
    assert client.get(URL, environ_overrides={"SCRIPT_NAME": "/bees"}).json["servers"] == [{"url": "/bees"}]


def test_every_route_is_described_and_everything_described_is_a_route(app: Flask) -> None:
    rules = {
        rule.rule for rule in app.url_map.iter_rules() if str(rule.endpoint).partition(".")[0] not in OUTSIDE
    }
    routes = app.url_map.bind("localhost")
    reached: list[Rule] = [routes.match(filled(path), return_rule=True)[0] for path in DOCUMENT["paths"]]
    assert {rule.rule for rule in reached} == rules


def test_every_report_has_a_path_of_its_own() -> None:
    assert {f"/api/v1/reports/{name}.{{form}}" for name in REPORTS} <= DOCUMENT["paths"].keys()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_every_parameter_is_described_with_an_example_and_its_limits(operation: Operation) -> None:
    described = [resolved(one) for one in operation_of(operation.path)["parameters"]]
    assert [one["name"] for one in described if one["in"] == "path"] == list(operation.places)
    assert {one["name"] for one in described if one["in"] == "query"} == set(operation.parameters.names())
    for one in described:
        assert one["description"].endswith((".", ")")), one["name"]
        schema = one["schema"]
        jsonschema_rs.Draft202012Validator(schema).validate(one["example"])
        if schema["type"] == "array":
            assert one["explode"] is True
            assert schema["maxItems"] in (10, 50)
            schema = schema["items"]
        for example in schema["examples"]:
            jsonschema_rs.Draft202012Validator(schema).validate(example)
        bounded = {
            "integer": {"minimum", "maximum"},
            "string": {"enum", "pattern", "const"},
            "number": schema,
        }
        assert schema.keys() & bounded[schema["type"]], one["name"]


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    text = json.dumps(DOCUMENT)
    for reference in {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}:
        assert resolved({"$ref": reference})
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS) == len(DOCUMENT["paths"])
    assert {one.group for one in OPERATIONS} == GROUPS.keys()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_the_example_of_every_operation_is_answered_as_described(
    client: FlaskClient, operation: Operation
) -> None:
    answer = client.get(operation_of(operation.path)["x-example"])
    answer.close()  # an export is a file until it is sent
    assert answer.status_code == 200
    assert answer.mimetype in operation.answers
    assert ("ETag" in answer.headers) is operation.validated
    assert ("text/csv" in operation.answers) or "Content-Disposition" not in answer.headers


def assert_shape(shape: Any, answer: Any) -> None:
    assert answer.status_code == 200
    TypeAdapter(shape).validate_json(answer.data, strict=True)


ASKED = {
    "readyz": ["", "?verbose", "?verbose=true"],
    "version": ["", "?species=deer", "?species=nothing"],
    "timeline": ["?interval=month", "?species=nothing"],
    "recent": ["?limit=200"],
    "summary": ["?species=nothing"],
}


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if JSON in one.answers], ids=lambda one: one.name
)
def test_real_answers_have_the_shape_that_is_described(client: FlaskClient, operation: Operation) -> None:
    example = operation_of(operation.path)["x-example"].replace(".svg", ".json")
    for query in ("", *ASKED.get(operation.name, [])):
        assert_shape(operation.answers[JSON], client.get(f"{example}{query}"))


def test_the_shapes_hold_over_every_run_and_what_it_refused(client: FlaskClient) -> None:
    shapes = {one.name: one.answers[JSON] for one in OPERATIONS if JSON in one.answers}
    for run in (1, 2):
        assert_shape(shapes["run"], client.get(f"/api/v1/runs/{run}"))
        assert_shape(shapes["rejects"], client.get(f"/api/v1/runs/{run}/rejects.json"))
    assert client.get("/api/v1/runs/1/rejects.json").json["data"]


def test_rejects_come_in_pages_that_hold_them_all(client: FlaskClient) -> None:
    whole = client.get("/api/v1/runs/1/rejects.json").json["data"]
    url, found = "/api/v1/runs/1/rejects.json?limit=1", []
    while url:
        answer = client.get(url)
        found += answer.json["data"]
        url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert found == whole
    assert len(whole) == 2
    rest = client.get("/api/v1/runs/1/rejects.csv?offset=1").text.splitlines()
    assert (len(rest), str(whole[1]["line"])) == (2, rest[1].partition(",")[0])


def test_a_problem_has_the_shape_that_is_described(client: FlaskClient) -> None:
    validator = jsonschema_rs.Draft202012Validator(DOCUMENT["components"]["schemas"]["Problem"])
    for url in ("/nope", "/api/v1/runs?limit=0", "/api/v1/reports/timeline.json?v=99", "/divide.json"):
        validator.validate(client.get(url).json)
    zero = client.get("/divide.json?numerator=1&denominator=0")
    operation = operation_of("/divide.json")["responses"]["500"]["content"][JSON]["schema"]
    jsonschema_rs.Draft202012Validator(resolved(operation)).validate(zero.json)
