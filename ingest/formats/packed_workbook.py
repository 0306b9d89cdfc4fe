"""What an .xlsx says of itself before it is opened: whether it is one, how large it is; knows no cell.

A workbook is held in memory while it is read, as one rectangle from the first to the last filled cell of a
sheet: two cells far apart would fill all memory there is. Source: ECMA-376, Office Open XML.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO

from ingest.sources.source import DAMAGE, Source, Unreadable

_MOST_UNPACKED = 512 << 20
_MOST_CELLS = 3_000_000  # of 72 bytes each, while they are read
_BLOCK = 1 << 20
_LONGEST_TAG = 1 << 16
_MOST_MEMBERS = 10_000
_WIDEST = 16_384
# A sheet has a million rows as soon as somebody colours whole columns: only cells with something in count.
_FILLED = re.compile(rb"<(?:\w+:)?c(?: [^>]*)?(?<!/)>")
_NAMED = re.compile(rb"<(?:\w+:)?c [^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*(?<!/)>")
_COLUMN = re.compile(rb" r=[\"']([A-Z]{1,3})\d")
_ROW = re.compile(rb"<(?:\w+:)?row[ />]")
_ROW_NUMBER = re.compile(rb"<(?:\w+:)?row [^>]*?\br=[\"'](\d{1,7})[\"']")
_1904 = re.compile(rb"\bdate1904=[\"'](?:1|true|on)[\"']")


def is_workbook(file: IO[bytes]) -> bool:
    """Whether a zip has what makes an .xlsx of it."""
    try:
        with zipfile.ZipFile(file) as packed:
            names = packed.namelist()
    except DAMAGE:
        return False  # whoever takes it for a zip will say what is wrong with it
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def counts_from_1904(source: Source) -> bool:
    """Whether its days count from 1904, as on old Macs. Raises Unreadable where it is not safe to open."""
    try:
        with source.open() as file, zipfile.ZipFile(file) as packed:
            _weigh(source, packed)
            if "xl/workbook.bin" in packed.namelist():
                raise Unreadable(f"{source.name} is a binary workbook (.xlsb): save it as .xlsx or CSV.")
            return bool(_1904.search(packed.read("xl/workbook.xml")))
    except KeyError:
        raise Unreadable(f"{source.name} is a workbook without a list of its sheets.") from None
    except DAMAGE as error:
        raise Unreadable(f"{source.name} is a damaged workbook ({str(error).rstrip('.')}).") from None


def _weigh(source: Source, packed: zipfile.ZipFile) -> None:
    entries = packed.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > _MOST_UNPACKED or len(entries) > _MOST_MEMBERS:
        raise Unreadable(
            f"{source.name} unpacks to {unpacked >> 20:,} MB, more than can be read at once: save it as CSV."
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable(f"{source.name} is locked with a password.")
    for entry in entries:
        # Read to its end: what is packed may be more than the archive says.
        rows, columns = _outline(_blocks(packed, entry))
        if not entry.filename.startswith("xl/worksheets/") or rows * columns <= _MOST_CELLS:
            continue
        rows, columns = _extent(_blocks(packed, entry))
        if rows * columns > _MOST_CELLS:
            raise Unreadable(
                f"{source.name} has a sheet of {rows:,} rows and {columns:,} columns, more than can be read"
                " at once: save it as CSV."
            )


def _outline(blocks: Iterator[bytes]) -> tuple[int, int]:
    """At most so many rows and columns has a sheet: found quickly, with cells that hold nothing."""
    rows, cells, named, letters = 0, 0, 0, set[bytes]()
    for block in blocks:
        rows = max([rows + len(_ROW.findall(block)), *map(int, _ROW_NUMBER.findall(block))])
        cells += block.count(b"<c ") + block.count(b"<c>") + block.count(b":c ") + block.count(b":c>")
        columns = _COLUMN.findall(block)
        named += len(columns)
        letters.update(columns)
    return rows, max(map(_number, letters), default=0) if cells <= named else _WIDEST


def _extent(blocks: Iterator[bytes]) -> tuple[int, int]:
    """The last row and the last column with a filled cell, or more where cells do not say where they are."""
    last_row, rows, filled, named, letters = 0, 0, 0, 0, set[bytes]()
    for block in blocks:
        rows = max([rows + len(_ROW.findall(block)), *map(int, _ROW_NUMBER.findall(block))])
        filled += len(_FILLED.findall(block))
        cells = _NAMED.findall(block)
        named += len(cells)
        letters.update(column for column, _ in cells)
        last_row = max([last_row, *map(int, {row for _, row in cells})])
    last_column = max(map(_number, letters), default=0)
    if filled > named:
        return max(rows, last_row), max(last_column, min(filled, _WIDEST))
    return last_row, last_column


def _blocks(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What is packed, cut between tags."""
    with packed.open(entry) as file:
        rest = b""
        while block := file.read(_BLOCK):
            cut = block.rfind(b">") + 1
            yield rest + block[:cut] if cut else b""
            rest = block[cut:] if cut else (rest + block)[-_LONGEST_TAG:]


def _number(letters: bytes) -> int:
    """A, B, ... Z, AA -> 1, 2, ... 26, 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
