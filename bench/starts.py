"""The rows about starting: the help of the front door, and the server until its first answer."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bench.processes import MANAGE, PYTHON, free_port, home, run, serving
from bench.row import Bench, Plan, Row

HELP, SERVE = (
    "manage.py --help, against a Python that does nothing",
    "serve until the first 200, against granian with the reading's route",
)


def measure_help(plan: Plan) -> list[Row]:
    """Start both in turns."""
    ours, bare = [], []
    with home() as folder:
        for _ in range(plan.starts):
            ours.append(run([*MANAGE, "--help"], folder).seconds)
            bare.append(run([PYTHON, "-c", "pass"], folder).seconds)
    return [_row(HELP, ours, bare, 0.3)]


def measure_serve(plan: Plan) -> list[Row]:
    """Start both in turns, ours on a database that stands at today's schema."""
    ours, theirs = [], []
    with home() as folder:
        (folder / "reading").mkdir()
        run([*MANAGE, "db", "upgrade"], folder)
        for _ in range(max(2, plan.starts // 2)):
            ours.append(
                _until_first_200(folder, [*MANAGE, "serve", "--workers", "1", "--no-scheduler"], "/livez")
            )
            words = [PYTHON, "-m", "granian", "--interface", "wsgi", "bench.reading:app"]
            theirs.append(_until_first_200(folder / "reading", words, "/animal.svg?type=Deer"))
    return [_row(SERVE, ours, theirs, 3)]


def _until_first_200(folder: Path, words: list[str], path: str) -> float:
    port = free_port()
    words = [*words, "--host", "127.0.0.1", "--port", str(port)]
    with serving(words, folder, f"http://127.0.0.1:{port}{path}") as seconds:
        return seconds


def _row(what: str, ours: list[float], theirs: list[float], most: float) -> Row:
    our, their = median(ours), median(theirs)
    return Row(what, f"{our:.2f} s", f"{their:.2f} s", our / their, f"{most:g} s", our <= most)


HELP_BENCH = Bench("help", "the help of the front door", measure_help, (HELP,))
SERVE_BENCH = Bench("serve", "the server until its first answer", measure_serve, (SERVE,))
