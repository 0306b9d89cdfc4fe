"""Reading the rejects of a run again, after a fix of the mapping or of the rows; one more run of its feed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from db.engine import LOOK
from db.models import Feed, Run
from db.questions.ledger import rejects
from db.store import Input
from ingest import rejects as files
from ingest.formats.table import Table
from ingest.known import UNDERSTANDING
from ingest.outcome import Options, Outcome
from ingest.run import ingest_again
from ingest.sources.source import Source, Unreadable, of_file, sha256
from ingest.text.text import CHUNK, Chunk
from ingest.words import columns

_AS_IN_THE_FILE = ("gbif", "inaturalist", "table")
"""Formats whose columns are those of the file: in others a row of another width cannot be corrected alone."""


class CannotReplay(ValueError):
    """There is nothing to read again; the message is one sentence that says why."""


@dataclass(frozen=True)
class Given:
    """One row to read again: where it stood, and its fields."""

    line: int
    fields: list[str]
    fits: bool = True


def replay(writer: Engine, run_id: int, file: Path | None, said: Mapping[str, Any]) -> Outcome:
    """Read what a run refused again, with its options and what is said anew, from the ledger or a file.

    ``said`` are Options that replace those of the run, ``map`` and ``set`` one by one. Raises CannotReplay,
    Unreadable or db.lock.Locked.
    """
    with writer.connect().execution_options(**LOOK) as connection:
        run, feed = _run(connection, run_id)
        rows = [*rejects(connection, run.repeats or run.id, limit=None)]
    if not rows:
        raise CannotReplay(f"Run {run_id} refused no rows: there is nothing to read again.")
    found = run.options.get("found", {})
    delimiter = found.get("delimiter", ",")
    corrected = of_file(file) if file else None
    given = list(_of_file(corrected, run, delimiter) if corrected else _of_ledger(rows, run, delimiter))
    options = _options(run, feed, said)
    anew = {columns.known_term(term) for term in options.map.values()}
    table = Table(
        columns=tuple(run.columns),
        chunks=lambda: _chunks(given),
        size=len(given),
        delimiter=delimiter,
        told={column: term for column, term in run.terms.items() if term not in anew},
    )
    what = Input(
        name=corrected.name if corrected and not _is_export(corrected) else run.input,
        feed=feed.name,
        format=run.format,
        sha256=sha256(corrected) if corrected else None,
        made_up=bool(feed.made_up),
        bytes=corrected.size if corrected else None,
        options={"understanding": UNDERSTANDING, "said": options.said()},
        replays=run.repeats or run.id,
    )
    options = replace(options, date_order=options.date_order or found.get("date_order"))
    return ingest_again(writer, what, table, options, found)


def _run(connection: Connection, run_id: int) -> tuple[Row[*tuple[Any, ...]], Row[*tuple[Any, ...]]]:
    run = connection.execute(select(Run.__table__).where(Run.id == run_id)).first()
    if run is None:
        raise CannotReplay(f"There is no run {run_id}.")
    if run.status not in ("committed", "unchanged"):
        raise CannotReplay(f"Run {run_id} is {run.status}: ingest its file again instead.")
    feed = connection.execute(select(Feed.__table__).where(Feed.id == run.feed_id)).one()
    return run, feed


def _options(run: Row[*tuple[Any, ...]], feed: Row[*tuple[Any, ...]], said: Mapping[str, Any]) -> Options:
    """Those of the run, with what is said anew in their place."""
    known = {one.name for one in fields(Options)}
    before = {name: value for name, value in run.options.get("said", {}).items() if name in known}
    anew = {name: value for name, value in said.items() if value is not None}
    for name in ("map", "set"):
        anew[name] = {**before.get(name, {}), **anew.get(name, {})}
    return Options(**{**before, **anew, "feed": feed.name, "made_up": bool(feed.made_up)})


def _of_ledger(rows: list[dict[str, Any]], run: Row[*tuple[Any, ...]], delimiter: str) -> Iterator[Given]:
    for row in rows:
        fits = row["reason"] != "FIELD_COUNT" or run.format in _AS_IN_THE_FILE
        yield Given(row["line"], files.cells(row["raw"], delimiter), fits)


def _of_file(source: Source, run: Row[*tuple[Any, ...]], delimiter: str) -> Iterator[Given]:
    """The rows of a corrected table of rejects, or of a file of corrected lines, with or without header."""
    text = _text(source)
    if _is_export(source):
        for number, row in enumerate(csv.DictReader(StringIO(text, newline="")), 2):
            line = files.bare(row.get("line") or "")
            if not line.isdigit() or row.get("raw") is None:
                raise Unreadable(f"{source.name} has no line number or no row in its row {number}.")
            yield Given(int(line), files.cells(files.bare(row["raw"]), delimiter))
        return
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    for cells in reader:
        if cells and not (begins == 1 and [cell.strip() for cell in cells] == list(run.columns)):
            yield Given(begins, cells)
        begins = reader.line_num + 1


def _text(source: Source) -> str:
    try:
        with source.open() as file:
            return file.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(
            f"{source.name} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from None


def _is_export(source: Source) -> bool:
    return _text(source).partition("\n")[0].strip().split(",") == list(files.COLUMNS)


def _chunks(given: list[Given]) -> Iterator[Chunk]:
    for start in range(0, len(given), CHUNK):
        some = given[start : start + CHUNK]
        fit, unfit = [one for one in some if one.fits], [one for one in some if not one.fits]
        yield Chunk(
            [one.line for one in fit],
            [one.fields for one in fit],
            start + len(some),
            [(one.line, one.fields) for one in unfit],
        )
