"""The closed set of parameters, as frozen values: what means the same is equal, which makes a value a key.

Knows no query string and no report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.asking.values import (
    BasisOfRecord,
    WrittenBox,
    WrittenCountry,
    WrittenDays,
    WrittenMonths,
    WrittenText,
    WrittenWhole,
    WrittenYears,
    read_basis_of_record,
    read_box,
    read_country,
    read_days,
    read_language,
    read_months,
    read_name,
    read_text,
    read_whole,
    read_years,
    written_box,
    written_days,
    written_years,
)
from api.speech import ENGLISH, _, languages
from db.filters import Filters, Span

MOST_VALUES = 50
Interval = Annotated[
    Literal["year", "month", "week", "day", "hour"],
    Field(description="How long a bucket is; weeks are those of ISO 8601.", examples=["month"]),
]
Measure = Annotated[
    Literal["records", "individuals"],
    Field(
        description="individuals adds the counts, a record without one counting as one; records counts rows.",
        examples=["records"],
    ),
]


def _all(read: Callable[[str], Any], written: object) -> BeforeValidator:
    """Each of the repeated values, read, in one order and once; ``written`` is the type of one in a URL."""

    def read_all(given: object) -> object:
        return tuple(sorted({read(one) for one in _few(given)})) if isinstance(given, list) else given

    return BeforeValidator(read_all, json_schema_input_type=repeated(written))


def repeated(written: object) -> object:
    """The type of a parameter that may be repeated, as it stands in a URL."""
    return Annotated[list[written], Field(max_length=MOST_VALUES)]  # type: ignore[valid-type]


def _few(given: list[str]) -> list[str]:
    if len(given) > MOST_VALUES:
        raise ValueError(_("is given more than %(num)s times", num=MOST_VALUES))
    return given


def _months(given: object) -> object:
    if not isinstance(given, list):
        return given
    return tuple(sorted({month for one in _few(given) for month in read_months(one)}))


def _title(given: object) -> object:
    return read_text(given) if isinstance(given, str) else given


Name = Annotated[str, BeforeValidator(read_name, json_schema_input_type=WrittenText)]
Names = Annotated[tuple[str, ...], _all(read_name, WrittenText)]
Texts = Annotated[tuple[str, ...], _all(read_text, WrittenText)]
Keys = Annotated[tuple[int, ...], _all(read_whole, WrittenWhole)]
Days = Annotated[tuple[Span, ...], _all(read_days, WrittenDays)]
Years = Annotated[tuple[Span, ...], _all(read_years, WrittenYears)]
Months = Annotated[tuple[int, ...], BeforeValidator(_months, json_schema_input_type=repeated(WrittenMonths))]
Countries = Annotated[tuple[str, ...], _all(read_country, WrittenCountry)]
Bases = Annotated[tuple[str, ...], _all(read_basis_of_record, BasisOfRecord)]
Box = Annotated[
    tuple[float, float, float, float] | None, BeforeValidator(read_box, json_schema_input_type=WrittenBox)
]
Title = Annotated[str | None, BeforeValidator(_title, json_schema_input_type=WrittenText)]
Whole = BeforeValidator(read_whole)
Language = Annotated[
    str,
    BeforeValidator(read_language),
    Field(
        description="The language of what is written, by its tag; data stay as their source has them.",
        examples=[ENGLISH],
        json_schema_extra={"enum": list(languages())},
    ),
]
Limit = Annotated[
    int, Whole, Field(ge=1, le=200, description="How many lines, bars or rows at most.", examples=[5])
]
Version = Annotated[int | None, Whole, Field(ge=1, le=999_999_999)]


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

    @classmethod
    def required(cls) -> list[str]:
        """Those of them without which nothing can be answered."""
        return [field.alias or name for name, field in cls.model_fields.items() if field.is_required()]


class FilterParameters(Parameters):
    """What a question is restricted to; repeat a parameter for OR."""

    scientific_name: Names = Field(
        (),
        description="A scientific name, of the taxon itself or of one above it.",
        examples=["Lynx lynx", "Felidae"],
    )
    vernacular_name: Names = Field(
        (), description="A common name, in any language that the records brought.", examples=["Red fox"]
    )
    species: Names = Field(
        (), description="Either of the two names, in any case; ours, not GBIF's.", examples=["lynx lynx"]
    )
    taxon_key: Keys = Field(
        (), description="The key of a taxon, as the report species shows it.", examples=[12]
    )
    event_date: Days = Field(
        (),
        description="A day, month or year, or a range of them with a comma, ends included; * is an open end.",
        examples=["2001-02,2010-01", "2024-05-03", "2024,*"],
    )
    year: Years = Field(
        (),
        description="A year, or a range of them with a comma, ends included; * is an open end.",
        examples=["2010,2015", "2012"],
    )
    month: Months = Field(
        (), description="A month of any year, or a range of them with a comma.", examples=["4,8", "4"]
    )
    country: Countries = Field(
        (), description="A country by its two letters (ISO 3166-1 alpha-2).", examples=["SI"]
    )
    state_province: Texts = Field(
        (), description="A state or province, as the source writes it.", examples=["Carinthia"]
    )
    locality: Texts = Field((), description="A place, as the source writes it.", examples=["Lake shore"])
    basis_of_record: Bases = Field(
        (),
        description="What the record is, as GBIF spells it; Darwin Core's spelling is understood too.",
        examples=["HUMAN_OBSERVATION"],
    )
    feed: Texts = Field((), description="Where the records came from; ours, not GBIF's.", examples=["gbif"])
    bbox: Box = Field(
        None,
        description="West, south, east and north in decimal degrees, as OGC orders them; a west beyond the "
        "east crosses the antimeridian; ours, not GBIF's.",
        examples=["13.5,46.2,14.2,46.5"],
    )

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
                told["bbox"] = [written_box(given)]
            elif given:
                told[str(field.alias)] = [writers.get(name, str)(one) for one in given]
        return told


class VersionedParameters(FilterParameters):
    """Filters, and the data version that they are asked of."""

    at_least: Version = Field(
        None, alias="v", description="At least this data version: 503 until it is here.", examples=[1]
    )
    as_of: Version = Field(
        None,
        description="Exactly this data version: numbers and names that never change again.",
        examples=[1],
    )


class ReportParameters(VersionedParameters):
    """What every report understands: filters, versions and the look. A report's own class adds its shape."""

    LOOK: ClassVar[frozenset[str]] = frozenset({"width", "height", "theme", "title", "scale", "lang"})

    width: Annotated[int, Whole, Field(ge=200, le=2400)] = Field(
        720, description="Of a picture, in CSS pixels.", examples=[720]
    )
    height: Annotated[int, Whole, Field(ge=150, le=1600)] = Field(
        400, description="Of a picture, in CSS pixels.", examples=[400]
    )
    theme: Literal["light", "dark", "auto"] = Field(
        "light", description="Colours of a picture; auto follows the reader's system.", examples=["auto"]
    )
    title: Title = Field(
        None, description="Of a picture, instead of the report's own.", examples=["Lynx in the park"]
    )
    scale: Annotated[int, Whole, Field(ge=1, le=2)] = Field(
        1, description="2 makes a PNG for dense screens.", examples=[2]
    )
    lang: Language = ENGLISH

    @property
    def demanded(self) -> tuple[tuple[str, str], ...]:
        """Parameters that name a species, and the name, where an unknown one is refused and not just told."""
        return ()

    def canonical(self, form: str) -> str:
        """One text for everything in it that can change an answer of this form (svg, png, json, csv)."""
        idle = {"at_least"}
        if form in ("json", "csv"):
            idle |= self.LOOK
        elif form == "svg":
            idle.add("scale")
        return self.model_dump_json(exclude=idle, exclude_defaults=True)
