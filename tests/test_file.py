"""The file of the database is moved, replaced or may not be written: nobody reads or fills a ghost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import event

from db.engine import open_reader, open_writer
from db.file import DatabaseUnusable, mark
from tests.files import ROOT, environment, read_one, table, version
from tests.seed import READING, Record, ingest, open_app, open_database, year
from tests.test_end_to_end import SECONDS, serving, until
from tests.test_previous import Slow, drawing

URLS = (
    "/api/v1/reports/timeline.json?species=deer",
    "/api/v1/reports/timeline.svg?species=deer",
    "/api/v1/reports/summary.json",
    "/api/v1/version",
    "/api/v1/runs",
    "/api/v1/occurrence/search?limit=3",
    "/animal.svg?type=Deer",
    "/",
)
OTHERS = [year("Deer", when, 7) for when in range(2010, 2022)]
HEAD, ROWS = "id,date,species", [f"{number},2024-05-{number % 28 + 1:02},Lynx" for number in range(60)]


def removed(path: Path, aside: Path) -> None:
    path.unlink()


def moved(path: Path, aside: Path) -> None:
    path.rename(aside)


def replaced(path: Path, aside: Path) -> None:
    aside.replace(path)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A database of other content whose newest version has the number of the one that is served."""
    path = tmp_path / "other.db"
    writer = open_database(f"sqlite:///{path}")
    ingest(writer, OTHERS)
    writer.dispose()
    return path


@pytest.fixture
def path(home: Path) -> Path:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, READING)
    writer.dispose()
    return home / "sightings.db"


@pytest.fixture
def app(path: Path, home: Path) -> Iterator[Flask]:
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


def without_log(path: Path) -> None:
    """As a careful operator would: the log of one file does not stay beside another."""
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def told(app: Flask) -> dict[str, tuple[int, bytes]]:
    answers = {url: app.test_client().get(url) for url in URLS}
    return {url: (answer.status_code, answer.data) for url, answer in answers.items()}


@pytest.mark.parametrize("fate", [removed, moved])
def test_a_database_that_is_gone_is_not_answered_from_the_ghost_that_is_open(
    app: Flask, path: Path, tmp_path: Path, fate: Callable[[Path, Path], None]
) -> None:
    assert {status for status, _ in told(app).values()} == {200}
    fate(path, tmp_path / "aside.db")
    for url in (*URLS, "/readyz"):
        answer = app.test_client().get(url)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), url
    assert app.test_client().get("/livez").status_code == 200


def test_another_database_of_the_same_version_is_taken_up_and_nothing_of_the_two_is_mixed(
    app: Flask, path: Path, other: Path, tmp_path: Path
) -> None:
    first = told(app)
    without_log(path)
    moved(path, tmp_path / "first.db")
    replaced(path, other)
    second = told(app)
    fresh = open_app(path.parent, cache_url="off")
    assert second == told(fresh)
    assert all(second[url] != first[url] for url in URLS if url != "/api/v1/version")
    without_log(path)
    moved(path, tmp_path / "second.db")
    moved(tmp_path / "first.db", path)
    assert told(app) == first
    fresh.extensions["sightings"].reader.dispose()


def test_who_has_an_answer_of_the_one_database_has_none_of_the_other(
    app: Flask, path: Path, other: Path
) -> None:
    tags = {url: app.test_client().get(url).headers["ETag"] for url in URLS}
    without_log(path)
    replaced(path, other)
    for url, tag in tags.items():
        answer = app.test_client().get(url, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.headers["X-Data-Version"]) == (200, "1"), url


def test_a_transaction_under_way_ends_on_the_file_that_it_began_on(path: Path, other: Path) -> None:
    reader = open_reader(f"sqlite:///{path}")
    counted = "SELECT count(*) FROM sighting"
    with reader.begin() as connection:
        before = connection.exec_driver_sql(counted).scalar_one()
        without_log(path)
        replaced(path, other)
        assert connection.exec_driver_sql(counted).scalar_one() == before == len(READING)
    with reader.begin() as connection:
        assert connection.exec_driver_sql(counted).scalar_one() == len(OTHERS)
    reader.dispose()


def test_a_chart_of_one_database_is_not_shown_while_that_of_another_is_drawn(
    app: Flask, path: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown in place of a chart that is being drawn is an earlier one, and of the same database."""
    url = URLS[1]
    old = app.test_client().get(url)
    ingest(open_database(f"sqlite:///{other}"), [year("Deer", 2022, 3)])
    without_log(path)
    replaced(path, other)
    slow = Slow()
    slow.hold(monkeypatch)
    with drawing(app, slow, url) as first, ThreadPoolExecutor(1) as pool:
        second = pool.submit(lambda: app.test_client().get(url))
        with pytest.raises(TimeoutError):  # it waits, too
            second.result(0.3)
        slow.go_on.set()
        assert first.result(SECONDS).data == second.result(SECONDS).data != old.data
    assert second.result().headers["X-Data-Version"] == "2"


@pytest.mark.parametrize("fate", [removed, moved, replaced])
def test_nothing_is_written_into_a_file_that_is_gone(
    path: Path, other: Path, tmp_path: Path, fate: Callable[[Path, Path], None]
) -> None:
    """The file goes while the ingest is under way, just before its commit."""
    writer = open_writer(f"sqlite:///{path}")
    aside = other if fate is replaced else tmp_path / "aside.db"
    gone: list[bool] = []

    def go(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE run SET") and not gone:
            gone.append(True)
            fate(path, aside)

    event.listen(writer, "after_cursor_execute", go)
    outcome = read_one(writer, table(tmp_path / "a.csv", HEAD, *ROWS), feed="f")
    assert gone
    assert (outcome.status, outcome.run, outcome.tally.inserted) == ("failed", None, 0)
    assert "moved or replaced" in outcome.message
    assert path.exists() == (fate is replaced)  # and no new file was made in its place
    if fate is not removed:
        there = path if fate is replaced else aside
        without_log(path)
        assert version(open_writer(f"sqlite:///{there}")) == 1


def test_a_writer_opens_one_file_only(path: Path, other: Path) -> None:
    writer = open_writer(f"sqlite:///{path}")
    assert version(writer) == 1
    path.unlink()
    with pytest.raises(DatabaseUnusable, match="is gone"):
        version(writer)
    assert not path.exists()
    replaced(path, other)
    with pytest.raises(DatabaseUnusable, match="is another file"):
        version(writer)


def test_to_look_which_file_it_is_costs_next_to_nothing(path: Path) -> None:
    took = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(1_000):
            mark(path)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.05


PROBES = (*URLS[:2], "/readyz")


def test_a_server_tells_in_time_that_its_database_is_gone_or_another(
    path: Path, other: Path, tmp_path: Path
) -> None:
    """Two workers, each with answers of the first database in its memory and in the shared cache."""
    with serving(path.parent, "--workers", "2", "--no-scheduler", "--no-warm-up") as (_, address):

        def got(url: str) -> tuple[int, bytes]:
            answer = requests.get(address + url, timeout=SECONDS, headers={"Connection": "close"})
            if answer.status_code == 503:
                assert answer.headers["Retry-After"]
                assert answer.headers["Content-Type"] in ("application/problem+json", "image/svg+xml")
            return answer.status_code, answer.content

        def all_of(url: str) -> set[tuple[int, bytes]]:
            return {got(url) for _ in range(8)}

        first = {url: all_of(url) for url in PROBES}
        assert all(len(answers) == 1 for answers in first.values())
        without_log(path)
        moved(path, tmp_path / "first.db")
        assert until(lambda: all({status for status, _ in all_of(url)} == {503} for url in PROBES), 5)
        assert got("/livez")[0] == 200
        replaced(path, other)
        assert until(lambda: all({status for status, _ in all_of(url)} == {200} for url in PROBES), 5)
        second = {url: all_of(url) for url in URLS[:2]}
        assert all(len(answers) == 1 and answers != first[url] for url, answers in second.items())
        assert requests.get(address + "/api/v1/version", timeout=SECONDS).json()["dataVersion"] == 1
        without_log(path)
        moved(path, tmp_path / "second.db")
        moved(tmp_path / "first.db", path)
        assert until(lambda: {url: all_of(url) for url in PROBES} == first, 5)


def without_rights() -> list[str]:
    """Words in front of a command that may write only what its mode lets it: root may write everything."""
    if os.geteuid() != 0:
        return []
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


@pytest.fixture
def closed_home(path: Path) -> Iterator[Path]:
    """A home in which nothing can be written."""
    home = path.parent
    path.chmod(0o444)
    home.chmod(0o555)
    yield home
    home.chmod(0o755)
    path.chmod(0o644)


@pytest.mark.skipif(sys.platform != "linux", reason="takes root's rights away with setpriv")
def test_a_home_that_cannot_be_written_is_served_and_refuses_to_ingest(
    closed_home: Path, tmp_path: Path
) -> None:
    rows = table(tmp_path / "a.csv", HEAD, *ROWS)
    command = [*without_rights(), sys.executable, str(ROOT / "manage.py")]
    settings = environment(closed_home)
    done = subprocess.run([*command, "ingest", rows], env=settings, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert "cannot be written here" in done.stderr
    status = subprocess.run([*command, "status"], env=settings, capture_output=True, text=True)
    assert f" 1, {len(READING)} records" in status.stdout
    serve = [*command, "serve", "--port", "0", "--workers", "1", "--no-scheduler", "--no-warm-up"]
    server = subprocess.Popen(serve, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        for url in (*URLS, "/readyz"):
            assert requests.get(address + url, timeout=SECONDS).status_code == 200, url
    finally:
        server.terminate()
        _, errors = server.communicate(timeout=SECONDS)
    assert "Traceback" not in errors
    assert [one.name for one in closed_home.iterdir()] == ["sightings.db"]


READS = """
import sys
from sqlalchemy.exc import OperationalError
from db.engine import open_reader
from db.filters import data_version
reader = open_reader(sys.argv[1])
def version():
    with reader.begin() as connection:
        found = data_version(connection)
        print(found, flush=True)
        sys.stdin.readline()
for _ in range(4):
    try:
        version()
    except OperationalError as error:
        print(str(error.orig).rpartition(" ")[2], flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="takes root's rights away with setpriv")
def test_who_may_only_read_sees_each_commit_of_whoever_may_write(closed_home: Path) -> None:
    """While nobody writes, the file is opened as one that never changes; a commit must show nevertheless."""
    url = f"sqlite:///{closed_home / 'sightings.db'}"
    writes = os.geteuid() == 0  # root may; anybody else has to open the home for a moment

    def commit(count: int) -> None:
        if not writes:
            closed_home.chmod(0o755)
            (closed_home / "sightings.db").chmod(0o644)
        writer = open_writer(url)
        ingest(writer, [Record("Lynx", 20240101, None, count, str(count))])
        writer.dispose()
        if not writes:
            closed_home.chmod(0o555)

    command = [*without_rights(), sys.executable, "-c", READS, url]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "1\n"
        reader.stdin.write("\n")  # its transaction ends, and the next one begins
        assert reader.stdout.readline() == "1\n"
        commit(2)  # under its transaction: what it has read may be of neither version
        reader.stdin.write("\n")
        assert reader.stdout.readline() == "meanwhile\n"
        assert reader.stdout.readline() == "2\n"
        reader.stdin.write("\n")
        assert reader.stdout.readline() == "2\n"
        reader.stdin.write("\n")
        assert reader.wait(10) == 0
