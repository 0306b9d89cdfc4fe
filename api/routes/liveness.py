"""Whether this process lives and can serve: for load balancers and people on call. Knows no report."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, request
from pydantic import BeforeValidator, Field
from sqlalchemy.exc import SQLAlchemyError

from api.answering.tables import json_bytes
from api.asking.parameters import Parameters
from api.asking.query import pairs, read
from api.problems import problem
from api.site import site
from db import schema
from db.engine import wal_reset_bug
from db.filters import data_version
from db.questions import ledger

routes = Blueprint("liveness", __name__)


def _flag(written: str) -> bool:
    if written != "true":
        raise ValueError("must be given without a value, or as true")
    return True


class ReadyParameters(Parameters):
    """How much is told."""

    verbose: Annotated[bool, BeforeValidator(_flag, json_schema_input_type=Literal["true", ""])] = Field(
        False, description="Tell the version, the feeds and what to look after, too.", examples=["true"]
    )


@routes.get("/livez")
def livez() -> Response:
    """This process answers; nothing else is looked at."""
    read(Parameters, pairs(request.query_string))
    return _told({"status": "ok"})


@routes.get("/readyz")
def readyz() -> Response:
    """The database answers and stands at the schema of this code; ``?verbose`` tells more."""
    given = [(name, value or "true") for name, value in pairs(request.query_string)]
    verbose = read(ReadyParameters, given).verbose
    if verbose:
        site().clients.admit(request)
    try:
        revision = schema.revision(site().reader)
        if revision != site().schema:
            both = f"The database stands at schema {revision}, this code wants {site().schema}"
            return problem(503, f"{both}: run manage.py db upgrade.", "schema", retry_after=30)
        checks = _checks() if verbose else {}
    except SQLAlchemyError:
        return problem(503, "The database cannot be read at the moment.", "database", retry_after=5)
    return _told({"status": "ok", **checks})


def _checks() -> dict[str, Any]:
    with site().reader.begin() as connection:
        version, last = data_version(connection), ledger.last_runs(connection)
    shown = ("run", "status", "finishedAt", "inserted", "rejected", "message")
    warnings = []
    if site().reader.dialect.name == "sqlite" and wal_reset_bug():
        warnings.append(
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug. It needs a second writer; Sightings "
            "never opens one. Write to the database with no other program, and update SQLite to 3.51.3."
        )
    return {
        "dataVersion": version,
        "schema": site().schema,
        "cacheFailures": site().cache.failures,
        "feeds": {name: {key: run[key] for key in shown} for name, run in last.items()},
        "warnings": warnings,
    }


def _told(value: dict[str, Any]) -> Response:
    response = Response(json_bytes(value), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
