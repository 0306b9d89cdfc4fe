"""Rows one after the other -> chunks of bounded size; knows no source and no meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ingest.text import CHUNK, Chunk

_MOST_CELLS = 1_000_000
_MOST_CHARACTERS = 1 << 24  # a record of iNaturalist's API may be 200 kB long, and 20,000 of them 4 GB


@dataclass(frozen=True)
class NoRecord:
    """What stands where a record should and is none, as it was written."""

    text: str


Row = list[str] | NoRecord


def batches(rows: Iterable[tuple[int, Row]], done: Callable[[], int]) -> Iterator[Chunk]:
    """Numbered rows in chunks. ``done`` tells at the end of each how many bytes have been read."""
    chunk, cells, characters = Chunk([], []), 0, 0
    for number, row in rows:
        if isinstance(row, NoRecord):
            # One field alone: the parser takes it for something that could not be cut into fields.
            chunk.unfit.append((number, [row.text]))
            characters += len(row.text)
        else:
            chunk.lines.append(number)
            chunk.rows.append(row)
            cells += len(row)
            characters += sum(map(len, row))
        if _is_full(chunk, cells, characters):
            yield Chunk(chunk.lines, chunk.rows, done(), chunk.unfit)
            chunk, cells, characters = Chunk([], []), 0, 0
    if chunk.lines or chunk.unfit:
        yield Chunk(chunk.lines, chunk.rows, done(), chunk.unfit)


def _is_full(chunk: Chunk, cells: int, characters: int) -> bool:
    rows = len(chunk.lines) + len(chunk.unfit)
    return rows >= CHUNK or cells > _MOST_CELLS or characters > _MOST_CHARACTERS
