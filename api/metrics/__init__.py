"""What this server counts, for Prometheus; right over several processes. Knows no request and no site."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue, MutexValue

from api.metrics import places

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Both hold for whatever is made from here on: no series that only say since when another one is counted, and
# a file of a place in place of one of a process number, of which there are ever more.
disable_created_metrics()  # type: ignore[no-untyped-call]
_shared = places.shared()
values.ValueClass = MultiProcessValue(places.number) if _shared else MutexValue  # type: ignore[no-untyped-call]
_own = CollectorRegistry()

_REQUESTS = Counter(
    "sightings_requests", "Requests answered, by route and by where the answer came from.",
    ["route", "outcome"], registry=_own,
)  # fmt: skip
DRAWING = Histogram(
    "sightings_drawing_seconds", "How long it took to draw a chart.", ["report"], registry=_own,
    buckets=SECONDS,
)  # fmt: skip
ASKING = Histogram(
    "sightings_question_seconds", "How long it took to ask the database and to count.", ["question"],
    registry=_own, buckets=SECONDS,
)  # fmt: skip
CACHE_FAILURES = Counter(
    "sightings_cache_failures", "How often the cache failed or gave something damaged.", registry=_own
)
CACHE_RESTING = Gauge(
    "sightings_cache_resting", "1 where the cache failed last, and is left alone for a while.",
    registry=_own, multiprocess_mode="max",
)  # fmt: skip
SLOTS = Gauge(
    "sightings_render_slots_taken", "Answers that are being made at this moment.", registry=_own,
    multiprocess_mode="sum",
)  # fmt: skip
BUSY = Counter("sightings_render_refused", "Requests refused because too much was being made.", registry=_own)
LIMIT_FAILURES = Counter(
    "sightings_rate_limit_failures", "Requests let through because the limit could not be looked up.",
    registry=_own,
)  # fmt: skip


def begin() -> None:
    """Let this process count for itself from here on: a fork of one that may have counted, too."""
    if _shared:
        places.settle()


def count(route: str, outcome: str, amount: int = 1) -> None:
    """Count requests of a route (the rule, never the address: there must be few) by their outcome."""
    _REQUESTS.labels(route, outcome).inc(amount)


def counted() -> bytes:
    """What all processes of this server have counted, as Prometheus reads it."""
    if not _shared:
        return generate_latest(_own)
    folder = os.environ[places.VARIABLE]
    places.sweep(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
    return generate_latest(together)
