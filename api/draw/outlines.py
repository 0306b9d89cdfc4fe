"""What of the world's lines a view shows, in pixels: chosen, cut at its edges, thinned. Knows no drawing."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from api.draw.coast import Lines
from api.draw.projection import View

_SPECK = 1.5  # pixels: what is smaller in both directions is not drawn
_GRAIN = 1.0  # pixels between two points that are worth telling apart
_BEND = 0.6  # pixels that a line may move when a point is left out


def filled(lines: Lines, view: View) -> list[Any]:
    """Closed outlines as arrays of x and y; the edge of the view closes what goes on beyond it."""
    found = []
    for points, starts, boxes in _near(lines, view):
        box = view.box
        whole = (boxes[:, 0] >= box.left) & (boxes[:, 1] >= box.top)
        whole &= (boxes[:, 2] <= box.right) & (boxes[:, 3] <= box.bottom)
        ends = np.append(starts[1:], len(points))
        for inside, start, end in zip(whole.tolist(), starts.tolist(), ends.tolist(), strict=True):
            outline = points[start:end] if inside else _clipped(points[start:end], view)
            if len(outline) > 2:
                found.append(outline)
    return _thinned(found, closed=True)


def drawn(lines: Lines, view: View) -> list[Any]:
    """Open lines as arrays of x and y, cut where the view ends."""
    found = []
    for points, starts, _ in _near(lines, view):
        for line in _thinned(np.split(points, starts[1:]), closed=False):
            found += _cut(line, view)
    return found


def _near(lines: Lines, view: View) -> Iterator[tuple[Any, Any, Any]]:
    """Points, beginnings and boxes, in pixels, of the lines that meet the view, as often as they do."""
    shown, box = view.shown, view.box
    large = ((lines.boxes[:, 2:] - lines.boxes[:, :2]) * (view.across, view.up)).max(axis=1) >= _SPECK
    around = lines.boxes[:, 2] - lines.boxes[:, 0] > 540  # the ice of the south: there three times already
    for turn in (-360, 0, 360):
        west, east = lines.boxes[:, 0] + turn, lines.boxes[:, 2] + turn
        meets = (west < shown.east) & (east > shown.west)
        meets &= (lines.boxes[:, 1] < shown.north) & (lines.boxes[:, 3] > shown.south)
        meets &= large & (~around | (turn == 0))
        if meets.any():
            some = lines.some(meets)
            scale = np.array([view.across, -view.up])
            origin = np.array([box.left - (shown.west - turn) * view.across, box.top + shown.north * view.up])
            corners = some.boxes[:, [0, 3, 2, 1]] * np.tile(scale, 2) + np.tile(origin, 2)
            yield some.points * scale + origin, some.starts, corners


def _clipped(points: Any, view: View) -> Any:
    """What of an outline lies in the view (Sutherland and Hodgman 1974): one half-plane after the other."""
    box = view.box
    for axis, sign, edge in ((0, 1, box.left), (0, -1, box.right), (1, 1, box.top), (1, -1, box.bottom)):
        if not len(points):
            break
        depth = (points[:, axis] - edge) * sign
        following, deep = np.roll(points, -1, axis=0), np.roll(depth, -1)
        crossing = (depth >= 0) != (deep >= 0)
        share = np.divide(depth, depth - deep, out=np.zeros_like(depth), where=crossing)
        steps = np.stack([points + (following - points) * share[:, None], following], axis=1)
        points = steps[np.stack([crossing, deep >= 0], axis=1)]
    return points


def _cut(line: Any, view: View) -> list[Any]:
    """The parts of a line that lie in the view (Liang and Barsky 1984), segment by segment."""
    box, start, step = view.box, line[:-1], np.diff(line, axis=0)
    enter, leave = np.zeros(len(step)), np.ones(len(step))
    for axis, sign, edge in ((0, 1, box.left), (0, -1, box.right), (1, 1, box.top), (1, -1, box.bottom)):
        depth, gain = (start[:, axis] - edge) * sign, step[:, axis] * sign
        share = np.divide(-depth, gain, out=np.zeros_like(depth), where=gain != 0)
        enter = np.where(gain > 0, np.maximum(enter, share), enter)
        leave = np.where(gain < 0, np.minimum(leave, share), leave)
        leave = np.where((gain == 0) & (depth < 0), -1.0, leave)
    seen = enter < leave
    parts: list[list[Any]] = []
    for index in np.flatnonzero(seen).tolist():
        if not parts or enter[index] > 0 or not seen[index - 1] or leave[index - 1] < 1:
            parts.append([start[index] + step[index] * enter[index]])
        parts[-1].append(start[index] + step[index] * leave[index])
    return [np.array(part) for part in parts]


def _thinned(lines: list[Any], *, closed: bool) -> list[Any]:
    """The lines without points that nobody could tell apart at this size; all of them at once, for speed."""
    if not lines:
        return []
    points, lengths = np.concatenate(lines), np.array([len(line) for line in lines])
    line = np.repeat(np.arange(len(lines)), lengths)
    grain = np.floor(points / _GRAIN)
    points, line = _without(points, line, (np.diff(grain, axis=0) == 0).all(axis=1), None)
    for parity in (0, 1, 0, 1):
        chord = points[2:] - points[:-2]
        away = points[1:-1] - points[:-2]
        long = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-9)
        flat = np.abs(chord[:, 0] * away[:, 1] - chord[:, 1] * away[:, 0]) / long < _BEND
        flat &= np.hypot(away[:, 0], away[:, 1]) < long
        points, line = _without(points, line, flat, parity)
    parts = np.split(points, np.flatnonzero(np.diff(line)) + 1)
    return [part for part in parts if len(part) > (2 if closed else 1)]


def _without(points: Any, line: Any, idle: Any, parity: int | None) -> tuple[Any, Any]:
    """The points but the idle ones, which the ends of a line never are; of two neighbours only one goes."""
    inner = np.zeros(len(points), bool)
    inner[1:-1] = (line[1:-1] == line[:-2]) & (line[1:-1] == line[2:])
    gone = np.zeros(len(points), bool)
    gone[1 : 1 + len(idle)] = idle
    gone &= inner
    if parity is not None:
        gone &= np.arange(len(points)) % 2 == parity
    return points[~gone], line[~gone]
