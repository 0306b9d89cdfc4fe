"""The drawing room: plain values and a look go in, bytes come out. It knows no web, no database."""

from api.draw.accumulation import Step, accumulation
from api.draw.arrivals import Season, arrivals
from api.draw.calendar import Day, calendar
from api.draw.card import card
from api.draw.diel import Rhythm, diel
from api.draw.look import Look
from api.draw.map import Cell, Grid, density
from api.draw.phenology import Usual, Week, Year, phenology
from api.draw.picture import RENDERER, Picture
from api.draw.ranking import Bar, ranking
from api.draw.reading import reading
from api.draw.seasonality import Month, seasonality
from api.draw.series import Line, Point
from api.draw.table import table
from api.draw.timeline import timeline
from api.draw.totals import Fact, numbers
from api.draw.words import Words, clean

__all__ = [
    "RENDERER",
    "Bar",
    "Cell",
    "Day",
    "Fact",
    "Grid",
    "Line",
    "Look",
    "Month",
    "Picture",
    "Point",
    "Rhythm",
    "Season",
    "Step",
    "Usual",
    "Week",
    "Words",
    "Year",
    "accumulation",
    "arrivals",
    "calendar",
    "card",
    "clean",
    "density",
    "diel",
    "numbers",
    "phenology",
    "ranking",
    "reading",
    "seasonality",
    "table",
    "timeline",
]
