"""How ``api/draw/coast.br`` was made: Natural Earth's land and borders, from TopoJSON to few bytes.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python docs/coastline.py package/countries-10m.json

Each arc is thinned by itself, so that a border still ends where its coast bends. What lies on both sides of
the antimeridian becomes one outline, whose longitudes go beyond 180 degrees.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import brotli
import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "api" / "draw" / "coast.br"
STEP = 0.004  # degrees; the source's own steps are 0.0036 wide
COAST, BORDER, ICE = 0.008, 0.012, 0.03  # degrees that a line may move where it is thinned
_LONGEST = 60.0  # degrees between two points: more does not fit into 16 bits


def arcs_of(topology: Any) -> list[Any]:
    """The arcs as arrays of longitude and latitude in degrees."""
    scale, origin = topology["transform"]["scale"], topology["transform"]["translate"]
    return [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]


def owners(topology: Any) -> dict[int, int]:
    """How many countries share each arc: one has a coast there, two have a border."""
    shared: dict[int, int] = {}

    def walk(arcs: Any, seen: set[int]) -> None:
        for arc in arcs:
            if isinstance(arc, list):
                walk(arc, seen)
            else:
                seen.add(arc if arc >= 0 else ~arc)

    for country in topology["objects"]["countries"]["geometries"]:
        seen: set[int] = set()
        walk(country.get("arcs", []), seen)
        for arc in seen:
            shared[arc] = shared.get(arc, 0) + 1
    return shared


def thinned(points: Any, tolerance: float) -> Any:
    """A line without the points that lie within the tolerance of it (Douglas and Peucker 1973)."""
    shrink = np.array([np.cos(np.radians(min(80.0, float(np.abs(points[:, 1]).mean())))), 1.0])
    plane = points * shrink
    keep = np.abs(np.abs(points[:, 0]) - 180) < 1e-6  # what is cut there is to be found again
    keep[[0, -1]] = True
    corners = np.flatnonzero(keep).tolist()
    waiting = list(pairwise(corners))
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        along = plane[last] - plane[first]
        away = plane[first + 1 : last] - plane[first]
        share = np.clip(away @ along / max(float(along @ along), 1e-12), 0, 1)
        distance = np.hypot(*(away - share[:, None] * along).T)
        farthest = int(distance.argmax())
        if distance[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            waiting += [(first, middle), (middle, last)]
    closed = bool((points[0] == points[-1]).all())
    if closed and keep.sum() < 5 < len(points) and tolerance > STEP / 4:  # an islet keeps a shape
        return thinned(points, tolerance / 2)
    return points[keep]


def outline(arcs: list[Any], ring: list[int]) -> Any:
    """A ring of arcs as one closed line, its longitudes without a jump at the antimeridian."""
    parts = [arcs[arc] if arc >= 0 else arcs[~arc][::-1] for arc in ring]
    points = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    steps = np.diff(points[:, 0], prepend=points[0, 0])
    points[:, 0] = points[0, 0] + np.cumsum((steps + 180) % 360 - 180)
    turn = points[-1, 0] - points[0, 0]
    if abs(turn) < 1:
        return points[:-1]
    # Around the pole: three times, closed along the lower edge of the world, so that no view shows an end.
    turns = [points[:-1] + np.array([lap * turn, 0]) for lap in (-1, 0, 1)]
    ends = [[points[0, 0] + 2 * turn, points[0, 1]], [points[0, 0] + 2 * turn, -90.0]]
    return np.concatenate([*turns, ends, [[points[0, 0] - turn, -90.0]]])


def seam(points: Any) -> tuple[Any, float, float] | None:
    """An outline that is cut off at the antimeridian, opened there, and the latitudes between which."""
    on = np.abs(np.abs(points[:, 0]) - 180) < 1e-6
    if on.sum() < 2 or points[:, 1].min() < -80:
        return None
    start = next(i for i in range(len(points)) if on[i] and not on[i - 1])
    points, on = np.roll(points, -start, axis=0), np.roll(on, -start)
    end = int(np.flatnonzero(~on)[0]) - 1
    return np.concatenate([points[end:], points[:1]]), points[0, 1], points[end, 1]


def joined(outlines: list[Any]) -> list[Any]:
    """The outlines, the halves of what lies across the antimeridian made one."""
    cut = [(index, found) for index, points in enumerate(outlines) if (found := seam(points)) is not None]
    gone: set[int] = set()
    result: list[Any] = []
    for index, (points, first, last) in cut:
        for other, (rest, start, end) in cut:
            if other > index and index not in gone and abs(first - end) + abs(last - start) < 0.02:
                shift = 360 * round((points[0, 0] - rest[0, 0]) / 360)
                result.append(np.concatenate([points, rest[1:-1] + np.array([shift, 0])]))
                gone |= {index, other}
    return [points for index, points in enumerate(outlines) if index not in gone] + result


def stepped(points: Any) -> Any:
    """A line in whole steps, nothing twice, no leap too long for its place."""
    whole = np.round(points / STEP).astype(np.int64)
    whole = whole[np.concatenate([[True], (np.diff(whole, axis=0) != 0).any(1)])]
    parts = [whole[:1]]
    for before, after in pairwise(whole):
        pieces = int(np.abs(after - before).max() // (_LONGEST / STEP)) + 1
        parts.append(before + (after - before) * np.arange(1, pieces + 1)[:, None] // pieces)
    return np.concatenate(parts)


def packed(outlines: list[Any], borders: list[Any]) -> bytes:
    """How many lines of either kind; their lengths; where each begins; then the steps of all of them.

    There is none to a first point. Low bytes stand apart from high ones, longitudes from latitudes.
    """
    lines = [*outlines, *borders]
    head = [len(outlines), len(borders), *map(len, lines), *np.concatenate([line[0] for line in lines])]
    steps = np.concatenate([np.diff(line, axis=0, prepend=line[:1]) for line in lines])
    folded = ((steps << 1) ^ (steps >> 63)).astype("<u2").T.copy().view(np.uint8)
    planes = folded[:, ::2].tobytes() + folded[:, 1::2].tobytes()
    return brotli.compress(np.array(head, "<i4").tobytes() + planes, quality=11)


def main(source: Path) -> None:
    """Read the topology, write the file."""
    topology = json.loads(source.read_text(encoding="utf-8"))
    shared = owners(topology)
    arcs = [
        thinned(arc, BORDER if shared.get(index, 1) > 1 else ICE if arc[:, 1].max() < -60 else COAST)
        for index, arc in enumerate(arcs_of(topology))
    ]
    land = topology["objects"]["land"]["geometries"][0]["arcs"]
    outlines = joined([outline(arcs, ring) for polygon in land for ring in polygon])
    # The largest first: what is drawn later lies on top, and reading stops where only specks are left.
    outlines.sort(key=lambda points: -float(np.ptp(points[:, 0]) * np.ptp(points[:, 1])))
    borders = [arc for index, arc in enumerate(arcs) if shared.get(index, 1) > 1]
    TARGET.write_bytes(packed([stepped(line) for line in outlines], [stepped(line) for line in borders]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
