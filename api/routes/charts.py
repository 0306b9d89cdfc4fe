"""The routes of the reports: the catalogue, and each report in four forms; knows no report by name."""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.answering.answers import order, serve
from api.answering.documents import document
from api.answering.order import FORMS
from api.asking.parameters import Parameters
from api.asking.query import pairs, read
from api.reports import REPORTS

routes = Blueprint("charts", __name__)


@routes.get("/api/v1/reports")
def catalogue() -> Response:
    """Every report: its name, its question, its parameters (and which it needs), its forms."""
    read(Parameters, pairs(request.query_string))
    listed = [
        {
            "name": report.name,
            "question": report.question,
            "parameters": report.parameters.names(),
            "required": report.parameters.required(),
            "forms": {form: f"/api/v1/reports/{report.name}.{form}" for form in FORMS},
        }
        for report in REPORTS.values()
    ]
    return document({"reports": listed})


@routes.get("/api/v1/reports/<name>.<form>")
def report(name: str, form: str) -> Response:
    """One question, four answers."""
    return serve(order(name, form, pairs(request.query_string)))
