"""A chart as the page shows it: its images for each width, its links, its snippet. Knows no data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import url_for
from markupsafe import Markup

from api.answering.order import DRAWN, FORMS
from api.asking.query import Pairs
from api.draw.look import Theme
from api.page.speech import in_pictures

Shape = tuple[int, int]
"""Width and height in CSS pixels: type is legible where an image is shown at about its own width."""

Shapes = tuple[tuple[int | None, Shape], ...]
"""Up to which width of the screen which shape is shown, the narrowest first; the last is for all others."""

WIDE: Shapes = ((519, (340, 380)), (839, (560, 400)), (None, (760, 420)))
FULL: Shapes = (*WIDE[:-1], (1139, (760, 420)), (None, (1230, 480)))
SIDE: Shapes = (
    (519, (340, 400)), (839, (640, 360)), (1139, (760, 380)), (None, (380, 402)),
)  # fmt: skip
BROAD: Shapes = ((519, (340, 280)), (839, (640, 300)), (1139, (760, 320)), (None, (1230, 360)))
SMALL: Shapes = ((839, (340, 240)), (None, (400, 260)))
_LARGE: Shape = (1200, 675)
_EMBEDDED: Shape = (720, 400)
_CAPTION = 40
"""Pixels below the chart in a frame."""


@dataclass(frozen=True)
class Source:
    """One image; ``media`` is the query under which it is the right one, empty for the last."""

    url: str
    width: int
    height: int
    media: str


@dataclass(frozen=True)
class Figure:
    """One chart: what the template needs to show, link and hand it on."""

    key: str
    name: str
    alt: str
    """The name and the numbers of this moment."""
    sources: tuple[Source, ...]
    larger: str
    downloads: tuple[tuple[str, str], ...]
    table: str
    """The page of the chart alone, with its numbers as a table; what a frame embeds."""
    pinned: str
    """The chart as it is now, for good."""
    snippet: str
    frame: str
    markdown: str
    note: str = ""
    page: str = ""
    """The dashboard of its species alone."""
    about: str = ""
    """The page of its species."""


@dataclass(frozen=True)
class Asked:
    """A question that charts are drawn from: the report, its filters and shape, the version of its scope."""

    report: str
    pairs: Pairs
    version: int
    theme: Theme
    """Of the page; what is taken elsewhere follows whoever looks at it there."""
    title: str = ""

    def url(self, form: str, look: Iterable[tuple[str, object]] = ()) -> str:
        """The address of the answer in a form."""
        query: dict[str, list[str]] = {}
        for name, value in (*self.pairs, *look):
            query.setdefault(name, []).append(str(value))
        return url_for("charts.report", name=self.report, form=form, **query)  # type: ignore[arg-type]

    def look(self, shape: Shape, theme: Theme = "auto") -> list[tuple[str, object]]:
        """What a chart of this size looks like."""
        sized = [("width", shape[0]), ("height", shape[1]), ("theme", theme)]
        return sized + ([("title", self.title)] if self.title else []) + in_pictures()

    def source(self, widest: int | None, shape: Shape) -> Source:
        """One image; its address changes exactly when its data changed."""
        version = [("v", self.version)] if self.version else []
        media = f"(max-width: {widest}px)" if widest else ""
        return Source(self.url("svg", [*self.look(shape, self.theme), *version]), *shape, media)

    def snippet(self, name: str) -> str:
        """What to paste into another page; it names no version, so that it is never behind.

        The host is left to the script: what a request calls it is no word to pass on.
        """
        src = self.url("svg", self.look(_EMBEDDED))
        width, height = _EMBEDDED
        return str(Markup('<img src="{}" width="{}" height="{}" alt="{}">').format(src, width, height, name))

    def embed(self, theme: Theme = "auto") -> str:
        """The chart alone as a page."""
        query: dict[str, list[str]] = {}
        for name, value in (*self.pairs, *self._titled("svg")):
            query.setdefault(name, []).append(str(value))
        chosen = None if theme == "auto" else theme  # not that of the page at hand
        address: str = url_for("page.embedded", name=self.report, theme=chosen, **query)  # type: ignore[arg-type]
        return address

    def frame(self, name: str) -> str:
        """The same in a frame, for pages that take no picture from elsewhere."""
        width, height = _EMBEDDED
        frame = Markup('<iframe src="{}" width="{}" height="{}" title="{}"></iframe>')
        return str(frame.format(self.embed(), width, height + _CAPTION, name))

    def markdown(self, name: str) -> str:
        """For a wiki or a README: a name is text there, without what would end or begin something."""
        plain = "".join(character for character in name if character not in "[]()\\`*_<>!")
        return f"![{plain}]({self.url('svg', self.look(_EMBEDDED)).replace('(', '%28').replace(')', '%29')})"

    def figure(self, key: str, name: str, alt: str, shapes: Shapes, **more: str) -> Figure:
        """The chart of this question, with all that stands around it."""
        return Figure(
            key=key,
            name=name,
            alt=alt,
            sources=tuple(self.source(*one) for one in shapes),
            larger=self.url("svg", self.look(_LARGE, self.theme)),
            downloads=tuple((form.upper(), self.url(form, self._titled(form))) for form in FORMS),
            table=self.embed(self.theme),
            pinned=self.url("svg", [*self.look(_LARGE), *([("asOf", self.version)] if self.version else [])]),
            snippet=self.snippet(name),
            frame=self.frame(name),
            markdown=self.markdown(name),
            **more,
        )

    def _titled(self, form: str) -> list[tuple[str, object]]:
        """What has to be said of a picture that is as wide as the report has it."""
        titled: list[tuple[str, object]] = [("title", self.title)] if self.title else []
        return titled + in_pictures() if form in DRAWN else []
