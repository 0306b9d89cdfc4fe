"""What taxa may be asked for: searched, suggested, matched. Knows no route and no database."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from api.asking.numbers import WrittenFlag, read_flag, read_word
from api.asking.occurrence_filters import Keys, Words, each
from api.asking.parameters import Parameters, Texts, Whole
from api.asking.query import BadParameter
from api.asking.values import WrittenText, read_text
from db.names import RANKS
from db.questions.matching import Named

MOST_TAXA = 1000
"""Taxa on a page; GBIF's limit too."""
DEEPEST = 100_000
_VALUES = 10  # of a facet, where nobody says how many
WITHOUT_EFFECT = ("dataset_key", "checklist_key", "hl", "verbose", "q_field")
"""Parameters of GBIF's that are understood and cannot change an answer about taxa here."""

Text = Annotated[
    str | None,
    BeforeValidator(
        lambda given: read_text(given) if isinstance(given, str) else given,
        json_schema_input_type=WrittenText,
    ),
]
Word = Annotated[
    str | None,
    BeforeValidator(
        lambda given: read_word(given) if isinstance(given, str) else given,
        json_schema_input_type=WrittenText,
    ),
]
Flag = Annotated[bool | None, BeforeValidator(read_flag, json_schema_input_type=WrittenFlag)]


class TaxaParameters(Parameters):
    """Which taxa are looked for."""

    q: Annotated[Text, Field(description="Part of a scientific or vernacular name.", examples=["wolf"])] = (
        None
    )
    rank: Annotated[Words, Field(description="Rank, such as SPECIES or GENUS.", examples=["SPECIES"])] = ()
    higher_taxon_key: Annotated[
        Keys, Field(description="Only what lies below this taxon.", examples=[12])
    ] = ()
    dataset_key: Annotated[
        Texts, Field(description="Of no effect: there is one checklist here.", examples=["backbone"])
    ] = ()
    checklist_key: Annotated[
        Texts, Field(description="Of no effect: there is one checklist here.", examples=["backbone"])
    ] = ()
    limit: Annotated[
        int, Whole, Field(ge=0, le=MOST_TAXA, description="Taxa in the answer.", examples=[20])
    ] = 20
    offset: Annotated[int, Whole, Field(ge=0, le=DEEPEST, description="Taxa before them.", examples=[20])] = 0

    NOT_HELD: ClassVar[dict[str, str]] = {
        "isExtinct": "", "habitat": "", "nameType": "", "nomenclaturalStatus": "", "threat": "", "origin": "",
        "issue": "", "constituentKey": "", "language": "", "sourceId": "",
    }  # fmt: skip

    def canonical(self) -> str:
        """One text for everything in it that can change an answer."""
        return self.model_dump_json(exclude=set(WITHOUT_EFFECT), exclude_defaults=True)


class SuggestParameters(TaxaParameters):
    """What has been typed so far."""


class SearchParameters(TaxaParameters):
    """A page of taxa."""

    status: Annotated[
        Words, Field(description="Taxonomic status; every taxon here is ACCEPTED.", examples=["ACCEPTED"])
    ] = ()
    hl: Annotated[Flag, Field(description="Of no effect: nothing is highlighted.", examples=["false"])] = None
    verbose: Annotated[
        Flag, Field(description="Of no effect: all that is known is told.", examples=["true"])
    ] = None
    q_field: Annotated[
        Texts,
        Field(
            alias="qField",
            description="Of no effect: names are all that is searched.",
            examples=["SCIENTIFIC"],
        ),
    ] = ()
    facet: Annotated[
        tuple[str, ...],
        each(read_word, Literal["rank", "status"]),
        Field(description="rank or status: a field to count the values of.", examples=["rank"]),
    ] = ()
    facet_limit: Annotated[
        int, Whole, Field(ge=0, le=1000, description="Values of each facet.", examples=[5])
    ] = _VALUES
    facet_offset: Annotated[
        int, Whole, Field(ge=0, le=1000, description="Values to leave out first.", examples=[5])
    ] = 0
    facet_mincount: Annotated[
        int, Whole, Field(ge=0, le=999_999_999, description="Taxa of a value.", examples=[2])
    ] = 1
    facet_multiselect: Annotated[
        Flag, Field(description="Count a facet's values without the filter on that field.", examples=["true"])
    ] = None

    @model_validator(mode="after")
    def _countable(self) -> SearchParameters:
        if set(self.facet) - {"rank", "status"}:
            raise ValueError("facet names no field of taxa that can be counted here; there are rank, status")
        return self


class UsageParameters(Parameters):
    """One taxon: what GBIF's clients send along with its key."""

    limit: Annotated[
        int, Whole, Field(ge=0, le=MOST_TAXA, description="Of no effect: it is one.", examples=[20])
    ] = 20
    offset: Annotated[
        int, Whole, Field(ge=0, le=DEEPEST, description="Of no effect: it is one.", examples=[0])
    ] = 0
    dataset_key: Annotated[
        Texts, Field(description="Of no effect: there is one checklist here.", examples=["backbone"])
    ] = ()
    checklist_key: Annotated[
        Texts, Field(description="Of no effect: there is one checklist here.", examples=["backbone"])
    ] = ()


class MatchParameters(Parameters):
    """A name, and what is known of its place among others."""

    name: Annotated[
        Text, Field(description="A scientific name, with or without its author.", examples=["Canis lupus"])
    ] = None
    scientific_name: Annotated[Text, Field(description="The same as name.", examples=["Canis lupus"])] = None
    rank: Annotated[Word, Field(description="The rank that the name has.", examples=["SPECIES"])] = None
    taxon_rank: Annotated[Word, Field(description="The same as rank.", examples=["SPECIES"])] = None
    kingdom: Annotated[Text, Field(description="The kingdom that it belongs to.", examples=["Animalia"])] = (
        None
    )
    phylum: Annotated[Text, Field(description="The phylum that it belongs to.", examples=["Chordata"])] = None
    class_: Annotated[
        Text, Field(alias="class", description="The class that it belongs to.", examples=["Mammalia"])
    ] = None
    order: Annotated[Text, Field(description="The order that it belongs to.", examples=["Carnivora"])] = None
    family: Annotated[Text, Field(description="The family that it belongs to.", examples=["Canidae"])] = None
    genus: Annotated[Text, Field(description="The genus that it belongs to.", examples=["Canis"])] = None
    species: Annotated[
        Text, Field(description="The species that it belongs to.", examples=["Canis lupus"])
    ] = None
    strict: Annotated[
        Flag, Field(description="Never take a taxon above the one that is named.", examples=["true"])
    ] = None
    verbose: Annotated[Flag, Field(description="Tell what else was near.", examples=["true"])] = None
    checklist_key: Annotated[
        Texts, Field(description="Of no effect: there is one checklist here.", examples=["backbone"])
    ] = ()

    NOT_HELD: ClassVar[dict[str, str]] = {
        "usageKey": "", "subgenus": "genus", "superfamily": "family", "subfamily": "family",
        "tribe": "family", "subtribe": "family", "taxonID": "", "taxonConceptID": "", "scientificNameID": "",
        "exclude": "",
        "scientificNameAuthorship": "name", "authorship": "name", "genericName": "genus",
        "specificEpithet": "name", "infraspecificEpithet": "name", "verbatimTaxonRank": "rank",
    }  # fmt: skip

    @property
    def named(self) -> Named:
        """What is to be matched: the name, or else the lowest taxon that is told."""
        line = [(rank, getattr(self, "class_" if rank == "class" else rank)) for rank in RANKS]
        told = [(rank, name) for rank, name in line if name]
        if None not in (self.name, self.scientific_name) or None not in (self.rank, self.taxon_rank):
            raise BadParameter("name is given twice, under two names, or the rank is.", "name")
        name, rank = self.name or self.scientific_name, self.rank or self.taxon_rank or ""
        if name is None and not told:
            raise BadParameter("name is missing.", "name")
        if name is None:
            rank, name = told.pop()
        return Named(name, rank, tuple(told))
