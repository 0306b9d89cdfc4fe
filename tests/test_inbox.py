"""The inbox: what is ready in it, and where a file goes when it is done."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from ingest.schedule.child import Child
from ingest.schedule.inbox import Inbox, still
from ingest.schedule.reading import Reader
from tests.files import ROOT, environment, manage_json, table


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


def test_a_hidden_folder_is_not_looked_at(home: Path) -> None:
    inbox = Inbox(home / "inbox")
    old(table(inbox.folder / ".sync" / "a.csv", "date,species"))
    assert inbox.ready(0) == {}


# The scheduler's own look into the inbox, with the real command and a writer in a process of its own.

SETTLE = 1.0
WRITE = """
import sys, time
path, final, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(path, "w") as file:
    file.write("date,species\\n")
    for number in range(rows):
        row = f"2024-05-{number % 28 + 1:02},Lynx {number}\\n"
        for part in (row[:9], row[9:]):
            file.write(part)
            file.flush()
            time.sleep(0.15)
if final != path:
    import os
    os.replace(path, final)
"""


def plan(home: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, str(ROOT / "manage.py"), "ingest"]
    return Reader(Child(command, 60), Inbox(home / "inbox"), SETTLE)


@pytest.mark.parametrize("written_as", ["slow.csv", "slow.csv.part"])
def test_a_file_that_another_process_writes_slowly_is_read_once_and_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch, written_as: str
) -> None:
    (home / "inbox").mkdir()
    reader = plan(home, monkeypatch)
    where, final = home / "inbox" / written_as, home / "inbox" / "slow.csv"
    with subprocess.Popen([sys.executable, "-c", WRITE, where, final, "12"]) as writer:
        while writer.poll() is None:
            reader.read_inbox()
            assert not (home / "sightings.db").exists()
            time.sleep(0.05)
    assert writer.returncode == 0
    deadline = time.monotonic() + 20
    while final.exists() and time.monotonic() < deadline:
        reader.read_inbox()
        time.sleep(0.1)
    runs = manage_json(home, "runs")["runs"]
    assert [(run["input"], run["read"], run["inserted"], run["rejected"]) for run in runs] == [
        (str(final), 12, 12, 0)
    ]
    assert (home / "done" / "slow.csv").exists()


def test_a_zip_of_several_tables_goes_where_the_worst_of_them_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, second in (("good.zip", "date,species\n2024-05-02,Bear\n"), ("half.zip", "<html>")):
        (home / "inbox" / "park").mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(home / "inbox" / "park" / name, "w") as packed:
            packed.writestr("a.csv", "date,species\n2024-05-01,Lynx\n")
            packed.writestr("b.csv", second)
        old(home / "inbox" / "park" / name)
    plan(home, monkeypatch).read_inbox()
    assert [file.name for file in (home / "done" / "park").iterdir()] == ["good.zip"]
    assert sorted(file.name for file in (home / "failed" / "park").iterdir()) == [
        "half.zip",
        "half.zip.reason.txt",
    ]
    reason = (home / "failed" / "park" / "half.zip.reason.txt").read_text()
    assert reason.startswith(f"{home / 'inbox' / 'park' / 'half.zip'}/b.csv is a web page")
    inserted = [run["inserted"] for run in manage_json(home, "runs")["runs"]]
    assert sum(inserted) == 2


GROWS = """
import json, sys
with open(sys.argv[-1], "a") as file:
    file.write("2024-05-02,Bear\\n")
print(json.dumps({"runs": [{"input": "", "feed": "", "status": "committed", "message": ""}]}))
"""


def test_a_file_that_goes_on_growing_while_it_is_read_stays_in_the_inbox(home: Path) -> None:
    """The command stands for a long ingest: the writer, who had paused, goes on before it ends."""
    file = old(table(home / "inbox" / "a.csv", "date,species", "2024-05-01,Lynx"))
    Reader(Child([sys.executable, "-c", GROWS], 60), Inbox(home / "inbox"), SETTLE).read_inbox()
    assert file.exists()
    assert not (home / "done").exists()
