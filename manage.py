#!/usr/bin/env python
"""The front door: each command parses, calls one function, prints one answer; knows no rows, no pictures."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from config import Settings
    from ingest.run import Outcome, Progress
    from ingest.source import Source

# Heavy imports stand inside the commands, so that --help answers at once.

LOCKED = 75
_EXTRA_SHOWN = 20
log = logging.getLogger("sightings")


class _Door(click.Group):
    """Tells the unexpected in one sentence; the log has it whole."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            log.error("%s failed", ctx.invoked_subcommand, exc_info=error)
            first_line = str(error).partition("\n")[0][:300]
            raise click.ClickException(f"An unexpected {type(error).__name__}: {first_line}") from None


@click.group(cls=_Door, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Sightings turns wildlife records into charts that are never stale."""


def _settings() -> Settings:
    import config

    try:
        settings = config.load()
    except config.ConfigError as error:
        raise click.ClickException(str(error)) from None
    _keep_errors(settings.log_directory)
    return settings


def _keep_errors(folder: Path) -> None:
    """What nobody expected goes whole into a file, which is there only if it was needed."""
    from logging.handlers import RotatingFileHandler

    class _File(RotatingFileHandler):
        def emit(self, record: logging.LogRecord) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            super().emit(record)

    handler = _File(folder / "errors.log", maxBytes=1 << 20, backupCount=3, encoding="utf-8", delay=True)
    handler.setLevel(logging.ERROR)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log.handlers = [handler]


def _writer(settings: Settings) -> Engine:
    """The writing engine, on a database that stands at this code's schema."""
    from db.engine import DatabaseUnusable, open_writer
    from db.schema import UnknownSchema, upgrade

    try:
        writer = open_writer(settings.database)
        upgrade(writer)
    except (DatabaseUnusable, UnknownSchema) as error:
        raise click.ClickException(str(error)) from None
    return writer


def _pairs(_context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = next((text for text, (_, sign, _) in zip(given, pairs, strict=True) if not sign), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r} has no = in it", param=parameter)
    return {left.strip(): right.strip() for left, _, right in pairs}


def _answer(value: object) -> None:
    """The one JSON object that a command prints."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


@main.command()
@click.argument("paths", nargs=-1)
@click.option(
    "--feed",
    help="The source that these files come from; an occurrenceID is unique within it. Without a path, the"
    " configured feed to read.",
)
@click.option(
    "--format",
    "format_",
    default="auto",
    show_default=True,
    help="How to read them, if not by their content.",
)
@click.option(
    "--date-order",
    type=click.Choice(["YMD", "DMY", "MDY"]),
    help="For dates that do not tell day from month.",
)
@click.option("--timezone", help="Move times that carry an offset into this zone.")
@click.option(
    "--map",
    "map_",
    multiple=True,
    callback=_pairs,
    metavar="THEIRS=OURS",
    help="A column and the term it means.",
)
@click.option(
    "--set", "set_", multiple=True, callback=_pairs, metavar="TERM=VALUE", help="A value for every row."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--strict", is_flag=True, help="Refuse an input in which one row is refused.")
@click.option(
    "--max-error-rate",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Refuse an input with more than this share (and more than ten rows) refused.",
)
@click.option("--accept-new-ids", is_flag=True, help="Go on where most identifiers of a known feed are new.")
@click.option("--sheet", help="The sheet of a workbook, by name or by number from 1.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Skip detections of a machine that is less sure than this.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def ingest(paths: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Ingest files, folders, archives and globs; without a path, every configured feed once."""
    from ingest.run import Options

    settings = _settings()
    given["format"], given["map"], given["set"] = given.pop("format_"), given.pop("map_"), given.pop("set_")
    _check_zone(given["timezone"])
    work = [(list(paths), Options(**given))] if paths else _feeds(settings, given)
    with _stoppable():
        writer = _writer(settings)
        with _progress(as_json) as progress:
            outcomes = [one for some, options in work for one in _ingest(writer, some, options, progress)]
        _tell(settings, outcomes, as_json, given["dry_run"])


@contextmanager
def _stoppable() -> Iterator[None]:
    """What writes: one at a time, and a signal ends it without anything half done."""
    from db import stop
    from db.lock import Locked

    with stop.listening():
        try:
            yield
        except Locked as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(LOCKED)
        except stop.Stopped as error:
            click.echo(f"Error: {error}", err=True)
        if stop.asked():
            sys.exit(stop.exit_code())


def _tell(settings: Settings, outcomes: list[Outcome], as_json: bool, dry_run: bool) -> None:
    from db import stop

    _save_charts(settings, {outcome.run for outcome in outcomes if outcome.status == "committed"})
    if as_json:
        _answer({"runs": [outcome.as_json() for outcome in outcomes]})
    else:
        _print_outcomes(outcomes, dry_run)
    if not stop.asked() and any(outcome.status in ("failed", "needs_approval") for outcome in outcomes):
        sys.exit(1)


def _ingest(writer: Engine, paths: list[str], options: Any, progress: Progress | None) -> list[Outcome]:
    from ingest.run import ingest as run

    return run(writer, [source for path in paths for source in _found_at(path)], options, progress)


def _found_at(path: str) -> list[Source]:
    """The files at a path; where there is nothing, an input that fails with the reason and stops no other."""
    from dataclasses import replace

    from ingest.source import Unreadable, find, of_file

    try:
        return find([path])
    except Unreadable as error:
        reason = error

    def refuse() -> Any:
        raise reason

    return [replace(of_file(Path(path)), open=refuse)]


def _feeds(settings: Settings, given: dict[str, Any]) -> list[tuple[list[str], Any]]:
    """The configured feeds, or the one that was named; what is said of files is said in the settings then."""
    from ingest.run import Options

    own = [name for name in ("date_order", "timezone", "map", "set") if given[name]]
    own += ["format"] if given["format"] != "auto" else []
    if own:
        raise click.UsageError(f"--{own[0].replace('_', '-')} needs a path: feeds have their own settings.")
    named = [feed for feed in settings.feeds if given["feed"] in (None, feed.name)]
    if not named:
        raise click.UsageError(
            f"There is no path, and no feed {given['feed']!r} in sightings.toml."
            if given["feed"]
            else "There is no path and no feed: name a file, or put [[feeds]] into sightings.toml."
        )
    return [
        (
            [feed.path],
            Options(
                feed=feed.name,
                format=feed.format,
                date_order=feed.date_order,
                timezone=feed.timezone,
                map=feed.columns,
                dry_run=given["dry_run"],
                strict=given["strict"],
                max_error_rate=given["max_error_rate"],
            ),
        )
        for feed in named
    ]


def _check_zone(name: str | None) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(
            f"{name!r} is no IANA time zone such as Europe/Vienna", param_hint="--timezone"
        ) from None


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """A live line on a terminal: rows, rate and time left. Nothing where stderr is a file."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", rows=0, rate=0)

        def tell(rows: int, done: int, size: int) -> None:
            elapsed = shown.tasks[0].elapsed or 0
            shown.update(
                task,
                completed=done,
                total=max(size, 1),
                rows=rows,
                rate=int(rows / elapsed) if elapsed else 0,
            )

        yield tell


_NAME_SHOWN = 30


def _print_outcomes(outcomes: list[Outcome], dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    # No markup: a file may be called [/].csv.
    console = Console(soft_wrap=True, highlight=False, markup=False)
    table = Table("input", box=None, header_style="dim", pad_edge=False)
    counts = ("read", "inserted", "updated", "duplicate", "rejected")
    for name in counts:
        table.add_column(name, justify="right")
    for one in outcomes:
        name = Path(one.input).name
        # A name in full would push the numbers off a terminal of 80 columns; its end tells files apart.
        shown = name if len(name) <= _NAME_SHOWN else f"…{name[1 - _NAME_SHOWN :]}"
        table.add_row(shown, *(f"{getattr(one.tally, count):,}" for count in counts))
        for line in _understood(one):
            console.print(line)
    console.print(table)
    for one in outcomes:
        if one.status in ("failed", "needs_approval"):
            click.echo(f"Error: {one.message}", err=True)
        else:
            console.print("\n".join(_went(one)))
    if dry_run:
        console.print("A dry run: nothing was changed.")


def _went(one: Outcome) -> Iterator[str]:
    name = Path(one.input).name
    rate = int(one.tally.read / one.seconds) if one.seconds else 0
    yield (
        f"{name}: {one.status}, feed {one.feed}, format {one.format},"
        f" version {one.data_version}, {one.seconds:.1f} s, {rate:,} rows/s"
    )
    if one.reasons:
        yield _refused(one)
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


def _save_charts(settings: Settings, runs: set[int | None]) -> None:
    """Draw anew what is kept as a file, if these runs touched it: the drawing room takes a second to load."""
    if not runs:
        return
    from db.filters import Filters, scope

    with _reading() as connection:
        if scope(connection, Filters(species=("bear",))).version not in runs:
            return
    from api.plot import save_bear_chart

    try:
        save_bear_chart(settings.web_database, settings.charts_directory)
    except Exception as error:
        log.error("the bear chart could not be saved", exc_info=error)
        click.echo(f"Warning: the bear chart could not be saved ({type(error).__name__}).", err=True)


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1), help="Server processes; one per core if not said.")
@click.option("--no-scheduler", is_flag=True, help="Serve only; another process runs the schedule.")
def serve(host: str | None, port: int | None, workers: int | None, no_scheduler: bool) -> None:
    """Run the server and the scheduler until told to stop."""
    from api import server

    settings = _settings()
    _writer(settings).dispose()
    _log(settings)
    try:
        server.serve(
            host or settings.host,
            settings.port if port is None else port,
            workers or settings.workers,
            None if no_scheduler else [sys.executable, str(Path(__file__).resolve()), "schedule"],
            lambda address: click.echo(f"Sightings is on {address}"),
        )
    except server.CannotListen as error:
        raise click.ClickException(str(error)) from None


@main.command()
def schedule() -> None:
    """Run the scheduler alone: the inbox and the feeds of sightings.toml."""
    import signal

    from db.engine import open_reader
    from db.questions.ledger import last_runs
    from ingest.inbox import Inbox
    from ingest.schedule import Schedule

    settings = _settings()
    _writer(settings).dispose()
    _log(settings)
    reader = open_reader(settings.web_database)
    with reader.begin() as connection:
        last = last_runs(connection)
    reader.dispose()
    plan = Schedule(
        [sys.executable, str(Path(__file__).resolve()), "ingest"],
        Inbox(settings.inbox),
        [_due(feed, last.get(feed.name)) for feed in settings.feeds],
        settings.inbox_every,
        settings.settle_seconds,
        settings.ingest_deadline,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: plan.stop())
    plan.run()


def _due(feed: Any, last: dict[str, Any] | None) -> Any:
    from datetime import datetime

    from ingest.schedule import Due

    options = [("--format", feed.format), ("--date-order", feed.date_order), ("--timezone", feed.timezone)]
    arguments = [word for name, value in options if value for word in (name, value)]
    arguments += [word for theirs, ours in feed.columns.items() for word in ("--map", f"{theirs}={ours}")]
    return Due(
        name=feed.name,
        path=feed.path,
        arguments=tuple(arguments),
        every_seconds=feed.every_seconds,
        cron=feed.cron,
        last_run=datetime.fromisoformat(last["startedAt"]) if last else None,
    )


def _log(settings: Settings) -> None:
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=settings.log_level.upper(), format=form, stream=sys.stderr)
    logging.getLogger("apscheduler").setLevel("WARNING")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def config(as_json: bool) -> None:
    """Print every setting in force and where its value came from; secrets are hidden."""
    import config as settings_module

    rows = settings_module.explain(_settings())
    if as_json:
        _answer({key: {"value": value, "source": source} for key, value, source in rows})
        return
    width = max(len(key) for key, _, _ in rows)
    for key, value, source in rows:
        click.echo(f"{key:<{width}}  {value}  ({source})")


@main.command()
@click.option("--live", is_flag=True, help="Keep appending records of this minute until stopped.")
@click.option(
    "--every",
    type=click.FloatRange(0.5),
    default=10.0,
    show_default=True,
    help="Seconds between two, with --live.",
)
@click.option("--remove", is_flag=True, help="Take every made-up record back.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def demo(live: bool, every: float, remove: bool, as_json: bool) -> None:
    """Fill the database with records that are made up, to look at; --remove takes them back."""
    from db.lock import Locked

    settings = _settings()
    writer = _writer(settings)
    try:
        outcomes = _remove_demo(settings, writer) if remove else _add_demo(settings, writer)
        if as_json:
            _answer({"runs": [one.as_json() if hasattr(one, "as_json") else one for one in outcomes]})
        if live and not remove:
            _append_live(settings, writer, every)
    except Locked as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(LOCKED)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


def _add_demo(settings: Settings, writer: Engine) -> list[Any]:
    from datetime import date, timedelta

    from ingest import demo as made_up

    if any(not source.made_up for source in _filled_feeds()):
        click.echo("There are real records here; no made-up ones are put among them.", err=True)
        return []
    if _demo_is_fresh():
        click.echo("The made-up records are there; take them back with: manage.py demo --remove", err=True)
        return []
    folder = settings.home / "demo"
    reading, year = folder / "reading.csv", folder / "year.csv"
    made_up.write_reading(reading)
    made_up.write_year(year, date.today() - timedelta(days=1))  # noqa: DTZ011 - a day of this machine's calendar
    outcomes = _demo_run(writer, made_up.READING_FEED, reading) + _demo_run(writer, made_up.YEAR_FEED, year)
    _save_charts(settings, {one.run for one in outcomes if one.status == "committed"})
    added = sum(one.tally.inserted for one in outcomes)
    click.echo(
        f"{added:,} made-up records were added; take them back with: manage.py demo --remove", err=True
    )
    return outcomes


def _filled_feeds() -> list[Any]:
    """The feeds that have sightings."""
    from db.filters import Filters, scope
    from db.questions.summary import sources

    with _reading() as connection:
        return sources(connection, scope(connection, Filters()))


def _demo_is_fresh() -> bool:
    """Whether today's demo is in already: a second start has nothing to wait for."""
    from datetime import UTC, datetime

    from ingest import demo as made_up

    with _reading() as connection:
        from db.questions.ledger import last_runs

        last = last_runs(connection).get(made_up.YEAR_FEED)
    today = datetime.now(UTC).date().isoformat()
    return last is not None and last["format"] != "removal" and last["finishedAt"].startswith(today)


def _demo_run(writer: Engine, feed: str, file: Path) -> list[Outcome]:
    from ingest.run import Options

    return _ingest(writer, [str(file)], Options(feed=feed, made_up=True), None)


def _append_live(settings: Settings, writer: Engine, every: float) -> None:
    import time
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from ingest import demo as made_up

    file = settings.home / "demo" / "live.csv"
    while True:
        made_up.write_live(file, datetime.now(ZoneInfo(settings.timezone)))
        (outcome,) = _demo_run(writer, made_up.YEAR_FEED, file)
        click.echo(f"{outcome.tally.inserted} records, version {outcome.data_version}", err=True)
        time.sleep(every)


def _remove_demo(settings: Settings, writer: Engine) -> list[Any]:
    from db.lock import only_ingester
    from db.store import remove_feed
    from ingest import demo as made_up

    with only_ingester(writer):
        invented = [source.name for source in _filled_feeds() if source.made_up]
        removed = [remove_feed(writer, feed, made_up=True) for feed in made_up.FEEDS if feed in invented]
    _save_charts(settings, {one["run"] for one in removed})
    click.echo(f"{sum(one['removed'] for one in removed):,} made-up records were taken back.", err=True)
    return removed


@main.command()
@click.argument("report")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Where to write; its ending is the form.",
)
@click.argument("filters", nargs=-1)
@click.option("--species", multiple=True, help="A scientific or vernacular name; repeat for more.")
def plot(report: str, output: Path, filters: tuple[str, ...], species: tuple[str, ...]) -> None:
    """Write a report (timeline, species, summary, recent, or reading) to an .svg, .png, .json or .csv file.

    FILTERS are the parameters of the web, as in: interval=month eventDate=2024-01,2024-06
    """
    from api.plot import NoSuchPlot
    from api.plot import plot as draw

    settings = _settings()
    _writer(settings).dispose()
    arguments = [*_pairs_list(filters), *(("species", name) for name in species)]
    try:
        form, site = output.suffix.lstrip("."), (settings.title, settings.timezone)
        content = draw(settings.web_database, report, form, arguments, *site)
    except NoSuchPlot as error:
        raise click.ClickException(str(error)) from None
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    click.echo(f"{output} ({len(content):,} bytes)", err=True)


def _pairs_list(given: tuple[str, ...]) -> list[tuple[str, str]]:
    wrong = next((text for text in given if "=" not in text), None)
    if wrong is not None:
        raise click.UsageError(f"{wrong!r} is no filter: write NAME=VALUE.")
    return [(left, right) for left, _, right in (text.partition("=") for text in given)]


@contextmanager
def _reading() -> Iterator[Any]:
    """A read transaction for a command that only looks."""
    from db.engine import open_reader

    settings = _settings()
    _writer(settings).dispose()
    reader = open_reader(settings.web_database, time_limit=600)
    try:
        with reader.begin() as connection:
            yield connection
    finally:
        reader.dispose()


@main.command()
@click.argument("run", type=int, required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def runs(run: int | None, limit: int, as_json: bool) -> None:
    """The ledger: the newest runs, or all that is known of one."""
    from db.questions import ledger
    from ingest import accounts

    with _reading() as connection:
        if run is None:
            found: list[dict[str, Any]] = ledger.runs(connection, limit)
        else:
            found = [one for one in [ledger.one_run(connection, run)] if one]
    if run is not None and not found:
        raise click.ClickException(f"There is no run {run}.")
    if as_json:
        _answer({"runs": found})
        return
    for one in found:
        click.echo("\n".join(accounts.listed(one) if run is None else accounts.whole(one)))


@main.command()
@click.argument("run", type=int)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
@click.option("--csv", "as_csv", is_flag=True, help="A table to correct, which replay takes.")
def rejects(run: int, as_json: bool, as_csv: bool) -> None:
    """The rows that a run refused: line, reason and the row itself."""
    from db.questions import ledger
    from ingest import accounts
    from ingest.rejects import as_csv as table

    with _reading() as connection:
        if not ledger.runs(connection, run_id=run):
            raise click.ClickException(f"There is no run {run}.")
        found = ledger.rejects(connection, run, limit=None)
    if as_json:
        _answer({"run": run, "rejects": found})
    elif as_csv:
        click.echo(table(found).encode(), nl=False)
    else:
        for one in found:
            click.echo("\n".join(accounts.reject(one)))


@main.command()
@click.argument("run", type=int)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def undo(run: int, dry_run: bool, as_json: bool) -> None:
    """Take a run back: what it added goes, what it replaced or removed returns. An undo can be undone."""
    from db.undo import CannotUndo
    from db.undo import undo as take_back
    from ingest import accounts

    settings = _settings()
    with _stoppable():
        try:
            done = take_back(_writer(settings), run, dry_run)
        except CannotUndo as error:
            raise click.ClickException(str(error)) from None
    _save_charts(settings, {done.run} if done.run else set())
    if as_json:
        _answer(done.as_json())
    else:
        click.echo("\n".join(accounts.undone(done.as_json())))


@main.command()
@click.argument("run", type=int)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--date-order", type=click.Choice(["YMD", "DMY", "MDY"]), help="How to read their dates.")
@click.option("--timezone", help="Move times that carry an offset into this zone.")
@click.option(
    "--map",
    "map_",
    multiple=True,
    callback=_pairs,
    metavar="THEIRS=OURS",
    help="A column and the term it means.",
)
@click.option(
    "--set", "set_", multiple=True, callback=_pairs, metavar="TERM=VALUE", help="A value for every row."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def replay(run: int, file: Path | None, as_json: bool, **given: Any) -> None:
    """Read only the rejects of a run again: as they were, or from FILE, a corrected table of `rejects --csv`.

    FILE may also hold the corrected lines alone, as they stand in the input.
    """
    from ingest.columns import UnknownTerm
    from ingest.replay import CannotReplay
    from ingest.replay import replay as read_again
    from ingest.source import Unreadable

    settings = _settings()
    given["map"], given["set"] = given.pop("map_"), given.pop("set_")
    _check_zone(given["timezone"])
    with _stoppable():
        try:
            outcome = read_again(_writer(settings), run, file, given)
        except (CannotReplay, Unreadable, UnknownTerm) as error:
            raise click.ClickException(str(error)) from None
        _tell(settings, [outcome], as_json, given["dry_run"])


@main.command()
@click.argument("which", nargs=-1, required=True, metavar="KEY | FEED OCCURRENCE_ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def record(which: tuple[str, ...], as_json: bool) -> None:
    """Where a record comes from (run, file, line, its row there), and every earlier revision of it."""
    from db.questions.history import history, history_of_key
    from ingest import accounts

    if len(which) > 2 or (len(which) == 1 and not which[0].isdigit()):
        raise click.UsageError("Name a record by its key, or by its feed and occurrenceID.")
    with _reading() as connection:
        found = history(connection, *which) if len(which) == 2 else history_of_key(connection, int(which[0]))
    if not found:
        raise click.ClickException(f"There is no record {' '.join(which)}.")
    if as_json:
        _answer({"revisions": found})
        return
    click.echo("\n".join(accounts.revisions(found)))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
def status(as_json: bool) -> None:
    """Data version, how many records there are, and the last run of each feed."""
    from db.filters import Filters, scope
    from db.questions import counts, ledger
    from db.questions.summary import freshness

    with _reading() as connection:
        everything = scope(connection, Filters())
        fresh = freshness(connection, everything)
        records = sum(one.records for one in counts.totals(connection, everything))
        last = ledger.last_runs(connection)
    if as_json:
        _answer(
            {
                "dataVersion": fresh.version,
                "dataAsOf": fresh.data_as_of,
                "ingestedAt": fresh.ingested_at,
                "records": records,
                "feeds": last,
            }
        )
        return
    ends = f"data to {fresh.data_as_of}, ingested {fresh.ingested_at}"
    click.echo(f"version {fresh.version}, {records:,} records, {ends}")
    for feed, one in last.items():
        click.echo(f"  {feed}: run {one['run']} {one['status']} at {one['finishedAt']} {one['message']}")


@main.command()
def check() -> None:
    """Look for damage: the database's own check, and every rollup against a recount."""
    from db.check import damage

    with _reading() as connection:
        found = damage(connection)
    for line in found:
        click.echo(line, err=True)
    if found:
        raise click.ClickException(f"{len(found)} things are wrong.")
    click.echo("Nothing is wrong.")


@main.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Bring the database to this code's schema."""
    _writer(_settings())
    click.echo("The database is up to date.")


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write a verified copy of an SQLite database while it is served."""
    from db.backup import BackupFailed
    from db.backup import backup as copy

    settings = _settings()
    try:
        records = copy(settings.database, file)
    except BackupFailed as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file} holds {records:,} sightings and passed its check.")


if __name__ == "__main__":
    main()
