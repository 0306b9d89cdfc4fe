"""An answer as of a version is for ever what the plain address gave when that version was the newest."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.reports import REPORTS
from db.models import Run
from db.store import remove_feed
from db.undo import undo
from tests.files import read_one, rows_of, table, version
from tests.life import Life
from tests.life import addresses as life_addresses
from tests.seed import Record, ingest, open_app, open_database, year

HEAD = "occurrenceID,eventDate,eventTime,scientificName,vernacularName,family,individualCount"
FIRST = [
    "a,2023-05-01,05:30,Lynx lynx,,,1.1",
    "b,2023-05-02,,Lynx lynx,,,2",
    "c,2024-06-01,,Ursus arctos,Brown bear,Ursidae,",
    "d,2022,,Ursus arctos,Brown bear,Ursidae,0",
    "h,2023-04-01,,Felidae,,,1",  # of which the next run tells that the lynx is one
]
LEARNED = [
    "a,2023-05-01,05:30,Lynx lynx,Eurasian lynx,Felidae,7",  # corrected, and a name is learned
    "c,2024-06-01,,Gulo gulo,Wolverine,Mustelidae,1",  # another animal after all
    "e,2024-06-02,,Canis lupus,Wolf,Canidae,0.2",
    "f,,,Lynx lynx,Eurasian lynx,Felidae,1",
]
CAMERAS = ["k1,2024-06-02,23:10,Canis lupus,Grey wolf,Canidae,0.1", "k2,2024-06-03,,Lynx lynx,Lynx,Felidae,"]
BROUGHT_AGAIN = ["g,2024-07-01,,GULO Gulo,Glutton,Mustelidae,2", "c,2024-06-01,,Gulo gulo,,,1"]
RENAMED = ["b,2023-05-02,,Felis lynx,Northern lynx,Felidae,2", "d,2022,,Ursus arctos,Bear,Ursidae,3"]
QUESTIONS = (
    "", "interval=day", "species=lynx lynx&interval=month", "species=Eurasian lynx", "scientificName=Felidae",
    "vernacularName=wolverine&vernacularName=glutton", "species=grey wolf&year=2024", "feed=cameras",
    "feed=broken", "taxonKey=1&taxonKey=3&taxonKey=5&interval=week", "taxonKey=500000001&taxonKey=500000003",
)  # fmt: skip
REQUIRED = {"numerator": "Felidae", "denominator": "canis lupus"}


@pytest.fixture
def app(writer: Engine, database_url: str, home: Path) -> Iterator[Flask]:
    app = open_app(home, database_url=database_url, cache_url="off")
    yield app
    app.extensions["sightings"].reader.dispose()


def addresses() -> list[str]:
    """Every report, asked some of the questions, each in one form: what JSON says, CSV and pictures show."""
    found = []
    for number, report in enumerate(REPORTS.values()):
        for place, question in enumerate(QUESTIONS):
            if number and place and (place - number) % 4:
                continue
            shaped = "interval" not in question or "interval" in report.parameters.names()
            needed = "".join(f"&{name}={REQUIRED[name]}" for name in report.parameters.required())
            query = quote((question if shaped else "month=5,6") + needed, safe="=&,")
            form = ("json", "svg", "json", "csv")[(place + number) % 4]
            found.append(f"/api/v1/reports/{report.name}.{form}?{query}")
    return found


def bytes_of(client: FlaskClient, url: str) -> bytes:
    """The answer; a name that is demanded and unknown, as any is at first, has one too."""
    answer = client.get(url)
    assert answer.status_code == 200 or "Nothing here is known by the name" in answer.text, (url, answer.text)
    return answer.data


def steps(writer: Engine, folder: Path) -> Iterator[Callable[[], object]]:
    """What happens, one after the other: ingests, corrections, names that come and go, undos of undos."""

    def of_rows(name: str, *rows: str, feed: str = "f") -> Callable[[], object]:
        path = table(folder / f"{name}.csv", HEAD, *rows)
        return lambda: read_one(writer, path, feed=feed, max_error_rate=1)

    yield of_rows("first", *FIRST)
    yield of_rows("learned", *LEARNED)
    learned = version(writer)
    yield of_rows("cameras", *CAMERAS, feed="cameras")
    yield lambda: remove_feed(writer, "cameras", made_up=False)
    yield lambda: undo(writer, learned)
    yield lambda: undo(writer, version(writer))
    yield lambda: undo(writer, version(writer))
    yield of_rows("again", *BROUGHT_AGAIN)
    yield of_rows("renamed", *RENAMED)
    yield lambda: undo(writer, version(writer))


def test_an_older_version_has_the_bytes_that_it_had_when_it_was_the_newest(
    writer: Engine, tmp_path: Path, app: Flask, soak: bool
) -> None:
    client = app.test_client()
    was: dict[int, dict[str, bytes]] = {}
    urls = addresses() if soak or writer.dialect.name == "sqlite" else addresses()[::3]
    for step in steps(writer, tmp_path):
        step()
        newest = version(writer)
        assert newest not in was
        was[newest] = {url: bytes_of(client, url) for url in urls}
        for number, answers in was.items():
            for url in urls[number % 9 :: 9]:
                assert bytes_of(client, f"{url}&asOf={number}") == answers[url], url
        # What fails or changes nothing adds a line to the ledger, and no version.
        broken = table(tmp_path / "broken.csv", "nothing,here", str(newest))
        assert read_one(writer, broken, feed="broken").status == "failed"
    for number, answers in was.items():
        for url, answer in answers.items():
            assert bytes_of(client, f"{url}&asOf={number}") == answer, url
    apart = {tuple(sorted(answers.items())) for answers in was.values()}
    assert len(apart) == len(was)


def test_whatever_happens_to_a_database_its_versions_stay(writer: Engine, app: Flask, soak: bool) -> None:
    """Ingests, corrections, undos and undos of undos at random: each version is asked for long after."""
    client, chance = app.test_client(), random.Random(9)
    life, urls = Life(writer, chance), life_addresses(chance)
    was: list[tuple[str, bytes]] = []
    for _ in range(150 if soak else 80 if writer.dialect.name == "sqlite" else 30):
        life.goes_on()
        url = chance.choice(urls)
        was.append((f"{url}&asOf={version(writer)}", bytes_of(client, url)))
        for pinned, answer in chance.sample(was, min(3, len(was))):
            assert bytes_of(client, pinned) == answer, pinned


def test_the_number_of_a_run_that_failed_means_the_version_below_it(
    writer: Engine, tmp_path: Path, app: Flask
) -> None:
    client = app.test_client()
    broken = table(tmp_path / "broken.csv", "nothing,here", "1,2")
    read_one(writer, broken, feed="broken")
    good = read_one(writer, table(tmp_path / "1.csv", HEAD, *FIRST), feed="f").run or 0
    read_one(writer, broken, feed="broken")
    read_one(writer, table(tmp_path / "2.csv", HEAD, *LEARNED), feed="f")
    assert [row.status for row in rows_of(writer, Run.id, Run.status)] == [
        "failed", "committed", "failed", "committed"
    ]  # fmt: skip
    for url in addresses():
        assert bytes_of(client, f"{url}&asOf={good + 1}") == bytes_of(client, f"{url}&asOf={good}")
    empty = client.get(f"/api/v1/reports/summary.json?asOf={good - 1}").json
    assert (empty["data"][0]["records"], empty["meta"]["dataVersion"]) == (0, 0)
    assert client.get("/api/v1/reports/summary.json?asOf=9").status_code == 404


def test_only_a_success_that_a_version_pins_may_be_kept_for_good(app: Flask, writer: Engine) -> None:
    client = app.test_client()
    ingest(writer, [year("Deer", 2020, 5)])
    url = "/api/v1/reports/timeline.svg?species=deer"
    pinned = client.get(f"{url}&asOf=1")
    assert pinned.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    ingest(writer, [year("Deer", 2021, 6)])
    again = client.get(f"{url}&asOf=1", headers={"If-None-Match": pinned.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, pinned.headers["Cache-Control"])
    assert "X-Data-Version" not in {**again.headers, **pinned.headers}
    for open_end in (url, f"{url}&v=1"):
        assert client.get(open_end).headers["Cache-Control"] == "public, no-cache, stale-if-error=86400"
    for wrong in (f"{url}&asOf=3", f"{url}&asOf=1&v=9", f"{url}&asOf=1&width=1"):
        answer = client.get(wrong)
        assert answer.status_code >= 400
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_bucket_that_was_under_way_stays_so(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    app = open_app(home, cache_url="off")
    url = "/api/v1/reports/timeline.{}?interval=month"
    with time_machine.travel("2024-05-20T12:00:00Z", tick=False):
        ingest(writer, [Record("Deer", 20240503), Record("Deer", 20240403)])
        was = {form: bytes_of(app.test_client(), url.format(form)) for form in ("svg", "json", "csv")}
    assert b'"partial":true' in was["json"]
    with time_machine.travel("2025-02-01T12:00:00Z", tick=False):
        ingest(writer, [Record("Deer", 20250101)])
        for form, answer in was.items():
            assert bytes_of(app.test_client(), f"{url.format(form)}&asOf=1") == answer
        assert b'"partial":true' not in bytes_of(app.test_client(), url.format("json"))
    app.extensions["sightings"].reader.dispose()


def test_decimals_that_were_added_in_another_order_rank_alike(app: Flask, writer: Engine) -> None:
    """A tenth and two tenths make three tenths, whatever the last digits of the sum say."""
    client = app.test_client()
    for count in (0.1, 0.2, 0.3):
        name = "Wolf" if count == 0.3 else "Deer"
        ingest(writer, [Record(name, 20240101, count=count, identifier=str(count))])
    ingest(writer, [Record("Wolf", 20240101, count=0.0, identifier="0.3")])
    ingest(writer, [Record("Wolf", 20240101, count=0.3, identifier="0.3")])
    newest = version(writer)
    for url in ("species.json?limit=1", "timeline.svg?limit=1", "species.csv?"):
        plain = bytes_of(client, f"/api/v1/reports/{url}")
        assert bytes_of(client, f"/api/v1/reports/{url}&asOf={newest}") == plain
