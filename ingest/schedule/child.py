"""An ingest in a process of its own: started, waited for up to a deadline, ended; knows no schedule."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCKED = 75
"""What the ingest command answers when another ingester holds the lock (EX_TEMPFAIL)."""
STOPPED = (130, 143)
"""What it answers when it was told to stop, by SIGINT or SIGTERM."""
_STOP_SECONDS = 8


@dataclass(frozen=True)
class Answer:
    """What came of it."""

    code: int
    late: bool
    """Whether it was ended at its deadline."""
    runs: list[dict[str, Any]] | None
    """What the command says of each input; None where it ended without saying anything."""
    told: str
    """The last line that it wrote for people."""

    @property
    def is_locked(self) -> bool:
        """Whether another ingest was running, so that this one did not begin."""
        return self.code == LOCKED

    @property
    def was_brought_down(self) -> bool:
        """Whether what it read is to blame: one that ends by itself had no database or no disk."""
        return self.late or _was_stopped(self.code)


class Child:
    """Runs the ingest command, one at a time, until it is stopped."""

    def __init__(
        self,
        command: Sequence[str],
        deadline: float,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``command`` is the ingest command as words; ``deadline`` is in seconds.

        It runs in the folder, and has these variables besides those of this process.
        """
        self._command, self.deadline = list(command), deadline
        self._where: dict[str, Any] = {"cwd": folder, "env": {**os.environ, **(environment or {})}}
        self._process: subprocess.Popen[str] | None = None
        self._starting = threading.Lock()
        self._stopped = threading.Event()

    def ingest(self, *told: str) -> Answer | None:
        """Run it to its end, or to its deadline; None where it was stopped."""
        with self._starting:
            if self._stopped.is_set():
                return None
            words = [*self._command, "--json", *told]
            pipe = subprocess.PIPE
            process = subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, **self._where)
            self._process = process
        late = False
        with process:
            try:
                out, err = process.communicate(timeout=self.deadline)
            except subprocess.TimeoutExpired:
                self._end()
                out, err, late = "", "", True
            finally:
                self._process = None
        stopped = _was_stopped(process.returncode)
        if stopped and self._stopped.is_set():
            return None
        # The answer of one that was stopped is that it did not get to the end.
        return Answer(
            process.returncode, late, None if stopped else _runs(out), err.strip().rpartition("\n")[2]
        )

    def stop(self) -> None:
        """End what runs, if anything does, and start nothing more."""
        with self._starting:
            self._stopped.set()
        self._end()

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _was_stopped(code: int) -> bool:
    return code < 0 or code in STOPPED


def _runs(out: str) -> list[dict[str, Any]] | None:
    try:
        return [dict(run) for run in json.loads(out)["runs"]]
    except (ValueError, KeyError, TypeError):
        return None
