"""A finished drawing, on its way to bytes. Knows the figure and the words about it, not how it was drawn."""

import threading
import zlib
from xml.sax.saxutils import escape

import matplotlib as mpl

from api.draw.look import DARK, LIGHT
from api.draw.paper import Paper
from api.draw.raster import png
from api.draw.sheet import Sheet
from api.draw.words import Words, clean
from api.speech import _

_CODE = 3  # raise it whenever the same values would give other bytes
RENDERER = f"{_CODE}-{mpl.__version__}"
"""Version of the drawing code and of matplotlib: part of every key under which bytes are kept."""

_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"
_CLASSES = {colour: role for role, colour in LIGHT.items()}


class Picture:
    """One chart; `svg` and `png` give the same bytes whenever, wherever and however often they are asked."""

    def __init__(self, sheet: Sheet, words: Words) -> None:
        self._sheet = sheet
        self._title = clean(words.title, 200) or _("Chart")
        self._description = clean(words.description or words.subtitle or words.title, 2000)
        self._lock = threading.Lock()  # the two formats draw one figure at different resolutions

    def svg(self) -> bytes:
        """SVG as UTF-8: titled, described, text as text, data marks named, nothing fetched from outside."""
        look = self._sheet.look
        auto = look.theme == "auto"
        paper = Paper(look.width, look.height, self._sheet.names, _CLASSES if auto else {})
        with self._lock:
            self._sheet.figure.dpi = 72
            self._sheet.figure.draw(paper)
        parts = [*self._head(), _style(), *paper.parts] if auto else [*self._head(), *paper.parts]
        return "".join([*parts, "</svg>\n"]).encode()

    def png(self, scale: int = 1) -> bytes:
        """PNG of the look's size times `scale`; a PNG cannot follow its reader, so `auto` is light."""
        with self._lock:
            return png(self._sheet.figure, self._sheet.look.width, self._sheet.look.height, scale)

    def _head(self) -> list[str]:
        look = self._sheet.look
        # A page may hold many charts inline; the words tell their ids apart, and stay the same next time.
        key = f"{zlib.crc32((self._title + self._description).encode()):08x}"
        wide, high = look.width, look.height
        return [
            '<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" role="img"',
            f' width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"',
            f' aria-labelledby="t{key} d{key}" font-family="{_FONTS}">\n',
            f'<title id="t{key}">{escape(self._title)}</title>\n',
            f'<desc id="d{key}">{escape(self._description)}</desc>\n',
            f"<metadata>Sightings, drawn with Matplotlib {mpl.__version__}</metadata>\n",
        ]


def _style() -> str:
    """Dark colours by role for readers who prefer them; the light ones stand in the attributes."""
    rules = "".join(f".f-{role}{{fill:{ink}}}.s-{role}{{stroke:{ink}}}" for role, ink in DARK.items())
    return f"<style>@media(prefers-color-scheme:dark){{{rules}}}</style>\n"
