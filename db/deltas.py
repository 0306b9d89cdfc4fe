"""What a run adds to the counts and takes from them, summed as the rows come by; asks no database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from db.arrow import pa, pc
from db.grains import TO_A_DAY, cells_of, hour_bucket, hour_of, iso_week
from db.models import FOREVER

Numbers = np.ndarray[Any, np.dtype[Any]]
"""One of NumPy's arrays; those of one call are of equal length."""
Counts = Sequence[Numbers]
"""Records, individuals, uncounted, absences: of many rows, side by side."""
KINDS = (np.int32, np.float64, np.int32, np.int32)
"""Half the memory: no run has two thousand million rows."""

_TAXON_BITS = 32
_TAXON = (1 << _TAXON_BITS) - 1
_DAYS = 10**8
_NEITHER = -1


class Rows(NamedTuple):
    """Rows of ``rollup`` of one feed, one for each bucket and taxon, in this order."""

    bucket: Numbers
    taxon_id: Numbers
    records: Numbers
    individuals: Numbers
    uncounted: Numbers
    absences: Numbers


class _Sums:
    """Counts per key, some rows after the others."""

    def __init__(self) -> None:
        self._keys: Numbers = np.empty(0, np.int64)
        self._counts: list[Numbers] = [np.empty(0, kind) for kind in KINDS]
        self._waiting: list[tuple[Numbers, ...]] = []
        self._rows = 0

    def add(self, keys: Numbers, counts: Counts) -> None:
        self._waiting.append((keys, *counts))
        self._rows += len(keys)
        if self._rows > _MANY:
            self.total()

    def total(self) -> tuple[Numbers, ...]:
        """The keys, in their order, and the counts of each."""
        if self._waiting:
            keys, *counts = (np.concatenate(column) for column in zip(*self._waiting, strict=True))
            self._waiting, self._rows = [], 0
            self._merge(*_summed(keys, counts))
        return (self._keys, *self._counts)

    def _merge(self, keys: Numbers, *counts: Numbers) -> None:
        """Add to the keys that are there; of a long input, most are. To sort all anew takes more room."""
        places = np.searchsorted(self._keys, keys)
        known = places < len(self._keys)
        known[known] = self._keys[places[known]] == keys[known]
        for total, more in zip(self._counts, counts, strict=True):
            total[places[known]] += more[known]
        if not known.all():
            new, behind = ~known, places[~known]
            self._keys = np.insert(self._keys, behind, keys[new])
            for place, more in enumerate(counts):  # one is let go before the next is made
                self._counts[place] = np.insert(self._counts[place], behind, more[new])


_MANY = 200_000


def _summed(keys: Numbers, counts: Counts) -> tuple[Numbers, ...]:
    if not len(keys):
        return (keys, *counts)
    order = np.argsort(keys)
    return _in_order(keys[order], [one[order] for one in counts])


def _in_order(keys: Numbers, counts: Counts) -> tuple[Numbers, ...]:
    """The sums per key of what is sorted by keys."""
    if not len(keys):
        return (keys, *counts)
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    sums = (np.add.reduceat(one, starts, dtype=one.dtype) for one in counts)
    return (keys[starts], *sums)


class Delta:
    """What a run adds to the counts: per taxon and interval of days, hour of the day and cell of the map."""

    def __init__(self) -> None:
        self._intervals: dict[int, int] = {}
        """Intervals of days, by both ends, numbered as they come; far fewer than rows."""
        self._days, self._hours, self._cells = _Sums(), _Sums(), _Sums()
        self._of_all: list[tuple[Numbers, ...]] = []

    def add(self, rows: Mapping[str, pa.Array]) -> None:
        """Count some sightings: columns under the names of ``sighting``, what is not known is null."""
        taxa, counts = rows["taxon_id"].to_numpy(), _counts(rows)
        first, last = (pc.fill_null(rows[name], 0).to_numpy() for name in ("first_day", "last_day"))
        self.add_days(first, last, taxa, counts)
        for add, (chosen, buckets) in (
            (self.add_hours, _hours(rows, first, last)),
            (self.add_cells, _cells(rows)),
        ):
            if len(buckets):
                add(buckets, taxa[chosen], [count[chosen] for count in counts])

    def add_days(self, first: Numbers, last: Numbers, taxa: Numbers, counts: Counts) -> None:
        """Counts of some taxa in intervals of days; 0 for both ends where none is known."""
        intervals = pc.dictionary_encode(pa.array(first * _DAYS + last))
        known = self._intervals
        numbers = [known.setdefault(interval, len(known)) for interval in intervals.dictionary.to_pylist()]
        self._days.add(_key(np.array(numbers, np.int64)[intervals.indices.to_numpy()], taxa), counts)

    def add_hours(self, buckets: Numbers, taxa: Numbers, counts: Counts) -> None:
        """Counts of some taxa in hours of the day."""
        self._hours.add(_key(buckets, taxa), counts)

    def add_cells(self, buckets: Numbers, taxa: Numbers, counts: Counts) -> None:
        """Counts of some taxa in cells of the map."""
        self._cells.add(_key(buckets, taxa), counts)

    def __bool__(self) -> bool:
        return bool(self._intervals)

    def rows(self) -> Iterator[Rows]:
        """What changes of ``rollup``, grain by grain, in the order of its key."""
        self._of_all = []
        for rows in self._by_grain():
            self._of_all.append(_in_order(rows.bucket, rows[2:]))
            yield rows

    def of_all(self) -> Iterator[tuple[Numbers, ...]]:
        """What changes of ``rollup_of_all``, buckets and counts; to be asked when all ``rows`` were taken."""
        yield from self._of_all

    def _by_grain(self) -> Iterator[Rows]:
        first, last = self._ends()
        keys, *counts = self._days.total()
        for grain in _GRAINS:
            buckets = grain(first, last)
            sums = _Sums()
            for start in range(0, len(keys), _MANY):
                some = slice(start, start + _MANY)
                in_bucket = buckets[keys[some] >> _TAXON_BITS]
                has_one = in_bucket != _NEITHER
                of_grain = _key(in_bucket[has_one], (keys[some] & _TAXON)[has_one])
                sums.add(of_grain, [count[some][has_one] for count in counts])
            yield _rows(*sums.total())
        yield _rows(*self._hours.total())
        yield _rows(*self._cells.total())

    def days(self) -> tuple[int | None, int | None]:
        """The first and the last day of all that has one."""
        first, last = self._ends()
        dated = first > 0
        return (int(first[dated].min()), int(last[dated].max())) if dated.any() else (None, None)

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """Each taxon with its first and last day; 0 and FOREVER where something of it has none."""
        first, last = self._ends()
        keys = self._days.total()[0]
        size = int((keys & _TAXON).max(initial=0)) + 1
        starts, ends = np.full(size, FOREVER), np.full(size, _NEITHER)
        for start in range(0, len(keys), _MANY):
            some = keys[start : start + _MANY]
            taxa, intervals = some & _TAXON, some >> _TAXON_BITS
            np.minimum.at(starts, taxa, first[intervals])
            np.maximum.at(ends, taxa, np.where(first > 0, last, FOREVER)[intervals])
        taxa = np.flatnonzero(ends != _NEITHER)
        return zip(taxa.tolist(), starts[taxa].tolist(), ends[taxa].tolist(), strict=True)

    def _ends(self) -> tuple[Numbers, Numbers]:
        first, last = np.divmod(np.fromiter(self._intervals, np.int64, len(self._intervals)), _DAYS)
        return first, last


def _key(buckets: Numbers, taxa: Numbers) -> Numbers:
    """Bucket and taxon as one number, which sorts as the two do."""
    return (buckets.astype(np.int64) << _TAXON_BITS) | taxa


def _rows(keys: Numbers, *counts: Numbers) -> Rows:
    return Rows(keys >> _TAXON_BITS, keys & _TAXON, *counts)


def _counts(rows: Mapping[str, pa.Array]) -> list[Numbers]:
    """The four counts of each sighting; ``db.measures`` says the same in SQL."""
    present = pc.invert(rows["absent"])
    counted = pc.if_else(present, pc.fill_null(rows["individual_count"], 1.0), 0.0)
    uncounted = pc.and_(present, pc.is_null(rows["individual_count"]))
    columns = (present, counted, uncounted, rows["absent"])
    return [
        column.to_numpy(zero_copy_only=False).astype(kind)
        for column, kind in zip(columns, KINDS, strict=True)
    ]


def _hours(rows: Mapping[str, pa.Array], first: Numbers, last: Numbers) -> tuple[Numbers, Numbers]:
    """Which rows have one year and a time of day, and the bucket of each of these."""
    year = first // 10_000
    timed = rows["time_of_day"].is_valid().to_numpy(zero_copy_only=False) & (year > 0)
    timed &= year == last // 10_000
    times = rows["time_of_day"].filter(pa.array(timed)).to_numpy()
    return timed, hour_bucket(year[timed], hour_of(times))


def _cells(rows: Mapping[str, pa.Array]) -> tuple[Numbers, Numbers]:
    """Which rows a map may show, and the cell of each of these."""
    north, east = rows["decimal_latitude"], rows["decimal_longitude"]
    shown = pc.and_(pc.invert(rows["geospatial_issue"]), pc.and_(north.is_valid(), east.is_valid()))
    buckets = cells_of(*(degrees.filter(shown).to_numpy() for degrees in (north, east)))
    return shown.to_numpy(zero_copy_only=False), buckets


def _all_time(first: Numbers, last: Numbers) -> Numbers:
    return np.zeros(len(first), np.int64)


def _one(of: Callable[[Numbers], Numbers]) -> Callable[[Numbers, Numbers], Numbers]:
    """The bucket that both ends of an interval lie in, where it has ends and they do."""
    return lambda first, last: np.where((first > 0) & (of(first) == of(last)), of(first), _NEITHER)


def _weeks(days: Numbers) -> Numbers:
    """Neither database can say it in a way that the other understands."""
    return np.array([iso_week(day) if day else 0 for day in days.tolist()], np.int64)


def _to_a_day(first: Numbers, last: Numbers) -> Numbers:
    return np.where((first > 0) & (first == last), TO_A_DAY, _NEITHER)


_GRAINS = (
    _all_time,
    _to_a_day,
    _one(lambda days: days // 10_000),
    _one(lambda days: days // 100),
    _one(_weeks),
    _one(lambda days: days),
)
"""For each grain the bucket of an interval of days, _NEITHER for one that lies in none."""
