"""A damaged database: told as 503 and once in the log, never a wrong answer, and nothing is tidied away."""

from __future__ import annotations

import logging
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

from db.engine import open_reader, open_writer
from tests.files import here, manage, start, version
from tests.seed import Record, ingest, open_app, open_database, year
from tests.test_end_to_end import SECONDS

PAGE = 8_192
URLS = (
    "/api/v1/reports/timeline.json",
    "/api/v1/reports/species.svg",
    "/api/v1/reports/recent.csv",
    "/api/v1/occurrence/search?limit=300",
    "/api/v1/runs",
    "/api/v1/species/search",
    "/",
)


def many(name: str, count: int) -> list[Record]:
    return [
        Record(f"{name} {number % 40}", 20240101 + number % 28, None, number % 5 + 1, f"{name}{number}")
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a database of a few hundred pages; tests damage copies of it."""
    home: Path = tmp_path_factory.mktemp("sound")
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, many("Lynx", 3_000))
    writer.dispose()
    return home


@pytest.fixture
def path(sound: Path, home: Path) -> Path:
    return Path(shutil.copy(sound / "sightings.db", home))


def overwrite(path: Path, position: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        file.write(content)


def three_pages(path: Path, seed: int) -> None:
    dice = random.Random(seed)
    for number in dice.sample(range(1, path.stat().st_size // PAGE), 3):
        overwrite(path, number * PAGE, dice.randbytes(PAGE))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_garbage(path: Path) -> None:
    overwrite(path, 0, b"\0garbage" * 16)


def no_database(path: Path) -> None:
    path.write_bytes(b"<html>502 Bad Gateway</html>" * 1_000)


def answers(app: Flask) -> dict[str, tuple[int, bytes]]:
    found = {url: app.test_client().get(url) for url in URLS}
    for url, answer in found.items():
        assert b"Traceback" not in answer.data, url
        assert b"sqlite" not in answer.data.lower(), url
        assert answer.status_code == 200 or answer.headers["Retry-After"] == "5", url
        assert answer.status_code == 200 or answer.headers["Cache-Control"] == "no-store", url
    return {url: (answer.status_code, answer.data) for url, answer in found.items()}


def critical(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.CRITICAL]


@pytest.fixture
def right(sound: Path) -> Iterator[dict[str, tuple[int, bytes]]]:
    """What the sound database answers."""
    app = open_app(sound, cache_url="off")
    yield answers(app)
    app.extensions["sightings"].reader.dispose()


@pytest.mark.parametrize("seed", range(6))
def test_three_damaged_pages_give_right_answers_or_none(
    path: Path, right: dict[str, tuple[int, bytes]], caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    three_pages(path, seed)
    before = path.read_bytes()
    app = open_app(path.parent, cache_url="off")
    found = answers(app)
    for url, (status, body) in found.items():
        assert status == 503 or (status, body) == right[url], url
    refused = [url for url, (status, _) in found.items() if status == 503]
    assert refused == [] or len(critical(caplog)) == 1
    assert path.read_bytes() == before
    app.extensions["sightings"].reader.dispose()
    done = here(path.parent, "check")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("damage", [emptied, of_garbage, no_database])
@pytest.mark.parametrize("open_before", [False, True])
def test_a_file_that_is_no_database_is_told_and_left_as_it_is(
    path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None], open_before: bool
) -> None:
    app = open_app(path.parent, cache_url="off")
    if open_before:
        assert {status for status, _ in answers(app).values()} == {200}
        app.extensions["sightings"].reader.dispose()
    damage(path)
    before = path.read_bytes()
    assert {status for status, _ in answers(app).values()} == {503}
    assert app.test_client().get("/readyz").status_code == 503
    assert len(critical(caplog)) == 1
    assert path.read_bytes() == before
    app.extensions["sightings"].reader.dispose()


@pytest.mark.parametrize("damage", [of_garbage, no_database])
def test_commands_tell_of_a_damaged_database_in_one_sentence(
    path: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(path)
    before = path.read_bytes()
    rows = tmp_path / "a.csv"
    rows.write_text("date,species\n2024-05-01,Lynx\n")
    for words in (("ingest", rows), ("status",), ("serve",)):
        done = here(path.parent, *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
        assert "is damaged" in done.stderr
        assert "manage.py db restore" in done.stderr
    assert path.read_bytes() == before


def with_log(home: Path, name: str, base: list[Record], *later: list[Record]) -> Path:
    """A database as a machine that lost its power leaves it: the last commits lie in its log alone."""
    (home / name).mkdir()
    url = f"sqlite:///{home / name / 'sightings.db'}"
    writer = open_database(url)
    ingest(writer, base)
    reader = open_reader(url)
    with reader.begin() as held:  # which keeps the log from being taken over and removed
        held.exec_driver_sql("SELECT 1 FROM run").fetchall()
        for rows in later:
            ingest(writer, rows)
        left = home / f"{name}-left"
        left.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{home / name / 'sightings.db'}{suffix}", left)
    reader.dispose()
    return left


def test_of_a_log_that_was_cut_the_last_commit_is_lost_and_nothing_else(tmp_path: Path) -> None:
    left = with_log(tmp_path, "a", many("Lynx", 500), [year("Deer", 2022, 5)], [year("Bear", 2022, 6)])
    log = left / "sightings.db-wal"
    log.write_bytes(log.read_bytes()[:-100])
    app = open_app(left, cache_url="off")
    counted = app.test_client().get("/api/v1/reports/summary.json").json
    assert (counted["meta"]["dataVersion"], counted["data"][0]["records"]) == (2, 501)
    app.extensions["sightings"].reader.dispose()
    writer = open_writer(f"sqlite:///{left / 'sightings.db'}")
    ingest(writer, [year("Bear", 2022, 6)])
    assert version(writer) == 3
    assert here(left, "check").stdout == "Nothing is wrong.\n"


def test_a_log_that_was_cut_to_nothing_leaves_what_the_file_itself_holds(tmp_path: Path) -> None:
    left = with_log(tmp_path, "a", many("Lynx", 500), [year("Deer", 2022, 5)])
    (left / "sightings.db-wal").write_bytes(b"")
    app = open_app(left, cache_url="off")
    assert app.test_client().get("/api/v1/version").json["dataVersion"] == 1
    app.extensions["sightings"].reader.dispose()


def test_the_log_of_another_database_is_not_believed_where_it_shows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite reads it as its own; what does not fit together then is told, and the file is not touched."""
    here_left = with_log(tmp_path, "a", many("Lynx", 3_000), [year("Deer", 2022, 5)])
    there_left = with_log(tmp_path, "b", many("Bear", 2_000), [year("Hare", 2022, 5)])
    path, log = here_left / "sightings.db", here_left / "sightings.db-wal"
    log.unlink()
    before = path.read_bytes()
    shutil.copy(there_left / "sightings.db-wal", log)
    app = open_app(here_left, cache_url="off")
    assert 503 in {status for status, _ in answers(app).values()}
    assert len(critical(caplog)) == 1
    app.extensions["sightings"].reader.dispose()
    assert path.read_bytes() == before
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()
    app = open_app(here_left, cache_url="off")
    assert {status for status, _ in answers(app).values()} == {200}
    app.extensions["sightings"].reader.dispose()


def test_a_server_whose_database_gets_damaged_says_so_and_goes_on_when_it_is_mended(path: Path) -> None:
    """The operator keeps the damaged file and restores a copy, while the server runs."""
    home = path.parent
    assert manage(home, "db", "backup", home / "copy.db").returncode == 0
    server = start(home, "serve", "--port", "0", "--workers", "1", "--no-scheduler", "--no-warm-up")
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        sound = requests.get(address + URLS[0], timeout=SECONDS).content
        damaged = home / "damaged.db"
        shutil.copy(path, damaged)
        of_garbage(damaged)
        damaged.replace(path)
        time.sleep(1.2)  # a worker may answer from its memory until it has looked which file lies there
        for _ in range(3):
            answer = requests.get(address + URLS[0], timeout=SECONDS)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert answer.json()["type"] == "urn:sightings:problem:database"
        done = manage(home, "db", "restore", home / "copy.db")
        assert done.returncode == 0, done.stderr
        time.sleep(1.2)
        answer = requests.get(address + URLS[0], timeout=SECONDS)
        assert (answer.status_code, answer.content) == (200, sound)
        assert [one for one in home.glob("sightings.db.replaced-*") if one.stat().st_size]
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            _, errors = server.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            raise
    assert errors.count("The database is damaged") == 1
    assert "Traceback" not in errors
