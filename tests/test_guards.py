"""What stops an input before it does harm, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import newcomers
from tests.files import here, image, manage_json, per, read_one, sums, table

HEAD = "occurrenceID,eventDate,species,locality,individualCount"


def month(number: int, prefix: str, renamed: int = 0, rows: int = 100) -> list[str]:
    """A hundred records of one month; the first so many of them under new identifiers."""
    names = [f"{prefix}{number}-{n}" if n >= renamed else f"new-{number}-{n}" for n in range(rows)]
    return [
        f"{name},2024-{number:02}-{n % 28 + 1:02},{('Lynx', 'Wolf', 'Bear')[n % 3]},Site {n % 7},{n % 5 + 1}"
        for n, name in enumerate(names)
    ]


def test_a_feed_whose_identifiers_were_changed_needs_approval(writer: Engine, tmp_path: Path) -> None:
    read_one(writer, table(tmp_path / "a.csv", HEAD, *month(5, "a")), feed="f")
    before = image(writer)
    again = table(tmp_path / "b.csv", HEAD, *month(5, "a", renamed=60))
    predicted = read_one(writer, again, feed="f", dry_run=True)
    outcome = read_one(writer, again, feed="f")
    assert predicted.status == outcome.status == "needs_approval"
    assert predicted.message == outcome.message
    assert "--accept-new-ids" in outcome.message
    assert "60 have identifiers that are new" in outcome.message
    after = image(writer)
    assert after[:4] == before[:4]
    assert (after.rejects, after.names) == (before.rejects, before.names)
    assert after.ledger[-1][1:3] == ("needs_approval", False)
    accepted = read_one(writer, again, feed="f", accept_new_ids=True)
    assert (accepted.status, sums(accepted)) == ("committed", (100, 60, 0, 40, 0))


@pytest.mark.parametrize("renamed", [0, 20, 40])
def test_a_few_new_identifiers_are_no_reason_to_stop(writer: Engine, tmp_path: Path, renamed: int) -> None:
    read_one(writer, table(tmp_path / "a.csv", HEAD, *month(5, "a")), feed="f")
    outcome = read_one(writer, table(tmp_path / "b.csv", HEAD, *month(5, "a", renamed)), feed="f")
    assert outcome.tally.inserted == renamed
    assert outcome.status != "needs_approval"


def test_a_month_of_new_records_is_no_reason_to_stop(writer: Engine, tmp_path: Path) -> None:
    for number in range(1, 6):
        outcome = read_one(writer, table(tmp_path / f"{number}.csv", HEAD, *month(number, "m")), feed="f")
        assert sums(outcome) == (100, 100, 0, 0, 0)


def test_one_more_hour_of_a_busy_day_is_no_reason_to_stop(writer: Engine, tmp_path: Path) -> None:
    """Its records are all new and much like those of the hours before."""
    for hour in range(8):
        rows = [f"{hour}-{n},2024-05-01,Lynx,Site {n % 2},1" for n in range(20)]
        outcome = read_one(writer, table(tmp_path / f"{hour}.csv", HEAD, *rows), feed="f")
        if hour > 2:
            assert outcome.status == "committed"
        elif outcome.status == "needs_approval":
            read_one(writer, tmp_path / f"{hour}.csv", feed="f", accept_new_ids=True)
    assert per(writer, "total") == {("Lynx", 0): 160}


def test_an_input_that_brings_all_old_records_and_many_alike_is_no_reason_to_stop(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [f"{n},2024-05-{n % 28 + 1:02},Lynx,,1" for n in range(1_000)]
    read_one(writer, table(tmp_path / "a.csv", HEAD, *rows[:400]), feed="f")
    assert sums(read_one(writer, table(tmp_path / "b.csv", HEAD, *rows), feed="f")) == (1000, 600, 0, 400, 0)


def test_a_feed_that_was_taken_back_may_come_under_new_names(home: Path) -> None:
    here(home, "ingest", "--feed", "f", table(home / "a.csv", HEAD, *month(5, "a")))
    new = table(home / "b.csv", HEAD, *month(5, "a", renamed=100))
    refused = here(home, "ingest", "--feed", "f", new, "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["runs"][0]["status"] == "needs_approval"
    told = here(home, "ingest", "--feed", "f", new)
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    here(home, "undo", 1)
    (run,) = manage_json(home, "ingest", "--feed", "f", new)["runs"]
    assert (run["status"], run["inserted"]) == ("committed", 100)


def test_records_without_identifiers_are_known_by_their_content_anyway(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [row.partition(",")[2] for row in month(5, "a")]
    path = table(tmp_path / "a.csv", HEAD.partition(",")[2], *rows)
    read_one(writer, path, feed="f")
    assert sums(read_one(writer, path.rename(tmp_path / "b.csv"), feed="f")) == (100, 0, 0, 100, 0)


def test_a_large_input_is_judged_by_a_sample(
    writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "_SAMPLE", 50)
    monkeypatch.setattr(newcomers, "_AT_ONCE", 20)
    read_one(writer, table(tmp_path / "a.csv", HEAD, *month(5, "a", rows=500)), feed="f")
    again = read_one(writer, table(tmp_path / "b.csv", HEAD, *month(5, "a", 500, 500)), feed="f")
    assert "of 50 rows looked at, 50 have identifiers" in again.message
