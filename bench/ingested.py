"""The rows about loading a file: against sqlite3's bare .import, its memory, and the same file once more."""

from __future__ import annotations

from pathlib import Path

from bench.generated import COLUMNS
from bench.processes import MANAGE, PYTHON, Spent, home, run
from bench.row import Bench, NotMeasured, Plan, Row, tool

FIRST, AGAIN, MEMORY = (
    "ingest of new rows, against sqlite3 .import of the same file",
    "the same file again (all known), against its first time",
    "peak memory of that ingest, against .import's",
)


def measure(plan: Plan) -> list[Row]:
    """Load one generated file into an empty database, and once more; and bare, by sqlite3."""
    with home() as folder:
        file = folder / "generated.tsv"
        # In a process of its own: a child is born with its parent's peak of memory.
        run([PYTHON, "-m", "bench.generated", str(file), str(plan.rows)], folder)
        bare, why = _bare(folder, file)
        first = _ingest(folder, file)
        again = _ingest(folder, file)
        size = f"{plan.rows:,} rows, {file.stat().st_size / 1e6:.0f} MB"
        return [_first(first, bare, why, size), _again(first, again), _memory(first, bare, why)]


def _bare(folder: Path, file: Path) -> tuple[Spent | None, str]:
    """The baseline: into a table without types, keys or checks; None and why where there is no sqlite3."""
    try:
        program = tool("sqlite3")
        script = folder / "import.sql"
        table = f"CREATE TABLE bare({', '.join(COLUMNS)});"
        script.write_text(f"{table}\n.mode tabs\n.import --skip 1 {file} bare\n", encoding="utf-8")
        with script.open("rb") as commands:
            return run([program, "-bail", str(folder / "bare.sqlite")], folder, commands), ""
    except NotMeasured as why:
        return None, str(why)


def _ingest(folder: Path, file: Path) -> Spent:
    return run([*MANAGE, "ingest", str(file), "--json"], folder)


def _first(first: Spent, bare: Spent | None, why: str, size: str) -> Row:
    what, target = f"{FIRST} ({size})", "3"
    if bare is None:
        return Row(what, _seconds(first), target=target, missing=why)
    ratio = first.seconds / bare.seconds
    return Row(what, _seconds(first), _seconds(bare), ratio, target, ratio <= 3)


def _again(first: Spent, again: Spent) -> Row:
    ratio = again.seconds / first.seconds
    return Row(AGAIN, _seconds(again), _seconds(first), ratio, "1", ratio <= 1)


def _memory(first: Spent, bare: Spent | None, why: str) -> Row:
    ours, target, reached = f"{first.peak_megabytes:.0f} MB", "400 MB", first.peak_megabytes <= 400
    if bare is None:
        return Row(MEMORY, ours, target=target, missing=why)
    ratio = first.peak_megabytes / bare.peak_megabytes
    return Row(MEMORY, ours, f"{bare.peak_megabytes:.0f} MB", ratio, target, reached)


def _seconds(spent: Spent) -> str:
    return f"{spent.seconds:.1f} s"


BENCH = Bench("ingest", "loading a file, and loading it again", measure, (FIRST, AGAIN, MEMORY))
