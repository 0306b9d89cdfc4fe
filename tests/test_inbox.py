"""The inbox: what is ready in it, and where a file goes when it is done."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ingest.inbox import Inbox, still
from tests.files import table


def old(file: Path, seconds: float = 60) -> Path:
    os.utime(file, (time.time() - seconds,) * 2)
    return file


def test_a_folder_of_the_inbox_is_a_feed(home: Path) -> None:
    inbox = Inbox(home / "inbox")
    park, deep, loose = (
        old(table(inbox.folder / name, "date,species", "2024,Lynx"), age)
        for name, age in (("park/a.csv", 60), ("park/2024/b.csv", 90), ("c.csv", 30))
    )
    assert inbox.ready(5) == {"park": [deep, park], "": [loose]}


def test_a_file_that_still_grows_waits(home: Path) -> None:
    inbox = Inbox(home / "inbox")
    file = table(inbox.folder / "a.csv", "date,species")
    assert inbox.ready(5) == {}
    assert inbox.ready(0) == {"": [file]}
    assert list(still([old(file)], 5)) == [file]
    assert still([home / "gone.csv"], 0) == {}


def test_a_file_from_a_camera_whose_clock_is_ahead_does_not_wait_for_that_day(home: Path) -> None:
    camera, share = table(home / "camera.csv", "x"), table(home / "share.csv", "x")
    assert list(still([old(camera, -86_400), old(share, -5)], 2)) == [camera]


def test_unfinished_and_hidden_files_are_not_looked_at(home: Path) -> None:
    inbox = Inbox(home / "inbox")
    for name in ("a.csv.part", "b.tmp", "c.crdownload", ".d.csv", "e.csv.filepart", "f.PART"):
        old(table(inbox.folder / name, "x"))
    assert inbox.ready(0) == {}


def test_an_empty_or_missing_inbox_has_nothing_ready(home: Path) -> None:
    assert Inbox(home / "inbox").ready(0) == {}


def test_a_file_that_is_done_is_moved_beside_the_inbox_and_replaces_none(home: Path) -> None:
    inbox = Inbox(home / "inbox")
    for text in ("one", "two", "three"):
        inbox.finish(table(inbox.folder / "park" / "a.csv", text))
    done = {file.name: file.read_text() for file in (home / "done" / "park").iterdir()}
    assert done == {"a.csv": "one\n", "a-2.csv": "two\n", "a-3.csv": "three\n"}
    assert inbox.ready(0) == {}


def test_a_file_that_could_not_be_read_has_its_reason_beside_it(home: Path) -> None:
    inbox = Inbox(home / "inbox")
    inbox.refuse(table(inbox.folder / "park" / "a.csv", "x"), "a.csv is empty.")
    failed = home / "failed" / "park"
    assert {file.name: file.read_text() for file in failed.iterdir()} == {
        "a.csv": "x\n",
        "a.csv.reason.txt": "a.csv is empty.\n",
    }
