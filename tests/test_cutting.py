"""Plain blocks are cut in C, all others by Python's csv: nobody can tell which it was."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.source import Unreadable, of_file
from ingest.text import cutting, text
from ingest.text.cutting import Cutter
from ingest.text.rows import Chunk, Columnar

CELLS = st.text(st.sampled_from('ab ,"\t\u00fc\U0001f98a'), max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=30)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def chunks(content: str, delimiter: str = ",", most: int = 7) -> list[Chunk]:
    file = io.StringIO(content, newline="")
    return list(Cutter("a.csv", file, delimiter, '"', 1, most, lambda: 0).chunks())


def rows(found: list[Chunk]) -> list[list[str]]:
    return [row for chunk in found for row in chunk.rows]


def lines(found: list[Chunk]) -> list[int]:
    return [line for chunk in found for line in chunk.lines]


def by_csv(content: str, delimiter: str = ",") -> tuple[list[list[str]], list[int]]:
    """The rows and the lines on which they begin, by nothing but the csv module."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    found, begins, at = [], [], 1
    for row in reader:
        if row:
            found.append(row)
            begins.append(at)
        at = reader.line_num + 1
    return found, begins


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "BLOCK", 40)
    monkeypatch.setattr(cutting, "_SAMPLE_ROWS", 2)


@given(ROWS, ENDS, st.booleans(), st.sampled_from(",\t"))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_comes_back_with_its_lines(
    table: list[list[str]], end: str, blank: bool, delimiter: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end + end * blank)
    writer.writerows(table)
    found = chunks(out.getvalue(), delimiter)
    assert (rows(found), lines(found)) == by_csv(out.getvalue(), delimiter)
    assert rows(found) == table


@given(st.text(st.sampled_from('ab,"\n\r\x00\u00fc'), max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_cut_as_csv_cuts_it_or_refused_with_a_line(content: str) -> None:
    expected, found, why = None, None, ""
    with suppress(csv.Error):
        expected = by_csv(content)
    try:
        found = chunks(content)
    except Unreadable as error:
        why = str(error)
    if found is not None:
        assert (rows(found), lines(found)) == expected
    else:
        # csv closes by itself what is open at the end of the text; a person is told instead.
        assert "at line" in why
        assert expected is None or "never closed" in why


def test_plain_rows_are_columns_and_a_quote_costs_only_its_own_block(tmp_path: Path) -> None:
    plain = [f"{number},b,c" for number in range(200)]
    content = "\n".join([*plain[:100], '"x\ny",b,c', *plain[100:], ""])
    found = chunks(content)
    assert rows(found) == by_csv(content)[0]
    as_lists = sum(len(chunk.rows) for chunk in found if not isinstance(chunk.rows, Columnar))
    assert as_lists < 30
    assert lines(found)[-1] == 202


def test_a_row_of_another_width_is_told_as_it_stands(tmp_path: Path) -> None:
    content = "".join(f"{number},b,c\n" for number in range(100)) + "1,2,3,4\n1,2\n" + "x,y,z\n" * 50
    found = rows(chunks(content))
    assert [row for row in found if len(row) != 3] == [["1", "2", "3", "4"], ["1", "2"]]
    assert len(found) == 152


def test_rows_as_columns_behave_like_rows_as_lists(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{number},b{number}\n" for number in range(50)))
    source = of_file(path)
    columns = [
        chunk.rows for chunk in text.chunks(source, text.dialect(source)) if isinstance(chunk.rows, Columnar)
    ]
    assert columns
    for some in columns:
        listed = list(some)
        assert len(some) == len(listed)
        assert some[0] == listed[0]
        assert some[1:] == listed[1:]
        assert some[::-1] == listed[::-1]
        assert some == listed
        assert some != listed[1:]
