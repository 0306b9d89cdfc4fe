"""The closed set of parameters, as frozen values: what means the same is equal, which makes a value a key.

Knows no query string and no report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.values import (
    read_basis_of_record,
    read_box,
    read_country,
    read_days,
    read_months,
    read_name,
    read_text,
    read_whole,
    read_years,
    written_days,
    written_years,
)
from db.filters import Filters, Span

MOST_VALUES = 50
Interval = Literal["year", "month", "week", "day", "hour"]
Measure = Literal["records", "individuals"]


def _all(read: Callable[[str], Any]) -> BeforeValidator:
    """Each of the repeated values, read, in one order and once."""

    def read_all(given: object) -> object:
        if not isinstance(given, list):
            return given
        if len(given) > MOST_VALUES:
            raise ValueError(f"is given more than {MOST_VALUES} times")
        return tuple(sorted({read(one) for one in given}))

    return BeforeValidator(read_all)


def _months(given: object) -> object:
    return (
        tuple(sorted({month for one in given for month in read_months(one)}))
        if isinstance(given, list)
        else given
    )


Names = Annotated[tuple[str, ...], _all(read_name)]
Texts = Annotated[tuple[str, ...], _all(read_text)]
Whole = BeforeValidator(read_whole)
Limit = Annotated[int, Whole, Field(ge=1, le=200)]
Version = Annotated[int | None, Whole, Field(ge=1)]


class Parameters(BaseModel):
    """What every closed set shares: names as GBIF writes them, nothing unknown, frozen."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    NOT_HELD: ClassVar[dict[str, str]] = {}
    """Names that are known and refused, each with the nearest one that is not, if there is any."""

    @classmethod
    def names(cls) -> list[str]:
        """The parameters as they are written in a URL."""
        return [field.alias or name for name, field in cls.model_fields.items()]


class FilterParameters(Parameters):
    """What a question is restricted to; repeat a parameter for OR."""

    scientific_name: Names = ()
    vernacular_name: Names = ()
    species: Names = ()
    taxon_key: Annotated[tuple[int, ...], _all(read_whole)] = ()
    event_date: Annotated[tuple[Span, ...], _all(read_days)] = ()
    year: Annotated[tuple[Span, ...], _all(read_years)] = ()
    month: Annotated[tuple[int, ...], BeforeValidator(_months)] = ()
    country: Annotated[tuple[str, ...], _all(read_country)] = ()
    state_province: Texts = ()
    locality: Texts = ()
    basis_of_record: Annotated[tuple[str, ...], _all(read_basis_of_record)] = ()
    feed: Texts = ()
    bbox: Annotated[tuple[float, float, float, float] | None, BeforeValidator(read_box)] = None

    @property
    def filters(self) -> Filters:
        """The filters as the database's own value."""
        return Filters(
            self.scientific_name, self.vernacular_name, self.species, self.taxon_key, self.event_date,
            self.year, self.month, self.country, self.state_province, self.locality, self.basis_of_record,
            self.feed, self.bbox,
        )  # fmt: skip

    def understood(self) -> dict[str, list[str]]:
        """The filters that were given, as they were understood, in the words of the query."""
        told: dict[str, list[str]] = {}
        writers = {"event_date": written_days, "year": written_years}
        for name, field in FilterParameters.model_fields.items():
            given = getattr(self, name)
            if name == "bbox" and given:
                told["bbox"] = [",".join(f"{part:g}" for part in given)]
            elif given:
                told[str(field.alias)] = [writers.get(name, str)(one) for one in given]
        return told


class ReportParameters(FilterParameters):
    """What every report understands: filters, versions and the look. A report's own class adds its shape."""

    LOOK: ClassVar[frozenset[str]] = frozenset({"width", "height", "theme", "title", "scale"})

    at_least: Annotated[Version, Field(alias="v")] = None
    as_of: Version = None
    width: Annotated[int, Whole, Field(ge=200, le=2400)] = 720
    height: Annotated[int, Whole, Field(ge=150, le=1600)] = 400
    theme: Literal["light", "dark", "auto"] = "light"
    title: Annotated[str | None, BeforeValidator(lambda given: read_text(given) if given else given)] = None
    scale: Annotated[int, Whole, Field(ge=1, le=2)] = 1

    def canonical(self, form: str) -> str:
        """One text for everything in it that can change an answer of this form (svg, png, json, csv)."""
        idle = {"at_least"}
        if form in ("json", "csv"):
            idle |= self.LOOK
        elif form == "svg":
            idle.add("scale")
        return self.model_dump_json(exclude=idle, exclude_defaults=True)
