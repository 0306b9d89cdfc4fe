"""One JSON object -> one flat record of texts; knows the shapes of GeoJSON, iNaturalist and the ALA.

Objects in objects get dotted names (taxon.name), lists of single values are joined by "; ", and what is
nested deeper stays JSON. Sources: RFC 7946 (GeoJSON), api.inaturalist.org/v1/docs, api.ala.org.au.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from ingest.formats.json_text import Broken, Number, free
from ingest.words.values import storable

_DEEPEST = 5
_BETWEEN = "; "
Object = dict[str, Any]


def record(value: Object) -> dict[str, str]:
    """The object as column -> text."""
    found: dict[str, str] = {}
    _flatten(_shaped(value), "", 0, found)
    return found


def _flatten(value: Object, above: str, depth: int, found: dict[str, str]) -> None:
    for key, inner in value.items():
        name = f"{above}.{key}" if above else key
        if not name.isprintable():
            name = storable(name)
        if isinstance(inner, dict) and inner and depth < _DEEPEST:
            _flatten(inner, name, depth + 1, found)
        else:
            found[free(name, found)] = text_of(inner)


Shape = tuple[Any, ...]


def shape(value: Object) -> Shape:
    """What its columns depend on: objects of one shape have the same, and need not be made into records."""
    return _keys(_shaped(value), 0)


def _keys(value: Object, depth: int) -> Shape:
    inside = [
        (key, _keys(inner, depth + 1))
        for key, inner in value.items()
        if type(inner) is dict and inner and depth < _DEEPEST
    ]
    return (*value, None, *inside)


def text_of(value: Any) -> str:
    """A value as the text of a cell."""
    if isinstance(value, str):
        return _whole(value)
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return _BETWEEN.join(text_of(one) for one in value if one is not None)
    return _whole(written(value))


def _whole(text: str) -> str:
    # JSON can write half a character, and no database can hold it.
    return text if text.isascii() else storable(text)


def written(value: Any) -> str:
    """A value as JSON, with numbers as they came. Raises Broken for one that is nested too deeply."""
    try:
        return _written(value)
    except RecursionError:  # what the decoder could just do, which is written in C
        raise Broken("it is nested too deeply") from None


def _written(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key, ensure_ascii=False)}:{_written(one)}" for key, one in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _shaped(value: Object) -> Object:
    """The object as it would be if it were a row of a table, where its shape is known."""
    if value.get("type") == "Feature" and "geometry" in value:
        return _feature(value)
    if "observed_on" in value and isinstance(value.get("taxon"), dict | None) and "location" in value:
        return _inaturalist(value)
    if "uuid" in value and "dataResourceUid" in value:
        return _ala(value)
    return value


def _feature(value: Object) -> Object:
    """A feature of GeoJSON: its properties, its id and its point, which has the longitude first."""
    properties = value.get("properties")
    shaped = dict(properties) if isinstance(properties, dict) else {}
    for key, inner in value.items():
        if key not in ("type", "properties", "geometry"):
            shaped[free(key, shaped)] = inner
    geometry = value["geometry"]
    place = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if isinstance(place, list) and geometry.get("type") == "Point" and len(place) >= 2:
        names = ("decimalLongitude", "decimalLatitude", "altitude")
        # Coordinates among the properties are what the owner wrote; the point may be rounded.
        shaped = {**dict(zip(names, place, strict=False)), **shaped}
    elif geometry is not None:
        shaped[free("geometry", shaped)] = written(geometry)
    return shaped


def _inaturalist(value: Object) -> Object:
    """An observation of iNaturalist: its location is "latitude,longitude", or a list of the two."""
    location = value["location"]
    place = location.split(",") if isinstance(location, str) else location
    if not isinstance(place, list) or len(place) != 2:
        return value
    rest = {key: inner for key, inner in value.items() if key != "location"}
    return {**rest, "decimalLatitude": place[0], "decimalLongitude": place[1]}


def _ala(value: Object) -> Object:
    """A record of the ALA: its date is milliseconds since 1970, of which only the day is true."""
    date = value.get("eventDate")
    moment = _moment(date, 1_000) if isinstance(date, Number) else None
    return {**value, "eventDate": moment[:10], "eventDate.milliseconds": date} if moment else value


_SECONDS = re.compile(r"\d{10}\Z")
_MILLISECONDS = re.compile(r"\d{13}\Z")


def unix_time(text: str) -> str | None:
    """Seconds or milliseconds since 1970, from 2001 on, as ISO text in UTC; None for any other text.

    Numbers of other lengths may be days (20240503).
    """
    if _MILLISECONDS.match(text):
        return _moment(text, 1_000)
    return _moment(text, 1) if _SECONDS.match(text) else None


def _moment(digits: str, per_second: int) -> str | None:
    try:
        return datetime.fromtimestamp(int(digits) / per_second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None
