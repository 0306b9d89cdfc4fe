"""Broken and hostile tables through the whole ingest: every row is accounted for, alike in both databases."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.models import Place, Reject, Run, Sighting, Taxon
from ingest.text.text import CHUNK
from tests.files import image, per, read_one, rows_of, sums, table
from tests.seed import open_app
from tests.test_api_hostile import assert_harmless

HEAD = "id,date,species,lat,lon,count"
GOOD = "2024-05-17,Lynx,59.5,10.5,1"


def goods(number: int, start: int = 100) -> list[str]:
    """So many good rows, each with an identifier of its own."""
    return [f"{start + n},{GOOD}" for n in range(number)]


def kept(writer: Engine) -> list[tuple[object, ...]]:
    """Identifier, latitude and longitude of every record."""
    columns = (Sighting.occurrence_id, Sighting.decimal_latitude, Sighting.decimal_longitude)
    return [tuple(row) for row in rows_of(writer, *columns)]


def test_identifiers_come_out_as_the_same_text(writer: Engine, tmp_path: Path) -> None:
    names = ["007", "7", "1e5", "100000", "9007199254740993", "12345678901234567890123", "1.0", "TRUE", "NA"]
    outcome = read_one(writer, table(tmp_path / "a.csv", HEAD, *(f"{name},{GOOD}" for name in names)))
    assert sums(outcome) == (9, 9, 0, 0, 0)
    assert {row.occurrence_id for row in rows_of(writer, Sighting.occurrence_id)} == set(names)


def test_rows_of_every_broken_shape_are_accounted_for(writer: Engine, tmp_path: Path) -> None:
    rows = [
        "short,2024-05-17,Lynx",
        "",
        f"trailing,{GOOD},",
        f"surplus,{GOOD},7",
        "date,,Lynx,59.5,10.5,1",
        "impossible,2024-02-30,Lynx,59.5,10.5,1",
        "nameless,2024-05-17,,59.5,10.5,1",
        "   ",
        *goods(20),
    ]
    outcome = read_one(writer, table(tmp_path / "a.csv", HEAD, *rows))
    reasons = {"FIELD_COUNT": 1, "RECORDED_DATE_INVALID": 1, "NAME_MISSING": 2}
    assert (sums(outcome), outcome.reasons) == ((27, 23, 0, 0, 4), reasons)
    places = {name: place for name, *place in kept(writer)}
    assert places.pop("short") == [None, None]
    assert set(map(tuple, places.values())) == {(59.5, 10.5)}
    rejects = rows_of(writer, Reject.line, Reject.reason, Reject.raw)
    assert [(row.line, row.reason, row.raw.rstrip(",")) for row in rejects] == [
        (5, "FIELD_COUNT", rows[3]),
        (7, "RECORDED_DATE_INVALID", rows[5]),
        (8, "NAME_MISSING", rows[6]),
        (9, "NAME_MISSING", rows[7]),
    ]


@pytest.mark.parametrize("end", ["", ",", ",,,"])
def test_a_delimiter_at_the_end_of_every_row_shifts_nothing(writer: Engine, tmp_path: Path, end: str) -> None:
    rows = [f"{row}{end}" for row in goods(5)]
    assert sums(read_one(writer, table(tmp_path / "a.csv", HEAD, *rows))) == (5, 5, 0, 0, 0)
    assert sums(read_one(writer, table(tmp_path / "b.csv", HEAD + end, *rows), feed="other")) == (
        5,
        5,
        0,
        0,
        0,
    )
    assert {tuple(place) for _, *place in kept(writer)} == {(59.5, 10.5)}


def test_columns_may_come_in_any_order_twice_and_unknown(writer: Engine, tmp_path: Path) -> None:
    head = "lon,Mood,count,species,date,lat,id,count"
    path = table(tmp_path / "a.csv", head, "10.5,happy,3,Lynx,2024-05-17,59.5,a,99")
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.extra) == ((1, 1, 0, 0, 0), ("Mood", "count (2)"))
    assert kept(writer) == [("a", 59.5, 10.5)]
    assert per(writer, "day", "individuals") == {("Lynx", 20240517): 3}
    (row,) = rows_of(writer, Sighting.verbatim)
    assert row.verbatim.split("\x1f") == ["10.5", "happy", "3", "Lynx", "2024-05-17", "59.5", "a", "99"]


@pytest.mark.parametrize("head", ["species,lat,lon,count", "date,lat,lon,count"])
def test_without_a_column_that_is_needed_nothing_of_the_file_is_taken(
    writer: Engine, tmp_path: Path, head: str
) -> None:
    before = image(writer)
    outcome = read_one(writer, table(tmp_path / "a.csv", head, "Lynx,59.5,10.5,1", "Bear,59.5,10.5,2"))
    assert (outcome.status, outcome.tally.inserted) == ("failed", 0)
    assert image(writer)[:4] == before[:4]


@pytest.mark.parametrize("rows", [10_000, CHUNK + 10])
def test_a_quote_that_is_never_closed_costs_the_file_and_names_its_line(
    writer: Engine, tmp_path: Path, rows: int
) -> None:
    before = image(writer)
    lines = goods(rows)
    lines[2] = lines[2].replace("Lynx", '"Lynx')
    path = table(tmp_path / "a.csv", HEAD, *lines)
    outcome = read_one(writer, path)
    assert (outcome.status, outcome.tally.inserted) == ("failed", 0)
    assert outcome.message.startswith(str(path))
    assert "line 4" in outcome.message
    assert image(writer)[:4] == before[:4]


NAMES = {"Küchenschelle", "Luchs"}
TEXT = "Datum;Art;Anzahl\n" + "2024-05-17;Küchenschelle;1\n2024-05-18;Luchs;2\n" * 10


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize(
    ("codec", "mark", "note"),
    [
        ("utf-8", b"", ""),
        ("utf-8", b"\xef\xbb\xbf", ""),
        ("utf-16-le", b"\xff\xfe", ""),
        ("utf-16-be", b"\xfe\xff", ""),
        ("utf-16-le", b"", "the encoding utf-16-le was guessed"),
        ("latin-1", b"", "the encoding cp1252 was guessed"),
    ],
)
def test_every_encoding_gives_the_same_records_and_a_guess_is_told(
    sqlite_writer: Engine, tmp_path: Path, codec: str, mark: bytes, note: str, end: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(mark + TEXT.replace("\n", end).encode(codec))
    outcome = read_one(sqlite_writer, path)
    assert (sums(outcome), outcome.notes) == ((20, 20, 0, 0, 0), (note,) if note else ())
    assert {name for name, _ in per(sqlite_writer, "total")} == NAMES


def test_bytes_that_are_no_letters_cost_letters_and_no_file(writer: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    bad = b"2024-05-19;B\xe4r \xff;3\n2024-05-20;\xed\xa0\x80Wolf;4\n"
    path.write_bytes(TEXT.encode() + bad)
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.notes) == (
        (22, 22, 0, 0, 0),
        ("5 bytes are not UTF-8: \ufffd stands there instead",),
    )
    (run,) = rows_of(writer, Run.message)
    assert outcome.notes[0] in run.message
    names = {name for name, _ in per(writer, "total")}
    assert names == {*NAMES, "B\ufffdr \ufffd", "\ufffd\ufffd\ufffdWolf"}


POSITIONS = [
    ("59,91", "10,75", (59.91, 10.75), ""),
    ("48°12'30\"N", "16°22'30\"E", (48.208333, 16.375), ""),
    ("48.2 N", "16.4 W", (48.2, -16.4), ""),
    ("", "", (None, None), ""),
    ("NA", "NULL", (None, None), ""),
    ("inf", "10", (None, None), "COORDINATE_INVALID"),
    ("nan", "10", (None, None), "COORDINATE_INVALID"),
    ("1e400", "10", (None, None), "COORDINATE_INVALID"),
    ("-1", "-1", (None, None), "COORDINATE_INVALID"),
    ("-1.0", "-1.0", (None, None), "COORDINATE_INVALID"),
    ("95", "120", (None, None), "COORDINATE_OUT_OF_RANGE"),
    ("45", "540", (None, None), "COORDINATE_OUT_OF_RANGE"),
    ("9999.99", "9999.99", (None, None), "COORDINATE_OUT_OF_RANGE"),
    ("38.5", "-94868400", (None, None), "COORDINATE_OUT_OF_RANGE"),
    ("193386", "137700", (None, None), "COORDINATE_OUT_OF_RANGE"),
    ("120.5", "45.5", (None, None), "PRESUMED_SWAPPED_COORDINATE"),
    ("0", "0", (0, 0), "ZERO_COORDINATE"),
    ("0.0", "0.0", (0, 0), "ZERO_COORDINATE"),
]


def test_coordinates_that_cannot_be_right_keep_a_record_out_of_maps_and_in_all_counts(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [
        f'{number},2024-05-17,Lynx,"{north}","{east}",1'.replace('30"', '30""')
        for number, (north, east, *_) in enumerate(POSITIONS, 1)
    ]
    outcome = read_one(writer, table(tmp_path / "a.csv", HEAD, *rows))
    assert sums(outcome) == (len(rows), len(rows), 0, 0, 0)
    columns = (Sighting.line, Sighting.decimal_latitude, Sighting.decimal_longitude, Sighting.issues)
    for row, (_, _, place, issue) in zip(
        rows_of(writer, *columns, Sighting.geospatial_issue), POSITIONS, strict=True
    ):
        assert (row.decimal_latitude, row.decimal_longitude) == pytest.approx(place, abs=1e-6), row
        assert (row.issues or "", row.geospatial_issue) == (issue, bool(issue)), row
    assert per(writer, "total", "individuals") == {("Lynx", 0): len(rows)}
    good = sum(place[0] is not None and not issue for _, _, place, issue in POSITIONS)
    assert per(writer, "total", bbox=(-180, -90, 180, 90)) == {("Lynx", 0): good}


LATER = datetime.now(UTC) + timedelta(days=3)
DATES = [
    ("2024-05-17", 20240517, 20240517, ""),
    ("1987", 19870101, 19871231, ""),
    ("2007-03-01/2007-05-11", 20070301, 20070511, ""),
    ("2024-05-17T23:30:00+02:00", 20240517, 20240517, ""),
    ("2016-12-31T23:59:60Z", 20161231, 20161231, ""),
    ("Fri Apr 30 2021 07:30:22 GMT+0200 (GMT+2)", 20210430, 20210430, ""),
    ("3. März 2021", 20210303, 20210303, ""),
    ("", None, None, ""),
    ("1599-12-31", 15991231, 15991231, "RECORDED_DATE_UNLIKELY"),
    (f"{LATER:%Y-%m-%d}", int(f"{LATER:%Y%m%d}"), int(f"{LATER:%Y%m%d}"), "RECORDED_DATE_UNLIKELY"),
]
NEVER = ["2024-02-30", "2024-13-01", "0000-00-00", "2024-05-17T25:00", "45415", "24-5-13 or so", "soon"]


def test_dates_are_intervals_that_may_be_unlikely_or_are_refused(writer: Engine, tmp_path: Path) -> None:
    dates = [date for date, *_ in DATES] + NEVER
    rows = [f"{number},{date},Lynx,59.5,10.5,1" for number, date in enumerate(dates, 1)]
    outcome = read_one(writer, table(tmp_path / "a.csv", HEAD, *rows))
    assert sums(outcome) == (len(dates), len(DATES), 0, 0, len(NEVER))
    assert outcome.reasons == {"RECORDED_DATE_INVALID": len(NEVER)}
    found = rows_of(writer, Sighting.line, Sighting.first_day, Sighting.last_day, Sighting.issues)
    assert [(*tuple(row)[1:3], row.issues or "") for row in found] == [when[1:] for when in DATES]


@pytest.mark.parametrize("date", ["01/02/2024", "24-05-13", "1.2.24"])
def test_an_order_of_day_and_month_that_nothing_tells_is_asked_for(
    writer: Engine, tmp_path: Path, date: str
) -> None:
    path = table(tmp_path / "a.csv", HEAD, *[f"{n},{date},Lynx,59.5,10.5,1" for n in range(30)])
    before = image(writer)
    outcome = read_one(writer, path)
    assert (outcome.status, "--date-order" in outcome.message) == ("failed", True)
    assert image(writer)[:4] == before[:4]
    assert read_one(writer, path, date_order="DMY").tally.inserted == 30


def test_day_numbers_of_a_spreadsheet_are_told_and_not_guessed(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *[f"{n},{45_000 + n},Lynx,59.5,10.5,1" for n in range(30)])
    outcome = read_one(writer, path)
    assert outcome.status == "failed"
    assert outcome.message.startswith(f"{path} has dates like 45000, a spreadsheet's count of days")


HOSTILE = {
    "nul": ("Ly\x00nx", "Lynx"),
    "escape": ("Ly\x1b[31mnx", "Ly[31mnx"),
    "override": ("\u202eLynx\u202c", "Lynx"),
    "separator": ("Ly\x1fnx", "Lynx"),
    "vertical": ("Ly\x0bnx", "Lynx"),
    "no character": ("Lynx\ufffe", "Lynx"),
    "markup": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "mathematics": ("$\\frac{$", "$\\frac{$"),
    "megabyte": ("L" * 1_000_000, "L" * 200),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_name_is_cleaned_and_its_chart_is_well_formed(
    home: Path, database_url: str, writer: Engine, tmp_path: Path, case: str
) -> None:
    name, clean = HOSTILE[case]
    path = table(tmp_path / "a.csv", HEAD, *goods(20), f"x,2024-05-17,{name},59.5,10.5,1")
    assert sums(read_one(writer, path)) == (21, 21, 0, 0, 0)
    assert {row.name for row in rows_of(writer, Taxon.name)} == {"Lynx", clean}
    app = open_app(home, database_url=database_url)
    answer = app.test_client().get("/api/v1/reports/species.svg")
    app.extensions["sightings"].reader.dispose()
    assert answer.status_code == 200
    ET.fromstring(answer.data)
    assert_harmless(answer.data)


def test_hostile_cells_beside_the_name_are_cleaned_flagged_or_kept(writer: Engine, tmp_path: Path) -> None:
    head = "id,date,species,count,locality,countryCode,coordinateUncertaintyInMeters"
    rows = [
        f"a\x00,2024-05-17,Lynx,{2**63},Os\x00lo \x1b[0m\u202e,NA,inf",
        f"b,2024-05-17,Lynx,-1,{'x' * 100_000},null,1e400",
        "c,2024-05-17,Lynx,1e400,Oslo,None,-5",
        "d,2024-05-17,Lynx,8-Jul,Oslo,nan,NaN",
        "e,2024-05-17,Lynx,3+,Oslo,Norge,5",
    ]
    outcome = read_one(writer, table(tmp_path / "a.csv", head, *rows))
    assert sums(outcome) == (5, 5, 0, 0, 0)
    assert outcome.tally.issues == {
        "INDIVIDUAL_COUNT_INVALID": 5,
        "COUNTRY_INVALID": 1,
        "COORDINATE_UNCERTAINTY_METERS_INVALID": 3,
    }
    found = rows_of(writer, Sighting.occurrence_id, Sighting.individual_count)
    assert [tuple(row) for row in found] == [("a\ufffd", None), *((name, None) for name in "bcd"), ("e", 3)]
    places = rows_of(writer, Place.country_code, Place.locality)
    assert sorted(row.country_code for row in places) == ["NA", "None", "Norge", "nan", "null"]
    assert {row.locality for row in places} == {"Oslo [0m", "x" * 400, "Oslo"}
    assert sums(read_one(writer, tmp_path / "a.csv")) == (5, 0, 0, 5, 0)


def test_a_cell_beyond_a_megabyte_costs_the_file_and_names_its_line(writer: Engine, tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv", HEAD, *goods(2), f"x,2024-05-17,{'L' * 1_100_000},59.5,10.5,1", *goods(2, 9)
    )
    outcome = read_one(writer, path)
    assert (outcome.status, "line 4" in outcome.message, outcome.tally.inserted) == ("failed", True, 0)


def test_a_table_as_an_office_writes_it_goes_in_whole(writer: Engine, tmp_path: Path) -> None:
    lines = [
        "Wildbeobachtungen 2024;;;;;",
        "Exportiert am 18.05.2024;;;;;",
        ";;;;;",
        "Tag;Monat;Jahr;Tierart;Anzahl;Koordinaten",
        "17;Mai;2024;Feldhase;1.234;48,2083 16,3725",
        '18;5;2024;Rotfuchs;1,5;"48°12\'30""N 16°22\'30""E"',
        "19;5;2024;Waldkauz;;",
    ]
    outcome = read_one(writer, table(tmp_path / "a.csv", *lines, encoding="cp1252", end="\r\n"))
    assert (sums(outcome), outcome.tally.issues) == ((3, 3, 0, 0, 0), {})
    assert outcome.notes == (
        "the encoding cp1252 was guessed",
        "the header was found on line 4",
        "latitude and longitude were found in the column Koordinaten",
    )
    assert per(writer, "day", "individuals") == {
        ("Feldhase", 20240517): 1_234,
        ("Rotfuchs", 20240518): 1.5,
        ("Waldkauz", 20240519): 1,
    }
    found = rows_of(writer, Sighting.line, Sighting.decimal_latitude, Sighting.decimal_longitude)
    assert [tuple(row) for row in found] == [
        (5, 48.2083, 16.3725),
        (6, pytest.approx(48.208333, abs=1e-6), 16.375),
        (7, None, None),
    ]
