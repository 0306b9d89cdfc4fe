"""One way of drawing, in a process of its own: reads how many charts to draw, prints each one's CPU time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date

from bench.reading import COUNTS, YEARS

ANIMAL = "Deer"


def _ours() -> Callable[[], bytes]:
    from api.draw import Line, Look, Point, Words, timeline

    def draw() -> bytes:
        points = tuple(
            Point(str(year), date(year, 1, 1), count)
            for year, count in zip(YEARS, COUNTS[ANIMAL], strict=True)
        )
        words = Words(f"{ANIMAL} Sightings", measure=f"{ANIMAL} Sightings", description="Sightings per year")
        return timeline([Line(ANIMAL, points)], "year", words, Look()).svg()

    return draw


def _theirs() -> Callable[[], bytes]:
    from bench.reading import draw

    return lambda: draw(YEARS, COUNTS[ANIMAL], ANIMAL)


WAYS = {"ours": _ours, "theirs": _theirs}


def main() -> None:
    """One line of milliseconds for each line that asks for a number of charts."""
    draw = WAYS[sys.argv[1]]()
    for line in sys.stdin:
        spent = []
        for _ in range(int(line)):
            started = time.process_time()
            draw()
            spent.append(f"{(time.process_time() - started) * 1000:.3f}")
        print(" ".join(spent), flush=True)


if __name__ == "__main__":
    main()
