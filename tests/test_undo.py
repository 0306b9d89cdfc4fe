"""A run can be taken back: the charts return to their earlier bytes, and nothing later is lost by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from api.reports import REPORTS
from db.check import damage
from db.engine import LOOK, open_writer
from db.models import Run, Sighting, Taxon, TaxonName
from db.questions.history import history
from db.schema import upgrade
from db.store import remove_feed
from db.undo import CannotUndo, undo
from tests.files import here, image, manage_json, per, read_one, rows_of, sums, table, version
from tests.seed import open_app

NAMED = "occurrenceID,eventDate,scientificName,vernacularName"
HEAD = f"{NAMED},family,individualCount,decimalLatitude,decimalLongitude"
FIRST = [
    "a,2023-05-01,Lynx lynx,,,1.1,59.9,10.7",
    "b,2023-05-02,Lynx lynx,,,2,59.8,10.6",
    "c,2024-06-01,Ursus arctos,Brown bear,Ursidae,,59.7,10.5",
    "d,2022,Ursus arctos,Brown bear,Ursidae,0,,",
]
SECOND = [
    "a,2023-05-01,Lynx lynx,Eurasian lynx,Felidae,7,59.9,10.7",  # corrected, and a name is learned
    "c,2024-06-01,Gulo gulo,Wolverine,Mustelidae,1,59.7,10.5",  # another animal after all
    "e,2024-06-02,Canis lupus,Wolf,Canidae,3,59.1,10.2",
    "f,,Lynx lynx,Eurasian lynx,Felidae,1,59.1,10.2",
    "g,never,Lynx lynx,,,1,,",
]
QUESTIONS = ("", "?interval=month", "?species=lynx lynx", "?species=Felidae", "?species=Wolf", "?year=2024")


@pytest.fixture
def app(writer: Engine, database_url: str, home: Path) -> Iterator[Flask]:
    app = open_app(home, database_url=database_url, cache_url="off")
    yield app
    app.extensions["sightings"].reader.dispose()


def answers(app: Flask) -> dict[str, bytes]:
    """All reports in all forms that are text, without the version that they name; CSV names none."""
    client, found = app.test_client(), {}
    for report in REPORTS.values():
        if report.parameters.required():
            continue
        for query in QUESTIONS:
            for form in ("json", "svg", "csv"):
                url = f"/api/v1/reports/{report.name}.{form}{query.replace(' ', '%20')}"
                response = client.get(url)
                if response.status_code == 400 and "interval" in query:
                    continue
                assert response.status_code == 200, (url, response.text)
                found[url] = response.data if form == "csv" else _without_version(response.data)
    return found


def tables(app: Flask) -> dict[str, bytes]:
    return {url: content for url, content in answers(app).items() if ".csv" in url}


def _without_version(content: bytes) -> bytes:
    content = re.sub(rb'"dataVersion":\d+', b'"dataVersion":0', content)
    content = re.sub(rb'"ingestedAt":("[^"]*"|null)', b'"ingestedAt":0', content)
    return re.sub(rb"Version \d+|Ingested [-0-9]+ [0-9:]+", b"", content)


def nothing_is_wrong(writer: Engine) -> bool:
    with writer.connect().execution_options(**LOOK) as connection:
        return damage(connection) == []


def statuses(writer: Engine) -> list[str]:
    return [row.status for row in rows_of(writer, Run.id, Run.status)]


def names(writer: Engine) -> list[Any]:
    known = rows_of(writer, TaxonName.name_key, TaxonName.kind)
    labels = rows_of(writer, Taxon.name, Taxon.scientific_name, Taxon.vernacular_name, Taxon.family)
    return [known, [row for row in labels if row.scientific_name]]


def run_of(writer: Engine, tmp_path: Path, name: str, *rows: str, head: str = HEAD, **said: Any) -> int:
    said = {"feed": "f", "max_error_rate": 1, **said}
    outcome = read_one(writer, table(tmp_path / f"{name}.csv", head, *rows), **said)
    assert outcome.status == "committed", outcome.message
    assert outcome.run
    return outcome.run


def test_charts_return_to_their_earlier_bytes_and_the_version_rises(
    writer: Engine, tmp_path: Path, app: Flask
) -> None:
    run_of(writer, tmp_path, "first", *FIRST)
    before, taught = answers(app), names(writer)
    second = run_of(writer, tmp_path, "second", *SECOND)
    between = answers(app)
    assert sum(between[url] != before[url] for url in before) > len(before) / 2
    done = undo(writer, second)
    assert (done.run, done.undoes, done.removed, done.restored) == (second + 1, second, 4, 2)
    assert version(writer) == done.run == done.data_version
    assert answers(app) == before
    assert names(writer) == taught
    assert statuses(writer) == ["committed", "undone", "committed"]
    assert nothing_is_wrong(writer)
    again = undo(writer, done.run or 0)
    assert (again.removed, again.restored) == (2, 4)
    assert answers(app) == between
    assert statuses(writer) == ["committed", "committed", "undone", "committed"]
    assert nothing_is_wrong(writer)
    undo(writer, again.run or 0)
    assert answers(app) == before
    assert names(writer) == taught
    assert statuses(writer) == ["committed", "undone", "committed", "undone", "committed"]
    assert nothing_is_wrong(writer)


def test_the_first_run_can_be_taken_back_to_an_empty_house(
    writer: Engine, tmp_path: Path, app: Flask
) -> None:
    before = tables(app)
    undo(writer, run_of(writer, tmp_path, "first", *FIRST))
    assert tables(app) == before  # the pictures tell that something was ingested
    assert rows_of(writer, TaxonName.name_key) == []
    assert nothing_is_wrong(writer)


def test_every_earlier_version_can_still_be_asked_for(writer: Engine, tmp_path: Path, app: Flask) -> None:
    client = app.test_client()

    def values(run: int) -> Any:
        found = client.get(f"/api/v1/reports/timeline.json?asOf={run}").json["data"]
        return [(row["date"], row["name"], row["value"]) for row in found]

    first = run_of(writer, tmp_path, "first", *FIRST)
    second = run_of(writer, tmp_path, "second", *SECOND)
    seen = {run: values(run) for run in (first, second)}
    third = undo(writer, second).run or 0
    assert {run: values(run) for run in (first, second)} == seen
    assert values(third) == seen[first] != seen[second]


def test_a_run_that_was_built_upon_is_refused_and_the_later_one_named(writer: Engine, tmp_path: Path) -> None:
    first = run_of(writer, tmp_path, "first", *FIRST)
    second = run_of(writer, tmp_path, "second", *SECOND)
    before = image(writer)
    with pytest.raises(CannotUndo) as refused:
        undo(writer, first)
    assert str(refused.value) == (
        f"Run {first} cannot be taken back, because run {second} has changed rows of it since:"
        f" undo run {second} first."
    )
    assert image(writer) == before
    undo(writer, second)
    undo(writer, first)
    assert per(writer, "total") == {}
    assert nothing_is_wrong(writer)


def test_what_was_removed_stands_in_the_way_and_comes_back(writer: Engine, tmp_path: Path) -> None:
    first = run_of(writer, tmp_path, "first", *FIRST)
    there = per(writer, "day", "individuals")
    removal = remove_feed(writer, "f", made_up=False)["run"]
    with pytest.raises(CannotUndo, match=f"undo run {removal} first"):
        undo(writer, first)
    assert undo(writer, removal).restored == 4
    assert per(writer, "day", "individuals") == there
    assert nothing_is_wrong(writer)
    undo(writer, first)
    assert per(writer, "total") == {}
    assert nothing_is_wrong(writer)


def test_a_removal_brings_back_only_what_nobody_brought_since(writer: Engine, tmp_path: Path) -> None:
    run_of(writer, tmp_path, "first", *FIRST)
    removal = remove_feed(writer, "f", made_up=False)["run"]
    run_of(writer, tmp_path, "later", "a,2023-05-01,Lynx lynx,,,9,,")
    assert undo(writer, removal).restored == 3
    assert per(writer, "day", "individuals")["Lynx lynx", 20230501] == 9
    assert nothing_is_wrong(writer)


def test_a_record_still_tells_the_file_that_it_came_from(writer: Engine, tmp_path: Path) -> None:
    first = run_of(writer, tmp_path, "first", *FIRST)
    second = run_of(writer, tmp_path, "second", *SECOND)
    third = undo(writer, second).run
    with writer.connect().execution_options(**LOOK) as connection:
        one, two, three = history(connection, "f", "a")
    assert (one["run"], one["addedRun"], one["retiredRun"]) == (first, first, second)
    assert (two["run"], two["addedRun"], two["retiredRun"]) == (second, second, third)
    assert (three["run"], three["addedRun"], three["retiredRun"]) == (first, third, None)
    for name in ("input", "line", "record", "verbatim"):
        assert three[name] == one[name]


def test_the_same_file_is_really_read_again_after_its_undo(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *FIRST)
    first = read_one(writer, path, feed="f")
    assert read_one(writer, path, feed="f").message
    undo(writer, first.run or 0)
    again = read_one(writer, path, feed="f")
    assert (again.status, sums(again), again.message) == ("committed", (4, 4, 0, 0, 0), "")


def test_a_wrong_name_is_forgotten_and_the_right_one_is_learned(writer: Engine, tmp_path: Path) -> None:
    wrong = run_of(writer, tmp_path, "wrong", "a,2024-05-01,Lynx lynx,Wolf", head=NAMED)
    undo(writer, wrong)
    right = run_of(writer, tmp_path, "right", "a,2024-05-01,Lynx lynx,Eurasian lynx", head=NAMED)
    (taxon,) = rows_of(writer, Taxon.name, Taxon.vernacular_name, Taxon.added_run)
    assert tuple(taxon) == ("Lynx lynx", "Eurasian lynx", right)
    assert {row.name_key for row in rows_of(writer, TaxonName.name_key)} == {"lynx lynx", "eurasian lynx"}


def test_a_name_that_a_later_run_may_have_said_too_is_kept(writer: Engine, tmp_path: Path) -> None:
    run_of(writer, tmp_path, "1", "a,2024-05-01,Lynx lynx,", head=NAMED)
    second = run_of(writer, tmp_path, "2", "b,2024-05-01,Lynx lynx,Eurasian lynx", head=NAMED)
    third = run_of(writer, tmp_path, "3", "c,2024-05-01,Lynx lynx,Eurasian lynx", head=NAMED)
    undo(writer, second)
    assert per(writer, "total", species=("Eurasian lynx",)) == {("Lynx lynx", 0): 2}
    undo(writer, third)
    assert per(writer, "total", species=("Eurasian lynx",)) == {("Lynx lynx", 0): 1}


def test_runs_that_changed_nothing_are_refused_in_one_sentence(home: Path) -> None:
    good = table(home / "a.csv", HEAD, *FIRST)
    here(home, "ingest", good, good, table(home / "b.csv", "nothing,here", "1,2"))
    assert here(home, "undo", "9").stderr == "Error: There is no run 9.\n"
    for run, status in ((2, "unchanged"), (3, "failed")):
        done = here(home, "undo", run)
        told = f"Error: Run {run} is {status}: it changed nothing that could be taken back.\n"
        assert (done.returncode, done.stderr) == (1, told)
    assert here(home, "undo", 1).returncode == 0
    assert here(home, "undo", 1).stderr == "Error: Run 1 was taken back already, by run 4.\n"
    assert manage_json(home, "runs", 1)["runs"][0]["undoneBy"] == 4
    assert manage_json(home, "runs", 4)["runs"][0]["undoes"] == 1


def test_a_dry_run_predicts_an_undo_exactly(home: Path) -> None:
    for name, rows in (("a", FIRST), ("b", SECOND)):
        here(home, "ingest", "--feed", "f", "--max-error-rate", "1", table(home / f"{name}.csv", HEAD, *rows))
    ledger = manage_json(home, "runs")
    predicted = manage_json(home, "undo", 2, "--dry-run")
    assert manage_json(home, "runs") == ledger
    real = manage_json(home, "undo", 2)
    assert real == predicted | {"run": 3, "dataVersion": 3}
    assert (predicted["run"], predicted["dataVersion"]) == (None, 2)


def test_only_the_charts_of_what_was_taken_back_go_stale(writer: Engine, tmp_path: Path, app: Flask) -> None:
    run_of(writer, tmp_path, "first", *FIRST)
    wolves = run_of(writer, tmp_path, "wolves", "w,2024-06-02,Canis lupus,Wolf,Canidae,3,59.1,10.2")
    client = app.test_client()
    tag = client.get("/api/v1/reports/timeline.svg?species=Lynx%20lynx").headers["ETag"]
    undo(writer, wolves)
    assert client.get("/api/v1/reports/timeline.svg?species=Lynx%20lynx").headers["ETag"] == tag


record = st.tuples(
    st.sampled_from("abcdef"),
    st.sampled_from(["2023-05-01", "2024", "2024-06", ""]),
    st.sampled_from(["Lynx lynx,Lynx", "Lynx lynx,", "Canis lupus,Wolf", "Ursus arctos,"]),
    st.sampled_from(["", "0", "1", "2.5"]),
)


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)
@given(files=st.lists(st.lists(record, min_size=1, max_size=6), min_size=1, max_size=5), data=st.data())
def test_whatever_was_read_undone_from_the_end_everything_returns(
    files: list[list[tuple[str, ...]]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any files, and undos and redos between them: undone in order, each state before is met again."""
    folder = tmp_path_factory.mktemp("undo")
    writer = open_writer(f"sqlite:///{folder / 'sightings.db'}")
    upgrade(writer)

    def state() -> Any:
        columns = (Sighting.occurrence_id, Sighting.fingerprint, Sighting.line, Sighting.retired_run)
        current = [row[:3] for row in rows_of(writer, *columns) if row.retired_run is None]
        return sorted(current), per(writer, "day"), per(writer, "year", "individuals"), names(writer)

    states = [(0, state())]
    for number, rows in enumerate(files):
        head, lines = f"{NAMED},individualCount", [",".join(row) for row in rows]
        path = table(folder / f"{number}.csv", head, *lines)
        outcome = read_one(writer, path, feed="f", max_error_rate=1)
        if outcome.status != "committed":
            continue
        states.append((outcome.run or 0, state()))
        if data.draw(st.booleans()):
            undone = undo(writer, outcome.run or 0)
            assert state() == states[-2][1]
            if data.draw(st.booleans()):
                back = undo(writer, undone.run or 0)
                assert state() == states[-1][1]
                # The undo of the undo is what has to be taken back now, or the run itself: both are possible.
                states[-1] = (data.draw(st.sampled_from([outcome.run, back.run])) or 0, states[-1][1])
            else:
                states.pop()
    while len(states) > 1:
        run, _ = states.pop()
        undo(writer, run)
        assert state() == states[-1][1]
        assert nothing_is_wrong(writer)
    writer.dispose()


def test_later_runs_that_met_what_is_taken_back_are_named(writer: Engine, tmp_path: Path) -> None:
    one = table(tmp_path / "a.csv", HEAD, *[f"{n},2024-05-0{n},Lynx,1" for n in (1, 2)])
    two = table(tmp_path / "b.csv", HEAD, *[f"{n},2024-05-0{n},Lynx,1" for n in (2, 3)])
    first, second = read_one(writer, one, feed="f"), read_one(writer, two, feed="f")
    done = undo(writer, first.run or 0)
    assert (done.removed, done.met_by) == (2, (second.run,))
    assert sums(read_one(writer, two, feed="f")) == (2, 1, 0, 1, 0)
