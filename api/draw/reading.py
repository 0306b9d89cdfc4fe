"""The chart of the course reading: one animal by year, its axes named. Knows two columns, no database."""

from collections.abc import Sequence
from datetime import date

from api.draw.frame import Box, nothing
from api.draw.look import Look
from api.draw.picture import Picture
from api.draw.series import Line, Point, known
from api.draw.sheet import Sheet
from api.draw.timeline import plot
from api.draw.words import Words, clean, number


def reading(years: Sequence[int], values: Sequence[float | None], animal: str) -> Picture:
    """A line over the years, `Year` under it and `<animal> Sightings` beside it, counted from 0."""
    look, name = Look(), clean(animal)
    label = f"{name} Sightings"
    words = Words(label, measure=label, description=_describe(years, values, name))
    sheet = Sheet(look)
    points = tuple(
        Point(str(year), date(year, 1, 1), value) for year, value in zip(years, values, strict=True)
    )
    drawn = [value for point in points if (value := known(point)) is not None]
    bottom = look.height - look.pad - look.size("label") * 1.2
    area = Box(look.pad, look.pad * 0.6, look.width - look.pad, bottom)
    if drawn:
        box = plot(sheet, area, [Line(name, points)], "year", words, drawn)
        middle = (box.left + box.right) / 2
        sheet.text(middle, look.height - look.pad * 0.8, "Year", look.size("label"), align="center")
    else:
        nothing(sheet, area)
    return Picture(sheet, words)


def _describe(years: Sequence[int], values: Sequence[float | None], name: str) -> str:
    told = [
        f"{year}: {number(value)}" for year, value in zip(years, values, strict=True) if value is not None
    ]
    return f"{name} sightings per year. " + "; ".join(told) if told else f"No {name} sightings."
