"""Finished answers in memory, by request line and what is negotiated, the least recently used out.

Knows no request. Everything here belongs to one thread, that of the event loop: there is nothing to lock.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from werkzeug.http import remove_entity_headers

from api.answering.lasting import Lasting
from api.answering.negotiation import chosen, preferred
from api.edge.behind import Headers, Reply
from db.watch import Seen

_BESIDE_BYTES = 3_300
"""What an entry takes beside its body, its line and both lists of headers; measured with tracemalloc."""
_OF_THE_BODY = ("link",)
"""Where an answer goes on is known with its body only; a 304 does not tell it again."""


Where = tuple[str, str]
"""A request line: path and query."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer in one coding and language, and how long it holds."""

    at: Seen
    """The data that it was last found right for."""
    quarter: int
    """The quarter of an hour likewise: a new day, in any time zone, begins with one."""
    tag: str
    """The ETag, in its quotes."""
    unchanged: Headers
    """The headers of a 304."""
    head: Headers | None
    """Those of a 200; None where no body has been seen yet."""
    body: bytes
    until: float = float("inf")
    """When it ends though the data stay, in seconds since 1970."""


@dataclass(slots=True)
class Line:
    """All that is known of a request line."""

    where: Where
    offered: tuple[str, ...]
    languages: tuple[str, ...]
    route: str
    entries: dict[str, Entry] = field(default_factory=dict)
    """By what of all that is on offer they are in."""


class Memory:
    """Lines and their entries, within a bound of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lines: OrderedDict[Where, Line] = OrderedDict()
        self.bytes = 0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._lines)

    def get(self, where: Where) -> Line | None:
        """The line of a path and a query, and it is used now."""
        line = self._lines.get(where)
        if line is not None:
            self._lines.move_to_end(where)
        return line

    def keep(self, where: Where, variant: str, lasting: Lasting, entry: Entry) -> None:
        """Keep an entry, in place of the one before it."""
        line = self._lines.get(where)
        if line is None or (line.offered, line.languages) != (lasting.offered, lasting.languages):
            self._forget(where)
            line = self._lines[where] = Line(where, lasting.offered, lasting.languages, lasting.route)
        self.bytes += _size(entry) - _size(line.entries.get(variant))
        line.entries[variant] = entry
        self._lines.move_to_end(where)
        while self.bytes > self._most_bytes:
            self._forget(next(iter(self._lines)))
            self.evictions += 1

    def _forget(self, where: Where) -> None:
        line = self._lines.pop(where, None)
        if line is not None:
            self.bytes -= sum(_size(entry) for entry in line.entries.values())

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()
        self.bytes = 0


def variant(of: Line | Lasting, accepted: str, spoken: str) -> str:
    """Which of the answers on offer a request gets, by its Accept-Encoding and its Accept-Language."""
    coding = chosen(accepted, of.offered)
    return f"{coding} {preferred(spoken, of.languages)}" if of.languages else coding


def _size(entry: Entry | None) -> int:
    return 0 if entry is None else len(entry.body) + _BESIDE_BYTES


def entry_of(reply: Reply, at: Seen, quarter: int, before: Entry | None) -> Entry | None:
    """The entry that a reply makes: a 304 proves the one before right once more, or stands alone."""
    tag = next((value for name, value in reply.headers if name == "ETag"), None)
    if tag is None:
        return None
    until = reply.lasting.until if reply.lasting else float("inf")
    if reply.status == 200:
        return Entry(at, quarter, tag, _of_304(reply.headers), reply.headers, reply.body, until)
    if before is None or before.tag != tag or before.head is None:
        return Entry(at, quarter, tag, reply.headers, None, b"", until)
    version = dict(reply.headers).get("X-Data-Version")
    head = [(name, version if name == "X-Data-Version" and version else value) for name, value in before.head]
    return Entry(at, quarter, tag, reply.headers, head, before.body, until)


def _of_304(headers: Headers) -> Headers:
    left = [(name, value) for name, value in headers if name.lower() not in _OF_THE_BODY]
    remove_entity_headers(left)
    return left
