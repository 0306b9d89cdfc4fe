"""Which interval fits the data, where nobody chose one. Knows no page and no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from api.asking.parameters import Interval
from db.filters import Scope
from db.questions import counts
from db.questions.counts import Count

_MONTHS_BY_YEAR = 48
_MONTHS_BY_MONTH = 4


@dataclass
class Fitting:
    """Asks once for all taxa of a scope what their dates are like; tells the interval for all or for one.

    The interval follows from the span of the dates, and grows coarser until at least half of the records are
    dated precisely enough to be counted in it.
    """

    connection: Connection
    scope: Scope
    totals: Sequence[Count]
    _asked: dict[str, list[Count]] = field(default_factory=dict)

    def interval(self, taxon: int | None = None) -> Interval:
        """Year beyond four years, month beyond four months, else day."""
        months = sorted({count.bucket for count in self.counts("month", taxon)})
        if not months or not self._most("month", taxon):
            return "year"
        span = _index(months[-1]) - _index(months[0]) + 1
        if span > _MONTHS_BY_YEAR:
            return "year"
        return "month" if span > _MONTHS_BY_MONTH or not self._most("day", taxon) else "day"

    def dated(self, taxon: int) -> bool:
        """Whether a taxon has records that are dated to a month at least."""
        return bool(self.counts("month", taxon))

    def _most(self, interval: str, taxon: int | None) -> bool:
        precise = sum(count.records for count in self.counts(interval, taxon))
        return 2 * precise >= sum(count.records for count in _of(self.totals, taxon))

    def counts(self, interval: str, taxon: int | None = None) -> list[Count]:
        """What there is in each bucket of an interval, of all taxa or of one."""
        if interval not in self._asked:
            found = counts.per_bucket(self.connection, self.scope, interval)
            self._asked[interval] = [count for count in found if count.records]
        return _of(self._asked[interval], taxon)


def _of(found: Sequence[Count], taxon: int | None) -> list[Count]:
    return [count for count in found if taxon is None or count.taxon_id == taxon]


def _index(month: int) -> int:
    return month // 100 * 12 + month % 100
