"""The ledger for people: every run, what became of each of its rows, and what can be done about it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.answering.places import base_name, without_places
from api.page.ledger.run import REASONS
from db.store import Input, Tally, record_failure
from db.undo import undo
from tests.files import ROOT, read_one, table
from tests.seed import ingest, open_app, year
from tests.test_page import STRICT, page

HEAD = "occurrenceID,eventDate,species,individualCount"
GOOD = [f"{number},2024-05-{number:02},Lynx,{number}" for number in range(1, 20)]
BAD = ["x1,never,Lynx,1", "x2,2024-05-01,,<b>2</b>", "x3,2024-13-01,Lynx,1"]


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> Iterator[FlaskClient]:
    """Over a database that is still empty."""
    app = open_app(home, timezone="Europe/Oslo")
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def fail(writer: Engine, name: str, message: str, status: str = "failed") -> int:
    with writer.begin() as connection:
        return record_failure(connection, Input(name, "", "auto"), message, Tally(), status)


def test_the_account_of_a_run_adds_up_and_is_that_of_its_file(
    client: FlaskClient, sqlite_writer: Engine, tmp_path: Path
) -> None:
    read_one(sqlite_writer, table(tmp_path / "may.csv", HEAD, *GOOD[:12]), feed="walks")
    corrected = GOOD[3].replace("Lynx,4", "Lynx,40")
    path = table(tmp_path / "all.csv", HEAD, *GOOD[:3], corrected, *GOOD[4:], *BAD)
    read_one(sqlite_writer, path, feed="walks")
    rows = list(csv.reader(path.read_text().splitlines()[1:]))
    shown = page(client, "/runs/2")
    words = ("rows read", "new", "corrected", "known already", "no animal", "rejected")
    (sums,) = re.findall(" ".join(rf"{word} (\d+)" for word in words), shown.text)
    read, *parts = map(int, sums)
    assert read == len(rows) == sum(parts)
    assert parts == [19 - 12, 1, 12 - 1, 0, len(BAD)]
    assert str(tmp_path) not in client.get("/runs/2").text
    assert "all.csv" in shown.text


def test_the_api_too_tells_no_folder_and_no_host(
    client: FlaskClient, sqlite_writer: Engine, tmp_path: Path
) -> None:
    path = table(tmp_path / "may.csv", HEAD, *GOOD)
    read_one(sqlite_writer, path, feed="walks")
    fail(sqlite_writer, f"{tmp_path}/no.csv", f"{tmp_path}/no.csv has no header.")
    fail(sqlite_writer, "-", "process 77 on field-laptop ended without a word", "abandoned")
    told = client.get("/api/v1/runs")
    assert str(tmp_path) not in told.text
    assert "field-laptop" not in told.text
    runs = [(run["input"], run["status"], run["message"]) for run in told.json["runs"]]
    assert runs == [
        ("-", "abandoned", ""), ("no.csv", "failed", "no.csv has no header."), ("may.csv", "committed", "")
    ]  # fmt: skip
    for run in told.json["runs"]:
        whole = client.get(f"/api/v1/runs/{run['run']}")
        assert whole.json.items() >= run.items()
        assert str(tmp_path) not in whole.text


def test_each_rejected_row_stands_there_with_its_reason_and_as_it_came(
    client: FlaskClient, sqlite_writer: Engine, tmp_path: Path
) -> None:
    read_one(sqlite_writer, table(tmp_path / "a.csv", HEAD, *GOOD, *BAD))
    shown = page(client, "/runs/1")
    for number, raw in enumerate(BAD, len(GOOD) + 2):
        assert re.search(rf" {number} .*{re.escape(raw)}", shown.text), raw
    assert "<b>2</b>" not in client.get("/runs/1").text
    (url,) = [url for url in shown.urls("a", "href") if url.endswith("rejects.csv")]
    kept = list(csv.DictReader(io.StringIO(client.get(url).text)))
    for reason, number in Counter(row["reason"] for row in kept).items():
        assert f"{reason} {REASONS[reason]} {number}" in shown.text
    assert "manage.py replay 1 rejects.csv" in shown.text
    assert "manage.py undo 1" in shown.text


def test_many_rejected_rows_come_a_hundred_at_a_time(
    client: FlaskClient, sqlite_writer: Engine, tmp_path: Path
) -> None:
    bad = [f"b{number},2024-05-01,," for number in range(230)]
    read_one(sqlite_writer, table(tmp_path / "a.csv", HEAD, *GOOD, *bad), max_error_rate=1.0)
    seen: list[str] = []
    url = "/runs/1"
    while url:
        shown = page(client, url)
        seen += re.findall(r"b\d+,2024-05-01,,", shown.text)
        later = [one for one in shown.all("a") if one.get("rel") == "next"]
        url = later[0]["href"].partition("#")[0] if later else ""
    assert seen == bad
    assert "Rows 101 to 200 of 230" in page(client, "/runs/1?offset=100").text
    assert page(client, "/runs/1?offset=100").urls("a", "href").count("/runs/1#rejects") == 1
    assert page(client, "/runs/1?offset=900")
    assert client.get("/runs/1?offset=-1").status_code == 400


def test_the_list_tells_what_became_of_each_run_the_newest_first(
    client: FlaskClient, sqlite_writer: Engine, tmp_path: Path
) -> None:
    read_one(sqlite_writer, table(tmp_path / "a.csv", HEAD, *GOOD, *BAD), feed="walks")
    read_one(sqlite_writer, table(tmp_path / "again.csv", HEAD, *GOOD), feed="walks")
    fail(sqlite_writer, "/srv/secret place/deer.csv", "/srv/secret place/deer.csv has no column for a date.")
    undo(sqlite_writer, 1)
    shown = page(client, "/runs")
    text = shown.text.partition("Rejected 4")[2]
    assert text.index("Run 1 taken back") < text.index("failed deer.csv") < text.index("unchanged again.csv")
    assert "undone a.csv walks" in text
    assert "deer.csv has no column for a date." in text
    assert "secret" not in client.get("/runs").text
    assert "−19" in text
    assert {f"/runs/{number}" for number in range(1, 5)} <= set(shown.urls("a", "href"))
    assert "It was taken back by run 4" in page(client, "/runs/1").text
    assert "It took back run 1" in page(client, "/runs/4").text
    assert "manage.py undo" not in page(client, "/runs/1").text
    walks = page(client, "/runs?feed=walks").text
    assert ("a.csv" in walks, "deer.csv" in walks) == (True, False)


def test_it_is_paged_and_a_page_holds_still_while_runs_arrive(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    for number in range(70):
        fail(sqlite_writer, f"{number}.csv", "it is broken")
    first = page(client, "/runs")
    (older,) = [one["href"] for one in first.all("a") if one.get("rel") == "next"]
    before = page(client, older)
    assert "/runs/20" in before.urls("a", "href")
    assert "/runs/21" not in before.urls("a", "href")
    assert "/runs" in before.urls("a", "href")
    fail(sqlite_writer, "new.csv", "it is broken")
    assert page(client, older).texts == before.texts
    assert "There is no such run" in page(client, "/runs?feed=nothing").text


def test_a_run_that_failed_is_seen_at_once_though_the_data_stay_as_they_are(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, [year("Bear", 2020, 3)])
    answer = client.get("/runs")
    assert answer.headers["Content-Security-Policy"] == STRICT
    known = {"If-None-Match": answer.headers["ETag"]}
    assert client.get("/runs", headers=known).status_code == 304
    run = fail(sqlite_writer, "broken.csv", "it is broken")
    assert "broken.csv" in client.get("/runs", headers=known).text
    assert "Nothing of it was kept." in page(client, f"/runs/{run}").text


def test_the_machine_of_a_run_that_died_is_not_named(client: FlaskClient, sqlite_writer: Engine) -> None:
    run = fail(
        sqlite_writer, "/a/b.csv", "process 7 on cellar began it and died: nothing was kept", "abandoned"
    )
    assert "cellar" not in client.get("/runs").text + client.get(f"/runs/{run}").text
    assert "Whoever read it died." in page(client, f"/runs/{run}").text


@pytest.mark.parametrize("number", ["2", "0", "01", "x", "9" * 30, "1.5", "%00"])
def test_an_unknown_run_is_a_page_with_a_way_on(
    client: FlaskClient, sqlite_writer: Engine, number: str
) -> None:
    ingest(sqlite_writer, [year("Bear", 2020, 3)])
    shown = page(client, f"/runs/{number}", 404)
    assert "There is no run of this number." in shown.text
    assert "/runs" in shown.urls("a", "href")


def test_an_empty_ledger_explains_how_to_fill_it(client: FlaskClient) -> None:
    assert "manage.py ingest" in page(client, "/runs").text
    assert "/runs" in page(client, "/").urls("a", "href")


def test_every_reason_that_the_documentation_tells_has_its_words() -> None:
    text = (ROOT / "docs" / "ingest.md").read_text(encoding="utf-8")
    told = text.partition("A row is *rejected*")[2].partition("Rows that hold no animal")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)`", told, re.MULTILINE)) == set(REASONS)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("walks.csv", "walks.csv"),
        ("/srv/exports/a b.csv", "a b.csv"),
        ("C:\\data\\walks.csv", "walks.csv"),
        ("/srv/in.zip/occurrence.txt", "occurrence.txt"),
        ("https://u@db.example:8080/x/walks.csv?key=***", "walks.csv"),
        ("https://db.example", "db.example"),
        ("https://[", "a URL"),
        ("/srv/folder/", "folder"),
        ("https://db.example/o/home%2Fann%2Fbirds.csv?alt=media", "birds.csv"),
        ("/", "/"),
        ("-", "piped in"),
    ],
)
def test_an_input_is_shown_by_its_name(written: str, shown: str) -> None:
    assert base_name(written) == shown


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("/srv/a b.csv has no header.", "a b.csv has no header."),
        ("it cannot be read: '/var/lib/x/y.csv'.", "it cannot be read: 'y.csv'."),
        ("https://db.example/x/y.csv?a=b answered 404.", "y.csv answered 404."),
        ("see D:\\secret\\z.csv, please", "see z.csv, please"),
        ("dates like 3/5/2024 or 1/2", "dates like 3/5/2024 or 1/2"),
        ("say --date-order DMY and/or --map", "say --date-order DMY and/or --map"),
    ],
)
def test_what_the_ledger_says_names_no_folder(sentence: str, shown: str) -> None:
    assert without_places(sentence, "/srv/a b.csv") == shown


@pytest.mark.parametrize(
    ("written", "sentence", "shown"),
    [
        (
            "https://nas.lan/walks.csv",
            "nas.lan is refused, because it leads to 192.168.1.5, which is not public: put 'nas.lan' in.",
            "… is refused, because it leads to …, which is not public: put '…' in.",
        ),
        ("http://[fe80::1]:8000/a.csv", "fe80::1 is refused at 12:30:00.", "… is refused at 12:30:00."),
        ("https://db.example", "db.example did not answer.", "db.example did not answer."),
        ("/srv/My Data/own/a.csv", "/srv/My Data/own/b.json cannot be read.", "b.json cannot be read."),
        ("private/ann/a.csv", "private/ann/b.json is missing", "b.json is missing"),
        ("/srv/My Data/in.zip/a.txt", "/srv/My Data/in.zip is damaged.", "in.zip is damaged."),
        ("data/a.csv", "metadata/b.json and data/c.json", "metadata/b.json and c.json"),
        ("http://web/a.csv", "web is no website; put 'web' in", "… is no website; put '…' in"),
        ("http://NAS.lan/a.csv", "nas.lan did not answer", "… did not answer"),
        ("C:\\My Data\\a.csv", "C:\\My Data\\b.json is missing", "b.json is missing"),
    ],
)
def test_nor_a_host_nor_what_lies_beside_it(written: str, sentence: str, shown: str) -> None:
    assert without_places(sentence, written) == shown


def test_what_nobody_expected_is_not_told_to_strangers(client: FlaskClient, sqlite_writer: Engine) -> None:
    known = "a.csv could not be ingested because of an unexpected OperationalError"
    fail(sqlite_writer, "a.csv", f'{known}: connection to server at "db.lan" (10.0.0.7), port 5432 failed')
    (run,) = client.get("/api/v1/runs").json["runs"]
    assert run["message"] == f"{known}."
    assert "db.lan" not in client.get("/runs/1").text
