"""Tables that other people made, each counted again by a few lines of csv or pandas."""

from __future__ import annotations

import csv
from calendar import monthrange
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from db.models import Place, Reject, Sighting, Taxon
from tests.files import image, per, read_one, rows_of, sums

Find = Callable[[str], Path]
ABSENT = "OCCURRENCE_STATUS_INFERRED_FROM_INDIVIDUAL_COUNT"


def frame(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> pd.DataFrame:
    """All cells as the text that they are."""
    return pd.read_csv(path, sep=delimiter, encoding=encoding, dtype=str, keep_default_na=False)


def individuals(writer: Engine) -> float:
    return sum(row.individual_count or 0 for row in rows_of(writer, Sighting.individual_count))


def test_decimal_commas_stand_in_coordinates_and_counts(shared_data: Find, writer: Engine) -> None:
    path = shared_data("A03-inbo-decimalcomma/20211209_vlinders_20002013_xy_prov.txt")
    outcome = read_one(writer, path)
    assert (sums(outcome), outcome.notes, outcome.tally.issues) == ((5_255, 5_255, 0, 0, 0), (), {})
    numbers = pd.read_csv(path, sep=";", decimal=",")
    counted = numbers.groupby(["species", "year"])["n"].sum()
    assert per(writer, "year", "individuals") == pytest.approx(counted.to_dict())
    assert (numbers["n"] % 1 > 0).any()
    kept = rows_of(writer, Sighting.line, Sighting.decimal_latitude, Sighting.decimal_longitude)
    assert [tuple(row)[1:] for row in kept] == list(zip(numbers["lat"], numbers["lon"], strict=True))


def test_a_question_mark_among_counts_is_a_sighting_not_counted(shared_data: Find, writer: Engine) -> None:
    path = shared_data("A03-inbo-decimalcomma/20220224_butterflies_counts.txt")
    outcome = read_one(writer, path)
    table = frame(path, ";")
    uncounted, none = (table["COUNT"] == "?").sum(), (table["COUNT"] == "0").sum()
    assert (sums(outcome), uncounted) == ((1_004, 1_004, 0, 0, 0), 4)
    assert outcome.tally.issues == {"INDIVIDUAL_COUNT_INVALID": uncounted, ABSENT: none}
    assert individuals(writer) == table["COUNT"].replace("?", "0").astype(int).sum()
    days = Counter(
        int(row.Year) * 10_000 + int(row.Month) * 100 + int(row.Day)
        for row in table.itertuples()
        if row.COUNT != "0"
    )
    found = Counter[int]()
    for (_, day), n in per(writer, "day").items():
        found[day] += int(n)
    assert found == days


def test_rows_that_end_early_and_letters_of_latin_1_are_whole(shared_data: Find, writer: Engine) -> None:
    path = shared_data("A13-latin1-ragged/Borza.txt")
    outcome = read_one(writer, path)
    assert sums(outcome) == (435, 435, 0, 0, 0)
    assert outcome.notes == ("the encoding cp1252 was guessed",)
    with path.open(encoding="latin-1", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    head, rows = rows[0], rows[1:]
    assert {len(row) for row in rows} == {42, 46} != {len(head)}
    name, year = head.index("scientificName"), head.index("eventDate")
    years = Counter((row[name], int(row[year][:4])) for row in rows)
    assert per(writer, "year") == years
    verbatim = "".join(row.verbatim for row in rows_of(writer, Sighting.verbatim))
    assert verbatim.count("Péter Borza") == sum("Péter Borza" in cell for row in rows for cell in row)
    assert {row.scientific_name for row in rows_of(writer, Taxon.scientific_name)} == {
        row[name] for row in rows
    }


def test_a_table_without_any_date_is_refused_and_goes_in_with_one(shared_data: Find, writer: Engine) -> None:
    path = shared_data("A13-latin1-ragged/csv_optional_quotes_puma.csv")
    before = image(writer)
    outcome = read_one(writer, path)
    assert (outcome.status, sums(outcome)) == ("failed", (0, 0, 0, 0, 0))
    assert "has no column for a date" in outcome.message
    assert "--map COLUMN=eventDate, or give it to every row with --set eventDate=" in outcome.message
    assert image(writer)[:4] == before[:4]
    outcome = read_one(writer, path, set={"eventDate": "1900/2010"})
    with path.open(encoding="cp1252", newline="") as file:
        rows = list(csv.DictReader(file, restval=""))
    assert sums(outcome) == (3_391, 3_391, 0, 0, 0) == (len(rows), len(rows), 0, 0, 0)
    kept = rows_of(writer, Sighting.line, Sighting.decimal_latitude)
    filled = [row for row in rows if row["DecimalLatitude"].strip() and row["DecimalLongitude"].strip()]
    assert sum(row.decimal_latitude is not None for row in kept) == len(filled) == 801
    assert per(writer, "year") == {}


def test_dates_in_three_columns_and_hours_with_decimals(shared_data: Find, writer: Engine) -> None:
    path = shared_data("A13-latin1-ragged/ebird.tab.txt")
    outcome = read_one(writer, path)
    rows = frame(path, "\t").to_dict("records")
    once = {row["OCCURRENCEID"]: row for row in rows}
    assert sums(outcome) == (8, len(once), 0, 8 - len(once), 0) == (8, 7, 0, 1, 0)
    kept = rows_of(writer, Sighting.occurrence_id, Sighting.first_day, Sighting.time_of_day)
    assert [tuple(row) for row in kept] == sorted(
        (name, int(row["YEAR"] + row["MONTH"] + row["DAY"]), int(float(row["EVENTTIME"]) * 3600))
        for name, row in once.items()
    )


def test_days_that_never_were_and_rows_without_a_species_are_refused(
    shared_data: Find, writer: Engine
) -> None:
    path = shared_data("A17-long-tables/20180222_surveys.csv")
    outcome = read_one(writer, path)
    table = frame(path)
    never = [
        int(row.day) > monthrange(int(row.year), int(row.month))[1]
        for row in table[["year", "month", "day"]].itertuples()
    ]
    nameless = table["species_id"] == ""
    assert (sum(never), sum(nameless)) == (136, 763)
    both = sum(one and other for one, other in zip(never, nameless, strict=True))
    assert outcome.reasons == {"NAME_MISSING": 763, "RECORDED_DATE_INVALID": 136 - both}
    refused = 763 + 136 - both
    assert sums(outcome) == (35_549, 35_549 - refused, 0, 0, refused)
    good = table[~nameless & ~pd.Series(never, table.index)]
    years = good.groupby(["species_id", good["year"].astype(int)]).size()
    assert per(writer, "year") == years.to_dict()
    lines = {row.line for row in rows_of(writer, Reject.line)}
    assert lines == {number + 2 for number in range(len(table)) if never[number] or nameless[number]}


def test_metres_are_no_degrees_and_an_empty_catch_is_no_animal(shared_data: Find, writer: Engine) -> None:
    path = shared_data("A17-long-tables/20210429_aquatictrap_data.csv")
    outcome = read_one(writer, path)
    table = frame(path)
    caught = table[table["species"] != ""]
    assert set(table[table["species"] == ""]["n_individuals"]) == {"0"}
    assert sums(outcome) == (17_640, len(caught), 0, 0, 144)
    assert outcome.reasons == {"NAME_MISSING": 144}
    assert outcome.tally.issues == {"COORDINATE_OUT_OF_RANGE": len(caught)}
    said = "the columns location_x and location_y look like projected metres, not degrees"
    assert outcome.notes == (f"{said}: the records are kept without coordinates",)
    kept = rows_of(writer, Sighting.decimal_latitude, Sighting.geospatial_issue)
    assert set(map(tuple, kept)) == {(None, True)}
    counted = caught["n_individuals"].astype(int).groupby(caught["species"]).sum()
    assert per(writer, "total", "individuals") == {(name, 0): n for name, n in counted.items() if n}


def test_of_two_columns_of_counts_one_is_taken_and_a_zero_is_no_sighting(
    shared_data: Find, writer: Engine
) -> None:
    path = shared_data("A17-long-tables/20231128_geese_counts_cleaned.txt")
    outcome = read_one(writer, path)
    table = frame(path)
    none, uncounted = table["counts"] == "0", table["counts"] == ""
    assert (sum(none), sum(uncounted)) == (1_253, 96)
    assert (sums(outcome), outcome.tally.issues) == ((2_499, 2_499, 0, 0, 0), {ABSENT: 1_253})
    assert (outcome.terms["counts"], outcome.extra) == ("individualCount", ("catched",))
    seen = table[~none]
    # What was not counted is one individual at least.
    numbers = seen["counts"].replace("", "1").astype(int)
    years = numbers.groupby([seen["latinName"], seen["year"].astype(int)]).sum()
    assert per(writer, "year", "individuals") == years.to_dict()
    assert per(writer, "month") == {}
    assert {row.locality for row in rows_of(writer, Place.locality)} == set(table["location"])


def test_rows_that_are_exactly_alike_are_all_kept(shared_data: Find, writer: Engine) -> None:
    path = shared_data("A17-long-tables/birdstrikes.csv")
    outcome = read_one(writer, path)
    table = frame(path)
    assert table.duplicated().sum() == 24
    assert sums(outcome) == (10_000, 10_000, 0, 0, 0)
    days = table.groupby(["Wildlife Species", table["Flight Date"].str.replace("-", "").astype(int)]).size()
    assert per(writer, "day") == days.to_dict()
    assert per(writer, "total")["Unknown bird - small", 0] == 3_572
    assert sums(read_one(writer, path)) == (10_000, 0, 0, 10_000, 0)
