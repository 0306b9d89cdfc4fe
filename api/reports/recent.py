"""The latest records, whole, under Darwin Core's names; knows neither the web nor the database's tables."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Connection

from api.asking.parameters import Limit, ReportParameters
from api.draw import Look, Picture, Words, clean, table
from api.draw.named import Named
from api.draw.words import canonical, exactly
from api.reports.report import Report, Tidy
from api.shape import Shape
from api.speech import _, pgettext, readers_language
from db.filters import Scope
from db.questions.recent import latest

COLUMNS = (
    "key", "occurrenceID", "eventDate", "eventTime", "scientificName", "vernacularName", "individualCount",
    "occurrenceStatus", "basisOfRecord", "countryCode", "stateProvince", "locality", "decimalLatitude",
    "decimalLongitude", "issues", "feed", "taxonKey",
)  # fmt: skip
_WIDE = 480  # pixels; in less, times of day would cost the dates their days


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
    taxon_key: int


class RecentParameters(ReportParameters):
    """The shape of a list of records."""

    limit: Limit = 20


def ask(connection: Connection, scope: Scope, parameters: RecentParameters) -> list[dict[str, Any]]:
    """The newest records of the scope."""
    return latest(connection, scope, parameters.limit, readers_language())


def shape(found: list[dict[str, Any]], parameters: RecentParameters, _under_way: int | None) -> Tidy:
    """A row for each record; its issues in one cell, as GBIF's downloads have them."""
    rows = [record | {"issues": ";".join(record["issues"]) or None} for record in found]
    return Tidy(columns=COLUMNS, rows=rows, facts={"limit": parameters.limit}, said=_said(rows))


def draw(tidy: Tidy, _parameters: RecentParameters, words: Words, look: Look) -> Picture:
    """When, what, how many, where; a narrow picture has room for days only."""
    timed = look.width >= _WIDE
    rows = [[_when(row, timed), _what(row), _count(row), _where(row)] for row in tidy.rows]
    names = [_named(row) for row in tidy.rows]
    titles = (_("Date"), _("Species"), pgettext("how many", "Count"), _("Place"))
    return table(titles, rows, words, look, names)


def _named(row: dict[str, Any]) -> Named:
    count = row["individualCount"]
    value = () if count is None else (("data-value", canonical(count)),)
    kind = (("class", "record"), ("data-key", str(row["key"])))
    return Named((*kind, ("data-date", row["eventDate"]), ("data-species", clean(_what(row))), *value))


def _when(row: dict[str, Any], timed: bool) -> str:
    return f"{row['eventDate']} {row['eventTime'][:5]}" if timed and row["eventTime"] else row["eventDate"]


def _count(row: dict[str, Any]) -> str:
    """Nothing where nobody counted."""
    return "" if row["individualCount"] is None else exactly(row["individualCount"])


def _said(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return _("No records")
    return _("The latest is of %(name)s, %(day)s", name=_what(rows[0]), day=rows[0]["eventDate"])


def _what(row: dict[str, Any]) -> str:
    return str(row["vernacularName"] or row["scientificName"] or "")


def _where(row: dict[str, Any]) -> str:
    return str(row["locality"] or row["stateProvince"] or row["countryCode"] or "")


def heading(_parameters: RecentParameters) -> str:
    """Latest records."""
    return _("Latest records")


RECENT = Report(
    "recent", "Which are the latest records?", RecentParameters, ask, shape, draw, heading, RecentRow
)
