"""Where matplotlib's artists become pixels: Agg, and what it does about letters that no font here has."""

import io
from functools import lru_cache
from typing import Any, cast

from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from PIL import Image

_BOX = "\u25a1"


@lru_cache(maxsize=16)
def _letters(path: str) -> frozenset[int]:
    return frozenset(get_font(path).get_charmap())


def printable(text: str, font: FontProperties) -> str:
    """The text with a box for every letter that the font lacks.

    Matplotlib would warn for each, and a warning filter is shared by all threads.
    """
    letters = _letters(str(findfont(font)))
    return "".join(char if ord(char) in letters else _BOX for char in text)


class Raster(RendererAgg):
    """Agg with texts made printable first."""

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
        """Draw the printable form."""
        cast(Any, super()).draw_text(gc, x, y, printable(s, prop), prop, angle, ismath, mtext)

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        """Measure the printable form."""
        measured = cast(Any, super()).get_text_width_height_descent(printable(s, prop), prop, ismath)
        return cast(tuple[float, float, float], measured)


def png(figure: Figure, width: int, height: int, scale: int) -> bytes:
    """The figure as PNG of width x height times scale, without a date or a program's name."""
    raster = cast(Any, Raster)(width * scale, height * scale, 72 * scale)
    figure.dpi = 72 * scale
    figure.draw(raster)
    out = io.BytesIO()
    size = width * scale, height * scale
    image = Image.frombuffer("RGBA", size, raster.buffer_rgba(), "raw", "RGBA", 0, 1)
    image.convert("RGB").save(out, "png")
    return out.getvalue()
