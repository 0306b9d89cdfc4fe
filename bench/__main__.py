"""The command: measures row after row and prints one table; knows not how they are measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import click
from rich.console import Console
from rich.table import Table

from bench import cached, cold, crowd, fronted, ingested, page, postgresql, reports, starts, strained
from bench.processes import end_as_if_interrupted
from bench.row import QUICK, Bench, NotMeasured, Plan, Row

BENCHES = {
    bench.name: bench
    for bench in (
        *(starts.HELP_BENCH, starts.SERVE_BENCH, cold.BENCH, cached.BENCH, crowd.BENCH, strained.BENCH),
        *(page.BENCH, fronted.BENCH),
        *(ingested.BENCH, ingested.LARGE_BENCH, reports.BENCH, postgresql.BENCH),
    )
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, type=click.Choice(list(BENCHES)), help="These rows; repeat for more.")
@click.option("--quick", is_flag=True, help="About a minute, with fewer and shorter rounds.")
@click.option("--rows", type=click.IntRange(1_000), help="How many rows to ingest.")
def main(only: tuple[str, ...], quick: bool, rows: int | None) -> None:
    """Measure what it costs, each row beside what it is compared to."""
    end_as_if_interrupted()
    plan = QUICK if quick else Plan()
    plan = replace(plan, rows=rows) if rows else plan
    table: list[Row] = []
    with Console(stderr=True).status("") as status:
        for bench in (BENCHES[name] for name in only or BENCHES):
            status.update(f"measuring {bench.what}")
            for row in measured(bench, plan):
                table.append(row)
                status.console.print(f"{row.what}: {row.missing or row.ours}", style="dim", highlight=False)
    Console(width=None if sys.stdout.isatty() else 140).print(_table(table))
    sys.exit(failed(table))


def measured(bench: Bench, plan: Plan) -> Iterator[Row]:
    """Its rows, each when it is known; in place of those that cannot be measured, the reason."""
    known = 0
    try:
        for row in bench.measure(plan):
            yield row
            known += 1
    except NotMeasured as why:
        yield from (Row(title, missing=str(why)) for title in bench.titles[known:])


def failed(rows: list[Row]) -> bool:
    """Whether something did not work; that a program is not installed is no failure."""
    return any(row.missing and not row.missing.endswith("is not installed") for row in rows)


def _table(rows: list[Row]) -> Table:
    table = Table("what", box=None, header_style="dim", pad_edge=False)
    for name in ("ours", "baseline", "ratio", "target"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if row.missing:
            table.add_row(
                f"{row.what}\n  not measured: {row.missing}", row.ours, row.baseline, "", row.target
            )
            continue
        colour = {True: "green", False: "red", None: "default"}[row.reached]
        ratio = "" if row.ratio is None else f"[{colour}]{_three_figures(row.ratio)}[/]"
        table.add_row(row.what, row.ours, row.baseline, ratio, row.target)
    return table


def _three_figures(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:#.3g}"


if __name__ == "__main__":
    main()
