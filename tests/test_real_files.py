"""Files that other people made: every number is counted again by a few lines of csv, pandas or zipfile."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from api.reports import REPORTS
from db.check import damage
from db.models import Sighting
from tests.files import per, read, read_one, rows_of, shuffled, sums, version
from tests.seed import open_app

Find = Callable[[str], Path]
A01 = "A01-inbo-butterflies/20200121_dataVlinders.txt"
A02 = "A02-inbo-raccoon-gbif/20260126_occurrences_raccoon_be.txt"
A04_OLD = "A04-gbif-simple-tsv/20190423_species.csv"
A04_LADYBIRDS = "A04-gbif-simple-tsv/20220630_harmonia_axyridis_2012.txt"
A04_ZIP_2020 = "A04-gbif-simple-zip/0011066-200127171203522.zip"
A04_ZIP_2025 = "A04-gbif-simple-zip/0009886-250127130748423.zip"
A05_BEES = "A05-gbif-dwca/0000066-140928181241064.zip"
A05 = "A05-gbif-dwca/0000154-150116162929234.zip"
A07_LA = "A07-inat-la-multiline/observations-568611.csv"
A07_WIEN = "A07-inat-austria/16-10-2021-wien.csv"
A07_LINZ = "A07-inat-austria/16-10-2021-linz.csv"
A12 = "A12-wide-lynx-hare/hudson-bay-lynx-hare.csv"

SMALL = [
    # file, delimiter, lines above the records, member, format, feed
    (A02, "\t", 1, "", "gbif", "gbif"),
    (A04_LADYBIRDS, "\t", 1, "", "gbif", "gbif"),
    (A04_ZIP_2025, "\t", 1, "", "gbif", "gbif"),
    (A05, "\t", 1, "occurrence.txt", "dwca", "gbif"),
    (A05_BEES, "\t", 1, "occurrence.txt", "dwca", "gbif"),
    (A07_LA, ",", 1, "", "inaturalist", "inaturalist"),
    (A12, ",", 3, "", "wide", "table-"),
]
LARGE = [
    (A01, ";", 1, "", "table", "table-"),
    (A04_OLD, "\t", 1, "", "gbif", "gbif"),
    (A04_ZIP_2020, "\t", 1, "", "gbif", "gbif"),
    (A07_WIEN, ",", 1, "", "inaturalist", "inaturalist"),
    (A07_LINZ, ",", 1, "", "inaturalist", "inaturalist"),
]


def records(path: Path, delimiter: str, head: int = 1, member: str = "") -> list[dict[str, str]]:
    """The records of a file, read with nothing but csv."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(member or archive.namelist()[0]).decode()
    else:
        text = path.read_text(encoding="utf-8")
    lines = io.StringIO(text, newline="")
    for _ in range(head - 1):
        lines.readline()
    return list(csv.DictReader(lines, delimiter=delimiter))


def check_twice(
    find: Find, writer: Engine, tmp_path: Path, case: tuple[str, str, int, str, str, str]
) -> None:
    name, delimiter, head, member, form, feed = case
    path = find(name)
    known = len(records(path, delimiter, head, member)) * (2 if form == "wide" else 1)
    first = read_one(writer, path)
    assert (first.status, first.format, first.feed[: len(feed)]) == ("committed", form, feed), first.message
    assert sums(first)[:4] == (known, known - first.tally.rejected, 0, 0)
    before = version(writer)
    other = shuffled(path, tmp_path / "other", delimiter, head, member)
    for again in read(writer, path, other):
        assert again.status == "unchanged"
        assert sums(again) == (known, 0, 0, known - first.tally.rejected, first.tally.rejected)
    assert version(writer) == before == first.run
    with writer.begin() as connection:
        assert damage(connection) == []


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case[0])
def test_a_real_file_again_renamed_and_shuffled_adds_nothing(
    shared_data: Find, writer: Engine, tmp_path: Path, case: tuple[str, str, int, str, str, str]
) -> None:
    check_twice(shared_data, writer, tmp_path, case)


@pytest.mark.parametrize("case", LARGE, ids=lambda case: case[0])
def test_a_large_real_file_again_renamed_and_shuffled_adds_nothing(
    shared_data: Find, sqlite_writer: Engine, tmp_path: Path, case: tuple[str, str, int, str, str, str]
) -> None:
    check_twice(shared_data, sqlite_writer, tmp_path, case)


def test_butterflies_are_read_day_first(shared_data: Find, sqlite_writer: Engine) -> None:
    path = shared_data(A01)
    assert sums(read_one(sqlite_writer, path)) == (43_430, 43_430, 0, 0, 0)
    frame = pd.read_csv(path, sep=";")
    # "Bruin Zandoogje" and "Bruin zandoogje" are one butterfly.
    frame["SPECIES"] = frame["SPECIES"].str.capitalize()
    counted = frame.groupby(["SPECIES", "Year"])["COUNT"].sum()
    assert per(sqlite_writer, "year", "individuals") == {key: n for key, n in counted.items() if n}
    seen = frame[frame["COUNT"] > 0].assign(day=frame["Year"] * 10_000 + frame["Month"] * 100 + frame["Day"])
    assert per(sqlite_writer, "day") == seen.groupby(["SPECIES", "day"]).size().to_dict()
    assert per(sqlite_writer, "month") == seen.groupby(["SPECIES", seen["day"] // 100]).size().to_dict()
    weeks = [_week(day) for day in seen["day"]]
    assert (
        per(sqlite_writer, "week") == seen.groupby(["SPECIES", pd.Series(weeks, seen.index)]).size().to_dict()
    )
    eleventh = frame[frame["Date"] == "11/4/2011 0:00:00"]
    april = per(sqlite_writer, "day", "individuals", days=((20110411, 20110411),))
    assert april == eleventh.groupby("SPECIES")["COUNT"].sum().rename(lambda name: (name, 20110411)).to_dict()


def _week(day: int) -> int:
    year, week, _ = date(day // 10_000, day // 100 % 100, day % 100).isocalendar()
    return year * 1000 + week


def test_raccoons_of_a_year_or_a_month_are_on_no_day(shared_data: Find, writer: Engine) -> None:
    path = shared_data(A02)
    assert sums(read_one(writer, path)) == (13_887, 13_887, 0, 0, 0)
    dates = Counter[str]()
    years, months, days = Counter[int](), Counter[int](), Counter[int]()
    for row in records(path, "\t"):
        if row["individualCount"] == "0":
            continue
        ends = [re.sub(r"T.*|-", "", end) for end in row["eventDate"].split("/")]
        dates["range" if len(ends) == 2 else str(len(ends[0]))] += 1
        for kept, digits in ((years, 4), (months, 6), (days, 8)):
            cut = {end[:digits] for end in ends}
            if len(cut) == 1 and len(ends[0]) >= digits:
                kept[int(cut.pop())] += 1
    assert dates == {"8": 12_855 + 103, "4": 871, "6": 3, "range": 55}
    name = "Procyon lotor"
    assert per(writer, "year") == {(name, year): n for year, n in years.items()}
    assert per(writer, "month") == {(name, month): n for month, n in months.items()}
    assert per(writer, "day") == {(name, day): n for day, n in days.items()}
    assert sum(years.values()) - sum(months.values()) >= 871
    assert sum(months.values()) - sum(days.values()) >= 3
    given = [float(row["individualCount"] or 1) for row in records(path, "\t")]
    assert max(given) == 4_000_000  # absurd, and not ours to change
    assert per(writer, "total", "individuals") == {(name, 0): sum(given)}


@pytest.mark.parametrize(
    ("name", "member"),
    [
        *((A04_OLD, ""), (A04_LADYBIRDS, ""), (A04_ZIP_2020, ""), (A04_ZIP_2025, "")),
        *((A05, "occurrence.txt"), (A05_BEES, "occurrence.txt")),
    ],
)
def test_gbif_downloads_count_per_year_as_their_year_column_says(
    shared_data: Find, sqlite_writer: Engine, name: str, member: str
) -> None:
    path = shared_data(name)
    outcome = read_one(sqlite_writer, path)
    rows = records(path, "\t", 1, member)
    kept = {row.occurrence_id for row in rows_of(sqlite_writer, Sighting.occurrence_id)}
    assert outcome.tally.read == len(rows)
    nameless = [row for row in rows if not row["scientificName"] and not row["species"] and not row["genus"]]
    assert outcome.reasons == ({"NAME_MISSING": len(nameless)} if nameless else {})
    assert kept == {row["gbifID"] for row in rows} - {row["gbifID"] for row in nameless}
    years = Counter(int(row["year"]) for row in rows if row["year"] and row["gbifID"] in kept)
    found = Counter[int]()
    for (_, year), n in per(sqlite_writer, "year").items():
        found[year] += int(n)
    assert found == years
    undated = sum(not row["eventDate"] and not row["year"] for row in rows if row["gbifID"] in kept)
    assert sum(per(sqlite_writer, "total").values()) == sum(years.values()) + undated


def test_quotes_that_gbif_doubles_come_out_single(shared_data: Find, sqlite_writer: Engine) -> None:
    read_one(sqlite_writer, shared_data(A04_ZIP_2025))
    verbatim = "".join(row.verbatim for row in rows_of(sqlite_writer, Sighting.verbatim))
    assert 'Càmping "Cel de Balaguer"' in verbatim
    assert '""' not in verbatim


def test_cells_with_line_breaks_are_one_record_each(shared_data: Find, writer: Engine) -> None:
    path = shared_data(A07_LA)
    rows = records(path, ",")
    assert len(path.read_text(encoding="utf-8").splitlines()) > len(rows) + 1 == 1_310
    assert sums(read_one(writer, path)) == (1_309, 1_309, 0, 0, 0)
    months = Counter(row["observed_on"][:7].replace("-", "") for row in rows if row["observed_on"])
    found = Counter[str]()
    for (_, month), n in per(writer, "month").items():
        found[str(month)] += int(n)
    assert found == months
    assert sum(per(writer, "total").values()) == 1_309 == sum(months.values()) + 1


def test_the_line_of_a_record_is_the_line_of_the_file_on_which_it_begins(
    shared_data: Find, sqlite_writer: Engine
) -> None:
    path = shared_data(A07_LA)
    read_one(sqlite_writer, path)
    lines = path.read_text(encoding="utf-8").split("\n")
    for row in rows_of(sqlite_writer, Sighting.line, Sighting.occurrence_id):
        assert lines[row.line - 1].startswith(f"{row.occurrence_id},")


def test_two_cities_of_inaturalist_are_one_feed(shared_data: Find, sqlite_writer: Engine) -> None:
    wien, linz = shared_data(A07_WIEN), shared_data(A07_LINZ)
    one, two = read(sqlite_writer, wien, linz)
    assert (one.feed, two.feed) == ("inaturalist", "inaturalist")
    rows = [row for path in (wien, linz) for row in records(path, ",")]
    named = [row for row in rows if row["scientific_name"] or row["common_name"] or row["taxon_genus_name"]]
    assert one.tally.rejected == 76 == len(rows) - len(named)
    days = Counter(int(row["observed_on"].replace("-", "")) for row in named)
    found = Counter[int]()
    for (_, day), n in per(sqlite_writer, "day").items():
        found[day] += int(n)
    assert found == days
    shortly_after_midnight = [row for row in named if "" < row["time_observed_at"][:10] < row["observed_on"]]
    kept = dict(map(tuple, rows_of(sqlite_writer, Sighting.occurrence_id, Sighting.first_day)))
    assert shortly_after_midnight
    for row in shortly_after_midnight:
        assert kept[row["id"]] == int(row["observed_on"].replace("-", ""))


def test_a_wide_table_is_one_record_per_year_and_animal(shared_data: Find, writer: Engine) -> None:
    path = shared_data(A12)
    outcome = read_one(writer, path)
    assert (outcome.format, sums(outcome)) == ("wide", (42, 42, 0, 0, 0))
    expected = {}
    for row in csv.DictReader(_without_comments(path), skipinitialspace=True):
        expected["Lynx", int(row["Year"])] = float(row["Lynx"])
        expected["Hare", int(row["Year"])] = float(row["Hare"])
    assert len(expected) == 42
    assert per(writer, "year", "individuals") == expected
    assert per(writer, "month") == per(writer, "day") == {}


def _without_comments(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from (line for line in file if not line.startswith("#"))


def test_the_same_files_again_leave_every_chart_where_it_was(
    home: Path, sqlite_writer: Engine, shared_data: Find, tmp_path: Path
) -> None:
    files = [shared_data(name) for name in (A02, A04_ZIP_2025, A07_LA, A12)]
    read(sqlite_writer, *files)
    client = open_app(home).test_client()
    asked = dict.fromkeys(REPORTS, "") | {"ratio": "?numerator=Procyon%20lotor&denominator=Lynx"}
    charts = [
        f"/api/v1/reports/{name}.{form}{query}"
        for name, query in asked.items()
        for form in ("svg", "json", "csv")
    ]
    charts += ["/animal.svg?type=Lynx", "/api/v1/reports/timeline.svg?species=Procyon%20lotor&interval=month"]
    before = {chart: client.get(chart).headers["ETag"] for chart in charts}
    renamed = [tmp_path / f"again-{number}{file.suffix}" for number, file in enumerate(files)]
    for file, name in zip(files, renamed, strict=True):
        name.write_bytes(file.read_bytes())
    assert {outcome.status for outcome in read(sqlite_writer, *renamed)} == {"unchanged"}
    answers = {
        chart: client.get(chart, headers={"If-None-Match": tag}).status_code for chart, tag in before.items()
    }
    assert set(answers.values()) == {304}, answers
