"""The charts that are kept as files: drawn anew when a run touched what they show; draws nothing itself."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from db.engine import open_reader
from db.filters import Filters, scope

log = logging.getLogger("sightings.charts")
_SECONDS = 600  # nobody waits for a page here


def save_touched(url: str, charts: Path, runs: Collection[int | None]) -> str:
    """Draw what these runs touched into the folder of charts; a sentence if that could not be, else nothing.

    An ingest is done by then, so that whatever happens here is no reason to call it failed.
    """
    reader = open_reader(url, time_limit=_SECONDS)
    try:
        with reader.begin() as connection:
            if scope(connection, Filters(species=("bear",))).version not in runs:
                return ""
    finally:
        reader.dispose()
    from api.plot import save_bear_chart  # the drawing room takes a second to load

    try:
        save_bear_chart(url, charts)
    except Exception as error:
        log.error("the bear chart could not be saved", exc_info=error)
        return f"The bear chart could not be saved ({type(error).__name__})."
    return ""
