"""Feeds that should have been heard of: when a silence begins, what the page says of it, when that ends."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import Engine, insert

import config
from api.expected import Expected, Followed
from api.factory import create_app
from db.models import Run
from db.questions.ledger import last_heard
from tests.seed import READING, Record, ingest

HEARD = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
FEEDS = """
timezone = "Europe/Vienna"
[[feeds]]
name = "trail"
path = "https://example.org/den-of-the-lynx.csv"
every = "10m"
[[feeds]]
name = "pond"
path = "https://example.org/pond.csv"
cron = "15 6 * * *"
[[feeds]]
name = "attic"
path = "https://example.org/attic.csv"
every = "1m"
paused = true
[[feeds]]
name = "never-read"
path = "https://example.org/later.csv"
every = "1m"
"""


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("feed", "again", "silent"),
    [
        (Expected("a", True, every_seconds=600), minutes(10), minutes(20)),
        (Expected("a", True, every_seconds=5), timedelta(seconds=5), timedelta(seconds=65)),
        (Expected("a", True, every_seconds=86_400), minutes(24 * 60), minutes(25 * 60)),
        (Expected("a", True, cron="15 6 * * *"), minutes(23 * 60 + 15), minutes(24 * 60 + 15)),
        (Expected("a", False, every_seconds=600), minutes(24 * 60), minutes(24 * 60 + 10)),
        (Expected("a", False, every_seconds=172_800), minutes(48 * 60), minutes(49 * 60)),
        (Expected("a", False, every_seconds=600, silent_after_seconds=60), minutes(1), minutes(1)),
    ],
)
def test_a_feed_is_silent_when_its_reading_is_overdue_as_long_as_to_the_next_one(
    feed: Expected, again: timedelta, silent: timedelta
) -> None:
    assert (feed.again(HEARD) - HEARD, feed.silent(HEARD) - HEARD) == (again, silent)


def test_what_is_heard_of_a_feed_is_its_last_run_that_did_not_fail(writer: Engine) -> None:
    with time_machine.travel(HEARD, tick=False):
        ingest(writer, [Record("Lynx", 20240501)], feed="trail")
    failed = {
        "feed_id": 1, "input": "x", "format": "table", "status": "failed",
        "started_at": "2026-11-21T07:00:00Z", "finished_at": "2026-11-21T07:00:01Z",
    }  # fmt: skip
    with writer.begin() as connection:
        connection.execute(insert(Run), [failed])
        assert last_heard(connection, ["trail", "nothing"]) == {"trail": "2026-11-20T07:00:00Z"}
        connection.execute(Run.__table__.update().values(status="failed"))
        assert last_heard(connection, ["trail"]) == {"trail": "2026-11-20T07:00:00Z"}  # since it failed first


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> FlaskClient:
    """Two feeds that were heard of at the same moment, one that is paused, one that was never read."""
    (home / "sightings.toml").write_text(FEEDS)
    with time_machine.travel(HEARD, tick=False):
        for feed in ("trail", "pond", "attic"):
            ingest(sqlite_writer, READING, feed=feed)
    settings = config.load({"SIGHTINGS_HOME": str(home), "SIGHTINGS_MISSES_PER_MINUTE": "0"}, home)
    return create_app(settings).test_client()


def said(client: FlaskClient, url: str = "/") -> str:
    """What the page says of silence, in one line."""
    text = client.get(url).text
    return text.partition('class="silent" data-live="silent" role="status">')[2].partition("</div>")[0]


def test_the_page_says_which_feed_is_silent_since_when_and_what_it_should_have_been(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    with time_machine.travel(HEARD + minutes(19), tick=False):
        before = client.get("/")
        assert said(client) == ""
    with time_machine.travel(HEARD + minutes(20), tick=False):
        during = client.get("/", headers={"If-None-Match": before.headers["ETag"]})
        assert during.status_code == 200
        assert during.headers["X-Data-Version"] == before.headers["X-Data-Version"]
        told = said(client)
        assert "<strong>trail</strong> was expected by 20 Nov 2026, 08:10." in told
        assert 'silent since <time datetime="2026-11-20T07:00:00Z">20 Nov 2026, 08:00</time>' in told
        assert "pond" not in told
        assert "attic" not in told  # nobody waits for it
        assert "never-read" not in told
        assert "den-of-the-lynx" not in during.text
        assert "trail" in said(client, "/?feed=TRAIL")
        assert said(client, "/?feed=pond") == ""
        species = re.search(r"/species/\d+", during.text)
        assert species is not None
        assert said(client, species[0]) == said(client, "/place?locality=Oslo") == told
        assert said(client, "/runs") == ""  # where each run stands with its time
        again = client.get("/", headers={"If-None-Match": during.headers["ETag"]})
        assert again.status_code == 304
    with time_machine.travel(HEARD + minutes(25 * 60), tick=False):
        assert said(client).count("<p>") == 2
    with time_machine.travel(HEARD + minutes(25 * 60), tick=False):
        ingest(sqlite_writer, READING, feed="trail")  # the same again: nothing is new
        told = said(client)
        assert "trail" not in told
        assert "by 21 Nov 2026, 07:15." in told


def test_feeds_that_come_go_or_pause_are_followed_and_a_slip_of_the_pen_changes_nothing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "sightings.toml"

    def read() -> tuple[Expected, ...]:
        return tuple(Expected(**one.expected) for one in config.load({}, tmp_path).feeds if not one.paused)

    feeds = Followed(file, (), read)
    assert feeds() == ()
    file.write_text(FEEDS)
    assert [one.name for one in feeds()] == ["trail", "pond", "never-read"]
    file.write_text(FEEDS.replace('every = "10m"', 'every = "soon"'))
    assert [one.name for one in feeds()] == ["trail", "pond", "never-read"]
    file.write_text(FEEDS.replace('every = "10m"', 'every = "10m"\nsilent_after = "3d"\npaused = true'))
    assert [one.name for one in feeds()] == ["pond", "never-read"]
