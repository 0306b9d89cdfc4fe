"""The route of the exports: the filtered records as a file to keep; knows no form."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from api.answering.negotiation import PINNED, REVALIDATED, respond, unchanged
from api.answering.once import charge
from api.asking.query import nearest, pairs
from api.export import FORMS
from api.export.making import ExportOrder, Ground, key, make, order, survey
from api.keeping.envelope import tag
from api.site import site

_BLOCK = 1 << 18
_LONGEST_MAKING = 60.0
"""Seconds: as long as an export reads, SQLite's log cannot be cut, and no proxy waits for ever."""
_LONGEST_SECONDS = 1_800
"""A client that takes longer has had his turn: others wait for the slot."""

routes = Blueprint("export", __name__)


@routes.get("/api/v1/export.<form>")
def export(form: str) -> Response:
    """The records that the filters leave, whole."""
    if form not in FORMS:
        raise NotFound(f"Records are not exported in this form{nearest(form, FORMS)}")
    wanted = order(form, pairs(request.query_string), site().title)
    with site().reader.begin() as connection:
        ground = survey(connection, wanted)
    if unchanged(request, tag(key(wanted, ground))):
        return _answer(wanted, ground, None)
    charge()
    with ExitStack() as held:
        held.enter_context(site().exports.taken("Too many exports are under way at the moment."))
        file = held.enter_context(tempfile.TemporaryFile(prefix="sightings-export-"))
        made = make(site().reader, wanted, file, site().export_bytes, _LONGEST_MAKING)
        response = _answer(wanted, made.ground, b"")
        response.content_length = made.size
        if request.method == "GET":
            sending = held.pop_all()
            response.response = _pieces(file, sending)
            response.call_on_close(sending.close)
        return response


def _answer(wanted: ExportOrder, ground: Ground, body: bytes | None) -> Response:
    validator, media_type = tag(key(wanted, ground)), FORMS[wanted.form].media_type
    kept = REVALIDATED if ground.scope.as_of is None else PINNED
    response = respond(body, media_type, validator, kept, version=ground.data_version)
    if body is not None:
        name = f"sightings-{ground.scope.version}.{wanted.form}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pieces(file: BinaryIO, sending: ExitStack) -> Iterator[bytes]:
    """The file from its start; where it stops short, the length that was said tells."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    with sending:
        file.seek(0)
        while (piece := file.read(_BLOCK)) and time.monotonic() < deadline:
            yield piece
