"""One download: asks whether anything changed, follows, tries again, and never takes more than it may."""

from __future__ import annotations

import logging
import random
import ssl
import tempfile
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin

from urllib3.exceptions import TimeoutError as TimedOut
from urllib3.response import BaseHTTPResponse

from ingest.sources.body import Again, body
from ingest.sources.request import BROKEN, Clock, Limits, TooLate, get
from ingest.sources.source import Source, Unreadable
from ingest.sources.urls import Target, printable, shown, target

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_BACKOFF = 60.0
_LEFT_BEHIND_SECONDS = 86_400
log = logging.getLogger("sightings.fetch")


def fetch(url: str, cursor: Mapping[str, Any] | None, limits: Limits = Limits()) -> Source | None:  # noqa: B008 - frozen
    """What is at the URL, in a file that whoever reads it removes; None where it has not changed.

    Args:
        url: http or https. A user and password in it become basic authentication, for its host alone.
        cursor: that of the source which was read last: ``etag`` and ``lastModified`` of its answer.
        limits: how far to go.

    Raises:
        Unreadable: when it cannot be had, or may not.
    """
    known = cursor or {}
    asked = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("lastModified")}
    path = scratch(limits.folder)
    try:
        with path.open("wb") as file:
            headers = download(
                url, {k: str(v) for k, v in asked.items() if v}, file, limits, Clock(limits.deadline)
            )
    except BaseException:
        path.unlink()
        raise
    if headers is None:
        path.unlink()
        return None
    found = {"etag": headers.get("ETag", ""), "lastModified": headers.get("Last-Modified", "")}
    # What could not be sent back would fail every reading to come.
    fit = {key: value for key, value in found.items() if value.isprintable() and 0 < len(value) < 1_000}
    return of_scratch(url, path, fit or None)


def scratch(folder: Path | None) -> Path:
    """A new file for what is fetched. What an ingest that was killed left there a day ago is removed."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("fetched-*"):
            if time.time() - old.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                old.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile(prefix="fetched-", dir=folder, delete=False) as file:
        return Path(file.name)


def of_scratch(url: str, path: Path, cursor: Mapping[str, Any] | None) -> Source:
    """What was fetched, as a source."""
    return Source(shown(url), path, path.stat().st_size, lambda: path.open("rb"), cursor=cursor)


def download(
    url: str, asked: Mapping[str, str], into: IO[bytes], limits: Limits, clock: Clock
) -> Mapping[str, str] | None:
    """Bring the body of a URL into a file and return its headers; None for "not modified".

    ``asked`` are the conditions. Raises Unreadable.
    """
    tried = 0
    while True:
        into.seek(0)
        into.truncate()
        tried += 1
        try:
            return _follow(url, asked, into, limits, clock)
        except TooLate:
            raise Unreadable(
                f"{shown(url)} was not here after {limits.deadline:g} s, and was given up."
            ) from None
        except Again as error:
            if tried >= limits.tries:
                raise Unreadable(f"{shown(url)} {error}; it was tried {tried} times.") from None
            log.info("%s %s; it is tried again", shown(url), error)
            _wait(url, error, tried, limits, clock)


def _wait(url: str, error: Again, tried: int, limits: Limits, clock: Clock) -> None:
    """Before the next try: as long as the server asks, and longer each time, never in step with others."""
    wait = min(limits.backoff * 2 ** (tried - 1), _LONGEST_BACKOFF) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    wait = error.wait + wait if error.wait else wait
    if error.wait > limits.most_wait or clock.ends_within(wait):
        raise Unreadable(f"{shown(url)} {error}, and to wait {wait:,.0f} s for it is more than is allowed.")
    time.sleep(wait)


def _follow(
    url: str, asked: Mapping[str, str], into: IO[bytes], limits: Limits, clock: Clock
) -> Mapping[str, str] | None:
    """One try: from redirect to redirect, each looked at as the first was.

    Raises Again, Unreadable, TooLate.
    """
    here, first = url, target(url)
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            with get(where := _next(here, first), _headers(where, first, asked), limits, clock) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    return _take(url, response, bool(asked), into, limits, clock)
                here = _led_to(here, location)
        except ssl.SSLCertVerificationError as error:
            raise Unreadable(
                f"{shown(here)} shows a certificate that is not trusted: {error.verify_message}."
            ) from None
        except BROKEN as error:
            clock.left(1)
            raise Again(_broken(error)) from None
    raise Unreadable(f"{shown(url)} leads on and on, more than {_MOST_REDIRECTS} times.")


def _led_to(here: str, location: str) -> str:
    try:
        return urljoin(here, location)
    except ValueError:
        raise Unreadable(f"{shown(here)} leads to what is not a URL.") from None


def _next(here: str, first: Target) -> Target:
    where = target(here)
    if first.scheme == "https" and where.scheme == "http":
        raise Unreadable(f"{shown(here)} is not encrypted, and was led to by a URL that is.")
    return where


def _headers(where: Target, first: Target, asked: Mapping[str, str]) -> dict[str, str]:
    headers = {"Accept": "*/*", "Accept-Encoding": "gzip", **asked}
    if first.authorization and where.origin == first.origin:
        headers["Authorization"] = first.authorization
    return headers


def _broken(error: Exception) -> str:
    """What happened, in words of ours: the library's may hold the URL."""
    reason = getattr(error, "strerror", None) or getattr(error.__cause__, "strerror", None)
    if reason:
        return f"cannot be reached ({reason})"
    late = isinstance(error, TimeoutError | TimedOut)
    return "does not answer in time" if late else "breaks off, or answers what is no HTTP"


def _take(
    url: str, response: BaseHTTPResponse, conditional: bool, into: IO[bytes], limits: Limits, clock: Clock
) -> Mapping[str, str] | None:
    """The body of an answer, whole. Raises Again where it may be had later, else Unreadable."""
    if response.status == HTTPStatus.OK:
        for piece in body(url, response, limits, clock):
            _keep(url, piece, into)
        return response.headers
    if response.status == HTTPStatus.NOT_MODIFIED and conditional:
        return None
    told = f"answers {response.status} {printable(response.reason or '')[:50].strip()}".rstrip()
    if response.status in _AGAIN:
        raise Again(told, _retry_after(response.headers))
    raise Unreadable(f"{shown(url)} {told}: look whether the URL is right and whether it is for everybody.")


def _keep(url: str, piece: bytes, into: IO[bytes]) -> None:
    try:
        into.write(piece)
    except OSError as error:  # not the connection's fault, so not to be tried again
        raise Unreadable(f"{shown(url)} finds no room here: {error.strerror}.") from None


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait, by its own clock where it names an hour; 0 if it asks nothing."""
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:9])
    then, now = moment(told), moment(headers.get("Date")) or time.time()
    return max(then - now, 0.0) if then else 0.0


def moment(text: str | None) -> float | None:
    """The time, in seconds since 1970, that a header such as Date tells; None where it tells none."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
