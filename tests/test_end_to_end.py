"""The whole program as its users meet it: a real `serve`, real requests, files in the inbox, signals."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
import requests

from api.serving.server import _server_words
from tests.conftest import free_port
from tests.files import environment, manage
from tests.processes import answers, below, children, running, schedulers, serving, until
from tests.seed import open_database
from tests.told_early import LOG

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 30


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home: Path = tmp_path_factory.mktemp("station") / "var"
    home.mkdir()
    assert manage(home, "demo").returncode == 0
    return home


@pytest.fixture(scope="module")
def address(demo_home: Path) -> Iterator[str]:
    with serving(demo_home, "--workers", "2", "--no-scheduler", "--no-warm-up") as (_, address):
        yield address


def test_the_page_has_a_heading_and_a_chart_for_each_animal_that_answers_svg(address: str) -> None:
    page = requests.get(address + "/", timeout=SECONDS)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<h1" in page.text
    sources = [part.split('"')[0] for part in page.text.split('src="')[1:]]
    charts = [source.replace("&amp;", "&") for source in sources if ".svg?" in source]
    assert len(charts) >= 6
    for chart in charts:
        answer = requests.get(address + chart, timeout=SECONDS)
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "image/svg+xml")


def test_the_chart_of_one_animal_is_the_readings(address: str) -> None:
    answer = requests.get(address + "/animal.svg?type=Deer", timeout=SECONDS)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "image/svg+xml")
    assert ">Year<" in answer.text
    assert ">Deer Sightings<" in answer.text
    assert requests.get(address + "/animal.svg", timeout=SECONDS).status_code == 400
    assert requests.get(address + "/animal.svg?type=Unicorn", timeout=SECONDS).status_code == 404


def test_the_bear_chart_comes_from_a_file_that_the_last_ingest_wrote(address: str, demo_home: Path) -> None:
    answer = requests.get(address + "/bears.svg", timeout=SECONDS)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "image/svg+xml")
    assert answer.content == (demo_home / "charts" / "bears.svg").read_bytes()


def test_division_answers_as_the_reading_says(address: str) -> None:
    url = address + "/divide.json"
    whole = requests.get(url, params={"numerator": "1", "denominator": "2"}, timeout=SECONDS)
    assert (whole.status_code, whole.headers["Content-Type"]) == (200, "application/json")
    assert whole.json() == {"num": 1.0, "denom": 2.0, "result": 0.5}
    nothing = requests.get(url, params={"numerator": "2", "denominator": "0"}, timeout=SECONDS)
    assert (nothing.status_code, nothing.headers["Content-Type"]) == (500, "application/json")
    assert nothing.json() == {
        "num": 2.0,
        "denom": 0.0,
        "result": None,
        "error": "denominator cannot be zero!!!",
    }
    assert requests.get(url, params={"numerator": "2"}, timeout=SECONDS).status_code == 400
    assert (
        requests.get(url, params={"numerator": "a", "denominator": "1"}, timeout=SECONDS).status_code == 400
    )


@pytest.mark.parametrize(
    "query",
    [
        "species=Deer&species=Wolf",
        "species=Grus grus&interval=month",
        "interval=week&measure=records&limit=3",
        "interval=day&eventDate=2026-01,2026-03&species=Vulpes vulpes",
    ],
)
def test_csv_and_json_are_the_same_frame(address: str, query: str) -> None:
    url = f"{address}/api/v1/reports/timeline"
    from_csv = pd.read_csv(f"{url}.csv?{query.replace(' ', '%20')}")
    from_json = pd.DataFrame(requests.get(f"{url}.json?{query}", timeout=SECONDS).json()["data"])
    # A column with nothing in it is NaN to read_csv and None to json: nothing either way.
    empty = [name for name in from_json if from_json[name].isna().all()]
    assert len(from_csv) > 0
    pd.testing.assert_frame_equal(
        from_csv.drop(columns=empty), from_json.drop(columns=empty), check_dtype=False
    )


def test_the_same_chart_is_the_same_bytes_in_any_time_zone_and_locale(
    demo_home: Path, tmp_path: Path
) -> None:
    digests = set()
    for number, (zone, locale, seed) in enumerate(
        [
            ("Asia/Kathmandu", "C", "1"),
            ("America/New_York", "tr_TR.UTF-8", "2"),
            ("UTC", "de_DE.UTF-8", "random"),
        ]
    ):
        file = tmp_path / f"{number}.svg"
        done = subprocess.run(
            [sys.executable, "manage.py", "plot", "timeline", "--species", "Deer", "-o", str(file)],
            cwd=ROOT,
            env=environment(demo_home) | {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        digests.add(hashlib.sha256(file.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_file_in_the_inbox_is_on_the_web_by_itself_and_moves_to_done(home: Path) -> None:
    settings = {"inbox_every": "1", "settle_seconds": "1"}
    with serving(home, "--workers", "1", **settings) as (_, address):
        assert requests.get(address + "/", timeout=SECONDS).status_code == 200
        folder = home / "inbox" / "cameras"
        folder.mkdir(parents=True)
        (folder / "spring.csv").write_text("date,species,count\n2024-05-01,Vulpes vulpes,2\n")
        (folder / "broken.csv").write_text("<!DOCTYPE html><title>502 Bad Gateway</title>")
        url = address + "/api/v1/reports/summary.json?feed=cameras"
        assert until(lambda: requests.get(url, timeout=SECONDS).json()["data"][0]["individuals"] == 2)
        assert until((home / "failed" / "cameras" / "broken.csv").is_file)
        assert (home / "done" / "cameras" / "spring.csv").is_file()
        reason = (home / "failed" / "cameras" / "broken.csv.reason.txt").read_text()
        assert "web page" in reason


def test_on_postgresql_an_ingest_is_on_the_web_and_leaves_other_charts_alone(
    home: Path, postgresql_database: str, tmp_path: Path
) -> None:
    settings = {"database_url": postgresql_database}
    wolves, bears = tmp_path / "wolves.csv", tmp_path / "bears.csv"
    wolves.write_text("id,date,species,count\n1,2024-05-01,Wolf,2\n")
    bears.write_text("id,date,species,count\n2,2024-05-01,Bear,3\n")
    assert manage(home, "ingest", wolves, "--feed", "park", **settings).returncode == 0
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up", **settings) as (_, address):
        chart = f"{address}/api/v1/reports/timeline.svg?species="
        tag = requests.get(chart + "Wolf", timeout=SECONDS).headers["ETag"]
        assert manage(home, "ingest", bears, "--feed", "park", **settings).returncode == 0
        again = requests.get(chart + "Wolf", headers={"If-None-Match": tag}, timeout=SECONDS)
        assert (again.status_code, again.headers["X-Data-Version"]) == (304, "2")
        assert 'data-value="3"' in requests.get(chart + "Bear", timeout=SECONDS).text
        assert "Bear" in requests.get(address + "/", timeout=SECONDS).text
        assert requests.get(address + "/readyz", timeout=SECONDS).status_code == 200
    assert manage(home, "check", **settings).returncode == 0


@pytest.mark.parametrize("workers", ["1", "2", "4"])
def test_there_is_one_scheduler_however_many_workers_there_are(home: Path, workers: str) -> None:
    with serving(home, "--workers", workers) as (server, _):
        assert until(lambda: len(schedulers(server)) == 1)
        time.sleep(1)
        assert len(schedulers(server)) == 1
    with serving(home, "--workers", workers, "--no-scheduler", "--no-warm-up") as (server, _):
        assert schedulers(server) == []


def test_a_scheduler_that_dies_is_started_again(home: Path) -> None:
    with serving(home, "--workers", "1") as (server, _):
        assert until(lambda: len(schedulers(server)) == 1)
        (first,) = schedulers(server)
        os.kill(first, signal.SIGKILL)
        assert until(lambda: schedulers(server) not in ([], [first]))


def test_a_server_that_is_told_to_stop_leaves_nothing_running(home: Path) -> None:
    with serving(home, "--workers", "2") as (server, address):
        assert until(lambda: len(schedulers(server)) == 1)
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(server.pid)], capture_output=True, text=True
        ).stdout.split()
        server.send_signal(signal.SIGTERM)
        assert server.wait(15) == 0
        assert not any(Path(f"/proc/{child}").exists() for child in children)
        with pytest.raises(requests.ConnectionError):
            requests.get(address, timeout=SECONDS)


def test_a_worker_that_is_told_to_stop_before_its_loop_runs_ends(home: Path) -> None:
    open_database(f"sqlite:///{home / 'sightings.db'}").dispose()
    told = home / "told"
    words = [*_server_words("127.0.0.1", free_port(), 1, 1 << 30)[:-1], "tests.told_early:create_worker"]
    words.remove("--respawn-failed-workers")
    named = environment(home) | {LOG: str(told), "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(words, env=named, cwd=home, start_new_session=True)
    try:
        assert server.wait(SECONDS) == 1  # as for any worker that ends by itself
        assert len(told.read_text().split()) == 1
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_a_killed_server_is_started_again_without_the_workers_of_the_old_one(home: Path) -> None:
    with serving(home, "--workers", "2", "--no-scheduler", "--no-warm-up") as (server, address):
        (main,) = children(server.pid)
        old = [main, *below(main)]
        assert len(old) > 2
        os.kill(main, signal.SIGKILL)
        assert until(lambda: children(server.pid) not in ([], [main]) and answers(address))
        assert not any(map(running, old))
        new = below(server.pid)
        server.send_signal(signal.SIGTERM)
        assert server.wait(15) == 0
        assert not any(map(running, new))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has loaded")
def test_what_workers_need_is_loaded_once_before_they_part_and_not_by_who_only_minds_them(home: Path) -> None:
    with serving(home, "--workers", "2", "--no-scheduler", "--no-warm-up") as (server, _):
        (main,) = children(server.pid)
        workers = children(main)
        assert len(workers) == 2
        assert [draws(process) for process in (server.pid, main, *workers)] == [False, True, True, True]
        assert all(2 * own_memory(worker) < own_memory(main, shared=True) for worker in workers)


def draws(process: int) -> bool:
    """Whether it has loaded what draws letters."""
    return "ft2font" in Path(f"/proc/{process}/maps").read_text()


def own_memory(process: int, *, shared: bool = False) -> int:
    """How many kilobytes it alone has in memory; or all of it, with those that others have too."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    held = {name: int(amount.split()[0]) for name, _, amount in (line.partition(":") for line in lines)}
    return held["Rss"] if shared else held["Private_Clean"] + held["Private_Dirty"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_what_a_killed_serve_had_started_ends_with_it(home: Path) -> None:
    with serving(home, "--workers", "2") as (server, address):
        assert until(lambda: len(schedulers(server)) == 1)
        started = below(server.pid)
        server.kill()
        assert until(lambda: not any(map(running, started)))
        assert not answers(address)


def test_a_port_that_is_taken_is_told_in_one_sentence(home: Path) -> None:
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (_, address):
        port = address.rpartition(":")[2]
        second = manage(home, "serve", "--port", port, "--no-scheduler", "--no-warm-up")
        assert (second.returncode, second.stdout) == (1, "")
        told = f"Port {port} on 127.0.0.1 is taken by another program; choose another with --port."
        assert second.stderr == f"Error: {told}\n"
        assert answers(address)
