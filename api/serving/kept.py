"""Commands that are kept running: restarted when they die, exchanged, ended; knows not what they do."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("sightings.server")
_STOP_SECONDS = 20
"""How long a command may take to end; what it is doing it may finish in this time."""
_REST_SECONDS = 5
_READY_SECONDS = 60
_LONGEST_PAUSE = 30.0
_TIED = Path(__file__).with_name("tied.py")


class Kept:
    """A command that is kept running until it is stopped; ends with all that it started, and with us."""

    def __init__(
        self, name: str, words: Sequence[str], environment: Mapping[str, str], forks_need: str = ""
    ) -> None:
        """``forks_need`` is for a module (python -m ...) that forks: its forks end with it, as it with us.

        It names the module that all of them need, which is loaded before they part.
        """
        self._name, self._environment = name, dict(environment)
        self._words = _tied(words, forks_need) if sys.platform == "linux" else list(words)
        self._stopping, self._changing = threading.Event(), threading.Lock()
        self._process = self._begun()
        self._watch = threading.Thread(target=self._keep, name=name, daemon=True)
        self._watch.start()

    def _begun(self) -> subprocess.Popen[bytes]:
        self._started = time.monotonic()
        return subprocess.Popen(self._words, env=self._environment, start_new_session=True)

    def _keep(self) -> None:
        pause = 0.5
        while True:
            process = self._process
            code = process.wait()
            with self._changing:  # who exchanges it waits for its end, too
                exchanged = process is not self._process
            if exchanged:
                continue
            if self._stopping.is_set():
                return
            _end_group(process.pid)
            # What dies again and again is tried less and less often; what ran for a while starts anew soon.
            lived = time.monotonic() - self._started
            pause = 1.0 if lived > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
            log.error("the %s ended with code %s and is started again in %.0f s", self._name, code, pause)
            if self._stopping.wait(pause):
                return
            with self._changing:
                if not self._stopping.is_set() and process is self._process:
                    self._process = self._begun()

    def exchange(self, is_ready: Callable[[], bool], gives_up: Callable[[], bool]) -> bool:
        """Start it anew beside the old one, and end that once the new one is ready; whether it came to that.

        Where the new one ends before it is ready, takes longer than a minute, or ``gives_up`` holds, it is
        ended and the old one goes on.
        """
        with self._changing:
            new = self._begun()
            deadline = time.monotonic() + _READY_SECONDS
            while not (ready := is_ready()) and not gives_up():
                if new.poll() is not None or time.monotonic() > deadline:
                    log.error("the new %s does not get ready, so the old one goes on", self._name)
                    break
                time.sleep(0.05)
            left, self._process = (self._process, new) if ready else (new, self._process)
        _end(left)
        return ready

    def renew(self) -> None:
        """End it, and start it anew."""
        with self._changing:
            _end(self._process)
            self._process = self._begun()

    def ask_to_stop(self) -> None:
        """Tell it to end, politely."""
        with self._changing:
            self._stopping.set()
        if self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """Wait until it has ended, and insist if it does not."""
        _end(self._process)


def _tied(words: Sequence[str], forks_need: str) -> list[str]:
    """The command, so that it ends with this process."""
    # -P, because the folder of the program has a module that is called as one of Python's own.
    tied = [sys.executable, "-P", str(_TIED), str(os.getpid())]
    return [*tied, "kill", forks_need, *words[2:]] if forks_need else [*tied, "ask", *words]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it left behind."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _end_group(process.pid)


def _end_group(leader: int) -> None:
    """End what a command left behind: the workers of a killed server would answer beside the new ones."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _REST_SECONDS
        there = _reaches(leader, number)
        while there and time.monotonic() < deadline:
            time.sleep(0.05)
            there = _reaches(leader, 0)
        if not there:
            return


def _reaches(leader: int, number: int) -> bool:
    """Send a signal to the group of a command that has ended; whether anyone is left in it."""
    with suppress(ChildProcessError):  # where we are process 1, what it left is ours to bury
        while os.waitpid(-leader, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
