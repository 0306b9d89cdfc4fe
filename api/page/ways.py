"""The addresses of the pages of a species and of a place, by which one leads to another. Knows no data."""

from __future__ import annotations

from flask import url_for

from api.asking.query import Pairs
from api.asking.values import read_text
from api.page.query import addressed
from db.questions.places import Named


def of_species(key: int, settings: Pairs = ()) -> str:
    """The page of a taxon."""
    return addressed(url_for("page.species", key=key), settings)


def of_place(place: Named, settings: Pairs = ()) -> str:
    """The page of a place; empty where it has no name that can be asked for."""
    asked = filters_of(place)
    return addressed(url_for("page.place"), [*asked, *settings]) if asked else ""


def filters_of(place: Named) -> list[tuple[str, str]]:
    """What leaves the records of a place of this name alone; nothing where its name cannot be asked for."""
    if not _can_be_asked_for(place.locality):
        return []
    given = (("locality", place.locality), ("stateProvince", place.state), ("country", place.country))
    return [(name, value) for name, value in given if _can_be_asked_for(value)]


def _can_be_asked_for(name: str) -> bool:
    try:
        return read_text(name) == name
    except ValueError:
        return False
