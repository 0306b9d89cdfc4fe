"""Formats, found by their content; and files that are none, refused in one sentence with nothing kept."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Engine

import ingest.run
from db.models import Place, Reject, Run, Sighting
from ingest.formats import FORMATS
from ingest.meaning.parse import Parser
from ingest.sources.source import Source
from ingest.text.text import Chunk
from tests.files import image, per, read, read_one, rows_of, sums, table

META = """<?xml version="1.0" encoding="UTF-8"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/">
  <core encoding="{encoding}" fieldsTerminatedBy="{delimiter}" linesTerminatedBy="\\n"
        fieldsEnclosedBy='{quote}' ignoreHeaderLines="{skip}" rowType="http://rs.tdwg.org/dwc/terms/{kind}">
    <files><location>{file}</location></files>
    <id index="0"/>
    <field index="0" term="http://rs.tdwg.org/dwc/terms/occurrenceID"/>
    <field index="1" term="http://rs.tdwg.org/dwc/terms/eventDate"/>
    <field index="2" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
    <field default="NA" term="http://rs.tdwg.org/dwc/terms/countryCode"/>
  </core>
</archive>"""


def archive(path: Path, rows: str, **said: str) -> Path:
    given = {"encoding": "UTF-8", "delimiter": "\\t", "quote": "", "skip": "1", "kind": "Occurrence"}
    given |= {"file": "occurrence.txt", "meta": META} | said
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("meta.xml", given.pop("meta").format(**given))
        packed.writestr("occurrence.txt", rows)
        packed.writestr("__MACOSX/._occurrence.txt", b"\x00\x05\x16\x07")
    return path


def test_a_darwin_core_archive_is_read_as_its_meta_xml_says(writer: Engine, tmp_path: Path) -> None:
    rows = 'id\tday\tname\na\t2024-05-01\t"Lynx ""lynx"""\nb\t2024-05-02\tUrsus arctos\textra\nc\t2024\n'
    outcome = read_one(writer, archive(tmp_path / "a.zip", rows))
    assert (outcome.format, sums(outcome)) == ("dwca", (3, 1, 0, 0, 2))
    assert outcome.reasons == {"FIELD_COUNT": 1, "NAME_MISSING": 1}
    assert per(writer, "day") == {('Lynx "lynx"', 20240501): 1}
    assert [row.country_code for row in rows_of(writer, Place.country_code)] == ["NA"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kind": "Taxon"}, "core of Taxon"),
        ({"kind": "Event"}, "core of Event"),
        ({"file": "other.txt"}, "no file 'other.txt'"),
        ({"skip": "one"}, "cannot be understood"),
        ({"encoding": "klingon"}, "cannot be understood"),
        ({"delimiter": "<>"[:1] + "x"}, "cannot be read"),
        ({"delimiter": "ab"}, "cannot be understood"),
        ({"meta": "<archive"}, "cannot be read"),
        ({"meta": "<archive/>"}, "without a core"),
        ({"meta": '<!DOCTYPE a [<!ENTITY b "c">]><archive>&b;</archive>'}, "cannot be read"),
    ],
)
def test_an_archive_that_cannot_be_understood_is_refused(
    sqlite_writer: Engine, tmp_path: Path, said: dict[str, str], message: str
) -> None:
    outcome = read_one(sqlite_writer, archive(tmp_path / "a.zip", "id\tday\tname\na\t2024\tLynx\n", **said))
    assert (outcome.status, message in outcome.message) == ("failed", True), outcome.message


def test_the_only_table_of_a_zip_is_read(writer: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("folder/sightings.csv", "date,species\n2024-05-01,Lynx\n")
        packed.writestr("__MACOSX/folder/._sightings.csv", b"\x00\x05")
        packed.writestr("folder/LICENSE", "do as you like")
    assert sums(read_one(writer, path)) == (1, 1, 0, 0, 0)


def test_a_wide_table_becomes_a_row_per_filled_cell(writer: Engine, tmp_path: Path) -> None:
    rows = ["2010,Oslo,80,,?", "2011,Oslo,0,701,20", "2012,Oslo,90,NA,21", "2013,,,, ", "2014,,1,2,3"]
    rows += [f"{year},,1,2,3" for year in range(2015, 2020)]
    outcome = read_one(writer, table(tmp_path / "a.csv", "Year,Site,Bear,Deer,Wolf", *rows))
    assert (outcome.format, sums(outcome)) == ("wide", (25, 25, 0, 0, 0))
    assert outcome.tally.issues == {
        "INDIVIDUAL_COUNT_INVALID": 1,
        "OCCURRENCE_STATUS_INFERRED_FROM_INDIVIDUAL_COUNT": 1,
    }
    found = per(writer, "year", "individuals")
    assert {key: n for key, n in found.items() if key[1] < 2014} == {
        ("Bear", 2010): 80,
        ("Wolf", 2010): 1,
        ("Deer", 2011): 701,
        ("Wolf", 2011): 20,
        ("Bear", 2012): 90,
        ("Wolf", 2012): 21,
    }


def test_a_count_of_a_wide_table_that_has_grown_is_a_correction(writer: Engine, tmp_path: Path) -> None:
    read_one(writer, table(tmp_path / "a.csv", "Year,Bear,Wolf", "2020,80,20", "2021,90,25"))
    outcome = read_one(
        writer, table(tmp_path / "b.csv", "Year,Bear,Wolf", "2020,80,20", "2021,95,25", "2022,7,")
    )
    assert sums(outcome) == (5, 1, 1, 3, 0)
    assert per(writer, "year", "individuals", species=("bear",)) == {
        ("Bear", 2020): 80,
        ("Bear", 2021): 95,
        ("Bear", 2022): 7,
    }


def test_lines_of_a_wide_table_that_nothing_tells_apart_are_all_kept(writer: Engine, tmp_path: Path) -> None:
    outcome = read_one(writer, table(tmp_path / "a.csv", "Year,Bear,Wolf", "2020,80,20", "2020,80,21"))
    assert sums(outcome) == (4, 4, 0, 0, 0)


@pytest.mark.parametrize("animals", ["Bear", "Bear,Deer"])
def test_a_line_of_a_wide_table_with_too_many_fields_is_refused_whole(
    writer: Engine, tmp_path: Path, animals: str
) -> None:
    width = animals.count(",") + 1
    good, bad = "2010" + ",7" * width, "2011" + ",7" * width + ",9"
    outcome = read_one(
        writer, table(tmp_path / "a.csv", f"Year,{animals}", good, bad, good.replace("2010", "2012") + ",")
    )
    assert (outcome.format, sums(outcome)) == ("wide", (2 * width + 1, 2 * width, 0, 0, 1))
    assert [tuple(row) for row in rows_of(writer, Reject.line, Reject.reason, Reject.raw)] == [
        (3, "FIELD_COUNT", bad)
    ]
    assert {year for _, year in per(writer, "year")} == {2010, 2012}


@pytest.mark.parametrize("header", ["gbifID\teventDate\tspecies", "GBIFID\tEVENTDATE\tSPECIES"])
def test_gbif_is_known_by_its_identifier(sqlite_writer: Engine, tmp_path: Path, header: str) -> None:
    outcome = read_one(sqlite_writer, table(tmp_path / "a.csv", header, "1\t2024\tLynx lynx"))
    assert (outcome.format, outcome.feed) == ("gbif", "gbif")


def test_a_format_that_does_not_fit_is_told_what_it_expects(sqlite_writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "date,species", "2024,Lynx")
    for form in ("dwca", "gbif", "inaturalist", "wide"):
        outcome = read_one(sqlite_writer, path, format=form)
        what = next(one.what for one in FORMATS if one.name == form)
        assert outcome.message == f"{path} is not what the format {form!r} expects: {what}."
    assert read_one(sqlite_writer, path, format="table").status == "committed"


def test_countries_called_na_stay(writer: Engine, tmp_path: Path) -> None:
    codes = ["NA", "null", "None", "nan", "NO"]
    path = table(tmp_path / "a.csv", "date,species,countryCode", *(f"2024,Lynx,{code}" for code in codes))
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.tally.issues) == ((5, 5, 0, 0, 0), {})
    assert sorted(row.country_code for row in rows_of(writer, Place.country_code)) == sorted(codes)
    assert per(writer, "total", countries=("NA",)) == {("Lynx", 0): 1}


LATITUDES = "date,species,decimalLatitude,decimalLongitude"


@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_row_with_a_field_too_many_shifts_no_column(writer: Engine, tmp_path: Path, place: int) -> None:
    rows = [f"2024-05-0{number},Lynx,5{number},1{number}" for number in range(1, 7)]
    rows[place] = f"surplus,{rows[place]}"
    outcome = read_one(writer, table(tmp_path / "a.csv", LATITUDES, *rows))
    assert (sums(outcome), outcome.reasons) == ((6, 5, 0, 0, 1), {"FIELD_COUNT": 1})
    (reject,) = rows_of(writer, Reject.line, Reject.raw, Reject.detail)
    assert (reject.line, reject.raw) == (place + 2, rows[place])
    kept = rows_of(writer, Sighting.decimal_latitude, Sighting.decimal_longitude)
    assert [tuple(row) for row in kept] == [(50 + n, 10 + n) for n in range(1, 7) if n != place + 1]


def test_a_table_in_which_every_row_has_a_field_too_many_is_refused(writer: Engine, tmp_path: Path) -> None:
    outcome = read_one(writer, table(tmp_path / "a.csv", LATITUDES, *["surplus,2024,Lynx,50,10"] * 30))
    assert (outcome.status, outcome.reasons) == ("failed", {"FIELD_COUNT": 30})
    assert rows_of(writer, Sighting.key) == []


def test_rows_that_leave_out_empty_fields_at_their_end_are_whole(writer: Engine, tmp_path: Path) -> None:
    rows = ["2024,Lynx", "2024,Bear,50", "2024,Wolf,50,10", "2024,Wolf,51,10,", "2024,Wolf,52,10,,,"]
    assert sums(read_one(writer, table(tmp_path / "a.csv", LATITUDES, *rows))) == (5, 5, 0, 0, 0)


def test_control_characters_are_cleaned_alike_in_both_databases(writer: Engine, tmp_path: Path) -> None:
    rows = [
        "a\x00b,2024,Ly\x00nx \x1b[31m,NO",
        "c,2024,\x00,NO",
        f"{'d' * 9_000},2024,{'x' * 9_000},{'ü' * 9_000}",
    ]
    head = "occurrenceID,date,species,locality"
    outcome = read_one(writer, table(tmp_path / "a.csv", head, *rows, *["e,2024,Bear,Oslo"] * 40))
    assert outcome.reasons == {"NAME_MISSING": 1}
    assert sums(outcome) == (43, 3, 0, 39, 1)
    assert {name for name, _ in per(writer, "total")} == {"Lynx [31m", "x" * 200, "Bear"}
    assert sums(read_one(writer, tmp_path / "a.csv")) == (43, 0, 0, 42, 1)


def html(folder: Path) -> Path:
    return table(folder / "export.csv", "<html><body>", "<h1>502 Bad Gateway, sorry</h1>", "</body></html>")


def truncated(folder: Path) -> Path:
    path = archive(folder / "truncated.zip", "id\tday\tname\n" + "a\t2024\tLynx\n" * 50)
    path.write_bytes(path.read_bytes()[:-40])
    return path


def damaged(folder: Path) -> Path:
    path = folder / "damaged.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "a.csv", "date,species\n" + "".join(f"2024-05-01,{os.urandom(9).hex()}\n" for _ in range(99))
        )
    content = bytearray(path.read_bytes())
    content[300:340] = bytes(40)
    path.write_bytes(content)
    return path


def locked(folder: Path) -> Path:
    path = table(folder / "locked.zip")
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.csv", "date,species\n2024,Lynx\n")
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(content)
    return path


def bomb(folder: Path) -> Path:
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", b"0" * 20_000_000)
    return path


BAD = {
    "empty": (lambda folder: table(folder / "empty.csv"), "is empty"),
    "header alone": (lambda folder: table(folder / "head.csv", "date,species"), "has a header and no rows"),
    "web page": (html, "is a web page"),
    "truncated zip": (truncated, "is not a complete zip"),
    "damaged zip": (damaged, "cannot be read|breaks off|is not a table|Error"),
    "locked zip": (locked, "is locked with a password"),
    "bomb": (bomb, "more than is safe"),
    "two tables": (
        lambda folder: archive(folder / "two.zip", "a,b\n", meta="<x/>").rename(folder / "two.zip"),
        "without a core",
    ),
    "no date": (
        lambda folder: table(folder / "a.csv", "species,count", "Lynx,1"),
        "no column for a date.*--map",
    ),
    "no species": (
        lambda folder: table(folder / "a.csv", "date,count,id", "2024,1,1"),
        "no column for a species.*--map",
    ),
    "no good row": (
        lambda folder: table(folder / "a.csv", "date,species", "never,Lynx", "2024,"),
        "not one could be",
    ),
    "open quote": (
        lambda folder: table(folder / "a.csv", "date,species", '2024,"Lynx', "2024,Bear"),
        "never closed",
    ),
    "undecidable": (lambda folder: table(folder / "a.csv", "date,species", "1/2/2024,Lynx"), "--date-order"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_told_in_one_sentence_and_nothing_of_it_is_kept(
    writer: Engine, tmp_path: Path, case: str
) -> None:
    make, message = BAD[case]
    read_one(writer, table(tmp_path / "good.csv", "date,species", "2024-05-01,Lynx"))
    before = image(writer)
    (tmp_path / "bad").mkdir()
    path = make(tmp_path / "bad")
    outcome = read_one(writer, path)
    assert outcome.status == "failed"
    assert_one_sentence(outcome.message, path, message)
    after = image(writer)
    # The ledger's line refers to a feed, if it was clear by then which.
    assert after[:4] == before[:4]
    assert (after.rejects, after.names[1:]) == (before.rejects, before.names[1:])
    assert after.ledger[:-1] == before.ledger
    run, status, changed, count, *sorted_ = after.ledger[-1]
    assert (run, status, changed, count, sorted_) == (
        outcome.run,
        "failed",
        False,
        outcome.tally.read,
        [0, 0, 0],
    )


def assert_one_sentence(said: str, path: Path, expected: str) -> None:
    import re

    assert said.startswith(str(path)), said
    assert re.search(expected, said), said
    assert "\n" not in said
    assert said[-1] in ".:)" or "unexpected" in said, said


def test_a_bad_file_stops_no_other(writer: Engine, tmp_path: Path) -> None:
    good = [table(tmp_path / f"{n}.csv", "date,species", f"2024-05-0{n},Lynx") for n in (1, 3)]
    outcomes = read(writer, good[0], table(tmp_path / "2.csv"), good[1])
    assert [one.status for one in outcomes] == ["committed", "failed", "committed"]


def test_a_file_that_vanishes_before_it_is_opened_is_told_and_stops_no_other(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    files = [table(tmp_path / f"{n}.csv", "date,species", f"2024-05-0{n},Lynx") for n in (1, 2)]
    from ingest.outcome import Options
    from ingest.sources.source import find

    sources = find([str(file) for file in files])
    files[0].unlink()
    gone, there = ingest.run.ingest(sqlite_writer, sources, Options())
    assert (gone.status, gone.message) == ("failed", f"{files[0]} cannot be read: No such file or directory.")
    assert there.status == "committed"


def test_a_table_that_breaks_off_while_it_is_read_leaves_nothing(
    sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "a.csv", "date,species", *["2024,Lynx"] * 50_000)
    from ingest.text import text

    whole = text.chunks

    def broken(*given: object) -> object:
        for number, chunk in enumerate(whole(*given)):  # type: ignore[arg-type]
            if number == 1:
                raise OSError(5, "Input/output error")
            yield chunk

    read_one(sqlite_writer, table(tmp_path / "good.csv", "date,species", "2024-05-01,Bear"))
    before = image(sqlite_writer)
    monkeypatch.setattr(text, "chunks", broken)
    outcome = read_one(sqlite_writer, path)
    assert outcome.message == f"{path} cannot be read: Input/output error."
    assert image(sqlite_writer)[:4] == before[:4]


def test_an_error_that_nobody_expected_is_one_sentence_and_whole_in_the_log(
    writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = table(tmp_path / "b.csv", "date,species", "2024-05-01,Bear")
    path = table(tmp_path / "a.csv", "date,species", *["2024-05-01,Lynx"] * 25_000)
    parse, seen = Parser.parse, []

    def faulty(parser: Parser, chunk: Chunk) -> object:
        seen.append(chunk)
        if len(seen) == 2:
            raise ZeroDivisionError("the second chunk\nhas a secret")
        return parse(parser, chunk)

    monkeypatch.setattr(Parser, "parse", faulty)
    failed, fine = read(writer, path, other)
    assert (
        failed.message
        == f"{path} could not be ingested because of an unexpected ZeroDivisionError: the second chunk"
    )
    assert (failed.status, failed.tally.read, failed.tally.adds_up()) == ("failed", len(seen[0].rows), True)
    assert per(writer, "total") == {("Bear", 0): 1}
    assert fine.status == "committed"
    assert [tuple(row) for row in rows_of(writer, Run.id, Run.status)] == [
        (failed.run, "failed"),
        (fine.run, "committed"),
    ]
    assert "Traceback" in caplog.text
    assert "has a secret" in caplog.text


def test_a_name_that_is_no_text_is_ledgered_all_the_same(writer: Engine, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfcn.csv"))
    path.write_text("date,species\n2024,Lynx\n")
    outcome = read_one(writer, path)
    assert outcome.status == "committed"
    assert outcome.input == f"{tmp_path}/gr\ufffdn.csv"


def test_a_source_can_be_opened_again_and_again(tmp_path: Path) -> None:
    from ingest.sources.source import find, members

    (source,) = find([str(archive(tmp_path / "a.zip", "x\n"))])
    for one in (source, *members(source)):
        assert isinstance(one, Source)
        assert one.head(10) == one.head(10)


@pytest.mark.parametrize("name", ["coordinates", "Location", "lat/long"])
def test_latitude_and_longitude_in_one_column_are_divided(writer: Engine, tmp_path: Path, name: str) -> None:
    cells = ["59.91, 10.75", "(48.2, 16.37)", "", "Oslo", "51,5 0,1", "60.0, 11.0"]
    rows = [f"2024-05-0{number};Lynx;{cell};x" for number, cell in enumerate([*cells, *cells[-1:] * 9], 1)]
    outcome = read_one(
        writer, table(tmp_path / "a.csv", f"date;species;{name};remarks", *rows[:9], rows[0] + ";9")
    )
    assert sums(outcome) == (10, 9, 0, 0, 1)
    assert outcome.notes == (f"latitude and longitude were found in the column {name}",)
    assert outcome.tally.issues == {"COORDINATE_INVALID": 1}
    kept = rows_of(writer, Sighting.line, Sighting.decimal_latitude, Sighting.decimal_longitude)
    expected = [(59.91, 10.75), (48.2, 16.37), (None, None), (None, None), (51.5, 0.1), *[(60, 11)] * 4]
    assert [tuple(row)[1:] for row in kept] == expected


def test_a_column_of_places_is_no_column_of_coordinates(sqlite_writer: Engine, tmp_path: Path) -> None:
    outcome = read_one(sqlite_writer, table(tmp_path / "a.csv", "date;species;location", "2024;Lynx;Oslo, 2"))
    assert (outcome.terms["location"], outcome.notes) == ("locality", ())


def test_genus_and_species_in_two_columns_are_one_name(writer: Engine, tmp_path: Path) -> None:
    rows = ["2024,Lynx,lynx,1", "2024,Ursus,arctos,2", "2024,Canis,lupus familiaris,3", "2024,Canis,sp.,4"]
    read_one(writer, table(tmp_path / "a.csv", "year,genus,species,count", *rows, "2024,Meles,,5"))
    assert per(writer, "total", "individuals") == {
        ("Lynx lynx", 0): 1,
        ("Ursus arctos", 0): 2,
        ("Canis lupus familiaris", 0): 3,
        ("Canis sp.", 0): 4,
        ("Meles", 0): 5,
    }


@pytest.mark.parametrize("name", ["gbif", "inaturalist", "wide", "table"])
def test_the_sample_of_a_format_of_delimited_text_is_in_that_format(
    sqlite_writer: Engine, tmp_path: Path, name: str
) -> None:
    sample = next(one.about.sample for one in FORMATS if one.name == name)
    path = tmp_path / "sample.txt"
    path.write_text(sample, encoding="utf-8")
    outcome = read_one(sqlite_writer, path)
    assert (outcome.format, outcome.status, outcome.tally.rejected) == (name, "committed", 0), outcome.message
