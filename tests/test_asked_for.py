"""What is asked for is counted in little memory and outlives its process, floods and spellings or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from api.warming.asked_for import LONGEST_LINE, AskedFor, canonical
from api.warming.most_asked import most_asked
from tests.files import ROOT

REPORTS = "/api/v1/reports/"
WOLF, DEER = f"{REPORTS}timeline.svg?species=Wolf", f"{REPORTS}timeline.svg?species=Deer"
HOUR = 3_600.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "asked"


@pytest.mark.parametrize(
    ("line", "question"),
    [
        (f"{REPORTS}map.svg", f"{REPORTS}map.svg"),
        (f"{REPORTS}map.svg?v=7", f"{REPORTS}map.svg"),
        (f"{REPORTS}map.svg?width=400&species=a&", f"{REPORTS}map.svg?species=a&width=400"),
        (
            f"{REPORTS}map.svg?species=b&width=400&species=a",
            f"{REPORTS}map.svg?species=a&species=b&width=400",
        ),
        (f"{REPORTS}map.svg?species=Red%20fox", f"{REPORTS}map.svg?species=Red+fox"),
        (f"{REPORTS}map.svg?species=%4cynx", f"{REPORTS}map.svg?species=Lynx"),
        (f"{REPORTS}map.svg?species=%ff", None),
        (f"{REPORTS}map.svg?species=%", None),
        (f"{REPORTS}map.svg?species=\ud800", None),
        (f"{REPORTS}map.svg?" + "&".join("month=1" for _ in range(201)), None),
    ],
)
def test_a_question_has_one_spelling(line: str, question: str | None) -> None:
    assert canonical(line) == question


def test_the_counts_of_all_processes_are_added_and_the_most_asked_come_first(folder: Path) -> None:
    one, other = AskedFor(folder), AskedFor(folder)
    one.count(WOLF, 3)
    other.count(f"{WOLF}&v=3")
    other.count(f"{DEER}&v=1", 4)
    other.count(f"{DEER}&v=2")
    other.count(f"{REPORTS}map.svg")
    for each in (one, other):
        each.write()
    assert most_asked(folder) == [DEER, WOLF]
    one.count(WOLF, 2)
    one.write()
    assert most_asked(folder) == [WOLF, DEER]
    assert len(list(folder.iterdir())) == 2


def test_only_reports_of_a_bearable_length_are_counted(folder: Path) -> None:
    counts = AskedFor(folder)
    for line in ("/", "/api/v1/version", "/api/v1/reports", f"{WOLF}&title={'x' * LONGEST_LINE}"):
        counts.count(line, 5)
    counts.write()
    assert most_asked(folder) == []


def test_what_was_asked_longer_than_a_day_ago_is_forgotten(folder: Path) -> None:
    now = time.time()
    clock = [now - 30 * HOUR]
    counts = AskedFor(folder, clock=lambda: clock[0])
    counts.count(WOLF, 9)
    counts.write()
    clock[0] = now - 10 * HOUR
    counts.count(DEER, 2)
    counts.write()
    assert most_asked(folder, now) == [DEER]
    assert most_asked(folder, now + 20 * HOUR) == []
    clock[0] = now
    counts.count(DEER)
    counts.write()
    assert "Wolf" not in next(folder.iterdir()).read_text()


def test_files_of_processes_that_ended_long_ago_are_removed(folder: Path) -> None:
    counts = AskedFor(folder)
    counts.count(WOLF, 9)
    counts.write()
    (file,) = folder.iterdir()
    (folder / ".left.part").write_text("half of someth")
    for path in folder.iterdir():
        os.utime(path, (0, time.time() - 25 * HOUR))
    assert most_asked(folder) == []
    assert list(folder.iterdir()) == []
    counts.count(DEER, 2)
    counts.write()
    assert [path.name for path in folder.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"hours": 3}', '{"hours": {"x": {}}}', '{"hours": {"1": [1]}}', "\0" * 99],
)
def test_a_file_that_nobody_here_wrote_is_passed_over(folder: Path, content: str) -> None:
    counts = AskedFor(folder)
    counts.count(WOLF, 9)
    counts.write()
    (folder / "0.json").write_text(content)
    (folder / "1.json").mkdir()
    assert most_asked(folder) == [WOLF]


def test_a_flood_takes_no_more_than_so_much_memory_and_hides_nothing(folder: Path) -> None:
    counts = AskedFor(folder)
    for number in range(30_000):
        counts.count(f"{REPORTS}timeline.svg?species=Wolf&width={number}")
        if number % 1_000 == 0:
            counts.count(DEER)
    counts.write()
    assert most_asked(folder) == [DEER]
    (file,) = folder.iterdir()
    held = json.loads(file.read_text())["hours"]
    assert sum(len(lines) for lines in held.values()) <= 2_000


def test_counting_is_right_from_many_threads_and_cheap(folder: Path) -> None:
    counts = AskedFor(folder, every=0.01)

    def count() -> None:
        for _ in range(5_000):
            counts.count(WOLF)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _total(folder) != 20_000:
        time.sleep(0.02)
    assert _total(folder) == 20_000


def _total(folder: Path) -> int:
    return sum(
        amount
        for path in folder.glob("*.json")
        for lines in json.loads(path.read_text())["hours"].values()
        for amount in lines.values()
    )


def test_a_folder_that_cannot_be_written_is_told_once_and_fails_nobody(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("no folder")
    counts = AskedFor(folder)
    for _ in range(3):
        counts.count(WOLF)
        counts.write()
    assert len(caplog.records) == 1
    folder.unlink()
    counts.count(WOLF)
    counts.write()
    assert _total(folder) == 4


COUNTING = """
    import sys, signal, multiprocessing, time
    from pathlib import Path
    from api.warming.asked_for import AskedFor

    def work():
        counts = AskedFor(Path(sys.argv[1]))
        counts.count("/api/v1/reports/map.svg", 5)

    if sys.argv[2] == "here":
        work()
    else:
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
"""


@pytest.mark.parametrize("where", ["here", "forked"])
def test_a_process_that_ends_writes_what_it_has_counted(folder: Path, where: str) -> None:
    words = [sys.executable, "-c", textwrap.dedent(COUNTING), str(folder), where]
    assert subprocess.run(words, cwd=ROOT, timeout=60).returncode == 0
    assert most_asked(folder) == [f"{REPORTS}map.svg"]
