"""What is settled before any route is asked: OPTIONS, limits, what a number is. Knows no route."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, RequestHeaderFieldsTooLarge, RequestURITooLarge
from werkzeug.routing import IntegerConverter

MOST_LINE_BYTES = 8_190
"""Of path and query together, as they were sent: what servers in front of this one allow too."""

MOST_HEADER_BYTES = 16_384
READING = ("GET", "HEAD")


class Plain(IntegerConverter):
    """A number in a path, in one spelling: no zeros in front, no digits of other scripts."""

    regex = "[1-9][0-9]*"


def init_app(app: Flask) -> None:
    """Put it in front of every route of this app, before there are any."""
    app.url_map.converters["int"] = Plain
    app.before_request(answer)


def answer() -> Response | None:
    """The answer where none is to be asked for. Raises what a request beyond the limits deserves."""
    environ = request.environ
    if len(environ["PATH_INFO"]) + len(environ.get("QUERY_STRING", "")) > MOST_LINE_BYTES:
        raise RequestURITooLarge(f"Path and query are longer than {MOST_LINE_BYTES} bytes.")
    if sum(len(value) for name, value in environ.items() if name.startswith("HTTP_")) > MOST_HEADER_BYTES:
        raise RequestHeaderFieldsTooLarge(f"The headers are longer than {MOST_HEADER_BYTES} bytes.")
    if request.method == "OPTIONS" and request.url_rule is not None:
        return _options(sorted(request.url_rule.methods or ()))
    return None


def _options(allowed: list[str]) -> Response:
    """What may be done here; to another site's page that asks before it asks: reading, and nothing else."""
    wanted = request.headers.get("Access-Control-Request-Method")
    if wanted is not None and wanted not in READING:
        raise MethodNotAllowed(allowed, "Nothing can be written here, from any site.")
    response = Response(status=204)
    del response.headers["Content-Type"]
    response.headers["Allow"] = ", ".join(allowed)
    if wanted is not None:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = ", ".join(READING)
        response.headers["Access-Control-Allow-Headers"] = "Cache-Control, If-Match, If-None-Match"
        response.headers["Access-Control-Max-Age"] = "86400"
    return response
