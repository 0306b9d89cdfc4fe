"""One making for each answer, and a data version that never goes back for who asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from api.answering.envelope import Answer, enclose
from api.answering.once import kept_or_made
from tests.seed import Record, ingest, open_app


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
