"""What the ledger tells of a run and of a record, and that the same bytes are not read twice."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.check import damage
from db.engine import LOOK
from db.questions import ledger
from db.questions.history import history
from db.store import remove_feed
from ingest import known
from ingest.outcome import Outcome
from tests.files import here, image, manage_json, read_one, table, version

HEAD = "occurrenceID,eventDate,species,individualCount"
GOOD = [f"{number},2024-05-{number:02},Lynx,{number}" for number in range(1, 10)]
BAD = ["x1,never,Lynx,1", '=1+1,2024-05-01,,"a, b"', "x3,2024-13-01,Lynx,1,"]


def one_run(writer: Engine, run: int | None) -> dict[str, Any]:
    with writer.connect().execution_options(**LOOK) as connection:
        found = ledger.one_run(connection, run or 0)
    assert found is not None
    return found


def reading(monkeypatch: pytest.MonkeyPatch, writer: Engine, path: Path, **said: Any) -> Outcome:
    """The file really read, in a dry run: what a skip has to equal."""
    with monkeypatch.context() as patch:
        patch.setattr(known, "earlier_run", lambda *_: None)
        return read_one(writer, path, dry_run=True, **said)


def skipped(outcome: Outcome) -> bool:
    return outcome.message.startswith("the same bytes as run")


def test_a_run_tells_what_was_said_what_was_found_and_what_was_counted(
    writer: Engine, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", "when;ring;what;n", "13/4/2024;a;Lynx;1", "2/4/2024;b;Lynx;x", ";;;")
    outcome = read_one(
        writer, path, feed="north", map={"when": "eventDate", "what": "species"}, min_confidence=0.5
    )
    told = one_run(writer, outcome.run)
    assert told["bytes"] == path.stat().st_size
    assert told["options"]["said"] == {
        "feed": "north",
        "map": {"when": "eventDate", "what": "species"},
        "min_confidence": 0.5,
    }
    found = {"delimiter": ";", "date_order": "DMY", "latin": False, "decimal_comma": True}
    assert told["options"]["found"] == found
    assert (told["columns"], told["terms"]["n"]) == (["when", "ring", "what", "n"], "individualCount")
    assert (told["read"], told["rejected"], told["reasons"]) == (3, 1, {"NAME_MISSING": 1})
    assert (told["days"], told["undoneBy"]) == ("2024-04-02/2024-04-13", None)


def test_the_rejects_of_a_run_are_a_table_that_no_spreadsheet_runs(home: Path) -> None:
    here(home, "ingest", table(home / "a.csv", HEAD, *GOOD, *BAD))
    done = here(home, "rejects", "1", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert [(row["line"], row["reason"]) for row in rows] == [
        ("11", "RECORDED_DATE_INVALID"),
        ("12", "NAME_MISSING"),
        ("13", "RECORDED_DATE_INVALID"),
    ]
    assert rows[1]["raw"] == "'" + BAD[1]
    assert rows[2]["raw"] == BAD[2].rstrip(",")
    assert list(rows[0]) == ["line", "reason", "field", "detail", "raw"]


def test_a_record_tells_run_file_and_line_and_keeps_what_it_said_before(
    writer: Engine, tmp_path: Path
) -> None:
    first = table(tmp_path / "a.csv", HEAD, *GOOD)
    second = table(tmp_path / "b.csv", "id,note,date,species,count", '3,"a ""b""",2024-05-03,Lynx,30')
    one, two = read_one(writer, first, feed="f"), read_one(writer, second, feed="f")
    with writer.connect().execution_options(**LOOK) as connection:
        old, new = history(connection, "f", "3")
        assert history(connection, "f", "no such") == []
        assert len(history(connection, "f", "4")) == 1
    assert (old["run"], old["input"], old["line"]) == (one.run, str(first), 4)
    assert old["verbatim"] == dict(zip(HEAD.split(","), GOOD[2].split(","), strict=True))
    assert (old["addedRun"], old["retiredRun"], new["retiredRun"]) == (one.run, two.run, None)
    assert (old["record"]["individualCount"], new["record"]["individualCount"]) == (3, 30)
    assert (new["input"], new["line"], new["verbatim"]["note"]) == (str(second), 2, 'a "b"')
    assert old["retiredAt"] >= old["addedAt"]


def test_the_commands_tell_the_same(home: Path) -> None:
    file = table(home / "a.csv", HEAD, *GOOD, BAD[0])
    here(home, "ingest", "--feed", "f", file)
    whole = here(home, "runs", "1").stdout
    for words in ("run 1: committed", "10 read, 9 inserted, 1 rejected", "RECORDED_DATE_INVALID 1", "feed f"):
        assert words in whole
    assert "line 3\n" in here(home, "record", "f", "2").stdout
    assert manage_json(home, "record", "2") == manage_json(home, "record", "f", "2")
    assert here(home, "record", "f", "22").stderr == "Error: There is no record f 22.\n"
    assert here(home, "record", "f").returncode == 2
    assert here(home, "runs", "7").stderr == "Error: There is no run 7.\n"


def test_the_same_bytes_are_not_read_again_and_counted_as_if_they_were(
    writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD, *BAD, "1,2024-05-01,Lynx,x")
    first = read_one(writer, path)
    really = reading(monkeypatch, writer, path)
    before = version(writer)
    again = read_one(writer, path)
    assert (again.status, again.message) == ("unchanged", f"the same bytes as run {first.run}")
    assert again.tally == really.tally
    wanted = (really.reasons, really.terms, really.extra, really.feed, really.format, really.status)
    assert (again.reasons, again.terms, again.extra, again.feed, again.format, again.status) == wanted
    third = read_one(writer, path)
    assert third.message == f"the same bytes as run {first.run}"
    assert version(writer) == before
    with writer.connect().execution_options(**LOOK) as connection:
        assert ledger.rejects(connection, third.run or 0) == ledger.rejects(connection, first.run or 0) != []
        assert damage(connection) == []
    assert one_run(writer, third.run)["repeats"] == first.run


def test_a_dry_run_predicts_the_skip(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD)
    read_one(writer, path)
    before = image(writer)
    outcome = read_one(writer, path, dry_run=True)
    assert skipped(outcome)
    assert (outcome.run, outcome.status) == (None, "unchanged")
    assert image(writer) == before


def test_what_is_skipped_is_refused_for_its_rejects_all_the_same(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD, *BAD)
    read_one(writer, path)
    outcome = read_one(writer, path, strict=True)
    assert (outcome.status, "--strict allows none" in outcome.message) == ("failed", True)
    assert outcome.tally.rejected == outcome.tally.read == 12


@pytest.mark.parametrize(
    "said", [{"feed": "x"}, {"date_order": "DMY"}, {"map": {"species": "genus"}}, {"set": {"sex": "f"}}]
)
def test_other_options_mean_another_reading(writer: Engine, tmp_path: Path, said: dict[str, Any]) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD)
    read_one(writer, path)
    assert not skipped(read_one(writer, path, **said))
    assert skipped(read_one(writer, path, **said))


def test_another_name_is_read_because_a_name_may_hold_the_date(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD)
    read_one(writer, path)
    assert not skipped(read_one(writer, path.rename(tmp_path / "b.csv")))
    (tmp_path / "elsewhere").mkdir()
    assert skipped(read_one(writer, (tmp_path / "b.csv").rename(tmp_path / "elsewhere" / "b.csv")))


def test_a_newer_understanding_reads_all_again(
    writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD)
    read_one(writer, path)
    monkeypatch.setattr(known, "UNDERSTANDING", known.UNDERSTANDING + 1)
    assert not skipped(read_one(writer, path))
    assert skipped(read_one(writer, path))


def test_a_correction_or_a_removal_in_between_reads_the_bytes_again(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD)
    read_one(writer, path, feed="f")
    read_one(writer, table(tmp_path / "b.csv", HEAD, "1,2024-05-01,Lynx,7"), feed="f")
    back = read_one(writer, path, feed="f")
    assert (back.status, back.tally.updated) == ("committed", 1)
    read_one(writer, table(tmp_path / "b.csv", HEAD, "1,2024-05-01,Lynx,8"), feed="other")
    assert skipped(read_one(writer, path, feed="f"))
    remove_feed(writer, "f", made_up=False)
    assert read_one(writer, path, feed="f").tally.inserted == 9
    assert skipped(read_one(writer, path, feed="f"))


def test_what_failed_is_read_again(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD, *BAD)
    assert read_one(writer, path, strict=True).status == "failed"
    assert read_one(writer, path).status == "committed"


def test_a_database_whose_newest_rows_lie_in_its_log_is_read(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *GOOD)
    read_one(writer, path)
    (tmp_path / "a.csv-wal").write_bytes(b"rows")
    assert not skipped(read_one(writer, path))


def test_real_records_are_skipped_with_the_counts_of_reading_them(
    sqlite_writer: Engine, shared_data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        shared_data("A07-inat-austria/16-10-2021-linz.csv"),
        shared_data("A12-wide-lynx-hare/hudson-bay-lynx-hare.csv"),
        shared_data("A05-gbif-dwca/0000154-150116162929234.zip"),
    ]
    for file in files:
        read_one(sqlite_writer, file)
        really = reading(monkeypatch, sqlite_writer, file)
        again = read_one(sqlite_writer, file)
        assert skipped(again)
        assert (again.tally, again.reasons, again.terms) == (really.tally, really.reasons, really.terms)


def test_the_same_bytes_in_a_second_feed_are_told(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "date,species", "2024-05-01,Lynx")
    assert read_one(writer, path, feed="river").notes == ()
    (note,) = read_one(writer, path, feed="rivr").notes
    assert note == "the same bytes are in the feed river too, where they count as well"
