"""Bytes to letters: which encoding an input is in, and how sure that is; knows no rows."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ingest.sources.source import Source

_BLOCK = 1 << 20
_HEAD = 4_096
_ENOUGH = 1 << 16
_WIDE = 0.4  # so much of every other byte of plain text is NUL in UTF-16, and next to none of the rest
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_BEYOND_ASCII_BYTES = re.compile(rb"[\x80-\xff]+")
_LONG_RUNS = 1.8
_FEW = 20
"""So few letters tell no language."""
_SIGN_IN_WORD = re.compile(r"[^\W\d_][¹³¿¼¾£¥¯][^\W\d_]|[¹³¼¾][^\W\d_]")
"""What letters of Poland look like in Windows-1252."""


@dataclass(frozen=True)
class Encoding:
    """The encoding of an input and what a person should know of it."""

    name: str
    guessed: bool = False
    """It is not what the bytes say of themselves, but what they look like."""
    bad: int = 0
    """Bytes that are no letters in it; each is replaced by U+FFFD."""

    def notes(self) -> tuple[str, ...]:
        """What a person is told."""
        if self.guessed:
            return (f"the encoding {self.name} was guessed",)
        if self.bad:
            what = "1 byte is" if self.bad == 1 else f"{self.bad:,} bytes are"
            return (f"{what} not {self.name.upper()}: \ufffd stands there instead",)
        return ()


def find(source: Source) -> Encoding:
    """By byte order mark; UTF-8 where all of it is, or all but a few bytes; else by its looks."""
    head = source.head(_HEAD)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    if wide := _unmarked_utf_16(head):
        return Encoding(wide, guessed=True)
    if _is_utf8(source):
        return Encoding("utf-8")
    letters, bad = _letters_and_bad_bytes(source)
    # In a text of another encoding hardly a letter beyond ASCII happens to be UTF-8.
    return Encoding("utf-8", bad=bad) if letters > bad else Encoding(_by_looks(source), guessed=True)


def _unmarked_utf_16(head: bytes) -> str:
    half = len(head) // 2
    first, second = head[::2].count(0), head[1::2].count(0)
    if second > _WIDE * half and first < _WIDE * half / 10:
        return "utf-16-le"
    if first > _WIDE * half and second < _WIDE * half / 10:
        return "utf-16-be"
    return ""


def _is_utf8(source: Source) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with source.open() as file:
            while block := file.read(_BLOCK):
                # ASCII is UTF-8, unless a letter that was begun ends there; to make it text takes longer.
                if not block.isascii() or decoder.getstate()[0]:
                    decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _letters_and_bad_bytes(source: Source) -> tuple[int, int]:
    """How many letters beyond ASCII are good UTF-8, and how many bytes are none."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    beyond = bad = 0
    with source.open() as file:
        while block := file.read(_BLOCK):
            text = decoder.decode(block)
            beyond += len(_BEYOND_ASCII.findall(text))
            bad += len(_ESCAPED.findall(text))
        bad += len(decoder.decode(b"", final=True))
    return beyond - bad, bad


def _by_looks(source: Source) -> str:
    from charset_normalizer import from_bytes

    sample = _telling_lines(source)
    runs = _BEYOND_ASCII_BYTES.findall(sample)
    # Windows-1252 and its relatives are what spreadsheets write; without the hint short files are anything.
    # In a Latin script accents stand alone, in others most bytes are beyond ASCII.
    latin = sum(map(len, runs)) < _LONG_RUNS * len(runs)
    if latin and len(runs) < _FEW and not _SIGN_IN_WORD.search(sample.decode("cp1252", "replace")):
        return "cp1252"
    known = ["cp1252", "cp1250"] if latin else ["cp1251", "cp932", "gb18030", "cp1252", "cp1250"]
    best = from_bytes(sample, cp_isolation=known).best()
    if best is None or best.encoding == "ascii":
        return "cp1252"
    # Relatives that read the same letters are told apart by nothing: then it is the most common of them.
    same = sample.decode(best.encoding, "replace") == sample.decode("cp1252", "replace")
    return "cp1252" if same else best.encoding


def _telling_lines(source: Source) -> bytes:
    """Lines that hold more than ASCII, wherever in the input they stand."""
    found: list[bytes] = []
    length = 0
    with source.open() as file:
        while length < _ENOUGH and (line := file.readline(_ENOUGH)):
            if not line.isascii():
                found.append(line)
                length += len(line)
    return b"".join(found)
