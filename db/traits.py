"""What a question asks of single records, which no rollup keeps apart, and what that means in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, func, literal, or_, select

from db.areas import Area, inside
from db.models import Place, Sighting, TaxonName

Expression = SQLColumnExpression[Any]
Range = tuple[float | None, float | None]
"""Two ends, both inclusive; None is open."""


@dataclass(frozen=True)
class Traits:
    """Conditions on single records; each holds alternatives, empty or None is "any". Hashable."""

    absent: bool | None = None
    days_of_month: tuple[int, ...] = ()
    starts: tuple[Range, ...] = ()
    """Days of the year, 1 to 366, on which a record's dates begin, where the source tells the day."""
    ends: tuple[Range, ...] = ()
    recorded_by: tuple[str, ...] = ()
    sexes: tuple[str, ...] = ()
    life_stages: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    occurrence_ids: tuple[str, ...] = ()
    counts: tuple[Range, ...] = ()
    has_coordinate: bool | None = None
    has_geospatial_issue: bool | None = None
    latitudes: tuple[Range, ...] = ()
    longitudes: tuple[Range, ...] = ()
    uncertainties: tuple[Range, ...] = ()
    """Metres."""
    areas: tuple[Area, ...] = ()
    circles: tuple[Area, ...] = ()
    text: str | None = None
    """Part of a name of the taxon, of the locality, or of who recorded it."""


ANY = Traits()
"""No condition."""


def trait_conditions(traits: Traits) -> list[ColumnElement[bool]]:
    """The traits as conditions on ``sighting``."""
    if traits == ANY:  # to make conditions that nobody asked for took a third of a chart's time
        return []
    terms = [*_on_values(traits), *_on_ranges(traits), *_on_places(traits)]
    if traits.text:
        terms.append(_mentions(traits.text))
    return terms


def _on_values(traits: Traits) -> list[ColumnElement[bool]]:
    equal = (
        (Sighting.recorded_by, traits.recorded_by),
        (func.lower(Sighting.sex), traits.sexes),
        (func.lower(Sighting.life_stage), traits.life_stages),
        (Sighting.occurrence_id, traits.occurrence_ids),
    )
    terms: list[ColumnElement[bool]] = [column.in_(values) for column, values in equal if values]
    if traits.absent is not None:
        terms.append(Sighting.absent.is_(traits.absent))
    if traits.issues:
        listed = literal(";") + Sighting.issues + ";"
        terms.append(or_(*(listed.contains(f";{issue};", autoescape=True) for issue in traits.issues)))
    if traits.days_of_month:
        one_day = Sighting.first_day == Sighting.last_day
        terms += [one_day, (Sighting.first_day % 100).in_(traits.days_of_month)]
    return terms


def _on_ranges(traits: Traits) -> list[ColumnElement[bool]]:
    within = (
        (_day_of_year(Sighting.first_day), traits.starts),
        (_day_of_year(Sighting.last_day), traits.ends),
        (Sighting.individual_count, traits.counts),
        (Sighting.decimal_latitude, traits.latitudes),
        (Sighting.decimal_longitude, traits.longitudes),
        (Sighting.coordinate_uncertainty, traits.uncertainties),
    )
    return [or_(*(_in_range(column, ends) for ends in ranges)) for column, ranges in within if ranges]


def _in_range(column: Expression, ends: Range) -> ColumnElement[bool]:
    low, high = ends
    if low is not None and high is not None:
        return column.between(low, high)
    if low is not None:
        return column >= low
    return column <= high if high is not None else column.is_not(None)


def _on_places(traits: Traits) -> list[ColumnElement[bool]]:
    terms: list[ColumnElement[bool]] = []
    both = Sighting.decimal_latitude.is_not(None) & Sighting.decimal_longitude.is_not(None)
    if traits.has_coordinate is not None:
        terms.append(both if traits.has_coordinate else ~both)
    if traits.has_geospatial_issue is not None:
        terms.append(Sighting.geospatial_issue.is_(traits.has_geospatial_issue))
    for areas in (traits.areas, traits.circles):
        if areas:
            point = Sighting.decimal_longitude, Sighting.decimal_latitude
            terms.append(or_(*(inside(area, *point) for area in areas)))
    return terms


def _day_of_year(day: Expression) -> ColumnElement[int]:
    """1 to 366; NULL for dates that tell no day, but only a whole year or month."""
    year, month = day // 10_000, day // 100 % 100
    before_march = case((month <= 2, 0), (_leap(year), 1), else_=2)
    return case((_whole_year_or_month(), None), else_=275 * month // 9 - before_march + day % 100 - 30)


def _leap(year: Expression) -> ColumnElement[bool]:
    return and_(year % 4 == 0, or_(year % 100 != 0, year % 400 == 0))


def _whole_year_or_month() -> ColumnElement[bool]:
    first, last = Sighting.first_day, Sighting.last_day
    year, month = first // 10_000, first // 100 % 100
    length = case((month == 2, case((_leap(year), 29), else_=28)), (month.in_((4, 6, 9, 11)), 30), else_=31)
    whole_year = and_(first % 10_000 == 101, last == first + 1130)
    return or_(whole_year, and_(first % 100 == 1, last == first + length - 1))


def _mentions(text: str) -> ColumnElement[bool]:
    """Whether a name of the taxon, the locality or the recorder holds this text, whatever its capitals.

    Beyond ASCII SQLite knows no capitals: there a place or a person is found as it is written.
    """
    named = TaxonName.name_key.contains(text.casefold(), autoescape=True)
    spelled = {text, text.lower()}

    def holds(column: Expression) -> ColumnElement[bool]:
        return or_(*(func.lower(column).contains(part, autoescape=True) for part in sorted(spelled)))

    return or_(
        Sighting.taxon_id.in_(select(TaxonName.taxon_id).where(named)),
        Sighting.place_id.in_(select(Place.id).where(holds(Place.locality))),
        holds(Sighting.recorded_by),
    )
