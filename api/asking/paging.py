"""What a page of records may be asked for, and which facets with it. Knows no route and no database."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, create_model, model_validator

from api.asking.numbers import WrittenFlag, read_flag
from api.asking.occurrence_filters import WITHOUT_EFFECT, OccurrenceFilters
from api.asking.parameters import Whole
from db.questions.facets import FIELDS

MOST_RECORDS = 300
"""Records on a page; GBIF's limit too, which it applies in silence."""
DEEPEST = 100_000
"""Records that can be paged through by offset, as with GBIF."""
MOST_FACETS = 10
MOST_VALUES = 100_000
"""Values of one facet in one answer."""

_SPELLED = {field.replace("_", "").lower(): field for field in FIELDS}

FacetLimit = Annotated[int | None, Whole, Field(ge=0, le=MOST_VALUES)]
FacetOffset = Annotated[int | None, Whole, Field(ge=0, le=1_000_000)]
MinCount = Annotated[int | None, Whole, Field(ge=0, le=999_999_999)]


def read_facet(value: str) -> str:
    """A field in its one spelling; GBIF's clients write ``basisOfRecord``, ``BASIS_OF_RECORD`` and more."""
    plain = value.replace("_", "").lower()
    if plain in _SPELLED:
        return _SPELLED[plain]
    near = difflib.get_close_matches(plain[:100], list(_SPELLED), n=1, cutoff=0.5)
    told = f"did you mean {_SPELLED[near[0]]}?" if near else f"there are {', '.join(FIELDS)}"
    raise ValueError(f"names no field that can be counted here; {told}")


def _facets(given: object) -> object:
    if not isinstance(given, list):
        return given
    if len(given) > MOST_FACETS:
        raise ValueError(f"is given more than {MOST_FACETS} times")
    return tuple(dict.fromkeys(read_facet(value) for value in given))


WrittenFacets = Annotated[
    list[Annotated[str, Field(json_schema_extra={"enum": list(FIELDS)})]], Field(max_length=MOST_FACETS)
]


class PageParameters(OccurrenceFilters):
    """A page of the records that the filters leave, and the facets of all of them."""

    limit: Annotated[
        int, Whole, Field(ge=0, le=MOST_RECORDS, description="Records on the page.", examples=[20])
    ] = 20
    offset: Annotated[
        int, Whole, Field(ge=0, le=DEEPEST, description="Records before the page.", examples=[20])
    ] = 0
    after: Annotated[
        int | None,
        Whole,
        Field(
            ge=0,
            le=999_999_999,
            description="Only records with a higher key: pages without end (ours).",
            examples=[12],
        ),
    ] = None
    facet: Annotated[
        tuple[str, ...],
        BeforeValidator(_facets, json_schema_input_type=WrittenFacets),
        Field(description="A field to count the values of.", examples=["year"]),
    ] = ()
    facet_limit: Annotated[FacetLimit, Field(description="Values of each facet.", examples=[5])] = None
    facet_offset: Annotated[
        FacetOffset, Field(description="Values of each facet to leave out first.", examples=[5])
    ] = None
    facet_mincount: Annotated[
        MinCount, Field(description="Records that a value must have.", examples=[2])
    ] = None
    facet_min_count: Annotated[MinCount, Field(description="The same as facetMincount.", examples=[2])] = None
    facet_multiselect: Annotated[
        bool | None,
        BeforeValidator(read_flag, json_schema_input_type=WrittenFlag),
        Field(description="Count a facet's values without the filter on that field.", examples=["true"]),
    ] = None

    @model_validator(mode="after")
    def _within_reach(self) -> PageParameters:
        if self.offset + self.limit > DEEPEST:
            raise ValueError(
                f"offset and limit together reach beyond {DEEPEST} records: go on with after=KEY of the last"
                " record, as the Link of each page does, or export"
            )
        if self.offset and self.after is not None:
            raise ValueError("offset and after cannot be combined: a page begins at one place")
        if None not in (self.facet_mincount, self.facet_min_count):
            raise ValueError("facetMincount and facetMinCount are the same parameter: give one")
        return self

    def canonical(self) -> str:
        """One text for everything in it that can change an answer."""
        return self.model_dump_json(exclude={"at_least", *WITHOUT_EFFECT}, exclude_defaults=True)

    def of_facet(self, field: str, name: str, default: int) -> int:
        """A number for one facet: its own, else that of all of them."""
        own = getattr(self, f"{field}_facet_{name}", None)
        common = getattr(self, f"facet_{name}")
        return int(own if own is not None else common if common is not None else default)

    @property
    def least(self) -> int:
        """How many records a value must have to be told."""
        given = self.facet_mincount if self.facet_mincount is not None else self.facet_min_count
        return max(1, given or 0)

    def without(self, field: str) -> PageParameters:
        """The same without the filters on a facet's field."""
        name = next((name for name, one in type(self).model_fields.items() if one.alias == field), None)
        if name is None:
            return self
        return self.model_copy(update={name: type(self).model_fields[name].default})


_OF_EACH: dict[str, Any] = {}
for _field in FIELDS:
    _words = f"of the facet {_field} alone."
    _OF_EACH[f"{_field}_facet_limit"] = (
        FacetLimit, Field(None, alias=f"{_field}.facetLimit", description=f"Values {_words}", examples=[5])
    )  # fmt: skip
    _OF_EACH[f"{_field}_facet_offset"] = (
        FacetOffset,
        Field(None, alias=f"{_field}.facetOffset", description=f"Values to leave out {_words}", examples=[5]),
    )  # fmt: skip

OccurrenceParameters: type[PageParameters] = create_model(
    "OccurrenceParameters", __base__=PageParameters, __doc__=PageParameters.__doc__, **_OF_EACH
)
"""PageParameters, and limit and offset for each field: country.facetLimit."""
