"""A message is one line, whatever is in it: as text nothing can be forged, as JSON all can be read."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
import requests

from db import logs
from tests.seed import READING, ingest, open_database
from tests.test_end_to_end import serving

HOSTILE = [
    "a\nERROR forged", "a\r\nERROR forged", "\x1b[2J\x1b[31mred", "a\x00b", "\x9b31m", "a\u2028b", "a\x85b",
    "\udcff", '"},{"level":"x', "\\n", "%s%n", "Großtrappe 鶴", "\x7f\x08",
]  # fmt: skip


def lines(form: str, hostile: str) -> list[str]:
    """What is written for a message, and for an error with a traceback, that say this."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter(form))
    log = logging.Logger("sightings.test")  # noqa: LOG001 - of this test alone
    log.addHandler(handler)
    log.warning("%s was asked for", hostile)
    try:
        raise ValueError(hostile)
    except ValueError:
        log.exception("it failed")
    return stream.getvalue().removesuffix("\n").split("\n")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_as_json_each_message_is_a_line_that_says_it(hostile: str) -> None:
    first, second = (json.loads(line) for line in lines("json", hostile))
    assert (first["level"], first["logger"]) == ("WARNING", "sightings.test")
    assert first["message"] == f"{hostile} was asked for"
    assert first["time"].endswith("+00:00")
    assert (second["message"], hostile in second["exception"]) == ("it failed", True)
    assert all(line.isascii() and line.isprintable() for line in lines("json", hostile))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_as_text_nothing_looks_like_another_message_or_speaks_to_the_terminal(hostile: str) -> None:
    first, second, *traceback = lines("text", hostile)
    assert "WARNING sightings.test" in first
    assert second.endswith("ERROR sightings.test it failed")
    assert len(traceback) >= 4
    assert all(line.startswith("    ") for line in traceback)
    assert all(line.isprintable() for line in (first, second, *traceback))


def test_what_a_client_writes_breaks_no_line_of_the_real_log(home: Path) -> None:
    database = home / "sightings.db"
    ingest(open_database(f"sqlite:///{database}"), READING)
    words = ("--workers", "1", "--no-scheduler", "--no-warm-up")
    with serving(home, *words, log_format="json", cache_url="off") as (server, address):
        database.write_bytes(b"this is no database" * 1_000)
        hostile = "species=a%0aERROR%20b%1b%5b31m"
        for path in (f"/api/v1/reports/timeline.json?{hostile}", f"/a%0aERROR%20b?{hostile}", "/api/v1/runs"):
            for agent in ("a\x1b[31m", "a\tERROR b"):
                headers = {"User-Agent": agent, "X-Forwarded-For": agent}
                answer = requests.get(address + path, headers=headers, timeout=30)
                assert answer.status_code in (400, 404, 503)
        server.terminate()
        _, told = server.communicate(timeout=30)
    found = [json.loads(line) for line in told.splitlines()]
    assert {one["logger"] for one in found} >= {"sightings.web"}
    assert not [line for line in told.splitlines() if not line.isprintable()]
