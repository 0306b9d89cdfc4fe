"""JSON read piece by piece: the lists of a document and what is in them; knows no meaning of any key.

A value of a list is decoded whole, everything around it is walked through, so that memory does not grow with
the file. Source: RFC 8259.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Any

LONGEST = 1 << 24
"""Characters of one record; what is longer is none."""
DEEPEST = 12
"""So many objects may lie around a list."""
Path = tuple[str, ...]
_BLOCK = 1 << 18
_CERTAIN = 64  # an error so far from the end of what was read will not go away with more of it
_NOT_BLANK = re.compile(r"[^ \t\r\n\ufeff]")


class Broken(ValueError):
    """The text is not JSON; the message says what is wrong, and on which line."""


class Number(str):
    """A number as it was written: 9007199254740993 and 1.10 stay what they are."""

    __slots__ = ()


def _unlike_numbers(word: str) -> str:
    """NaN, which is no JSON, is how pandas and R write "nothing"; infinity stays, for the parser to flag."""
    return "" if word == "NaN" else Number(word)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Of a key that comes again the last value counts, as everywhere, and the others are kept."""
    found = dict(pairs)
    if len(found) < len(pairs):
        last = {key: place for place, (key, _) in enumerate(pairs)}
        for place, (key, value) in enumerate(pairs):
            if place != last[key] and value != found[key]:
                found[free(key, found)] = value
    return found


def free(name: str, taken: dict[str, Any]) -> str:
    """The name, with a number where it is taken already."""
    number, free_name = 1, name
    while free_name in taken:
        number += 1
        free_name = f"{name} ({number})"
    return free_name


# Line breaks within texts are against the standard and harmless: strict=False lets them be.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=Number,
    parse_float=Number,
    parse_constant=_unlike_numbers,
    strict=False,
)


def decode(text: str) -> Any:
    """One value that is the whole text. Raises Broken."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise Broken("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Broken(f"{error.msg.lower()} at column {error.colno}") from None


class Reader:
    """Goes through a text of JSON once, from its start to its end."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._lines = 1
        self._ended = False

    def peek(self) -> str:
        """The next character that is not blank, without going beyond it; "" at the end."""
        while True:
            found = _NOT_BLANK.search(self._buffer, self._at)
            if found:
                self._at = found.start()
                return found.group()
            self._at = len(self._buffer)
            if not self._more():
                return ""

    def value(self) -> Any:
        """The next value, whole. Raises Broken where there is none, or none that is short enough."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise self._broken("it is nested too deeply", self._at) from None
            except json.JSONDecodeError as error:
                self._look_on(error)
            else:
                # A number at the end of what was read may go on.
                if end < len(self._buffer) or not self._more():
                    self._at = end
                    return value

    def elements(self) -> Iterator[Any]:
        """The values of the list that begins here."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield self.value()
            if self._take(",]") == "]":
                return

    def keys(self) -> Iterator[str]:
        """The keys of the object that begins here; each one's value has to be read before the next key."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            key = self.value() if self.peek() == '"' else None
            if key is None:
                raise self._broken("a key is missing", self._at)
            self._take(":")
            yield str(key)
            if self._take(",}") == "}":
                return

    def end(self) -> None:
        """Make sure that nothing follows. Raises Broken."""
        if self.peek():
            raise self._broken("it goes on after its end", self._at)

    def _take(self, wanted: str) -> str:
        found = self.peek()
        if not found:
            raise self._broken("it breaks off", self._at)
        if found not in wanted:
            raise self._broken(f"{found!r} stands where {' or '.join(wanted)} should", self._at)
        self._at += 1
        return found

    def _look_on(self, error: json.JSONDecodeError) -> None:
        """Read more of a value that did not end yet. Raises Broken where that cannot help."""
        read = len(self._buffer)
        certain = error.pos < read - _CERTAIN and not error.msg.startswith("Unterminated string")
        if certain:
            raise self._broken(error.msg.lower(), error.pos)
        if read - self._at > LONGEST:
            raise self._broken(f"one record is longer than {LONGEST >> 20} MB", self._at)
        if not self._more():
            near = error.pos >= len(self._buffer.rstrip()) - 1 or error.msg.startswith("Unterminated")
            raise self._broken("it breaks off" if near else error.msg.lower(), error.pos)

    def _more(self) -> bool:
        rest = len(self._buffer) - self._at
        # As much again as is there already: a long record is then decoded few times.
        block = "" if self._ended else self._text.read(max(_BLOCK, rest))
        self._ended = not block
        if block:
            self._lines += self._buffer.count("\n", 0, self._at)
            self._buffer, self._at = self._buffer[self._at :] + block, 0
        return bool(block)

    def _broken(self, what: str, place: int) -> Broken:
        return Broken(f"{what} at line {self._lines + self._buffer.count(chr(10), 0, place)}")


def walk(reader: Reader, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of every list that only objects lie around, with the keys that lead to the list."""
    opening = reader.peek()
    if opening == "[":
        for value in reader.elements():
            yield path, value
    elif opening == "{" and len(path) < DEEPEST:
        for key in reader.keys():  # noqa: SIM118 - not a dict's: they come one by one
            yield from walk(reader, (*path, key))
    else:
        reader.value()
