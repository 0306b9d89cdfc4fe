"""What a stranger is shown of where an input lay: its name, and no folder and no host. Asks no ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote, urlsplit

from api.speech import _

_PIPED = "-"
_PATH = re.compile(r"(?<![\w/\\:.])(?:[A-Za-z]:\\|(?=/[^/\s]+/)/)[^\s'\",;:()]+")
"""A path from the root, as it stands in a sentence."""
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+")
_ADDRESS = re.compile(r"(?<![\w.:])[0-9A-Fa-f:.]*[0-9A-Fa-f](?!\w)")
"""What could be an address of a machine: whether it is one, ``ipaddress`` knows."""
_UNEXPECTED = re.compile(r"(because of an unexpected \w+): .*", re.DOTALL)
_LEFT_OUT = "…"


def for_strangers(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger says of a run, with its input and what it was made from by their names."""
    shown = {**run, "message": message(run)}
    if run["input"] != _PIPED:
        shown["input"] = base_name(run["input"])
    if parts := run.get("options", {}).get("parts"):
        named = [{**part, "name": base_name(part["name"])} for part in parts]
        shown["options"] = {**run["options"], "parts": named}
    return shown


def message(run: Mapping[str, Any]) -> str:
    """What the ledger says of it; of one that died it says on which machine, and nothing else."""
    if run["status"] == "abandoned":
        return ""
    # What an error says that nobody expected, nobody has read either.
    return without_places(_UNEXPECTED.sub(r"\1.", run["message"]), run["input"])


def base_name(written: str) -> str:
    """The last part of a path or of a URL."""
    if written == _PIPED:
        return _("piped in")
    if _URL.match(written):
        return _of_url(written)
    return re.split(r"[/\\]", written.rstrip("/\\"))[-1] or written


def _of_url(written: str) -> str:
    """Of a URL without a path its host, which is all that it has."""
    try:
        parts = urlsplit(written)
    except ValueError:
        return _("a URL")
    last = unquote(parts.path).rstrip("/").rpartition("/")[2]
    return last or parts.hostname or _("a URL")


def without_places(sentence: str, written: str) -> str:
    """What the ledger says of an input, without where it or anything else lay."""
    named = sentence.replace(written, base_name(written)) if len(written) > 1 else sentence
    for place, instead in _around(written):
        named = place.sub(instead, named)
    for places in (_URL, _PATH):
        named = places.sub(lambda found: _ended(found[0]), named)
    return _ADDRESS.sub(lambda found: _LEFT_OUT if _is_address(found[0]) else found[0], named)


def _around(written: str) -> list[tuple[re.Pattern[str], str]]:
    """Where it lay, and what is said instead: the host of a URL; the folders of a path, the longest first.

    Whole words only: a host may be called ``web``, and a folder ``data``.
    """
    if _URL.match(written):
        host = _host(written)
        if not host or host == base_name(written):
            return []
        return [(re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", re.IGNORECASE), _LEFT_OUT)]
    kind = PureWindowsPath if "\\" in written else PurePosixPath
    separator = "\\" if "\\" in written else "/"
    folders = [str(folder) for folder in kind(written).parents]
    return [
        (re.compile(r"(?<![\w/\\.-])" + re.escape(folder + separator)), "")
        for folder in folders
        if folder not in ("/", ".")
    ]


def _host(written: str) -> str | None:
    try:
        return urlsplit(written).hostname
    except ValueError:
        return None


def _is_address(found: str) -> bool:
    try:
        ip_address(found)
    except ValueError:
        return False
    return True


def _ended(found: str) -> str:
    """A place by its name, with the full stop that ended the sentence and not the name."""
    plain = found.rstrip(".,;:!?")
    return base_name(plain) + found[len(plain) :]
