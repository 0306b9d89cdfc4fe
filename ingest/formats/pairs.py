"""Tables with latitude and longitude in one column -> the same with one column each; knows no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from ingest.formats.reshape import with_columns
from ingest.formats.table import Table
from ingest.text.rows import Row
from ingest.words.columns import plain, understand
from ingest.words.degrees import pair
from ingest.words.values import MISSING

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
    note = f"latitude and longitude were found in the column {name}"
    table = replace(table, columns=tuple(names), notes=(*table.notes, note))
    # What is filled and no pair is left for the parser to flag.
    return with_columns(table, _AXES, [place], lambda cells: pair(cells[0]) or (cells[0], ""), table.told)


def _are_pairs(sample: Sequence[Row], place: int) -> bool:
    cells = [row[place].strip() for row in sample if place < len(row)]
    filled = [cell for cell in cells if cell not in MISSING]
    return sum(pair(cell) is not None for cell in filled) > _MOSTLY * len(filled)
