"""Darwin Core Archives: all that a meta.xml may say, and events joined with their occurrences."""

from __future__ import annotations

import csv
import io
import re
import socket
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import Engine

from db.check import damage
from db.models import Place, Reject, Sighting
from tests.files import per, read, read_one, rows_of, shuffled, sums, table, version

TERMS = "http://rs.tdwg.org/dwc/terms/"
A05 = "A05-gbif-dwca/0000154-150116162929234.zip"
A06 = "A06-dwca-event-ices/dwca-ices_stomach_content_data-v1.0.zip"


def part(
    kind: str,
    location: str,
    fields: str,
    tag: str = "core",
    key: int | None = 0,
    said: str = "",
    row: str = TERMS,
) -> str:
    """A core or an extension; ``fields`` are terms in order, one with = is a default, with @ has a place."""
    attributes = {"fieldsTerminatedBy": "\\t", "ignoreHeaderLines": "1"}
    attributes |= dict(re.findall(r'(\w+)="([^"]*)"', said))
    written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    files = "".join(f"<location>{one}</location>" for one in location.split())
    identifier = "" if key is None else f'<{"id" if tag == "core" else "coreid"} index="{key}"/>'
    return (
        f'<{tag} {written} rowType="{row}{kind}"><files>{files}</files>{identifier}'
        + "".join(map(field, fields.split(), range(1, 99)))
        + f"</{tag}>"
    )


def field(text: str, number: int) -> str:
    term, default = [*text.split("="), ""][:2]
    name, _, place = term.partition("@")
    index = f' index="{place or number}"' if not default or place else ""
    value = f' default="{default}"' if default else ""
    return f'<field term="{TERMS}{name}"{index}{value}/>'


def meta(*parts: str) -> str:
    return f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(parts)}</archive>'


def packed(path: Path, files: dict[str, str | bytes], folder: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return path


def lines(*rows: str, by: str = "\t", end: str = "\n") -> str:
    return "".join(row.replace("|", by) + end for row in rows)


CORE = "eventDate scientificName"
ROWS = ("id|day|name", "a|2024-05-01|Lynx lynx", "b|2024-05-02|Ursus arctos")


def one(path: Path, rows: str | bytes = lines(*ROWS), fields: str = CORE, **said: str) -> Path:
    """An archive with one file of occurrences."""
    written = " ".join(f'{name}="{value}"' for name, value in said.items())
    return packed(path, {"meta.xml": meta(part("Occurrence", "o.txt", fields, said=written)), "o.txt": rows})


EVENTS = part(
    "Event", "event.txt", "parentEventID eventDate eventTime year decimalLatitude decimalLongitude locality"
)
SEEN = part("Occurrence", "occurrence.txt", "occurrenceID scientificName eventDate locality", "extension")


def events(path: Path, event_rows: tuple[str, ...], rows: tuple[str, ...], folder: str = "") -> Path:
    """An archive of events with their occurrences."""
    files: dict[str, str | bytes] = {
        "meta.xml": meta(EVENTS, SEEN),
        "event.txt": lines("id|parent|date|time|year|lat|lon|locality", *event_rows),
        "occurrence.txt": lines("coreid|occurrenceID|name|date|locality", *rows),
    }
    return packed(path, files, folder)


def seen(writer: Engine) -> dict[str, tuple[object, ...]]:
    """Identifier -> first and last day, time, coordinates."""
    columns = (Sighting.first_day, Sighting.last_day, Sighting.time_of_day)
    where = (Sighting.decimal_latitude, Sighting.decimal_longitude)
    return {row[0]: tuple(row[1:]) for row in rows_of(writer, Sighting.occurrence_id, *columns, *where)}


def localities(writer: Engine) -> set[str]:
    return {row.locality for row in rows_of(writer, Place.locality)}


def test_an_occurrence_takes_date_and_place_from_its_event(writer: Engine, tmp_path: Path) -> None:
    path = events(
        tmp_path / "a.zip",
        ("e1||2024-05-03T10:30:00||2024|50|4|Pond", "e2||2023|||51|5|Lake", "e3||2022-01-01|||52|6|Empty"),
        ("e1|o1|Rana temporaria||", "e1|o2|Lynx lynx||", "e2|o3|Lynx lynx||"),
    )
    outcome = read_one(writer, path)
    assert (outcome.format, sums(outcome)) == ("dwca", (3, 3, 0, 0, 0))
    half_past_ten = 10 * 3600 + 30 * 60
    assert seen(writer) == {
        "o1": (20240503, 20240503, half_past_ten, 50, 4),
        "o2": (20240503, 20240503, half_past_ten, 50, 4),
        "o3": (20230101, 20231231, None, 51, 5),
    }
    assert localities(writer) == {"Pond", "Lake"}  # an event without occurrences is no record


def test_what_an_occurrence_says_itself_goes_before_its_event(writer: Engine, tmp_path: Path) -> None:
    path = events(
        tmp_path / "a.zip",
        ("e1||2024-05-03|10:00|2024|50|4|Pond",),
        ("e1|o1|Lynx lynx|1999|Bank", "e1|o2|Lynx lynx||Bank", "e1|o3|Lynx lynx|2020-02-02|"),
    )
    outcome = read_one(writer, path)
    # The year of the event beside the date of the occurrence would be a mismatch.
    assert outcome.tally.issues == {}
    assert seen(writer) == {
        "o1": (19990101, 19991231, None, 50, 4),
        "o2": (20240503, 20240503, 36_000, 50, 4),
        "o3": (20200202, 20200202, None, 50, 4),
    }
    assert localities(writer) == {"Bank", "Pond"}


def test_what_an_event_lacks_comes_from_its_parents(writer: Engine, tmp_path: Path) -> None:
    path = events(
        tmp_path / "a.zip",
        (
            *("haul|cruise||||||", "cruise|year||||50|4|Sea", "year||1991|||60|9|"),
            *("loop|pool|||||| ", "pool|loop|1992||||| ", "lost|nowhere|1993|||||"),
        ),
        ("haul|o1|Gadus morhua||", "loop|o2|Gadus morhua||", "lost|o3|Gadus morhua||"),
    )
    assert sums(read_one(writer, path)) == (3, 3, 0, 0, 0)
    assert seen(writer) == {
        "o1": (19910101, 19911231, None, 50, 4),
        "o2": (19920101, 19921231, None, None, None),
        "o3": (19930101, 19931231, None, None, None),
    }


def test_an_occurrence_whose_event_is_missing_is_kept_without_a_date(writer: Engine, tmp_path: Path) -> None:
    path = events(
        tmp_path / "a.zip", ("e1||2024|||||",), ("e1|o1|Lynx lynx||", "e9|o2|Lynx lynx||", "|o3|Lynx lynx||")
    )
    assert sums(read_one(writer, path)) == (3, 3, 0, 0, 0)
    assert {key: days[0] for key, days in seen(writer).items()} == {"o1": 20240101, "o2": None, "o3": None}


def test_ragged_rows_of_both_files_are_whole_or_refused(writer: Engine, tmp_path: Path) -> None:
    path = events(
        tmp_path / "a.zip",
        ("e1||2024", "e2||2023|||50|4|Pond|too|many", "e3"),
        ("e1|o1|Lynx lynx", "e1|o2|Lynx lynx|||surplus", "e2|o3|Lynx lynx", "e3|o4|Lynx lynx"),
    )
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.reasons) == ((4, 3, 0, 0, 1), {"FIELD_COUNT": 1})
    assert {key: days[0] for key, days in seen(writer).items()} == {"o1": 20240101, "o3": None, "o4": None}


def test_an_event_archive_again_renamed_and_shuffled_adds_nothing(writer: Engine, tmp_path: Path) -> None:
    some = [(f"e{n}||2024-05-{n:02}|||{n}|4|Pond", f"e{n}|o{n}|Lynx lynx||") for n in range(1, 20)]
    read_one(writer, events(tmp_path / "a.zip", tuple(e for e, _ in some), tuple(o for _, o in some)))
    before = version(writer)
    other = events(
        tmp_path / "b.zip",
        tuple(e for e, _ in reversed(some)),
        tuple(o for _, o in reversed(some)),
        "deep/er/",
    )
    assert sums(read_one(writer, other)) == (19, 0, 0, 19, 0)
    assert version(writer) == before


def test_an_unpacked_archive_is_one_input_and_the_same_records(writer: Engine, tmp_path: Path) -> None:
    path = events(tmp_path / "a.zip", ("e1||2024|||||",), ("e1|o1|Lynx lynx||",))
    table(tmp_path / "folder" / "notes" / "other.csv", "date,species", "2024-01-01,Bear")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "folder" / "unpacked")
    assert sums(read_one(writer, path)) == (1, 1, 0, 0, 0)
    other, unpacked = read(writer, tmp_path / "folder")
    assert (other.format, sums(other)) == ("table", (1, 1, 0, 0, 0))
    assert (unpacked.format, unpacked.status, sums(unpacked)) == ("dwca", "unchanged", (1, 0, 0, 1, 0))
    assert unpacked.input == str(tmp_path / "folder" / "unpacked")
    assert unpacked.notes == ()
    table(tmp_path / "folder" / "unpacked" / "mine.csv", "date,species", "2024-01-01,Wolf")
    (alone,) = read(writer, tmp_path / "folder" / "unpacked")
    assert alone.notes == ("not read, because it is no part of this: mine.csv",)


def test_the_occurrences_of_a_taxon_core_have_its_names(writer: Engine, tmp_path: Path) -> None:
    taxa = part("Taxon", "taxon.txt", "scientificName vernacularName family genus")
    files: dict[str, str | bytes] = {
        "meta.xml": meta(taxa, SEEN),
        "taxon.txt": lines("id|name|common|family|genus", "t1|Lynx lynx|lynx|Felidae|Lynx"),
        "occurrence.txt": lines(
            "coreid|occurrenceID|name|date|locality",
            "t1|o1||2024|",
            "t1|o2|Ursus arctos|2024|",
            "t9|o3||2024|",
        ),
    }
    outcome = read_one(writer, packed(tmp_path / "a.zip", files))
    assert (sums(outcome), outcome.reasons) == ((3, 2, 0, 0, 1), {"NAME_MISSING": 1})
    assert per(writer, "year") == {("Lynx lynx", 2024): 1, ("Ursus arctos", 2024): 1}


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|", "~"])
def test_any_character_may_end_a_field(writer: Engine, tmp_path: Path, delimiter: str) -> None:
    said = {"\t": "\\t"}.get(delimiter, delimiter)
    path = one(tmp_path / "a.zip", lines(*ROWS, by=delimiter), fieldsTerminatedBy=said)
    assert sums(read_one(writer, path)) == (2, 2, 0, 0, 0)
    assert per(writer, "day") == {("Lynx lynx", 20240501): 1, ("Ursus arctos", 20240502): 1}


@pytest.mark.parametrize("said", ["&#9;", "\t"])
def test_a_tab_may_be_written_as_it_is(sqlite_writer: Engine, tmp_path: Path, said: str) -> None:
    assert sums(read_one(sqlite_writer, one(tmp_path / "a.zip", fieldsTerminatedBy=said))) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "$", ";"])
def test_lines_end_as_meta_xml_says(sqlite_writer: Engine, tmp_path: Path, end: str) -> None:
    said = end.encode("unicode_escape").decode()
    row = "c|2024-05-03|Canis\nlupus" if end in "$;" else "c|2024-05-03|Canis lupus"
    outcome = read_one(
        sqlite_writer, one(tmp_path / "a.zip", lines(*ROWS, row, end=end), linesTerminatedBy=said)
    )
    assert sums(outcome) == (3, 3, 0, 0, 0)
    assert ("Canis lupus", 20240503) in per(sqlite_writer, "day")


@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_as_many_lines_of_header_are_ignored_as_meta_xml_says(
    sqlite_writer: Engine, tmp_path: Path, skip: int
) -> None:
    head = ("made by hand|in May", "second|line", ROWS[0])[3 - skip :] if skip else ()
    outcome = read_one(
        sqlite_writer, one(tmp_path / "a.zip", lines(*head, *ROWS[1:]), ignoreHeaderLines=str(skip))
    )
    assert sums(outcome) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "windows-1252", "UTF-16", "latin1"])
def test_the_encoding_is_the_one_that_is_named(sqlite_writer: Engine, tmp_path: Path, encoding: str) -> None:
    rows = lines(*ROWS, "c|2024-05-03|Ciconia|Förde").encode(encoding)
    path = one(tmp_path / "a.zip", rows, f"{CORE} locality", encoding=encoding)
    assert read_one(sqlite_writer, path).tally.inserted == 3
    assert "Förde" in localities(sqlite_writer)


def test_a_file_that_is_not_in_utf_8_as_said_is_guessed_and_told(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    rows = lines("id|day|name|place", *(f"{n}|2024-05-03|Ciconia ciconia|Förde der Bäche" for n in range(20)))
    outcome = read_one(sqlite_writer, one(tmp_path / "a.zip", rows.encode("cp1252"), f"{CORE} locality"))
    assert "was guessed: the file is not in UTF-8" in outcome.notes[0]
    assert localities(sqlite_writer) == {"Förde der Bäche"}


def test_a_byte_order_mark_is_no_part_of_the_first_field(sqlite_writer: Engine, tmp_path: Path) -> None:
    rows = lines(*ROWS[1:]).encode("utf-8-sig")
    fields = "eventDate scientificName occurrenceID@0"
    read_one(sqlite_writer, one(tmp_path / "a.zip", rows, fields, ignoreHeaderLines="0"))
    assert set(seen(sqlite_writer)) == {"a", "b"}


@pytest.mark.parametrize(
    ("said", "day"),
    [("DD/MM/YYYY", 20240403), ("MM/DD/YYYY", 20240304), ("DD.MM.YY", 20240403), ("M-D-YYYY", 20240304)],
)
def test_dates_are_in_the_order_that_is_named(
    sqlite_writer: Engine, tmp_path: Path, said: str, day: int
) -> None:
    path = one(tmp_path / "a.zip", lines("id|day|name", "a|3/4/2024|Lynx lynx"), dateFormat=said)
    read_one(sqlite_writer, path)
    assert per(sqlite_writer, "day") == {("Lynx lynx", day): 1}


@pytest.mark.parametrize("said", ["YYYY-MM-DD", ""])
def test_an_order_that_is_not_named_needs_evidence(sqlite_writer: Engine, tmp_path: Path, said: str) -> None:
    path = one(tmp_path / "a.zip", lines("id|day|name", "a|3/4/2024|Lynx lynx"), dateFormat=said)
    assert "--date-order" in read_one(sqlite_writer, path).message
    assert read_one(sqlite_writer, path, date_order="DMY").tally.inserted == 1


def test_defaults_fill_empty_cells_and_columns_that_the_file_lacks(writer: Engine, tmp_path: Path) -> None:
    rows = lines("id|day|name|where", "a|2024|Lynx lynx|Bank", "b||Lynx lynx|", "c|2022||")
    fields = "eventDate@1=2021 scientificName@2=Ursus locality@3=Pond countryCode=NA sex=female"
    assert sums(read_one(writer, one(tmp_path / "a.zip", rows, fields))) == (3, 3, 0, 0, 0)
    assert per(writer, "year") == {("Lynx lynx", 2024): 1, ("Lynx lynx", 2021): 1, ("Ursus", 2022): 1}
    assert localities(writer) == {"Bank", "Pond"}
    assert {row.country_code for row in rows_of(writer, Place.country_code)} == {"NA"}


def test_one_column_may_be_two_terms_and_two_columns_one(writer: Engine, tmp_path: Path) -> None:
    rows = lines("id|day|name|alias", "a|2024|Lynx lynx|Felis lynx")
    fields = "eventDate@1 scientificName@2 scientificName@3 occurrenceID@0 catalogNumber@0"
    outcome = read_one(writer, one(tmp_path / "a.zip", rows, fields))
    assert per(writer, "year") == {("Lynx lynx", 2024): 1}
    assert set(seen(writer)) == {"a"}
    assert {"catalogNumber", "scientificName (2)"} <= set(outcome.extra)


def test_columns_that_meta_xml_does_not_speak_of_are_kept(writer: Engine, tmp_path: Path) -> None:
    rows = lines(
        "id|day|name|x|y", "a|2024|Lynx lynx|left|right", "b|2024|Lynx lynx", "c|2024|Lynx lynx|||surplus"
    )
    outcome = read_one(writer, one(tmp_path / "a.zip", rows))
    assert (sums(outcome), outcome.extra) == ((3, 2, 0, 0, 1), ("column 4", "column 5"))
    assert "right" in "".join(row.verbatim for row in rows_of(writer, Sighting.verbatim))


def test_several_files_may_be_one_core(writer: Engine, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "meta.xml": meta(part("Occurrence", "a.txt data/b.txt", CORE)),
        "a.txt": lines(*ROWS),
        "data/b.txt": lines("id|day|name", "c|2024-05-03|Canis lupus", "d|never|Canis lupus"),
    }
    outcome = read_one(writer, packed(tmp_path / "a.zip", files, "folder/"))
    assert (sums(outcome), outcome.reasons) == ((4, 3, 0, 0, 1), {"RECORDED_DATE_INVALID": 1})
    assert [row.line for row in rows_of(writer, Reject.line)] == [3]  # of its own file


def test_an_archive_of_old_calls_its_rows_records(writer: Engine, tmp_path: Path) -> None:
    for number, (kind, row) in enumerate(
        [("SimpleDarwinRecord", "http://rs.tdwg.org/dwc/xsd/simpledarwincore/"), ("DarwinRecord", TERMS)]
    ):
        core = part(kind, "o.txt", CORE, row=row)
        path = packed(tmp_path / f"{number}.zip", {"meta.xml": meta(core), "o.txt": lines(*ROWS)})
        assert read_one(writer, path).tally.read == 2


def test_what_lies_elsewhere_is_never_fetched(
    sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        pytest.fail("somebody wants to go out")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    core = part("Occurrence", "o.txt", CORE)
    text = meta(core).replace("<archive", '<archive metadata="http://example.org/eml.xml"')
    path = packed(tmp_path / "a.zip", {"meta.xml": text, "o.txt": lines(*ROWS)})
    assert read_one(sqlite_writer, path).tally.inserted == 2
    elsewhere = part("Occurrence", "http://example.org/o.txt", CORE)
    outcome = read_one(sqlite_writer, packed(tmp_path / "b.zip", {"meta.xml": meta(elsewhere)}))
    assert "is not fetched" in outcome.message


GOOD = part("Occurrence", "o.txt", CORE)
INCLUDE = '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'
BROKEN = {
    "DTD": (f'<!DOCTYPE archive SYSTEM "http://example.org/a.dtd">{meta(GOOD)}', "cannot be read"),
    "entity": (f'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>{meta(GOOD)}', "cannot be read"),
    "include": (meta(GOOD, INCLUDE), "includes other files"),
    "no core": (meta(SEEN), "without a core"),
    "no location": (meta(part("Occurrence", "", CORE)), "names no file of its Occurrence rows"),
    "missing file": (meta(part("Occurrence", "other.txt", CORE)), "has no file 'other.txt'"),
    "file outside": (meta(part("Occurrence", "../o.txt", CORE)), "has no file '../o.txt'"),
    "column beyond": (
        meta(part("Occurrence", "o.txt", f"{CORE} sex@9")),
        "names column 10 of o.txt, which has only 3",
    ),
    "negative column": (meta(part("Occurrence", "o.txt", f"{CORE} sex@-1")), "a column with the index -1"),
    "no column": (meta(part("Occurrence", "o.txt", f"{CORE} sex@two")), "cannot be understood"),
    "day in the middle": (
        meta(part("Occurrence", "o.txt", CORE, said='dateFormat="YYYY-DD-MM"')),
        "dates written as YYYY-DD-MM",
    ),
    "line end": (
        meta(part("Occurrence", "o.txt", CORE, said='linesTerminatedBy="END"')),
        "lines that end with 'END'",
    ),
    "no occurrences": (meta(part("Event", "o.txt", CORE)), "core of Event and no occurrences"),
    "no key": (
        meta(part("Event", "o.txt", CORE, key=None), part("Occurrence", "o.txt", CORE, "extension")),
        "which column of its Event rows joins",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_meta_xml_that_cannot_be_followed_is_told_in_one_sentence(
    sqlite_writer: Engine, tmp_path: Path, case: str
) -> None:
    text, message = BROKEN[case]
    path = packed(tmp_path / "a.zip", {"meta.xml": text, "o.txt": lines(*ROWS)})
    outcome = read_one(sqlite_writer, path)
    assert outcome.status == "failed"
    assert outcome.message.startswith(str(path))
    assert message in outcome.message
    assert "\n" not in outcome.message


def test_without_a_meta_xml_the_only_table_of_a_zip_is_read(sqlite_writer: Engine, tmp_path: Path) -> None:
    rows = lines("occurrenceID|eventDate|scientificName", "a|2024|Lynx lynx")
    outcome = read_one(
        sqlite_writer, packed(tmp_path / "a.zip", {"data/occurrence.txt": rows, "eml.xml": "<eml/>"})
    )
    assert (outcome.format, sums(outcome)) == ("table", (1, 1, 0, 0, 0))


def real(path: Path, member: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        text = io.TextIOWrapper(archive.open(member), "utf-8", newline="")
        return list(csv.DictReader(text, delimiter="\t"))


def test_a_download_of_gbif_is_read_from_its_interpreted_occurrences_alone(
    shared_data: Callable[[str], Path], sqlite_writer: Engine
) -> None:
    path = shared_data(A05)
    outcome = read_one(sqlite_writer, path)
    assert (outcome.feed, outcome.tally.read) == ("gbif", 443)
    assert len(real(path, "verbatim.txt")) == len(real(path, "occurrence.txt")) == 443


def test_real_hauls_and_stomachs_have_the_dates_and_places_of_their_events(
    shared_data: Callable[[str], Path], sqlite_writer: Engine, tmp_path: Path
) -> None:
    path = shared_data(A06)
    event_of = {row["eventID"]: row for row in real(path, "event.txt")}
    rows = real(path, "occurrence.txt")
    assert (len(event_of), len(rows)) == (44_517, 84_778)
    outcome = read_one(sqlite_writer, path)
    assert (outcome.format, outcome.status, sums(outcome)) == ("dwca", "committed", (84_778, 84_778, 0, 0, 0))

    days = Counter(event_of[row["id"]]["eventDate"][:10].replace("-", "") for row in rows)
    found = Counter[str]()
    for (_, day), n in per(sqlite_writer, "day").items():
        found[str(day)] += int(n)
    assert found == days
    names = Counter((row["scientificName"], int(event_of[row["id"]]["year"])) for row in rows)
    assert per(sqlite_writer, "year") == names
    where = {key: of[3:] for key, of in seen(sqlite_writer).items()}
    for row in rows[::97]:
        of = event_of[row["id"]]
        assert where[row["occurrenceID"]] == (float(of["decimalLatitude"]), float(of["decimalLongitude"]))

    before = version(sqlite_writer)
    again = shuffled(path, tmp_path / "other", "\t", 1, "occurrence.txt")
    assert sums(read_one(sqlite_writer, again)) == (84_778, 0, 0, 84_778, 0)
    assert version(sqlite_writer) == before
    with sqlite_writer.begin() as connection:
        assert damage(connection) == []
