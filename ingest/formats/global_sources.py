"""Records of GBIF, iNaturalist, OBIS and the ALA, known by the names of their fields; knows no values.

Sources: api.gbif.org/v1/openapi, api.inaturalist.org/v1/docs, api.obis.org, api.ala.org.au.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.words.columns import plain


@dataclass(frozen=True)
class Origin:
    """Where records come from that look like this."""

    feed: str | None
    told: dict[str, str]
    """Column -> term."""


@dataclass(frozen=True)
class _Known:
    feed: str
    needs: frozenset[str]
    """The fields, in plain letters, that all of its records have."""
    told: dict[str, str]


_KNOWN = (
    _Known(
        "gbif",
        frozenset({"key", "datasetkey", "scientificname"}),
        {"key": "occurrenceID", "issues": "issue"},
    ),
    _Known(
        "gbif",
        frozenset({"gbifid", "datasetkey", "scientificname"}),
        {"gbifid": "occurrenceID", "issues": "issue"},
    ),
    _Known(
        "inaturalist",
        frozenset({"id", "observedon", "taxonname"}),
        {
            "id": "occurrenceID",
            "observedon": "eventDate",
            "timeobservedat": "timeObservedAt",
            "observedtimezone": "timeZone",
            "taxonname": "scientificName",
            "taxonpreferredcommonname": "vernacularName",
            "taxonrank": "taxonRank",
            "userlogin": "recordedBy",
            "placeguess": "locality",
            "siteid": "",  # a portal of its network, not a place
        },
    ),
    _Known(
        "ala",
        frozenset({"uuid", "dataresourceuid", "scientificname"}),
        {
            "uuid": "occurrenceID",
            "classs": "class",
            "collector": "recordedBy",
            "rawcountrycode": "countryCode",
        },
    ),
    _Known(
        "obis",
        frozenset({"id", "aphiaid", "datasetid", "scientificname"}),
        {"id": "occurrenceID", "dateyear": "year"},
    ),
)


def origin(columns: Iterable[str]) -> Origin:
    """What these columns tell of where the records come from; of most tables nothing."""
    names: dict[str, str] = {}
    for column in columns:
        names.setdefault(plain(column), column)
    for known in _KNOWN:
        if names.keys() >= known.needs:
            told = {names[theirs]: ours for theirs, ours in known.told.items() if theirs in names}
            return Origin(known.feed, told)
    return Origin(None, {})
