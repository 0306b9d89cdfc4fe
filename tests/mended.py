"""What no schema can say, put right in made-up queries: ends in order, days that exist, what goes together.

A value that breaks the schema is left as it is: it was made to be refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite, isinf
from typing import Any

import jsonschema_rs

from api.openapi.build import document
from api.openapi.operations import GROUPS, OPERATIONS

_DOCUMENT = document(OPERATIONS, GROUPS, "Sightings", "")
_RANGES = (
    "day", "startDayOfYear", "endDayOfYear", "individualCount", "decimalLatitude", "decimalLongitude",
    "coordinateUncertaintyInMeters", "geometry", "geoDistance",
)  # fmt: skip
"""Written in a pattern that holds more than is meant: a valid one gives way to the example."""
_APART = (
    ("after", "offset"), ("facetMinCount", "facetMincount"), ("scientificName", "name"),
    ("taxonRank", "rank"), ("hasCoordinate", "isGeoreferenced"),
)  # fmt: skip
"""The first is left out where both are given."""
_NAMES = ("name", "scientificName", "kingdom", "phylum", "class", "order", "family", "genus", "species")


def _schemas(operation: str) -> dict[str, dict[str, Any]]:
    """Parameter -> what one value of it is."""
    found = {}
    for path in _DOCUMENT["paths"].values():
        if path["get"]["operationId"] == operation:
            for one in path["get"]["parameters"]:
                name = one.get("$ref", "").rpartition("/")[2]
                told = _DOCUMENT["components"]["parameters"][name] if name else one
                found[told["name"]] = told["schema"].get("items", told["schema"])
    return found


def mend(operation: str, query: dict[str, Any]) -> None:
    """Put a query right, in place."""
    schemas = _schemas(operation)

    def valid(name: str, value: Any) -> bool:
        schema = schemas[name]
        plain = int(value) if schema["type"] == "integer" and str(value).isdecimal() else value
        return jsonschema_rs.is_valid(schema, plain)

    for name, value in list(query.items()):
        if name in schemas and isinstance(value, list):
            query[name] = [_mended(name, one, schemas) if valid(name, one) else one for one in value]
        elif name in schemas and valid(name, value):
            query[name] = _mended(name, value, schemas)
    for first, second in _APART:
        if {first, second} <= query.keys() & schemas.keys() and _all_valid(valid, first, query[first]):
            del query[first]
    if operation == "matchSpecies" and not query.keys() & set(_NAMES):
        query["name"] = "Wolf"
    if operation == "divide" and _too_large(query.get("numerator"), query.get("denominator")):
        query["denominator"] = 1


def _too_large(numerator: Any, denominator: Any) -> bool:
    """Whether two numbers have a quotient that is none."""
    try:
        return isfinite(float(numerator)) and isinf(float(numerator) / float(denominator))
    except (TypeError, ValueError, ArithmeticError):
        return False


def _all_valid(valid: Callable[[str, Any], bool], name: str, value: Any) -> bool:
    return all(valid(name, one) for one in (value if isinstance(value, list) else [value]))


def _mended(name: str, value: Any, schemas: dict[str, dict[str, Any]]) -> Any:
    if name in ("v", "offset"):
        return min(int(value), 1)  # a version that is here, a place within reach
    if name in _RANGES and "pattern" in schemas[name]:
        return schemas[name]["examples"][0]
    return _ORDERED[name](str(value)) if name in _ORDERED else value


def _days(written: str) -> str:
    """Two ends in their order, on days that exist; where they share what orders them, one."""
    first, _, last = re.sub(r"-(29|30|31)\b", "-28", written).partition(",")
    if not last or "*" in (first, last):
        return f"{first},{last}" if last else first
    return first if first[:4] == last[:4] else ",".join(sorted((first, last)))


def _months(written: str) -> str:
    first, _, last = written.partition(",")
    return written if not last or "*" in (first, last) else ",".join(sorted((first, last), key=int))


def _box(written: str) -> str:
    west, south, east, north = written.split(",")
    return written if float(south) <= float(north) else f"{west},{north},{east},{south}"


_ORDERED = {"eventDate": _days, "year": _days, "month": _months, "bbox": _box}
