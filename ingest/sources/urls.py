"""What a URL says: where it leads, and how it may be shown to people; asks nobody."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ingest.sources.source import Unreadable

_PORTS = {"http": 80, "https": 443}
_HIDDEN = "***"
_SECRET = re.compile(
    r"(api)?key|auth|authorization|credentials?|jwt|pass|passwd|password|pwd|secret|session|sig|signature|token"
)
_OF_RECORDS = re.compile(
    r"\b(?!(access|api|app|auth|license|private|secret|session|subscription|user)\b)[a-z]+ key\b"
)
"""taxonKey and datasetKey open nothing, and tell one feed from another."""


@dataclass(frozen=True)
class Target:
    """Where a URL leads."""

    scheme: str
    host: str
    """As it is asked for, in ASCII and lower case."""
    port: int
    path: str
    """With its query, fit for a request line."""
    authorization: str | None = None
    """What user:password@ in the URL becomes."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom a password is for."""
        return self.scheme, self.host, self.port

    @property
    def host_header(self) -> str:
        """What the server is told of whom is meant."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str) -> Target:
    """Where it leads. Raises Unreadable for what is not fetched: file:, ftp:, gopher:, a broken URL."""
    scheme = url.partition(":")[0].lower()
    if scheme not in _PORTS:
        raise Unreadable(f"{shown(url)} is not fetched: only http and https are.")
    try:
        parts = urlsplit(url)
        # Other spellings of a host (fullwidth digits, capitals) become the one that will be asked for.
        host = (parts.hostname or "").encode("idna").decode().lower()
        port = parts.port or _PORTS[scheme]
    except ValueError:
        host, port = "", 0
    if not host or re.search(r"[\x00-\x1f\x7f\\]", url) or " " in host:
        raise Unreadable(f"{shown(url)} is not a URL that can be understood.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._*")
    return Target(
        scheme, host, port, f"{path}?{query}" if query else path, _basic(parts.username, parts.password)
    )


def _basic(user: str | None, password: str | None) -> str | None:
    if user is None:
        return None
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def shown(url: str) -> str:
    """The URL without its secrets: no user and password, *** for each value that is called a key."""
    try:
        scheme, place, path, query, _ = urlsplit(url)
    except ValueError:
        return f"{url.partition(':')[0]}://{_HIDDEN}"
    pairs = [_without_secret(pair) for pair in query.split("&")] if query else []
    return printable(urlunsplit((scheme, place.rpartition("@")[2], path, "&".join(pairs), "")))


def printable(text: str) -> str:
    """The text without what would steer a terminal: a server may say anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _without_secret(pair: str) -> str:
    name, sign, _ = pair.partition("=")
    return f"{name}={_HIDDEN}" if sign and _is_secret(unquote(name)) else pair


def _is_secret(name: str) -> bool:
    words = re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()).strip()
    telling = _OF_RECORDS.sub("", words)
    return any(_SECRET.fullmatch(word) for word in telling.split())
