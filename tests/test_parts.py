"""Columns that are understood together, value by value and as a whole: the same comes out."""

from __future__ import annotations

import logging
import math
import struct
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.arrow import pa
from ingest.meaning import fingerprints, parts, positions
from ingest.meaning.parts import Group, Part, distinct, part
from ingest.words import values

TEXTS = st.lists(st.sampled_from(["", "a", "b", "ab", "ü"]), min_size=1, max_size=40)


@given(st.integers(1, 4), st.data())
@settings(max_examples=100, deadline=None)
def test_each_row_gets_the_number_of_its_combination(width: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*[st.sampled_from(["", "a", "b"])] * width), min_size=1))
    codes, found = distinct([pa.array(column, pa.string()) for column in zip(*rows, strict=True)])
    assert [found[code] for code in codes] == rows
    assert found == list(dict.fromkeys(rows))


def test_a_value_is_understood_once_however_often_it_comes() -> None:
    asked: list[parts.Given] = []

    def understand(given: parts.Given) -> Part:
        asked.append(given)
        return part(given)

    group = Group((1,), understand)
    column = pa.array(["x", "y", "x"])
    for _ in range(3):
        group.of([column, column], 3)
    assert asked == [("x",), ("y",)]
    group.forget()
    group.of([column, column], 3)
    assert asked == [("x",), ("y",)] * 2


def test_what_is_remembered_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_REMEMBERED", 10)
    group = Group((0,), part)
    for start in range(0, 100, 5):
        group.of([pa.array([str(number) for number in range(start, start + 5)])], 5)
        assert len(group._known) <= 10


def test_a_fault_of_ours_costs_the_rows_with_that_value_only(caplog: pytest.LogCaptureFixture) -> None:
    def understand(given: parts.Given) -> Part:
        if given == ("bad",):
            raise ZeroDivisionError("no such thing")
        return part(given)

    with caplog.at_level(logging.ERROR):
        found = Group((0,), understand).of([pa.array(["good", "bad", "good"])], 3)
    refusals = [found.parts[code].refusal for code in found.codes]
    assert [refusal and refusal.reason for refusal in refusals] == [None, "INTERPRETATION_ERROR", None]
    assert "ZeroDivisionError" in caplog.text


NUMBERS = st.one_of(
    st.floats(-200, 200).map(lambda number: f"{number:.4f}"),
    st.sampled_from(["", "0", "0.0", "-0.0", "NA", "48,2", "91.5", "181.0", "-12.5", "1e1", "x", "137700"]),
)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["", "10", "0", "-5", "x", "30.5"])), min_size=1))
@settings(max_examples=200, deadline=None)
def test_positions_are_the_same_as_a_column_and_one_by_one(rows: list[tuple[str, str, str]]) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    found = positions.read(columns, len(rows), positions.group())
    for place, row in enumerate(rows):
        expected = values.position(*row)
        got = (found.latitude[place], found.longitude[place], found.uncertainty[place])
        wanted = (expected.latitude, expected.longitude, expected.uncertainty)
        assert [None if math.isnan(number) else number for number in got] == list(wanted), row
        assert found.parts[found.codes[place]].issues == expected.issues, row


@given(TEXTS, st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=40, max_size=40))
@settings(max_examples=50, deadline=None)
def test_fingerprints_are_equal_where_rows_are_and_only_there(texts: list[str], doubles: list[float]) -> None:
    number = len(texts)
    column = np.array(doubles[:number])
    words = Group((0,), part).of([pa.array(texts, pa.string())], number).digests()
    found = fingerprints.combined([words, fingerprints.of_doubles(column)]).to_pylist()
    rows = [(text, "nan" if math.isnan(n) else n + 0.0) for text, n in zip(texts, column, strict=True)]
    assert len(set(found)) == len(set(rows))
    assert all(len(one) == 16 for one in found)


def test_a_fingerprint_is_what_databases_keep() -> None:
    """Said again in plain numbers: another way to make them would let every row look corrected."""
    golden, whole = 0x9E3779B97F4A7C15, 2**64

    def mixed(number: int) -> int:
        number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % whole
        number = (number ^ number >> 27) * 0x94D049BB133111EB % whole
        return number ^ number >> 31

    digest = blake2b(b"Lynx lynx", digest_size=16).digest()
    word = struct.unpack("<2Q", digest)
    (bits,) = struct.unpack("<Q", struct.pack("<d", 48.2))
    place = [mixed(bits ^ seed) for seed in (0x8B8B2F6D1C4E5A37, 0x3C79AC492BA7B653)]
    factors = [mixed(number * golden % whole) | 1 for number in (1, 2)]
    sums = [
        (one * factors[0] + two * factors[1] + golden) % whole for one, two in zip(word, place, strict=True)
    ]
    expected = struct.pack("<2Q", *map(mixed, sums))
    words = Group((0,), part).of([pa.array(["Lynx lynx"])], 1).digests()
    (found,) = fingerprints.combined([words, fingerprints.of_doubles(np.array([48.2]))]).to_pylist()
    assert found == expected


def test_the_order_of_parts_matters() -> None:
    one, other = (np.array([[number, number]], np.uint64) for number in (1, 2))
    assert fingerprints.combined([one, other]) != fingerprints.combined([other, one])
