"""Buckets of time as the database numbers them (db.models.Rollup): labels, starts, neighbours."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from db.filters import Filters


def holding(moment: datetime, interval: str) -> int:
    """The bucket that a moment lies in."""
    day = (moment.year * 100 + moment.month) * 100 + moment.day
    match interval:
        case "year":
            return moment.year
        case "month":
            return day // 100
        case "week":
            year, week, _ = moment.isocalendar()
            return year * 1000 + week
        case "hour":
            return day * 100 + moment.hour
        case _:
            return day


def label(bucket: int, interval: str) -> str:
    """2011, 2011-04, 2011-W07, 2011-04-11 or 2011-04-11T05."""
    match interval:
        case "year":
            return f"{bucket:04}"
        case "month":
            return f"{bucket // 100:04}-{bucket % 100:02}"
        case "week":
            return f"{bucket // 1000:04}-W{bucket % 1000:02}"
        case "hour":
            return f"{label(bucket // 100, 'day')}T{bucket % 100:02}"
        case _:
            return f"{bucket // 10_000:04}-{bucket // 100 % 100:02}-{bucket % 100:02}"


def labelled(written: str, interval: str) -> int:
    """The bucket of a label."""
    digits = "".join(character for character in written if character.isdigit())
    return int(f"{digits[:4]}0{digits[4:]}") if interval == "week" else int(digits)


def start(bucket: int, interval: str) -> date:
    """The first day of a bucket; for an hour its moment."""
    match interval:
        case "year":
            return date(bucket, 1, 1)
        case "month":
            return date(bucket // 100, bucket % 100, 1)
        case "week":
            return date.fromisocalendar(bucket // 1000, bucket % 1000, 1)
        case "hour":
            day = bucket // 100
            return datetime(day // 10_000, day // 100 % 100, day % 100, bucket % 100)
        case _:
            return date(bucket // 10_000, bucket // 100 % 100, bucket % 100)


def after(bucket: int, interval: str) -> int:
    """The next bucket."""
    first = start(bucket, interval)
    if interval == "year":
        return bucket + 1
    if interval == "month":
        return bucket + 1 if bucket % 100 < 12 else bucket + 89
    step = {"week": timedelta(days=7), "hour": timedelta(hours=1)}.get(interval, timedelta(days=1))
    following = first + step
    return holding(datetime(*following.timetuple()[:4]), interval)


def under_way(moment: datetime, interval: str | None, filters: Filters) -> int | None:
    """The bucket that a moment has not ended yet, if an answer restricted like this goes that far."""
    if interval is None:
        return None
    first, last = filters.outer_days
    today = holding(moment, "day")
    return holding(moment, interval) if first <= today <= last else None
