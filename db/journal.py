"""Which input is being read: noted before its run begins, so that an ingester that dies leaves a word of it.

The note is gone with the transaction that writes the input's line into the ledger. So whoever holds the lock
and finds one knows that its ingester died, and that nothing of the input was kept.
"""

from __future__ import annotations

import os
import socket

from sqlalchemy import Connection, delete, insert, select

from db.models import Running
from db.store import Input, Tally, now, record_failure


def note(connection: Connection, what: Input) -> None:
    """Write down what is about to be read; whatever is noted still was left by one that died."""
    settle(connection)
    line = {"input": what.name, "feed": what.feed, "format": what.format, "made_up": what.made_up}
    process = {"pid": os.getpid(), "host": socket.gethostname(), "started_at": now()}
    connection.execute(insert(Running).values(**line, **process))


def settle(connection: Connection) -> list[int]:
    """Tell in the ledger of each input whose ingester died; returns the runs. For the holder of the lock."""
    left = connection.execute(select(Running.__table__).order_by(Running.id)).all()
    runs = []
    for row in left:
        what = Input(row.input, row.feed, row.format, made_up=row.made_up)
        told = (
            f"process {row.pid} on {row.host} began it at {row.started_at} and died: nothing of it was kept"
        )
        runs.append(record_failure(connection, what, told, Tally(), "abandoned", row.started_at))
    if left:
        clear(connection)
    return runs


def clear(connection: Connection) -> None:
    """The input that was noted has its line in the ledger now."""
    connection.execute(delete(Running))
