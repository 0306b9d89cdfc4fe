"""Heat: values as shades in cells, and the legend that says what a shade stands for. Knows no calendar."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.draw.classes import Classes, classes
from api.draw.frame import Box
from api.draw.labels import Key
from api.draw.legend import inks
from api.draw.look import RAMP
from api.draw.named import Named
from api.draw.sheet import GAP, Sheet
from api.draw.words import THIN, clean, number, width
from api.speech import _

PALE = 0.55  # how much of its ink a band has that something is drawn upon
TITLED = 400  # more cells leave out their titles, which only repeat their data


@dataclass(frozen=True)
class Tile:
    """A cell that has a value: 0 is drawn as an empty frame, what is `partial` is hollow and dashed.

    Its shade goes by `weight`, which is the value itself where no share of something is shown.
    """

    box: Box
    value: float
    weight: float
    named: Named
    partial: bool = False


@dataclass(frozen=True)
class Shades:
    """Weights to inks: the shade of a weight is the last one whose bound it reaches."""

    bounds: tuple[float, ...] = ()
    inks: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def ink(self, weight: float) -> str:
        """The shade of a weight above 0."""
        return self.inks[max(0, bisect_right(self.bounds, weight) - 1)]


def shades(weights: Iterable[float]) -> Shades:
    """The shades of these weights; 0 has none."""
    known = [weight for weight in weights if weight > 0]
    if not known:
        return Shades()
    scale = classes(known)
    return Shades(scale.limits, tuple(inks(scale)), tuple(scale.labels()))


def shares(bounds: Sequence[float]) -> Shades:
    """Shades for shares of a whole; bounds in per cent, the first of them 0."""
    texts = [f">0{THIN}%", *(f"{number(bound)}{THIN}%+" for bound in bounds[1:])]
    return Shades(tuple(bounds), tuple(inks(Classes(tuple(bounds), 100, whole=False))), tuple(texts))


def edges(start: float, end: float, count: int, most: float = math.inf) -> list[float]:
    """Where `count` equal cells between two pixels begin and end, on whole pixels, so that they are crisp.

    They fill the room, or are `most` pixels each where that is less.
    """
    step = min(most, (end - start) / count)
    step = float(int(step)) if step >= 12 else step
    return [float(round(start + step * index)) for index in range(count + 1)]


def draw_tiles(sheet: Sheet, tiles: Sequence[Tile], scale: Shades) -> None:
    """Fill the cells, those of one shade and size together; call `draw_frames` when the lattice is drawn."""
    alike: dict[tuple[str, float, float], list[Tile]] = {}
    for tile in tiles:
        ink = scale.ink(tile.weight) if tile.weight > 0 else "paper"
        alike.setdefault((ink, tile.box.wide, tile.box.high), []).append(tile)
    for (ink, wide, high), some in sorted(alike.items(), key=lambda one: one[0]):
        full = [tile for tile in some if not _hollow(tile)]
        if full:
            corners = [(tile.box.left, tile.box.top) for tile in full]
            sheet.tiles(corners, wide, high, ink, [tile.named for tile in full])
        for tile in filter(_hollow, some):
            # Without a name: its hollow lies on top of it and is what the pointer finds.
            sheet.block(tile.box.left, tile.box.top, wide, high, ink)


def _hollow(tile: Tile) -> bool:
    return tile.partial and tile.weight > 0


def draw_frames(sheet: Sheet, tiles: Sequence[Tile]) -> None:
    """The frames of what is 0, and of what is still under way."""
    for tile in filter(_hollow, tiles):
        rim = min(4.0, max(1.5, min(tile.box.wide, tile.box.high) * 0.18))
        inner = _inset(tile.box, rim)
        sheet.block(inner.left, inner.top, inner.wide, inner.high, "paper", tile.named)
    zeros = [_inset(tile.box, 1) for tile in tiles if tile.weight <= 0 and not tile.partial]
    for boxes, ink, dashes in (
        (zeros, "rest", None),
        ([_inset(tile.box, 0.5) for tile in tiles if tile.partial], "ink", (2.2, 1.6)),
    ):
        if boxes:
            xs = [x for box in boxes for x in (box.left, box.right, box.right, box.left, box.left, GAP)]
            ys = [y for box in boxes for y in (box.top, box.top, box.bottom, box.bottom, box.top, GAP)]
            sheet.line(xs, ys, ink, 1, dashes=dashes)


def _inset(box: Box, rim: float) -> Box:
    return Box(box.left + rim, box.top + rim, box.right - rim, box.bottom - rim)


def write_values(sheet: Sheet, tiles: Sequence[Tile], scale: Shades) -> None:
    """The number in each cell, if there is room for it in all of them."""
    size = sheet.look.size("small")
    room = [tile.box.high >= size * 1.35 and width(number(tile.value), size) <= tile.box.wide - 5
            for tile in tiles]  # fmt: skip
    for tile in tiles if all(room) else ():
        dark = tile.weight > 0 and not tile.partial and scale.ink(tile.weight) in RAMP[3:]
        middle = (tile.box.left + tile.box.right) / 2, (tile.box.top + tile.box.bottom) / 2 + size * 0.36
        sheet.text(*middle, number(tile.value), size, "paper" if dark else "ink", align="center")


def lattice(sheet: Sheet, xs: Sequence[float], ys: Sequence[float]) -> None:
    """Hairlines of paper between cells, upright and level, where the cells are large enough to spare them."""
    thick = sheet.look.unit
    for at, across, upright in ((xs, ys, True), (ys, xs, False)):
        if len(at) > 2 and at[-1] - at[0] >= 6 * (len(at) - 1):
            along = [part for edge in at for part in (edge, edge, GAP)]
            to = [across[0], across[-1], GAP] * len(at)
            sheet.line(*((along, to) if upright else (to, along)), "paper", thick)


def legend(
    sheet: Sheet, measure: str, scale: Shades, top: float, *, gaps: bool, zeros: bool, partial: bool
) -> float:
    """What is counted and what each shade stands for, in one line or two; gives where they end."""
    keys = [Key(_("no record"), "grid")] if gaps else []
    keys += [Key("0", "paper", "zero")] if zeros else []
    keys += [Key(text, ink) for text, ink in zip(scale.texts, scale.inks, strict=True)]
    keys += [Key(_("so far"), "paper", "partial")] if partial else []
    return key_line(sheet, measure, keys, top)


def key_line(sheet: Sheet, measure: str, keys: Sequence[Key], top: float) -> float:
    """What is counted on the left, keys on the right: without a shape a block, with "-" a line."""
    look, size = sheet.look, sheet.look.size("small")
    swatch, gap = size * 0.95, size * 0.9
    needs = [swatch + 0.4 * size + width(key.name, size) for key in keys]
    needed = sum(needs) + gap * (len(keys) - 1)
    text, y = clean(measure, 80), top + size * 1.2
    sheet.text(look.pad, y, text, size, "muted")
    x = look.width - look.pad - needed
    x = max(x, look.pad + (width(text, size) + 1.5 * gap if text else 0))
    for key, need in zip(keys, needs, strict=True):
        if x + need > look.width - look.pad + 1:
            x, y = look.pad, y + size * 1.6
        _swatch(sheet, key, Box(x, y - swatch * 0.86, x + swatch, y + swatch * 0.14))
        sheet.text(x + swatch + 0.4 * size, y, key.name, size, "muted")
        x += need + gap
    return y + size * 0.9


def _swatch(sheet: Sheet, key: Key, box: Box) -> None:
    middle = (box.top + box.bottom) / 2
    if key.shape in ("zero", "partial"):
        draw_frames(sheet, [Tile(box, 0, 0, Named(()), partial=key.shape == "partial")])
        return
    if key.shape in ("", "pale"):
        corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
        sheet.area([corners], key.ink, alpha=PALE if key.shape else 1.0)
        return
    sheet.line([box.left, box.right], [middle, middle], key.ink, 1.5 * sheet.look.unit)
    if key.shape != "-":
        sheet.marks([(box.left + box.right) / 2], [middle], key.ink, key.shape, box.wide * 0.6)
