"""Feeds as people manage them: the [[feeds]] of the file of settings, changed in place; runs nothing.

The file belongs to its owner: comments, order and formatting stay, and what would not be good settings is
never written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import AoT, Array, Item, Table

from ingest.due import Due
from ingest.formats import FORMATS
from ingest.words.columns import UnknownTerm, known_term

Check = Callable[[str], object]
"""Tries a text as the content of the file; raises ValueError, with a sentence, if it is no good."""


class BadFeed(ValueError):
    """A feed cannot be changed so; the message is one sentence that says why."""


def add(file: Path, values: Mapping[str, Any], check: Check) -> None:
    """Append a feed to the file, which is made if there is none.

    ``values`` are its keys as they stand in the file. Raises BadFeed, or what ``check`` raises; the file is
    untouched then.
    """
    _check_words(values)

    def change(document: tomlkit.TOMLDocument) -> str:
        feeds = document.setdefault("feeds", tomlkit.aot())
        if any(feed.get("name", "").casefold() == values["name"].casefold() for feed in feeds):
            raise BadFeed(f"There is a feed {values['name']!r} already: remove it, or take another name.")
        if isinstance(feeds, Array):
            feeds.append(_inline(values))
            return tomlkit.dumps(document)
        feeds.append(_table(values))
        return _with_gap(tomlkit.dumps(document))

    _change(file, check, change)


def remove(file: Path, name: str, check: Check) -> None:
    """Take a feed out of the file; comments around it stay. Raises BadFeed where there is none."""

    def change(document: tomlkit.TOMLDocument) -> str:
        feeds, place = _find(file, document, name)
        feed = feeds[place]
        tail = _cut_tail(feed.value) if isinstance(feed, Table) else []
        rest = "".join(item.as_string() for item in tail)
        if rest and place + 1 < len(feeds):  # what stands before the next feed is told of that one
            following = feeds[place + 1]
            following.trivia.indent = rest + following.trivia.indent
            rest = ""
        del feeds[place]
        if not feeds:
            del document["feeds"]
        return tomlkit.dumps(document) + rest

    _change(file, check, change)


def pause(file: Path, name: str, paused: bool, check: Check) -> None:
    """Have a feed left out from now on, or no longer. Raises BadFeed where there is none of this name."""

    def change(document: tomlkit.TOMLDocument) -> str:
        feeds, place = _find(file, document, name)
        feed = feeds[place]
        if paused or "paused" not in feed:
            _set(feed, paused)
        elif feed.value.item("paused").trivia.comment:  # somebody explains it there
            feed["paused"] = False
        else:
            del feed["paused"]
        return tomlkit.dumps(document)

    _change(file, check, change)


class InForce:
    """The settings that a scheduler goes by: those of the file as it was when it was last good.

    They are kept as a copy, and the ingests that it starts read that: a slip of the pen stops none.
    """

    def __init__(self, file: Path, copy: Path, read: Callable[[str | None], Sequence[Due]]) -> None:
        """``read`` gives the feeds of a text, None where there is no file.

        It raises ValueError, with a sentence, if that is no good.
        """
        self._file, self._copy, self._read = file, copy, read
        self._known = self._last = self._state()

    def feeds(self) -> Sequence[Due]:
        """Take the file as it is now. Raises what ``read`` raises, and leaves the copy as it was then."""
        text = _text_of(self._file) if self._file.is_file() else None
        feeds = self._read(text)
        _write(self._copy, text or "", self._file)
        return feeds

    def changed(self) -> Sequence[Due] | None:
        """The feeds if the file has changed since; None if not, or while it is being written."""
        last, self._last = self._last, self._state()
        if self._last == self._known or self._last != last:
            return None
        self._known = self._last
        return self.feeds()

    def _state(self) -> tuple[int, int, int] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns


def _check_words(values: Mapping[str, Any]) -> None:
    """Whether our words are ours: the settings know no terms and no formats. Raises BadFeed."""
    names = [known.name for known in FORMATS]
    if values.get("format", "auto") not in ("auto", *names):
        raise BadFeed(f"There is no format {values['format']!r}: take auto or one of {', '.join(names)}.")
    try:
        for term in (*values.get("columns", {}).values(), *values.get("set", {})):
            known_term(term)
    except UnknownTerm as error:
        raise BadFeed(str(error)) from None


def _change(file: Path, check: Check, change: Callable[[tomlkit.TOMLDocument], str]) -> None:
    old = _text_of(file)
    check(old)
    new = change(tomlkit.parse(old))
    check(new)
    _write(file, new, file)


def _text_of(file: Path) -> str:
    """What is in it; what is not UTF-8 becomes what no TOML has outside of a comment."""
    return file.read_bytes().decode("utf-8", errors="replace") if file.is_file() else ""


def _find(file: Path, document: tomlkit.TOMLDocument, name: str) -> tuple[Any, int]:
    feeds: AoT | Array = document.get("feeds", tomlkit.aot())
    place = next((place for place, feed in enumerate(feeds) if feed["name"] == name), None)
    if place is None:
        raise BadFeed(f"There is no feed {name!r} in {file.name}.")
    return feeds, place


def _table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        table.add(key, _inline(value) if isinstance(value, Mapping) else value)
    return table


def _inline(values: Mapping[str, Any]) -> Item:
    table = tomlkit.inline_table()
    for key, value in values.items():
        table.add(key, _inline(value) if isinstance(value, Mapping) else value)
    return table


def _with_gap(text: str) -> str:
    """An empty line before the last feed, and an end to the line before it."""
    before, header, feed = text.rpartition("[[feeds]]\n")
    return f"{before.rstrip()}\n\n{header}{feed}".lstrip()


def _set(feed: Any, paused: bool) -> None:
    """Behind its other keys, not behind the comment that follows them."""
    tail = _cut_tail(feed.value) if isinstance(feed, Table) else []
    feed["paused"] = paused
    if isinstance(feed, Table):
        feed.value.body.extend((None, item) for item in tail)


def _cut_tail(container: Container) -> list[Item]:
    """Take the comments and empty lines off the end of a table."""
    tail: list[Item] = []
    while container.body and container.body[-1][0] is None:
        tail.insert(0, container.body.pop()[1])
    if container.body and isinstance(container.body[-1][1], Table):
        tail = _cut_tail(container.body[-1][1].value) + tail
    return tail


def _write(file: Path, text: str, like: Path) -> None:
    """All of it or nothing, with the mode and the owner that ``like`` has; a link stays a link."""
    file = file.resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(text.encode())
            _take_over(like, new.fileno())
            os.fsync(new.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _take_over(like: Path, descriptor: int) -> None:
    try:
        status = like.stat()
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(descriptor, 0o666 & ~umask)
        return
    with suppress(PermissionError):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode & 0o7777)
