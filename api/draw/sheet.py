"""A sheet to draw on: bare matplotlib artists placed in pixels from the top left. Knows no chart.

No Axes, Axis or Tick objects: they cost more than everything else together. Every length here is a pixel of
the finished picture; y grows downwards, as in the picture.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from api.draw.artists import Group, Label, font
from api.draw.look import Look
from api.draw.named import Named
from api.draw.words import clean

# Set once, when the process starts, because rc_context leaks into other threads; from the defaults, because
# a matplotlibrc on the server must not change a picture.
mpl.rcdefaults()
mpl.rcParams.update(
    {
        "text.parse_math": False,
        "text.usetex": False,
        "svg.hashsalt": "sightings",
        "svg.fonttype": "none",
        "axes.unicode_minus": False,
        "path.sketch": None,
        "path.effects": [],
        "lines.antialiased": True,
    }
)
GAP = math.nan  # a vertex that lifts the pen


class Sheet:
    """One figure of the look's size, painted with its paper, and what the marks on it are called."""

    def __init__(self, look: Look) -> None:
        self.look = look
        size = look.width / 72, look.height / 72
        self.figure = Figure(figsize=size, dpi=72, facecolor=look.inks["paper"])
        self.names: dict[str, Sequence[Named]] = {}
        self._group: Group | None = None
        self._down = (
            Affine2D().scale(1 / look.width, -1 / look.height).translate(0, 1) + self.figure.transFigure
        )

    @contextmanager
    def group(self, kind: str, species: str) -> Iterator[None]:
        """What is drawn inside belongs together: `<g class="kind" data-species="species">`."""
        with self.called(Named((("class", kind), ("data-species", species)))):
            yield

    @contextmanager
    def called(self, named: Named) -> Iterator[None]:
        """What is drawn inside is one thing that has these attributes."""
        group = Group()
        group.set_gid(self._name([named]))
        self._add(group)
        self._group = group
        try:
            yield
        finally:
            self._group = None

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        ink: str = "ink",
        *,
        align: Literal["left", "center", "right"] = "left",
        bold: bool = False,
        italic: bool = False,
    ) -> None:
        """One line of text; `y` is its baseline. Whoever forgot to clean it still gets well-formed XML."""
        if words:
            style = {"fontproperties": font(size, bold, italic), "parse_math": False}
            label = Label(
                x, y, clean(words, 600), color=self.look.inks[ink], va="baseline", **cast(Any, style)
            )
            label.set_horizontalalignment(align)
            self._add(label)

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        ink: str,
        thick: float,
        *,
        dashes: tuple[float, float] | None = None,
    ) -> None:
        """A line through the points, broken where a coordinate is GAP."""
        style: Any = (0, dashes) if dashes else "-"
        self._add(
            Line2D(
                xs,
                ys,
                color=self.look.inks[ink],
                linewidth=thick,
                linestyle=style,
                solid_joinstyle="round",
                solid_capstyle="round",
                dash_joinstyle="round",
            )
        )

    def block(
        self, x: float, y: float, wide: float, high: float, ink: str, named: Named | None = None
    ) -> None:
        """A filled rectangle; `named` makes it a data mark."""
        patch = Rectangle((x, y), wide, high, facecolor=self.look.inks[ink], edgecolor="none", linewidth=0)
        if named:
            patch.set_gid(self._name([named]))
        self._add(patch)

    def tiles(
        self,
        corners: Sequence[tuple[float, float]],
        wide: float,
        high: float,
        ink: str,
        names: Sequence[Named] = (),
    ) -> None:
        """Equal filled rectangles by their upper left corners, by the hundred, each called by its name."""
        # From the corner and not around the middle: whole pixels stay whole ones. A marker's size is twice
        # its reach, because it might go either way.
        sides = [(0.0, 0.0), (wide, 0.0), (wide, -high), (0.0, -high), (0.0, 0.0)]
        shape = Path(sides, [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY])
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        self._spots(xs, ys, shape, 2 * max(wide, high), self.look.inks[ink], "none", 0, names)

    def area(
        self,
        outlines: Sequence[Sequence[tuple[float, float]]],
        ink: str,
        *,
        alpha: float = 1.0,
        edge: tuple[str, float] | None = None,
        named: Named | None = None,
    ) -> None:
        """What closed outlines enclose, filled as one shape: an outline inside another one is a hole.

        `edge` is the ink and the thickness of a line along the outlines.
        """
        vertices = [point for outline in outlines for point in (*outline, outline[0])]
        codes = [
            code
            for outline in outlines
            for code in (Path.MOVETO, *[Path.LINETO] * (len(outline) - 1), Path.CLOSEPOLY)
        ]
        shape = Path(vertices, codes)
        line, thick = (self.look.inks[edge[0]], edge[1]) if edge else ("none", 0)
        face = to_rgba(self.look.inks[ink], alpha)
        patch = PathPatch(shape, facecolor=face, edgecolor=line, linewidth=thick, joinstyle="round")
        if named:
            patch.set_gid(self._name([named]))
        self._add(patch)

    def marks(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        ink: str,
        shape: str,
        size: float,
        *,
        hollow: bool = False,
        names: Sequence[Named] = (),
    ) -> None:
        """Markers with a halo of paper, filled or hollow, each called by its name."""
        colour, paper = self.look.inks[ink], self.look.inks["paper"]
        self._spots(
            xs,
            ys,
            shape,
            size,
            paper if hollow else colour,
            colour if hollow else paper,
            1.5 * self.look.unit if hollow else 1.0,
            names,
        )

    def targets(self, xs: Sequence[float], ys: Sequence[float], size: float, names: Sequence[Named]) -> None:
        """Marks that are not seen, for a page that shows a value under the pointer."""
        self._spots(xs, ys, "o", size, "none", "none", 0, names)

    def _spots(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        shape: str | Path,
        size: float,
        face: str,
        edge: str,
        rim: float,
        names: Sequence[Named],
    ) -> None:
        spots = Line2D(
            xs,
            ys,
            linestyle="none",
            marker=cast(Any, shape),
            markersize=size,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=rim,
        )
        if names:
            spots.set_gid(self._name(names))
        self._add(spots)

    def _name(self, names: Sequence[Named]) -> str:
        gid = f"n{len(self.names)}"
        self.names[gid] = names
        return gid

    def _add(self, artist: Artist) -> None:
        if not artist.is_transform_set():
            artist.set_transform(self._down)
        artist.set_zorder(1)  # one order for all: what is drawn later lies on top
        if self._group is None:
            self.figure.add_artist(artist)
        else:
            artist.set_figure(self.figure)
            self._group.members.append(artist)
