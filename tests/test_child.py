"""An ingest in a process of its own: whatever becomes of that, it is told, and no process is left."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

import ingest.schedule.child
from ingest.schedule.child import Child

RUNS = 'import json; print(json.dumps({"runs": [{"status": "committed"}]}))'
HANGS = "import time; print('{', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(NAME, 'w'); time.sleep(60)"


def child(program: str, deadline: float = 20) -> Child:
    return Child([sys.executable, "-c", program], deadline)


@pytest.mark.parametrize(
    ("program", "code", "last"),
    [
        ("raise ValueError('of its own')", 1, "ValueError: of its own"),
        ("raise SystemExit(3)", 3, ""),
        ("import sys; sys.exit('Error: no such database')", 1, "Error: no such database"),
        ("raise MemoryError", 1, "MemoryError"),
        ("import os; os.abort()", -6, ""),
        ("print('not json')", 0, ""),
        ("print('{}')", 0, ""),
        ("print('[]')", 0, ""),
        (f"{RUNS}; raise SystemExit(143)", 143, ""),
    ],
)
def test_one_that_ends_without_an_answer_is_told_with_its_last_line(
    program: str, code: int, last: str
) -> None:
    answer = child(program).ingest()
    assert answer is not None
    assert (answer.code, answer.late, answer.runs) == (code, False, None)
    assert answer.told.startswith(last)
    assert answer.was_brought_down is (code in (-6, 143))


def test_what_the_command_says_is_the_answer() -> None:
    answer = child(RUNS).ingest("--feed", "a")
    assert answer is not None
    assert answer.runs == [{"status": "committed"}]
    locked = child("import sys; sys.exit(75)").ingest()
    assert locked is not None
    assert locked.is_locked


def test_one_that_hangs_is_ended_at_its_deadline() -> None:
    started = time.monotonic()
    answer = child(HANGS, 0.5).ingest()
    assert answer is not None
    assert (answer.late, answer.runs, answer.was_brought_down) == (True, None, True)
    assert time.monotonic() - started < 5


def test_one_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.schedule.child, "_STOP_SECONDS", 0.3)
    ready = tmp_path / "ready"
    answer = child(f"NAME = {str(ready)!r}; {DEAF}", 1).ingest()
    assert ready.exists()
    assert answer is not None
    assert (answer.late, answer.code) == (True, -9)


def test_nothing_is_started_once_it_is_stopped_and_what_runs_is_ended() -> None:
    running, answers = child(HANGS), []
    thread = threading.Thread(target=lambda: answers.append(running.ingest()))
    thread.start()
    while running._process is None:
        time.sleep(0.01)
    process = running._process
    running.stop()
    thread.join(5)
    assert answers == [None]
    assert process.returncode is not None  # it was waited for: no zombie
    assert running.ingest() is None


def test_a_long_answer_does_not_get_stuck_in_the_pipe() -> None:
    says = "print(json.dumps({'runs': [{'a': 'y' * 1_000_000}]}))"
    program = f"import json, sys; sys.stderr.write('x' * 1_000_000); {says}"
    answer = child(program).ingest()
    assert answer is not None
    assert answer.runs is not None
    assert len(answer.runs[0]["a"]) == 1_000_000
