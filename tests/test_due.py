"""When a feed is read: missed times are one, whatever the clock does, and failures make the pauses longer."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import time_machine

from ingest.due import LONGEST_PAUSE, Due, pause
from ingest.times import Once, after_jump

NOON = datetime(2024, 5, 17, 12, tzinfo=UTC)
OSLO = ZoneInfo("Europe/Oslo")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def told(started: datetime) -> dict[str, str]:
    """A last run as the ledger tells it."""
    return {"startedAt": started.strftime("%Y-%m-%dT%H:%M:%SZ")}


def times(trigger: Once, start: datetime, number: int) -> list[datetime]:
    """The first times from then on, asked for as the scheduler does."""
    found: list[datetime] = []
    previous, now = None, start
    for _ in range(number):
        previous = trigger.get_next_fire_time(previous, now)
        assert previous is not None
        found.append(previous)
        now = previous
    return found


@pytest.mark.parametrize(
    ("every", "cron", "last", "first"),
    [
        (3600, None, None, NOON),
        (3600, None, NOON - timedelta(hours=7), NOON),
        (3600, None, NOON - timedelta(minutes=20), NOON + timedelta(minutes=40)),
        (None, "0 6 * * *", NOON - timedelta(days=3), NOON),
        (None, "0 6 * * *", NOON - timedelta(hours=2), NOON.replace(hour=6) + timedelta(days=1)),
        (None, "0 6 * * *", None, NOON),
        (3600, None, NOON + timedelta(days=400), NOON),
    ],
)
def test_a_feed_is_due_at_once_if_it_is_overdue_and_else_in_its_time(
    every: int | None, cron: str | None, last: datetime | None, first: datetime
) -> None:
    due = Due("birds", "birds.csv", every, cron)
    assert abs(due.first(NOON, told(last) if last else None) - first) <= timedelta(seconds=1)


def test_a_feed_is_overdue_when_it_was_not_read_long_after_its_time() -> None:
    hourly, paused = Due("birds", "birds.csv", 3600), Due("birds", "birds.csv", 3600, paused=True)
    for hours, overdue in ((0.5, False), (1.5, False), (2.5, True), (-50, False)):
        last = told(NOON - hours * HOUR)
        assert (hourly.is_overdue(NOON, last), paused.is_overdue(NOON, last)) == (overdue, False)
    assert not hourly.is_overdue(NOON, None)
    daily = Due("birds", "birds.csv", cron="0 6 * * *")
    assert daily.is_overdue(NOON, told(NOON - DAY))
    assert not daily.is_overdue(NOON, told(NOON - 7 * HOUR + DAY - DAY + 2 * HOUR))


@pytest.mark.parametrize("due", [Due("a", "a", 1), Due("a", "a", cron="* * * * *")])
def test_a_clock_that_jumps_by_decades_costs_no_walk_over_all_the_times_between(due: Due) -> None:
    with time_machine.travel(datetime(1970, 1, 2, tzinfo=UTC), tick=False):
        trigger = due.trigger()
        (planned,) = times(trigger, datetime.now(UTC), 1)
    started = time.perf_counter()
    following = trigger.get_next_fire_time(planned, NOON)
    assert following is not None
    assert NOON < following <= NOON + timedelta(minutes=1)
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize("night", [datetime(2024, 3, 30, 12), datetime(2024, 10, 26, 12)])
@pytest.mark.parametrize(
    ("due", "gap"),
    [
        (Due("a", "a", 3600), HOUR),
        (Due("a", "a", cron="30 1 * * *"), DAY),
        (Due("a", "a", cron="0 * * * *"), HOUR),
    ],
)
def test_the_hour_that_is_missing_or_comes_twice_is_an_hour_like_any_other(
    night: datetime, due: Due, gap: timedelta
) -> None:
    with time_machine.travel(night.replace(tzinfo=OSLO), tick=False):
        found = times(due.trigger(), datetime.now(UTC), 30)
    assert {later - earlier for earlier, later in pairwise(found)} == {gap}


def test_a_clock_that_is_set_back_keeps_a_feed_waiting_no_longer_than_its_period() -> None:
    hourly, daily = Due("a", "a", 3600).trigger(), Due("a", "a", cron="0 6 * * *").trigger()
    back, now = timedelta(hours=-2), NOON - timedelta(hours=2)
    assert after_jump(hourly, NOON + HOUR / 2, back, now) == now + HOUR / 2
    assert after_jump(hourly, NOON - HOUR, back, now) == now
    assert after_jump(daily, NOON.replace(hour=6) + DAY, back, now) == NOON.replace(hour=6) + DAY
    early = NOON.replace(hour=5)
    assert after_jump(daily, NOON.replace(hour=6) + DAY, back, early) == NOON.replace(hour=6)


def test_the_pause_of_a_feed_that_fails_doubles_up_to_an_hour() -> None:
    assert [pause(failures, 30).total_seconds() for failures in (1, 2, 3, 4, 8, 9, 10_000)] == [
        *(30, 60, 120, 240, 3600, 3600, 3600),
    ]
    assert pause(10_000, 86_400) == LONGEST_PAUSE
