"""The API keeps to its own description whatever is asked: requests made up from it, good ones and bad ones.

``make contract`` asks 200 times for each operation and every corner of every parameter; here it is a few.
"""

from __future__ import annotations

import re
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
from tests.seed import READING, Record, ingest, open_app, open_database

THOROUGH = settings.get_current_profile_name() == "contract"
CORNERS = ("version", "runs", "rejects", "divide", "animal", "readyz", "openapi")
"""The operations whose parameters are each taken to their limits, by themselves and in pairs."""
CONFIG: dict[str, Any] = {
    "seed": 1,
    "headers": {"Accept-Encoding": "identity"},
    "continue-on-failure": True,
    "generation": {"max-examples": 200 if THOROUGH else 8, "database": "none"},
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
    """What no schema can say: ends in their order, days that exist, versions that are here."""
    for name, value in list((case.query or {}).items()):
        many = isinstance(value, list)
        mended = [_mended(name, one) for one in (value if many else [value])]
        case.query[name] = mended if many else mended[0]


def _mended(name: str, value: Any) -> Any:
    written = str(value)
    if name == "v" and written.isdecimal() and not written.startswith("0"):
        return 1
    if name == "bbox" and re.fullmatch(r"[0-9.-]+(,[0-9.-]+){3}", written):
        west, south, east, north = written.split(",")
        return written if _number(south) <= _number(north) else f"{west},{north},{east},{south}"
    if re.fullmatch(r"[0-9*.-]+(,[0-9*.-]+)?", written) and name in _RANGES:
        return _RANGES[name](re.sub(r"-(29|30|31)\b", "-28", written))
    return value


def _number(written: str) -> float:
    return float(written) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", written) else 0.0


def _ordered(written: str) -> str:
    """Two ends in their order; where they share what orders them, one."""
    first, _, last = written.partition(",")
    if not last or "*" in (first, last):
        return written
    return first if first[:4] == last[:4] else ",".join(sorted((first, last)))


def _months(written: str) -> str:
    first, _, last = written.partition(",")
    ends = all(end.isdecimal() and 1 <= int(end) <= 12 for end in (first, last))
    return ",".join(sorted((first, last), key=int)) if ends else written


_RANGES = {"eventDate": _ordered, "year": _ordered, "month": _months}


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
    """The application behind a server that does what a server must: it closes what it has sent."""

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        with closing(app(environ, start_response)) as pieces:
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
