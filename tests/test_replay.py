"""The rejects of a run can be read again, after a fix of the mapping or of the rows, and only these."""

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
from db.undo import undo
from ingest.outcome import Outcome
from ingest.replay import replay
from tests.files import here, image, manage_json, per, read_one, sums, table, version

HEAD = "occurrenceID;date;art;count"
GOOD = [f"{number};2024-05-{number:02};Lynx;1" for number in range(1, 8)]
BAD = ["x1;never;Lynx;1", "x2;2024-06-01;;2", 'x3;31/13/2024;"Bear; brown";3', "x4;2024-06-02;;4"]


def again(writer: Engine, run: int | None, file: Path | None = None, **said: Any) -> Outcome:
    outcome = replay(writer, run or 0, file, said)
    assert outcome.tally.adds_up()
    with writer.connect().execution_options(**LOOK) as connection:
        assert damage(connection) == []
    return outcome


def first(writer: Engine, tmp_path: Path, **said: Any) -> Outcome:
    said = {"feed": "f", "max_error_rate": 1, "map": {"art": "species"}, **said}
    return read_one(writer, table(tmp_path / "a.csv", HEAD, *GOOD, *BAD), **said)


def export(writer: Engine, run: int | None, path: Path, **corrections: str) -> Path:
    """The rejects as the command writes them, some of them corrected by their first cell."""
    from ingest.rejects import as_csv

    with writer.connect().execution_options(**LOOK) as connection:
        text = as_csv(ledger.rejects(connection, run or 0))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    for row in rows[1:]:
        row[4] = corrections.get(row[4].partition(";")[0], row[4])
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    path.write_text(out.getvalue(), newline="")
    return path


def test_with_a_value_for_what_was_missing_the_rejects_go_in_under_their_own_lines(
    writer: Engine, tmp_path: Path
) -> None:
    run = first(writer, tmp_path)
    assert sums(run) == (11, 7, 0, 0, 4)
    outcome = again(writer, run.run, set={"genus": "Ursus"})
    assert (outcome.status, sums(outcome)) == ("committed", (4, 2, 0, 0, 2))
    assert outcome.reasons == {"RECORDED_DATE_INVALID": 2}
    with writer.connect().execution_options(**LOOK) as connection:
        (one,) = history(connection, "f", "x4")
        told: Any = ledger.one_run(connection, outcome.run or 0)
        kept = ledger.rejects(connection, run.run or 0)
        assert [row["line"] for row in kept] == [9, 10, 11, 12]
    assert (one["run"], one["line"], one["input"]) == (outcome.run, 12, run.input)
    assert one["verbatim"] == {"occurrenceID": "x4", "date": "2024-06-02", "art": "", "count": "4"}
    assert (told["replays"], told["feed"]) == (run.run, "f")
    assert told["options"]["said"]["map"] == {"art": "species"}


def test_a_second_replay_does_nothing_new(writer: Engine, tmp_path: Path) -> None:
    run = first(writer, tmp_path)
    again(writer, run.run, set={"genus": "Ursus"})
    before = version(writer)
    outcome = again(writer, run.run, set={"genus": "Ursus"})
    assert (outcome.status, sums(outcome)) == ("unchanged", (4, 0, 0, 2, 2))
    assert version(writer) == before


def test_a_corrected_table_of_rejects_goes_in(writer: Engine, tmp_path: Path) -> None:
    run = first(writer, tmp_path)
    corrected = export(
        writer, run.run, tmp_path / "r.csv", x1="x1;2024-07-01;Lynx;1", x3='x3;2024-12-31;"Bear; brown";3'
    )
    outcome = again(writer, run.run, corrected)
    assert sums(outcome) == (4, 2, 0, 0, 2)
    with writer.connect().execution_options(**LOOK) as connection:
        (one,) = history(connection, "f", "x3")
    assert (one["line"], one["input"], one["record"]["eventDate"]) == (11, run.input, "2024-12-31")
    assert sums(again(writer, run.run, corrected)) == (4, 0, 0, 2, 2)


@pytest.mark.parametrize("head", [[], [HEAD]])
def test_a_file_of_the_corrected_lines_alone_goes_in(writer: Engine, tmp_path: Path, head: list[str]) -> None:
    run = first(writer, tmp_path)
    lines = table(tmp_path / "lines.csv", *head, "x1;2024-07-01;Lynx;1", "x2;2024-06-01;Wolf;2")
    assert sums(again(writer, run.run, lines)) == (2, 2, 0, 0, 0)
    assert per(writer, "total") == {("Lynx", 0): 8, ("Wolf", 0): 1}


def test_a_row_that_reads_as_another_one_now_is_another_animal(writer: Engine, tmp_path: Path) -> None:
    """Without identifiers, two identical rows of one input are two animals: also if one was corrected."""
    rows = ["2024-05-01,Lynx", "2024-05-02,Lynx", "never,Lynx"]
    run = read_one(writer, table(tmp_path / "a.csv", "date,species", *rows))
    fixed = table(tmp_path / "fixed.csv", "2024-05-01,Lynx")
    assert sums(again(writer, run.run, fixed)) == (1, 1, 0, 0, 0)
    assert sums(again(writer, run.run, fixed)) == (1, 0, 0, 1, 0)
    assert per(writer, "day") == {("Lynx", 20240501): 2, ("Lynx", 20240502): 1}
    whole = table(tmp_path / "b.csv", "date,species", "2024-05-01,Lynx", "2024-05-02,Lynx", "2024-05-01,Lynx")
    assert sums(read_one(writer, whole)) == (3, 0, 0, 3, 0)


def test_dates_that_were_read_in_the_wrong_order_are_read_in_the_right_one(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [f"{n},01/{n:02}/2024,Lynx" for n in range(1, 11)] + ["a,01/31/2024,Lynx"]
    path = table(tmp_path / "a.csv", "occurrenceID,date,species", *rows)
    run = read_one(writer, path, date_order="DMY")
    assert sums(run) == (11, 10, 0, 0, 1)
    assert sums(again(writer, run.run)) == (1, 0, 0, 0, 1)
    assert sums(again(writer, run.run, date_order="MDY")) == (1, 1, 0, 0, 0)


def test_a_dry_run_of_a_replay_predicts_it(writer: Engine, tmp_path: Path) -> None:
    run = first(writer, tmp_path)
    before = image(writer)
    predicted = again(writer, run.run, set={"genus": "Ursus"}, dry_run=True)
    assert image(writer) == before
    real = again(writer, run.run, set={"genus": "Ursus"})
    assert (predicted.run, predicted.tally, predicted.reasons) == (None, real.tally, real.reasons)


def test_a_replay_can_be_taken_back_and_the_file_is_still_skipped(writer: Engine, tmp_path: Path) -> None:
    run = first(writer, tmp_path)
    there = per(writer, "day")
    outcome = again(writer, run.run, set={"genus": "Ursus"})
    skipped = first(writer, tmp_path)
    assert (skipped.message, sums(skipped)) == (f"the same bytes as run {run.run}", (11, 0, 0, 7, 4))
    undo(writer, outcome.run or 0)
    assert per(writer, "day") == there
    assert again(writer, skipped.run, set={"genus": "Ursus"}).tally.inserted == 2


def test_a_row_that_is_too_wide_for_a_wide_table_is_not_taken_for_another(
    writer: Engine, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", "year,Bear", "2010,80", "2011,90,7")
    run = read_one(writer, path)
    assert sums(run) == (2, 1, 0, 0, 1)
    assert sums(again(writer, run.run)) == (1, 0, 0, 0, 1)


def test_what_cannot_be_replayed_is_told_in_one_sentence(home: Path, tmp_path: Path) -> None:
    here(home, "ingest", table(home / "a.csv", "date,species", "2024-05-01,Lynx"))
    here(home, "ingest", table(home / "b.csv", "nothing,here", "1,2"))
    for run, told in (
        (1, "Run 1 refused no rows: there is nothing to read again."),
        (2, "Run 2 is failed: ingest its file again instead."),
        (9, "There is no run 9."),
    ):
        done = here(home, "replay", run)
        assert (done.returncode, done.stderr) == (1, f"Error: {told}\n")


def test_the_command_reads_the_table_that_rejects_writes(home: Path) -> None:
    here(
        home,
        "ingest",
        "--map",
        "art=species",
        "--max-error-rate",
        "1",
        table(home / "a.csv", HEAD, *GOOD, *BAD),
    )
    out = here(home, "rejects", 1, "--csv").stdout
    (home / "r.csv").write_text(out.replace("x1;never", "x1;2024-07-01"), newline="")
    (run,) = manage_json(home, "replay", 1, home / "r.csv")["runs"]
    assert (run["status"], run["read"], run["inserted"], run["rejected"]) == ("committed", 4, 1, 3)
    assert "replays        run 1" in here(home, "runs", 2).stdout


def test_a_reject_that_was_corrected_once_is_met_when_its_input_is_read_again_and_corrected_again(
    writer: Engine, tmp_path: Path
) -> None:
    """Under another name the input is read anew, and its bad row is rejected anew: it is one animal still."""
    rows = ["date,species", "2024-05-01,Lynx", "2024-05-02,Bear", "31.12.2024x,Wolf"]
    fixed = table(tmp_path / "fixed.csv", "date,species", "2024-12-31,Wolf")
    for name in ("a.csv", "copy.csv"):
        bad = read_one(writer, table(tmp_path / name, *rows), feed="f")
        assert bad.reasons == {"RECORDED_DATE_INVALID": 1}
        again(writer, bad.run, fixed)
    assert per(writer, "total") == {("Lynx", 0): 1, ("Bear", 0): 1, ("Wolf", 0): 1}


def test_the_decimal_mark_of_the_whole_holds_for_its_rejects(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.tsv", "date\tspecies\tcount", "2024-01-01\tBear\t2,5", "2024-01-02\t\t1,000")
    bad = read_one(writer, path, feed="f")
    assert sums(again(writer, bad.run, set={"species": "Wolf"}))[1] == 1
    assert per(writer, "total", "individuals") == {("Bear", 0): 2.5, ("Wolf", 0): 1.0}
