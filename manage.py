#!/usr/bin/env python
"""The front door: each command parses, calls one function, prints one answer; knows no rows, no pictures."""

from __future__ import annotations

import atexit
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from config import Settings
    from ingest.due import Due
    from ingest.outcome import Outcome
    from ingest.sources.source import Reach, Source
    from ingest.work import Work

# Heavy imports stand inside the commands, so that --help answers at once. What they load stays to the end:
# to search it for circles again and again, and once more at the end, took a quarter of the start.
gc.set_threshold(50_000, 20, 20)
atexit.register(gc.freeze)

log = logging.getLogger("sightings")


class _Busy(click.ClickException):
    """Another ingester holds the lock."""

    exit_code = 75


class _Door(click.Group):
    """Tells the unexpected in one sentence; the log has it whole."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            # Whoever read it, such as head, has seen enough; Python must not complain of it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:
            from db.lock import Locked

            if isinstance(error, Locked):
                raise _Busy(str(error)) from None
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
    _keep_errors(settings.log_directory, settings.log_format)
    return settings


def _keep_errors(folder: Path, form: str) -> None:
    """What nobody expected goes whole into a file, which is there only if it was needed."""
    from logging.handlers import RotatingFileHandler

    from db import logs

    class _File(RotatingFileHandler):
        def emit(self, record: logging.LogRecord) -> None:
            with suppress(OSError):  # a home that cannot be written is told of on stderr, like everything
                folder.mkdir(parents=True, exist_ok=True)
                super().emit(record)

    handler = _File(folder / "errors.log", maxBytes=1 << 20, backupCount=3, encoding="utf-8", delay=True)
    handler.setLevel(logging.ERROR)
    handler.setFormatter(logs.formatter(form))
    for earlier in log.handlers:
        earlier.close()
    log.handlers = [handler]


def _writer(settings: Settings) -> Engine:
    """The writing engine, on a database that stands at this code's schema."""
    from sqlalchemy.exc import DBAPIError

    from db.engine import is_busy, open_writer, why_unusable
    from db.file import DatabaseUnusable
    from db.lock import only_ingester
    from db.schema import UnknownSchema, upgrade

    try:
        writer = open_writer(settings.database)
        upgrade(writer)
    except (DatabaseUnusable, UnknownSchema) as error:
        raise click.ClickException(str(error)) from None
    except DBAPIError as error:
        if is_busy(error):  # by whom is more than the database knows
            with only_ingester(writer):
                pass
        told = why_unusable(error, settings.database)
        if told:
            raise click.ClickException(told) from None
        raise
    return writer


def _bring_up(settings: Settings) -> None:
    """Make sure that the database stands at this code's schema; where it does, nobody needs to write."""
    from db.schema import stands

    if not stands(settings.database):
        _writer(settings).dispose()


def _pairs(_context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = next((text for text, (_, sign, _) in zip(given, pairs, strict=True) if not sign), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r} has no = in it", param=parameter)
    return {left.strip(): right.strip() for left, _, right in pairs}


def _format(_context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    if given not in (None, "auto"):
        from ingest.formats import FORMATS

        names = [known.name for known in FORMATS]
        if given not in names:
            raise click.BadParameter(f"{given!r} is none of: auto, {', '.join(names)}", param=parameter)
    return given


def _zone(_context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    from zoneinfo import ZoneInfo

    try:
        return given and ZoneInfo(given).key
    except (ValueError, OSError, LookupError):
        raise click.BadParameter(
            f"{given!r} is no IANA zone such as Europe/Vienna", param=parameter
        ) from None


def _answer(value: object) -> None:
    """The one JSON object that a command prints."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _show(value: object, as_json: bool, tell: Callable[[], None]) -> None:
    if as_json:
        _answer(value)
    else:
        tell()


_AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else.")
_FILE = click.Path(dir_okay=False, path_type=Path)
_PAIRS: dict[str, Any] = {"multiple": True, "callback": _pairs}
_STOP_SECONDS = 15
_ORDER, _SHARE = click.Choice(["YMD", "DMY", "MDY"]), click.FloatRange(0, 1)
_READING_OPTIONS = (
    click.option("--format", callback=_format, help="How to read it, if not by its content."),
    click.option("--date-order", type=_ORDER, help="For dates that do not tell day from month."),
    click.option("--timezone", callback=_zone, help="Move times that carry an offset into this zone."),
    click.option("--map", **_PAIRS, metavar="THEIRS=OURS", help="A column and the term it means."),
    click.option("--set", **_PAIRS, metavar="TERM=VALUE", help="A value for every row."),
    click.option("--sheet", help="The sheet of a workbook, by name or by number from 1."),
    click.option("--min-confidence", type=_SHARE, help="Skip detections that a machine is less sure of."),
    click.option("--strict", is_flag=True, help="Refuse an input in which one row is refused."),
    click.option("--max-error-rate", type=_SHARE, help="The share of refused rows to bear; 0.2 if not said."),
    click.option("--accept-new-ids", is_flag=True, help="Go on where most ids of a known feed are new."),
)


def _reading_options(command: Any) -> Any:
    """What can be said of how an input is to be read."""
    for option in reversed(_READING_OPTIONS):
        command = option(command)
    return command


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    # By what it is, because a share of 0 equals False.
    return {name: value for name, value in given.items() if value not in (None, {}) and value is not False}


@main.command()
@click.argument("paths", nargs=-1)
@click.option(
    "--feed", help="The source these files come from, and read as; without a path, the one to read."
)
@_reading_options
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@_AS_JSON
def ingest(paths: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Ingest files, folders, archives, globs, URLs and - (stdin); without a path, every configured feed."""
    _ingest(_settings(), paths, _said(given), as_json)


def _work(settings: Settings, paths: tuple[str, ...], said: dict[str, Any]) -> Work:
    from ingest.work import NothingToRead, work

    try:
        return work(_dues(settings), paths, said)
    except NothingToRead as error:
        raise click.UsageError(str(error)) from None


def _dues(settings: Settings) -> list[Due]:
    from ingest.due import Due

    return [Due(**feed.due) for feed in settings.feeds]


def _ingest(settings: Settings, paths: tuple[str, ...], said: dict[str, Any], as_json: bool) -> None:
    """Do it, tell it, and end the command accordingly."""
    from contextlib import ExitStack

    from db.precedence import step_back
    from ingest.run import ingest as run
    from ingest.wording import live_progress
    from ingest.work import inputs

    work, writer = _work(settings, paths, said), _writer(settings)
    step_back()  # the server goes on answering meanwhile
    with _stoppable():
        outcomes: list[Outcome] = []
        with live_progress(as_json) as progress, ExitStack() as until_read:
            for some, options in work:
                outcomes += run(writer, inputs(some, until_read, _reach(settings)), options, progress)
        _finish(settings, outcomes, as_json, "dry_run" in said)


@contextmanager
def _stoppable() -> Iterator[None]:
    """A signal ends what writes without anything half done."""
    from db import stop

    with stop.listening():
        try:
            yield
        except stop.Stopped as error:
            click.echo(f"Error: {error}", err=True)
        if stop.asked():
            sys.exit(stop.exit_code())


def _finish(settings: Settings, outcomes: list[Outcome], as_json: bool, dry_run: bool) -> None:
    from db import stop
    from ingest.wording import REFUSED, tell_outcomes

    _save_charts(settings, {outcome.run for outcome in outcomes if outcome.status == "committed"})
    runs = [outcome.as_json() for outcome in outcomes]
    _show({"runs": runs}, as_json, lambda: tell_outcomes(outcomes, dry_run))
    if not stop.asked() and any(outcome.status in REFUSED for outcome in outcomes):
        sys.exit(1)


def _reach(settings: Settings) -> Reach:
    """How URLs are read under these settings."""

    def reach(url: str) -> Source:
        # What speaks HTTP takes a tenth of a second to load, which no file needs.
        from ingest.sources.remote import at
        from ingest.sources.request import Limits

        limits = Limits(
            allow_hosts=settings.allow_hosts,
            max_bytes=settings.fetch_max_bytes,
            deadline=settings.fetch_deadline,
            folder=settings.fetched,
        )
        return at(url, limits)

    return reach


def _save_charts(settings: Settings, runs: set[int | None]) -> None:
    """Draw anew what is kept as a file, if these runs touched it: the drawing room takes a second to load."""
    from db.filters import Filters, scope

    if not runs:
        return
    with _reading() as connection:
        if scope(connection, Filters(species=("bear",))).version not in runs:
            return
    from api.saved import save

    warning = save(settings.web_database, settings.charts_directory)
    if warning:
        click.echo(f"Warning: {warning}", err=True)


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1), help="Server processes; one per core if not said.")
@click.option("--no-scheduler", is_flag=True, help="Serve only; another process runs the schedule.")
@click.option("--no-warm-up", is_flag=True, help="Make charts only when they are asked for.")
def serve(
    host: str | None, port: int | None, workers: int | None, no_scheduler: bool, no_warm_up: bool
) -> None:
    """Run the server, the scheduler and the warm-up until told to stop."""
    from api.serving import server

    settings = _settings()
    _bring_up(settings)
    _log(settings)
    if workers:  # each of them has its part of what a client may have made
        os.environ["SIGHTINGS_WORKERS"] = str(workers)
    this = [sys.executable, str(Path(__file__).resolve())]
    beside = {} if no_scheduler else {"scheduler": [*this, "schedule"]}
    if not no_warm_up and settings.cache != "off":
        beside["warm-up"] = [*this, "warm", "--watch"]
    try:
        server.serve(
            host or settings.host,
            settings.port if port is None else port,
            workers or settings.workers,
            int(settings.worker_memory),
            beside,
            lambda address: click.echo(f"Sightings is on {address}"),
            settings.metrics_directory,
        )
    except server.CannotListen as error:
        raise click.ClickException(str(error)) from None


@main.command()
def schedule() -> None:
    """Run the scheduler alone: the inbox and the feeds of sightings.toml."""
    import config
    from db.questions.ledger import last_runs
    from ingest.feeds import InForce
    from ingest.formats import is_bundle
    from ingest.schedule.child import Child
    from ingest.schedule.inbox import Inbox
    from ingest.schedule.schedule import Schedule

    settings = _settings()
    copy = settings.home / "schedule.toml"
    with _reading() as connection:
        last = last_runs(connection)
    _log(settings)
    command = [sys.executable, str(Path(__file__).resolve()), "ingest"]
    child = Child(command, settings.ingest_deadline, config.base(), {config.CONFIG_VARIABLE: str(copy)})
    in_force = InForce(config.file(), copy, lambda text: _dues(config.load(text=text)))
    times = (settings.inbox_every, settings.settle_seconds)
    plan = Schedule(child, Inbox(settings.inbox, is_bundle), in_force.feeds(), *times, last, in_force.changed)
    _on_signal(plan.stop)
    plan.run()


@main.command()
@click.option("--watch", is_flag=True, help="Go on after each commit, until told to stop.")
@_AS_JSON
def warm(watch: bool, as_json: bool) -> None:
    """Make the dashboard, its charts and what is asked most before anybody waits for them."""
    from dataclasses import asdict

    from db.precedence import step_back

    settings = _settings()
    if settings.cache == "off":
        raise click.ClickException("There is no cache that could be warmed: cache_url is off.")
    step_back()
    from api.factory import create_warm_up

    if not watch:
        _writer(settings).dispose()
    _log(settings)
    warm_up = create_warm_up(settings)
    _on_signal(warm_up.stop)
    if watch:
        warm_up.watch()
        return
    done = warm_up.once()
    _show(asdict(done), as_json, lambda: click.echo(done.told()))
    if done.failures:
        sys.exit(1)


def _on_signal(stop: Callable[[], None]) -> None:
    """Have a signal to end stop what goes on, and end this process by force if it does not come to that."""
    import signal

    def hear(*_: object) -> None:
        signal.alarm(_STOP_SECONDS)  # its default is to end the process, whatever this is caught in
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)


def _log(settings: Settings) -> None:
    from db import logs

    logs.begin(settings.log_level, settings.log_format)
    logging.getLogger("apscheduler").setLevel("ERROR")  # what it warns of, a run that was missed, is counted


@main.group()
def feeds() -> None:
    """Look after the sources that are read again and again; they live in sightings.toml."""


@feeds.command("add")
@click.argument("name")
@click.argument("path")
@click.option("--every", help="How often to read it, such as 30s, 10m, 2h or 1d.")
@click.option("--cron", help="When to read it, in UTC, such as '15 6 * * mon-fri'.")
@_reading_options
@_AS_JSON
def add_feed(name: str, path: str, every: str | None, cron: str | None, as_json: bool, **given: Any) -> None:
    """Add a feed: a name, and the file, folder, glob or URL to read."""
    import config
    from ingest.feeds import add

    if (every is None) == (cron is None):
        raise click.UsageError("Say either how often with --every 10m, or when with --cron '15 6 * * *'.")
    said = _said(given)
    when = {"every": every} if every is not None else {"cron": cron}
    columns = {"columns": said.pop("map")} if "map" in said else {}
    with _file_of_settings() as (file, check):
        add(file, {"name": name, "path": config.as_written(path), **when, **columns, **said}, check)
    told = f"Feed {name} is in {file} now; see what it would bring with: manage.py feeds test {name}"
    _show({"feed": name, "file": str(file)}, as_json, lambda: click.echo(told))


@feeds.command("list")
@_AS_JSON
def list_feeds(as_json: bool) -> None:
    """All feeds: when they are read, and how they are."""
    from db.questions.ledger import last_runs
    from ingest.listing import standing, tell_feeds

    settings = _settings()
    with _reading() as connection:
        last = last_runs(connection)
    pairs = zip(settings.feeds, _dues(settings), strict=True)
    found = [standing(feed.shown, due, last.get(due.name)) for feed, due in pairs]
    _show({"feeds": found}, as_json, lambda: tell_feeds(found))


@feeds.command("show")
@click.argument("name")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, help="How many runs.")
@_AS_JSON
def show_feed(name: str, limit: int, as_json: bool) -> None:
    """One feed: all that is set, its last runs, and what is wrong with it."""
    from db.questions import ledger
    from ingest.listing import problems, standing, tell_feed

    settings = _settings()
    _work(settings, (), {"feed": name})  # says so where there is none of this name
    pairs = zip(settings.feeds, _dues(settings), strict=True)
    shown, due = next((feed.shown, due) for feed, due in pairs if feed.name == name)
    with _reading() as connection:
        runs = ledger.runs(connection, limit, feed=name)
        reasons = ledger.reasons(connection, runs[0]["run"]) if runs else {}
    found, wrong = standing(shown, due, runs[0] if runs else None), problems(due.path, runs, reasons)
    answer = {"feed": found, "runs": runs, "problems": wrong}
    _show(answer, as_json, lambda: tell_feed(found, runs, wrong))


@feeds.command("pause")
@click.argument("name")
@click.option("--off", is_flag=True, help="Read it again.")
@_AS_JSON
def pause_feed(name: str, off: bool, as_json: bool) -> None:
    """Leave a feed out for a while; `ingest --feed NAME` and `feeds run NAME` read it nevertheless."""
    from ingest.feeds import pause

    with _file_of_settings() as (file, check):
        pause(file, name, not off, check)
    told = "is read again" if off else f"is paused; go on with: manage.py feeds pause --off {name}"
    _show({"feed": name, "paused": not off}, as_json, lambda: click.echo(f"Feed {name} {told}"))


@feeds.command("remove")
@click.argument("name")
@_AS_JSON
def remove_feed(name: str, as_json: bool) -> None:
    """Take a feed out of the settings; what it brought stays."""
    from db.questions import ledger
    from ingest.feeds import remove
    from ingest.listing import brought, told_of_rest

    with _reading() as connection:
        runs = brought(ledger.runs(connection, 10_000, feed=name))
    with _file_of_settings() as (file, check):
        remove(file, name, check)
    told = f"Feed {name} is no longer in {file}.{told_of_rest(runs)}"
    _show({"feed": name, "file": str(file), "runs": runs}, as_json, lambda: click.echo(told))


@feeds.command("test")
@click.argument("name")
@_AS_JSON
def try_feed(name: str, as_json: bool) -> None:
    """Say what is understood of a feed and what reading it would change; change nothing."""
    _ingest(_settings(), (), {"feed": name, "dry_run": True}, as_json)


@feeds.command("run")
@click.argument("name")
@_AS_JSON
def run_feed(name: str, as_json: bool) -> None:
    """Read a feed now."""
    _ingest(_settings(), (), {"feed": name}, as_json)


@contextmanager
def _file_of_settings() -> Iterator[tuple[Path, Callable[[str], object]]]:
    """The file that holds the feeds, and what tries a new text of it; a bad change ends with its sentence."""
    import config
    from ingest.feeds import BadFeed

    try:
        yield config.file(), lambda text: config.load(text=text)
    except (config.ConfigError, BadFeed) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{config.file()} cannot be written: {error.strerror}.") from None


@main.command()
@_AS_JSON
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
@click.option("--every", type=click.FloatRange(0.5), default=10.0, help="Seconds between two, with --live.")
@click.option("--remove", is_flag=True, help="Take every made-up record back.")
@_AS_JSON
def demo(live: bool, every: float, remove: bool, as_json: bool) -> None:
    """Fill the database with records that are made up, to look at; --remove takes them back."""
    from ingest import demo_feeds

    settings = _settings()
    writer, folder = _writer(settings), settings.home / "demo"
    done = demo_feeds.remove(writer) if remove else demo_feeds.add(writer, folder)
    _save_charts(settings, {run["run"] for run in done.runs})
    click.echo(done.told, err=True)
    if as_json:
        _answer({"runs": done.runs})
    try:
        grows = live and done.may_grow
        for one in demo_feeds.keep_adding(writer, folder, settings.timezone, every) if grows else ():
            click.echo(f"{one.tally.inserted} records, version {one.data_version}", err=True)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


@main.command()
@click.argument("report")
@click.option("-o", "--output", type=_FILE, required=True, help="Where to write; its ending is the form.")
@click.argument("filters", nargs=-1)
@click.option("--species", multiple=True, help="A scientific or vernacular name; repeat for more.")
def plot(report: str, output: Path, filters: tuple[str, ...], species: tuple[str, ...]) -> None:
    """Write a report (timeline, species, summary, recent, or reading) to an .svg, .png, .json or .csv file.

    FILTERS are the parameters of the web, as in: interval=month eventDate=2024-01,2024-06
    """
    from api.plot import NoSuchPlot
    from api.plot import plot as draw

    settings = _settings()
    _bring_up(settings)
    arguments = [*_pairs_list(filters), *(("species", name) for name in species)]
    try:
        form, site = output.suffix.lstrip("."), (settings.title, settings.timezone)
        content = draw(settings.web_database, report, form, arguments, *site)
    except NoSuchPlot as error:
        raise click.ClickException(str(error)) from None
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    click.echo(f"{output} ({len(content):,} bytes)", err=True)


@main.command()
@click.option("-o", "--output", type=_FILE, required=True, help="Where to write.")
@click.argument("filters", nargs=-1)
@click.option("--species", multiple=True, help="A scientific or vernacular name; repeat for more.")
@click.option("--format", "form", help="csv, ndjson, parquet or zip (an archive), if not by the ending.")
def export(output: Path, filters: tuple[str, ...], species: tuple[str, ...], form: str | None) -> None:
    """Write whole records to a .csv, .ndjson, .parquet file or a .zip, a Darwin Core Archive.

    FILTERS are the parameters of the web, as in: year=2020,2024 country=AT feed=gbif
    """
    from api.export.saving import NoSuchExport, save

    settings = _settings()
    _bring_up(settings)
    arguments = [*_pairs_list(filters), *(("species", name) for name in species)]
    form = form or output.suffix.lstrip(".")
    try:
        with _counting() as progress:
            made = save(settings.web_database, output, form, arguments, settings.title, progress)
    except NoSuchExport as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{output} ({made.records:,} records, {made.size:,} bytes)", err=True)


@contextmanager
def _counting() -> Iterator[Callable[[int, int], None] | None]:
    """A line on stderr that counts, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        yield lambda done, all_of_them: click.echo(f"\r{done:,} of {all_of_them:,}", nl=False, err=True)
    finally:
        click.echo("\r\033[K", nl=False, err=True)


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
    _bring_up(settings)
    reader = open_reader(settings.web_database, time_limit=600)
    try:
        with reader.begin() as connection:
            yield connection
    finally:
        reader.dispose()


@main.command()
@click.argument("name", required=False)
@_AS_JSON
def formats(name: str | None, as_json: bool) -> None:
    """The formats that are understood; with a NAME, one of them: its columns and a sample."""
    from ingest import explaining
    from ingest.formats import FORMATS

    if name is None:
        everything = {"formats": [explaining.as_json(known) for known in FORMATS]}
        _show(everything, as_json, explaining.tell_formats)
        return
    known = explaining.format_named(name)
    if known is None:
        raise click.UsageError(
            f"There is no format {name!r}; these are: {', '.join(one.name for one in FORMATS)}."
        )
    _show(explaining.as_json(known), as_json, lambda: explaining.tell_format(known))


@main.command()
@click.argument("run", type=int, required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@_AS_JSON
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
@_AS_JSON
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
        if not found:
            click.echo(f"Run {run} kept no rejected rows.", err=True)


@main.command()
@click.argument("run", type=int)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@_AS_JSON
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
@click.option("--date-order", type=_ORDER, help="How to read their dates.")
@click.option("--timezone", callback=_zone, help="Move times that carry an offset into this zone.")
@click.option("--map", **_PAIRS, metavar="THEIRS=OURS", help="A column and the term it means.")
@click.option("--set", **_PAIRS, metavar="TERM=VALUE", help="A value for every row.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@_AS_JSON
def replay(run: int, file: Path | None, as_json: bool, **given: Any) -> None:
    """Read only the rejects of a run again: as they were, or from FILE, a corrected table of `rejects --csv`.

    FILE may also hold the corrected lines alone, as they stand in the input.
    """
    from ingest.replay import CannotReplay
    from ingest.replay import replay as read_again
    from ingest.sources.source import Unreadable
    from ingest.words.columns import UnknownTerm

    settings = _settings()
    with _stoppable():
        try:
            outcome = read_again(_writer(settings), run, file, given)
        except (CannotReplay, Unreadable, UnknownTerm) as error:
            raise click.ClickException(str(error)) from None
        _finish(settings, [outcome], as_json, given["dry_run"])


@main.command()
@click.argument("which", nargs=-1, required=True, metavar="KEY | FEED OCCURRENCE_ID")
@_AS_JSON
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
@_AS_JSON
def status(as_json: bool) -> None:
    """How all stands: data version, records, last run of each feed, database, cache, server, who ingests."""
    from api.serving import outside
    from ingest.state import state, tell_state

    settings = _settings()
    with _reading() as connection:
        found = state(connection, _dues(settings))
    found["cache"] = outside.cache(settings.cache, settings.cache_directory, int(settings.cache_bytes))
    found["server"] = outside.server(settings.host, settings.port, settings.token_of_metrics)
    _show(found, as_json, lambda: tell_state(found))


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
@click.argument("file", type=_FILE)
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


@db.command()
@click.argument("file", type=_FILE)
def restore(file: Path) -> None:
    """Put a copy in the place of an SQLite database, also while it is served; the old one is kept aside."""
    from db.restore import RestoreFailed
    from db.restore import restore as put

    settings = _settings()
    try:
        records, aside = put(settings.database, file)
    except RestoreFailed as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The database is the one of {file} now: {records:,} sightings, and it passed its check.")
    if aside is not None:
        click.echo(f"What was there before is {aside}.")


if __name__ == "__main__":
    main()
