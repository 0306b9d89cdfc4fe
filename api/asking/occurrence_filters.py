"""The filters of questions about single records: GBIF's, as far as what they ask for is held here, and ours.

Knows no query string and no route. What GBIF knows beyond is listed too, so that it can be refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from api.asking.areas import MOST_EDGES, WrittenCircle, WrittenPolygons, read_circle, read_polygons
from api.asking.numbers import (
    WrittenFlag,
    WrittenIssue,
    WrittenRange,
    WrittenStatus,
    WrittenWholeRange,
    ranges,
    read_flag,
    read_issue,
    read_status,
    read_word,
    whole_ranges,
)
from api.asking.parameters import MOST_VALUES, FilterParameters, Names, Texts, Version, repeated
from api.asking.values import WrittenText, WrittenWhole, read_text, read_whole
from db.areas import Circle, Polygon
from db.filters import Filters
from db.names import RANKS
from db.traits import Range, Traits


def each(read: Callable[[str], Any], written: object) -> BeforeValidator:
    """Each of the repeated values, read, in one order and once; ``written`` is the type of one in a URL."""
    return _flat(lambda value: (read(value),), written)


def _flat(read: Callable[[str], tuple[Any, ...]], written: object) -> BeforeValidator:
    """All that the repeated values mean, in one order and once."""

    def read_all(given: object) -> object:
        if not isinstance(given, list):
            return given
        if len(given) > MOST_VALUES:
            raise ValueError(f"is given more than {MOST_VALUES} times")
        return tuple(sorted({part for value in given for part in read(value)}, key=repr))

    return BeforeValidator(read_all, json_schema_input_type=repeated(written))


def _key(value: str) -> int:
    return int(str(read_whole(value)))


Ranges = tuple[Range, ...]
Numbers = tuple[int, ...]
Keys = Annotated[Numbers, each(_key, WrittenWhole)]
Words = Annotated[tuple[str, ...], each(read_word, WrittenText)]
Degrees = ranges(-180, 180)
Flag = BeforeValidator(read_flag, json_schema_input_type=WrittenFlag)

WITHOUT_EFFECT = ("checklist_key", "spell_check", "hl", "match_case")
"""Parameters of GBIF's that are understood and cannot change an answer here."""


class OccurrenceFilters(FilterParameters):
    """What records are asked for; repeat a parameter for OR, different ones all have to hold."""

    kingdom: Annotated[Names, Field(description="Name of the kingdom (ours).", examples=["Animalia"])] = ()
    phylum: Annotated[Names, Field(description="Name of the phylum (ours).", examples=["Chordata"])] = ()
    class_: Annotated[
        Names, Field(alias="class", description="Name of the class (ours).", examples=["Mammalia"])
    ] = ()
    order: Annotated[Names, Field(description="Name of the order (ours).", examples=["Carnivora"])] = ()
    family: Annotated[Names, Field(description="Name of the family (ours).", examples=["Canidae"])] = ()
    genus: Annotated[Names, Field(description="Name of the genus (ours).", examples=["Canis"])] = ()
    accepted_taxon_key: Annotated[
        Keys, Field(description="The same as taxonKey: no synonyms are kept.", examples=[12])
    ] = ()
    kingdom_key: Annotated[Keys, Field(description="Key of a kingdom, from this site.", examples=[12])] = ()
    phylum_key: Annotated[Keys, Field(description="Key of a phylum, from this site.", examples=[12])] = ()
    class_key: Annotated[Keys, Field(description="Key of a class, from this site.", examples=[12])] = ()
    order_key: Annotated[Keys, Field(description="Key of an order, from this site.", examples=[12])] = ()
    family_key: Annotated[Keys, Field(description="Key of a family, from this site.", examples=[12])] = ()
    genus_key: Annotated[Keys, Field(description="Key of a genus, from this site.", examples=[12])] = ()
    species_key: Annotated[Keys, Field(description="Key of a species, from this site.", examples=[12])] = ()
    day: Annotated[
        Numbers,
        _flat(whole_ranges(1, 31), WrittenWholeRange),
        Field(description="Day of the month, or a range of them.", examples=["1,15"]),
    ] = ()
    start_day_of_year: Annotated[
        Ranges,
        each(ranges(1, 366), WrittenRange),
        Field(description="Day of the year on which the date begins, or a range.", examples=["100,200"]),
    ] = ()
    end_day_of_year: Annotated[
        Ranges,
        each(ranges(1, 366), WrittenRange),
        Field(description="Day of the year on which the date ends, or a range.", examples=["100,200"]),
    ] = ()
    occurrence_status: Annotated[
        bool | None,
        BeforeValidator(read_status, json_schema_input_type=WrittenStatus),
        Field(description="PRESENT or ABSENT; both, if it is not given.", examples=["PRESENT"]),
    ] = None
    recorded_by: Annotated[
        Texts, Field(description="Who recorded it, as the source writes it.", examples=["Field station"])
    ] = ()
    sex: Annotated[
        Words, Field(description="Sex, as the source writes it, in any capitals.", examples=["female"])
    ] = ()
    life_stage: Annotated[
        Words, Field(description="Life stage, as the source writes it, in any capitals.", examples=["adult"])
    ] = ()
    issue: Annotated[
        tuple[str, ...],
        each(read_issue, WrittenIssue),
        Field(
            description="An issue that the record carries, by its GBIF name.", examples=["ZERO_COORDINATE"]
        ),
    ] = ()
    occurrence_id: Annotated[
        Texts, Field(description="The source's identifier, exactly.", examples=["camera-3-0017"])
    ] = ()
    individual_count: Annotated[
        Ranges,
        each(ranges(0, 999_999_999), WrittenRange),
        Field(description="How many animals, or a range (ours).", examples=["2,*"]),
    ] = ()
    has_coordinate: Annotated[
        bool | None, Flag, Field(description="Whether it has coordinates.", examples=["true"])
    ] = None
    has_geospatial_issue: Annotated[
        bool | None, Flag, Field(description="Whether its coordinates are doubtful.", examples=["false"])
    ] = None
    decimal_latitude: Annotated[
        Ranges,
        each(ranges(-90, 90), WrittenRange),
        Field(description="Latitude in degrees, or a range.", examples=["46,47"]),
    ] = ()
    decimal_longitude: Annotated[
        Ranges,
        each(ranges(-180, 180), WrittenRange),
        Field(description="Longitude in degrees, or a range.", examples=["13,14"]),
    ] = ()
    coordinate_uncertainty_in_meters: Annotated[
        Ranges,
        each(ranges(0, 99_999_999), WrittenRange),
        Field(description="Uncertainty in metres, or a range.", examples=["*,100"]),
    ] = ()
    geometry: Annotated[
        tuple[Polygon, ...],
        _flat(read_polygons, WrittenPolygons),
        Field(
            description="WKT POLYGON or MULTIPOLYGON, longitude first, corners anticlockwise.",
            examples=["POLYGON((13 46,14 46,14 47,13 46))"],
        ),
    ] = ()
    geo_distance: Annotated[
        tuple[Circle, ...],
        each(read_circle, WrittenCircle),
        Field(
            description="Distance, latitude and longitude, such as 5km,59.9,10.7.", examples=["5km,59.9,10.7"]
        ),
    ] = ()
    q: Annotated[
        str | None,
        BeforeValidator(
            lambda given: read_text(given) if isinstance(given, str) else given,
            json_schema_input_type=WrittenText,
        ),
        Field(
            description="Part of a name of the taxon, of the locality, or of who recorded it.",
            examples=["wolf"],
        ),
    ] = None
    checklist_key: Annotated[
        Texts, Field(description="Of no effect: there is one taxonomy here.", examples=["backbone"])
    ] = ()
    spell_check: Annotated[bool | None, Flag, Field(description="Of no effect.", examples=["false"])] = None
    hl: Annotated[
        bool | None, Flag, Field(description="Of no effect: nothing is highlighted.", examples=["false"])
    ] = None
    match_case: Annotated[
        bool | None,
        Flag,
        Field(description="Of no effect: names match in any capitals, texts as written.", examples=["false"]),
    ] = None

    at_least: Annotated[
        Version,
        Field(
            alias="v", description="At least this data version: 503 until it is here (ours).", examples=[1]
        ),
    ] = None
    as_of: Annotated[Version, Field(description="Exactly this data version (ours).", examples=[1])] = None

    NOT_HELD: ClassVar[dict[str, str]] = {}
    """Filters of GBIF's for what is not held here, each with the nearest one that there is, if any."""

    @model_validator(mode="after")
    def _bounded(self) -> OccurrenceFilters:
        sides = sum(area.edges for area in self.geometry)
        if sides > MOST_EDGES:
            raise ValueError(f"geometry has {sides} sides, at most {MOST_EDGES} can be asked for")
        return self

    @property
    def filters(self) -> Filters:
        """The filters as the database's own value."""
        keys = [self.taxon_key, self.accepted_taxon_key]
        keys += [getattr(self, f"{rank}_key") for rank in RANKS]
        named = {rank: getattr(self, "class_" if rank == "class" else rank) for rank in RANKS[:-1]}
        return replace(
            super().filters,
            taxon_keys=(),
            key_sets=tuple(some for some in keys if some),
            ranks=tuple((rank, names) for rank, names in named.items() if names),
            traits=self.traits,
        )

    @property
    def traits(self) -> Traits:
        """What is asked of single records."""
        return Traits(
            absent=self.occurrence_status,
            days_of_month=self.day,
            starts=self.start_day_of_year,
            ends=self.end_day_of_year,
            recorded_by=self.recorded_by,
            sexes=self.sex,
            life_stages=self.life_stage,
            issues=self.issue,
            occurrence_ids=self.occurrence_id,
            counts=self.individual_count,
            has_coordinate=self.has_coordinate,
            has_geospatial_issue=self.has_geospatial_issue,
            latitudes=self.decimal_latitude,
            longitudes=self.decimal_longitude,
            uncertainties=self.coordinate_uncertainty_in_meters,
            areas=self.geometry,
            circles=self.geo_distance,
            text=self.q,
        )


_NEAREST = {
    "feed": "datasetKey datasetId datasetName publishingOrg publishingOrgKey hostingOrganizationKey"
    " networkKey installationKey institutionCode institutionKey collectionCode collectionKey protocol license"
    " programme projectId crawlId",
    "scientificName": "verbatimScientificName typifiedName",
    "taxonKey": "subgenusKey taxonId verbatimTaxonId taxonConceptId",
    "recordedBy": "identifiedBy recordedByID recordedById identifiedByID identifiedById georeferencedBy",
    "country": "publishingCountry continent gbifRegion publishedByGbifRegion repatriated",
    "stateProvince": "gadmGid gadmLevel0Gid gadmLevel1Gid gadmLevel2Gid gadmLevel3Gid county municipality",
    "locality": "waterBody island islandGroup higherGeography locationId",
    "occurrenceId": "catalogNumber otherCatalogNumbers recordNumber organismId gbifId fieldNumber",
    "asOf": "lastInterpreted modified lastCrawled lastParsed",
    "individualCount": "organismQuantity organismQuantityType relativeOrganismQuantity sampleSizeValue"
    " sampleSizeUnit",
    "coordinateUncertaintyInMeters": "distanceFromCentroidInMeters coordinatePrecision",
    "issue": "taxonomicIssue",
    "": "elevation depth typeStatus mediaType mediatype establishmentMeans degreeOfEstablishment pathway"
    " taxonomicStatus iucnRedListCategory isInCluster isSequenced eventId parentEventId eventType"
    " samplingProtocol preparations associatedSequences dwcaExtension behavior caste vitality"
    " previousIdentifications geologicalTime lithostratigraphy biostratigraphy earliestEonOrLowestEonothem"
    " formation group member bed shuffle",
}
OccurrenceFilters.NOT_HELD = {name: near for near, names in _NEAREST.items() for name in names.split()}
