"""How things stand, looked up when somebody asks: the data, its feeds, the log, the cache. Counts nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.filters import data_version
from db.questions.ledger import ages
from db.sizes import sizes


class Held(Protocol):
    """How much the cache holds."""

    @property
    def entries(self) -> int:
        """How many answers."""

    @property
    def bytes(self) -> int:
        """On disk, or in memory."""

    @property
    def evictions(self) -> int:
        """How many had to go."""


class Looks(Collector):
    """What one look finds; a database that is away is a finding too."""

    def __init__(self, reader: Engine, held: Callable[[], Held]) -> None:
        self._reader, self._held = reader, held

    def collect(self) -> Iterator[Metric]:
        """One metric after the other."""
        try:
            found = [*self._data()]
        except SQLAlchemyError:
            found = []
        yield GaugeMetricFamily("sightings_database_up", "1 where the database can be read.", bool(found))
        yield from found
        yield from self._cache()

    def _data(self) -> Iterator[Metric]:
        with self._reader.begin() as connection:
            version, feeds = data_version(connection), ages(connection, datetime.now(UTC))
            size = sizes(connection)
        yield GaugeMetricFamily("sightings_data_version", "The newest run that changed anything.", version)
        yield _by_feed("run", "", {feed: age.run for feed, age in feeds.items()})
        yield _by_feed("success", " that did not fail", {feed: age.success for feed, age in feeds.items()})
        yield GaugeMetricFamily("sightings_database_bytes", "What the database takes up.", size.database)
        if size.log is not None:
            yield GaugeMetricFamily("sightings_database_log_bytes", "SQLite's log (WAL).", size.log)

    def _cache(self) -> Iterator[Metric]:
        held = self._held()
        yield GaugeMetricFamily(
            "sightings_cache_entries", "Answers that are kept, by all processes.", held.entries
        )
        yield GaugeMetricFamily("sightings_cache_bytes", "What they take up.", held.bytes)
        dropped = "Answers that were dropped to keep the cache within its bounds."
        yield CounterMetricFamily("sightings_cache_evictions", dropped, held.evictions)


def _by_feed(what: str, how: str, ages: Mapping[str, float | None]) -> Metric:
    told = f"Seconds since the end of the last run of a feed{how}."
    metric = GaugeMetricFamily(f"sightings_feed_last_{what}_age_seconds", told, labels=["feed"])
    for feed, age in ages.items():
        if age is not None:
            metric.add_metric([feed], age)
    return metric


def looked(reader: Engine, held: Callable[[], Held]) -> bytes:
    """How things stand now, as Prometheus reads it; ``held`` tells how much the cache holds."""
    registry = CollectorRegistry()
    registry.register(Looks(reader, held))
    return generate_latest(registry)
