"""Whether an input is a known feed under new identifiers, which would be there twice; decides nothing.

After GBIF's identifier guard (gbif/pipelines, idThresholdPercent): new identifiers alone are what every
month brings, so the content is looked at, too, and whether the input is as large as what is there already.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal, select, tuple_

from db.models import Rollup, Sighting
from db.replays import is_nameless
from db.staging import STAGING

_SAMPLE = 1_000
_AT_ONCE = 400  # variables of one statement; SQLite allows 999 in its oldest builds
_FEW = 5
"""So few rows never look like a feed that comes again."""
_MOST = 0.5
_UNKNOWN = -9_999.0


class Newcomers(NamedTuple):
    """What a sample of the staged rows shows."""

    looked_at: int
    """Rows with an identifier."""
    new: int
    """Of these, rows whose identifier the feed does not have."""
    known: int
    """Of the new ones, rows whose content the feed has, under another identifier."""


def look_like_the_same(connection: Connection, feed: int) -> Newcomers | None:
    """The sample, if most staged rows are known records under new identifiers; else None.

    To be asked while the rows are staged and nothing is decided. Cheap: a feed without records costs one
    look, a batch of new records a thousand.
    """
    before = exists().where(Rollup.bucket == 0, Rollup.feed_id == feed)
    if not connection.execute(select(before)).scalar_one():
        return None
    looked_at, numbers = _sample(connection)
    strangers = _new(connection, feed, numbers)
    if len(strangers) < _FEW or len(strangers) <= _MOST * looked_at:
        return None
    known = _known(connection, feed, strangers)
    if known <= _MOST * len(strangers):
        return None
    if not _takes_the_place_of_others(connection, feed, len(strangers) / looked_at):
        return None
    return Newcomers(looked_at, len(strangers), known)


def _sample(connection: Connection) -> tuple[int, list[int]]:
    """How many of a thousand staged rows, evenly spread, have an identifier, and their numbers."""
    first, last = connection.execute(select(func.min(STAGING.c.key), func.max(STAGING.c.key))).one()
    if last is None:
        return 0, []
    wanted = range(first, last + 1, max(1, (last - first + 1) // _SAMPLE))
    found: list[int] = []
    for some in _parts(list(wanted)):
        identified = select(STAGING.c.key).where(STAGING.c.key.in_(some), ~is_nameless(connection))
        found += connection.execute(identified).scalars()
    return len(found), found


def _parts(numbers: list[int]) -> list[list[int]]:
    return [numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE)]


def _new(connection: Connection, feed: int, numbers: list[int]) -> list[int]:
    here = exists().where(
        Sighting.feed_id == feed,
        Sighting.occurrence_id == STAGING.c.occurrence_id,
        Sighting.retired_run.is_(None),
    )
    found: list[int] = []
    for some in _parts(numbers):
        found += connection.execute(select(STAGING.c.key).where(STAGING.c.key.in_(some), ~here)).scalars()
    return found


def _content(row: Any) -> list[ColumnElement[Any]]:
    """What makes two records the same to a person; NULL equals nothing, so something stands for it."""
    numbers = ("individual_count", "decimal_latitude", "decimal_longitude", "time_of_day")
    return [row.last_day, row.place_id, func.coalesce(row.recorded_by, "")] + [
        func.coalesce(getattr(row, name), _UNKNOWN) for name in numbers
    ]


def _known(connection: Connection, feed: int, numbers: list[int]) -> int:
    """How many of these staged rows the feed has under another identifier.

    Undated ones are left out: they are too many alike.
    """
    known = 0
    for some in _parts(numbers):
        of_sample = STAGING.c.key.in_(some)
        # Joined to the days, and the feed hidden from SQLite's planner: else it reads all records of the feed
        # instead of asking the index for each taxon and day.
        days = select(STAGING.c.taxon_id, STAGING.c.first_day).where(of_sample).distinct().subquery()
        of_days = (Sighting.taxon_id == days.c.taxon_id, Sighting.first_day == days.c.first_day)
        there = (
            select(Sighting.taxon_id, Sighting.first_day, *_content(Sighting))
            .select_from(days.join(Sighting, and_(*of_days)))
            .where(Sighting.feed_id + 0 == feed, Sighting.retired_run.is_(None))
        )
        content = tuple_(STAGING.c.taxon_id, STAGING.c.first_day, *_content(STAGING.c))
        asked = select(func.count()).select_from(STAGING).where(of_sample, content.in_(there))
        known += int(connection.execute(asked).scalar_one())
    return known


def _takes_the_place_of_others(connection: Connection, feed: int, share: float) -> bool:
    """Whether the feed has records of these days that the input lacks, enough to be what its new ones were.

    And not many more than those, else the input is one more batch of a busy day, whose records resemble
    those of an hour ago. ``share`` of the staged rows are new.
    """
    first, last, rows = connection.execute(
        select(func.min(STAGING.c.first_day), func.max(STAGING.c.last_day), func.count()).select_from(STAGING)
    ).one()
    if first is None:
        return False
    there = select(literal(1)).where(
        Sighting.feed_id == feed, Sighting.retired_run.is_(None), Sighting.first_day.between(first, last)
    )
    most = int(rows / _MOST)
    if _count(connection, there, most + 1) > most:
        return False
    brought = select(STAGING.c.occurrence_id)
    lacking = there.where(Sighting.occurrence_id.not_in(brought))
    least = max(1, int(_MOST * share * rows))
    return _count(connection, lacking, least) == least


def _count(connection: Connection, rows: Select[Any], most: int) -> int:
    """How many there are, counted up to ``most`` of them."""
    some = rows.limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())
