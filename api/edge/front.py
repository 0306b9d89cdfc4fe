"""The edge: what is known is answered from memory, all else by the application. Knows no route.

It runs in the event loop of its worker, in one thread, and never waits there. An entry holds as long as the
data version that it was found right for is the newest: that is asked before every answer.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

from werkzeug.http import parse_etags

from api.border import MOST_HEADER_BYTES
from api.edge.behind import Behind, Crowded, Reply
from api.edge.eager import begin_at_once
from api.edge.held import hear_signals
from api.edge.memory import Entry, Line, Memory, Where, entry_of, variant
from db.precedence import come_first
from db.watch import Seen, Watch

QUARTER_SECONDS = 900
_TELL_SECONDS = 1.0
_WITH_THE_FIRST_SECONDS = 0.25
"""Who asks for what somebody else is being given waits for it, no longer: a thread each would cost more than
most answers. What takes longer, the application too makes only once."""
_MOST_HOSTS = 100
_CHANGE_THE_ANSWER = frozenset(("if-match", "content-length", "transfer-encoding"))

Answered = dict[tuple[Where, str, str, str], int]
"""How many were answered from memory, by request line, route, ETag and outcome (``edge``, ``304``)."""


class Edge:
    """An RSGI application; ``granian --interface rsgi`` calls it."""

    def __init__(
        self,
        behind: Behind,
        watch: Watch,
        memory: Memory,
        refuse: Callable[[], Reply],
        tell: Callable[[Answered], None],
    ) -> None:
        self._behind, self._watch, self._memory, self._refuse = behind, watch, memory, refuse
        self._tell = tell
        self._hosts: set[str] = set()
        """What requests that were answered called this host: another name may be refused."""
        self._answers: Answered = {}
        self._under_way: dict[Where, asyncio.Future[None]] = {}
        """What is being asked of the application, by whoever was the first to ask for it."""

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """The worker begins."""
        come_first()
        begin_at_once(loop)
        # What is there now stays: to search it for circles again stops all threads for a tenth of a second.
        gc.collect()
        gc.freeze()
        loop.call_soon(hear_signals)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        where, at = (scope.path, scope.query_string), self._watch.now()
        if self._known(where, scope, protocol, at):
            return
        first = self._under_way.get(where)
        if first is not None and self._memory.get(where) is None and scope.method == "GET":
            await asyncio.wait((first,), timeout=_WITH_THE_FIRST_SECONDS)
            at = self._watch.now()
            if self._known(where, scope, protocol, at):
                return
        self.tell()
        await self._give(await self._ask(where, scope, at), protocol)

    def _known(self, where: Where, scope: Any, protocol: Any, at: Seen | None) -> bool:
        """Answer from memory, if it is there and right."""
        line = self._memory.get(where) if at is not None else None
        return line is not None and at is not None and self._answered(scope, protocol, line, at)

    def __rsgi_del__(self, _loop: object) -> None:
        """The worker ends."""
        self.tell()
        self._behind.close()
        self._watch.close()

    def _answered(self, scope: Any, protocol: Any, line: Line, at: Seen) -> bool:
        """Answer from memory, if what stands there is right for this request."""
        method = scope.method
        if method not in ("GET", "HEAD"):
            return False
        size, accepted, spoken, condition, host = 0, "", "", "", ""
        for name, value in scope.headers.items():
            size += len(value)
            if name == "accept-encoding":
                accepted = f"{accepted},{value}" if accepted else value
            elif name == "accept-language":
                spoken = f"{spoken},{value}" if spoken else value
            elif name == "if-none-match":
                condition = f"{condition},{value}" if condition else value
            elif name == "host":
                host = f"{host},{value}" if host else value
            elif name in _CHANGE_THE_ANSWER:
                return False
        if size > MOST_HEADER_BYTES or host not in self._hosts:
            return False
        entry = line.entries.get(variant(line, accepted, spoken))
        if entry is None or entry.at is not at or not _holds(entry, time.time()):
            return False
        return self._given(protocol, line, entry, method, condition)

    def _given(self, protocol: Any, line: Line, entry: Entry, method: str, condition: str) -> bool:
        if condition and (condition == entry.tag or _matches(condition, entry.tag)):
            outcome = "304"
            protocol.response_empty(304, entry.unchanged)
        elif entry.head is None:
            return False
        else:
            outcome = "edge"
            if method == "HEAD":
                protocol.response_empty(200, entry.head)
            else:
                protocol.response_bytes(200, entry.head, entry.body)
        if not self._answers:  # told by itself, also where nobody asks any more
            asyncio.get_running_loop().call_later(_TELL_SECONDS, self.tell)
        counted = (line.where, line.route, entry.tag, outcome)
        self._answers[counted] = self._answers.get(counted, 0) + 1
        return True

    def tell(self) -> None:
        """Tell how often was answered what since this was told last; a second later at the latest."""
        if self._answers:
            answers, self._answers = self._answers, {}
            self._tell(answers)

    async def _ask(self, where: Where, scope: Any, at: Seen | None) -> Reply:
        """The application's reply, remembered if it lasts before anybody is told that it is there."""
        quarter, loop = int(time.time() // QUARTER_SECONDS), asyncio.get_running_loop()
        mine = self._under_way.setdefault(where, future := loop.create_future()) is future
        try:
            reply = await self._behind.ask(scope)
            if at is not None:
                self._keep(where, scope, reply, at, quarter)
            return reply
        except Crowded:
            return self._refuse()
        finally:
            if mine:
                self._under_way.pop(where).set_result(None)

    async def _give(self, reply: Reply, protocol: Any) -> None:
        if reply.pieces is not None:
            await reply.pieces.send(protocol.response_stream(reply.status, reply.headers))
        elif reply.body:
            protocol.response_bytes(reply.status, reply.headers, reply.body)
        else:
            protocol.response_empty(reply.status, reply.headers)

    def _keep(self, where: Where, scope: Any, reply: Reply, at: Seen, quarter: int) -> None:
        """Remember a reply that lasts, if it was made from the data that was there before."""
        lasting = reply.lasting
        if lasting is None or scope.method != "GET" or reply.status not in (200, 304):
            return
        if lasting.version != at.version or reply.pieces is not None:
            return
        headers = scope.headers
        accepted, spoken = (",".join(headers.get_all(f"accept-{what}")) for what in ("encoding", "language"))
        given = variant(lasting, accepted, spoken)
        line = self._memory.get(where)
        before = line.entries.get(given) if line is not None else None
        entry = entry_of(reply, at, quarter, before)
        if entry is not None:
            self._memory.keep(where, given, lasting, entry)
            if len(self._hosts) >= _MOST_HOSTS:  # somebody makes names up; the real one is back at once
                self._hosts.clear()
            self._hosts.add(",".join(headers.get_all("host")))


def _holds(entry: Entry, now: float) -> bool:
    """Whether no day can have begun since, and its own end has not come."""
    return now < entry.until and entry.quarter == int(now // QUARTER_SECONDS)


def _matches(condition: str, tag: str) -> bool:
    """Whether If-None-Match names this tag (RFC 9110, 13.1.2: weak comparison)."""
    asked = parse_etags(condition)
    return bool(asked.star_tag or asked.contains_weak(tag.strip('"')))
