"""Decoded text to rows: plain blocks at once as columns, all others row by row; knows no encodings.

A block that has no quote, no lone carriage return and no blank line is cut the same way by every reader of
delimited text: Arrow's does it eight times as fast as Python's. Everything else goes to the ``csv`` module.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from pyarrow import csv as arrow_csv

from db.arrow import pa, pc
from ingest.sources.source import DAMAGE, Unreadable
from ingest.text.rows import Chunk, Columnar, Row

BLOCK = 3 << 20
"""Characters that are looked at together: what a third more takes, several steps hold at once."""
_SAMPLE_ROWS = 1_000
_LINE_FEED, _CARRIAGE_RETURN = b"\n\r"
_LONGEST = 1 << 20  # a cell beyond this is a quote that was never closed, or no table
csv.field_size_limit(_LONGEST)


@dataclass
class Cutter:
    """Cuts one text into chunks: one for each plain block, and else of at most ``most`` rows."""

    name: str
    text: IO[str]
    delimiter: str
    quote: str
    line: int
    """The line at which the text stands, counted from 1."""
    most: int
    position: Callable[[], int]
    """How many bytes have been read."""
    _rest: str = ""
    _left: int = 0
    _width: int = 0

    def chunks(self) -> Iterator[Chunk]:
        """All rows, the first as lists, in the order of the text. Raises Unreadable where it breaks off."""
        try:
            yield from self._chunks()
        except csv.Error as error:
            raise Unreadable(f"{self.name} cannot be cut into rows at line {self.line}: {error}.") from None
        except (*DAMAGE, ValueError) as error:
            raise Unreadable(f"{self.name} breaks off near line {self.line}: {error}.") from None

    def _chunks(self) -> Iterator[Chunk]:
        size = min(BLOCK, 1 << 16)  # a small first block: whoever only looks at a header reads no more
        while block := self._block(size):
            size = BLOCK
            rows = self._at_once(block) if self._width else None
            if rows is None:
                yield from self._row_by_row(block)
                continue
            first, self.line = self.line, self.line + len(rows)
            yield Chunk(range(first, self.line), rows, self.position())

    def _block(self, size: int) -> str:
        """The next so many characters up to the end of a line; all that is left where none ends."""
        block = self._rest
        while more := self.text.read(size):
            if len(more) < size:  # the end of the text: its last line, too, whether it has an end or not
                self._rest = ""
                return block + more
            end = more.rfind("\n")
            if end < 0 and "\n" not in block:
                # Lines that end with a carriage return alone; the very last may be half of a pair.
                end = more.rfind("\r", 0, -1)
            if end >= 0:
                self._rest = more[end + 1 :]
                return block + more[: end + 1]
            block += more
        self._rest = ""
        return block

    def _at_once(self, block: str) -> Columnar | None:
        if self.quote in block or "\x00" in block:
            return None
        try:
            # Halves of characters, which a reader in Python can let through, have no place in Arrow's text.
            encoded = block.encode()
            table = _read(encoded, self._width, self.delimiter)
        except (pa.ArrowInvalid, UnicodeEncodeError):
            return None  # a row of another width: it is told by its line
        if table.num_rows != _lines(encoded):
            return None  # a blank line is no row, but is counted
        columns = [column.combine_chunks() for column in table.columns]
        if any(column.nbytes > _LONGEST and _longest(column) > _LONGEST for column in columns):
            return None  # the csv module refuses it, and tells the line
        return Columnar(columns)

    def _row_by_row(self, block: str) -> Iterator[Chunk]:
        reader = csv.reader(self._lines(block), delimiter=self.delimiter, quotechar=self.quote)
        lines: list[int] = []
        rows: list[Row] = []
        first = self.line
        for row in reader:
            if row:
                lines.append(self.line)
                rows.append(row)
            self.line = first + reader.line_num
            if not self._width and len(rows) == _SAMPLE_ROWS:
                self._learn_width(rows)
            if len(rows) == self.most:
                yield Chunk(lines, rows, self.position())
                lines, rows = [], []
            if not self._left:
                break
        if not self._width and rows:
            self._learn_width(rows)
        if rows:
            yield Chunk(lines, rows, self.position())

    def _learn_width(self, rows: list[Row]) -> None:
        ((self._width, _),) = Counter(map(len, rows)).most_common(1)

    def _lines(self, block: str) -> Iterator[str]:
        """The lines of this block, and of those behind it as long as a quoted cell goes on."""
        while block:
            lines = list(io.StringIO(block, newline=""))
            for done, line in enumerate(lines, 1):
                self._left = len(lines) - done
                yield line
            block = self._block(BLOCK)
        raise Unreadable(f"{self.name} has a quote at line {self.line} that is never closed.")


def _lines(block: bytes) -> int | None:
    """How many lines there are; None where a carriage return stands alone, an end for some readers."""
    # Arrays, because Python is quick to find one character, and slow to find two or to count.
    codes = np.frombuffer(block, np.uint8)
    feeds = codes == _LINE_FEED
    if b"\r" in block:
        returns = codes == _CARRIAGE_RETURN
        if returns[-1] or (returns[:-1] & ~feeds[1:]).any():
            return None
    return int(np.count_nonzero(feeds)) + (not feeds[-1])


def _longest(column: pa.Array) -> int:
    return int(pc.max(pc.binary_length(column)).as_py() or 0)


def _read(block: bytes, width: int, delimiter: str) -> pa.Table:
    names = [str(number) for number in range(width)]
    return arrow_csv.read_csv(
        pa.BufferReader(block),
        arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
        arrow_csv.ParseOptions(delimiter=delimiter, quote_char=False),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    )
