"""What every reader is asked and gives: named columns and numbered rows; knows no meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ingest.sources.source import Source
from ingest.text.rows import Chunk, Columnar, Row
from ingest.words.days import Order

_PORTION = 5_000


@dataclass(frozen=True)
class Wanted:
    """What the operator says of how a source is to be read; a format takes what concerns it."""

    sheet: str | None = None
    """The sheet of a workbook, by its name or its number from 1."""
    min_confidence: float = 0.0
    """Detections of a machine below this are skipped; 0 to 1."""
    given: frozenset[str] = frozenset()
    """The terms that the operator gives (``--set``, ``--map``): a reader need not look for them."""


@dataclass(frozen=True)
class About:
    """A format explained to people."""

    text: str
    """A paragraph: where it comes from, what is special about it."""
    columns: dict[str, str] = field(default_factory=dict)
    """Their column -> what it is taken for: a term, or a few words."""
    sample: str = ""
    """A few lines as they stand in such a file."""
    source: str = ""
    """Where the format is described."""


@dataclass(frozen=True)
class Table:
    """The rows of one input under its own column names."""

    columns: tuple[str, ...]
    chunks: Callable[[], Iterator[Chunk]]
    """Reads all rows, from the start at each call."""
    size: int
    """Bytes to read, for the progress."""
    delimiter: str = ","
    feed: str | None = None
    """The global source that this comes from, where the format tells."""
    told: dict[str, str] = field(default_factory=dict)
    """Column -> term, where the format is surer than the catalogue of names; '' where it means none."""
    notes: tuple[str, ...] = ()
    """What a person should know: a guessed encoding."""
    parts: tuple[Source, ...] = ()
    """Other sources that the rows are made from (the deployments beside observations)."""
    date_order: Order | None = None
    """Day/month order, where the format tells."""


def unique(names: list[str]) -> tuple[str, ...]:
    """Column names, stripped; an empty one gets its number, one that comes again a suffix."""
    seen: dict[str, int] = {}
    columns = []
    for number, name in enumerate(names, 1):
        plain = name.strip().strip("\ufeff") or f"column {number}"
        seen[plain] = seen.get(plain, 0) + 1
        columns.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return tuple(columns)


def fitted(chunk: Chunk, width: int) -> Chunk:
    """The same rows, each exactly so wide: empty fields fill up, and a row with more is for the parser."""
    if _is_wide(chunk.rows, width):
        return chunk
    lines, rows, unfit = [], [], list(chunk.unfit)
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        if any(row[width:]):
            unfit.append((line, row))
            continue
        lines.append(line)
        rows.append((row + [""] * (width - len(row)))[:width])
    return Chunk(lines, rows, chunk.done, unfit, chunk.skipped)


def portions(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same rows in smaller chunks: to look at rows one by one, each is made into a list."""
    for chunk in chunks:
        if len(chunk.rows) <= _PORTION:
            yield chunk
            continue
        for start in range(0, len(chunk.rows), _PORTION):
            part = slice(start, start + _PORTION)
            rest = chunk if start == 0 else Chunk([], [])
            yield Chunk(chunk.lines[part], chunk.rows[part], chunk.done, rest.unfit, rest.skipped)


def _is_wide(rows: Sequence[Row], width: int) -> bool:
    if isinstance(rows, Columnar):
        return len(rows.columns) == width
    return all(len(row) == width for row in rows)
