"""What every request of one site shares: its reader, its cache, its slots, its zone. Knows no request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import Engine

from api.answering.allowance import Allowance
from api.clients import Clients
from api.expected import Feeds
from api.keeping.cache import Cache
from api.keeping.envelope import Answer
from api.keeping.flight import Flights, Slots
from api.keeping.previous import Previous
from api.keeping.told import Told
from api.keeping.turns import Turns
from api.warming.asked_for import AskedFor
from db.questions.grounds import Grounds


@dataclass(frozen=True)
class Site:
    """One value for the life of an app; it stands in ``app.extensions["sightings"]``."""

    reader: Engine
    cache: Cache
    flights: Flights[tuple[Answer, int]]
    turns: Turns
    slots: Slots
    zone: ZoneInfo
    title: str
    feeds: Callable[[], Feeds]
    """Those that are read by a schedule, as the settings have them now."""
    charts: Path
    grounds: Grounds
    told: Told
    previous: Previous
    schema: str
    """The migration that this code wants."""
    exports: Slots
    export_bytes: int
    """How large an export may be."""
    asked_for: AskedFor
    clients: Clients
    allowance: Allowance
    """What each of them may have made."""


def site() -> Site:
    """The site of the request at hand."""
    return cast(Site, current_app.extensions["sightings"])
