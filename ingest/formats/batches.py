"""Rows one after the other -> chunks of bounded size; knows no source and no meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ingest.text.rows import Chunk
from ingest.text.text import CHUNK

_MOST_CELLS = 1_000_000
_MOST_CHARACTERS = 1 << 24  # a record of iNaturalist's API may be 200 kB long, and 20,000 of them 4 GB


@dataclass(frozen=True)
class NoRecord:
    """What stands where a record should and is none, as it was written."""

    text: str


Row = list[str] | NoRecord


def batches(rows: Iterable[tuple[int, Row]], done: Callable[[], int]) -> Iterator[Chunk]:
    """Numbered rows in chunks. ``done`` tells at the end of each how many bytes have been read."""
    batch = _Batch()
    for number, row in rows:
        batch.add(number, row)
        if batch.is_full():
            yield batch.chunk(done())
            batch = _Batch()
    if batch.lines or batch.unfit:
        yield batch.chunk(done())


@dataclass
class _Batch:
    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    unfit: list[tuple[int, list[str]]] = field(default_factory=list)
    characters: int = 0

    def add(self, number: int, row: Row) -> None:
        if isinstance(row, NoRecord):
            # One field alone: the parser takes it for something that could not be cut into fields.
            self.unfit.append((number, [row.text]))
            self.characters += len(row.text)
        else:
            self.lines.append(number)
            self.rows.append(row)
            self.characters += sum(map(len, row))

    def is_full(self) -> bool:
        if len(self.lines) + len(self.unfit) >= CHUNK or self.characters > _MOST_CHARACTERS:
            return True
        return bool(self.rows) and len(self.rows) * len(self.rows[-1]) > _MOST_CELLS

    def chunk(self, done: int) -> Chunk:
        return Chunk(self.lines, self.rows, done, self.unfit)
