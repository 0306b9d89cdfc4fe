"""What filters cover and what that rests on, found once for each data version; knows no cache of answers."""

from __future__ import annotations

import threading

from sqlalchemy import Connection

from db.file import Mark, file_of
from db.filters import Filters, Scope, scope
from db.questions.basis import Basis, basis
from db.watch import newest

MOST = 4_096
"""Kept at a time: a few hundred bytes each, more where a question names many taxa."""
_Asked = tuple[Filters, int | None, bool]


class Grounds:
    """Scopes and their bases, as of the newest version; a commit is the end of all that are known.

    It may be asked from several threads, each in a transaction of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: tuple[tuple[int, str | None], Mark | None] | None = None
        self._known: dict[_Asked, tuple[Scope, Basis]] = {}

    def find(
        self, connection: Connection, filters: Filters, as_of: int | None = None, feeds_told: bool = True
    ) -> tuple[Scope, Basis]:
        """The scope of filters and its basis, as this transaction sees them. Raises NotYet."""
        # Another database in the place of this one may have made the same version in the same second.
        at, asked = (newest(connection), file_of(connection)), (filters, as_of, feeds_told)
        with self._lock:
            known = self._known.get(asked) if at == self._at else None
        if known is not None:
            return known
        covered = scope(connection, filters, as_of)
        found = covered, basis(connection, covered, feeds_told)
        with self._lock:
            if at != self._at or len(self._known) >= MOST:
                self._at, self._known = at, {}
            self._known[asked] = found
        return found
