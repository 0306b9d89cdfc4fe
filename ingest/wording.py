"""How people are told what became of their inputs; knows no options and no database."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.outcome import Outcome, Progress

if TYPE_CHECKING:
    from rich.console import Console

# What draws on a terminal is loaded where there is something to draw: --json and a schedule have nothing.

REFUSED = ("failed", "needs_approval")
"""How a run ends of which nothing was kept."""
_EXTRA_SHOWN = 20
_NAME_SHOWN = 30
_COUNTS = ("read", "inserted", "updated", "duplicate", "rejected")


def plain_console() -> Console:
    """A console that takes text as it is: a file may be called [/].csv."""
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False, markup=False)


@contextmanager
def live_progress(quiet: bool) -> Iterator[Progress | None]:
    """A live line on a terminal: rows, rate and time left. Nothing where stderr is a file."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,}/s"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", rows=0, rate=0)

        def tell(rows: int, done: int, size: int) -> None:
            elapsed = shown.tasks[0].elapsed or 0
            rate = int(rows / elapsed) if elapsed else 0
            shown.update(task, completed=done, total=max(size, 1), rows=rows, rate=rate)

        yield tell


def tell_outcomes(outcomes: Sequence[Outcome], dry_run: bool) -> None:
    """What was understood, the counts as a table, and a line for each; what failed goes to stderr."""
    from rich.table import Table

    console = plain_console()
    table = Table("input", box=None, header_style="dim", pad_edge=False)
    counts = (*_COUNTS, "skipped") if any(one.tally.skipped for one in outcomes) else _COUNTS
    for name in counts:
        table.add_column(name, justify="right")
    for one in outcomes:
        table.add_row(_shortened(one), *(f"{getattr(one.tally, count):,}" for count in counts))
        for line in _understood(one):
            console.print(line)
    console.print(table)
    for one in outcomes:
        if one.status in REFUSED:
            click.echo(f"Error: {one.message}", err=True)
        else:
            console.print("\n".join(_went(one, dry_run)))
    if dry_run:
        console.print("A dry run: nothing was changed.")


def _shortened(one: Outcome) -> str:
    """A name in full would push the numbers off a terminal of 80 columns; its end tells files apart."""
    name = Path(one.input).name
    return name if len(name) <= _NAME_SHOWN else f"…{name[1 - _NAME_SHOWN :]}"


def _went(one: Outcome, dry_run: bool) -> Iterator[str]:
    name, would = Path(one.input).name, "would be " if dry_run else ""
    rate = int(one.tally.read / one.seconds) if one.seconds else 0
    yield (
        f"{name}: {would}{one.status}, feed {one.feed}, format {one.format},"
        f" version {one.data_version}, {one.seconds:.1f} s, {rate:,} rows/s"
    )
    if one.message:
        yield f"{name}: {one.message}"
    if one.reasons:
        yield _refused(one)
    if one.tally.skips:
        told = ", ".join(f"{reason} {number:,}" for reason, number in one.tally.skips.items())
        yield f"{name}: skipped, as no animals {told}"
    if one.tally.issues:
        told = ", ".join(f"{issue} {number:,}" for issue, number in one.tally.issues.items())
        yield f"{name}: kept, but flagged {told}"


def _understood(one: Outcome) -> Iterator[str]:
    name = Path(one.input).name
    terms = ", ".join(ours if theirs == ours else f"{theirs} = {ours}" for theirs, ours in one.terms.items())
    if terms:
        yield f"{name}: understood {terms}"
    if one.extra:
        more = f" and {len(one.extra) - _EXTRA_SHOWN} more" if len(one.extra) > _EXTRA_SHOWN else ""
        yield f"{name}: kept as extra {', '.join(one.extra[:_EXTRA_SHOWN])}{more}"
    yield from (f"{name}: {note}" for note in one.notes)


def _refused(one: Outcome) -> str:
    told = ", ".join(f"{reason} {number:,}" for reason, number in one.reasons.items())
    look = f"; see them with: manage.py rejects {one.run}" if one.run else ""
    return f"{Path(one.input).name}: refused {told}{look}"
