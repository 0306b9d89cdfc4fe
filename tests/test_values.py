"""Single values and what is doubtful about them."""

from __future__ import annotations

import unicodedata

import pytest

from ingest.words import values
from ingest.words.zones import named_zone


@pytest.mark.parametrize(
    ("text", "counted", "issue"),
    [
        ("3", 3, ""),
        (" 12 ", 12, ""),
        ("0", 0, ""),
        ("2.6", 2.6, ""),
        ("4000000", 4_000_000, ""),
        ("20,000", 20_000, ""),
        ("1,234,567", 1_234_567, ""),
        ("1,5", 1.5, ""),
        ("1e3", 1_000, ""),
        ("1 234", 1_234, ""),
        ("1\u202f234", 1_234, ""),
        ("1'234", 1_234, ""),
        ("1,234.5", 1_234.5, ""),
        ("0,123", 0.123, ""),
        ("20 000", 20_000, ""),
        *((text, None, "") for text in ("", "NA", "N/A", "NULL", "null", "None", "nan", "-")),
        *(
            (text, None, "INDIVIDUAL_COUNT_INVALID")
            for text in (
                "X",
                "?",
                "*",
                "***",
                "8-Jul",
                "5-10",
                "<5",
                ">0",
                "+",
                "12,34,5",
                "many",
                "present",
                "-1",
                "inf",
                "1e400",
            )
        ),
        (str(2**63), None, "INDIVIDUAL_COUNT_INVALID"),
    ],
)
def test_a_count_is_a_number_or_not_counted_and_flagged(text: str, counted: float | None, issue: str) -> None:
    assert values.count(text) == (counted, issue)


@pytest.mark.parametrize(
    ("text", "counted"),
    [("3+", 3), ("~10", 10), (">1", 1), ("ca. 1,200", 1_200), ("200?", 200), ("≥ 7", 7), ("about 40", 40)],
)
def test_at_least_and_about_are_the_number_that_they_name_and_flagged(text: str, counted: float) -> None:
    assert values.count(text) == (counted, "INDIVIDUAL_COUNT_INVALID")


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        *(("1,000000", 1), ("2,600000", 2.6), ("68,333333", 68.333333), ("3", 3), ("2.6", 2.6)),
        *(("1.234", 1_234), ("1.234.567", 1_234_567), ("1.234,5", 1_234.5), ("1 234,5", 1_234.5)),
    ],
)
def test_where_a_table_writes_decimals_with_a_comma_so_does_its_count(text: str, counted: float) -> None:
    assert values.count(text, decimal_comma=True) == (counted, "")


@pytest.mark.parametrize(
    ("status", "counted", "absent", "issue"),
    [
        ("", 3, False, ""),
        ("", None, False, ""),
        ("", 0, True, "OCCURRENCE_STATUS_INFERRED_FROM_INDIVIDUAL_COUNT"),
        ("PRESENT", 3, False, ""),
        ("present", 0, True, "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS"),
        ("ABSENT", None, True, ""),
        ("absent", 0, True, ""),
        ("absent", 3, True, "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS"),
        ("perhaps", 3, False, "OCCURRENCE_STATUS_UNPARSABLE"),
    ],
)
def test_what_was_looked_for_and_not_found_is_absent(
    status: str, counted: float | None, absent: bool, issue: str
) -> None:
    assert values.is_absent(status, counted) == (absent, issue)


@pytest.mark.parametrize(
    ("latitude", "longitude", "at", "issues"),
    [
        ("50.75306", "3.53160", (50.75306, 3.5316), ()),
        ("50,75306", "3,53160", (50.75306, 3.5316), ()),
        ("-90", "180", (-90, 180), ()),
        ("", "", (None, None), ()),
        ("NA", "NULL", (None, None), ()),
        ("0", "0", (0, 0), ("ZERO_COORDINATE",)),
        ("95", "200", (None, None), ("COORDINATE_OUT_OF_RANGE",)),
        ("10", "540", (None, None), ("COORDINATE_OUT_OF_RANGE",)),
        ("120", "45", (None, None), ("PRESUMED_SWAPPED_COORDINATE",)),
        ("50", "", (None, None), ("COORDINATE_INVALID",)),
        ("inf", "3", (None, None), ("COORDINATE_INVALID",)),
        ("nan°", "3", (None, None), ("COORDINATE_INVALID",)),
        ("1e400", "3", (None, None), ("COORDINATE_INVALID",)),
        ("48°12'N", "16°22'30\"W", (48.2, -16.375), ()),
        ("51.5 N", "0 W", (51.5, 0), ()),
        ("16°22'E", "48°12'N", (None, None), ("PRESUMED_SWAPPED_COORDINATE",)),
        ("48°72'N", "16°22'E", (None, None), ("COORDINATE_INVALID",)),
        ("-1", "-1.0", (None, None), ("COORDINATE_INVALID",)),
        ("-1", "-2", (-1, -2), ()),
        ("9999.99", "9999.99", (None, None), ("COORDINATE_OUT_OF_RANGE",)),
        ("38.5", "-94868400", (None, None), ("COORDINATE_OUT_OF_RANGE",)),
        ("137700", "211700", (None, None), ("COORDINATE_OUT_OF_RANGE",)),
    ],
)
def test_coordinates_are_on_the_globe_or_flagged(
    latitude: str, longitude: str, at: tuple[float | None, float | None], issues: tuple[str, ...]
) -> None:
    found = values.position(latitude, longitude, "")
    assert ((found.latitude, found.longitude), found.issues) == (at, issues)
    if issues:
        assert not values.GEOSPATIAL.isdisjoint(issues)


def test_issues_that_the_source_gives_are_kept_and_nothing_else_of_that_column_is() -> None:
    given = "GEODETIC_DATUM_ASSUMED_WGS84;COORDINATE_ROUNDED, \x00evil <script>"
    found = values.position("1", "2", "-5", given)
    assert found.issues == (
        "GEODETIC_DATUM_ASSUMED_WGS84",
        "COORDINATE_ROUNDED",
        "COORDINATE_UNCERTAINTY_METERS_INVALID",
    )
    assert found.uncertainty is None


@pytest.mark.parametrize("code", ["NA", "na"])
def test_na_is_namibia(code: str) -> None:
    assert values.country(code) == ("NA", "")


@pytest.mark.parametrize("text", ["Norway", "NOR", "N"])
def test_what_is_no_country_code_is_kept_as_it_is_and_flagged(text: str) -> None:
    assert values.country(text) == (text, "COUNTRY_INVALID")


@pytest.mark.parametrize("text", ["", "null", "None", "nan"])
def test_a_word_for_nothing_is_kept_as_it_is_and_is_no_wrong_country(text: str) -> None:
    assert values.country(text) == (text, "")


@pytest.mark.parametrize(
    ("text", "basis", "issue"),
    [
        ("HumanObservation", "HUMAN_OBSERVATION", ""),
        ("MACHINE_OBSERVATION", "MACHINE_OBSERVATION", ""),
        ("preserved specimen", "PRESERVED_SPECIMEN", ""),
        ("", None, ""),
        ("hearsay", None, "BASIS_OF_RECORD_INVALID"),
    ],
)
def test_the_basis_of_a_record_has_gbifs_name(text: str, basis: str | None, issue: str) -> None:
    assert values.basis_of_record(text) == (basis, issue)


def test_a_label_is_fit_for_every_database_and_every_picture() -> None:
    assert values.clean(" a\x00b\x1b[31m\u200b  c\td\n\ud800e\uffff ") == "ab[31m\u200b c d e"
    assert values.clean("\u202exnyl\u202c \u2066a\u2069") == "xnyl a"
    assert values.clean(unicodedata.normalize("NFD", "Küchenschelle")) == unicodedata.normalize(
        "NFC", "Küchenschelle"
    )


def test_verbatim_text_loses_only_what_no_database_holds() -> None:
    assert values.storable("a\x00b\x1bc\ud800") == "a\ufffdb\x1bc\ufffd"


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Vienna", "Europe/Vienna"),
        ("Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("UTC", "UTC"),
        ("Europe/Oslo", "Europe/Oslo"),
        ("New York", "America/New_York"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_time_zones_are_known_by_the_names_of_exports(name: str, zone: str | None) -> None:
    found = named_zone(name)
    assert (found.key if found else None) == zone
