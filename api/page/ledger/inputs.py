"""What a stranger is shown of where an input lay: its name, and no folder and no host. Knows no ledger."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from api.page.speech import _

_PIPED = "-"
_PATH = re.compile(r"(?<![\w/\\:.])(?:[A-Za-z]:\\|(?=/[^/\s]+/)/)[^\s'\",;:()]+")
"""A path from the root, as it stands in a sentence."""
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+")


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
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return last or parts.hostname or _("a URL")


def without_places(sentence: str, written: str) -> str:
    """What the ledger says of an input, without where it or anything else lay."""
    named = sentence.replace(written, base_name(written)) if len(written) > 1 else sentence
    for places in (_URL, _PATH):
        named = places.sub(lambda found: _ended(found[0]), named)
    return named


def _ended(found: str) -> str:
    """A place by its name, with the full stop that ended the sentence and not the name."""
    plain = found.rstrip(".,;:!?")
    return base_name(plain) + found[len(plain) :]
