"""One making for each answer, and a data version that never goes back for who asks."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import api.reports
from api.answering.envelope import Answer, enclose
from api.answering.once import kept_or_made
from tests.seed import READING, Record, ingest, open_app


def test_who_saw_a_version_is_never_told_an_older_one(home: Path, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [Record("Lynx", 20240501)])
    answer = enclose("a key", "json", b"{}")
    with open_app(home).app_context():
        # Its maker began before the commit that the asker has seen already.
        assert kept_or_made("a key", 9, lambda: (answer, 7)) == (answer, 9)


def test_what_is_kept_is_not_made_again_and_what_fails_is_not_kept(home: Path, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [Record("Lynx", 20240501)])
    made: list[int] = []

    def make() -> tuple[Answer, int]:
        made.append(1)
        if len(made) == 1:
            raise RuntimeError("the first one fails")
        return enclose("another key", "json", b"{}"), 1

    with open_app(home).app_context():
        with pytest.raises(RuntimeError):
            kept_or_made("another key", 1, make)
        first = kept_or_made("another key", 1, make)
        assert kept_or_made("another key", 1, make) == first
    assert len(made) == 2


EVERY_MAKER = [
    *(f"/api/v1/reports/timeline.{form}?species=deer" for form in ("svg", "png", "json", "csv")),
    *(f"/api/v1/reports/{name}.svg" for name in ("map", "species", "calendar", "summary", "recent")),
    "/api/v1/occurrence/search",
    "/api/v1/species/search",
    "/animal.svg?type=Deer",
    "/",
]


@pytest.mark.parametrize("url", EVERY_MAKER)
def test_nothing_is_drawn_kept_or_waited_for_inside_a_transaction(
    home: Path, sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """As long as one is open, the log of the database cannot be cut."""
    ingest(sqlite_writer, READING)
    app = open_app(home)
    site, seen = app.extensions["sightings"], []

    def outside(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any, **named: Any) -> Any:
            seen.append((name, site.reader.pool.checkedout()))
            return real(*given, **named)

        return watched

    for name, report in api.reports.REPORTS.items():
        drawn = replace(report, draw=outside("draw", report.draw), shape=outside("shape", report.shape))
        monkeypatch.setitem(api.reports.REPORTS, name, drawn)
    monkeypatch.setattr(gzip, "compress", outside("compress", gzip.compress))
    monkeypatch.setattr("api.page.render_template", outside("page", vars(api.page)["render_template"]))
    monkeypatch.setattr(site.cache, "put", outside("keep", site.cache.put))
    monkeypatch.setattr(site.slots, "taken", outside("slot", site.slots.taken))
    turns = Turns(outside("turn", site.turns.taken))
    monkeypatch.setitem(app.extensions, "sightings", replace(site, turns=turns))
    assert app.test_client().get(url).status_code == 200
    assert {name for name, _ in seen} >= {"turn", "slot", "keep"}
    assert [name for name, connections in seen if connections and (name, url) != ("shape", "/")] == []
    site.reader.dispose()


class Turns:
    """Turns whose taking is watched."""

    def __init__(self, taken: Callable[[str], AbstractContextManager[None]]) -> None:
        self.taken = taken
