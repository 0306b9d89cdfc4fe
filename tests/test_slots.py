"""No more is drawn at a time than there are slots, in all processes together, and the queue has an end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.keeping.flight import QUEUE, Busy, Slots

HOLDER = """
import fcntl, sys
files = [open(name, "a") for name in sys.argv[1:]]
for file in files:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("held", flush=True)
sys.stdin.read()
"""


def test_two_processes_share_the_slots_and_one_alone_has_them_all(tmp_path: Path) -> None:
    """A lock belongs to an open file, so that two values here are what two processes are."""
    here, there = (Slots(3, 5, tmp_path) for _ in range(2))
    inside, most, lock = 0, 0, threading.Lock()

    def work(slots: Slots) -> None:
        nonlocal inside, most
        with slots.taken():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, [here, there] * 12))
    assert most == 3
    most = 0
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, [here] * 12))
    assert most == 3
    assert here.refused == there.refused == 0


def test_who_finds_the_queue_full_is_refused_at_once_and_who_waits_too_long_then(tmp_path: Path) -> None:
    slots = Slots(1, 1.0, tmp_path)
    outcomes: list[str] = []

    def wait() -> None:
        try:
            with slots.taken():
                outcomes.append("drawn")
        except Busy:
            outcomes.append("busy")

    with slots.taken():
        waiting = [threading.Thread(target=wait) for _ in range(QUEUE)]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        begun = time.monotonic()
        with pytest.raises(Busy, match="come later"), slots.taken("come later"):
            pass
        assert time.monotonic() - begun < 0.5
        for thread in waiting:
            thread.join()
    assert outcomes == ["busy"] * QUEUE
    assert slots.refused == QUEUE + 1
    with slots.taken():
        pass


def test_patience_that_was_spent_elsewhere_is_not_had_again(tmp_path: Path) -> None:
    for slots in (Slots(1, 5, tmp_path), Slots(1, 5)):
        with slots.taken():
            begun = time.monotonic()
            with pytest.raises(Busy), slots.taken(waited=5):
                pass
            assert time.monotonic() - begun < 1


def test_a_process_that_is_killed_gives_its_slots_back(tmp_path: Path) -> None:
    slots = Slots(2, 5, tmp_path)
    with slots.taken(), slots.taken():
        pass
    held = [str(tmp_path / f"slot-{number}") for number in range(2)]
    command = [sys.executable, "-c", HOLDER, *held]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy), slots.taken(waited=5):
        pass
    holder.kill()
    holder.communicate()
    with slots.taken(waited=4.5), slots.taken(waited=4.5):
        pass


def test_without_the_folder_a_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    slots = Slots(1, 0.05, tmp_path / "file" / "making")
    with slots.taken(), pytest.raises(Busy), slots.taken():
        pass
    with slots.taken():
        pass


def test_what_fails_under_a_slot_gives_it_back(tmp_path: Path) -> None:
    slots = Slots(1, 0.05, tmp_path)
    for _ in range(3):
        with pytest.raises(OSError, match="disk"), slots.taken():
            raise OSError("disk")
