"""A URL as a source, which is fetched when its turn comes; knows no database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ingest import services
from ingest.fetch import fetch
from ingest.request import Limits
from ingest.source import Source, Unreadable
from ingest.urls import shown


def at(url: str, limits: Limits) -> Source:
    """What is at a URL: one download, or the pages of a public API. Nothing is asked before it is fetched."""

    def bring(cursor: Mapping[str, Any] | None) -> Source | None:
        service = services.service_of(url)
        return services.read(service, url, cursor, limits) if service else fetch(url, cursor, limits)

    def refuse() -> IO[bytes]:
        raise Unreadable(f"{shown(url)} has not been fetched.")

    return Source(shown(url), Path(shown(url)), 0, refuse, fetch=bring)
