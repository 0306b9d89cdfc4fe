"""The routes of the ledger: runs, one run, its rejects; knows no report."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, request
from pydantic import Field
from werkzeug.exceptions import NotFound

from api.documents import document, validated
from api.order import FORMS
from api.parameters import Parameters, Whole
from api.query import pairs, read
from api.site import site
from api.tables import csv_bytes
from db.filters import data_version
from db.questions import ledger

MOST_REJECTS = 10_000
COLUMNS = ("line", "reason", "field", "detail", "raw")
routes = Blueprint("ledger", __name__)


class RunsParameters(Parameters):
    """How many of the newest runs are wanted."""

    limit: Annotated[int, Whole, Field(ge=1, le=1000)] = 50


@routes.get("/api/v1/runs")
def runs() -> Response:
    """The newest runs, the newest first."""
    parameters = read(RunsParameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        return document({"runs": ledger.runs(connection, parameters.limit)}, data_version(connection))


@routes.get("/api/v1/runs/<int(max=2147483647):run>")
def one_run(run: int) -> Response:
    """All that the ledger says of one run."""
    read(Parameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        found = ledger.one_run(connection, run)
        if found is None:
            raise NotFound("There is no such run; /api/v1/runs has the list.")
        return document(found, data_version(connection))


@routes.get("/api/v1/runs/<int(max=2147483647):run>/rejects.<any(json, csv):form>")
def rejects(run: int, form: str) -> Response:
    """The rows that a run refused, as they came; the first MOST_REJECTS of them."""
    read(Parameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        found = ledger.runs(connection, run_id=run)
        if not found:
            raise NotFound("There is no such run; /api/v1/runs has the list.")
        rows, version = ledger.rejects(connection, run, MOST_REJECTS), data_version(connection)
    if form == "csv":
        response = validated(csv_bytes(COLUMNS, rows), FORMS["csv"], version)
        response.headers["Content-Disposition"] = f'attachment; filename="run-{run}-rejects.csv"'
        return response
    return document(
        {"meta": {"run": run, "rejected": found[0]["rejected"], "listed": len(rows)}, "data": rows}, version
    )
