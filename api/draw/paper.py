"""Where matplotlib's artists become SVG: a renderer that writes few bytes. Knows no chart and no data.

Matplotlib's own SVG writer repeats a style for every element, opens fonts to measure text that the browser
will set anyway, and cannot carry data attributes; this one takes the same calls and costs a third.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Transform

from api.draw.named import Named

CIRCLE = Path.unit_circle()
_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "z"}
_ANCHORS = {"center": "middle", "right": "end"}


def px(value: float) -> str:
    """A length to a tenth of a pixel, in as few characters as it takes."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


@lru_cache(maxsize=1024)
def _hex(red: float, green: float, blue: float) -> str:
    return to_hex((red, green, blue))


class Paper(RendererBase):
    """One sheet that is drawn on once.

    `names` maps an artist's gid to what its marks are, in drawing order; `classes` maps a colour to the class
    that a style sheet may recolour.
    """

    def __init__(
        self, width: int, height: int, names: Mapping[str, Sequence[Named]], classes: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.width, self.height = width, height
        self._names, self._classes = names, classes
        self._open: list[bool] = []
        self._waiting: Iterator[Named] = iter(())
        self.parts: list[str] = []

    def open_group(self, s: str, gid: str | None = None) -> None:
        """A named group becomes `<g>`; any other artist with a gid hands its names to its marks."""
        named = self._names.get(gid, ()) if gid else ()
        group = s == "named" and bool(named)
        if group:
            self.parts.append(f"<g{named[0].xml()}>")
        else:
            self._waiting = iter(named)
        self._open.append(group)

    def close_group(self, s: str) -> None:
        """Close what `open_group` opened."""
        if self._open.pop():
            self.parts.append("</g>\n")
        self._waiting = iter(())

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: Any = None,  # noqa: N803 (matplotlib's name)
    ) -> None:
        """One `<path>`, in straight lines and Beziers, with breaks where a vertex is not a number."""
        shape = self._outline(path, transform)
        if shape:
            named = next(self._waiting, None)
            self.parts.append(_element("path", f' d="{shape}"', self._paint(gc, rgbFace), named))

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Any = None,  # noqa: N803 (matplotlib's name)
    ) -> None:
        """One element for each vertex in one group that holds the paint."""
        spots = [(x, self.height - y) for x, y in trans.transform(path.vertices).tolist()]
        self.parts.append(f"<g{self._paint(gc, rgbFace)}>")
        round_one = marker_path is CIRCLE
        corners = [(x, -y) for x, y in marker_trans.transform(marker_path.vertices).tolist()]
        size = f' r="{px(corners[0][1])}"' if round_one else "".join(_steps(corners))
        for x, y in spots:
            named = next(self._waiting, None)
            if round_one:
                self.parts.append(_element("circle", f' cx="{px(x)}" cy="{px(y)}"{size}', "", named))
            else:
                self.parts.append(_element("path", f' d="M{px(x)} {px(y)}{size}"', "", named))
        self.parts.append("</g>")

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:
        """Text as text, anchored at the artist's own position; always plain, never maths."""
        style = f' x="{px(x)}" y="{px(self.height - y)}" font-size="{px(prop.get_size_in_points())}"'
        if prop.get_weight() == "bold":
            style += ' font-weight="600"'  # the fonts of screens have it; DejaVu in a PNG has only bold
        if prop.get_style() != "normal":
            style += f' font-style="{prop.get_style()}"'
        if mtext is not None and mtext.get_horizontalalignment() in _ANCHORS:
            style += f' text-anchor="{_ANCHORS[mtext.get_horizontalalignment()]}"'
        colour, _, role = self._ink(gc.get_rgb())
        style += f' fill="{colour}"' + (f' class="f-{role}"' if role else "")
        self.parts.append(f"<text{style}>{escape(s)}</text>\n")

    def get_canvas_width_height(self) -> tuple[float, float]:
        """The size of the sheet in pixels."""
        return self.width, self.height

    def _outline(self, path: Path, transform: Transform) -> str:
        points = transform.transform(path.vertices).tolist()
        codes = [Path.LINETO] * len(points) if path.codes is None else np.asarray(path.codes).tolist()
        out: list[str] = []
        last = ""
        for (x, y), code in zip(points, codes, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                last = ""
                continue
            letter = _LETTERS.get(code, "") if last else "M"
            if letter == "z":
                out.append("z")
            elif letter:
                # A letter is only written where it changes; after M, lines are understood.
                same = letter == last or (last == "M" and letter == "L")
                out.append(f"{' ' if same else letter}{px(x)} {px(self.height - y)}")
            last = letter if letter != "L" or last != "M" else "M"
        return "".join(out)

    def _ink(self, rgb: Iterable[float]) -> tuple[str, float, str]:
        """Colour, opacity and role; the role is empty where no style sheet recolours."""
        red, green, blue, alpha = (*rgb, 1.0)[:4]
        colour = _hex(red, green, blue)
        return colour, alpha, self._classes.get(colour, "")

    def _paint(self, gc: GraphicsContextBase, face: Any) -> str:
        filled = face is not None and (len(face) < 4 or face[3] > 0)
        stroked = gc.get_linewidth() > 0 and gc.get_rgb()[3] > 0
        if not filled and not stroked:
            return ' fill="none" pointer-events="all"'  # nothing to see, yet the pointer finds it
        parts, classes = [] if filled else [' fill="none"'], []
        for what, used, rgb in (("fill", filled, face), ("stroke", stroked, gc.get_rgb())):
            if used:
                colour, alpha, role = self._ink(rgb)
                parts.append(f' {what}="{colour}"' + (f' {what}-opacity="{alpha:g}"' if alpha < 1 else ""))
                classes += [f"{what[0]}-{role}"] if role else []
        if stroked:
            parts.append(_pen(gc, filled))
        return "".join(parts) + (f' class="{" ".join(classes)}"' if classes else "")


def _pen(gc: GraphicsContextBase, filled: bool) -> str:
    """Width, dashes and ends of a stroke."""
    pen = f' stroke-width="{px(gc.get_linewidth())}"'
    dashes: Any = gc.get_dashes()[1]
    if dashes is not None:
        pen += f' stroke-dasharray="{" ".join(px(float(dash)) for dash in dashes)}"'
    if not filled and gc.get_joinstyle() == "round":
        pen += ' stroke-linejoin="round" stroke-linecap="round"'
    return pen


def _steps(corners: Sequence[tuple[float, float]]) -> Iterator[str]:
    """A marker's outline as relative steps from its centre; the first is a move."""
    previous = (0.0, 0.0)
    for index, (x, y) in enumerate(corners[:-1]):
        yield f"{'m' if not index else ' ' if index > 1 else 'l'}{px(x - previous[0])} {px(y - previous[1])}"
        previous = (x, y)
    yield "z"


def _element(tag: str, shape: str, paint: str, named: Named | None) -> str:
    told = named.xml() if named else ""
    if named and named.title:
        return f"<{tag}{shape}{paint}{told}><title>{escape(named.title)}</title></{tag}>\n"
    return f"<{tag}{shape}{paint}{told}/>\n"
