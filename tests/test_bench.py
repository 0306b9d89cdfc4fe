"""The bench: what it measures with is the same every time, and it runs and leaves nothing behind."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import (
    cached,
    cold,
    crowd,
    fronted,
    ingested,
    load,
    page,
    postgresql,
    processes,
    reading,
    reports,
    starts,
    strained,
)
from bench.generated import COLUMNS, SPECIES, rows
from bench.row import Bench, NotMeasured, Plan, Row, tool

ROOT = Path(__file__).resolve().parent.parent


def test_the_generated_rows_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    once, again, other = ("".join(rows(2_000, seed)) for seed in (1, 1, 2))
    assert once == again != other


def test_the_generated_rows_look_like_records_of_many_species_with_a_few_that_are_wrong() -> None:
    header, *records = csv.reader("".join(rows(60_000)).splitlines(), delimiter="\t")
    table = [dict(zip(header, record, strict=True)) for record in records]
    assert tuple(header) == COLUMNS
    assert len({row["gbifID"] for row in table}) == len(table) == 60_000
    assert len({row["species"] for row in table}) == SPECIES
    assert len({row["eventDate"][:4] for row in table}) == 10
    assert 0.04 < sum(not row["individualCount"] for row in table) / len(table) < 0.06
    assert 0 < sum(row["eventDate"] == "2019-02-30" for row in table) < 40
    assert 0 < sum(row["eventDate"] == "2019-06" for row in table) < 200


def test_a_longer_file_begins_with_the_shorter_one() -> None:
    assert list(islice(rows(150_000), 2)) == list(islice(rows(60_000), 2))


def test_the_command_measures_one_row_and_leaves_nothing_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "bench", "--only", "help", "--quick"]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(starts.HELP)]
    ours, unit, bare, _, ratio = line.removeprefix(starts.HELP).split()[:5]
    assert unit == "s"
    assert float(ours) / float(bare) == pytest.approx(float(ratio), rel=0.5)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_said_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotMeasured, match=r"^no-such-program is not installed$"):
        tool("no-such-program")

    def measure(_plan: Plan) -> list[Row]:
        raise NotMeasured("wrk is not installed")

    told = command.measured(Bench("web", "the web", measure, ("one", "two")), Plan())
    assert [(row.what, row.missing) for row in told] == [
        (name, "wrk is not installed") for name in ("one", "two")
    ]
    assert not command.failed(told)
    assert command.failed([Row("one", missing="it ended with 1")])


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    words = [sys.executable, "-c", "import sys; sys.exit('no such luck')"]
    with processes.home() as folder, pytest.raises(NotMeasured, match="ended with 1: no such luck"):
        processes.run(words, folder)


def runs(pid: int) -> bool:
    """Whether a process still does anything; one that has ended may stay as a zombie until somebody asks."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells of processes in /proc")
def test_a_program_ends_with_its_block_and_so_do_its_children(tmp_path: Path) -> None:
    child = (
        "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", child]
    with processes.running(words, tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        assert runs(process.pid)
        assert runs(grandchild)
    deadline = time.monotonic() + 5
    while runs(grandchild) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not runs(process.pid)
    assert not runs(grandchild)


def test_each_round_is_compared_with_itself() -> None:
    assert load.against([10, 1, 30], [1, 1, 1]) == 10
    assert load.against([10, 100], [20, 50]) == pytest.approx(1.25)


def test_every_row_has_a_line_in_the_readme() -> None:
    text = " ".join((ROOT / "bench" / "README.md").read_text(encoding="utf-8").split())
    benches = (
        *(starts.HELP_BENCH, starts.SERVE_BENCH, cold.BENCH, cached.BENCH, crowd.BENCH, strained.BENCH),
        *(page.BENCH, fronted.BENCH),
        *(ingested.BENCH, ingested.LARGE_BENCH, reports.BENCH, postgresql.BENCH),
    )
    assert list(command.BENCHES.values()) == list(benches)
    for bench in benches:
        assert f"`{bench.name}`" in text
        for title in bench.titles:
            assert title in text


def test_the_readings_route_answers_a_chart() -> None:
    answer = reading.app.test_client().get("/animal.svg?type=Deer")
    assert (answer.status_code, answer.content_type) == (200, "image/svg+xml")
    assert b"<svg" in answer.data
