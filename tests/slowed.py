"""The server with timelines that take their time and write down when they were drawn."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import api.reports
from api.edge import Edge
from api.factory import create_worker as real

SECONDS, LOG = "SLOWED_SECONDS", "SLOWED_LOG"


def create_worker() -> Edge:
    """The server of the environment's settings."""
    timeline, seconds = api.reports.REPORTS["timeline"], float(os.environ[SECONDS])
    log = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def draw(tidy: Any, parameters: Any, words: Any, look: Any) -> Any:
        begun = time.monotonic()
        time.sleep(seconds)
        picture = timeline.draw(tidy, parameters, words, look)
        os.write(log, f"{look.width} {begun} {time.monotonic()}\n".encode())
        return picture

    api.reports.REPORTS["timeline"] = replace(timeline, draw=draw)
    return real()
