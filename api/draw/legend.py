"""What stands above a map: what is counted, the legend of its shades, the scale bar. Knows no coast."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.draw.classes import Classes
from api.draw.frame import Box
from api.draw.ground import edge
from api.draw.look import RAMP
from api.draw.projection import View, scale_bar, written
from api.draw.sheet import GAP, Sheet
from api.draw.words import fit, number, width
from api.speech import _

_LOW = 130.0  # pixels: of less, one row is enough
_DISTANT = 20.0  # degrees of latitude from which on a scale holds in the middle only


@dataclass(frozen=True)
class Key:
    """A shade and what it stands for; without an ink it is a hollow cell."""

    ink: str
    label: str


def inks(scale: Classes) -> list[str]:
    """The inks of the classes: the ramp without its palest step, which would be lost on land."""
    ramp, count = RAMP[1:], len(scale.limits)
    if count == 1:
        return [ramp[3]]
    return [ramp[round(index * (len(ramp) - 1) / (count - 1))] for index in range(count)]


def keys(scale: Classes | None, *, zeros: bool) -> list[Key]:
    """The keys of the classes; one for zero where there is any."""
    shades = [Key(*pair) for pair in zip(inks(scale), scale.labels(), strict=True)] if scale else []
    return [Key("", "0"), *shades] if zeros else shades


@dataclass(frozen=True)
class Head:
    """The rows above a map: one where everything fits or where a second would take too much, else two."""

    sheet: Sheet
    area: Box
    measure: str
    keys: Sequence[Key]

    @property
    def size(self) -> float:
        """The type size of all of it."""
        return self.sheet.look.size("small")

    @property
    def one_row(self) -> bool:
        """Whether the legend stands beside what is counted."""
        room = self.area.wide - self._told
        bar = 0.2 * self.area.wide + width("10 000 km at 00\N{DEGREE SIGN} N", self.size) + self.size
        low = self.area.high < _LOW * self.sheet.look.unit
        return self._long + bar < room or (low and self._short < room)

    @property
    def bottom(self) -> float:
        """Where the map may begin."""
        return self.area.top + self.size * (2.2 if self.one_row else 3.9)

    def draw(self, seen: View) -> None:
        """Write it, for a map of this scale; what has no room is left out, the scale bar first."""
        left, y = self.area.left, self.area.top + self.size * 1.1
        self.sheet.text(left, y, fit(self.measure, self.size, self.area.wide), self.size, "muted")
        end = left + self._told
        if self.one_row:
            end = self._legend(end, y)
        else:
            self._legend(left, y + self.size * 1.7)
        self._scale(seen, y, end)

    @property
    def _told(self) -> float:
        return width(self.measure, self.size) + 1.5 * self.size

    def _wide(self, key: Key) -> float:
        return 2.7 * self.size + width(key.label, self.size)

    @property
    def _long(self) -> float:
        return sum(map(self._wide, self.keys)) - self.size

    @property
    def _ends(self) -> tuple[str, str]:
        dash = "\N{EN DASH}"
        return self.keys[0].label.partition(dash)[0], self.keys[-1].label.rpartition(dash)[2]

    @property
    def _short(self) -> float:
        return width("".join(self._ends), self.size) + (len(self.keys) + 0.8) * self.size

    def _legend(self, x: float, y: float) -> float:
        """Each shade with its numbers, or, without room for these, all between lowest and highest."""
        size = self.size
        if self._long <= self.area.right - x:
            for key in self.keys:
                self._swatch(key, x, y)
                self.sheet.text(x + 1.4 * size, y, key.label, size, "muted")
                x += self._wide(key)
            return x
        low, high = self._ends
        self.sheet.text(x, y, low, size, "muted")
        x += width(low, size) + 0.4 * size
        for key in self.keys:
            self._swatch(key, x, y)
            x += size
        self.sheet.text(x + 0.4 * size, y, high, size, "muted")
        return x + width(high, size) + 1.5 * size

    def _swatch(self, key: Key, x: float, y: float) -> None:
        side, top = self.size, y - 0.86 * self.size
        if key.ink:
            self.sheet.block(x, top, side, side, key.ink)
        else:
            edge(self.sheet, Box(x, top, x + side, top + side))

    def _scale(self, seen: View, y: float, least: float) -> None:
        """The scale bar at the right, if there is room for it from `least` on."""
        sheet, right, size = self.sheet, self.area.right, self.size
        length = scale_bar(seen, min(0.2 * self.area.wide, 0.4 * seen.box.wide))
        label = f"{number(length)} km" if length >= 1 else f"{number(length * 1000)} m"
        if seen.shown.north - seen.shown.south > _DISTANT and sheet.look.width >= 440:
            at = written(round(seen.shown.middle), 0, "NS")
            label = _("%(length)s at %(latitude)s", length=label, latitude=at)
        end, base, tick = right - width(label, size) - 0.6 * size, y - 0.36 * size, 0.3 * size
        start = end - length * seen.kilometre
        if start < least:
            return
        sheet.text(right, y, label, size, "muted", align="right")
        xs = [start, start, GAP, start, end, GAP, end, end]
        sheet.line(xs, [base - tick, base + tick, GAP, base, base, GAP, base - tick, base + tick], "muted", 1)
