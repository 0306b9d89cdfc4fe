"""What all camera traps have in common: frames without an animal, what a machine saw; knows no columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from ingest.formats.reshape import places
from ingest.formats.table import Table, fitted, portions, unique
from ingest.text.rows import Chunk
from ingest.words import columns

_REASONS = {
    "BLANK": "blank, empty, no animal, misfire, misfired",
    "HUMAN": "human, humans, person, people, homo sapiens, human-camera trapper, human-maasai",
    "VEHICLE": "vehicle, vehicles, car, motor vehicle",
    "SETUP": "setup, pickup, setup_pickup, setup/pickup, calibration, calibration photos, time lapse",
    "UNKNOWN": "unknown, undefined, unidentified, unknown species, unidentifiable",
    "UNCLASSIFIED": "unclassified, cv needed, cv failed, no cv result",
}
_REASON_OF = {word: reason for reason, words in _REASONS.items() for word in words.split(", ")}

_BASIS, _MACHINE = "basisOfRecord", "MachineObservation"

Judge = Callable[[Sequence[list[str]]], Sequence[str]]
"""Rows -> for each the reason for which it is no sighting, "" for one that is."""


def no_animal(*words: str) -> str:
    """The reason for which a frame that is called so is no sighting; "" where none of the words is one."""
    plain = [word.strip().casefold() for word in words]
    return next((_REASON_OF[word] for word in plain if word in _REASON_OF), "")


def places_of(table: Table) -> dict[str, int]:
    """Plain column name -> place, of the first of each."""
    return places(table.columns)


def told_of(table: Table, terms: dict[str, str]) -> dict[str, str]:
    """Column -> term by what is known of a format (plain column name -> term); of a term the first counts."""
    found, told = places(table.columns), dict[str, str]()
    for name, term in terms.items():
        if name in found and term not in told.values():
            told[table.columns[found[name]]] = term
    return told


def sightings(table: Table, judge: Judge) -> Table:
    """The table without the frames that hold no animal; each record of it is what a machine observed."""
    known = columns.understand(table.columns, table.told)
    extra = [] if _BASIS in known.values() else [_MACHINE]
    names = unique([*table.columns, _BASIS]) if extra else table.columns
    told = table.told | ({names[-1]: _BASIS} if extra else {})
    width = len(table.columns)
    chunks = table.chunks
    return replace(
        table,
        columns=names,
        told=told,
        chunks=lambda: (_sifted(fitted(chunk, width), judge, extra) for chunk in portions(chunks())),
    )


def _sifted(chunk: Chunk, judge: Judge, extra: list[str]) -> Chunk:
    skipped = Counter(chunk.skipped)
    lines, rows, given = [], [], list(chunk.rows)
    for line, row, reason in zip(chunk.lines, given, judge(given), strict=True):
        if reason:
            skipped[reason] += 1
        else:
            lines.append(line)
            rows.append(row + extra)
    return Chunk(lines, rows, chunk.done, chunk.unfit, dict(skipped))
