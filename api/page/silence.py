"""Which feeds are silent: to be heard of by the settings, and not heard of by the ledger. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from api.expected import Expected
from api.page.words import moment
from api.site import site
from db.filters import Filters
from db.questions.ledger import last_heard


@dataclass(frozen=True)
class Silent:
    """One feed that should have been heard of."""

    feed: str
    since: str
    """When it was heard of last: ISO 8601, UTC."""
    heard: str
    """The same on the clock of the site."""
    again: str
    """When it should have been heard of again, likewise."""


@dataclass(frozen=True)
class Silence:
    """The silent feeds, longest first, and how long that holds while nothing is committed."""

    feeds: tuple[Silent, ...]
    until: float
    """In seconds since 1970. A reading that finds nothing new ends a silence, and commits no data."""


def heard(connection: Connection, filters: Filters) -> Silence:
    """What this site has not heard of at this moment."""
    return silence(connection, site().feeds(), filters, datetime.now(UTC), site().zone)


def silence(
    connection: Connection, expected: Iterable[Expected], filters: Filters, now: datetime, zone: ZoneInfo
) -> Silence:
    """The silent ones among the feeds that are expected and that the filters leave."""
    named = {name.casefold() for name in filters.feeds}
    watched = {one.name: one for one in expected if not named or one.name.casefold() in named}
    last = last_heard(connection, watched)
    turns = {name: watched[name].silent(datetime.fromisoformat(when)) for name, when in last.items()}
    silent = sorted((name for name, turn in turns.items() if turn <= now), key=lambda name: last[name])
    feeds = tuple(_told(watched[name], last[name], zone) for name in silent)
    until = min((turn.timestamp() for turn in turns.values()), default=float("inf"))
    return Silence(feeds, now.timestamp() if feeds else until)


def _told(feed: Expected, last: str, zone: ZoneInfo) -> Silent:
    again = feed.again(datetime.fromisoformat(last)).isoformat()
    return Silent(feed.name, last, moment(last, zone), moment(again, zone))
