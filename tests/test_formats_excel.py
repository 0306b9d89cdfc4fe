"""Excel workbooks: which sheet is read and from which row on, what becomes of cells, what is refused."""

from __future__ import annotations

import random
import resource
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import Engine

from db.models import Place, Sighting
from ingest.formats import old_workbook
from ingest.formats.table import Table, Wanted
from ingest.formats.workbooks import read as read_excel
from ingest.sources.source import Unreadable, of_file
from tests.files import per, read_one, rows_of, sums, version
from tests.workbook import Rows, workbook

Find = Callable[[str], Path]
GEESE = "A16-xlsx/20180123_brandganzen.xlsx"
MANTAS = "A16-xlsx/20210225_manta_2014_2015.xlsx"
FORM = "A16-xlsx/20251216_butterfly_transect_counts_raw.xls"
HEADER = ["Date", "Species", "Count", "Site"]
LYNX = [date(2024, 5, 3), "Lynx lynx", 2, "Ridge"]
WOLF = [date(2024, 5, 4), "Canis lupus", 1, "Ford"]
BOTH = {("Lynx lynx", 20240503): 2, ("Canis lupus", 20240504): 1}


def opened(path: Path, sheet: str | None = None) -> Table:
    table = read_excel(of_file(path), Wanted(sheet=sheet))
    assert table is not None
    return table


def cells(path: Path) -> list[list[str]]:
    return [row for chunk in opened(path).chunks() for row in chunk.rows]


def xml_rows(path: Path, sheet: int) -> list[dict[str, str]]:
    """The filled cells of each row by their column, counted by nothing but zipfile and ElementTree."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as packed:
        shared = ET.fromstring(packed.read("xl/sharedStrings.xml"))
        texts = ["".join(part.text or "" for part in item.iter(f"{main}t")) for item in shared]
        rows = ET.fromstring(packed.read(f"xl/worksheets/sheet{sheet}.xml")).iter(f"{main}row")
        found = []
        for row in rows:
            values = {}
            for cell in row.iter(f"{main}c"):
                value = cell.findtext(f"{main}v")
                if value is not None:
                    column = (cell.get("r") or "").rstrip("0123456789")
                    values[column] = texts[int(value)] if cell.get("t") == "s" else value
            if values:
                found.append(values)
    return found


@pytest.mark.parametrize(
    "rows",
    [
        [HEADER, LYNX, WOLF],
        [["Sightings of May"], [], ["Station", "North"], [], HEADER, LYNX, [], WOLF],
        [["WHEN", "WHAT", None, "WHERE"], HEADER, LYNX, WOLF],
        [["Printed on", date(2024, 6, 1)], HEADER, LYNX, WOLF],
    ],
    ids=["plain", "titles", "two header rows", "a date above"],
)
def test_titles_above_the_header_are_skipped(writer: Engine, tmp_path: Path, rows: Rows) -> None:
    outcome = read_one(writer, workbook(tmp_path / "a.xlsx", {"May": rows}))
    assert (outcome.format, sums(outcome)) == ("excel", (2, 2, 0, 0, 0))
    assert per(writer, "day", "individuals") == BOTH
    lines = [number for number, row in enumerate(rows, 1) if row in (LYNX, WOLF)]
    assert [row.line for row in rows_of(writer, Sighting.line)] == lines


def test_cells_become_what_a_person_sees(tmp_path: Path) -> None:
    header = ["date", "species", "when", "at", "n", "x", "ok", "id"]
    row = [date(2024, 5, 3), " Lynx ", datetime(2024, 5, 3, 11, 29, 59), time(6, 5), 3.0, 0.1, True, "007"]
    assert cells(workbook(tmp_path / "a.xlsx", {"a": [header, row, [None, "Wolf", None, None, 2.5e-7]]})) == [
        ["2024-05-03", " Lynx ", "2024-05-03T11:29:59", "06:05:00", "3", "0.1", "true", "007"],
        ["", "Wolf", "", "", "2.5e-07", "", "", ""],
    ]


@pytest.mark.parametrize(("from_1904", "serial"), [(False, 45415), (True, 43953)])
def test_serial_numbers_in_a_column_of_dates_are_dates(
    sqlite_writer: Engine, tmp_path: Path, from_1904: bool, serial: int
) -> None:
    start = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
    assert (date(2024, 5, 3) - start).days == serial
    rows = [
        ["Date", "Time", "Species", "Count"],
        [serial, 0.25, "Lynx", 45415],
        [serial + 0.5, None, "Lynx", 1],
        [20240503, None, "Lynx", 1],
        [2024, None, "Lynx", 1],
        [date(2024, 5, 3), time(6), "Lynx", 1],
    ]
    path = workbook(tmp_path / "a.xlsx", {"a": rows}, from_1904)
    outcome = read_one(sqlite_writer, path)
    assert sums(outcome) == (5, 5, 0, 0, 0)
    assert any(f"days of the {1904 if from_1904 else 1900} date system" in note for note in outcome.notes)
    found = rows_of(sqlite_writer, Sighting.line, Sighting.first_day, Sighting.time_of_day)
    assert [tuple(row)[1:] for row in found] == [
        (20240503, 6 * 3600),
        (20240503, 12 * 3600),
        (20240503, None),
        (20240101, None),
        (20240503, 6 * 3600),
    ]
    assert cells(path)[0][3] == "45415"


def test_a_cell_that_is_merged_with_those_below_counts_for_all_of_them(tmp_path: Path) -> None:
    rows = [HEADER, LYNX, [None, "Wolf", 1], [None, "Bear", 3], [], WOLF]
    path = workbook(tmp_path / "a.xlsx", {"a": rows}, merged=["A2:A5", "D2:D3"])
    assert cells(path) == [
        ["2024-05-03", "Lynx lynx", "2", "Ridge"],
        ["2024-05-03", "Wolf", "1", "Ridge"],
        ["2024-05-03", "Bear", "3", ""],
        ["2024-05-04", "Canis lupus", "1", "Ford"],
    ]


def test_the_one_sheet_of_sightings_is_read(sqlite_writer: Engine, tmp_path: Path) -> None:
    sites = [["Site", "Owner"], ["Ridge", "Park"]]
    path = workbook(tmp_path / "a.xlsx", {"Sites": sites, "May": [HEADER, LYNX, WOLF], "Notes": [["x"]]})
    outcome = read_one(sqlite_writer, path)
    assert (sums(outcome), outcome.notes) == ((2, 2, 0, 0, 0), ("the sheet 'May' was read",))


@pytest.mark.parametrize(("sheet", "day"), [("June", 20240504), (" june", 20240504), ("1", 20240503)])
def test_a_sheet_is_named_or_numbered(sqlite_writer: Engine, tmp_path: Path, sheet: str, day: int) -> None:
    path = workbook(tmp_path / "a.xlsx", {"May": [HEADER, LYNX], "June": [HEADER, WOLF]})
    read_one(sqlite_writer, path, sheet=sheet)
    assert {bucket for _, bucket in per(sqlite_writer, "day")} == {day}


@pytest.mark.parametrize(
    ("sheets", "sheet", "message"),
    [
        ({"May": [HEADER, LYNX], "June": [HEADER, WOLF]}, None, "2 sheets and 2 of them with a column"),
        ({"May": [["a", "b"], ["c", "d"]], "June": [["e", "f"]]}, None, "2 sheets and none of them"),
        (
            {"May": [["a", "b"], ["c", "d"]], "June": [["Date", "f"]]},
            None,
            "'June' of 1 x 2 cells with a date",
        ),
        ({"May": [HEADER, LYNX]}, "June", "has no sheet 'June'; it has 'May' of 2 x 4 cells"),
        ({"May": [HEADER, LYNX]}, "2", "has no sheet '2'"),
        ({"May": []}, None, "nothing in its sheet 'May'"),
        ({"May": [], "June": []}, None, "without a filled sheet"),
        ({"May": [[1, 2, 3], [4, 5, 6]]}, None, "looks like a form"),
        ({"May": [["Tag", "Tier"], [1, 2]]}, None, "no column for a date"),
    ],
)
def test_where_no_sheet_can_be_chosen_the_workbook_is_refused(
    sqlite_writer: Engine, tmp_path: Path, sheets: dict[str, Any], sheet: str | None, message: str
) -> None:
    outcome = read_one(sqlite_writer, workbook(tmp_path / "a.xlsx", sheets), sheet=sheet)
    assert (outcome.status, message in outcome.message) == ("failed", True), outcome.message
    assert version(sqlite_writer) == 0


FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
NAMELESS = '<row r="1">' + "<c><v>1</v></c>" * 9_000 + '</row><row r="900000"><c><v>1</v></c></row>'


@pytest.mark.parametrize("rows", [FAR, NAMELESS])
def test_cells_far_apart_are_refused_before_they_fill_the_memory(tmp_path: Path, rows: str) -> None:
    path = workbook(tmp_path / "a.xlsx", {"a": rows})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable, match="more than can be read at once: save it as CSV"):
        opened(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10


def test_coloured_rows_without_anything_in_them_count_for_nothing(tmp_path: Path) -> None:
    content = '<row r="1"><c r="A1" t="inlineStr"><is><t>date</t></is></c><c r="B1" t="inlineStr"><is>'
    content += '<t>species</t></is></c></row><row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert opened(workbook(tmp_path / "a.xlsx", {"a": content})).columns == ("date", "species")


def test_what_unpacks_to_too_much_is_refused_without_unpacking_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.formats.packed_workbook._MOST_UNPACKED", 50 << 20)
    path = workbook(tmp_path / "a.xlsx", {"a": [HEADER, LYNX]})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/media/a.xml", "w") as file,
    ):
        for _ in range(60):
            file.write(bytes(1 << 20))
    with pytest.raises(Unreadable, match="unpacks to 60 MB"):
        opened(path)


def test_more_than_the_archive_says_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"a": [HEADER, LYNX]})
    with zipfile.ZipFile(path) as packed:
        size = packed.getinfo("xl/worksheets/s1.xml").file_size
    liar = path.read_bytes().replace(size.to_bytes(4, "little"), (size - 40).to_bytes(4, "little"))
    path.write_bytes(liar)
    with pytest.raises(Unreadable, match="damaged workbook"):
        opened(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("xl/workbook.bin", b"x", "binary workbook"),
        ("xl/a.xml", b"x", "list of its sheets"),
        ("xl/workbook.xml", b"<workbook", "that can be read"),
    ],
)
def test_a_workbook_that_is_none_is_refused(
    sqlite_writer: Engine, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("[Content_Types].xml", b"<Types/>")
        packed.writestr(name, content)
    outcome = read_one(sqlite_writer, path)
    assert (outcome.status, message in outcome.message) == ("failed", True), outcome.message


def test_an_old_office_file_that_is_no_workbook_is_refused(sqlite_writer: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(old_workbook.MAGIC + bytes(4_000))
    outcome = read_one(sqlite_writer, path)
    assert (outcome.status, "damaged workbook" in outcome.message) == ("failed", True), outcome.message


def test_a_workbook_of_eight_sheets_is_read_where_it_is_told(
    shared_data: Find, sqlite_writer: Engine
) -> None:
    path = shared_data(GEESE)
    outcome = read_one(sqlite_writer, path)
    assert outcome.status == "failed"
    assert "8 sheets and none of them with a column for a date and one for a species" in outcome.message
    assert "'Tbl3 Waarnemingen' of 2,158 x 5 cells with a date" in outcome.message
    header, *rows = xml_rows(path, 3)
    assert (next(iter(header.values())), len(rows)) == ("Datum", 2_157)
    given = {"species": "Branta leucopsis"}
    assert read_one(sqlite_writer, path, set=given, dry_run=True).tally.inserted == 2_157
    told = {
        "sheet": "Tbl3 Waarnemingen",
        "set": {"species": "Branta leucopsis"},
        "map": {"Locatie": "locality"},
    }
    outcome = read_one(sqlite_writer, path, **told)
    assert sums(outcome) == (2_157, 2_157, 0, 0, 0)
    start = date(1899, 12, 30).toordinal()
    days = Counter(int(date.fromordinal(start + int(row["A"])).strftime("%Y%m%d")) for row in rows)
    assert per(sqlite_writer, "day") == {("Branta leucopsis", day): n for day, n in days.items()}
    places = {" ".join(row["D"].split()) for row in rows if "D" in row}
    assert {row.locality for row in rows_of(sqlite_writer, Place.locality)} - {""} == places - {""}


def test_the_real_header_stands_below_the_titles_of_its_sections(
    shared_data: Find, sqlite_writer: Engine
) -> None:
    path = shared_data(MANTAS)
    titles, header, *rows = xml_rows(path, 2)
    assert (titles["A"], header["A"], len(rows)) == ("SAMPLE", "Sample_ID", 124)
    refused = read_one(sqlite_writer, path)
    assert (refused.status, "2 sheets and none of them" in refused.message) == ("failed", True)
    outcome = read_one(sqlite_writer, path, sheet="ALL DATA", set={"species": "Mobula alfredi"})
    assert sums(outcome) == (124, 124, 0, 0, 0)
    start = date(1899, 12, 30).toordinal()
    column = next(letter for letter, name in header.items() if name == "Date")
    days = Counter(int(date.fromordinal(start + int(row[column])).strftime("%Y%m%d")) for row in rows)
    assert per(sqlite_writer, "day") == {("Mobula alfredi", day): n for day, n in days.items()}


def test_a_paper_form_is_refused_as_what_it_is(shared_data: Find, sqlite_writer: Engine) -> None:
    outcome = read_one(sqlite_writer, shared_data(FORM))
    assert outcome.status == "failed"
    assert "looks like a form, and a table with one sighting a row is needed" in outcome.message


def test_an_old_workbook_says_from_when_it_counts(shared_data: Find, tmp_path: Path) -> None:
    content = shared_data(FORM).read_bytes()
    assert content.count(b"\x22\0\x02\0\0\0") == 1
    path = tmp_path / "a.xls"
    for said in (0, 1):
        path.write_bytes(content.replace(b"\x22\0\x02\0\0\0", b"\x22\0\x02\0" + bytes([said, 0])))
        assert old_workbook.counts_from_1904(of_file(path)) == bool(said)


def test_sectors_that_lead_in_a_circle_are_refused(shared_data: Find, tmp_path: Path) -> None:
    content = bytearray(shared_data(FORM).read_bytes())
    table = (int.from_bytes(content[0x4C:0x50], "little") + 1) * 512
    for sector in range(20):
        content[table + sector * 4 : table + sector * 4 + 4] = (0).to_bytes(4, "little")
    path = tmp_path / "a.xls"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match="damaged workbook"):
        opened(path)


def test_mutilated_bytes_never_raise_anything_unexpected(tmp_path: Path) -> None:
    chance = random.Random(5)
    whole = workbook(tmp_path / "whole.xlsx", {"a": [HEADER, LYNX, WOLF]}).read_bytes()
    path = tmp_path / "mutilated.xlsx"
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 4))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.randrange(4, len(content))] if chance.random() < 0.2 else content)
        with suppress(Unreadable):
            table = read_excel(of_file(path), Wanted())
            for chunk in table.chunks() if table else ():
                assert all(isinstance(cell, str) for row in chunk.rows for cell in row)
