"""Feeds that come page by page, from servers that speak as GBIF and iNaturalist do and change meanwhile."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, select

from db.models import Sighting
from ingest.outcome import Options, Outcome
from ingest.run import ingest as run
from ingest.sources import services
from ingest.sources.remote import at
from ingest.sources.source import Unreadable
from tests.served import Served, reply, served

Meddle = Callable[["Gbif | Inaturalist", int], None]
DAY = 86_400
NOW = time.time()


def iso(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S.000+00:00}"


class Gbif:
    """A collection that is searched as GBIF's is: in order of year (newest first) and key, a few a page."""

    def __init__(self, number: int, page: int = 5) -> None:
        self.records = dict.fromkeys(range(1, number + 1), (2024, NOW - 9 * DAY))
        """Key -> year, and when it was last interpreted."""
        self.page = page
        self.skew = 0.0
        """How far their clock is ahead of ours, in seconds."""
        self.asked: list[dict[str, str]] = []
        self.meddle: Meddle = lambda *_: None
        self.bad: bytes | None = None

    def __call__(self, request: str) -> bytes:
        self.asked.append(query_of(request))
        self.meddle(self, len(self.asked))
        if self.bad is not None:
            return self.bad
        return reply(json.dumps(self.answer(self.asked[-1])), Date=self.date())

    def date(self) -> str:
        return formatdate(time.time() + self.skew, usegmt=True)

    def answer(self, asked: dict[str, str]) -> dict[str, Any]:
        since = asked.get("lastInterpreted", "0000,*").removesuffix(",*")
        found = [key for key, (_, when) in self.records.items() if iso(when)[:10] >= since]
        found.sort(key=lambda key: (-self.records[key][0], key))
        offset, limit = int(asked["offset"]), min(int(asked["limit"]), self.page)
        return {
            "offset": offset,
            "limit": limit,
            "endOfRecords": offset + limit >= len(found),
            "count": len(found),
            "results": [self.record(key) for key in found[offset : offset + limit]],
            "facets": [],
        }

    def record(self, key: int) -> dict[str, Any]:
        year, when = self.records[key]
        return {
            "key": key,
            "gbifID": str(key),
            "datasetKey": "50c9509d-22c7-4a22-a47d-8c48425ef4a7",
            "scientificName": "Lynx lynx (Linnaeus, 1758)",
            "species": "Lynx lynx",
            "basisOfRecord": "HUMAN_OBSERVATION",
            "eventDate": f"{year}-05-01",
            "decimalLatitude": 46.5,
            "decimalLongitude": 14.25,
            "countryCode": "AT",
            "issues": [],
            "lastInterpreted": iso(when),
        }

    def insert(self, key: int, year: int = 2024, when: float | None = None) -> None:
        self.records[key] = (year, time.time() + self.skew if when is None else when)


class Inaturalist(Gbif):
    """A collection that is searched as iNaturalist's is: by id, above one."""

    def answer(self, asked: dict[str, str]) -> dict[str, Any]:
        assert (asked["order_by"], asked["order"]) == ("id", "asc")
        since, above = asked.get("updated_since", "0000"), int(asked["id_above"])
        found = sorted(
            key for key, (_, when) in self.records.items() if key > above and iso(when)[:19] >= since[:19]
        )
        per_page = min(int(asked["per_page"]), self.page)
        results = [self.record(key) for key in found[:per_page]]
        return {"total_results": len(found), "page": 1, "per_page": per_page, "results": results}

    def record(self, key: int) -> dict[str, Any]:
        year, when = self.records[key]
        return {
            "id": key,
            "quality_grade": "research",
            "observed_on": f"{year}-05-01",
            "observed_on_string": f"{year}/05/01",
            "time_zone_offset": "+01:00",
            "updated_at": iso(when),
            "species_guess": "Eurasian Lynx",
            "location": "46.5,14.25",
            "taxon": {"id": 41_973, "name": "Lynx lynx", "rank": "species"},
            "user": {"login": "ranger"},
        }


def query_of(request: str) -> dict[str, str]:
    asked = parse_qs(urlsplit(request.split()[1]).query, keep_blank_values=True)
    return {name: value for name, (value,) in asked.items()}


PATHS = {
    Gbif: "/v1/occurrence/search?taxonKey=2435240&country=AT",
    Inaturalist: "/v1/observations?taxon_id=41973",
}
both = pytest.mark.parametrize("kind", [Gbif, Inaturalist])


def read(
    server: Served, kind: type, folder: Path, cursor: Any = None, more: str = "", **limits: Any
) -> tuple[list[int], Any]:
    """The keys that one reading brings, in order, and its cursor."""
    url = server.url(PATHS[kind] + more)
    service = services.service_of(url)
    assert service is not None
    source = services.read(service, url, cursor, server.limits(folder=folder, **limits))
    if source is None:
        assert list(folder.iterdir()) == []
        return [], None
    assert (source.name, source.path.parent) == (url, folder)
    lines = source.path.read_text().splitlines()
    source.path.unlink()
    return [json.loads(line)[service.key] for line in lines], source.cursor


def refusal(server: Served, kind: type, folder: Path, **limits: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        read(server, kind, folder, **limits)
    assert list(folder.iterdir()) == []
    return str(caught.value)


@both
@pytest.mark.parametrize("number", [1, 4, 5, 6, 9, 10, 23])
def test_every_page_is_read_and_every_record_once(kind: type[Gbif], number: int, tmp_path: Path) -> None:
    with served(there := kind(number)) as server:
        keys, cursor = read(server, kind, tmp_path)
        assert keys == list(range(1, number + 1))
        assert cursor is not None
    first = there.asked[0]
    assert first.items() >= query_of(f"GET {PATHS[kind]}").items()
    assert not {"lastInterpreted", "updated_since"} & first.keys()


@both
def test_nothing_there_is_nothing_to_read(kind: type[Gbif], tmp_path: Path) -> None:
    with served(there := kind(0)) as server:
        assert read(server, kind, tmp_path) == ([], None)
        assert len(there.asked) == 1


@both
def test_the_next_reading_asks_for_what_changed_since_the_last_began(
    kind: type[Gbif], tmp_path: Path
) -> None:
    with served(there := kind(23)) as server:
        _, cursor = read(server, kind, tmp_path)
        assert read(server, kind, tmp_path, cursor) == ([], None)
        there.insert(24)
        there.insert(7, when=NOW + 5)
        keys, later = read(server, kind, tmp_path, cursor)
        assert sorted(keys) == [7, 24]
        assert later["since"] >= cursor["since"]
        # It is included: what has the very time of the cursor comes again.
        assert sorted(read(server, kind, tmp_path, later)[0]) == [7, 24]


@both
def test_records_that_come_between_two_pages_are_not_lost_and_none_comes_twice(
    kind: type[Gbif], tmp_path: Path
) -> None:
    def meddle(there: Gbif, asked: int) -> None:
        # Before everything, among what was read, among what was not, and behind everything.
        if asked in (2, 3, 4):
            there.insert(1000 + asked, year=2025)
            there.insert(100 + asked)
            there.insert(500 + asked, year=2023)
            there.insert(1 + asked, year=2025)

    with served(there := kind(23)) as server:
        there.meddle = meddle
        first, cursor = read(server, kind, tmp_path)
        second, _ = read(server, kind, tmp_path, cursor)
    assert len(first) == len(set(first))
    assert len(second) == len(set(second))
    assert set(first) | set(second) == there.records.keys()


@both
def test_a_record_that_goes_away_between_two_pages_takes_no_other_with_it(
    kind: type[Gbif], tmp_path: Path
) -> None:
    def meddle(there: Gbif, asked: int) -> None:
        if asked == 3:
            del there.records[2]

    with served(there := kind(23)) as server:
        there.meddle = meddle
        keys, _ = read(server, kind, tmp_path)
    assert keys[-1] == 23
    assert set(keys) >= there.records.keys()
    assert len(keys) == len(set(keys))


def test_whatever_comes_goes_and_moves_what_stays_is_read() -> None:
    gbif = services.SERVICES[0]
    refused = 0
    for seed in range(400):
        chance = random.Random(seed)
        there = Gbif(chance.randint(1, 30), page=chance.randint(2, 6))
        stays = dict(there.records)

        def ask(place: Mapping[str, object], there: Gbif = there, chance: random.Random = chance) -> Any:
            for _ in range(chance.choice([0, 0, 1, 2])):
                there.insert(chance.randint(1, 60), year=chance.choice([2020, 2024, 2025]))
                there.records.pop(chance.choice([*there.records, 0]), None)
            told = there.answer({name: str(value) for name, value in place.items()})
            return services.Page(told["results"], told["count"], told["endOfRecords"])

        try:
            seen = {record["key"] for page in gbif.pages(ask) for record in page.records}
        except services._Shifted:
            refused += 1
            continue
        missed = {key for key, state in stays.items() if there.records.get(key) == state} - seen
        assert not missed, (seed, missed)
    assert refused < 100  # of pages as small and changes as many as these


def test_what_never_stands_still_is_refused_whole(tmp_path: Path) -> None:
    def meddle(there: Gbif, _: int) -> None:
        del there.records[min(there.records)]

    with served(there := Gbif(60)) as server:
        there.meddle = meddle
        assert "changes while it is read" in refusal(server, Gbif, tmp_path)


@both
def test_pages_that_come_again_and_again_end(kind: type[Gbif], tmp_path: Path) -> None:
    class Stuck(kind):  # type: ignore[misc, valid-type]
        def answer(self, asked: dict[str, str]) -> dict[str, Any]:
            return super().answer(asked | {"offset": "0", "id_above": "0"})

    with served(there := Stuck(23)) as server:
        assert "changes while it is read" in refusal(server, kind, tmp_path)
        assert len(there.asked) == 2


@both
@pytest.mark.parametrize("skew", [-7200, 7200, 400 * DAY, -400 * DAY])
def test_a_clock_that_is_wrong_here_or_there_loses_nothing(
    kind: type[Gbif], skew: float, tmp_path: Path
) -> None:
    with served(there := kind(12)) as server:
        there.skew = skew
        there.records = {key: (2024, time.time() + skew - 9 * DAY) for key in there.records}
        first, cursor = read(server, kind, tmp_path)
        there.insert(100)
        second, _ = read(server, kind, tmp_path, cursor)
    assert len(first) == 12
    assert 100 in second


@both
def test_what_is_shown_late_is_not_passed_over(kind: type[Gbif], tmp_path: Path) -> None:
    late = 1.5 * DAY if kind is Gbif else 1800
    with served(there := kind(12)) as server:
        _, cursor = read(server, kind, tmp_path)
        there.insert(100, when=time.time() - late)
        assert read(server, kind, tmp_path, cursor)[0] == [100]


@both
def test_a_server_that_does_not_tell_the_time_is_asked_for_a_day_more(
    kind: type[Gbif], tmp_path: Path
) -> None:
    with served(there := kind(12)) as server:
        _, told = read(server, kind, tmp_path)
        there.date = lambda: "yesterday"  # type: ignore[method-assign]
        _, untold = read(server, kind, tmp_path)
    days = [datetime.fromisoformat(one["since"][:10]) for one in (told, untold)]
    assert (days[0] - days[1]).days == 1


def test_a_query_that_says_since_when_is_read_as_it_stands(tmp_path: Path) -> None:
    with served(there := Gbif(12)) as server:
        read(
            server,
            Gbif,
            tmp_path,
            {"since": "2024-01-01,*"},
            "&lastInterpreted=2020-01-01,*&limit=2&offset=4",
        )
    assert {one["lastInterpreted"] for one in there.asked} == {"2020-01-01,*"}
    assert [(one["limit"], one["offset"]) for one in there.asked] == [
        ("300", "0"),
        ("300", "4"),
        ("300", "8"),
    ]


@both
def test_more_than_can_be_paged_through_is_refused_at_the_first_page(
    kind: type[Gbif], tmp_path: Path
) -> None:
    with served(there := kind(0)) as server:
        there.records = dict.fromkeys(range(1, 100_002), (2024, NOW))
        told = refusal(server, kind, tmp_path)
        assert "finds 100,001 records" in told
        assert "narrow it" in told
        assert len(there.asked) == 1


@both
def test_pages_are_bounded_in_time_bytes_and_pace(kind: type[Gbif], tmp_path: Path) -> None:
    with served(there := kind(23)) as server:
        assert "fetch_max_bytes" in refusal(server, kind, tmp_path, max_bytes=4_000)
        assert len(there.asked) > 1
        started = time.monotonic()
        for pause in (0.2, 0.4):
            assert "was not here after 0.3 s" in refusal(server, kind, tmp_path, pause=pause, deadline=0.3)
        assert time.monotonic() - started < 2
        there.asked.clear()
        started = time.monotonic()
        read(server, kind, tmp_path, pause=0.05)
        assert time.monotonic() - started >= 0.05 * (len(there.asked) - 1)


@both
def test_a_page_that_fails_is_asked_for_again(kind: type[Gbif], tmp_path: Path) -> None:
    there = kind(23)
    bad = [reply(status="503 Busy"), reply("{", length=500), reply(status="429 Slow down", Retry_After="0")]
    with served(
        lambda request: bad.pop() if bad and len(there.asked) in (1, 3) else there(request)
    ) as server:
        assert read(server, kind, tmp_path)[0] == list(range(1, 24))
    assert bad == []


@both
@pytest.mark.parametrize(
    "body",
    [
        *("", "<html>", "[]", "null", '{"results": []}', '{"results": 5, "count": 5, "total_results": 5}'),
        '{"results": [{}], "count": 1, "total_results": 1}',
        '{"results": [{"key": null, "id": [1]}], "count": 1, "total_results": 1}',
        '{"results": [5], "count": 1, "total_results": 1}',
        '{"results": [], "count": "many", "total_results": null}',
        "[" * 100_000,
    ],
)
def test_an_answer_in_another_shape_is_refused(kind: type[Gbif], body: str, tmp_path: Path) -> None:
    with served(lambda _: reply(body)) as server:
        assert "does not answer as" in refusal(server, kind, tmp_path)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.gbif.org/v1/occurrence/search?country=AT", "GBIF"),
        ("https://api.gbif.org/v1/occurrence/search/?country=AT", "GBIF"),
        ("https://api.inaturalist.org/v1/observations?place_id=1", "iNaturalist"),
        ("https://api.inaturalist.org/v1/observations/123", None),
        ("https://example.org/observations.csv", None),
        ("http://[::1", None),
    ],
)
def test_an_api_is_known_by_its_path(url: str, name: str | None) -> None:
    service = services.service_of(url)
    assert (service.name if service else None) == name


def test_real_records_of_both_apis_come_in(
    shared_data: Callable[[str], Path], sqlite_writer: Engine, tmp_path: Path
) -> None:
    recorded = json.loads(shared_data("A15-json/occ_gbif.json").read_text())["http_interactions"][0]
    gbif = json.loads(recorded["response"]["body"]["string"])
    gbif |= {"count": len(gbif["results"]), "endOfRecords": True}
    inaturalist = json.loads(shared_data("A15-json/observation.json").read_text())
    for kind, real in ((Gbif, gbif), (Inaturalist, inaturalist)):
        body = reply(json.dumps(real))
        with served(lambda _, body=body: body) as server:
            source = at(server.url(PATHS[kind]), server.limits(folder=tmp_path))
            (outcome,) = run(sqlite_writer, [source], Options())
        assert (outcome.status, outcome.feed) == ("committed", kind.__name__.lower())
        assert outcome.tally.inserted == len(real["results"]) > 0


@both
def test_readings_one_after_the_other_lose_nothing_and_double_nothing(
    kind: type[Gbif], sqlite_writer: Engine, tmp_path: Path
) -> None:
    def change(there: Gbif, asked: int) -> None:
        if asked % 2:
            there.insert(200 + asked, year=2024 + asked % 3)
            there.insert(1 + asked % 20, year=2020)  # a correction

    def read_once() -> Outcome:
        limits = server.limits(folder=tmp_path)
        (outcome,) = run(sqlite_writer, [at(server.url(PATHS[kind]), limits)], Options())
        assert outcome.tally.adds_up()
        assert list(tmp_path.glob("fetched-*")) == []
        return outcome

    def held() -> dict[int, int]:
        known = Sighting.retired_run.is_(None)
        asked = select(Sighting.occurrence_id, Sighting.first_day).where(known)
        with sqlite_writer.connect() as connection:
            return {int(key): day // 10_000 for key, day in connection.execute(asked)}

    with served(there := kind(23)) as server:
        there.meddle = change
        first = read_once()
        assert (first.status, first.format) == ("committed", "json")
        assert first.feed == kind.__name__.lower()
        for _ in range(4):
            assert read_once().status == "committed"
        there.meddle = lambda *_: None
        read_once()
        there.asked.clear()
        assert read_once().status == "unchanged"
        assert held() == {key: year for key, (year, _) in there.records.items()}
        # Only what has changed lately was asked for.
        assert {"lastInterpreted", "updated_since"} & there.asked[0].keys()
        assert len(there.asked) <= len(there.records) // 4
        for number, bad in enumerate((reply(status="500 No"), reply("{}")), 1):
            there.insert(900 + number)
            well, there.__class__ = (
                there.__class__,
                type("Broken", (kind,), {"__call__": lambda *_, bad=bad: bad}),
            )
            assert read_once().status == "failed"
            there.__class__ = well
            assert read_once().tally.inserted == 1
