"""The line that somebody is writing just now: it waits until it has its end; knows no formats."""

from __future__ import annotations

import time

from ingest.sources import packed, zips
from ingest.sources.source import DAMAGE, Source, Unreadable, up_to

WAITS = "its last line has no end yet and waits"
"""What a run says of an input that it did not read to its end."""
_A_MOMENT = 0.5
"""Seconds."""
_LONGEST_LINE = 16 << 20


def without_open_line(source: Source) -> Source:
    """The source up to its last line end, if somebody is in the middle of writing the line behind that.

    A last line without an end is common, and whole; only one that was changed a moment ago is looked at
    twice. What is left out belongs to the next reading.
    """
    try:
        if source.fetch is not None or not source.on_disk or not _may_be_cut(source):
            return source
        before = source.path.stat()
        time.sleep(max(0.0, before.st_mtime + _A_MOMENT - time.time()))
        after = source.path.stat()
        if (source.size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            return source
        end = _last_line_end(source)
    except (Unreadable, *DAMAGE):
        return source  # whoever reads it says what is wrong with it
    return up_to(source, end) if end else source


def _may_be_cut(source: Source) -> bool:
    if not source.path.is_file() or not 0 <= time.time() - source.path.stat().st_mtime < _A_MOMENT:
        return False
    with source.open() as file:
        head = file.read(1024)
        file.seek(max(0, source.size - 1))
        last = file.read(1)
    # A document that ends with its bracket is whole.
    return is_text(head) and last not in (b"\n", b"\r", b"}", b"]", b">", b"")


def _last_line_end(source: Source) -> int:
    with source.open() as file:
        start = max(0, source.size - _LONGEST_LINE)
        file.seek(start)
        end = file.read(source.size - start).rfind(b"\n") + 1
    return start + end if end else 0


def is_text(head: bytes) -> bool:
    """Whether bytes that begin so are neither packed nor binary."""
    return packed.kind(head) is None and not zips.begins(head) and b"\x00" not in head
