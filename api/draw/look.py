"""How a chart looks: size, theme, inks and type scale. Knows no data, no words and no drawing library."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

Theme = Literal["light", "dark", "auto"]

# The hues are Okabe and Ito's (https://jfly.uni-koeln.de/color/), each moved in lightness until it reads as
# text (4.5:1 and more) on its own paper, because a line's label wears the line's colour. Within one theme
# every role has its own value: the colours of `auto` are told apart by it.
_INKS = {  # role: light, dark
    "paper": ("#ffffff", "#14191d"),
    "ink": ("#172026", "#eef2f4"),
    "muted": ("#55626b", "#a3b0b8"),
    "grid": ("#e6eaec", "#283137"),
    "axis": ("#9aa5ac", "#64727b"),
    "rest": ("#c3cbd0", "#47535b"),
    "s0": ("#0072b2", "#56b4e9"),
    "s1": ("#c04c00", "#f2894e"),
    "s2": ("#007f5f", "#2fbf95"),
    "s3": ("#a8457f", "#e391c0"),
    "s4": ("#8a6500", "#e6a51c"),
    "s5": ("#3b474f", "#d3dade"),
    "s6": ("#6b55c9", "#b3a4f5"),
    "s7": ("#7a2a1e", "#e3d94a"),
    "r1": ("#deebf5", "#16303f"),
    "r2": ("#b5d3e8", "#194a66"),
    "r3": ("#7fb2d6", "#1f6a93"),
    "r4": ("#3878aa", "#3a8fc0"),
    "r5": ("#17629c", "#7bbfe8"),
    "r6": ("#083e6b", "#c9e6f8"),
}
LIGHT: Mapping[str, str] = MappingProxyType({role: inks[0] for role, inks in _INKS.items()})
DARK: Mapping[str, str] = MappingProxyType({role: inks[1] for role, inks in _INKS.items()})
SERIES = tuple(role for role in LIGHT if role[0] == "s")
RAMP = tuple(role for role in LIGHT if role[0] == "r" and role[1:].isdigit())
"""Little to much in one hue; in the dark the more is the lighter. Ink reads on the first three, paper on
the others."""
MARKERS = ("o", "s", "^", "D", "v", "p", "<", ">")  # the second cue: one shape per series


@dataclass(frozen=True)
class Look:
    """Width and height in CSS pixels, and the theme; `auto` follows the reader's own setting."""

    width: int = 720
    height: int = 400
    theme: Theme = "light"

    @cached_property
    def inks(self) -> Mapping[str, str]:
        """Role to colour; `auto` is drawn in light and carries the dark colours as a style sheet."""
        return DARK if self.theme == "dark" else LIGHT

    @cached_property
    def unit(self) -> float:
        """The type scale's factor: 1 at 720 x 400; it grows with the size's root: small stays legible."""
        return min(1.5, max(0.84, math.sqrt(min(self.width / 720, self.height / 400))))

    @property
    def pad(self) -> float:
        """The margin around everything."""
        return 18 * self.unit

    def size(self, step: Literal["title", "subtitle", "label", "small"]) -> float:
        """Type size in pixels of one step of the scale, rounded to tenths."""
        return round({"title": 18, "subtitle": 12.5, "label": 12, "small": 11}[step] * self.unit, 1)
