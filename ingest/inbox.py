"""The inbox: ``inbox/<feed>/<file>``, what is ready in it, and where a file goes when it is done; knows no formats."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".swp")


@dataclass(frozen=True)
class Inbox:
    """The folder and its two neighbours, ``done`` and ``failed``."""

    folder: Path

    @property
    def done(self) -> Path:
        """Where files go that were ingested."""
        return self.folder.parent / "done"

    @property
    def failed(self) -> Path:
        """Where files go that could not be, each with its reason beside it."""
        return self.folder.parent / "failed"

    def ready(self, settle_seconds: float) -> dict[str, list[Path]]:
        """Feed -> files that have stopped growing, oldest first. A file in no folder belongs to the feed ''."""
        found: dict[str, list[Path]] = {}
        for file in sorted(self._files(), key=lambda file: (file.stat().st_mtime, file.name)):
            feed = file.relative_to(self.folder).parts[0] if file.parent != self.folder else ""
            found.setdefault(feed, []).append(file)
        settled = {feed: still(files, settle_seconds) for feed, files in found.items()}
        return {feed: files for feed, files in settled.items() if files}

    def _files(self) -> Iterator[Path]:
        for file in self.folder.rglob("*"):
            if file.is_file() and not file.name.startswith(".") and file.suffix.lower() not in _UNFINISHED:
                yield file

    def finish(self, file: Path) -> None:
        """Move a file that was ingested."""
        self._move(file, self.done)

    def refuse(self, file: Path, reason: str) -> None:
        """Move a file that could not be ingested, and write the reason beside it."""
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


def still(files: list[Path], seconds: float) -> list[Path]:
    """Those of the files that have not changed for so long, and do not change while we look."""
    before = {file: _state(file) for file in files}
    now = time.time()
    quiet = [file for file, state in before.items() if state and now - state[1] >= seconds]
    return [file for file in quiet if _state(file) == before[file]]


def _state(file: Path) -> tuple[int, float] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_size, status.st_mtime
