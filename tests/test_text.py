"""Bytes to rows of text, in every way that people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.sources.source import Unreadable, of_file
from ingest.text import text

HEAD = "date,species,observer"
ROW = "2024-05-01,Küchenschelle,Jürgen"


def rows_of(path: Path) -> list[list[str]]:
    source = of_file(path)
    return [row for chunk in text.chunks(source, text.dialect(source)) for row in chunk.rows]


def lines_of(path: Path) -> list[int]:
    source = of_file(path)
    return [line for chunk in text.chunks(source, text.dialect(source)) for line in chunk.lines]


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", ["\t", ";", ",", "|"])
def test_every_encoding_delimiter_and_line_end_gives_the_same_rows(
    tmp_path: Path, encoding: str, delimiter: str, end: str
) -> None:
    content = end.join([HEAD, ROW, ROW, ""]).replace(",", delimiter)
    expected = [HEAD.split(","), ROW.split(","), ROW.split(",")]
    assert rows_of(written(tmp_path, content.encode(encoding))) == expected


def test_utf_16_is_known_by_its_mark_in_either_byte_order(tmp_path: Path) -> None:
    for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        assert rows_of(written(tmp_path, mark + f"{HEAD}\n{ROW}\n".encode(codec)))[1] == ROW.split(",")


def notes_of(path: Path) -> tuple[str, ...]:
    return text.dialect(of_file(path)).notes


def test_a_guessed_encoding_says_that_it_was_guessed(tmp_path: Path) -> None:
    content = f"{HEAD}\n{ROW}\n"
    assert notes_of(written(tmp_path, content.encode("cp1252"))) == ("the encoding cp1252 was guessed",)
    assert notes_of(written(tmp_path, content)) == ()
    assert notes_of(written(tmp_path, content.encode("utf-16"))) == ()


def test_comments_and_blank_lines_above_the_header_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, f"# one\n# two, with; commas\n\n{HEAD}\n{ROW}\n\n{ROW}\n")
    assert rows_of(path) == [HEAD.split(","), ROW.split(","), ROW.split(",")]
    assert lines_of(path) == [4, 5, 7]
    assert notes_of(path) == ()


def test_a_thousand_lines_of_comment_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "# once, upon, a, time\n" * 1_000 + f"{HEAD}\n{ROW}\n")
    assert lines_of(path) == [1_001, 1_002]


@pytest.mark.parametrize(
    "above",
    [
        ["Sightings of 2024"],
        ["Sightings, an export", "", "Exported on 2024-05-01"],
        ["Sightings,,", ",,"],
        ["Site,Oslo,", "Observer,Ann,"],
        ["Site,Oslo", "Date,2024-05-01"],
        ["# a comment", "Sightings", "# another, with, commas", ""],
        ['"A title', 'of two lines, quoted"'],
        ["; - |", "a line; with | all, of, them"],
    ],
    ids=lambda lines: lines[0],
)
def test_the_header_is_found_below_titles_and_the_line_is_told(tmp_path: Path, above: list[str]) -> None:
    path = written(tmp_path, "\n".join([*above, HEAD, ROW, ROW, ""]))
    assert rows_of(path) == [HEAD.split(","), ROW.split(","), ROW.split(",")]
    assert lines_of(path) == [len(above) + number for number in (1, 2, 3)]
    assert notes_of(path) == (f"the header was found on line {len(above) + 1}",)


def test_a_header_that_means_nothing_here_is_the_first_row_that_is_not_a_title(tmp_path: Path) -> None:
    rows = ["wann;was;wieviel;wo", "2024-05-01;Luchs;1;Oslo", "2024-05-02;Luchs;2;Oslo"]
    assert rows_of(written(tmp_path, "\n".join(rows)))[0] == rows[0].split(";")
    assert rows_of(written(tmp_path, "\n".join(["Luchse", *rows])))[0] == rows[0].split(";")


def test_a_row_that_is_narrower_or_wider_than_the_rest_can_be_the_header(tmp_path: Path) -> None:
    surplus = written(tmp_path, "\n".join([HEAD, *["surplus," + ROW] * 5]))
    assert rows_of(surplus)[0] == HEAD.split(",")
    ragged = written(tmp_path, "\n".join([HEAD + ",remarks,more", *[ROW] * 5]))
    assert rows_of(ragged)[0] == [*HEAD.split(","), "remarks", "more"]


def test_a_header_behind_a_comment_sign_is_a_header(tmp_path: Path) -> None:
    path = written(tmp_path, f"# exported\n#{HEAD}\n{ROW}\n")
    assert (rows_of(path)[0], lines_of(path)) == (["#date", *HEAD.split(",")[1:]], [2, 3])


def test_decimal_commas_do_not_make_the_comma_the_delimiter(tmp_path: Path) -> None:
    path = written(tmp_path, "a title, with, commas\nx;y;art;jahr\n" + "3,5;50,75;Lynx lynx;2002\n" * 9)
    how = text.dialect(of_file(path))
    assert (how.delimiter, how.skip) == (";", 1)


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    path = written(tmp_path, f'{HEAD}\n2024,"a, ""b""\nc",x\n{ROW}\n')
    assert rows_of(path)[1] == ["2024", 'a, "b"\nc', "x"]
    assert lines_of(path) == [1, 2, 4]


def test_a_delimiter_within_quotes_does_not_count(tmp_path: Path) -> None:
    path = written(tmp_path, 'date;place\n2024;"a,b,c,d"\n2025;"e,f,g,h"\n')
    assert text.dialect(of_file(path)).delimiter == ";"


@pytest.mark.parametrize("rows", [3, 30_000])
def test_a_quote_that_is_never_closed_swallows_nothing_in_silence(tmp_path: Path, rows: int) -> None:
    path = written(tmp_path, f'{HEAD}\n{ROW}\n2024,"Lynx,x\n' + f"{ROW}\n" * rows)
    with pytest.raises(Unreadable, match=r"line 3"):
        rows_of(path)


def test_a_file_without_a_line_end_at_its_end_is_whole(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, f"{HEAD}\n{ROW}")) == [HEAD.split(","), ROW.split(",")]


@pytest.mark.parametrize("rows", [text.CHUNK - 1, text.CHUNK, text.CHUNK + 1])
def test_chunks_lose_no_row_at_their_edges(tmp_path: Path, rows: int) -> None:
    path = written(tmp_path, "a,b\n" + "".join(f"{number},x\n" for number in range(rows)))
    found = rows_of(path)
    assert [row[0] for row in found[1:]] == [str(number) for number in range(rows)]
    assert lines_of(path) == list(range(1, rows + 2))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n\t\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "web page"),
        (b"\n\n  <html>\n<head><title>Not found, sorry</title></head>", "web page"),
        (b'<?xml version="1.0"?><archive a="1,2"/>', "XML"),
        (b'{"error": "not found", "code": 404}', "JSON"),
        (b'[{"a": 1, "b": 2}]', "JSON"),
        (b"only one column\nand nothing more\n", "no delimiter"),
        (bytes(range(256)) * 40, "binary"),
        (b"\x1f\x8b\x08\x00" + b"\x00,\x01,\x02" * 100, "binary"),
        (b"SQLite format 3\x00" + b"\x00,\n" * 100, "binary"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(Unreadable, match=said) as caught:
        rows_of(path)
    assert str(caught.value).startswith(f"{path} ")
    assert str(caught.value).endswith(".")


def test_a_cell_beyond_a_megabyte_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEAD}\n{ROW}\n2024,{'x' * 2_000_000},y\n")
    with pytest.raises(Unreadable, match="line 3"):
        rows_of(path)


def test_a_nul_in_a_cell_is_no_binary_file(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, f"{HEAD}\n" + f"{ROW}\n" * 20 + "2024,Ly\x00nx,x\n"))[-1] == [
        "2024",
        "Ly\x00nx",
        "x",
    ]


def test_an_abandoned_reading_leaves_no_file_open(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEAD}\n" + f"{ROW}\n" * (text.CHUNK + 5))
    source = of_file(path)
    reading = text.chunks(source, text.dialect(source))
    next(reading)
    del reading
    assert str(path) not in {str(link.resolve()) for link in Path("/proc/self/fd").iterdir() if link.exists()}


def test_a_row_can_be_shown_as_it_stood_in_the_input() -> None:
    assert text.join(["a;b", 'c "d"', ""], ";") == '"a;b";"c ""d""";'
