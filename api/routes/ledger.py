"""The routes of the ledger: runs, one run, its rejects, and of inputs their names alone; knows no report."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, request
from pydantic import Field
from werkzeug.exceptions import NotFound

from api.answering.documents import document, following, validated
from api.answering.order import FORMS
from api.answering.places import for_strangers
from api.answering.tables import csv_bytes
from api.asking.parameters import Parameters, Version, Whole
from api.asking.query import pairs, read
from api.site import site
from db.filters import data_version
from db.questions import ledger

MOST_REJECTS = 10_000
COLUMNS = ("line", "reason", "field", "detail", "raw")
routes = Blueprint("ledger", __name__)


class RunsParameters(Parameters):
    """Which of the runs are wanted."""

    limit: Annotated[int, Whole, Field(ge=1, le=1000)] = Field(
        50, description="How many runs at most.", examples=[10]
    )
    before: Version = Field(
        None, description="Only runs before this one, for the next page: it moves no line.", examples=[12]
    )


class RejectsParameters(Parameters):
    """Which of a run's rejects are wanted."""

    limit: Annotated[int, Whole, Field(ge=1, le=MOST_REJECTS)] = Field(
        MOST_REJECTS, description="How many rows at most.", examples=[100]
    )
    offset: Annotated[int, Whole, Field(ge=0, le=999_999_999)] = Field(
        0, description="How many rows to leave out at the beginning.", examples=[100]
    )


@routes.get("/api/v1/runs")
def runs() -> Response:
    """The newest runs, the newest first."""
    parameters = read(RunsParameters, pairs(request.query_string))
    limit = parameters.limit
    with site().reader.begin() as connection:
        found = ledger.runs(connection, limit + 1, before=parameters.before)
        shown = [for_strangers(run) for run in found[:limit]]
        response = document({"runs": shown}, data_version(connection))
    if len(found) > limit:
        response.headers["Link"] = following("ledger.runs", limit=limit, before=found[limit - 1]["run"])
    return response


@routes.get("/api/v1/runs/<int(max=2147483647):run>")
def one_run(run: int) -> Response:
    """All that the ledger says of one run."""
    read(Parameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        found = ledger.one_run(connection, run)
        if found is None:
            raise NotFound("There is no such run; /api/v1/runs has the list.")
        return document(for_strangers(found), data_version(connection))


@routes.get("/api/v1/runs/<int(max=2147483647):run>/rejects.<any(json, csv):form>")
def rejects(run: int, form: str) -> Response:
    """The rows that a run refused, as they came; at most MOST_REJECTS of them at a time."""
    parameters = read(RejectsParameters, pairs(request.query_string))
    limit, offset = parameters.limit, parameters.offset
    with site().reader.begin() as connection:
        found = ledger.runs(connection, run_id=run)
        if not found:
            raise NotFound("There is no such run; /api/v1/runs has the list.")
        one_more = ledger.rejects(connection, run, limit + 1, offset)
        version = data_version(connection)
    rows = one_more[:limit]
    if form == "csv":
        response = validated(csv_bytes(COLUMNS, rows), FORMS["csv"], version)
        response.headers["Content-Disposition"] = f'attachment; filename="run-{run}-rejects.csv"'
    else:
        meta = {"run": run, "rejected": found[0]["rejected"], "listed": len(rows)}
        response = document({"meta": meta, "data": rows}, version)
    if len(one_more) > limit:
        response.headers["Link"] = following(
            "ledger.rejects", run=run, form=form, limit=limit, offset=offset + limit
        )
    return response
