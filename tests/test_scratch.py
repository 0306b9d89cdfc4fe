"""Folders of an ingest are gone with it, even with one that was killed, and never those of a living one."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sources import scratch

HOLD = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from ingest.sources import scratch
with scratch.folder() as folder:
    (folder / "copy.csv").write_bytes(b"unpacked")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place for temporary files, and a clock that is an hour on: no folder in it is young."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch.time, "time", lambda now=time.time: now() + 3600)
    return tmp_path


@pytest.fixture
def holder(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with a folder of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(temporary)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_a_folder_is_gone_with_its_block(temporary: Path) -> None:
    with scratch.folder() as folder:
        (folder / "copy.csv").write_bytes(b"unpacked")
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_living_process_stays(holder: tuple[subprocess.Popen[str], Path]) -> None:
    _, theirs = holder
    with scratch.folder():
        assert (theirs / "copy.csv").read_bytes() == b"unpacked"


def test_what_a_killed_process_left_is_removed(holder: tuple[subprocess.Popen[str], Path]) -> None:
    process, theirs = holder
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (theirs / "copy.csv").exists()
    with scratch.folder():
        assert not theirs.exists()


def test_other_folders_are_left_alone(temporary: Path) -> None:
    other = temporary / "sightings-notes"
    other.mkdir()
    (other / "kept.txt").write_text("ours")
    with scratch.folder():
        assert (other / "kept.txt").exists()
