"""Tables with latitude and longitude in one column -> the same with one column each; knows no other."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from ingest.columns import plain, understand
from ingest.degrees import pair
from ingest.formats.table import Table
from ingest.text import Chunk
from ingest.values import MISSING

_NAMES = frozenset(
    {
        *("coordinates", "coordinate", "coords", "latlon", "latlong", "latlng", "latitudelongitude", "gps"),
        *("gpscoordinates", "gpsposition", "position", "geolocation", "location", "point", "wkt", "geometry"),
        *("verbatimcoordinates", "koordinaten", "coordonnées", "coordenadas", "coördinaten"),
    }
)
_AXES = ("decimalLatitude", "decimalLongitude")
_SAMPLE_ROWS = 200
_MOSTLY = 0.8


def divide_pairs(table: Table) -> Table:
    """The table with two columns more where one holds latitude and longitude; else the table itself."""
    terms = understand(table.columns)
    candidates = [place for place, name in enumerate(table.columns) if plain(name) in _NAMES]
    if not candidates or not set(terms.values()).isdisjoint(_AXES):
        return table
    sample = [row for chunk in islice(table.chunks(), 1) for row in chunk.rows[:_SAMPLE_ROWS]]
    place = next((place for place in candidates if _are_pairs(sample, place)), None)
    if place is None:
        return table
    name, names = table.columns[place], list(table.columns)
    if name in terms:  # a location of two numbers is no locality
        names[place] = f"{name} (latitude, longitude)"
    return replace(
        table,
        columns=(*names, *_AXES),
        chunks=lambda: (_divided(chunk, place, len(names)) for chunk in table.chunks()),
        notes=(*table.notes, f"latitude and longitude were found in the column {name}"),
    )


def _are_pairs(sample: list[list[str]], place: int) -> bool:
    cells = [row[place].strip() for row in sample if place < len(row)]
    filled = [cell for cell in cells if cell not in MISSING]
    return sum(pair(cell) is not None for cell in filled) > _MOSTLY * len(filled)


def _divided(chunk: Chunk, place: int, width: int) -> Chunk:
    """The rows with both coordinates at their end; what is filled and no pair is left to be flagged."""
    lines, rows, unfit = [], [], list(chunk.unfit)
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        if any(row[width:]):
            unfit.append((line, row))
            continue
        filled = (row + [""] * (width - len(row)))[:width]
        lines.append(line)
        rows.append([*filled, *(pair(filled[place]) or (filled[place], ""))])
    return replace(chunk, lines=lines, rows=rows, unfit=unfit)
