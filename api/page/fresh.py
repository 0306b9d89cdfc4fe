"""How fresh all that is recorded is, for the head of a page without charts. Knows no HTTP and no template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from api.page.words import ago, day, moment
from api.site import site
from db.filters import Filters
from db.questions import counts
from db.questions.summary import freshness


@dataclass(frozen=True)
class Fresh:
    """What every page that is kept fresh tells of the data, under the names of the dashboard."""

    shape: str
    version: str
    number: int
    records: int
    ever: bool
    as_of: str
    ago: str
    ingested_at: str | None
    ingested: str
    zone: str


def fresh(connection: Connection, today: date, shape: str) -> Fresh:
    """As it stands in this transaction."""
    found, _ = site().grounds.find(connection, Filters())
    told = freshness(connection, found)
    return Fresh(
        shape=shape,
        version=" ".join((str(told.version), told.data_as_of or "", told.ingested_at or "")),
        number=told.version,
        records=sum(count.records for count in counts.totals(connection, found, apart=False)),
        ever=bool(told.version),
        as_of=day(told.data_as_of),
        ago=ago(told.data_as_of, today),
        ingested_at=told.ingested_at,
        ingested=moment(told.ingested_at, site().zone),
        zone=str(site().zone),
    )
