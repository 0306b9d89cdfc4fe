"""A command that kills itself at a named point, as kill -9 would: python -m tests.killed POINT COMMAND ..."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import ingest.text.cutting
import ingest.text.text

_STEP = ("alembic.runtime.migration", "HeadMaintainer.update_to_step")
POINTS: dict[str, tuple[str, str, str, int]] = {
    # name: module, function, whether it dies before or after it, at which call
    "before anything is written": ("ingest.run", "begin_run", "before", 1),
    "after the first chunk is staged": ("db.staging", "Staging.add", "after", 1),
    "after the third chunk is staged": ("db.staging", "Staging.add", "after", 3),
    "after the first rejects are kept": ("db.store", "OpenRun.reject", "after", 1),
    "before anything is decided": ("db.store", "merge", "before", 1),
    "after old revisions are retired": ("db.merge", "_retire_changed", "after", 1),
    "after new revisions are added": ("db.merge", "_insert_unknown", "after", 1),
    "before the rollups": ("db.store", "roll_up", "before", 1),
    "after the rollups": ("db.store", "roll_up", "after", 1),
    "after the ledger": ("db.store", "OpenRun.finish", "after", 1),
    "before the commit": ("ingest.run", "data_version", "after", 1),
    "after the ledger of an undo": ("db.undo", "_flip", "after", 1),
    "after the commit": ("ingest.run", "monotonic", "after", 2),
}

OTHER_POINTS: dict[str, tuple[str, str, str, int]] = {
    "before the first step of an upgrade": (*_STEP, "before", 1),
    "after the first step of an upgrade": (*_STEP, "after", 1),
    "before the second step of an upgrade": (*_STEP, "before", 2),
    "after the second step of an upgrade": (*_STEP, "after", 2),
    "before a copy is checked": ("db.backup", "checked", "before", 1),
    "before a copy has its name": ("db.backup", "keep", "after", 1),
    "before a restored file is ready": ("db.restore", "upgrade", "before", 1),
    "before the old file is moved aside": ("db.restore", "_prepare", "after", 1),
    "after the old file was moved aside": ("db.restore", "Path.rename", "after", 1),
    "before the restored file has its name": ("db.restore", "Path.rename", "before", 2),
    "after a restore": ("db.restore", "_exchange", "after", 1),
}
"""Of commands that do not ingest."""


def die(*_: object) -> None:
    """End as a process ends that is killed: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Replace the function at this point by one that dies there."""
    module, path, when, call = POINTS.get(point) or OTHER_POINTS[point]
    owner: Any = importlib.import_module(module)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def deadly(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            die()
        result = real(*given, **named)
        if calls == call:
            die()
        return result

    setattr(owner, name, deadly)


if __name__ == "__main__":
    ingest.text.text.CHUNK = 20
    ingest.text.cutting.BLOCK = 400
    arm(sys.argv.pop(1))
    import manage

    manage.main()
