"""A URL on the command line and as a feed: what the ledger says, where the next reading goes on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

from db.models import Run
from db.questions.ledger import last_cursor
from ingest.outcome import Options, Outcome
from ingest.run import ingest as run
from ingest.sources.remote import at
from ingest.sources.source import Unreadable, find
from tests.files import here, manage_json, read_one, rows_of, sums, version
from tests.served import Served, reply, served, turns

GOOD = "occurrenceID,date,species\n" + "".join(f"{day},2024-05-{day:02},Lynx\n" for day in range(1, 10))
MORE = GOOD + "10,2024-05-10,Bear\n"
SAME = reply(status="304 Not Modified")


def read(writer: Engine, server: Served, home: Path, path: str = "/records.csv", **said: Any) -> Outcome:
    limits = server.limits(folder=home / "fetched", tries=1)
    (outcome,) = run(writer, find([server.url(path)], reach=lambda url: at(url, limits)), Options(**said))
    assert outcome.tally.adds_up()
    assert list(limits.folder.iterdir()) == []
    return outcome


def cursors(writer: Engine) -> list[tuple[str, Any]]:
    return [(status, cursor) for _, status, cursor in rows_of(writer, Run.id, Run.status, Run.cursor)]


def test_nothing_is_asked_before_it_is_fetched(tmp_path: Path) -> None:
    with served(turns(reply(GOOD))) as server:
        (source,) = find(
            [server.url("/a.csv?token=s3")], reach=lambda url: at(url, server.limits(folder=tmp_path))
        )
        assert server.accepted == 0
        assert source.name == server.url("/a.csv?token=***")
        with pytest.raises(Unreadable, match="has not been fetched"):
            source.open()
        assert source.fetch is not None
        fetched = source.fetch(None)
        assert fetched is not None
        assert fetched.head() == GOOD.encode()


def test_a_url_is_an_input_and_one_that_has_not_changed_is_not_read_again(writer: Engine, home: Path) -> None:
    tag = {"etag": '"1"'}
    answers = [reply(GOOD, ETag='"1"'), SAME, SAME, reply(MORE, ETag='"2"')]
    with served(lambda _: answers.pop(0)) as server:
        first = read(writer, server, home, feed="station")
        assert (first.status, first.input, sums(first)) == ("committed", server.url(), (9, 9, 0, 0, 0))
        for _ in range(2):
            same = read(writer, server, home, feed="station")
            assert (same.status, same.feed, same.format) == ("unchanged", "station", "table")
            assert same.message.startswith("not modified since 20")
            assert (sums(same), same.data_version) == ((0, 0, 0, 0, 0), 1)
            assert server.header("If-None-Match") == '"1"'
        more = read(writer, server, home, feed="station")
        # What has only grown there is read from where it ended.
        assert (more.status, sums(more), more.data_version) == ("committed", (1, 1, 0, 0, 0), 4)
    known = [("committed", tag), ("unchanged", tag), ("unchanged", tag), ("committed", {"etag": '"2"'})]
    assert cursors(writer) == known


def test_an_archive_behind_a_url_is_opened_as_one_here_is(writer: Engine, home: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("records.csv", GOOD)
    with served(turns(reply(packed.getvalue()), reply(packed.getvalue()[:-30]))) as server:
        outcomes = [read(writer, server, home, "/download?id=5", feed="station") for _ in range(2)]
        assert [one.input for one in outcomes] == [server.url("/download?id=5")] * 2
    assert [(one.status, sums(one)[1]) for one in outcomes] == [("committed", 9), ("failed", 0)]


def test_a_tag_that_changes_without_the_bytes_leaves_the_version_alone(writer: Engine, home: Path) -> None:
    answers = [reply(GOOD, ETag='"1"'), reply(GOOD, ETag='"2"'), SAME]
    with served(lambda _: answers.pop(0)) as server:
        outcomes = [read(writer, server, home) for _ in range(3)]
        assert [one.status for one in outcomes] == ["committed", "unchanged", "unchanged"]
        assert server.header("If-None-Match") == '"2"'
    assert version(writer) == 1


def test_a_download_that_fails_is_a_failed_run_and_the_cursor_stays(writer: Engine, home: Path) -> None:
    answers = [
        reply(GOOD, ETag='"1"'),
        reply(status="503 Busy"),
        reply(MORE, length=9_999, ETag='"2"'),
        reply("<html>log in</html>", ETag='"3"'),
        reply(MORE, ETag='"4"'),
    ]
    with served(lambda _: answers.pop(0)) as server:
        outcomes = [read(writer, server, home) for _ in range(5)]
        tags = [server.header("If-None-Match", request) for request in range(5)]
        assert outcomes[1].message == f"{server.url()} answers 503 Busy; it was tried 1 times."
    assert [one.status for one in outcomes] == ["committed", "failed", "failed", "failed", "committed"]
    assert tags == [None, '"1"', '"1"', '"1"', '"1"']
    assert version(writer) == 5


def test_feeds_of_one_url_have_cursors_of_their_own(writer: Engine, home: Path) -> None:
    with served(turns(reply(GOOD, ETag='"1"'))) as server:
        for feed in ("north", "south", "north"):
            read(writer, server, home, feed=feed)
        assert [server.header("If-None-Match", request) for request in range(3)] == [None, None, '"1"']


def test_what_was_taken_back_is_read_again(writer: Engine, home: Path) -> None:
    answers = [reply(GOOD, ETag='"1"'), reply(MORE, ETag='"2"'), SAME]
    with served(lambda _: answers.pop(0)) as server:
        for _ in range(3):
            read(writer, server, home, feed="station")
        name = server.url()

    def cursor() -> Any:
        with writer.connect() as connection:
            found = last_cursor(connection, name, "station")
            return found.cursor if found else None

    assert cursor() == {"etag": '"2"'}
    undo = {"input": name, "format": "undo", "feed_id": 1, "started_at": "", "finished_at": ""}
    with writer.begin() as connection:
        connection.execute(insert(Run).values({**undo, "status": "committed", "undoes": 2}))
        connection.execute(update(Run).where(Run.id == 2).values(status="undone"))
    assert cursor() == {"etag": '"1"'}
    with writer.begin() as connection:
        connection.execute(insert(Run).values({**undo, "status": "committed", "undoes": 1}))
        connection.execute(update(Run).where(Run.id == 1).values(status="undone"))
    assert cursor() is None


def pages(*results: list[int]) -> Iterator[bytes]:
    for keys in results:
        records = [
            {"key": key, "scientificName": "Lynx lynx", "eventDate": "2024-05-01", "lastInterpreted": "x"}
            for key in keys
        ]
        yield reply(json.dumps({"endOfRecords": True, "count": len(keys), "results": records}))


def test_the_first_reading_of_a_query_that_finds_nothing_yet_is_no_failure(
    writer: Engine, home: Path
) -> None:
    answers = pages([])
    with served(lambda _: next(answers)) as server:
        nothing = read(writer, server, home, "/v1/occurrence/search?taxonKey=1", feed="lynx")
    assert (nothing.status, nothing.message) == ("unchanged", "there is nothing there yet")
    assert cursors(writer) == [("unchanged", None)]


def test_the_command_reads_urls_where_the_settings_allow_it(home: Path) -> None:
    full = reply(GOOD, ETag='"1"')
    with served(turns(full, full, SAME)) as server:
        url = server.url("/export.csv?api_key=s3cret").replace("//", "//ranger:hunter2@")
        name = server.url("/export.csv?api_key=***")
        refused = here(home, "ingest", url)
        assert (refused.returncode, server.accepted) == (1, 0)
        assert refused.stderr.startswith("Error: 127.0.0.1 is refused, because it is no public address")
        allowed = {"allow_hosts": f"127.0.0.1:{server.port}"}
        (predicted,) = manage_json(home, "ingest", "--dry-run", url, **allowed)["runs"]
        assert (predicted["run"], predicted["inserted"]) == (None, 9)
        told = here(home, "ingest", url, **allowed)
        assert told.returncode == 0, told.stderr
        assert "export.csv?api_key=***" in told.stdout
        (again,) = manage_json(home, "ingest", url, **allowed)["runs"]
        assert (again["status"], again["input"], again["read"]) == ("unchanged", name, 0)
        ledger = here(home, "runs").stdout
    assert [path.name for path in (home / "fetched").iterdir()] == []
    assert name in ledger
    written = (home / "sightings.db").read_bytes()
    for text in (ledger, refused.stderr, told.stdout, written.decode("latin-1")):
        assert not {"hunter2", "s3cret"} & set(text.replace("@", " ").replace("=", " ").split())


def test_a_feed_may_lie_behind_a_url(home: Path) -> None:
    with served(turns(reply(GOOD))) as server:
        for scheme, status in (("http", "committed"), ("https", "failed")):
            (home / "sightings.toml").write_text(
                f'allow_hosts = ["127.0.0.1"]\nfetch_deadline = 1\n'
                f'[[feeds]]\nname = "station"\npath = "{server.url(scheme=scheme)}"\nevery = "1d"\n'
            )
            done = here(home, "ingest", "--json")
            (outcome,) = json.loads(done.stdout)["runs"]
            assert (outcome["feed"], outcome["status"]) == ("station", status)
    assert here(home, "ingest", "file:///etc/passwd").stderr == (
        "Error: file:///etc/passwd is not fetched: only http and https are.\n"
    )


def test_what_another_key_opens_is_asked_for_anew(writer: Engine, home: Path) -> None:
    """Two URLs that differ in a key only have one name, and not one content."""
    answers = [reply(GOOD, ETag='"1"'), reply(MORE, ETag='"1"'), SAME]
    with served(lambda _: answers.pop(0)) as server:
        first = read(writer, server, home, "/a.csv?token=one", feed="station")
        second = read(writer, server, home, "/a.csv?token=two", feed="station")
        assert server.header("If-None-Match") is None
        assert first.input == second.input
        assert second.tally.inserted == 1
        assert read(writer, server, home, "/a.csv?token=two", feed="station").status == "unchanged"
        assert server.header("If-None-Match") == '"1"'


def test_what_another_input_brought_and_was_taken_back_is_fetched_again(
    writer: Engine, home: Path, tmp_path: Path
) -> None:
    from db.undo import undo

    copy = tmp_path / "a.csv"
    copy.write_text(GOOD)
    local = read_one(writer, copy, feed="station")
    answers = [reply(GOOD, ETag='"1"'), reply(GOOD, ETag='"1"')]
    with served(lambda _: answers.pop(0)) as server:
        assert read(writer, server, home, feed="station").status == "unchanged"
        undo(writer, local.run or 0)
        assert sums(read(writer, server, home, feed="station"))[:2] == (9, 9)
