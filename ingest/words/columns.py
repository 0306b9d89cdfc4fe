"""The catalogue of column names: what people call things -> Darwin Core terms; knows no values.

Sources: Darwin Core quick reference (dwc.tdwg.org/terms), GBIF simple download, the exports of iNaturalist
and eBird, field sheets. Within a term the order is the order of trust: the first that a table has is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# fmt: off
TERMS: dict[str, tuple[str, ...]] = {
    "occurrenceID": (
        "gbifID", "occurrenceID", "globalUniqueIdentifier", "uuid", "observationID", "recordID", "sightingID",
        "observation id", "record id", "id",
    ),
    "eventDate": (
        "eventDate", "observed_on", "observation date", "date observed", "sighting date", "date of sighting",
        "survey date", "visit date", "flight date", "date", "datum", "fecha", "data", "timestamp", "datetime",
        "date time", "observed at", "observed_on_string", "sequenceStart", "eventStart", "verbatimEventDate",
    ),
    "eventTime": (
        "eventTime", "time", "time observations started", "observation time", "start time", "uhrzeit", "hora",
        "heure", "tijd",
    ),
    "year": ("year", "jahr", "jaar", "année", "annee", "año", "anno", "yr"),
    "month": ("month", "monat", "maand", "mois", "mes", "mese"),
    "day": ("day", "tag", "dag", "jour", "día", "dia", "giorno"),
    "scientificName": (
        "scientificName", "latin name", "latinName", "binomial", "sci name", "scientific", "sciName",
        "wissenschaftlicher name", "animalScientificName", "taxon name", "taxon", "taxa", "nom scientifique",
        "nombre científico",
    ),
    "species": (
        "species", "animal", "animal type", "species name", "wildlife species", "soort", "art", "tierart",
        "espèce", "espece", "especie", "specie", "bird", "organism", "name", "species id", "species code",
    ),
    "vernacularName": (
        "vernacularName", "common name", "commonName", "com name", "english name", "german name",
        "deutscher name", "soortnaam", "nom commun", "nombre común", "animalVernacularName", "species_guess",
    ),
    "genus": ("genus", "taxon_genus_name", "gattung"),
    "specificEpithet": ("specificEpithet",),
    "infraspecificEpithet": ("infraspecificEpithet",),
    "taxonRank": ("taxonRank", "rank", "scientificNameRank"),
    "scientificNameAuthorship": ("scientificNameAuthorship",),
    "kingdom": ("kingdom", "taxon_kingdom_name"),
    "phylum": ("phylum", "taxon_phylum_name"),
    "class": ("class", "taxon_class_name"),
    "order": ("order", "taxon_order_name"),
    "family": ("family", "taxon_family_name"),
    "individualCount": (
        "individualCount", "count", "number of individuals", "n individuals", "number of animals",
        "observation count", "quantity", "number", "abundance", "how many", "howMany", "individuals",
        "counts", "animalCount", "number of objects", "anzahl", "aantal", "nombre", "cantidad", "total", "n",
    ),
    "organismQuantity": ("organismQuantity",),
    "organismQuantityType": ("organismQuantityType",),
    "occurrenceStatus": ("occurrenceStatus", "presence"),
    "basisOfRecord": ("basisOfRecord",),
    "decimalLatitude": (
        "decimalLatitude", "latitude", "lat", "location-lat", "breitengrad", "latitud", "latitudine",
        "breedtegraad", "y", "location y", "y coordinate", "y coord", "coord y", "northing",
    ),
    "decimalLongitude": (
        "decimalLongitude", "longitude", "lon", "lng", "long", "location-long", "längengrad", "longitud",
        "longitudine", "lengtegraad", "x", "location x", "x coordinate", "x coord", "coord x", "easting",
    ),
    "coordinateUncertaintyInMeters": (
        "coordinateUncertaintyInMeters", "positional_accuracy", "coordinate uncertainty",
    ),
    "countryCode": ("countryCode", "country code", "country"),
    "stateProvince": (
        "stateProvince", "state/province", "state", "province", "place_state_name", "provincie", "bundesland",
    ),
    "county": ("county", "place_county_name"),
    "locality": (
        "locality", "location name", "location", "place", "place_guess", "site name", "site", "locName",
        "ort", "plaats", "lieu",
    ),
    "locationID": ("locationID", "site id", "location id", "station", "plot id", "camera", "camera id"),
    "recordedBy": (
        "recordedBy", "observer", "recorder", "observers", "user_login", "beobachter", "waarnemer",
        "observador",
    ),
    "sex": ("sex", "animalSex", "geschlecht", "sexe"),
    "lifeStage": ("lifeStage", "age", "animalAge", "life stage"),
    "issue": ("issue", "issues"),
    "timeObservedAt": ("time_observed_at",),
    "timeZone": ("time_zone",),
}
# fmt: on
"""Every term that is understood. ``species`` may hold either kind of name; the last two are iNaturalist's."""

_SPOKEN = {
    "english name": "en", "german name": "de", "deutscher name": "de", "soortnaam": "nl",
    "nom commun": "fr", "nombre común": "es",
}  # fmt: skip
"""Columns of names that tell in which language these are."""
NEEDS_NAME = ("scientificName", "species", "vernacularName", "genus")
NEEDS_DATE = ("eventDate", "year")
ONE_SIGHTING_PER_ROW = (
    *("occurrenceID", "individualCount", "organismQuantity"),
    *("sex", "lifeStage", "basisOfRecord"),
)
"""A table that has one of these is no wide one, whatever else its columns count."""


def plain(name: str) -> str:
    """A column name without capitals, blanks and punctuation: "Observation Date" -> "observationdate"."""
    return re.sub(r"[\W_]+", "", name.casefold())


_SYNONYMS = {term: tuple(plain(name) for name in names) for term, names in TERMS.items()}


_LANGUAGES = {plain(column): language for column, language in _SPOKEN.items()}


def spoken_in(column: str) -> str:
    """The language (IETF tag) of the names in a column, where it is called after one; else empty."""
    return _LANGUAGES.get(plain(column), "")


class UnknownTerm(ValueError):
    """``--map`` or ``--set`` names a term that does not exist; the message names the nearest known one."""


def understand(columns: Iterable[str], told: Mapping[str, str] | None = None) -> dict[str, str]:
    """Column name -> term, for the columns that are understood; ``told`` (theirs -> ours) goes first.

    A column that is told to be '' is none of them, whatever it is called. Raises UnknownTerm for a term that
    does not exist or a column that the table does not have.
    """
    columns = list(columns)
    found = _as_told(columns, told or {})
    taken = set(found.values())
    by_plain: dict[str, str] = {}
    for column in columns:
        by_plain.setdefault(plain(column), column)
    for term, synonyms in _SYNONYMS.items():
        if term in taken:
            continue
        known = (by_plain[name] for name in synonyms if name in by_plain)
        free = next((name for name in known if name not in found), None)
        if free is not None:
            found[free] = term
    return {column: term for column, term in found.items() if term}


def _as_told(columns: list[str], told: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for theirs, ours in told.items():
        column = next((name for name in columns if name == theirs or plain(name) == plain(theirs)), None)
        if column is None:
            raise UnknownTerm(f"The table has no column {theirs!r}; it has {', '.join(columns[:30])}.")
        found[column] = known_term(ours) if ours else ""
    return found


def known_term(name: str) -> str:
    """The term of this name, whatever its capitals. Raises UnknownTerm."""
    from difflib import get_close_matches

    terms = {plain(term): term for term in TERMS}
    if plain(name) not in terms:
        near = get_close_matches(plain(name), terms, 1, 0)
        raise UnknownTerm(f"{name!r} is not a term that is understood; the nearest is {terms[near[0]]!r}.")
    return terms[plain(name)]
