"""`manage.py ingest` and its neighbours: what goes in, what comes out, and the exit code."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.files import ROOT, environment, here, manage, manage_json, table

HEAD = "occurrenceID,date,species,count"
GOOD = [f"{number},2024-05-{number:02},Lynx,1" for number in range(1, 10)]
KEYS = [
    *("run", "feed", "input", "format", "status", "read", "inserted", "updated", "duplicate", "rejected"),
    *("skipped", "issues", "dataVersion"),
]


def counts(run: dict[str, int]) -> list[int]:
    return [run[name] for name in ("read", "inserted", "updated", "duplicate", "rejected", "skipped")]


def test_one_bad_row_among_good_ones_is_kept_with_line_raw_text_and_reason(home: Path) -> None:
    bad = '10,2024-02-30,"Lynx, perhaps",1'
    file = table(home / "a.csv", HEAD, *GOOD[:4], bad, *GOOD[4:])
    done = manage(home, "ingest", file)
    assert done.returncode == 0, done.stderr
    assert "refused RECORDED_DATE_INVALID 1" in done.stdout
    answer = manage_json(home, "rejects", 1)
    (reject,) = answer["rejects"]
    assert (answer["run"], reject["line"], reject["raw"]) == (1, 6, bad)
    assert (reject["reason"], reject["field"]) == ("RECORDED_DATE_INVALID", "eventDate")
    assert "does not exist" in reject["detail"]
    told = here(home, "rejects", 1)
    assert told.stdout.startswith("line 6: RECORDED_DATE_INVALID: ")
    assert bad in told.stdout
    assert here(home, "check").stdout == "Nothing is wrong.\n"


def test_json_is_one_object_and_a_dry_run_predicts_it(home: Path) -> None:
    files = [
        table(home / "a.csv", HEAD, *GOOD),
        table(
            home / "b.csv", HEAD, *GOOD[5:], "1,2024-05-01,Bear,2", "2,never,Lynx,?", "3,2024-05-03,Lynx,0"
        ),
    ]
    predicted = manage_json(home, "ingest", "--dry-run", *files)
    done = manage(home, "ingest", "--json", *files)
    real = json.loads(done.stdout)
    assert done.stderr == ""
    assert list(real) == ["runs"]
    assert [list(run)[: len(KEYS)] for run in real["runs"]] == [KEYS, KEYS]
    first, second = real["runs"]
    assert (first["input"], first["format"], first["status"], first["run"]) == (
        str(files[0]),
        "table",
        "committed",
        1,
    )
    assert counts(first) == [9, 9, 0, 0, 0, 0]
    assert counts(second) == [7, 0, 2, 4, 1, 0]
    assert second["issues"] == {"OCCURRENCE_STATUS_INFERRED_FROM_INDIVIDUAL_COUNT": 1}
    assert (first["dataVersion"], second["dataVersion"]) == (1, 2)
    for before, after in zip(predicted["runs"], real["runs"], strict=True):
        assert counts(before) == counts(after)
        assert (before["status"], before["issues"], before["feed"]) == (
            after["status"],
            after["issues"],
            after["feed"],
        )
        assert (before["run"], before["dataVersion"]) == (None, 0)


@pytest.mark.parametrize("as_json", [False, True])
def test_files_that_fail_end_with_1_and_a_sentence_each(home: Path, as_json: bool) -> None:
    empty, head = table(home / "empty.csv"), table(home / "head.csv", HEAD)
    page = table(home / "page.csv", "<!doctype html><title>502, Bad Gateway</title>")
    good = table(home / "good.csv", HEAD, *GOOD)
    done = manage(home, "ingest", empty, good, head, page, *(["--json"] if as_json else []))
    assert done.returncode == 1
    sentences = [
        f"{empty} is empty.",
        f"{head} has a header and no rows.",
        f"{page} is a web page or XML, not a table: the download probably failed.",
    ]
    if as_json:
        runs = json.loads(done.stdout)["runs"]
        assert [run["status"] for run in runs] == ["failed", "committed", "failed", "failed"]
        assert [run["message"] for run in runs if run["message"]] == sentences
        assert done.stderr == ""
    else:
        assert done.stderr.splitlines() == [f"Error: {sentence}" for sentence in sentences]
    assert "Traceback" not in done.stdout + done.stderr


def test_usage_that_is_wrong_ends_with_2_and_a_missing_file_with_1(home: Path) -> None:
    file = table(home / "a.csv", HEAD, *GOOD)
    for words in (
        ["ingest", "--date-order", "DYM", file],
        ["ingest", "--map", "nothing", file],
        ["ingest", "--timezone", "Mars/Olympus", file],
        ["ingest", "--max-error-rate", "2", file],
        ["ingest"],
        ["ingest", "--feed", "nobody"],
        ["ingst"],
    ):
        done = here(home, *words)
        assert (done.returncode, done.stdout) == (2, ""), words
    assert manage_json(home, "runs") == {"runs": []}
    missing = here(home, "ingest", home / "nothing.csv", file)
    assert (missing.returncode, missing.stderr) == (
        1,
        f"Error: There is no file at {home / 'nothing.csv'}.\n",
    )
    assert [run["status"] for run in manage_json(home, "runs")["runs"]] == ["committed", "failed"]


def test_a_feed_whose_path_is_missing_stops_no_other_and_one_can_be_picked(home: Path) -> None:
    table(home / "birds.csv", HEAD, *GOOD)
    paths = {"gone": "nothing.csv", "birds": "birds.csv"}
    feeds = [f'[[feeds]]\nname = "{name}"\npath = "{path}"\nevery = "1d"\n' for name, path in paths.items()]
    (home / "sightings.toml").write_text("".join(feeds))
    done = here(home, "ingest", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert [(run["feed"], run["status"], run["message"]) for run in json.loads(done.stdout)["runs"]] == [
        ("gone", "failed", f"There is no file at {home / 'nothing.csv'}."),
        ("birds", "committed", ""),
    ]
    assert manage_json(home, "status")["feeds"]["gone"]["status"] == "failed"
    (run,) = manage_json(home, "ingest", "--feed", "birds")["runs"]
    assert (run["feed"], run["status"]) == ("birds", "unchanged")
    for words in (
        ["--feed", "nobody"],
        ["--map", "a=species"],
        ["--set", "species=Lynx"],
        ["--format", "table"],
        ["--date-order", "DMY"],
        ["--timezone", "UTC"],
    ):
        wrong = here(home, "ingest", *words)
        assert (wrong.returncode, wrong.stdout) == (2, ""), words


def test_a_column_can_be_mapped_and_a_term_be_set_for_every_row(home: Path) -> None:
    file = table(home / "a.csv", "ring;when;heads", "a;2024-05-01;3", "b;2024-05-02;4")
    options = ["--map", "when=eventDate", "--map", "heads=individualCount", "--set", "species=Bear"]
    (run,) = manage_json(home, "ingest", *options, "--set", "countryCode=NA", "--feed", "park", file)["runs"]
    assert (run["feed"], counts(run)) == ("park", [2, 2, 0, 0, 0, 0])
    assert run["columns"] == {"when": "eventDate", "heads": "individualCount"}
    assert run["extra"] == ["ring"]
    with closing(sqlite3.connect(home / "sightings.db")) as connection:
        (row,) = connection.execute(
            "SELECT taxon.name, country_code, sum(individual_count) FROM sighting"
            " JOIN taxon ON taxon.id = taxon_id JOIN place ON place.id = place_id"
        ).fetchall()
    assert row == ("Bear", "NA", 7)
    wrong = here(home, "ingest", "--map", "when=evntDate", file)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert wrong.stderr.startswith(f"Error: {file}: 'evntDate' is not a term")
    assert "'eventDate'" in wrong.stderr


def test_dates_that_do_not_tell_day_from_month_are_refused_until_they_are_told(home: Path) -> None:
    file = table(home / "a.csv", "date,species", "11/4/2011,Lynx", "3/4/2011,Lynx")
    done = here(home, "ingest", file)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: {file} has dates like '11/4/2011' and nothing in it tells for certain the day"
        " from the month: say --date-order DMY or MDY.\n"
    )
    (run,) = manage_json(home, "ingest", "--date-order", "DMY", file)["runs"]
    assert counts(run) == [2, 2, 0, 0, 0, 0]
    with closing(sqlite3.connect(home / "sightings.db")) as connection:
        days = connection.execute("SELECT first_day FROM sighting ORDER BY 1").fetchall()
    assert days == [(20110403,), (20110411,)]


def test_too_many_bad_rows_refuse_the_file_and_strict_allows_none(home: Path) -> None:
    bad = [f"x{number},never,Lynx,1" for number in range(11)]
    file = table(home / "a.csv", HEAD, *GOOD, *bad)
    refused = here(home, "ingest", file)
    assert (refused.returncode, refused.stdout.count("Error")) == (1, 0)
    assert refused.stderr.startswith(f"Error: {file} has 11 bad rows of 20 (RECORDED_DATE_INVALID 11; line ")
    assert refused.stderr.endswith("), more than --max-error-rate 0.2 allows.\n")
    (run,) = manage_json(home, "ingest", "--max-error-rate", "0.6", file)["runs"]
    assert counts(run) == [20, 9, 0, 0, 11, 0]
    few = table(home / "b.csv", HEAD, *GOOD, bad[0])
    strict = here(home, "ingest", "--strict", few)
    assert strict.returncode == 1
    assert "--strict allows none" in strict.stderr


def test_the_ledger_tells_every_run_and_status_the_newest_of_each_feed(home: Path) -> None:
    good, bad = table(home / "a.csv", HEAD, *GOOD), table(home / "b.csv")
    here(home, "ingest", "--feed", "north", good)
    here(home, "ingest", "--feed", "north", good, bad)
    runs = manage_json(home, "runs")["runs"]
    assert [(run["run"], run["status"], run["feed"]) for run in runs] == [
        (3, "failed", "north"),
        (2, "unchanged", "north"),
        (1, "committed", "north"),
    ]
    assert len(runs[2]["sha256"]) == 64
    (third,) = manage_json(home, "runs", 3)["runs"]
    assert third.items() >= runs[0].items()
    assert here(home, "runs", 9).stderr == "Error: There is no run 9.\n"
    status = manage_json(home, "status")
    assert (status["dataVersion"], status["records"], status["dataAsOf"]) == (1, 9, "2024-05-09")
    assert status["feeds"]["north"]["status"] == "failed"


def test_folders_and_globs_are_read_in_the_order_of_their_names(home: Path) -> None:
    folder = home / "in"
    for name in ("b.csv", "a.csv", "deep/c.csv", ".hidden.csv"):
        table(folder / name, HEAD, *GOOD)
    names = [Path(run["input"]).name for run in manage_json(home, "ingest", folder)["runs"]]
    assert names == ["a.csv", "b.csv", "c.csv"]
    assert len(manage_json(home, "ingest", f"{folder}/*.csv")["runs"]) == 2


def test_a_backup_is_a_whole_database_and_overwrites_nothing(home: Path, tmp_path: Path) -> None:
    here(home, "ingest", table(home / "a.csv", HEAD, *GOOD))
    target = tmp_path / "copy.db"
    done = here(home, "db", "backup", target)
    assert (done.returncode, done.stdout) == (0, f"{target} holds 9 sightings and passed its check.\n")
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM sighting").fetchone() == (9,)
    again = here(home, "db", "backup", target)
    assert (again.returncode, again.stderr) == (1, f"Error: {target} exists already; name a new file.\n")
    nowhere = here(home, "db", "backup", tmp_path / "nowhere" / "copy.db")
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "home"]


def test_damage_is_found_and_told(home: Path) -> None:
    here(home, "ingest", table(home / "a.csv", HEAD, *GOOD))
    with closing(sqlite3.connect(home / "sightings.db")) as connection, connection:
        connection.execute("UPDATE rollup SET records = records + 1 WHERE bucket = 2024")
        connection.execute("DELETE FROM rollup WHERE bucket = 202405")
        connection.execute("UPDATE run SET inserted = inserted - 1")
    done = here(home, "check")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 5
    assert "run 1 does not add up" in done.stderr


def test_what_nobody_expected_is_one_sentence_and_whole_in_the_log(home: Path) -> None:
    file = table(home / "a.csv", HEAD, *GOOD)
    here(home, "db", "upgrade")
    with closing(sqlite3.connect(home / "sightings.db")) as connection:
        connection.execute("DROP TABLE running")
    done = manage(home, "ingest", file)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "no such table: running" in done.stderr
    assert "Traceback" in (home / "logs" / "errors.log").read_text()


def test_the_same_on_postgresql(postgresql_database: str, home: Path) -> None:
    files = [
        table(home / "a.csv", HEAD, *GOOD, "x,never,Lynx,1"),
        table(home / "b.csv", HEAD, "1,2024-05-01,Bear,2"),
    ]
    runs = manage_json(home, "ingest", *files, database_url=postgresql_database)["runs"]
    assert [counts(run) for run in runs] == [[10, 9, 0, 0, 1, 0], [1, 0, 1, 0, 0, 0]]
    assert manage(home, "check", database_url=postgresql_database).stdout == "Nothing is wrong.\n"
    assert not (home / "sightings.db").exists()


def test_whoever_has_seen_enough_is_no_error(home: Path) -> None:
    bad = [f"x{number},never,Lynx,{'y' * 2_000}" for number in range(300)]
    here(home, "ingest", "--max-error-rate", "1", table(home / "a.csv", HEAD, *GOOD, *bad))
    program = f"{sys.executable} {ROOT / 'manage.py'} rejects 1 | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", program],
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("line 11: RECORDED_DATE_INVALID")


def test_a_refused_file_shows_some_of_its_bad_rows(home: Path) -> None:
    bad = [f"x{number},never,Lynx,1" for number in range(11)]
    done = here(home, "ingest", table(home / "a.csv", HEAD, *GOOD, *bad))
    assert "; line 11: 'never' is not a date; line 12: 'never' is not a date; line 13: " in done.stderr
    assert done.stderr.count("line 1") == 3
    assert here(home, "rejects", 1).stderr == "Run 1 kept no rejected rows.\n"
