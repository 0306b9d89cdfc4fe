"""The latest records, whole, under Darwin Core's names; knows neither the web nor the database's tables."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Connection

from api.asking.parameters import Limit, ReportParameters
from api.draw import Look, Picture, Words, table
from api.reports.report import Report, Tidy
from api.shape import Shape
from db.filters import Scope
from db.questions.recent import latest

COLUMNS = (
    "key", "occurrenceID", "eventDate", "eventTime", "scientificName", "vernacularName", "individualCount",
    "occurrenceStatus", "basisOfRecord", "countryCode", "stateProvince", "locality", "decimalLatitude",
    "decimalLongitude", "issues", "feed",
)  # fmt: skip


class RecentRow(Shape):
    """One record under Darwin Core's names."""

    key: int
    occurrence_id: str | None = Field(alias="occurrenceID")
    event_date: str
    event_time: str | None
    scientific_name: str | None
    vernacular_name: str | None
    individual_count: int | float | None
    occurrence_status: Literal["PRESENT", "ABSENT"]
    basis_of_record: str | None
    country_code: str | None
    state_province: str | None
    locality: str | None
    decimal_latitude: float | None
    decimal_longitude: float | None
    issues: str | None
    feed: str


class RecentParameters(ReportParameters):
    """The shape of a list of records."""

    limit: Limit = 20


def ask(connection: Connection, scope: Scope, parameters: RecentParameters) -> list[dict[str, Any]]:
    """The newest records of the scope."""
    return latest(connection, scope, parameters.limit)


def shape(found: list[dict[str, Any]], parameters: RecentParameters, _: int | None) -> Tidy:
    """A row for each record; its issues in one cell, as GBIF's downloads have them."""
    rows = [record | {"issues": ";".join(record["issues"]) or None} for record in found]
    return Tidy(columns=COLUMNS, rows=rows, facts={"limit": parameters.limit})


def draw(tidy: Tidy, _: RecentParameters, words: Words, look: Look) -> Picture:
    """When, what, how many, where."""
    rows = [[_when(row), _what(row), str(row["individualCount"] or ""), _where(row)] for row in tidy.rows]
    return table(("Date", "Species", "Count", "Place"), rows, words, look)


def _when(row: dict[str, Any]) -> str:
    return f"{row['eventDate']} {row['eventTime'][:5]}" if row["eventTime"] else str(row["eventDate"])


def _what(row: dict[str, Any]) -> str:
    return str(row["vernacularName"] or row["scientificName"] or "")


def _where(row: dict[str, Any]) -> str:
    return str(row["locality"] or row["stateProvince"] or row["countryCode"] or "")


def heading(_: RecentParameters) -> str:
    """Latest records."""
    return "Latest records"


RECENT = Report(
    "recent", "Which are the latest records?", RecentParameters, ask, shape, draw, heading, RecentRow
)
