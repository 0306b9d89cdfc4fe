"""A URL as a source, which is fetched when its turn comes; knows no database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from ingest.sources import services
from ingest.sources.fetch import fetch
from ingest.sources.request import Limits
from ingest.sources.source import Source, Unreadable
from ingest.sources.urls import shown


def at(url: str, limits: Limits) -> Source:
    """What is at a URL: one download, or the pages of a public API. Nothing is asked before it is fetched."""
    # Two URLs that differ in what is hidden have one name.
    secret = hashlib.sha256(url.encode()).hexdigest()[:16] if shown(url) != url else ""

    def bring(cursor: Mapping[str, Any] | None) -> Source | None:
        if cursor and cursor.get("url", secret) != secret:
            cursor = None  # of another key, which may open other records
        service = services.service_of(url)
        here = services.read(service, url, cursor, limits) if service else fetch(url, cursor, limits)
        if here is None or not secret:
            return here
        return replace(here, cursor={**(here.cursor or {}), "url": secret})

    def refuse() -> IO[bytes]:
        raise Unreadable(f"{shown(url)} has not been fetched.")

    return Source(shown(url), Path(shown(url)), 0, refuse, fetch=bring)
