"""Column names as people write them."""

from __future__ import annotations

import pytest

from ingest.words import columns
from ingest.words.columns import TERMS, UnknownTerm, understand


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Date", "eventDate"),
        ("OBSERVATION DATE", "eventDate"),
        ("observed_on", "eventDate"),
        ("Datum", "eventDate"),
        ("SPECIES", "species"),
        ("Animal", "species"),
        ("scientific_name", "scientificName"),
        ("Latin name", "scientificName"),
        ("COMMON NAME", "vernacularName"),
        ("Com_Name", "vernacularName"),
        ("COUNT", "individualCount"),
        ("How many?", "individualCount"),
        ("OBSERVATION COUNT", "individualCount"),
        ("location-lat", "decimalLatitude"),
        ("x", "decimalLongitude"),
        ("STATE/PROVINCE", "stateProvince"),
        ("año", "year"),
        ("TIME OBSERVATIONS STARTED", "eventTime"),
    ],
)
def test_a_column_is_known_by_what_people_call_it(theirs: str, ours: str) -> None:
    assert understand([theirs]) == {theirs: ours}


@pytest.mark.parametrize("name", ["", "Weather", "field:plant or pollinator?", "speciesKey", "lat lon"])
def test_a_column_that_means_nothing_here_is_left_alone(name: str) -> None:
    assert understand([name]) == {}


def test_of_two_columns_for_one_term_the_more_trusted_is_taken() -> None:
    assert understand(["date", "eventDate"]) == {"eventDate": "eventDate"}
    assert understand(["verbatimEventDate", "species_guess", "common_name", "observed_on"]) == {
        "observed_on": "eventDate",
        "common_name": "vernacularName",
    }


def test_what_the_operator_says_goes_before_the_catalogue() -> None:
    assert understand(["date", "when"], {"when": "eventDate"}) == {"when": "eventDate"}
    assert understand(["Critter", "date"], {"critter": "SPECIES"}) == {
        "Critter": "species",
        "date": "eventDate",
    }


def test_a_term_that_does_not_exist_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UnknownTerm, match="'individualCount'"):
        columns.known_term("individualcuont")


def test_a_column_that_the_table_does_not_have_is_told() -> None:
    with pytest.raises(UnknownTerm, match="no column 'critter'; it has date, animal"):
        understand(["date", "animal"], {"critter": "species"})


def test_every_name_of_the_catalogue_stands_for_one_term() -> None:
    seen: dict[str, str] = {}
    for term, names in TERMS.items():
        assert columns.known_term(term) == term
        for name in names:
            assert seen.setdefault(columns.plain(name), term) == term


def test_a_column_can_be_told_to_mean_nothing() -> None:
    names = ["Scientific name", "Species Code", "date"]
    assert columns.understand(names, {"Species Code": ""}) == {
        "Scientific name": "scientificName",
        "date": "eventDate",
    }
