"""The last reading of an input that may have grown since: what the ledger keeps of it; reads no file."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, or_, select
from sqlalchemy.orm import aliased

from db.models import Feed, Run


def last_reading(connection: Connection, name: str, made_up: bool) -> Row[Any] | None:
    """The newest run over an input of this name, with ``feed``; None where not all stands that it has read.

    Whatever was taken back of its feed since then may lie in the beginning of the input.
    """
    asked = (
        select(Run, Feed.name.label("feed"))
        .join(Feed, Run.feed_id == Feed.id)
        .where(Run.input == name, Run.status.in_(("committed", "unchanged")), Feed.made_up == made_up)
        .where(Run.bytes.is_not(None), Run.sha256.is_not(None), Run.undoes.is_(None))
        .order_by(Run.id.desc())
        .limit(1)
    )
    last: Any = connection.execute(asked).one_or_none()
    if last is None:
        return None
    later = aliased(Run)
    taken_back = select(later.id).where(later.feed_id == last.feed_id, later.id > last.id)
    taken_back = taken_back.where(or_(later.removed > 0, later.undoes.is_not(None))).limit(1)
    return None if connection.execute(taken_back).first() else last
