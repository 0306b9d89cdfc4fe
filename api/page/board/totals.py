"""The numbers in large type, each with the small line of how it came about. Knows no HTTP and no template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection

from api.page.board.fitting import Fitting
from api.page.board.spans import among, before, last_year, numbered
from api.page.board.sparks import Spark, spark
from api.page.speech import _, ngettext
from api.page.words import amount, day, years
from api.reports.buckets import after, holding, label
from api.reports.report import measured
from api.speech import first_unit, per, span, unit
from db.filters import Scope
from db.questions import counts
from db.questions.counts import Count
from db.questions.places import places

_MOST = 36
"""Buckets of a small line: the newest."""
Summing = Callable[[Sequence[Count]], float]


@dataclass(frozen=True)
class Total:
    """One number in large type."""

    label: str
    value: str
    note: str = ""
    spark: Spark | None = None
    of: str = ""
    """Which of the numbers of the summary it is, if it is one."""


def totals(
    connection: Connection, row: dict[str, Any], fitting: Fitting, measure: str, today: date
) -> tuple[Total, ...]:
    """Records, individuals, species, places, this year against the last; ``row`` is that of the summary."""
    shown: tuple[tuple[str, str, Summing], ...] = (
        ("records", _dated(row), _records),
        ("individuals", _uncounted(row["uncounted"]), _individuals),
        ("species", "", len),
    )
    found = [
        Total(first_unit(name), amount(row[name]), note, _over(fitting, name, today, sum_up), name)
        for name, note, sum_up in shown
    ]
    found.append(Total(_("Places"), amount(places(connection, fitting.scope))))
    newest = _year(connection, fitting.scope, measure, today)
    return (*found, newest) if newest else tuple(found)


def _dated(row: dict[str, Any]) -> str:
    span = years(row["firstDate"], row["lastDate"])
    if not row["undated"]:
        return span
    return _("%(years)s, %(num)s undated", years=span, num=amount(row["undated"]))


def _uncounted(number: int) -> str:
    if not number:
        return ""
    return ngettext(
        "%(num)s not counted, taken as one",
        "%(num)s not counted, taken as one each",
        number,
        num=amount(number),
    )


def _records(some: Sequence[Count]) -> float:
    return sum(count.records for count in some)


def _individuals(some: Sequence[Count]) -> float:
    return sum(count.individuals for count in some)


def _over(fitting: Fitting, name: str, today: date, sum_up: Summing) -> Spark | None:
    """A number bucket by bucket, up to the newest one that has a record and is over."""
    interval = fitting.interval()
    held: dict[int, list[Count]] = {}
    for count in fitting.counts(interval):
        held.setdefault(count.bucket, []).append(count)
    if not held:
        return None
    buckets = [min(held)]
    while buckets[-1] < max(held):
        buckets.append(after(buckets[-1], interval))
    open_one = holding(datetime(today.year, today.month, today.day), interval)
    buckets = [bucket for bucket in buckets if bucket != open_one][-_MOST:]
    if not buckets:
        return None
    said = _(
        "%(records)s %(per_interval)s, %(days)s",
        records=first_unit(name),
        per_interval=per(interval),
        days=span(day(label(buckets[0], interval)), day(label(buckets[-1], interval))),
    )
    return spark(said, [sum_up(held.get(bucket, [])) for bucket in buckets])


def _year(connection: Connection, scope: Scope, measure: str, today: date) -> Total | None:
    """The newest year with a record against the one before it; one that is not over, up to the same day."""
    per_year = {
        count.bucket: measured(count, measure)
        for count in counts.per_bucket(connection, scope, "year", apart=False)
        if count.records
    }
    newest = max(per_year, default=0)
    if not newest:
        return None
    if not _holds_both(scope, newest, today):
        return Total(str(newest), amount(per_year[newest]), unit(measure))
    if newest == today.year:
        return _so_far(connection, scope, measure, today)
    now, then = per_year[newest], per_year.get(newest - 1, 0)
    return Total(str(newest), amount(now), _against(now, then, measure, str(newest - 1)))


def _holds_both(scope: Scope, year: int, today: date) -> bool:
    """Whether the filters leave all of a year, as far as it has come, and all of the one before it."""
    filters = scope.filters
    if len(filters.days) + len(filters.years) > 1:
        return False
    first, last = filters.outer_days
    return first <= (year - 1) * 10_000 + 101 and last >= min(year * 10_000 + 1231, numbered(today))


def _so_far(connection: Connection, scope: Scope, measure: str, today: date) -> Total:
    now = _days(connection, scope, measure, today)
    then = _days(connection, scope, measure, last_year(today))
    said = _(
        "%(records)s of %(year)s added up day by day, beside those of %(before)s",
        records=first_unit(measure),
        year=today.year,
        before=today.year - 1,
    )
    line = spark(said, list(accumulate(now)), list(accumulate(then)) if any(then) else ())
    against = _against(sum(now), sum(then), measure, _("%(year)s by this day", year=today.year - 1))
    return Total(_("%(year)s so far", year=today.year), amount(sum(now)), against, line)


def _days(connection: Connection, scope: Scope, measure: str, until: date) -> list[float]:
    """How much on each day of a year up to a day."""
    first, last = until.year * 10_000 + 101, numbered(until)
    found = counts.per_bucket(connection, among(scope, first, last), "day", apart=False)
    held = {count.bucket: measured(count, measure) for count in found}
    number = (until - date(until.year, 1, 1)).days
    return [held.get(before(last, number - at), 0) for at in range(number + 1)]


def _against(now: float, then: float, measure: str, when: str) -> str:
    """In words, because a plus sign alone does not say more of what."""
    told = {"measure": unit(measure), "when": when}
    if not then:
        return _("%(measure)s; none in %(when)s", **told)
    if now == then:
        return _("%(measure)s, as many as in %(when)s", **told)
    if now >= 3 * then:
        return _("%(measure)s; %(amount)s in %(when)s", amount=amount(then), **told)
    percent = round(abs(now - then) * 100 / then) or "<1"
    if now > then:
        return _("%(measure)s, %(percent)s %% more than in %(when)s", percent=percent, **told)
    return _("%(measure)s, %(percent)s %% fewer than in %(when)s", percent=percent, **told)
