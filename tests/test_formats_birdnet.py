"""BirdNET: the stations' databases and exports, the Analyzer's tables, and what is no animal in them."""

from __future__ import annotations

import csv
import math
import os
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from db.models import Place, Sighting
from ingest.formats import About, birdnet, birdnet_analyzer, recordings
from tests.files import per, read_one, rows_of, sums, table, version

Find = Callable[[str], Path]
SCHEMA = """CREATE TABLE detections (Date DATE, Time TIME, Sci_Name VARCHAR(100) NOT NULL,
    Com_Name VARCHAR(100) NOT NULL, Confidence FLOAT, Lat FLOAT, Lon FLOAT, Cutoff FLOAT, Week INT,
    Sens FLOAT, Overlap FLOAT, File_Name VARCHAR(100) NOT NULL)"""
INDEX = 'CREATE INDEX "detections_Date_Time" ON "detections" ("Date" DESC, "Time" DESC)'
INSERT = "INSERT INTO detections VALUES (?, ?, ?, ?, ?, 59.9, 10.7, 0.7, 17, 1.25, 0.0, ?)"
BLACKBIRD = ("2024-05-01", "05:12:33", "Turdus merula", "Eurasian Blackbird", 0.9134)
TIT = ("2024-05-01", "05:14:02", "Parus major", "Great Tit", 0.7612)


def station(path: Path, *detections: tuple[object, ...], mode: str = "delete") -> Path:
    """birds.db as BirdNET-Pi makes it, at rest."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
        database.execute(SCHEMA)
        database.execute(INDEX)
        database.commit()
    return heard(path, *detections)


def heard(path: Path, *detections: tuple[object, ...]) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.executemany(INSERT, detections)
        database.commit()
    return path


def trace(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in folder.iterdir()}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_station_at_rest_is_read_and_left_as_it_was(writer: Engine, tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "BirdNET-Pi? 50%"
    folder.mkdir()
    path = station(folder / "birds.db", (*BLACKBIRD, "b.mp3"), (*TIT, "t.mp3"), mode=mode)
    before = trace(folder)
    outcome = read_one(writer, path)
    assert trace(folder) == before
    assert (outcome.format, sums(outcome)) == ("birdnet-pi", (2, 2, 0, 0, 0))
    found = rows_of(writer, Sighting.occurrence_id, Sighting.time_of_day, Sighting.decimal_latitude)
    assert [tuple(row) for row in found] == [("b.mp3", 18_753, 59.9), ("t.mp3", 18_842, 59.9)]
    assert {row.basis_of_record for row in rows_of(writer, Sighting.basis_of_record)} == {
        "MACHINE_OBSERVATION"
    }
    assert per(writer, "day") == {("Turdus merula", 20240501): 1, ("Parus major", 20240501): 1}


def test_what_is_heard_later_is_added_and_nothing_twice(writer: Engine, tmp_path: Path) -> None:
    path = station(tmp_path / "birds.db", (*BLACKBIRD, "b.mp3"))
    read_one(writer, path)
    # A clip that is there already is not written again, but its detection is; then the language changes.
    heard(path, (*BLACKBIRD, "b.mp3"), ("2024-05-02", "04:00:00", "Turdus merula", "Amsel", 0.8, "a.mp3"))
    assert sums(read_one(writer, path)) == (3, 2, 0, 1, 0)
    kept = [row.occurrence_id for row in rows_of(writer, Sighting.occurrence_id)]
    assert kept == ["a.mp3", "b.mp3", "b.mp3 (2)"]
    assert per(writer, "total") == {("Turdus merula", 0): 3}
    before = version(writer)
    assert sums(read_one(writer, path)) == (3, 0, 0, 3, 0)
    assert version(writer) == before


STATION = """
import sqlite3, sys, time
path, mode = sys.argv[1:]
database = sqlite3.connect(path, timeout=5)
database.execute(f"PRAGMA journal_mode = {mode}")
number, slowest = 0, 0.0
print("ready", flush=True)
while number < 100_000:
    time.sleep(0.005)
    begun = time.monotonic()
    pair = [(f"2024-05-{1 + number % 28:02}", f"{number}-{half}.mp3") for half in "ab"]
    insert = "INSERT INTO detections VALUES (?, '05:00:00', 'Parus major', 'Tit', 0.9, 1, 1, 0, 1, 1, 0, ?)"
    database.executemany(insert, pair)
    database.commit()
    slowest = max(slowest, time.monotonic() - begun)
    number += 1
    print(number, slowest, flush=True)
"""


@contextmanager
def listening(path: Path, mode: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes a pair of detections in each transaction, on and on."""
    out = (path.parent / "written.txt").open("w")
    process = subprocess.Popen([sys.executable, "-c", STATION, str(path), mode], stdout=out)
    try:
        while "\n1 " not in (path.parent / "written.txt").read_text():
            assert process.poll() is None
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()
        out.close()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_station_is_read_while_it_writes_and_goes_on_writing(
    sqlite_writer: Engine, tmp_path: Path, mode: str
) -> None:
    path = station(tmp_path / "birds.db")
    heard(path, *((*TIT, f"old-{number}.mp3") for number in range(2_000)))
    reads = []
    with listening(path, mode) as process:
        for _ in range(3):
            outcome = read_one(sqlite_writer, path)
            assert outcome.status == "committed", outcome.message
            reads.append(outcome.tally.read)
        assert process.poll() is None
    # Never half of a transaction, and each time what has come in between.
    assert [read % 2 for read in reads] == [0, 0, 0]
    assert reads == sorted(set(reads))
    slowest = float((tmp_path / "written.txt").read_text().split("\n")[-2].split()[1])
    assert slowest < 5, "the station would have given up"
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert sums(read_one(sqlite_writer, path))[3] == reads[-1]


def test_detections_that_are_only_in_the_log_are_read_too(sqlite_writer: Engine, tmp_path: Path) -> None:
    path = station(tmp_path / "birds.db", (*BLACKBIRD, "b.mp3"), mode="wal")
    with closing(sqlite3.connect(path)) as database:
        before = path.read_bytes()
        database.execute(INSERT, (*TIT, "t.mp3"))
        database.commit()
        assert path.read_bytes() == before
        assert sums(read_one(sqlite_writer, path)) == (2, 2, 0, 0, 0)


def test_a_station_that_stays_locked_is_told_in_one_sentence(
    sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = station(tmp_path / "birds.db", (*BLACKBIRD, "b.mp3"))
    monkeypatch.setattr("ingest.formats.sqlite._WAIT_SECONDS", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        outcome = read_one(sqlite_writer, path)
    assert outcome.message == f"{path} is an SQLite file that cannot be read: database is locked."


def test_a_station_that_died_in_a_write_is_told_so(sqlite_writer: Engine, tmp_path: Path) -> None:
    path = station(tmp_path / "birds.db", *((*TIT, f"{number}.mp3") for number in range(500)))
    (tmp_path / "left").mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 2")
        database.execute("BEGIN")
        database.execute("UPDATE detections SET Com_Name = 'Kohlmeise'")
        for name in ("birds.db", "birds.db-journal"):
            (tmp_path / "left" / name).write_bytes((tmp_path / name).read_bytes())
    outcome = read_one(sqlite_writer, tmp_path / "left" / "birds.db")
    assert outcome.message == (
        f"{tmp_path / 'left' / 'birds.db'} was left in the middle of a write:"
        " let the program that it belongs to open it once."
    )


def test_a_database_that_nobody_knows_is_refused_with_its_tables(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        database.execute("CREATE TABLE albums (id)")
    outcome = read_one(sqlite_writer, path)
    assert outcome.message == (
        f"{path} is an SQLite file of no program that is known here; its tables are albums, photos."
    )
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\x00" + os.urandom(5_000))
    assert f"{damaged} is an SQLite file that cannot be read: " in read_one(sqlite_writer, damaged).message


def test_a_station_in_a_zip_is_unpacked(sqlite_writer: Engine, tmp_path: Path) -> None:
    from ingest.formats import open_table
    from ingest.sources.source import find, members

    station(tmp_path / "birds.db", (*BLACKBIRD, "b.mp3"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.write(tmp_path / "birds.db", "birds.db")
    (member,) = members(*find([str(tmp_path / "a.zip")]))
    known, opened = open_table(member)
    assert known.name == "birdnet-pi"
    assert [len(chunk.rows) for chunk in opened.chunks()] == [1]


PI_TEXT = "Date;Time;Sci_Name;Com_Name;Confidence;Lat;Lon;Cutoff;Week;Sens;Overlap"


def test_what_is_no_animal_or_unsure_is_skipped_with_its_reason(writer: Engine, tmp_path: Path) -> None:
    names = ["Human vocal", "Human non-vocal", "Human whistle", "Engine", "Siren", "Noise", "Dog", "nocall"]
    names += ["Gun_Gun"]
    rows = [f"2024-05-01;05:00:0{n};{name};{name};0.99;-1;-1;0.7;17;1.25;0.0" for n, name in enumerate(names)]
    rows += [
        f"2024-05-01;06:00:00;Parus major;Great Tit;{sure};-1;-1;0.7;17;1.25;0.0"
        for sure in ("0.4999", "0.5", "1.0", "0.2")
    ]
    outcome = read_one(writer, table(tmp_path / "BirdDB.txt", PI_TEXT, *rows), min_confidence=0.5)
    assert (outcome.format, sums(outcome)) == ("birdnet-pi", (13, 3, 0, 0, 0))
    assert outcome.tally.skips == {"HUMAN": 3, "NO_ANIMAL": 5, "LOW_CONFIDENCE": 2}
    assert per(writer, "total") == {("Dog", 0): 1, ("Parus major", 0): 2}
    assert {row.decimal_latitude for row in rows_of(writer, Sighting.decimal_latitude)} == {None}
    assert not outcome.tally.issues


GO = "id,date,time,source,beginTime,endTime,speciesCode,scientificName,commonName,confidence,verified"


def test_the_export_of_birdnet_go_is_read_by_its_scientific_names(writer: Engine, tmp_path: Path) -> None:
    rows = [
        "1,2024-05-01,00:00:00,garden,a,b,eurbla,Turdus merula,Eurasian Blackbird,0.91,correct",
        "2,2024-05-01,05:14:02,garden,a,b,gretit1,Parus major,Great Tit,0.76,",
        "3,2024-05-01,05:14:02,garden,a,b,gretit1,Parus major,Great Tit,0.76,false_positive",
    ]
    outcome = read_one(writer, table(tmp_path / "go.csv", GO, *rows))
    assert (outcome.format, sums(outcome)) == ("birdnet-go", (3, 2, 0, 0, 0))
    assert outcome.tally.skips == {"FALSE_POSITIVE": 1}
    assert per(writer, "total") == {("Turdus merula", 0): 1, ("Parus major", 0): 1}
    assert [row.time_of_day for row in rows_of(writer, Sighting.time_of_day)] == [0, 18_842]
    other = table(tmp_path / "pond.csv", GO, "1,2024-06-01,05:00:00,pond,a,b,e,Turdus merula,Amsel,0.9,")
    assert sums(read_one(writer, other)) == (1, 1, 0, 0, 0)


def test_the_database_of_birdnet_go_is_read_with_its_reviews(sqlite_writer: Engine, tmp_path: Path) -> None:
    path = tmp_path / "birdnet.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, source_node TEXT, date TEXT, time TEXT, species_code"
            " TEXT, scientific_name TEXT, common_name TEXT, confidence REAL, latitude REAL, longitude REAL)"
        )
        database.execute("CREATE TABLE note_reviews (id INTEGER, note_id INTEGER, verified TEXT)")
        note = (
            "INSERT INTO notes VALUES (?, 'a', '2024-05-01', '05:00', 'x', 'Parus major', 'Tit', 0.9, 1, 2)"
        )
        database.executemany(note, [(1,), (2,), (3,)])
        database.execute("INSERT INTO note_reviews VALUES (1, 2, 'false_positive')")
        database.commit()
    outcome = read_one(sqlite_writer, path)
    assert (outcome.format, sums(outcome), outcome.tally.skips) == (
        "birdnet-go",
        (3, 2, 0, 0, 0),
        {"FALSE_POSITIVE": 1},
    )


A11 = "A11-birdnet/"


def test_each_of_74_674_detections_is_on_the_day_and_second_of_its_recording(
    shared_data: Find, sqlite_writer: Engine
) -> None:
    path = shared_data(A11 + "example_jprf_2023.converted.csv")
    outcome = read_one(sqlite_writer, path)
    assert (outcome.format, sums(outcome)) == ("birdnet-analyzer", (74_674, 74_674, 0, 0, 0))
    assert not outcome.tally.issues  # -1 is no place in the sea
    frame = pd.read_csv(path)
    began = pd.to_datetime(frame["filepath"].str[-19:-4], format="%Y%m%d_%H%M%S")
    moment = began + pd.to_timedelta(frame["start"], unit="s")
    expected = Counter(zip(moment.dt.strftime("%Y%m%d").astype(int), moment.dt.strftime("%X"), strict=True))
    found = Counter(
        (row.first_day, str(timedelta(seconds=row.time_of_day)).zfill(8))
        for row in rows_of(sqlite_writer, Sighting.first_day, Sighting.time_of_day)
    )
    assert found == expected
    assert {row.decimal_latitude for row in rows_of(sqlite_writer, Sighting.decimal_latitude)} == {None}
    unsure = read_one(sqlite_writer, path, min_confidence=0.8, dry_run=True)
    assert unsure.tally.skips == {"LOW_CONFIDENCE": int((frame["confidence"] < 0.8).sum())}


def test_the_site_stands_before_the_date(shared_data: Find, writer: Engine, tmp_path: Path) -> None:
    path = shared_data(A11 + "test_example_1.csv")
    outcome = read_one(writer, path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sums(outcome) == (73, len(rows), 0, 0, 0)
    assert [row.location_id for row in rows_of(writer, Place.location_id)] == ["14_01"]
    began = datetime(2021, 2, 13, 21)
    expected = Counter(began + timedelta(seconds=math.floor(float(row["Start (s)"]))) for row in rows)
    found = Counter(
        datetime.strptime(str(row.first_day), "%Y%m%d") + timedelta(seconds=row.time_of_day)
        for row in rows_of(writer, Sighting.first_day, Sighting.time_of_day)
    )
    assert found == expected
    # The same recording, analysed again with another threshold: what is known already comes again.
    again = table(tmp_path / "again.csv", *path.read_text().splitlines()[:41])
    assert sums(read_one(writer, again)) == (40, 0, 0, 40, 0)


@pytest.mark.parametrize(
    ("name", "start", "names"),
    [
        ("SiteA_20240101_120000.BirdNET.results.csv", 43_201, {"Turdus migratorius", "Melospiza melodia"}),
        ("SiteA_20240101_120000.BirdNET.selection.table.txt", 43_201, {"American Robin", "Song Sparrow"}),
        ("example_birdnet_gui_datetime.csv", 0, {"Turdus migratorius", "Melospiza melodia"}),
    ],
)
def test_a_date_is_found_in_the_name_of_the_results_or_in_the_start(
    shared_data: Find, writer: Engine, name: str, start: int, names: set[str]
) -> None:
    assert sums(read_one(writer, shared_data(A11 + name))) == (2, 2, 0, 0, 0)
    assert set(per(writer, "day")) == {(species, 20240101) for species in names}
    assert min(row.time_of_day for row in rows_of(writer, Sighting.time_of_day)) == start
    site = "SiteA" if name.startswith("SiteA") else ""
    assert {row.location_id for row in rows_of(writer, Place.location_id)} == {site}


RESULTS = "Start (s),End (s),Scientific name,Common name,Confidence,File"


def test_results_without_any_date_ask_for_one(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "results.csv", RESULTS, "3.0,6.0,Parus major,Great Tit,0.8,rec1.wav")
    refused = read_one(writer, path)
    assert refused.message == (
        f"{path} says nowhere when its recordings were made: name them, or this file, like"
        " SITE_20240501_053000, or give the date with --set eventDate=2024-05-01."
    )
    assert sums(read_one(writer, path, set={"eventdate": "2024-05-01"})) == (1, 1, 0, 0, 0)
    assert per(writer, "day") == {("Parus major", 20240501): 1}
    # Another recording that some recorder called rec1.wav too.
    other = table(tmp_path / "b" / "results.csv", RESULTS, "3.0,6.0,Parus major,Great Tit,0.8,rec1.wav")
    assert sums(read_one(writer, other, set={"eventDate": "2024-05-02"})) == (1, 1, 0, 0, 0)


def test_a_column_that_is_said_to_be_the_date_is_one(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", f"{RESULTS},Night", "3.0,6.0,Parus major,Tit,0.8,rec1.wav,2024-05-01")
    assert sums(read_one(writer, path, map={"Night": "eventDate"})) == (1, 1, 0, 0, 0)
    assert per(writer, "day") == {("Parus major", 20240501): 1}


def test_a_combined_selection_table_counts_from_the_start_of_each_recording(
    writer: Engine, tmp_path: Path
) -> None:
    head = (
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tCommon Name\t"
        "Species Code\tConfidence\tBegin Path\tFile Offset (s)"
    )
    path = table(
        tmp_path / "BirdNET_SelectionTable.txt",
        head,
        "1\tView\t1\t3.0\t6.0\t0\t15000\tGreat Tit\tgretit1\t0.9\t/a/Pond_20240501_235958.wav\t3.0",
        "2\tView\t1\t63.0\t66.0\t0\t15000\tGreat Tit\tgretit1\t0.9\t/a/Pond_20240502_060000.wav\t3.0",
        "3\tView\t1\t0\t3\t0\t15000\tnocall\tnocall\t1.0\t/a/Pond_20240503_060000.wav\t0",
    )
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.tally.skips) == ((3, 2, 0, 0, 0), {"NO_ANIMAL": 1})
    found = rows_of(writer, Sighting.first_day, Sighting.time_of_day)
    assert [tuple(row) for row in found] == [(20240502, 1), (20240502, 21_603)]
    assert per(writer, "total") == {("Great Tit", 0): 2}


def test_kaleidoscope_names_the_folder_the_file_and_the_place(writer: Engine, tmp_path: Path) -> None:
    head = "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence,lat,lon,week,overlap"
    path = table(
        tmp_path / "kaleidoscope.csv",
        head,
        "/data,pond,20240501_053000.wav,3.0,3.0,Parus major,Great Tit,0.8,59.9,10.7,17,0.0",
        "/data,wood,20240501_053000.wav,3.0,3.0,Parus major,Great Tit,0.8,59.8,10.7,17,0.0",
    )
    assert sums(read_one(writer, path)) == (2, 2, 0, 0, 0)
    found = rows_of(writer, Sighting.occurrence_id, Sighting.decimal_latitude, Sighting.time_of_day)
    assert [tuple(row) for row in found] == [
        ("/data/pond/20240501_053000.wav 3.0 Parus major", 59.9, 19_803),
        ("/data/wood/20240501_053000.wav 3.0 Parus major", 59.8, 19_803),
    ]


def test_the_newer_columns_of_kaleidoscope_are_understood(writer: Engine, tmp_path: Path) -> None:
    path = table(
        tmp_path / "kaleidoscope.csv",
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,TOP1MATCH,TOP1DIST",
        "/data,pond,20240501_053000.wav,3.0,3.0,Great Tit,0.8",
        "/data,pond,20240501_053000.wav,6.0,3.0,Great Tit,0.4",
    )
    outcome = read_one(writer, path, min_confidence=0.5)
    assert (sums(outcome), outcome.tally.skips) == ((2, 1, 0, 0, 0), {"LOW_CONFIDENCE": 1})
    assert per(writer, "day") == {("Great Tit", 20240501): 1}


@pytest.mark.parametrize(
    ("name", "site", "day", "time"),
    [
        ("20230518_133500.WAV", "", "2023-05-18", "13:35:05"),
        (r"E:\Audio\14_18\20230518_133500.WAV", "", "2023-05-18", "13:35:05"),
        ("C:/audio\\14_01_20210213_210000.WAV", "14_01", "2021-02-13", "21:00:05"),
        ("S4A01234_20240101_235959.flac", "S4A01234", "2024-01-02", "00:00:04"),
        ("20240101T120000+1000_REC.wav", "", "2024-01-01", "12:00:05+1000"),
        ("20240101T120000Z.wav", "", "2024-01-01", "12:00:05Z"),
        ("20240101_120000-0001.wav", "", "2024-01-01", "12:00:05"),
        ("2024-01-01_12-00-00.wav", "", "2024-01-01", "12:00:05"),
        ("2022-07-01-birdnet-18:13:20.mp3", "", "2022-07-01", "18:13:25"),
        ("De03_2019_05_03_08_32_23.wav", "De03", "2019-05-03", "08:32:28"),
        ("pond_20240101120000.wav", "pond", "2024-01-01", "12:00:05"),
        ("pond_20240101_1200.wav", "pond", "2024-01-01", "12:00:05"),
        ("pond_20240101.wav", "pond", "2024-01-01", ""),
        ("pond_20240101_999999.wav", "pond", "2024-01-01", ""),
        ("site20191340_20240101_120000.wav", "site20191340", "2024-01-01", "12:00:05"),
    ],
)
def test_the_names_that_recorders_give(name: str, site: str, day: str, time: str) -> None:
    found = recordings.of_name(name)
    assert found is not None
    assert (found.site, *found.at(5.9)) == (site, day, time)


@pytest.mark.parametrize("name", ["test.wav", "rec1.wav", "5EA1B2C3.WAV", "20241301_120000.wav", ""])
def test_names_that_tell_no_date(name: str) -> None:
    assert recordings.of_name(name) is None


@pytest.mark.parametrize(
    "head",
    [
        "Date,Common Name,Confidence,Start,End",
        "Datum,Common name,confidence,start time,end time",
    ],
)
def test_a_table_with_dates_of_its_own_is_no_table_of_the_analyzer(
    sqlite_writer: Engine, tmp_path: Path, head: str
) -> None:
    outcome = read_one(sqlite_writer, table(tmp_path / "a.csv", head, "2024-05-01,Lynx,sure,1,2"))
    assert (outcome.format, outcome.status) == ("table", "committed")


@pytest.mark.parametrize(
    ("about", "skips"),
    [
        (birdnet.ABOUT_PI, {"HUMAN": 1}),
        (birdnet.ABOUT_GO, {}),
        (birdnet_analyzer.ABOUT, {"NO_ANIMAL": 1}),
    ],
)
def test_the_samples_of_birdnet_parse(
    sqlite_writer: Engine, tmp_path: Path, about: About, skips: dict[str, int]
) -> None:
    (tmp_path / "sample").write_text(about.sample)
    outcome = read_one(sqlite_writer, tmp_path / "sample")
    assert (outcome.tally.inserted, outcome.tally.skips) == (2, skips), outcome.message
    assert outcome.format.startswith("birdnet-")
