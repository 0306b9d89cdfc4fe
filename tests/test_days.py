"""Dates as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ingest.words import days
from ingest.words.days import NotADate, Order, When

EIGHT = 8 * 3600


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-05-17", 20240517, 20240517),
        (" 2021-05-03 ", 20210503, 20210503),
        ('"2017-06-05T15:21:50.000Z"', 20170605, 20170605),
        ("2024/5/7", 20240507, 20240507),
        ("2024.05.17", 20240517, 20240517),
        ("20240517", 20240517, 20240517),
        ("1987", 19870101, 19871231),
        ("1987-05", 19870501, 19870531),
        ("1987/05", 19870501, 19870531),
        ("2024-02", 20240201, 20240229),
        ("2007-03-01/2007-05-11", 20070301, 20070511),
        ("2007-03-01T13:00:00Z/2008-05-11T15:30:00Z", 20070301, 20080511),
        ("1900/1909", 19000101, 19091231),
        ("2007-11-13/15", 20071113, 20071115),
        ("2007-11-13/12-02", 20071113, 20071202),
        ("2007-11/12", 20071101, 20071231),
        ("2007-03-01T13:00/15:30", 20070301, 20070301),
        ("1963-03-08T14:07-0600", 19630308, 19630308),
        ("17 May 2024", 20240517, 20240517),
        ("May 17, 2024", 20240517, 20240517),
        ("17-May-2024", 20240517, 20240517),
        ("3 March 1999", 19990303, 19990303),
        ("3. März 1999", 19990303, 19990303),
        ("1er août 2021", 20210801, 20210801),
        ("17 de mayo de 2024", 20240517, 20240517),
        ("9 mrt. 2024", 20240309, 20240309),
        ("12 luglio 2020", 20200712, 20200712),
        ("May 17th, 2024", 20240517, 20240517),
        ("2024-May-17", 20240517, 20240517),
        ("17/May/2024", 20240517, 20240517),
        ("17-May-24", 20240517, 20240517),
        ("17-mai-98", 19980517, 19980517),
        ("Fri Apr 30 2021 07:30:22 GMT+0200 (GMT+2)", 20210430, 20210430),
        ("Freitag, 30. April 2021", 20210430, 20210430),
        ("mar 30 mars 2021", 20210330, 20210330),
        ("Mar 30 2021 8:00 PM", 20210330, 20210330),
        ("Mi 2021-04-28", 20210428, 20210428),
        ("2021/04/30 12:00 AM CEST", 20210430, 20210430),
        ("20240517T0830", 20240517, 20240517),
        ("May 2024", 20240501, 20240531),
        ("mai 2024", 20240501, 20240531),
        ("2/2024", 20240201, 20240229),
        ("02.2024", 20240201, 20240229),
        ("2024-05-17 - 2024-05-19", 20240517, 20240519),
        ("1 May 2024 to 3 May 2024", 20240501, 20240503),
        ("1. Mai 2024 bis 3. Juni 2024", 20240501, 20240603),
        ("13/04/2011", 20110413, 20110413),
        ("5/5/19", 20190505, 20190505),
        ("5.5.1969", 19690505, 19690505),
    ],
)
def test_a_date_is_an_interval_of_days_as_precise_as_it_was_given(text: str, first: int, last: int) -> None:
    order: Order | None = "DMY" if text.startswith("13") else None
    when = days.parse(text, order)
    assert (when.first_day, when.last_day) == (first, last)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2024-02-30", "does not exist"),
        ("2023-02-29", "does not exist"),
        ("2024-13-01", "no month 13"),
        ("0000-00-00", "no year"),
        ("0999", "no year"),
        ("2024-00-10", "no month 0"),
        ("01/02/2024", "day/month or month/day"),
        ("1/2/24", "day/month or month/day"),
        ("2024-05-17T25:00", "time that does not exist"),
        ("2024-05-17T23:61", "time that does not exist"),
        ("2024-05-17T13:00 PM", "no hour 13"),
        ("2024-05-17T10:00+99:99", "no offset"),
        ("2007-05-11/2007-03-01", "ends before it begins"),
        ("2007-03-01/2007-05-11/2007-06-01", "not a date"),
        ("2001/" * 5_000, "not a date"),
        ("yesterday", "not a date"),
        ("3 jui 2020", "not a date"),
        ("around May 2020", "not a date"),
        ("before 3 May 2020", "not a date"),
        ("spring 2020", "not a date"),
        ("1950s", "not a date"),
        ("24-05-13", "day/month or month/day"),
        ("45415", "not a date"),
        ("13/2024", "no month 13"),
        ("Mon", "not a date"),
        ("31 April 2021", "does not exist"),
        ("2024-05-01 - 2024-05-02 - 2024-05-03", "not a date"),
        ("32 May 2024", "does not exist"),
        ("17 Foo 2024", "not a date"),
        ("x" * 10_000, "not a date"),
        ("", "not a date"),
    ],
)
def test_what_is_no_date_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(NotADate, match=reason) as caught:
        days.parse(text)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(("order", "day"), [("DMY", 20110411), ("MDY", 20111104)])
def test_day_and_month_are_read_in_the_order_of_the_file(order: Order, day: int) -> None:
    assert days.parse("11/4/2011 0:00:00", order) == When(day, day)


def test_a_year_that_is_to_come_first_and_does_not_is_no_date() -> None:
    assert days.parse("2011/4/11", "YMD").first_day == 20110411
    assert days.parse("11-4-12", "YMD").first_day == 20110412
    with pytest.raises(NotADate, match="begin with its year"):
        days.parse("11/4/2011", "YMD")


@pytest.mark.parametrize(
    ("text", "seconds", "offset"),
    [
        ("2024-05-17T08:00", EIGHT, None),
        ("2024-05-17 08:00:30", EIGHT + 30, None),
        ("2024-05-17T08:00:00.123Z", EIGHT, 0),
        ("2024-05-17T08:00:00+02:00", EIGHT, 120),
        ("2024-05-17T08:00:00 -0930", EIGHT, -570),
        ("5/5/2024 8:00 PM", EIGHT + 43_200, None),
        ("2024/05/17 8:00 AM CEST", EIGHT, None),
        ("17. Mai 2024, 8:00 Uhr", EIGHT, None),
        ("Fri May 17 2024 08:00:00 GMT+0200 (GMT+2)", EIGHT, 120),
        ("2024-05-17T08:00 UTC", EIGHT, 0),
        ("20240517T080030Z", EIGHT + 30, 0),
        ("May 2024 08:00", None, None),
        ("2024-06-30T23:59:60Z", 86_399, 0),
        ("2024-05-17T12:30 AM", 1_800, None),
        ("2024-05-17", None, None),
        ("2024-05-17T00:00:00", None, None),
        ("2024-05-17T00:00:00Z", None, None),
    ],
)
def test_a_time_is_local_wall_time_with_its_offset_if_one_is_given(
    text: str, seconds: int | None, offset: int | None
) -> None:
    when = days.parse(text)
    assert (when.time_of_day, when.utc_offset) == (seconds, offset)


@pytest.mark.parametrize(
    ("text", "zone", "when"),
    [
        ("2021-04-29 22:30:00 UTC", "Europe/Vienna", When(20210430, 20210430, 1_800, 120)),
        ("2021-01-01T03:00:00Z", "America/Denver", When(20201231, 20201231, 72_000, -420)),
        ("2021-07-01T12:00", "Europe/Vienna", When(20210701, 20210701, 43_200, 120)),
        ("2021-07-01", "Europe/Vienna", When(20210701, 20210701)),
    ],
)
def test_with_a_zone_a_time_that_carries_its_offset_is_moved_into_it(
    text: str, zone: str, when: When
) -> None:
    assert days.parse(text, zone=ZoneInfo(zone)) == when


def test_the_end_of_time_is_no_crash() -> None:
    with pytest.raises(NotADate, match="end of time"):
        days.parse("9999-12-31T23:00:00-05:00", zone=ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("text", "seconds", "offset"),
    [
        ("14:05", 50_700, None),
        ("1405", 50_700, None),
        ("01:25 PM", 48_300, None),
        ("12:00 am", 0, None),
        ("8.5", 30_600, None),
        ("0830", 30_600, None),
        ("8h30", 30_600, None),
        ("8:30 Uhr", 30_600, None),
        ("0.0", 0, None),
        ("7", 25_200, None),
        ("08:00:00+02:00", EIGHT, 120),
        ("08:00:00Z/09:00:00Z", EIGHT, 0),
    ],
)
def test_a_time_of_day_is_read_in_all_its_spellings(text: str, seconds: int, offset: int | None) -> None:
    assert days.parse_time(text) == (seconds, offset)


@pytest.mark.parametrize("text", ["dawn", "25:00", "8:61", "13:00 pm", "", "99", "0.5", "0.354166"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(NotADate):
        days.parse_time(text)


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["11/4/2011", "13/4/2011"], "DMY"),
        (["11/4/2011", "4/13/2011"], "MDY"),
        (["2011-04-11", "2011"], None),
        (["Mon 11/4/2011", "Wed 13/4/2011"], "DMY"),
        (["4/4/2011"], None),
        (["11/4/2011", "2011-04-13"], "undecided"),
        (["13/1/2011", "11/4/2011", *["3/14/2011"] * 8], "undecided"),
        (["4/13/2011", *["13/4/2011"] * 200], "DMY"),
        (["24-05-13"], "undecided"),
        (["24-05-12", "11-05-12"], "undecided"),
        (["24-05-99", "11-05-12"], "DMY"),
        ([], None),
    ],
)
def test_the_order_of_a_file_is_decided_by_evidence_and_never_guessed(
    dates: list[str], order: str | None
) -> None:
    assert days.order_of((text, "", "") for text in dates) == order


@pytest.mark.parametrize(
    ("day", "month", "order"),
    [("11", "4", "DMY"), ("04", "11", "MDY"), ("9", "9", "undecided"), ("²", "x", "undecided")],
)
def test_columns_of_day_and_month_are_evidence(day: str, month: str, order: str) -> None:
    assert days.order_of([("11/4/2011 0:00:00", day, month)]) == order


def test_tomorrow_is_likely_and_the_day_after_is_not() -> None:
    later = datetime.now(UTC).date() + timedelta(days=2)
    assert days.latest_likely() < later.year * 10_000 + later.month * 100 + later.day


@pytest.mark.parametrize(
    ("text", "may_be"), [("45415", True), ("45415.5", True), ("20240517", False), ("1999", False)]
)
def test_a_day_number_of_a_spreadsheet_is_known_by_its_size(text: str, may_be: bool) -> None:
    assert days.is_day_number(text) is may_be
