"""Zips looked at before they are opened: what is made to do harm is refused; knows no formats.

Nothing is ever written under a name that an archive gives. Names that lead out of it are refused all the
same, because whoever packed them meant harm.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from stat import S_ISLNK
from typing import IO

from ingest.sources.packed import Counted, Damaged, most

_MOST_MEMBERS = 9_999
_MOST_DIRECTORY = 400 * _MOST_MEMBERS
_BUFFER = 1 << 16
_WORKBOOK = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"customXml/", b"mimetype")
"""How the first file in a workbook (xlsx, xlsb, ods) is called: it is a zip, and still one document."""


class Unfit(Exception):
    """A zip that cannot or must not be opened; the message goes on where its name ends, with no full stop."""


def begins(head: bytes) -> bool:
    """Whether bytes that begin so are a zip, be it an empty one."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def begins_workbook(head: bytes) -> bool:
    """Whether a zip that begins so is a workbook, by the name of its first file."""
    return begins(head) and head[30:].startswith(_WORKBOOK)


def entries(path: Path) -> list[zipfile.ZipInfo]:
    """The files of a zip, in its order, without what a Mac packs beside every file. Raises Unfit."""
    try:
        with path.open("rb") as file:
            _look_at_directory(file)
            with zipfile.ZipFile(file) as archive:
                files = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError) as error:
        raise Unfit(f"is not a complete zip file ({str(error).rstrip('.')})") from None
    _refuse_bombs(files, path.stat().st_size)
    for entry in files:
        _refuse_traps(entry)
    if len({entry.filename for entry in files}) < len(files):
        raise Unfit("holds two files of one name")
    return [entry for entry in files if not _hidden(entry.filename)]


def _look_at_directory(file: IO[bytes]) -> None:
    """Refuse a directory of so many files that reading it alone would be the bomb.

    It stands where zipfile looks for it: behind it an end record, before that the one for large archives.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 22 - 76))
    tail = file.read()
    at = len(tail) - 22 if tail[-22:-18] == b"PK\x05\x06" else tail.rfind(b"PK\x05\x06")
    file.seek(0)
    if at < 0 or at + 22 > len(tail):
        return  # zipfile says what is wrong
    count, length = struct.unpack_from("<HL", tail, at + 10)
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\x06\x07":
        count, length = struct.unpack_from("<QQ", tail, at - 76 + 32)
    if count > _MOST_MEMBERS or length > _MOST_DIRECTORY:
        raise Unfit(f"holds {count:,} files, more than is safe to read")


def _refuse_bombs(files: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(entry.file_size for entry in files)
    if len(files) > _MOST_MEMBERS or unpacked > most(size):
        raise Unfit(f"unpacks to {len(files):,} files of {unpacked:,} bytes, more than is safe to read")
    # Files that share their packed bytes are small in the archive and large outside of it.
    placed = sorted((entry.header_offset, entry.compress_size, len(entry.orig_filename)) for entry in files)
    ends = [offset + 30 + name + packed for offset, packed, name in placed]
    starts = [offset for offset, _, _ in placed]
    if any(end > start for end, start in zip(ends, starts[1:], strict=False)) or starts != sorted(
        set(starts)
    ):
        raise Unfit("holds files that lie upon one another, which unpacks to more than is safe to read")


def _refuse_traps(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
        raise Unfit(f"holds a file called {name[:80]!r}, which leads out of it")
    if S_ISLNK(entry.external_attr >> 16):
        raise Unfit(f"holds {name[:80]!r}, which is a link and no file")
    if entry.flag_bits & 1:
        raise Unfit("is locked with a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unfit("is packed in an unusual way: pack it anew as an ordinary zip")


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def open_entry(path: Path, entry: zipfile.ZipInfo) -> IO[bytes]:
    """One file of a zip. Reading raises Damaged, also where it is not as long as the zip declares."""
    archive = zipfile.ZipFile(path)
    try:
        stream = archive.open(entry)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        archive.close()
        raise Damaged(f"its zip data is damaged ({str(error).rstrip('.')})") from None
    raw = Counted(stream, "zip", lambda: entry.file_size, archive, entry.file_size)
    return io.BufferedReader(raw, _BUFFER)
