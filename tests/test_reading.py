"""Reading what is due: a file that breaks its ingest stops no other, and only what changed is read again."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from ingest.due import Due
from ingest.schedule.child import Child
from ingest.schedule.inbox import Inbox
from ingest.schedule.reading import Reader
from tests.files import table

HEAD = "date,species"

FAKE = """
import json, os, pathlib, signal, sys, time
file = pathlib.Path(sys.argv[-1])
if file.name.startswith("kills"):
    os.kill(os.getpid(), signal.SIGKILL)
if file.name.startswith("hangs"):
    time.sleep(60)
if file.name.startswith("nothing"):
    sys.exit(1)
if file.name.startswith("waits"):
    sys.exit(75)
status = "failed" if file.name.startswith("bad") else "committed"
print(json.dumps({"runs": [{"input": str(file), "feed": "", "status": status, "message": "so"}]}))
"""
"""An ingest that does to a file what the file is called."""


def rounds(home: Path, folder: str) -> Reader:
    """A reader of an inbox of files that are called so, to be told when to look."""
    for name in ("a.csv", "hangs.csv", "kills.csv", "nothing.csv", "z.csv"):
        os.utime(table(home / folder / name, HEAD), (time.time() - 60,) * 2)
    return Reader(Child([sys.executable, "-c", FAKE], 2), Inbox(home / "inbox"), 1)


def test_a_file_that_breaks_its_ingest_stops_no_other_and_is_refused_the_second_time(home: Path) -> None:
    reader = rounds(home, "inbox")
    reader.read_inbox()
    inbox, done, failed = (home / name for name in ("inbox", "done", "failed"))
    assert sorted(file.name for file in done.iterdir()) == ["a.csv", "z.csv"]
    assert not failed.exists()
    reader.read_inbox()
    assert [file.name for file in inbox.iterdir()] == ["nothing.csv"]  # no fault of the file: it waits
    told = {name: (failed / f"{name}.csv.reason.txt").read_text() for name in ("hangs", "kills")}
    assert "took longer than 2 s" in told["hangs"]
    assert "ended with code -9 and no answer" in told["kills"]


def test_a_file_of_a_feed_that_breaks_its_ingest_twice_is_read_again_when_it_changes(home: Path) -> None:
    reader = rounds(home, "birds")
    for name in ("hangs.csv", "nothing.csv"):
        (home / "birds" / name).unlink()
    birds, killer = Due("birds", str(home / "birds")), home / "birds" / "kills.csv"
    reader.read_feed(birds)
    assert sorted(file.name for file in reader.seen["birds"]) == ["a.csv", "z.csv"]
    reader.read_feed(birds)
    given_up = reader.seen["birds"][killer]
    os.utime(killer, (time.time() - 30,) * 2)
    reader.read_feed(birds)
    reader.read_feed(birds)
    assert reader.seen["birds"][killer] != given_up


@pytest.mark.parametrize(
    ("names", "went", "again"),
    [
        ([], "badly", "badly"),
        (["a.csv"], "well", "well"),
        (["bad.csv"], "badly", "well"),  # it is not read again, and is nobody's fault any more
        (["bad.csv", "good.csv"], "well", "well"),
        (["nothing.csv"], "badly", "badly"),
        (["nothing.csv", "good.csv"], "later", "badly"),
        (["a.csv", "grows.csv"], "later", "later"),
        (["grows.csv"], "later", "later"),
        (["waits.csv"], "later", "later"),
    ],
)
def test_how_a_reading_went_tells_when_the_next_one_is(
    home: Path, names: list[str], went: str, again: str
) -> None:
    for name in names:
        file = table(home / "birds" / name, HEAD)
        age = -60 if name == "grows.csv" else 60  # it is always younger than it has to be
        os.utime(file, (time.time() - age,) * 2)
    reader = Reader(Child([sys.executable, "-I", "-S", "-c", FAKE], 20), Inbox(home / "inbox"), 1)
    birds = Due("birds", str(home / "birds"))
    assert [reader.read_feed(birds), reader.read_feed(birds)] == [went, again]


def test_what_is_refused_lies_beside_all_its_reasons(home: Path) -> None:
    os.utime(table(home / "inbox" / "bad.csv", HEAD), (time.time() - 60,) * 2)
    Reader(Child([sys.executable, "-I", "-S", "-c", FAKE], 20), Inbox(home / "inbox"), 1).read_inbox()
    assert (home / "failed" / "bad.csv.reason.txt").read_text() == "so\n"


def test_a_file_that_went_on_growing_while_it_was_read_stays_in_the_inbox(home: Path) -> None:
    file = table(home / "inbox" / "a.csv", HEAD)
    os.utime(file, (time.time() - 60,) * 2)
    grows = f"open({str(file)!r}, 'a').write('more')\n{FAKE}"
    Reader(Child([sys.executable, "-I", "-S", "-c", grows], 20), Inbox(home / "inbox"), 1).read_inbox()
    assert file.exists()
