"""Small lines beside a number, as points of an SVG that stands in the page. Knows no data and no dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, _EDGE = 120, 28, 2


@dataclass(frozen=True)
class Spark:
    """One or two lines on one scale from zero, and in words what they are of."""

    said: str
    line: str
    """The points of a polyline within WIDTH and HEIGHT."""
    other: str = ""
    """Those of what it is compared with."""
    width: int = WIDTH
    height: int = HEIGHT


def spark(said: str, values: Sequence[float], other: Sequence[float] = ()) -> Spark | None:
    """The line of these values at equal distances; None where there are too few to be a line."""
    if len(values) < 2 and len(other) < 2:
        return None
    steps, most = max(len(values), len(other)) - 1, max(*values, *other, 0) or 1
    return Spark(said, _points(values, steps, most), _points(other, steps, most))


def _points(values: Sequence[float], steps: int, most: float) -> str:
    room = HEIGHT - 2 * _EDGE
    return " ".join(
        f"{_EDGE + at * (WIDTH - 2 * _EDGE) / steps:.1f},{HEIGHT - _EDGE - room * value / most:.1f}"
        for at, value in enumerate(values)
    )
