"""The page of the ledger: what came in, the newest first, whatever became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Response, render_template, request, url_for
from pydantic import BeforeValidator
from sqlalchemy import Connection

from api.asking.parameters import Language, Parameters, Version
from api.asking.query import pairs, read
from api.asking.values import read_text
from api.draw.look import Theme
from api.keeping.envelope import Answer, enclose
from api.page.answered import answered
from api.page.assets import assets, fingerprint
from api.page.board.compose import today
from api.page.fresh import fresh
from api.page.ledger.told import Line, line
from api.page.query import addressed
from api.site import site
from db.file import file_of
from db.filters import data_version
from db.questions import ledger

MOST = 50


class RunsParameters(Parameters):
    """Which of the runs are shown."""

    before: Version = None
    feed: Annotated[str, BeforeValidator(read_text)] = ""
    lang: Language | None = None
    theme: Theme = "auto"


@dataclass(frozen=True)
class Page:
    """Some runs, and where the others are."""

    lines: tuple[Line, ...]
    feed: str
    first: str
    """The address of the newest ones; empty on the page of those."""
    older: str


def runs_page() -> Response:
    """The ledger: 304 as long as there is no newer run, else from the cache, else made."""
    parameters = read(RunsParameters, pairs(request.query_string))
    with site().reader.begin() as connection:
        asked, version = key_of(connection, ("runs", parameters.model_dump_json()))
    return answered(asked, version, lambda: _make(parameters), lasts=False)


def key_of(connection: Connection, shown: tuple[str, ...]) -> tuple[str, int]:
    """Everything that a page of the ledger depends on, and the data version, which some runs do not move.

    Whatever is written into the ledger comes with a newer run: an undo is one too.
    """
    newest = ledger.runs(connection, 1)
    rests = (newest, file_of(connection), today().isoformat(), str(site().zone), site().title)
    return repr((*shown, request.script_root, fingerprint(), rests)), data_version(connection)


def _make(parameters: RunsParameters) -> tuple[Answer, int]:
    with site().reader.begin() as connection:
        asked, version = key_of(connection, ("runs", parameters.model_dump_json()))
        page = _page(connection, parameters)
        board = fresh(connection, today(), "runs" if page.lines else "nothing")
    html = render_template("runs.html", page=page, board=board, site=site(), assets=assets())
    return enclose(asked, "html", html.encode()), version


def _page(connection: Connection, parameters: RunsParameters) -> Page:
    feed, before = parameters.feed, parameters.before
    found = ledger.runs(connection, MOST + 1, feed=feed or None, before=before)
    lines = tuple(line(one) for one in found[:MOST])
    last = [("before", str(lines[-1].run))] if len(found) > MOST else []
    here, of_feed = url_for("page.runs"), [("feed", feed)] if feed else []
    return Page(
        lines=lines,
        feed=feed,
        first=addressed(here, of_feed) if before else "",
        older=addressed(here, [*of_feed, *last]) if last else "",
    )
