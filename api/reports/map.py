"""Where it was recorded, as a density of cells; knows neither the web nor the database's tables."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from api.asking.parameters import Measure, ReportParameters
from api.draw import Cell, Grid, Look, Picture, Words, density
from api.draw.projection import Extent, written
from api.draw.words import number
from api.reports.report import Report, Tidy, counted_as_one, value
from api.shape import Shape
from api.speech import _, decimal, first_unit, later, ngettext, unit
from db.filters import Scope
from db.questions import cells
from db.questions.cells import MOST_RECORDS, Cells, Sum
from db.questions.counts import Count

_CREDIT = later("Coast and borders: Natural Earth, 1:10\u2009000\u2009000")


class MapRow(Shape):
    """How much lies in one cell; its middle and its size are degrees."""

    decimal_latitude: int | float
    decimal_longitude: int | float
    cell_size: int | float
    value: int | float


class MapParameters(ReportParameters):
    """The shape of a map."""

    measure: Measure = "individuals"


def ask(connection: Connection, scope: Scope, _: MapParameters) -> Cells:
    """The cells of the scope."""
    return cells.cells(connection, scope)


def shape(found: Cells, parameters: MapParameters, _: int | None) -> Tidy:
    """A row for each cell, from the south-west on; 0 is "looked, saw none"."""
    size = found.hundredths / 100
    rows = [
        {
            "decimalLatitude": value((2 * row + 1) * size / 2 - 90),
            "decimalLongitude": value((2 * column + 1) * size / 2 - 180),
            "cellSize": value(size),
            "value": _amount(one, parameters.measure),
        }
        for (row, column), one in sorted(found.counts.items())
    ]
    every = [Count(0, 0, *one) for one in found.counts.values()]
    return Tidy(
        columns=("decimalLatitude", "decimalLongitude", "cellSize", "value"),
        rows=rows,
        left_out=_left_out(found, parameters.measure),
        warnings=[*counted_as_one(every, parameters.measure), *_warnings(found)],
        facts={
            "cellSize": value(size),
            "cells": len(rows),
            "bounds": _bounds(found),
            "uncertain": found.vague,
        },
        said=_in_words(rows, parameters.measure),
    )


def _amount(one: Sum, measure: str) -> int | float:
    return value(one.individuals if measure == "individuals" else one.records)


def _left_out(found: Cells, measure: str) -> list[dict[str, object]]:
    told = (
        (found.missing, _("They have no coordinates.")),
        (found.flagged, _("Their coordinates are flagged as wrong.")),
        (found.unusable, _("Their coordinates are missing or flagged as wrong.")),
    )
    amounts = [(_amount(one, measure), reason) for one, reason in told]
    return [{measure: amount, "reason": reason} for amount, reason in amounts if amount]


def _warnings(found: Cells) -> list[str]:
    told = []
    if found.vague:
        told.append(
            ngettext(
                "1 record has an uncertainty larger than a cell, and may lie in another one.",
                "%(num)s records have an uncertainty larger than a cell, and may lie in another one.",
                found.vague,
            )
        )
    if found.coarse:
        told.append(
            _(
                "Of more than %(num)s records no cell is smaller than 0.1 degrees: ask for a species, a"
                " place or less time to see more.",
                num=MOST_RECORDS,
            )
        )
    return told


def _bounds(found: Cells) -> list[int | float] | None:
    """West, south, east, north as ``bbox`` takes them: across the antimeridian, west is more than east."""
    if found.extent is None:
        return None
    east = found.extent.east if found.extent.east <= 180 else found.extent.east - 360
    return [value(one) for one in (found.extent.west, found.extent.south, east, found.extent.north)]


def _in_words(rows: list[dict[str, int | float]], measure: str) -> str:
    """How much in how many cells, and where most."""
    if not rows:
        return ""
    total, most = sum(row["value"] for row in rows), max(rows, key=lambda row: row["value"])
    where = f"{_degrees(most['decimalLatitude'], 'NS')}, {_degrees(most['decimalLongitude'], 'EW')}"
    return ngettext(
        "%(total)s %(measure)s in %(num)s cell of %(size)s degrees; the most, %(most)s, around %(where)s",
        "%(total)s %(measure)s in %(num)s cells of %(size)s degrees; the most, %(most)s, around %(where)s",
        len(rows),
        num=number(len(rows)),
        total=number(total),
        measure=unit(measure),
        size=_plain(most["cellSize"]),
        most=number(most["value"]),
        where=where,
    )


def _plain(size: float) -> str:
    return decimal(f"{size:g}")


def _degrees(degrees: float, letters: str) -> str:
    return written(degrees, len(f"{degrees:g}".partition(".")[2]), letters)


def draw(tidy: Tidy, parameters: MapParameters, words: Words, look: Look) -> Picture:
    """The cells on land and borders."""
    size, bounds = tidy.facts["cellSize"], tidy.facts["bounds"] or [0, 0, 0, 0]
    west, south, east, north = bounds
    extent = Extent(west, south, east if east >= west else east + 360, north)
    shown = [Cell(row["decimalLatitude"], row["decimalLongitude"], row["value"]) for row in tidy.rows]
    measure = _(
        "%(records)s per cell of %(size)s\N{DEGREE SIGN}",
        records=first_unit(parameters.measure),
        size=_plain(size),
    )
    told = replace(words, measure=measure, footer=(*words.footer, _(_CREDIT)))
    return density(shown, Grid(size, extent, parameters.bbox is not None), told, look)


def heading(_parameters: MapParameters) -> str:
    """Where they were recorded."""
    return _("Where they were recorded")


MAP = Report("map", "Where were they recorded?", MapParameters, ask, shape, draw, heading, MapRow)
