"""Exports without a server, for the command line: a file is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from api.answering.order import Behind, NothingKnown
from api.asking.query import BadParameter, Pairs
from api.export import FORMS
from api.export.making import Made, Progress, make, order
from db.engine import open_reader
from db.filters import NotYet

_SECONDS = 600  # nobody waits for a page here


class NoSuchExport(ValueError):
    """What was asked for cannot be exported; the message says why."""


def save(
    url: str, path: Path, form: str, arguments: Pairs, site: str, progress: Progress | None = None
) -> Made:
    """Write the records that the arguments leave to a file, however many they are. Raises NoSuchExport."""
    if form not in FORMS:
        endings = ", ".join(FORMS)
        raise NoSuchExport(f"Records are written as {endings}: end the file's name so, or say --format.")
    reader = open_reader(url, _SECONDS)
    try:
        wanted = order(form, arguments, site)
        with _whole(path) as file:
            return make(reader, wanted, file, progress=progress)
    except (BadParameter, Behind, NothingKnown, NotYet) as error:
        raise NoSuchExport(str(error)) from None
    finally:
        reader.dispose()


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its place when it is finished, and leaves nothing behind where it is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
