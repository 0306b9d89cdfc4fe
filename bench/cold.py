"""The row about drawing: the CPU time of one yearly line chart, ours against the reading's way."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from statistics import median

from bench.processes import PYTHON, home, running, said
from bench.row import Bench, NotMeasured, Plan, Row

COLD = "cold chart, CPU of one drawing, against the reading's"
_BATCH = 5


def measure(plan: Plan) -> list[Row]:
    """Let two processes draw in turns, a few charts each."""
    with ExitStack() as stack:
        drawers = {way: _drawer(stack, way) for way in ("ours", "theirs")}
        for draw in drawers.values():
            draw(_BATCH * 2)  # fonts, caches and imports
        spent: dict[str, list[float]] = {way: [] for way in drawers}
        for _ in range(max(1, plan.charts // _BATCH)):
            for way, draw in drawers.items():
                spent[way] += draw(_BATCH)
    ours, theirs = median(spent["ours"]), median(spent["theirs"])
    ratio = ours / theirs
    return [Row(COLD, f"{ours:.1f} ms", f"{theirs:.1f} ms", ratio, "0.20", ratio <= 0.20)]


def _drawer(stack: ExitStack, way: str) -> Callable[[int], list[float]]:
    folder = stack.enter_context(home())
    words = [PYTHON, "-m", "bench.drawing", way]
    process = stack.enter_context(running(words, folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    assert process.stdin is not None
    assert process.stdout is not None
    asked, answers = process.stdin, process.stdout

    def draw(charts: int) -> list[float]:
        with suppress(BrokenPipeError):
            asked.write(f"{charts}\n".encode())
            asked.flush()
        line = answers.readline()
        if not line:
            raise NotMeasured(f"drawing ended: {said(folder)}")
        return [float(word) for word in line.split()]

    return draw


BENCH = Bench("cold", "drawing one chart", measure, (COLD,))
