"""Counts the questions that are answered here, for the warm-up; others may answer some in front of here."""

from __future__ import annotations

from flask import Flask, Response, request

from api.site import site


def init_app(app: Flask) -> None:
    """Look at every response of this app."""
    app.after_request(_count)


def _count(response: Response) -> Response:
    if request.endpoint == "charts.report" and response.status_code in (200, 304):
        query = request.query_string.decode("latin-1")
        site().asked_for.count(f"{request.path}?{query}" if query else request.path)
    return response
