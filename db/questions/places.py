"""At how many places anything was recorded, at which most, and their names; knows no page."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, exists, func, or_, select

from db.filters import Filters, Scope, conditions
from db.models import Place, Sighting
from db.questions.walks import terms_of_all

_NAMED = or_(
    Place.country_code != "",
    Place.state_province != "",
    Place.county != "",
    Place.locality != "",
    Place.location_id != "",
)


def places(connection: Connection, scope: Scope) -> int:
    """How many places have a record of the scope; what nobody named is none, nor is one of absences alone."""
    return _of_all(connection, scope) if _whole(scope) else _of_some(connection, scope)


def _whole(scope: Scope) -> bool:
    return scope.revision is None and scope.filters == Filters()


def _of_all(connection: Connection, scope: Scope) -> int:
    """A look into the index of places for each of them, however many records they have."""
    there = exists().where(Sighting.place_id == Place.id, *conditions(scope), ~Sighting.absent)
    asked = select(func.count()).select_from(Place).where(_NAMED, there)
    return int(connection.execute(asked).scalar_one())


def _of_some(connection: Connection, scope: Scope) -> int:
    terms = (*terms_of_all(connection, scope), ~Sighting.absent)
    met = select(Sighting.place_id).where(*terms).distinct()
    asked = select(func.count()).select_from(Place).where(_NAMED, Place.id.in_(met))
    return int(connection.execute(asked).scalar_one())


class Named(NamedTuple):
    """A place as far as it has a name: two of one name are two where country or state differ."""

    country: str
    state: str
    locality: str


class Recorded(NamedTuple):
    """How much was recorded at a place; an uncounted sighting counts as one animal."""

    place: Named
    records: int
    individuals: float


_NAME = (Place.country_code, Place.state_province, Place.locality)


def most_recorded(connection: Connection, scope: Scope, most: int) -> list[Recorded]:
    """The places with a locality and a record of the scope, those with the most records first."""
    animals = func.sum(func.coalesce(Sighting.individual_count, 1.0))
    terms = (*terms_of_all(connection, scope), ~Sighting.absent)
    met = select(Sighting.place_id, func.count().label("records"), animals.label("individuals"))
    each = met.where(*terms).group_by(Sighting.place_id).subquery()
    records = func.sum(each.c.records)
    asked = select(*_NAME, records, func.sum(each.c.individuals)).join(Place, Place.id == each.c.place_id)
    asked = asked.where(Place.locality != "").group_by(*_NAME).order_by(records.desc(), *_NAME).limit(most)
    return [Recorded(Named(*row[:3]), int(row[3]), row[4]) for row in connection.execute(asked)]


_THERE = (Sighting.place_id == Place.id, Sighting.retired_run.is_(None), ~Sighting.absent)


def localities(connection: Connection, most: int) -> list[str]:
    """The names of places that have a record, as the sources write them: the first ones of the alphabet."""
    asked = select(Place.locality).where(Place.locality != "", exists().where(*_THERE)).distinct()
    return list(connection.execute(asked.order_by(Place.locality).limit(most)).scalars())


def areas(connection: Connection) -> list[tuple[str, str]]:
    """Each country with each of its states that has a record, empty where it was not told."""
    each = select(Place.country_code, Place.state_province).distinct().subquery()
    # For each of them a look into the index of places, up to the first that has a record.
    same = (Place.country_code == each.c.country_code, Place.state_province == each.c.state_province)
    asked = select(each.c.country_code, each.c.state_province).where(exists().where(*same, *_THERE))
    return [(row[0], row[1]) for row in connection.execute(asked)]


def namesakes(connection: Connection, locality: str) -> list[Named]:
    """The places of this very name, whether or not they have a record now."""
    asked = select(*_NAME).where(Place.locality == locality).distinct().order_by(*_NAME)
    return [Named(*row) for row in connection.execute(asked)]
