"""Which letters the bytes of an input are."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.sources.source import of_file
from ingest.text import encodings
from ingest.text.encodings import Encoding, find
from tests.test_text import HEAD, ROW, notes_of, rows_of, written


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", Encoding("utf-8")),
        (b"a,b", Encoding("utf-8")),
        ("ä,b".encode(), Encoding("utf-8")),
        ("ä,b".encode("utf-8-sig"), Encoding("utf-8-sig")),
        ("a,b".encode("utf-16"), Encoding("utf-16")),
        ("a,b".encode("utf-32"), Encoding("utf-32")),
        ("a,b".encode("utf-16-be"), Encoding("utf-16-be", guessed=True)),
        ("ä,b".encode("cp1252"), Encoding("cp1252", guessed=True)),
        ("äöü,b".encode() + b"\xff", Encoding("utf-8", bad=1)),
        (b"a,\xff", Encoding("cp1252", guessed=True)),
    ],
)
def test_an_encoding_is_told_by_its_mark_by_its_rules_or_by_its_looks(
    tmp_path: Path, content: bytes, encoding: Encoding
) -> None:
    assert find(of_file(written(tmp_path, content))) == encoding


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("rows", [1, 3_000])
def test_utf_16_without_its_mark_is_known_by_its_empty_bytes(tmp_path: Path, codec: str, rows: int) -> None:
    path = written(tmp_path, (f"{HEAD}\n" + f"{ROW}\n" * rows).encode(codec))
    assert rows_of(path) == [HEAD.split(","), *[ROW.split(",")] * rows]
    assert notes_of(path) == (f"the encoding {codec} was guessed",)


@pytest.mark.parametrize("above", [0, 400_000])
def test_a_letter_far_down_decides_the_encoding_too(tmp_path: Path, above: int) -> None:
    plain = "2024-05-01,Lynx,Ann\n" * (above // 20)
    path = written(tmp_path, f"{HEAD}\n{plain}{ROW}\n".encode("cp1252"))
    assert rows_of(path)[-1] == ROW.split(",")


@pytest.mark.parametrize(
    ("codec", "cell"),
    [
        ("cp1252", "48°12'"),
        ("cp1252", "Bärenspinner"),
        ("cp1252", "Ñandú, Coipú y Pingüino"),
        ("cp1250", "Zając, łoś, żbik i świstak w rezerwacie Białowieża"),
        ("cp1251", "Медведь бурый, заяц-беляк и лисица обыкновенная"),
        ("gb18030", "灰暗蛞蝓和大熊猫在四川省的森林里"),
        ("cp932", "ニホンザルとツキノワグマの目撃記録"),
    ],
)
def test_letters_of_a_country_come_out_as_they_were(tmp_path: Path, codec: str, cell: str) -> None:
    path = written(tmp_path, f"date;species;place\n2024;Lynx;{cell}\n".encode(codec))
    assert rows_of(path)[1][2] == cell


def test_a_few_bad_bytes_leave_the_rest_utf_8_and_are_told(tmp_path: Path) -> None:
    good = f"{ROW}\n".encode() * 20
    path = written(tmp_path, HEAD.encode() + b"\n" + good + b"2024-05-02,Ly\xff\xfenx,J\xfcrgen\n" + good)
    found = rows_of(path)
    assert found[1] == found[-1] == ROW.split(",")
    assert found[21] == ["2024-05-02", "Ly\ufffd\ufffdnx", "J\ufffdrgen"]
    assert notes_of(path) == ("3 bytes are not UTF-8: \ufffd stands there instead",)


def test_a_letter_that_breaks_off_at_the_end_of_the_file_is_one_bad_byte(tmp_path: Path) -> None:
    path = written(tmp_path, (f"{HEAD}\n" + f"{ROW}\n" * 3 + "2024,Lynx,Jü").encode()[:-1])
    assert rows_of(path)[-1] == ["2024", "Lynx", "J\ufffd"]
    assert notes_of(path) == ("1 byte is not UTF-8: \ufffd stands there instead",)


@pytest.mark.parametrize(("second", "bad"), [(b"\xa4,b,c", 0), (b"a,b,c", 1)])
def test_half_a_letter_at_the_end_of_a_block_is_judged_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: bytes, bad: int
) -> None:
    first = "äää".encode()[:5]
    monkeypatch.setattr(encodings, "_BLOCK", len(first))
    assert find(of_file(written(tmp_path, first + second))) == Encoding("utf-8", bad=bad)
