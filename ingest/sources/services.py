"""Public APIs that answer page by page, GBIF's and iNaturalist's, read into one file; knows no columns.

A reading begins where the last one began, and a little before that: what changed while that was under way,
or was shown late, comes again rather than never. What comes twice is known by its id. A record that is
deleted there stays here: neither API tells of deletions.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ingest.sources.fetch import download, moment, of_scratch, scratch
from ingest.sources.request import Clock, Limits
from ingest.sources.source import Source, Unreadable
from ingest.sources.urls import shown

_MOST_RECORDS = 100_000
"""GBIF gives no more to one query; iNaturalist asks for no more than 10,000 pages a day."""
_LARGEST_PAGE = 32 << 20
_DAY = 86_400

Record = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """What one request answers."""

    records: list[Record]
    total: int
    """How many records the query finds in all."""
    end: bool
    """Whether the service says that this is the last one."""


Ask = Callable[[Mapping[str, object]], Page]
"""Asks for the page that these parameters name."""


class _Shifted(Exception):
    """Records move between the pages all the time; one may have slipped through."""


@dataclass(frozen=True)
class Service:
    """A public API."""

    name: str
    path: str
    """How the path of its URL ends, on whatever host."""
    key: str
    """The field of a record that is its id."""
    total: str
    """The field of an answer that counts what is found."""
    paging: frozenset[str]
    """Parameters that are ours to set."""
    since: str
    """The parameter for what has changed since then, which is included."""
    cursor: Callable[[float], str]
    """What to ask for at the next reading, after one that began at this time."""
    pages: Callable[[Ask], Iterator[Page]]
    """Goes through the pages; a record may be on several."""


def _gbif(ask: Ask) -> Iterator[Page]:
    """By offset. Each page begins with the last record of the one before, to see whether they have shifted.

    If none of what was read last is on it as it was, records went away that stood before, and took as many
    from behind our back: then we step back until we meet what we know, or are at the beginning again.
    See techdocs.gbif.org/en/openapi/v1/occurrence: at most 300 a page, offset and limit at most 100,000.
    """
    offset, last, asked, back = 0, list[Record](), 0, False
    while True:
        page = ask({"offset": offset, "limit": min(300, _MOST_RECORDS - offset)})
        asked += 1
        known = [record for record in page.records if record in last]
        stuck = len(known) == len(page.records) > 1 and not back and not page.end
        if stuck or asked > 3 * (page.total // max(len(last or page.records) - 1, 1) + 10):
            raise _Shifted
        back = offset > 0 and not known
        if back:
            offset = max(0, offset - len(last))
            continue
        yield page
        if page.end or offset + len(page.records) >= page.total:
            return
        offset, last = offset + max(len(page.records) - 1, 1), page.records


def _inaturalist(ask: Ask) -> Iterator[Page]:
    """By id, upwards: what is new gets a higher id and shifts nothing.

    See api.inaturalist.org/v1/docs: at most 200 a page and, by page number, only the first 10,000.
    """
    above = 0
    while True:
        page = ask({"order_by": "id", "order": "asc", "per_page": 200, "id_above": above})
        yield page
        if page.total <= len(page.records) or not page.records:
            return
        highest = max(int(record["id"]) for record in page.records)
        if highest <= above:
            raise _Shifted
        above = highest


SERVICES = (
    Service(
        name="GBIF",
        path="/occurrence/search",
        key="key",
        total="count",
        paging=frozenset({"offset", "limit"}),
        since="lastInterpreted",
        # Interpreted is not yet shown: the index follows hours later, and knows days only.
        cursor=lambda began: f"{datetime.fromtimestamp(began - 2 * _DAY, UTC):%Y-%m-%d},*",
        pages=_gbif,
    ),
    Service(
        name="iNaturalist",
        path="/v1/observations",
        key="id",
        total="total_results",
        paging=frozenset({"order_by", "order", "per_page", "page", "id_above"}),
        since="updated_since",
        cursor=lambda began: f"{datetime.fromtimestamp(began - 3600, UTC):%Y-%m-%dT%H:%M:%SZ}",
        pages=_inaturalist,
    ),
)


def service_of(url: str) -> Service | None:
    """The API that a URL asks, if it does."""
    try:
        path = urlsplit(url).path.rstrip("/")
    except ValueError:
        return None
    return next((one for one in SERVICES if path.endswith(one.path)), None)


def read(
    service: Service,
    url: str,
    cursor: Mapping[str, Any] | None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Source | None:
    """All records that the query finds and that changed since the cursor, one a line; None if there are none.

    A query that says itself since when (``lastInterpreted``, ``updated_since``) is read as it stands.
    Raises Unreadable where it finds more than can be read so, changes faster than it is read, or fails.
    """
    path = scratch(limits.folder)
    reading = _Reading(service, url, cursor, limits)
    try:
        with path.open("wb") as file:
            found = reading.into(file)
    except BaseException:
        path.unlink()
        raise
    if not found:
        path.unlink()
        return None
    return of_scratch(url, path, {"since": service.cursor(reading.began)})


class _Reading:
    """One reading of a query."""

    def __init__(self, service: Service, url: str, cursor: Mapping[str, Any] | None, limits: Limits) -> None:
        self._service, self._url, self._limits = service, url, limits
        self._clock = Clock(limits.deadline)
        parts = urlsplit(url)
        asked = parse_qsl(parts.query, keep_blank_values=True)
        self._query = [(name, value) for name, value in asked if name not in service.paging]
        since = (cursor or {}).get("since")
        if since and service.since not in dict(asked):
            self._query.append((service.since, str(since)))
        self._place = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        self._bytes = self._pages = 0
        self.began = self._now = time.time()
        """By our clock or theirs, whichever is behind: so that neither makes us skip anything."""

    def into(self, file: IO[bytes]) -> int:
        """Write the records; how many there are."""
        seen: set[Any] = set()
        try:
            for page in self._service.pages(self._ask):
                for record in page.records:
                    identity = record[self._service.key]
                    # Of two states of one record the later comes again with the next reading.
                    if identity not in seen:
                        seen.add(identity)
                        file.write(json.dumps(record).encode() + b"\n")
        except _Shifted:
            raise Unreadable(
                f"{shown(self._url)} changes while it is read, so that its pages do not follow each other;"
                " nothing was taken. Try it later."
            ) from None
        return len(seen)

    def _ask(self, place: Mapping[str, object]) -> Page:
        if self._pages:
            time.sleep(self._limits.pause)  # past the deadline it is the next download that says so
        self._pages += 1
        query = urlencode([*self._query, *place.items()], safe=",*:")
        room = min(self._limits.max_bytes - self._bytes, _LARGEST_PAGE)
        body = io.BytesIO()
        url = f"{self._place}?{query}"
        headers = download(url, {}, body, replace(self._limits, max_bytes=room), self._clock) or {}
        self._bytes += body.tell()
        self.began = min(self.began, moment(headers.get("Date")) or self._now - _DAY)
        page = _page(self._service, body.getvalue(), self._url)
        if page.total > _MOST_RECORDS:
            raise Unreadable(
                f"{shown(self._url)} finds {page.total:,} records, more than the {_MOST_RECORDS:,} that can"
                " be read page by page: narrow it, say to a taxon, a country or a year."
            )
        return page


def _page(service: Service, body: bytes, url: str) -> Page:
    try:
        told = json.loads(body)
        records, total = told["results"], int(told[service.total])
        if not all(str(record[service.key]).isdecimal() for record in records):
            raise TypeError
        return Page(list(records), total, told.get("endOfRecords") is True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable(f"{shown(url)} does not answer as {service.name} does.") from None
