"""The rows about loading a file: against sqlite3's bare .import, its memory, and the same file once more."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.generated import COLUMNS
from bench.processes import MANAGE, PYTHON, Spent, home, run
from bench.row import Bench, NotMeasured, Plan, Row, tool

FIRST, INDEXED, AGAIN, CHANGED, MEMORY, LARGE_MEMORY, ADDED = (
    "ingest of new rows, against sqlite3 .import of the same file",
    "the same ingest, against .import and four indexes of the same columns",
    "the same file again (skipped by its digest), against a Python that does nothing",
    "the same file with one byte changed, against its first time",
    "peak memory of that ingest, against .import's",
    "peak memory of a file ten times as long, against the shorter one's",
    "1,000 new rows into many, against into an empty database",
)
_ADDED = 1_000
_ROUNDS = 3
"""What takes seconds is done this often, ours and theirs in turns; told is the round in the middle."""
_INDEXES = ("occurrenceID", "locality", "species, eventDate", "eventDate")
"""By what an ingest indexes its rows, too."""


def measure(plan: Plan) -> list[Row]:
    """Load one generated file into an empty database, and once more; and bare, by sqlite3."""
    with home() as folder:
        file = generate(folder, plan.rows)
        why, rounds = "", []
        for _ in range(_ROUNDS):
            bare, why = _bare(folder, file)
            indexed, _ = _bare(folder, file, _INDEXES)
            remove_database(folder)
            rounds.append((ingest(folder, file), bare, indexed))
        first, bare, indexed = sorted(rounds, key=_ratio)[_ROUNDS // 2]
        again = ingest(folder, file)
        idle = run([PYTHON, "-c", "pass"], folder)
        _change_one_byte(file)
        changed = ingest(folder, file)
        size = f"{plan.rows:,} rows, {file.stat().st_size / 1e6:.0f} MB"
        return [
            _against(f"{FIRST} ({size})", first, bare, why, "3"),
            _against(INDEXED, first, indexed, why),
            Row(AGAIN, seconds(again), seconds(idle), again.seconds / idle.seconds, "1 s", again.seconds < 1),
            _against(CHANGED, changed, first, "", "1"),
            _memory(first, bare, why),
        ]


def measure_large(plan: Plan) -> list[Row]:
    """Ten times as many rows: what they take, and what a few more cost on top of them."""
    with home() as folder, home() as empty:
        small = ingest(empty, generate(empty, plan.rows))
        file = generate(folder, plan.rows * 10)
        large = ingest(folder, file)
        few = _few(folder, file)
        file.unlink()
        remove_database(empty)
        into_empty, into_many = ingest(empty, few), ingest(folder, few)
        ratio = large.peak_megabytes / small.peak_megabytes
        megabytes = [f"{one.peak_megabytes:.0f} MB" for one in (large, small)]
        return [
            Row(f"{LARGE_MEMORY} ({large.seconds:.0f} s)", *megabytes, ratio, "400 MB", _fits(large)),
            _against(f"{ADDED} ({plan.rows * 10:,} rows)", into_many, into_empty, "", "2"),
        ]


def generate(folder: Path, rows: int, *, times: bool = False) -> Path:
    """A generated file in this folder; with ``times``, its days have hours."""
    file = folder / "generated.tsv"
    # In a process of its own: a child is born with its parent's peak of memory.
    more = ["times"] if times else []
    run([PYTHON, "-m", "bench.generated", str(file), str(rows), *more], folder)
    return file


def _few(folder: Path, file: Path) -> Path:
    """A few rows that the file has not: its first ones under other identifiers."""
    few = folder / "few.tsv"
    with file.open(encoding="utf-8") as lines, few.open("w", encoding="utf-8") as out:
        out.write(next(lines))
        out.writelines(f"9{line}" for line, _ in zip(lines, range(_ADDED), strict=False))
    return few


def _change_one_byte(file: Path) -> None:
    changed = file.with_suffix(".changed")
    shutil.move(file, changed)
    with changed.open("rb") as old, file.open("wb") as new:
        new.write(old.readline())
        new.write(old.readline().replace(b"\tP", b"\tQ", 1))
        shutil.copyfileobj(old, new, 1 << 20)
    changed.unlink()


def _bare(folder: Path, file: Path, indexes: Sequence[str] = ()) -> tuple[Spent | None, str]:
    """The baseline: into a table without types, keys or checks; None and why where there is no sqlite3."""
    try:
        program = tool("sqlite3")
        database, script = folder / "bare.sqlite", folder / "import.sql"
        database.unlink(missing_ok=True)
        table = f"CREATE TABLE bare({', '.join(COLUMNS)});"
        indexed = (f"CREATE INDEX by_{number} ON bare({of});" for number, of in enumerate(indexes))
        lines = (table, ".mode tabs", f".import --skip 1 {file} bare", *indexed)
        script.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        with script.open("rb") as commands:
            return run([program, "-bail", str(database)], folder, commands), ""
    except NotMeasured as why:
        return None, str(why)


def _ratio(round_: tuple[Spent, Spent | None, Spent | None]) -> float:
    ours, theirs, _ = round_
    return ours.seconds / theirs.seconds if theirs else ours.seconds


def remove_database(folder: Path) -> None:
    """Let the next ingest find none."""
    for database in folder.glob("sightings.db*"):
        database.unlink()


def ingest(folder: Path, file: Path) -> Spent:
    """Ingest a file by the command, into the database of this folder."""
    return run([*MANAGE, "ingest", str(file), "--json"], folder)


def _against(what: str, ours: Spent, theirs: Spent | None, why: str, target: str = "") -> Row:
    if theirs is None:
        return Row(what, seconds(ours), target=target, missing=why)
    ratio = ours.seconds / theirs.seconds
    return Row(
        what, seconds(ours), seconds(theirs), ratio, target, ratio <= float(target) if target else None
    )


def _memory(first: Spent, bare: Spent | None, why: str) -> Row:
    ours, target = f"{first.peak_megabytes:.0f} MB", "400 MB"
    if bare is None:
        return Row(MEMORY, ours, target=target, missing=why)
    ratio = first.peak_megabytes / bare.peak_megabytes
    return Row(MEMORY, ours, f"{bare.peak_megabytes:.0f} MB", ratio, target, _fits(first))


def _fits(spent: Spent) -> bool:
    return spent.peak_megabytes <= 400


def seconds(spent: Spent) -> str:
    """For people."""
    return f"{spent.seconds:.1f} s"


BENCH = Bench(
    "ingest", "loading a file, and loading it again", measure, (FIRST, INDEXED, AGAIN, CHANGED, MEMORY)
)
LARGE_BENCH = Bench("large", "loading ten times as much", measure_large, (LARGE_MEMORY, ADDED))
