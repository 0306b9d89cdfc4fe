"""At how many places anything was recorded; knows nothing of how the number is shown."""

from __future__ import annotations

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


def localities(connection: Connection, most: int) -> list[str]:
    """The names of places that have a record, as the sources write them: the first ones of the alphabet."""
    there = exists().where(Sighting.place_id == Place.id, Sighting.retired_run.is_(None), ~Sighting.absent)
    asked = select(Place.locality).where(Place.locality != "", there).distinct()
    return list(connection.execute(asked.order_by(Place.locality).limit(most)).scalars())
