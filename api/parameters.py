"""The closed set of parameters: a query string becomes one frozen value, or a refusal that names the parameter.

Knows no report and no answer. Two query strings that mean the same give equal values; that is why a value can be a key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
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

MOST_PAIRS = 200
MOST_VALUES = 50
Interval = Literal["year", "month", "week", "day", "hour"]
Measure = Literal["records", "individuals"]
Pairs = Sequence[tuple[str, str]]
P = TypeVar("P", bound="Parameters")


class BadParameter(ValueError):
    """A query that is refused; says in one sentence why, and which parameter is at fault if one is."""

    def __init__(self, sentence: str, parameter: str | None = None) -> None:
        super().__init__(sentence)
        self.parameter = parameter


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
    return tuple(sorted({month for one in given for month in read_months(one)})) if isinstance(given, list) else given


Names = Annotated[tuple[str, ...], _all(read_name)]
Texts = Annotated[tuple[str, ...], _all(read_text)]
Whole = BeforeValidator(read_whole)
Limit = Annotated[int, Whole, Field(ge=1, le=200)]
Version = Annotated[int | None, Whole, Field(ge=1)]


class Parameters(BaseModel):
    """What every closed set shares: names as GBIF writes them, nothing unknown, frozen."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=()
    )

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
            self.scientific_name, self.vernacular_name, self.species, self.taxon_key, self.event_date, self.year,
            self.month, self.country, self.state_province, self.locality, self.basis_of_record, self.feed, self.bbox,
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


def pairs(query: bytes) -> list[tuple[str, str]]:
    """A query string as names and values; refuses what is not UTF-8 behind whole escapes, NUL, and too many."""
    parts = [part for part in query.split(b"&") if part]
    if len(parts) > MOST_PAIRS:
        raise BadParameter(f"The query has more than {MOST_PAIRS} parameters.")
    found = []
    for part in parts:
        name, _, value = part.partition(b"=")
        found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(written: bytes) -> str:
    if re.search(rb"%(?![0-9A-Fa-f]{2})", written):
        raise BadParameter("The query has a percent sign that begins no escape.")
    try:
        plain = unquote_to_bytes(written.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadParameter("The query is not UTF-8.") from None
    if "\0" in plain:
        raise BadParameter("The query holds a NUL character.")
    return plain


def read(model: type[P], given: Pairs) -> P:
    """The one value that these names and values mean. Raises BadParameter."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    found: dict[str, Any] = {}
    for name, value in given:
        if name not in fields:
            raise BadParameter(f"This is not a parameter here{nearest(name, fields)}", name[:100])
        if not value:
            raise BadParameter(f"{name} is empty.", name)
        if isinstance(fields[name].default, tuple):
            found.setdefault(name, []).append(value)
        elif name in found:
            raise BadParameter(f"{name} is given more than once.", name)
        else:
            found[name] = value
    try:
        return model.model_validate(found)
    except ValidationError as error:
        complaint = error.errors(include_url=False, include_input=False)[0]
        name = str(complaint["loc"][0])
        raise BadParameter(f"{name} {_sentence(complaint['type'], complaint.get('ctx', {}))}.", name) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the closest known one, or all of them."""
    lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower()[:100], list(lower), n=1, cutoff=0.5)
    return f"; did you mean {lower[near[0]]}?" if near else f"; there are {', '.join(lower.values())}."


def _sentence(kind: str, context: dict[str, Any]) -> str:
    match kind:
        case "missing":
            return "is missing"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "literal_error":
            return f"must be {context['expected']}"
        case _:
            return str(context.get("error", "cannot be understood"))
