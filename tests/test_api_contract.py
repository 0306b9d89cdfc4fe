"""The API keeps to its own description whatever is asked: requests made up from it, good ones and bad ones.

``make contract`` asks 200 times for each operation and every corner of every parameter; here it is a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import settings
from schemathesis.engine import Status, events, from_schema

from api.openapi.build import document
from api.openapi.operation import Operation
from api.openapi.operations import GROUPS, OPERATIONS
from tests.mended import mend
from tests.seed import READING, Record, ingest, open_app, open_database

THOROUGH = settings.get_current_profile_name() == "contract"
CORNERS = ("version", "runs", "rejects", "divide", "animal", "readyz", "openapi")
"""The operations whose parameters are each taken to their limits, by themselves and in pairs."""
CONFIG: dict[str, Any] = {
    "seed": 1,
    "headers": {"Accept-Encoding": "identity"},
    "continue-on-failure": True,
    "generation": {"max-examples": 200 if THOROUGH else 5, "database": "none"},
    "phases": {"stateful": {"enabled": False}},
    "checks": {
        # 404: a version, a run, a name that is not here. 414: many long names, each of them allowed.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "413", "414"]},
        "negative_data_rejection": {"expected-statuses": ["400", "404", "405", "414"]},
    },
    "operations": [
        {
            "include-path": "/divide.json",
            "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "4xx", "500"]}},
        }
    ],
}


@schemathesis.hook
def before_call(_context: Any, case: Any, _arguments: Any) -> None:
    """Good queries are made good in what no schema can say."""
    if isinstance(case.query, dict):
        mend(case.operation.definition.raw["operationId"], case.query)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    records = [*READING, Record("Lynx", 20240503, time=3600, scientific="Lynx lynx"), Record("Owl", None)]
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), records)
    (home / "charts").mkdir()
    (home / "charts" / "bears.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


def sent(app: Flask) -> Callable[..., list[bytes]]:
    """The application behind what does as a server must: it says who asks, and closes what it sent."""

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        with closing(app({**environ, "REMOTE_ADDR": "127.0.0.1"}, start_response)) as pieces:
            return list(pieces)

    return serve


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_whatever_is_asked_is_answered_as_described(app: Flask, operation: Operation) -> None:
    corners = THOROUGH or operation.name in CORNERS
    phases = {**CONFIG["phases"], "coverage": {"enabled": corners}}
    schema = schemathesis.openapi.from_dict(
        document([operation], GROUPS, "Sightings", ""),
        config=schemathesis.Config.from_dict({**CONFIG, "phases": phases}),
    )
    schema.app = sent(app)
    asked = 0
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            asked += len(event.recorder.interactions)
            assert event.status in (Status.SUCCESS, Status.SKIP), _failures(event)
    assert asked


def _failures(event: events.ScenarioFinished) -> str:
    told = [
        f"{check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info
    ]
    return "\n\n".join(told)
