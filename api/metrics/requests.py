"""Each request is counted once, by route and by where its answer came from. Knows no route by name."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from api.metrics import count

SLOW_SECONDS = 1.0
NO_ROUTE = "none"
"""What is asked of an address that is none: never the address itself, of which there is no end."""

_log = logging.getLogger("sightings.web")
_BY_STATUS = {304: "304", 429: "limited"}


def init_app(app: Flask) -> None:
    """Count what this app answers."""
    app.before_request(_begin)
    app.after_request(_end)


def came_from(where: str) -> None:
    """Say of the answer at hand that it is ``shared`` (kept, or made for another too) or a ``render``.

    What nobody says anything of is ``direct``: told anew each time, and kept by nobody.
    """
    g.came_from = where


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    began = g.get("began")
    if began is None:  # nobody asked: it is made to lie ready
        return response
    route = request.url_rule.rule if request.url_rule else NO_ROUTE
    count(route, _outcome(response.status_code))
    seconds = time.perf_counter() - began
    if seconds > SLOW_SECONDS:
        told = (seconds, request.method, request.full_path, response.status_code)
        _log.warning("slow: %.1f s for %s %s (%d)", *told)
    return response


def _outcome(status: int) -> str:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 400:
        return "failed" if status >= 500 else "refused"
    return str(g.get("came_from", "direct"))
