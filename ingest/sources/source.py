"""Where bytes come from: files, folders, globs, stdin, and what is packed in them; knows no formats."""

from __future__ import annotations

import glob
import hashlib
import io
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from ingest.sources import packed, scratch, zips
from ingest.sources.stretches import Stretches

_BLOCK = 1 << 20
_BUFFER = 1 << 16
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".swp")
STDIN = "-"
"""The path, and then the name, of what is piped in."""


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
    """In bytes; packed ones, where ``open`` unpacks. ``open().tell()`` ends there."""
    open: Callable[[], IO[bytes]]
    beside: Callable[[], list[Source]] = list
    """The other files of the folder or the archive that it lies in."""
    fetch: Callable[[Mapping[str, Any] | None], Source | None] | None = None
    """For a source that lies elsewhere: brings it here, from the cursor of its last run on; None where
    nothing has changed since. Raises Unreadable."""
    cursor: Mapping[str, Any] | None = field(default=None, hash=False)
    """Where the next reading goes on once the rows of this one are committed."""
    on_disk: bool = True
    """The file at ``path`` holds just the bytes that ``open`` gives; else ``local`` makes one that does."""

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

    A folder whose files are one input is one source; ``reach`` makes a source of a URL. In folders and behind
    globs what is hidden or unfinished is left out, and links to folders are not followed. Raises Unreadable
    for a path behind which there is nothing.
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
        matching = glob.glob(path, recursive=True)  # noqa: PTH207 - a pattern with folders, maybe absolute
        named = [one for one in map(Path, matching) if not is_unfinished(one)]
        found = _outermost(sorted(one for one in named if one.is_file() or bundled(one, is_bundle)))
    if not found:
        raise Unreadable(f"There is no file {'in the folder' if here.is_dir() else 'at'} {path}.")
    return [of_file(file) for file in found]


def below(folder: Path, is_bundle: IsBundle) -> Iterator[Path]:
    """Every file below a folder, in order of name; a folder that is one input stands for all of its own.

    What is hidden or unfinished is left out, and links to folders are not followed.
    """
    if bundled(folder, is_bundle):
        yield folder
        return
    for entry in _entries(folder):
        if is_hidden(entry.name) or is_unfinished(entry):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from below(entry, is_bundle)
        elif entry.is_file():
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


def is_hidden(name: str) -> bool:
    """Whether a folder or file of this name is for programs and not for people."""
    return name.startswith(".")


def is_unfinished(file: Path) -> bool:
    """Whether its name says that somebody still writes it, and will give it another name then."""
    return file.suffix.lower() in _UNFINISHED


def of_file(path: Path) -> Source:
    """A file as a source, or a folder that is one input; what is appended later is of the next reading."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # gone since it was found; whoever opens it will say so
    # A name that is no text where it comes from must still fit into the ledger.
    name = str(path).encode(errors="surrogateescape").decode(errors="replace")
    return Source(name, path, size, lambda: _open(path, size), lambda: _siblings(path))


def up_to(source: Source, size: int) -> Source:
    """The first so many bytes of a file."""
    return replace(source, size=size, open=lambda: _open(source.path, size))


def _open(path: Path, size: int) -> IO[bytes]:
    # Even one that has not grown yet may do so while it is read.
    return io.BufferedReader(Stretches(path.open("rb", buffering=0), (0, size)), _BUFFER)


def _siblings(path: Path) -> list[Source]:
    files = sorted(file for file in path.parent.iterdir() if file != path and file.is_file())
    return [of_file(file) for file in files if not is_hidden(file.name)]


@contextmanager
def piped(stream: IO[bytes]) -> Iterator[Source]:
    """What comes through a pipe as a source, which is gone with the block. Raises Unreadable for too much.

    It lies in a temporary file, because a source is read more than once.
    """
    with scratch.folder() as folder:
        path = folder / "stdin"
        with path.open("wb") as file:
            while block := stream.read(_BLOCK):
                file.write(block)
                if file.tell() > packed.MOST_BYTES:
                    raise Unreadable(f"What is piped in is longer than {packed.MOST_BYTES:,} bytes.")
        yield replace(of_file(path), name=STDIN, beside=list)


def sha256(*sources: Source) -> str:
    """The digest of the bytes of one source after the other, for the ledger; a folder is all of its files.

    Of a packed file it is that of its bytes as they lie there.
    """
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
    return not source.path.is_dir() and zips.begins(source.head(4))


def is_archive(source: Source) -> bool:
    """Whether it is a zip of files; a workbook is one document, though it is a zip too."""
    if source.path.is_dir():
        return False
    head = source.head(64)
    return zips.begins(head) and not zips.begins_workbook(head)


def unpacked(source: Source) -> Source:
    """What is in it, if it is packed with gzip, bzip2 or xz; else itself. Raises Unreadable."""
    if source.path.is_dir():
        return source
    inner, how = source, packed.kind(source.head(300))
    if how in packed.READ:
        way: str = how
        inner = replace(source, open=lambda: packed.unpack(source.open(), way), on_disk=False)
        how = packed.kind(inner.head(300))
    if how:
        raise Unreadable(f"{source.name} is packed with {how}, which is not read here: unpack it first.")
    return inner


def members(source: Source) -> list[Source]:
    """The files in a zip or a folder. Raises Unreadable for a zip that is broken or not safe to open."""
    if source.path.is_dir():
        return [of_file(file) for file in below(source.path, never)]
    try:
        with local(source) as path:
            entries = zips.entries(path)
    except zips.Unfit as error:
        raise Unreadable(f"{source.name} {error}.") from None
    return [_member(source, entry) for entry in entries]


def _member(source: Source, entry: zipfile.ZipInfo) -> Source:
    name = f"{source.name}/{entry.filename}"

    def beside() -> list[Source]:
        return [other for other in members(source) if other.name != name]

    def open_member() -> IO[bytes]:
        with local(source) as path:
            return zips.open_entry(path, entry)

    return Source(name, source.path, entry.file_size, open_member, beside, on_disk=False)


_KEPT: ContextVar[tuple[ExitStack, dict[tuple[Path, str], Path]] | None] = ContextVar("kept", default=None)


@contextmanager
def keeping_copies() -> Iterator[None]:
    """Within the block ``local`` makes one copy of each source and no second; with the block they go."""
    with ExitStack() as until_then:
        token = _KEPT.set((until_then, {}))
        try:
            yield
        finally:
            _KEPT.reset(token)


@contextmanager
def local(source: Source) -> Iterator[Path]:
    """A file with its bytes, for libraries that must jump to and fro in one: its own, or a temporary copy.

    Raises what reading the source raises.
    """
    kept = _KEPT.get()
    if source.on_disk:
        yield source.path
    elif kept is None:
        with _copied(source) as path:
            yield path
    else:
        until_then, copies = kept
        key = (source.path, source.name)
        if key not in copies:
            copies[key] = until_then.enter_context(_copied(source))
        yield copies[key]


def laid_down(source: Source) -> Source:
    """The same bytes as a file of its own; the source itself where ``keeping_copies`` keeps none.

    Raises what reading the source raises.
    """
    if source.on_disk or _KEPT.get() is None:
        return source
    with local(source) as path:
        return replace(of_file(path), name=source.name, beside=source.beside)


@contextmanager
def _copied(source: Source) -> Iterator[Path]:
    # A folder of its own, because a library may put files beside it.
    with scratch.folder() as folder:
        path = folder / f"copy{Path(source.name).suffix}"
        with source.open() as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy, _BLOCK)
        yield path
