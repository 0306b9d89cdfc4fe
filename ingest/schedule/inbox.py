"""The inbox, ``inbox/<feed>/<file>``: what is ready, and where files go then; knows no formats."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.sources.source import IsBundle, below, is_hidden, is_unfinished, never

State = tuple[int, float]
"""Size and time of the last change: as long as both stay, so does the file."""


@dataclass(frozen=True)
class Inbox:
    """The folder and its two neighbours, ``done`` and ``failed``."""

    folder: Path
    is_bundle: IsBundle = never
    """Whether files of these names in one folder are one input: then the folder is moved, not they."""

    @property
    def done(self) -> Path:
        """Where files go that were ingested."""
        return self.folder.parent / "done"

    @property
    def failed(self) -> Path:
        """Where files go that could not be, each with its reason beside it."""
        return self.folder.parent / "failed"

    def ready(self, settle_seconds: float) -> dict[str, list[Path]]:
        """Feed -> files that have stopped growing, oldest first. A file in no folder is of the feed ''."""
        found: dict[str, list[Path]] = {}
        seen = [(state[1], file.name, file) for file in self._files() if (state := _state(file))]
        for _, _, file in sorted(seen):
            loose = file.parent == self.folder and not file.is_dir()
            feed = "" if loose else file.relative_to(self.folder).parts[0]
            found.setdefault(feed, []).append(file)
        settled = {feed: list(still(files, settle_seconds)) for feed, files in found.items()}
        return {feed: files for feed, files in settled.items() if files}

    def _files(self) -> Iterator[Path]:
        for entry in self.folder.iterdir() if self.folder.is_dir() else ():
            if is_hidden(entry.name) or is_unfinished(entry):
                continue
            yield from below(entry, self.is_bundle) if entry.is_dir() else [entry]

    def finish(self, file: Path) -> None:
        """Move a file that was ingested. Raises OSError where that cannot be."""
        self._move(file, self.done)

    def refuse(self, file: Path, reason: str) -> None:
        """Move a file that could not be ingested, and write the reason beside it. Raises OSError."""
        moved = self._move(file, self.failed)
        moved.with_name(moved.name + ".reason.txt").write_text(reason + "\n", encoding="utf-8")

    def _move(self, file: Path, where: Path) -> Path:
        target = where / file.relative_to(self.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{file.stem}-{number}{file.suffix}")
        shutil.move(file, target)
        return target


_ANOTHER_CLOCK = 600
"""Seconds; two machines that share a folder are nearer to each other."""


def _is_quiet(age: float, seconds: float) -> bool:
    """A change far in the future was dated by another clock, or by ours before it was set."""
    return age >= seconds or age < -_ANOTHER_CLOCK


def still(files: Iterable[Path], seconds: float) -> dict[Path, State]:
    """Those of the files that have not changed for so long, and do not change while we look."""
    before = {file: _state(file) for file in files}
    now = time.time()
    quiet = {file: state for file, state in before.items() if state and _is_quiet(now - state[1], seconds)}
    return {file: state for file, state in quiet.items() if _state(file) == state}


def _state(file: Path) -> State | None:
    """Of a folder that is one input: of all its files together, once each of them is whole."""
    try:
        files = [one for one in file.rglob("*") if one.is_file()] if file.is_dir() else [file]
        states = [one.stat() for one in files]
    except OSError:
        return None
    if not states or (file.is_dir() and any(map(is_unfinished, files))):
        return None
    return sum(state.st_size for state in states), max(state.st_mtime for state in states)
