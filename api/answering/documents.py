"""Small JSON and CSV answers made anew each time; knows how they are validated, not what is in them."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request, url_for

from api.answering.negotiation import REVALIDATED, respond, unchanged
from api.answering.tables import json_bytes


def document(value: object, version: int | None = None, tag: str | None = None) -> Response:
    """A value as JSON, with an ETag (of its bytes, if none is given); 304 where the client has them."""
    return validated(json_bytes(value), "application/json", version, tag)


def validated(body: bytes, media_type: str, version: int | None = None, tag: str | None = None) -> Response:
    """Bytes with an ETag of their own; 304 where the client has them."""
    tag = tag or hashlib.sha256(body).hexdigest()[:32]
    sent = None if unchanged(request, tag) else body
    return respond(sent, media_type, tag, REVALIDATED, version=version)


def following(endpoint: str, **where: Any) -> str:
    """The ``Link`` to the next page (RFC 8288): a path, as what a request calls the host is not passed on."""
    return f'<{url_for(endpoint, **where)}>; rel="next"'
