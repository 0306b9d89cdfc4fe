"""What is to be read, and how: paths as the operator says, or feeds as the settings say; opens nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from ingest.due import Due
from ingest.formats import is_bundle
from ingest.outcome import Options
from ingest.sources.source import STDIN, Reach, Source, Unreadable, find, of_file, piped

Work = list[tuple[list[str], Options]]
"""Paths, and how those are to be read."""
Said = Mapping[str, Any]
"""The options that were given on the command line, by their names in Options."""
_FOR_ALL = ("dry_run", "strict", "max_error_rate", "accept_new_ids")
"""What can be said of all feeds at once."""


class NothingToRead(ValueError):
    """There is nothing of this description; the message is one sentence that says what to do."""


def work(feeds: Sequence[Due], paths: Sequence[str], said: Said) -> Work:
    """These paths; without one, the feed that is named; without a name, every feed that is not paused.

    A file that is said to be of a feed is read as that feed is. Raises NothingToRead.
    """
    name = said.get("feed")
    named = next((feed for feed in feeds if feed.name == name), None)
    if paths:
        return [(list(paths), options(named, said))]
    if named:
        return [([named.path], options(named, said))]
    if name:
        raise NothingToRead(f"There is no feed {name!r} in the settings; see them with: manage.py feeds list")
    if not feeds:
        raise NothingToRead("There is no path and no feed: name a file, or add a feed with feeds add.")
    own = next((option for option in said if option not in _FOR_ALL), "")
    if own:
        option = own.replace("_", "-")
        raise NothingToRead(f"--{option} needs a path or --feed NAME: feeds have their own settings.")
    return [([feed.path], options(feed, said)) for feed in feeds if not feed.paused]


def options(feed: Due | None, said: Said) -> Options:
    """How something is read: as the settings say of its feed, and over that as was said now."""
    told = dict(feed.told) if feed else {}
    for name, value in said.items():
        told[name] = {**told.get(name, {}), **value} if name in ("map", "set") else value
    return Options(**told)


def inputs(paths: Sequence[str], until_read: ExitStack, reach: Reach | None = None) -> list[Source]:
    """What is at these paths; where there is nothing, an input that fails and says so, and stops no other.

    What is piped in is kept until the stack is closed.
    """
    return [source for path in paths for source in _at(path, until_read, reach)]


def _at(path: str, until_read: ExitStack, reach: Reach | None) -> list[Source]:
    try:
        if path == STDIN:
            return [until_read.enter_context(piped(sys.stdin.buffer))]
        return find([path], is_bundle, reach)
    except Unreadable as error:
        reason = error

    def refuse() -> IO[bytes]:
        raise reason

    return [replace(of_file(Path(path)), open=refuse)]
