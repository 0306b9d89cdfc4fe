"""The headers that every response carries, by what it is: a page, an image, data. Knows no route."""

from __future__ import annotations

from flask import Flask, Response, request

PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
IMAGE = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
DATA = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
EXPOSED = "ETag, Link, X-Data-Version, Retry-After, Content-Disposition"
"""What a script of another site may read beside the body."""


def init_app(app: Flask) -> None:
    """Put them on every response of this app."""
    app.after_request(protect)


def protect(response: Response) -> Response:
    """Charts and data may be embedded and read from anywhere; pages may be neither read nor framed."""
    page = response.mimetype == "text/html"
    if not page and request.method in ("GET", "HEAD"):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    policy = PAGE if page else IMAGE if (response.mimetype or "").startswith("image/") else DATA
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin" if page else "cross-origin")
    if page:
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    return response
