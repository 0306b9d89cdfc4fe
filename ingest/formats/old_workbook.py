"""What an .xls says of itself before it is opened: whether it is whole, how large it is; knows no value.

An .xls is a small file system of sectors in chains. A damaged chain that leads back into itself has no end
for whoever follows it, so every chain is walked here first. Sources: [MS-CFB] and [MS-XLS].
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.sources.source import Source, Unreadable

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MOST_BYTES = 128 << 20
_MOST_CELLS = 3_000_000
_END = 0xFFFFFFFE
_FREE = 0xFFFFFFFF
_SMALL = 4_096  # what is shorter lies in the small sectors
_BOOKS = ("Workbook", "Book")
_BOF, _EOF, _1904, _LOCKED = 0x0809, 0x000A, 0x0022, 0x002F
_SEVERAL = 0x00BD
_CELLS = {0x0006, 0x0203, 0x0204, 0x0205, _SEVERAL, 0x00D6, 0x00FD, 0x027E}
"""FORMULA, NUMBER, LABEL, BOOLERR, MULRK, RSTRING, LABELSST, RK: each begins with its row and column."""


class _Damaged(ValueError):
    """The file system in the file makes no sense; the message says where."""


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: int
    start: int
    size: int


class _Files:
    """The streams in a compound file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._shift = struct.unpack_from("<H", data, 0x1E)[0]
        if self._shift not in (9, 12):
            raise _Damaged("its sectors have no size that is known")
        self._most = (len(data) >> self._shift) + 1
        self._fat = self._numbers(self._fat_sectors())
        directory, small = struct.unpack_from("<I", data, 0x30)[0], struct.unpack_from("<I", data, 0x3C)[0]
        self._small_fat = self._numbers(self._chain(small)) if small < _END else ()
        self.entries = [entry for entry in self._directory(directory) if entry.kind]
        for entry in self.entries:
            self._check(entry)

    def content(self, entry: _Entry) -> bytes:
        """The bytes of a stream that lies in whole sectors."""
        return b"".join(map(self._sector, self._chain(entry.start)))[: entry.size]

    def _check(self, entry: _Entry) -> None:
        if entry.kind == 2 and entry.size < _SMALL:
            self._chain(entry.start, self._small_fat)
        elif entry.kind in (2, 5):
            self._chain(entry.start)

    def _sector(self, number: int) -> bytes:
        place = (number + 1) << self._shift
        return self._data[place : place + (1 << self._shift)]

    def _numbers(self, sectors: list[int]) -> tuple[int, ...]:
        data = b"".join(map(self._sector, sectors))
        return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])

    def _fat_sectors(self) -> list[int]:
        """The sectors of the table of chains: 109 in the header, more in a chain of their own."""
        found = [number for number in struct.unpack_from("<109I", self._data, 0x4C) if number < _END]
        following = struct.unpack_from("<I", self._data, 0x44)[0]
        seen = set[int]()
        while following < self._most:
            if following in seen:
                raise _Damaged("the list of its sectors has no end")
            seen.add(following)
            *numbers, following = self._numbers([following]) or (_END,)
            found += [number for number in numbers if number < _END]
        if any(number >= self._most for number in found):
            raise _Damaged("it breaks off")
        return found

    def _chain(self, start: int, table: tuple[int, ...] | None = None) -> list[int]:
        """The sectors from this one on. Raises _Damaged where they lead out of the file or in a circle."""
        follows = self._fat if table is None else table
        found: list[int] = []
        sector = start
        while sector not in (_END, _FREE):
            inside = sector < len(follows) and (table is not None or sector < self._most)
            if not inside or len(found) > len(follows):
                raise _Damaged("its sectors are out of order, or it breaks off")
            found.append(sector)
            sector = follows[sector]
        if sector == _FREE and found:
            raise _Damaged("one of its streams has no end")
        return found

    def _directory(self, start: int) -> Iterator[_Entry]:
        data = b"".join(map(self._sector, self._chain(start)))
        for place in range(0, len(data) - 127, 128):
            length, kind = struct.unpack_from("<HB", data, place + 64)
            name = data[place : place + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            first, size = struct.unpack_from("<II", data, place + 116)
            yield _Entry(name, kind, first, size)


def counts_from_1904(source: Source) -> bool:
    """Whether its days count from 1904, as on old Macs. Raises Unreadable where it is not safe to open."""
    if source.size > _MOST_BYTES:
        raise Unreadable(f"{source.name} is too large for an old workbook: save it as .xlsx or CSV.")
    with source.open() as file:
        data = file.read(_MOST_BYTES)
    try:
        files = _Files(data)
        book = next((entry for entry in files.entries if entry.name in _BOOKS), None)
        if book is None:
            locked = any(entry.name == "EncryptedPackage" for entry in files.entries)
            what = "locked with a password" if locked else "a file of an old Office program, but no workbook"
            raise Unreadable(f"{source.name} is {what}.")
        return _read_through(source, files.content(book))
    except (_Damaged, struct.error) as error:
        raise Unreadable(f"{source.name} is a damaged workbook ({error}).") from None


def _read_through(source: Source, book: bytes) -> bool:
    from_1904, rows, columns, before = False, 0, 0, 0
    for kind, place, length in _records(book):
        if kind == _LOCKED:
            raise Unreadable(f"{source.name} is locked with a password.")
        if kind == _1904 and length >= 2:
            from_1904 = book[place : place + 2] != b"\0\0"
        elif kind == _BOF:  # of the next sheet; all of them will be in memory at once
            rows, columns, before = 0, 0, before + rows * columns
        elif kind in _CELLS and length >= 6:
            row, column = _last_cell(book, place, length, kind)
            rows, columns = max(rows, row + 1), max(columns, column + 1)
            if before + rows * columns > _MOST_CELLS:
                raise Unreadable(
                    f"{source.name} has more than {_MOST_CELLS:,} cells, more than can be read at once:"
                    " save it as CSV."
                )
    return from_1904


def _last_cell(book: bytes, place: int, length: int, kind: int) -> tuple[int, int]:
    """The row and the column of a record; one of several numbers ends with the last of its columns."""
    row, column = struct.unpack_from("<HH", book, place)
    last = struct.unpack_from("<H", book, place + length - 2)[0] if kind == _SEVERAL else column
    return row, max(column, last)


def _records(book: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, place and length of what the book consists of."""
    place = 0
    while place + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, place)
        yield kind, place + 4, min(length, len(book) - place - 4)
        place += 4 + length
