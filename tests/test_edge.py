"""The edge: it answers what Flask would have answered, byte for byte, and never anything older."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

import config
from api.edge import Edge
from api.edge.front import Answered
from api.factory import create_server
from api.openapi.operations import OPERATIONS
from tests.processes import serving
from tests.seed import READING, ingest, open_app, open_database, year

WOLF = "/api/v1/reports/timeline.svg?species=Wolf&interval=year"
BEAR = "/api/v1/reports/timeline.svg?species=Bear&interval=year"
URLS = [one.example or one.path for one in OPERATIONS if one.path not in ("/readyz", "/metrics")]
PAGES = [
    "/",
    "/?species=Wolf",
    "/?lang=de",
    "/?speces=Wolf",
    "/embed/timeline",
    "/species/1",
    "/species/999",
    "/place?locality=Oslo",
    "/runs",
    "/runs/1",
    "/docs",
    "/animal.svg?type=Deer",
    "/animal.svg",
    "/animal.svg?type=Unicorn",
    WOLF,
]
REQUESTS: list[dict[str, str]] = [
    {},
    {"Accept-Encoding": "gzip, deflate, br, zstd"},
    {"Accept-Encoding": "gzip"},
    {"Accept-Encoding": "gzip;q=0, identity;q=0.5"},
    {"Accept-Encoding": "*"},
    {"If-None-Match": "*"},
    {"If-None-Match": '"nothing", W/"else"'},
    {"If-None-Match": "junk"},
    {"If-Match": '"nothing"'},
    {"Range": "bytes=0-10"},
    {"If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"Origin": "https://elsewhere.example"},
    {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5", "Accept-Encoding": "br"},
    {"Accept-Language": "fr, en;q=0.5"},
    {"Accept-Language": "de"},
    {"Cookie": "a=b", "Cache-Control": "no-cache"},
    {"X-Long": "x" * 17_000},
]
OF_THE_SERVER = {"server", "date", "connection", "transfer-encoding"}
Wired = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    ingest(open_database(f"sqlite:///{folder / 'sightings.db'}"), READING)
    return folder


@pytest.fixture(scope="module")
def flask_app(home: Path) -> Flask:
    return open_app(home)


@pytest.fixture(scope="module")
def port(home: Path) -> Iterator[int]:
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (_, address):
        yield int(address.rpartition(":")[2])


def over_the_wire(port: int, method: str, url: str, headers: Any) -> Wired:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, url, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in OF_THE_SERVER}
    body = answer.read()
    connection.close()
    return answer.status, found, body


def of_flask(app: Flask, method: str, url: str, headers: Any) -> Wired:
    answer = app.test_client().open(url, method=method, headers=headers)
    found = {name.lower(): value for name, value in answer.headers if name.lower() not in OF_THE_SERVER}
    return answer.status_code, found, answer.get_data()


@pytest.mark.parametrize("url", [*URLS, *PAGES])
def test_every_answer_is_that_of_flask_the_first_time_and_from_memory(
    port: int, flask_app: Flask, url: str
) -> None:
    tag = of_flask(flask_app, "GET", url, {})[1].get("etag", '"none"')
    conditions = [{"If-None-Match": tag}, {"If-None-Match": f'W/{tag}, "other"'}, {"If-Match": tag}]
    coded = of_flask(flask_app, "GET", url, {"Accept-Encoding": "br"})[1].get("etag", '"none"')
    conditions += [{"Accept-Encoding": "br", "If-None-Match": coded}]
    for headers in [*REQUESTS, *conditions]:
        expected = of_flask(flask_app, "GET", url, headers)
        for _ in range(2):
            assert over_the_wire(port, "GET", url, headers) == expected, headers
        head = over_the_wire(port, "HEAD", url, headers)
        assert (head[0], head[2]) == (expected[0], b"")
        assert head[1] == of_flask(flask_app, "HEAD", url, headers)[1], headers


class Spoken:
    """One request as granian hands it on, and what was said to it."""

    def __init__(self, url: str, method: str = "GET", **headers: str) -> None:
        self.path, _, self.query_string = url.partition("?")
        self.method, self.headers = method, self
        self.http_version, self.scheme = "1.1", "http"
        self.client, self.server = "127.0.0.1:50000", "127.0.0.1:8000"
        self._headers = {"host": "localhost"} | {
            key.replace("_", "-"): value for key, value in headers.items()
        }
        self.status, self.told, self.body = 0, {}, b""

    def items(self) -> Any:
        return list(self._headers.items())

    def get_all(self, name: str) -> list[str]:
        return [value for key, value in self._headers.items() if key == name]

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.status, self.told = status, dict(headers)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.told, self.body = status, dict(headers), body


class Site:
    """An edge of its own over a database of its own."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.writer = open_database(f"sqlite:///{home / 'sightings.db'}")
        ingest(self.writer, READING)
        given = {name.upper(): value for name, value in settings.items()}
        self.counts: Counter[tuple[str, str]] = Counter()
        endless = {"SIGHTINGS_HOME": str(home), "SIGHTINGS_MISSES_PER_MINUTE": "0"}
        self.edge: Edge = create_server(config.load({**endless, **given}, home))
        told = self.edge._tell

        def listen(answered: Answered) -> None:
            for (_, route, _, outcome), amount in answered.items():
                self.counts[route, outcome] += amount
            told(answered)

        self.edge._tell = listen

    def ask(self, url: str, method: str = "GET", **headers: str) -> Spoken:
        spoken = Spoken(url, method, **headers)
        asyncio.run(self.edge.__rsgi__(spoken, spoken))
        return spoken

    @property
    def from_memory(self) -> int:
        """How many answers did not come from Flask."""
        return sum(self.answered.values())

    @property
    def answered(self) -> Counter[tuple[str, str]]:
        self.edge.tell()
        return self.counts


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.edge.__rsgi_del__(None)


def test_the_second_answer_comes_from_memory_and_so_does_its_304(site: Site) -> None:
    first = site.ask(WOLF)
    assert (first.status, site.from_memory) == (200, 0)
    again = site.ask(WOLF)
    assert (again.body, again.told, site.from_memory) == (first.body, first.told, 1)
    same = site.ask(WOLF, if_none_match=first.told["ETag"])
    assert (same.status, same.body, site.from_memory) == (304, b"", 2)
    assert site.answered == {
        ("/api/v1/reports/<name>.<form>", "edge"): 1,
        ("/api/v1/reports/<name>.<form>", "304"): 1,
    }


def test_the_first_request_after_a_commit_shows_it(site: Site) -> None:
    before = [site.ask(WOLF), site.ask(WOLF)][1]
    run = ingest(site.writer, [year("Wolf", 2020, 7)])
    after = site.ask(WOLF)
    assert (after.told["X-Data-Version"], after.status) == (str(run), 200)
    assert after.told["ETag"] != before.told["ETag"]
    assert after.body != before.body


def test_what_a_commit_did_not_touch_keeps_its_tag_and_tells_the_new_version(site: Site) -> None:
    before = [site.ask(BEAR), site.ask(BEAR)][1]
    run = ingest(site.writer, [year("Wolf", 2020, 7)])
    same = site.ask(BEAR, if_none_match=before.told["ETag"])
    assert (same.status, same.told["X-Data-Version"]) == (304, str(run))
    answered = site.from_memory
    again = site.ask(BEAR)
    assert (again.status, again.body, site.from_memory) == (200, before.body, answered + 1)
    assert again.told == {**before.told, "X-Data-Version": str(run)}


def test_a_page_is_remembered_in_each_language_and_not_for_each_way_to_ask_for_it(site: Site) -> None:
    english, german = site.ask("/"), site.ask("/", accept_language="de-AT,de;q=0.9,en;q=0.8")
    assert (english.told["Content-Language"], german.told["Content-Language"]) == ("en", "de")
    assert site.from_memory == 0
    assert site.ask("/", accept_language="de").body == german.body
    assert site.ask("/", accept_language="fr,en;q=0.5").body == english.body
    assert site.ask("/", accept_language="de", if_none_match=german.told["ETag"]).status == 304
    assert site.ask("/", accept_language="en", if_none_match=german.told["ETag"]).body == english.body
    assert site.from_memory == 4
    site.ask("/?lang=de")
    assert "Accept-Language" not in site.ask("/?lang=de", accept_language="en").told["Vary"]
    assert site.from_memory == 5


def test_a_client_that_only_ever_asks_whether_anything_changed_is_answered_from_memory(site: Site) -> None:
    tag = site.ask(WOLF).told["ETag"]
    ingest(site.writer, [year("Deer", 2020, 7)])
    assert [site.ask(WOLF, if_none_match=tag).status for _ in range(5)] == [304] * 5
    assert site.from_memory == 4


def test_an_ingest_that_changed_nothing_leaves_everything_in_memory(site: Site) -> None:
    site.ask(WOLF)
    ingest(site.writer, READING)
    site.ask(WOLF)
    assert site.from_memory == 1


def test_a_quarter_of_an_hour_later_flask_is_asked_again_because_a_day_may_have_begun(site: Site) -> None:
    with time_machine.travel("2026-03-01 10:05", tick=False):
        site.ask(WOLF)
        site.ask(WOLF)
        assert site.from_memory == 1
    with time_machine.travel("2026-03-01 10:16", tick=False):
        site.ask(WOLF)
        assert site.from_memory == 1


def test_a_page_that_a_silent_feed_will_change_is_given_from_memory_until_then(tmp_path: Path) -> None:
    feed = '[[feeds]]\nname = "test"\npath = "https://example.org/test.csv"\nevery = "1m"\n'
    (tmp_path / "sightings.toml").write_text(feed)
    with time_machine.travel("2026-03-01 10:01", tick=False):
        site = Site(tmp_path)
        pages = [site.ask("/") for _ in range(3)]
        assert site.from_memory == 2
    with time_machine.travel("2026-03-01 10:03", tick=False):
        silent = [site.ask("/", if_none_match=pages[0].told["ETag"]) for _ in range(3)]
        assert [one.status for one in silent] == [200] * 3
        assert site.from_memory == 2  # it ends when the feed is heard of, whether or not anything is new
    site.edge.__rsgi_del__(None)


@pytest.mark.parametrize(
    "url",
    ["/livez", "/readyz", "/api/v1/runs", "/runs", "/nothing", "/api/v1/reports/timeline.svg?speces=Wolf"],
)
def test_what_is_not_a_matter_of_the_data_alone_is_asked_for_each_time(site: Site, url: str) -> None:
    first, second = site.ask(url), site.ask(url)
    assert (first.status, site.from_memory) == (second.status, 0)


@pytest.mark.parametrize("headers", [{"if_match": '"x"'}, {"content_length": "3"}, {"x_long": "x" * 17_000}])
def test_a_request_that_flask_may_refuse_is_left_to_it(site: Site, headers: dict[str, str]) -> None:
    site.ask(WOLF)
    site.ask(WOLF, **headers)
    site.ask(WOLF, host="elsewhere.example")
    site.ask(WOLF, method="POST")
    assert site.from_memory == 0


def test_memory_stays_within_its_bound_and_what_is_asked_often_stays_in_it(tmp_path: Path) -> None:
    site = Site(tmp_path, sightings_edge_bytes="300000")
    for width in range(400, 500):
        site.ask(f"{BEAR}&width={width}")
        site.ask(WOLF)
    memory = site.edge._memory
    assert 0 < memory.bytes <= 300_000
    assert memory.evictions > 10
    assert site.from_memory == 99
    site.edge.__rsgi_del__(None)


def test_who_asks_for_what_another_is_being_given_waits_for_it(site: Site) -> None:
    crowd = [Spoken(WOLF) for _ in range(30)]

    async def all_at_once() -> None:
        await asyncio.gather(*(site.edge.__rsgi__(one, one) for one in crowd))

    asyncio.run(all_at_once())
    assert {(one.status, one.body) for one in crowd} == {(200, site.ask(WOLF).body)}
    assert site.from_memory == 29 + 1


def test_what_cannot_be_kept_is_asked_for_by_everyone(site: Site) -> None:
    crowd = [Spoken("/api/v1/runs") for _ in range(5)]

    async def all_at_once() -> None:
        await asyncio.gather(*(site.edge.__rsgi__(one, one) for one in crowd))

    asyncio.run(all_at_once())
    assert ([one.status for one in crowd], site.from_memory) == ([200] * 5, 0)


def test_what_memory_answers_counts_as_used_where_all_processes_keep_it(site: Site, tmp_path: Path) -> None:
    tag = site.ask(WOLF).told["ETag"].strip('"')
    kept = tmp_path / "cache" / hashlib.sha256(tag.encode()).hexdigest()
    long_ago = time.time() - 3_600
    os.utime(kept, (long_ago, long_ago))
    site.ask(WOLF)
    assert site.from_memory == 1
    deadline = time.monotonic() + 10
    while kept.stat().st_mtime < time.time() - 60:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_while_the_database_is_away_nothing_is_answered_from_memory(site: Site, tmp_path: Path) -> None:
    site.ask(WOLF)
    (tmp_path / "sightings.db").rename(tmp_path / "away.db")
    deadline = time.monotonic() + 10
    while site.ask(WOLF).status == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    before = site.from_memory
    site.ask(WOLF)
    assert site.from_memory == before
