"""Where bytes come from: files, folders, globs and the members of a zip; knows no formats."""

from __future__ import annotations

import glob
import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_BLOCK = 1 << 20
_MOST_MEMBERS = 10_000
_MOST_BYTES = 16 << 30
_MOST_RATIO = 1_000  # real archives of records pack at 10 to 60 to one


class Unreadable(Exception):
    """An input cannot be read at all; the message is one sentence that says what is wrong with it."""


DAMAGE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What comes out of reading an input that is damaged, packed in an unknown way, or gone."""


@dataclass(frozen=True)
class Source:
    """One input that can be opened again and again, as bytes."""

    name: str
    path: Path
    """The file that it lives in; for the member of an archive, the archive."""
    size: int
    open: Callable[[], IO[bytes]]
    beside: Callable[[], list[Source]] = list
    """The other files of the folder or the archive that it lies in."""
    fetch: Callable[[Mapping[str, Any] | None], Source | None] | None = None
    """For a source that lies elsewhere: brings it here, from the cursor of its last run on; None where
    nothing has changed since. Raises Unreadable."""
    cursor: Mapping[str, Any] | None = field(default=None, hash=False)
    """Where the next reading goes on once the rows of this one are committed."""

    def head(self, length: int = 65_536) -> bytes:
        """Its first bytes."""
        with self.open() as file:
            return file.read(length)


IsBundle = Callable[[Collection[str]], bool]
"""Whether files of these names in one folder are one input rather than one each."""
Reach = Callable[[str], Source]
"""Makes a source of a URL, without asking anybody yet."""


def never(_: Collection[str]) -> bool:
    """Each file is an input of its own."""
    return False


def is_url(text: str) -> bool:
    """Whether it names something elsewhere, by whatever scheme, and not a file."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def find(paths: Sequence[str], is_bundle: IsBundle = never, reach: Reach | None = None) -> list[Source]:
    """The files behind paths, folders (every file below) and globs, in order of name.

    A folder whose files are one input is one source; ``reach`` makes a source of a URL. Raises Unreadable for
    a path behind which there is nothing.
    """
    return [source for path in paths for source in _find(path, is_bundle, reach)]


def _find(path: str, is_bundle: IsBundle, reach: Reach | None) -> list[Source]:
    if reach and is_url(path):
        return [reach(path)]
    here = Path(path)
    if here.is_file():
        return [of_file(here)]
    if here.is_dir():
        found = list(below(here, is_bundle))
    else:
        named = map(Path, glob.glob(path, recursive=True))  # noqa: PTH207 - folders in it, maybe absolute
        found = _outermost(sorted(one for one in named if one.is_file() or bundled(one, is_bundle)))
    if not found:
        raise Unreadable(f"There is no file at {path}.")
    return [of_file(file) for file in found]


def below(folder: Path, is_bundle: IsBundle) -> Iterator[Path]:
    """Every file below a folder, in order of name; a folder that is one input stands for all of its own."""
    if bundled(folder, is_bundle):
        yield folder
        return
    for entry in _entries(folder):
        if entry.is_dir() and not entry.is_symlink():
            yield from below(entry, is_bundle)
        elif entry.is_file() and not entry.name.startswith("."):
            yield entry


def bundled(folder: Path, is_bundle: IsBundle) -> bool:
    """Whether this is a folder whose files are one input."""
    return folder.is_dir() and is_bundle({entry.name for entry in _entries(folder) if entry.is_file()})


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # closed to us, or gone since it was found


def _outermost(found: list[Path]) -> list[Path]:
    """Without what lies in a folder that is among them itself: ``**`` names both."""
    folders = {one for one in found if one.is_dir()}
    return [one for one in found if folders.isdisjoint(one.parents)]


def of_file(path: Path) -> Source:
    """A file as a source, or a folder that is one input."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # gone since it was found; whoever opens it will say so
    # A name that is no text where it comes from must still fit into the ledger.
    name = str(path).encode(errors="surrogateescape").decode(errors="replace")
    return Source(name, path, size, lambda: path.open("rb"), lambda: _siblings(path))


def _siblings(path: Path) -> list[Source]:
    files = sorted(file for file in path.parent.iterdir() if file != path and file.is_file())
    return [of_file(file) for file in files if not file.name.startswith(".")]


def sha256(*sources: Source) -> str:
    """The digest of the bytes of one source after the other, for the ledger; a folder is all of its files."""
    digest = hashlib.sha256()
    for source in sources:
        if source.path.is_dir():
            for member in members(source):
                digest.update(
                    f"{member.path.relative_to(source.path)} {sha256(member)}".encode(errors="replace")
                )
            continue
        with source.open() as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def is_zip(source: Source) -> bool:
    """Whether it begins like a zip."""
    return not source.path.is_dir() and source.head(4)[:4] in (b"PK\x03\x04", b"PK\x05\x06")


@contextmanager
def _opened(source: Source) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source.path) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise Unreadable(f"{source.name} is not a complete zip file ({str(error).rstrip('.')}).") from None


def members(source: Source) -> list[Source]:
    """The files in a zip or a folder. Raises Unreadable for a zip that is broken or too large unpacked."""
    if source.path.is_dir():
        return [of_file(file) for file in sorted(source.path.rglob("*")) if file.is_file()]
    with _opened(source) as archive:
        entries = [
            entry for entry in archive.infolist() if not entry.is_dir() and not _hidden(entry.filename)
        ]
    unpacked = sum(entry.file_size for entry in entries)
    if (
        len(entries) > _MOST_MEMBERS
        or unpacked > _MOST_BYTES
        or unpacked > _MOST_RATIO * max(source.size, 1024)
    ):
        raise Unreadable(
            f"{source.name} unpacks to {len(entries)} files of {unpacked:,} bytes, more than is safe to read."
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable(f"{source.name} is locked with a password.")
    return [_member(source, entry) for entry in entries]


def _hidden(name: str) -> bool:
    """What a Mac packs beside every file."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _member(source: Source, entry: zipfile.ZipInfo) -> Source:
    def open_member() -> IO[bytes]:
        return zipfile.ZipFile(source.path).open(entry)

    return Source(f"{source.name}/{entry.filename}", source.path, entry.file_size, open_member)
