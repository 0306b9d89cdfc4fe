"""Who has its turn first on a core, as Linux has it: a server's loops, its threads that draw, an ingest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.files import ROOT
from tests.processes import children, serving

SHORT, LONG = 100_000, 20_000_000


def turns(process: int) -> dict[str, set[tuple[int, int]]]:
    """How nice the threads of a process are, by their names, and nanoseconds of a turn (0: not known)."""
    found: dict[str, set[tuple[int, int]]] = {}
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            told = task / "sched"
            turn = re.search(r"se\.slice +: +(\d+)", told.read_text() if told.exists() else "")
            name = (task / "comm").read_text().strip()
            nice = os.getpriority(os.PRIO_PROCESS, int(task.name))
            found.setdefault(name, set()).add((nice, int(turn[1]) if turn else 0))
    return found


def tells_turns() -> bool:
    """Whether this kernel knows turns of different lengths (from 6.12 on) and says how long they are."""
    release = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))
    return release >= (6, 12) and any(turn for _, turn in turns(os.getpid()).popitem()[1])


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows whose turn it is")


def test_who_answers_comes_before_who_draws(home: Path) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (serve, address):
        assert requests.get(f"{address}/api/v1/reports/timeline.svg", timeout=30).status_code == 200
        worker = children(children(serve.pid)[0])[0]
        found = {told for threads in turns(worker).values() for told in threads}
        nice = {nice for nice, _ in found}
        assert nice == {own, max(4, own)}
        if tells_turns():
            assert found == {(own, SHORT), (max(4, own), LONG)}


def test_who_steps_back_twice_has_stepped_back_once() -> None:
    code = (
        "import os; from db.precedence import step_back as back; back(); back(); print(os.getpriority(0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert int(done.stdout) == max(5, os.getpriority(os.PRIO_PROCESS, 0))


def test_nobody_is_less_nice_than_whoever_started_it_wanted() -> None:
    code = (
        "import os; from db.precedence import come_first, come_later, step_back;"
        "os.nice(15); come_first(); step_back(); come_later(); print(os.getpriority(0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert int(done.stdout) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 15)


def test_another_policy_than_the_usual_one_is_kept() -> None:
    code = (
        "import os; from db.precedence import come_first, come_later, step_back;"
        "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0));"
        "come_first(); step_back(); come_later(); print(os.sched_getscheduler(0) == os.SCHED_BATCH)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n"


@pytest.mark.parametrize("machine", ["x86_64", "sparc64"])
def test_where_the_kernel_cannot_be_asked_all_goes_on(machine: str) -> None:
    code = (
        f"import platform; platform.machine = lambda: {machine!r};"
        "from db import precedence; precedence._CALLS['x86_64'] = 10**6;"
        "precedence.come_first(); precedence.come_later(); print('on')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "on\n"
