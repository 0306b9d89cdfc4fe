"""Columns of a chunk that are understood together, each distinct value once; knows not what they mean.

A column repeats itself: the same dates, names and places stand in it again and again. So the distinct values
of some columns are found first, in C, and what was understood of one is remembered from chunk to chunk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from db.arrow import pa, pc

_REMEMBERED = 100_000  # distinct values of one group; beyond, all is forgotten, so that memory stays bounded
SEPARATOR = "\x1f"
Given = tuple[str, ...]
Codes = np.ndarray[Any, np.dtype[np.int64]]
log = logging.getLogger("sightings.ingest")


class Refusal(NamedTuple):
    """Why a row is refused: a reason code, the term at fault and a sentence."""

    reason: str
    field: str
    detail: str


class Part(NamedTuple):
    """What was understood of some columns of a row."""

    values: tuple[Any, ...]
    digest: bytes
    """16 bytes, for the fingerprint: of what was understood, not of how it was written."""
    issues: tuple[str, ...] = ()
    refusal: Refusal | None = None


def part(values: tuple[Any, ...], *issues: str, text: str | None = None) -> Part:
    """A part whose identity is the text of its values, if no other is given."""
    said = SEPARATOR.join(map(str, values)) if text is None else text
    return Part(values, blake2b(said.encode(), digest_size=16).digest(), tuple(filter(None, issues)))


def refused(reason: str, term: str, detail: str) -> Part:
    """A part for which the row is refused."""
    return Part((), bytes(16), (), Refusal(reason, term, detail))


@dataclass(frozen=True)
class Understood:
    """A group's columns in one chunk: for each row the number of its part."""

    codes: Codes
    parts: Sequence[Part]

    def column(self, place: int, kind: pa.DataType) -> pa.Array:
        """One of the values of every row; null where it is None or the row is refused."""
        values = pa.array([one.values[place] if one.values else None for one in self.parts], kind)
        if values.null_count == len(values):
            return pa.nulls(len(self.codes), kind)
        return values.take(pa.array(self.codes))

    def digests(self) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """Two numbers for every row; shape (rows, 2)."""
        halves = np.frombuffer(b"".join(one.digest for one in self.parts), dtype="<u8")
        return halves.reshape(-1, 2).take(self.codes, axis=0)

    def where(self, keep: np.ndarray[Any, np.dtype[np.bool_]]) -> Understood:
        """The same for some of the rows."""
        return Understood(self.codes[keep], self.parts)


@dataclass
class Group:
    """Some columns, by their places in the row, and what is known of them already."""

    places: tuple[int, ...]
    understand: Callable[[Given], Part]
    _known: dict[Given, Part] = field(default_factory=dict)

    def of(self, columns: Sequence[pa.Array], rows: int) -> Understood:
        """Understand these columns of so many rows."""
        if not self.places:
            return Understood(np.zeros(rows, np.int64), [self._part(())])
        codes, values = distinct([columns[place] for place in self.places])
        known = self._known  # most are, and a call takes longer than the look
        return Understood(codes, [known.get(value) or self._part(value) for value in values])

    def forget(self) -> None:
        """Give back what is known."""
        self._known.clear()

    def _part(self, given: Given) -> Part:
        found = self._known.get(given)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[given] = self._fresh(given)
        return found

    def _fresh(self, given: Given) -> Part:
        try:
            return self.understand(given)
        except Exception as error:
            # A fault of ours costs the rows with this value, not the file; the log has it whole.
            log.error("%r could not be understood", given, exc_info=error)
            told = f"an unexpected {type(error).__name__}: {error}"[:200]
            return refused("INTERPRETATION_ERROR", "", told)


def distinct(columns: Sequence[pa.Array]) -> tuple[Codes, list[Given]]:
    """For each row the number of its combination of values, and the combinations in order of appearance."""
    codes, uniques = _encoded(columns[0])
    picks = [np.arange(len(uniques))]
    texts = [uniques]
    for column in columns[1:]:
        more, values = _encoded(column)
        both, found = _encoded(pa.array(codes * len(values) + more))
        pairs = np.asarray(found, np.int64)
        picks = [pick[pairs // len(values)] for pick in picks] + [pairs % len(values)]
        texts.append(values)
        codes = both
    cells = (map(values.__getitem__, pick.tolist()) for values, pick in zip(texts, picks, strict=True))
    return codes, list(zip(*cells, strict=True))


def _encoded(column: pa.Array) -> tuple[Codes, list[Any]]:
    found = pc.dictionary_encode(column)
    return found.indices.to_numpy(zero_copy_only=False).astype(np.int64), found.dictionary.to_pylist()
