"""What is counted of sightings: records, individuals and what goes with them. Knows no bucket and no run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func

from db.models import Sighting

COUNTS = ("records", "individuals", "uncounted", "absences")


def measures(sign: int = 1) -> list[ColumnElement[Any]]:
    """The four counts over rows of ``sighting``, times a sign."""
    present = case((Sighting.absent, 0), else_=1)
    individuals = case((Sighting.absent, 0.0), else_=func.coalesce(Sighting.individual_count, 1.0))
    uncounted = case((and_(~Sighting.absent, Sighting.individual_count.is_(None)), 1), else_=0)
    absences = case((Sighting.absent, 1), else_=0)
    sums = (present, individuals, uncounted, absences)
    return [(func.sum(value) * sign).label(name) for value, name in zip(sums, COUNTS, strict=True)]
