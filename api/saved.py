"""The charts that are kept as files, drawn anew after an ingest: that fails for nothing that happens here."""

from __future__ import annotations

import logging
from pathlib import Path

from api.plot import save_bear_chart

log = logging.getLogger("sightings.charts")


def save(url: str, charts: Path) -> str:
    """Draw them into the folder of charts; a sentence if that could not be, else nothing.

    The ingest is done by then, so that whatever happens here is no reason to call it failed.
    """
    try:
        save_bear_chart(url, charts)
    except Exception as error:
        log.error("the bear chart could not be saved", exc_info=error)
        return f"The bear chart could not be saved ({type(error).__name__})."
    return ""
