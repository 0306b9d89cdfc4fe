"""Values sorted into a few classes that a ramp can show, with round limits. Knows no colours and no chart."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from api.draw.frame import next_nice
from api.draw.words import number

MOST = 5
_WIDE = 10.0  # from this ratio of the largest to the smallest on, classes grow with the values


@dataclass(frozen=True)
class Classes:
    """Where each class begins, the lowest first, and the largest value there is."""

    limits: tuple[float, ...]
    largest: float
    whole: bool

    def of(self, value: float) -> int:
        """The class of a value, counted from 0."""
        return max(0, bisect_right(self.limits, value) - 1)

    def labels(self) -> list[str]:
        """Each class as a reader sees it: 1, 2–4, 5–12; where values are no whole numbers, from where on."""
        tops = [*self.limits[1:], self.largest]
        if not self.whole:
            return [f"{number(low)}\u2009+" for low in self.limits]
        last = len(tops) - 1
        ends = [top if index == last else top - 1 for index, top in enumerate(tops)]
        return [
            number(low) if low == end else f"{number(low)}\u2013{number(end)}"
            for low, end in zip(self.limits, ends, strict=True)
        ]


def classes(values: Sequence[float]) -> Classes:
    """At most five classes of positive values: even steps where they are alike, else even ratios."""
    low, high = min(values), max(values)
    whole = all(value == int(value) for value in values)
    limits = _even(low, high, whole=whole) if high < low * _WIDE else _growing(low, high)
    used = {bisect_right(limits, value) - 1 for value in values}
    # A class that nothing is in joins the one below.
    limits = [limit for index, limit in enumerate(limits) if index in used]
    return Classes((low, *limits[1:]), high, whole)


def _even(low: float, high: float, *, whole: bool) -> list[float]:
    if high == low:
        return [low]
    step = next_nice((high - low) / (MOST - 1), whole=whole)
    if whole and high - low < MOST:
        step = 1
    first = math.floor(low / step + 1e-9)
    limits = [round(index * step, 9) for index in range(first, math.floor(high / step + 1e-9) + 1)]
    return [low, *(limit for limit in limits if limit > low)]


def _growing(low: float, high: float) -> list[float]:
    ratio = (high / low) ** (1 / MOST)
    limits = [low]
    for index in range(1, MOST):
        limit = _round(low * ratio**index)
        if limits[-1] < limit <= high:
            limits.append(limit)
    return limits


def _round(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten, by ratio."""
    power = 10.0 ** math.floor(math.log10(value))
    nearest = min((1, 2, 5, 10), key=lambda factor: abs(math.log(value / (factor * power))))
    return round(nearest * power, 9)
