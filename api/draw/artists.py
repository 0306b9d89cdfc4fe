"""The two artists that matplotlib lacks: a text that needs no font, and a named group. They know no chart."""

from functools import lru_cache

from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from api.draw.paper import Paper


@lru_cache(maxsize=256)
def font(size: float, bold: bool, italic: bool) -> FontProperties:
    """The type of one style, made once: it is never changed."""
    # DejaVu comes with matplotlib, so a PNG is the same everywhere; an SVG leaves the choice to the reader.
    return FontProperties(
        family=["DejaVu Sans"],
        size=size,
        weight="bold" if bold else "normal",
        style="italic" if italic else "normal",
    )


class Label(Text):
    """A text that goes onto paper without a layout: matplotlib's would open fonts to measure it."""

    def draw(self, renderer: RendererBase) -> None:
        """Hand position and words to the paper; any other renderer gets matplotlib's own way."""
        if not isinstance(renderer, Paper):
            super().draw(renderer)
            return
        gc = renderer.new_gc()
        gc.set_foreground(self.get_color())
        x, y = self.get_transform().transform(self.get_position())
        renderer.draw_text(gc, x, y, self.get_text(), self.get_fontproperties(), 0.0, mtext=self)


class Group(Artist):
    """Artists that are drawn one after another inside one named group."""

    def __init__(self) -> None:
        super().__init__()
        self.members: list[Artist] = []

    def draw(self, renderer: RendererBase) -> None:
        """Open the group, draw the members, close it."""
        renderer.open_group("named", self.get_gid())
        for member in self.members:
            member.draw(renderer)
        renderer.close_group("named")
