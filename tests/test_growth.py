"""Files that grow: only what was appended is understood and stored, and the counts are exact all the same."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.engine import open_writer
from db.models import Reject, Run, Sighting
from db.schema import upgrade
from db.store import remove_feed
from ingest.formats import open_table
from ingest.growth import Earlier, tail
from ingest.sources.source import Source, of_file
from ingest.sources.unfinished import without_open_line
from tests.files import per, read_one, rows_of, sums, table

HEAD = "date,species,count"


def rows(start: int, end: int) -> list[str]:
    return [f"2024-05-{n % 28 + 1:02},Lynx {n},{n}" for n in range(start, end)]


def earlier(path: Path, form: str = "table") -> Earlier:
    """What the ledger would keep of the file as it is now."""
    kind, opened = open_table(of_file(path), form)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Earlier(len(content), digest, kind.name, opened.columns, opened.delimiter)


def append(path: Path, content: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def numbered(source: Source, known: Earlier) -> list[tuple[int, list[str]]] | None:
    found = tail(source, known)
    if found is None:
        return None
    return [pair for chunk in found.table.chunks() for pair in zip(chunk.lines, chunk.rows, strict=True)]


def all_of(path: Path) -> list[tuple[int, list[str]]]:
    _, opened = open_table(of_file(path), "table")
    return [pair for chunk in opened.chunks() for pair in zip(chunk.lines, chunk.rows, strict=True)]


class Watched(io.FileIO):
    """A file that notes where it was read."""

    def __init__(self, path: Path, reads: list[tuple[int, int]]) -> None:
        super().__init__(path)
        self.reads = reads

    def readinto(self, buffer: object, /) -> int | None:
        at = self.tell()
        count = super().readinto(buffer)  # type: ignore[arg-type]
        self.reads.append((at, count or 0))
        return count


def watched(path: Path) -> tuple[Source, list[tuple[int, int]]]:
    reads: list[tuple[int, int]] = []
    return replace(of_file(path), open=lambda: io.BufferedReader(Watched(path, reads))), reads


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("above", [[], ["# a comment", "# another one"]])
def test_the_rows_behind_what_was_read_keep_their_line_numbers(
    tmp_path: Path, end: str, above: list[str]
) -> None:
    path = table(tmp_path / "a.csv", *above, HEAD, *rows(0, 50), end=end)
    known = earlier(path)
    append(path, "".join(row + end for row in rows(50, 60)))
    found = tail(of_file(path), known)
    assert found is not None
    assert numbered(of_file(path), known) == all_of(path)[50:]
    content = path.read_bytes()
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert not found.waits
    assert found.table.columns == known.columns


def test_of_a_large_file_only_the_digest_reads_what_was_read_before(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 200_000))
    known = earlier(path)
    append(path, "".join(f"{row}\n" for row in rows(200_000, 200_010)))
    source, reads = watched(path)
    found = tail(source, known)
    assert found is not None
    for _ in range(3):
        assert sum(len(chunk.rows) for chunk in found.table.chunks()) == 10
    size, new = path.stat().st_size, path.stat().st_size - known.size
    middle = range(200_000, known.size - 200_000)
    in_the_middle = sum(count for at, count in reads if at in middle and at + count in middle)
    assert len(middle) - 4_000_000 < in_the_middle <= len(middle)  # once, for the digest
    assert sum(count for _, count in reads) < size + 10 * (128 << 10) + 20 * new


def test_a_file_that_did_not_only_grow_is_read_from_its_start(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 50))
    known = earlier(path)
    content = path.read_bytes()
    assert tail(of_file(path), known) is None  # the same
    for other in (
        content[:-30],  # shorter: rotated
        content.replace(b"Lynx 7,", b"Bear 7,") + b"2024-05-01,Lynx,1\n",  # its beginning has changed
        content[len(HEAD) + 1 :] + content,  # rows were put in above
        HEAD.encode() + b"\n" + content[len(HEAD) + 1 :][::-1] + b"2024-05-01,Lynx,1\n",
    ):
        path.write_bytes(other)
        assert tail(of_file(path), known) is None


@pytest.mark.parametrize("unfinished", ["2024-06-01,Be", '2024-06-01,"Bear'])
def test_a_last_line_without_its_end_waits(tmp_path: Path, unfinished: str) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 50))
    known = earlier(path)
    whole = "".join(f"{row}\n" for row in rows(50, 53))
    append(path, whole + unfinished)
    found = tail(of_file(path), known)
    assert found is not None
    assert [row for _, row in numbered(of_file(path), known) or []] == [
        row.split(",") for row in rows(50, 53)
    ]
    content = path.read_bytes()[: known.size + len(whole)]
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert found.waits
    following = replace(known, size=found.size, sha256=found.sha256)
    assert numbered(of_file(path), following) == []
    append(path, 'ar",1\n' if '"' in unfinished else "ar,1\n")
    last = numbered(of_file(path), following)
    assert last is not None
    assert [line for line, _ in last] == [55]


def test_a_beginning_that_ended_within_a_line_is_read_again(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 50))
    append(path, "2024-06-01,Be")
    known = earlier(path)
    append(path, "ar,1\n2024-06-02,Wolf,1\n")
    assert tail(of_file(path), known) is None


def test_a_quoted_cell_across_the_boundary_is_read_with_its_beginning(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "date,species,notes", *(f"{row} x" for row in rows(0, 50)))
    known = earlier(path)
    opened = '2024-06-01,Bear,"seen\n'
    with path.open("ab") as file:
        file.write(opened.encode())
    content = path.read_bytes()
    inside = replace(known, size=len(content), sha256=hashlib.sha256(content).hexdigest())
    assert tail(of_file(path), known) is None  # the cell is open still
    append(path, 'twice"\n2024-06-02,Wolf,"and\nagain"\n')
    assert tail(of_file(path), inside) is None
    assert [line for line, _ in numbered(of_file(path), known) or []] == [52, 54]
    assert numbered(of_file(path), known) == all_of(path)[50:]


def test_what_follows_in_another_encoding_or_shape_is_read_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table(path, HEAD, *rows(0, 50), "2024-06-01,Bär,1")
    known = earlier(path)
    start = path.read_bytes()
    append(path, "2024-06-02,Bär,1\n")
    assert [row[1] for _, row in numbered(of_file(path), known) or []] == ["Bär"]
    path.write_bytes(start + "2024-06-02,Bär,1\n".encode("cp1252"))
    assert tail(of_file(path), known) is None
    table(path, HEAD, *rows(0, 50), "2024-06-01,Bär,1", encoding="cp1252")
    known = earlier(path)
    append(path, "2024-06-02,Wolf,1\n")
    assert [row[1] for _, row in numbered(of_file(path), known) or []] == ["Wolf"]
    append(path, "2024-06-03,Bär,1\n")
    assert tail(of_file(path), known) is None


def test_a_mark_at_the_start_belongs_to_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF8 + table(tmp_path / "b.csv", HEAD, *rows(0, 50)).read_bytes())
    known = earlier(path)
    append(path, "2024-06-02,Bär,1\n")
    assert [row[1] for _, row in numbered(of_file(path), known) or []] == ["Bär"]


def packing(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes()))


def utf_16(path: Path) -> None:
    path.write_bytes(path.read_text().encode("utf-16"))


@pytest.mark.parametrize("change", [packing, utf_16])
def test_only_plain_text_grows(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 50))
    change(path)
    known = earlier(path)
    append(path, b"2024-05-01,Lynx,1\n")
    assert tail(of_file(path), known) is None


def test_however_a_file_grows_its_parts_are_the_whole(tmp_path: Path) -> None:
    rng = random.Random(5)
    for attempt in range(25):
        path = table(tmp_path / f"{attempt}.csv", HEAD, *rows(0, 5))
        known, found = earlier(path), all_of(path)
        pieces = []
        for n in range(5, 40):
            name = f'"Lynx\n""{n}"""' if rng.random() < 0.3 else f"Lynx {n}"
            pieces.append(f"2024-05-{n % 28 + 1:02},{name},{n}{rng.choice(['', chr(13)])}\n")
        content = "".join(pieces)
        while content:
            cut = rng.randint(1, len(content))
            append(path, content[:cut])
            content = content[cut:]
            more = tail(of_file(path), known)
            if more is not None:
                found += numbered(of_file(path), known) or []
                known = replace(known, size=more.size, sha256=more.sha256)
        assert found == all_of(path)


def later(path: Path, content: str, seconds: float) -> threading.Thread:
    """Somebody who goes on writing soon."""
    thread = threading.Thread(target=lambda: (time.sleep(seconds), append(path, content)))
    thread.start()
    return thread


def test_a_line_that_somebody_is_writing_waits_for_the_next_reading(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 50))
    size = path.stat().st_size
    append(path, "2024-06-01,Be")
    source = of_file(path)
    writer = later(path, "ar,1\n", 0.2)
    cut = without_open_line(source)
    writer.join()
    assert (cut.size, cut.on_disk) == (size, True)
    with cut.open() as file:
        assert file.read() == path.read_bytes()[:size]


def test_a_last_line_without_an_end_is_read_when_nobody_writes_it(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 50))
    append(path, "2024-06-01,Bear,1")
    source = of_file(path)
    assert without_open_line(source) is source
    began = time.monotonic()
    assert without_open_line(source) is source  # and an older file is not waited for
    assert time.monotonic() - began < 0.1


@pytest.mark.parametrize("content", [b"", b"a", b"[1]", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x00a"])
def test_what_is_no_text_or_has_no_line_at_all_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    source = of_file(path)
    writer = later(path, "b", 0.1)
    assert without_open_line(source) is source
    writer.join()
    assert without_open_line(of_file(tmp_path / "gone")).size == 0


# The same through the whole ingest.


def ledger(writer: Engine) -> list[tuple[str, int, int, int, int | None]]:
    found = rows_of(writer, Run.id, Run.status, Run.read, Run.inserted, Run.duplicate, Run.bytes)
    return [tuple(row)[1:] for row in found]


def test_appended_rows_are_counted_once_and_nothing_else_is_read_again(
    writer: Engine, tmp_path: Path
) -> None:
    path = table(tmp_path / "log.csv", HEAD, *rows(0, 50))
    assert sums(read_one(writer, path)) == (50, 50, 0, 0, 0)
    append(path, "".join(f"{row}\n" for row in rows(50, 53)))
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.notes) == (
        (3, 3, 0, 0, 0),
        ("only what was appended since run 1 was read",),
    )
    append(path, f"{rows(53, 54)[0]}\n2024-02-30,Lynx,1\n")
    assert sums(read_one(writer, path)) == (2, 1, 0, 0, 1)
    content = path.read_bytes()
    line = rows_of(writer, Run.id, Run.bytes, Run.sha256)[-1]
    assert tuple(line) == (3, len(content), hashlib.sha256(content).hexdigest())
    assert [row.line for row in rows_of(writer, Sighting.line)] == list(range(2, 56))
    assert [row.line for row in rows_of(writer, Reject.line)] == [56]
    assert len(per(writer, "total")) == 53  # of "Lynx 0" none was seen


def test_a_twin_among_the_appended_rows_is_a_second_animal(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv", HEAD, "2024-05-01,Lynx,1", "2024-05-02,Bear,1")
    read_one(writer, path)
    append(path, "2024-05-03,Wolf,1\n2024-05-01,Lynx,1\n")
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.notes) == ((4, 2, 0, 2, 0), ())
    assert per(writer, "total") == {("Lynx", 0): 2, ("Bear", 0): 1, ("Wolf", 0): 1}
    append(path, "2024-05-04,Hare,1\n2024-05-04,Hare,1\n")
    outcome = read_one(writer, path)
    assert (sums(outcome), len(outcome.notes)) == ((2, 2, 0, 0, 0), 1)
    assert per(writer, "total", species=("hare",)) == {("Hare", 0): 2}


def test_a_correction_that_is_appended_corrects(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv", f"id,{HEAD}", "a,2024-05-01,Lynx,1", "b,2024-05-02,Bear,1")
    read_one(writer, path)
    append(path, "a,2024-05-01,Lynx,3\nc,2024-05-03,Wolf,1\n")
    assert sums(read_one(writer, path)) == (2, 1, 1, 0, 0)
    assert per(writer, "total", "individuals", species=("lynx",)) == {("Lynx", 0): 3}


def test_an_unfinished_last_line_waits_and_is_counted_when_it_has_its_end(
    writer: Engine, tmp_path: Path
) -> None:
    path = table(tmp_path / "log.csv", HEAD, *rows(0, 5))
    read_one(writer, path)
    append(path, "2024-06-01,Be")
    aged(path, 30)
    outcome = read_one(writer, path)
    assert (outcome.status, sums(outcome)) == ("unchanged", (0, 0, 0, 0, 0))
    assert outcome.notes[1:] == ("its last line has no end yet and waits",)
    append(path, "ar,1\n")
    assert sums(read_one(writer, path)) == (1, 1, 0, 0, 0)
    assert per(writer, "total", species=("bear",)) == {("Bear", 0): 1}
    assert "Be" not in {name for name, _ in per(writer, "total")}


def test_what_was_decided_of_the_beginning_holds_for_what_follows(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv", HEAD, "25/4/2024,Lynx,1", "3/4/2024,Bear,1")
    read_one(writer, path)
    append(path, "5/4/2024,Wolf,1\n")
    outcome = read_one(writer, path)
    assert (sums(outcome), len(outcome.notes)) == ((1, 1, 0, 0, 0), 1)
    assert set(per(writer, "day", species=("wolf",))) == {("Wolf", 20240405)}


@pytest.mark.parametrize(
    "said", [{"map": {"count": "organismQuantity"}}, {"feed": "park"}, {"timezone": "Europe/Oslo"}]
)
def test_other_options_read_a_grown_file_from_its_start(
    sqlite_writer: Engine, tmp_path: Path, said: dict[str, Any]
) -> None:
    path = table(tmp_path / "log.csv", HEAD, *rows(0, 5))
    read_one(sqlite_writer, path)
    append(path, "2024-06-01,Bear,1\n")
    assert read_one(sqlite_writer, path, **said).tally.read == 6


def test_what_was_taken_back_of_a_feed_is_read_again(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv", HEAD, *rows(0, 5))
    read_one(writer, path, feed="park")
    remove_feed(writer, "park", made_up=False)
    append(path, "2024-06-01,Bear,1\n")
    assert sums(read_one(writer, path, feed="park")) == (6, 6, 0, 0, 0)


def test_appended_rows_that_are_all_bad_are_judged_with_the_others(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv", HEAD, *rows(0, 50))
    read_one(writer, path)
    append(path, "never,Bear,1\n")
    outcome = read_one(writer, path)
    assert (outcome.status, sums(outcome)) == ("unchanged", (51, 0, 0, 50, 1))


def test_a_dry_run_predicts_what_a_grown_file_brings(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "log.csv", HEAD, *rows(0, 50))
    read_one(writer, path)
    append(path, "2024-06-01,Bear,1\n")
    predicted = read_one(writer, path, dry_run=True)
    assert (predicted.run, len(ledger(writer))) == (None, 1)
    assert sums(predicted) == sums(read_one(writer, path)) == (1, 1, 0, 0, 0)


def test_however_a_file_has_grown_the_database_is_as_if_it_were_read_once(tmp_path: Path) -> None:
    rng = random.Random(11)
    for attempt in range(6):
        engines = [open_writer(f"sqlite:///{tmp_path}/{attempt}-{name}.db") for name in ("grown", "once")]
        for engine in engines:
            upgrade(engine)
        path = table(tmp_path / f"{attempt}.csv", HEAD, *rows(0, 3))
        read_one(engines[0], path)
        for _ in range(8):
            for _ in range(rng.randint(1, 4)):
                name = rng.choice(["Lynx", '"Bear, brown"', "Wolf", '"Sea\nEagle"', ""])
                append(path, f"2024-05-{rng.randint(1, 31):02},{name},{rng.randint(1, 2)}\n")
            outcome = read_one(engines[0], path, max_error_rate=1.0)
            assert outcome.status != "failed", outcome.message
        read_one(engines[1], path, max_error_rate=1.0)
        for interval in ("total", "day"):
            for measure in ("records", "individuals"):
                grown, once = (per(engine, interval, measure) for engine in engines)
                assert grown == once
        assert [row.line for row in rows_of(engines[0], Sighting.line)] == [
            row.line for row in rows_of(engines[1], Sighting.line)
        ]
        for engine in engines:
            engine.dispose()


def test_what_a_listening_station_appends_is_read_alone(sqlite_writer: Engine, tmp_path: Path) -> None:
    head = "Date;Time;Sci_Name;Com_Name;Confidence;Lat;Lon;Cutoff;Week;Sens;Overlap"
    heard = [
        f"2024-05-01;06:{n:02}:00;Turdus merula;Amsel;0.{n};48.1;16.2;0.1;18;1.25;0.0" for n in range(10, 60)
    ]
    path = table(tmp_path / "BirdDB.txt", head, *heard[:30])
    first = read_one(sqlite_writer, path, min_confidence=0.2)
    assert (first.format, first.tally.read, first.tally.skipped) == ("birdnet-pi", 30, 10)
    append(path, "".join(f"{row}\n" for row in [heard[30], heard[31], heard[0].replace(":10:", ":59:")]))
    outcome = read_one(sqlite_writer, path, min_confidence=0.2)
    assert (outcome.tally.read, outcome.tally.inserted, outcome.tally.skipped) == (3, 2, 1)
    assert [row.line for row in rows_of(sqlite_writer, Sighting.line)] == list(range(12, 34))


WRITE = """
import sys, time
with open(sys.argv[1], "w") as file:
    file.write("date,species,count\\n")
    for number in range(1, 13):
        row = f"2024-05-{number:02},Lynx {number},{number}0\\n"
        for part in (row[:16], row[16:-2], row[-2:]):
            file.write(part)
            file.flush()
            time.sleep(0.1)
"""


def test_a_file_that_is_read_while_a_process_writes_it_ends_with_the_exact_counts(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    path, outcomes = tmp_path / "log.csv", []
    with subprocess.Popen([sys.executable, "-c", WRITE, path]) as process:
        while process.poll() is None:
            if path.exists():
                outcomes.append(read_one(sqlite_writer, path))
    outcomes.append(read_one(sqlite_writer, path))
    assert process.returncode == 0
    assert sum(outcome.tally.inserted for outcome in outcomes) == 12
    assert not any(outcome.tally.rejected or outcome.tally.updated for outcome in outcomes)
    found = per(sqlite_writer, "total", "individuals")
    assert found == {(f"Lynx {number}", 0): number * 10 for number in range(1, 13)}


def aged(path: Path, seconds: float = 90) -> Path:
    """As if nobody had written it for a while."""
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_a_last_line_without_an_end_is_taken_where_nobody_writes_on(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 3))
    read_one(writer, path, feed="log")
    append(path, "\n".join(rows(3, 5)))
    assert sums(read_one(writer, aged(path), feed="log")) == (5, 2, 0, 3, 0)
    single = tmp_path / "one.csv"
    single.write_text(f"{HEAD}\n{rows(7, 8)[0]}")
    assert sums(read_one(writer, aged(single), feed="log")) == (1, 1, 0, 0, 0)


def test_the_decimal_mark_of_the_whole_holds_for_what_is_appended(writer: Engine, tmp_path: Path) -> None:
    """1,000 alone is a thousand; below 2,5 it is one."""
    path = table(
        tmp_path / "a.tsv", "date\tspecies\tcount", "2024-01-01\tBear\t2,5", "2024-01-01\tBear\t3,25"
    )
    read_one(writer, path, feed="log")
    append(path, "2024-01-02\tBear\t1,000\n2024-01-02\tBear\t2,000\n")
    assert sums(read_one(writer, path, feed="log"))[:2] == (2, 2)
    assert per(writer, "day", "individuals", days=((20240102, 20240102),)) == {("Bear", 20240102): 3.0}


def test_a_decimal_mark_that_shows_later_lets_all_be_read_anew(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.tsv", "id\tdate\tspecies\tcount", "1\t2024-01-01\tBear\t1,000")
    read_one(writer, path, feed="log")
    append(path, "2\t2024-01-02\tBear\t1,5\n")
    assert sums(read_one(writer, path, feed="log")) == (2, 1, 1, 0, 0)
    assert per(writer, "total", "individuals") == {("Bear", 0): 2.5}


def test_a_key_that_comes_later_leaves_the_records_in_their_feed(writer: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    record = '{"occurrenceID":"%s","eventDate":"2024-01-0%s","scientificName":"Ursus arctos"%s}\n'
    path.write_text("".join(record % (n, n, "") for n in (1, 2)))
    first = read_one(writer, path)
    append(path, record % (3, 3, ',"sex":"male"'))
    second = read_one(writer, path)
    assert (second.feed, sums(second)[0:2], second.tally.duplicate) == (first.feed, (3, 1), 2)
    other = table(tmp_path / "b.csv", "id,date,species", "1,2024-01-01,Lynx")
    assert read_one(writer, other).feed != first.feed


def test_the_bytes_of_a_grown_file_again_count_all_of_its_rows(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *rows(0, 30), "never,Lynx,1")
    read_one(writer, path, feed="log")
    append(path, rows(30, 31)[0] + "\n")
    assert sums(read_one(writer, path, feed="log")) == (1, 1, 0, 0, 0)
    again = read_one(writer, path, feed="log")
    assert (again.status, sums(again)) == ("unchanged", (32, 0, 0, 31, 1))
    strict = read_one(writer, path, feed="log", strict=True)
    assert (strict.status, "--strict allows none" in strict.message) == ("failed", True)
    append(path, rows(31, 32)[0] + "\n")
    assert read_one(writer, path, feed="log", strict=True).status == "failed"
