"""Where inputs come from: folders of mixed files, globs, links, what still grows, and stdin."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ingest.sources import packed
from ingest.sources.source import Unreadable, find, of_file, piped, sha256
from tests.files import ROOT, environment, manage_json, read, table

HEAD = "occurrenceID,date,species"
ROWS = [f"{number},2024-05-{number:02},Lynx" for number in range(1, 29)]
TEXT = "".join(f"{line}\n" for line in [HEAD, *ROWS])


def names(*paths: Path) -> list[str]:
    return [Path(source.name).name for source in find([str(path) for path in paths])]


def test_a_folder_of_mixed_files_is_an_input_each_and_what_is_none_stops_no_other(
    writer: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    table(folder / "b.csv", HEAD, *ROWS[:5])
    table(folder / "a" / "z.tsv", HEAD.replace(",", "\t"), *(row.replace(",", "\t") for row in ROWS[5:9]))
    (folder / "c.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20)
    (folder / "empty.csv").write_bytes(b"")
    (folder / "notes").write_text("Nothing here can be cut into columns.\nNot even this.\n")
    outcomes = {Path(one.input).name: one for one in read(writer, folder)}
    assert list(outcomes) == ["z.tsv", "b.csv", "c.csv.gz", "empty.csv", "notes", "photo.jpg"]
    good = [name for name, one in outcomes.items() if one.status == "committed"]
    assert good == ["z.tsv", "b.csv", "c.csv.gz"]
    assert sum(one.tally.inserted for one in outcomes.values()) == len(ROWS)
    for name in ("empty.csv", "notes", "photo.jpg"):
        message = outcomes[name].message
        assert message.startswith(str(folder / name))
        assert message.endswith(".")
        assert "\n" not in message


def test_what_is_hidden_or_unfinished_is_left_out_of_folders_and_read_when_it_is_named(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "in"
    for name in ("a.csv", ".b.csv", ".git/c.csv", "d.csv.part", "e.PART", "f.tmp", "deep/.g", "deep/h.csv"):
        table(folder / name, HEAD, *ROWS)
    assert names(folder) == ["a.csv", "h.csv"]
    assert names(folder / "*") == ["a.csv"]
    assert names(folder / ".b.csv", folder / "d.csv.part") == [".b.csv", "d.csv.part"]


def test_a_folder_below_a_hidden_one_can_be_named(tmp_path: Path) -> None:
    table(tmp_path / ".home" / "in" / "a.csv", HEAD, *ROWS)
    assert names(tmp_path / ".home" / "in") == ["a.csv"]


def test_links_in_circles_do_not_hang_and_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    table(folder / "deep" / "a.csv", HEAD, *ROWS)
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "gone").symlink_to(tmp_path / "nothing")
    (folder / "b.csv").symlink_to(folder / "deep" / "a.csv")
    assert names(folder) == ["b.csv", "a.csv"]


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    table(tmp_path / "a.csv", HEAD, *ROWS)
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == ["a.csv"]


def test_a_folder_with_nothing_in_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    table(tmp_path / "in" / ".hidden", "x")
    with pytest.raises(Unreadable, match=rf"^There is no file in the folder {tmp_path}/in\.$"):
        find([str(tmp_path / "in")])


def test_what_is_appended_after_a_file_was_found_belongs_to_the_next_reading(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *ROWS)
    source = of_file(path)
    before, whole = sha256(source), path.read_bytes()
    with path.open("a") as file:
        file.write("99,2024-06-01,Bear\n" * 1_000)
    with source.open() as opened:
        assert opened.read(10) == whole[:10]
        assert opened.tell() == 10
        assert opened.read() == whole[10:]
        assert opened.tell() == len(whole)
        assert opened.seek(-5, io.SEEK_END) == len(whole) - 5
        assert opened.read() == whole[-5:]
    assert (sha256(source), len(whole)) == (before, source.size)


def test_what_is_appended_while_a_file_is_read_belongs_to_the_next_reading(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *ROWS)
    whole = path.read_bytes()
    with of_file(path).open() as opened:
        with path.open("a") as file:
            file.write("99,2024-06-01,Be")
        assert opened.read() == whole


@pytest.mark.parametrize("packing", [str.encode, lambda text: gzip.compress(text.encode())])
def test_stdin_is_read_like_a_file(home: Path, packing: object) -> None:
    content = packing(TEXT)  # type: ignore[operator]
    (home / "tmp").mkdir()
    for expected in ("committed", "unchanged"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "ingest", "-", "--json"],
            input=content,
            env=environment(home) | {"TMPDIR": str(home / "tmp")},
            cwd=home,
            capture_output=True,
        )
        (run,) = json.loads(done.stdout)["runs"]
        assert (done.returncode, done.stderr) == (0, b"")
        assert (run["input"], run["status"], run["read"]) == ("-", expected, len(ROWS))
    assert list((home / "tmp").iterdir()) == []
    assert [run["input"] for run in manage_json(home, "runs")["runs"]] == ["-", "-"]


@pytest.mark.parametrize(("content", "said"), [("", "- is empty."), ("<html>", "- is a web page or XML")])
def test_stdin_that_is_no_table_is_told(home: Path, content: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "ingest", "-"],
        input=content,
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.startswith(f"Error: {said}")) == (1, True), done.stderr


def test_stdin_without_end_is_refused_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MOST_BYTES", 3 << 20)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with (
        pytest.raises(Unreadable, match="longer than 3,145,728 bytes"),
        piped(io.BytesIO(bytes(5 << 20))),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
