"""The reader of Agouti's exports from before Camtrap DP: one table with everything in it; knows no values.

Source: www.agouti.eu; the files of 2017 and 2018, whose dates carry quotes within their quotes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingest.formats.bundles import header
from ingest.formats.camera_traps import no_animal, places_of, sightings, told_of
from ingest.formats.delimited import read_table
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import Source

_NEEDED = {"observationid", "sequenceid", "sequencestart", "animalscientificname"}
_TERMS = {
    "observationid": "occurrenceID",
    "sequencestart": "eventDate",
    "animalscientificname": "scientificName",
    "animalvernacularname": "vernacularName",
    "animalcount": "individualCount",
    "animalsex": "sex",
    "animalage": "lifeStage",
    "deploymentlatitude": "decimalLatitude",
    "deploymentlongitude": "decimalLongitude",
    "deploymentsamplingpoint": "locality",
}


def read(source: Source, _: Wanted) -> Table | None:
    """The observations of animals."""
    if source.path.is_dir() or not header(source) >= _NEEDED:
        return None
    table = read_table(source, Wanted())
    table = replace(table, told=told_of(table, _TERMS))
    places = places_of(table)
    named = [places[name] for name in ("animalscientificname", "animalvernacularname") if name in places]
    count = places.get("animalcount")

    def judge_row(row: list[str]) -> str:
        words = [row[place].strip() for place in named]
        nobody = not any(words) and (count is None or row[count].strip() in ("", "0"))
        return "BLANK" if nobody else no_animal(*words)

    def judge(rows: Sequence[list[str]]) -> list[str]:
        return list(map(judge_row, rows))

    return sightings(table, judge)


ABOUT = About(
    "The export of Agouti from before Camtrap DP (2017, 2018): one CSV with observation, animal,"
    " sequence and deployment in each row. Observations of humans are skipped (HUMAN), and so are"
    " sequences without an animal (BLANK) and what is called a vehicle, a set-up or unknown. Domestic"
    " animals are sightings; animalIsDomesticated is kept with the record. A record has the time at"
    " which its sequence began. Newer exports of Agouti are Camtrap DP.",
    {
        "observationID": "occurrenceID",
        "sequenceStart": "eventDate",
        "animalScientificName": "scientificName; Homo sapiens is skipped",
        "animalVernacularName": "vernacularName",
        "animalCount": "individualCount",
        "animalSex, animalAge": "sex, lifeStage",
        "deploymentLatitude, deploymentLongitude": "the coordinates",
        "deploymentSamplingPoint": "locality",
    },
    "observationID,observationNotes,animalCount,animalIsDomesticated,animalScientificName,"
    "animalVernacularName,sequenceID,sequenceStart,deploymentID,deploymentSamplingPoint,deploymentLatitude,deploymentLongitude\n"
    'o1,,2,No,Capreolus capreolus,western roe deer,s1,"""2017-06-05T15:21:50.000Z""",d1,P_01,'
    "50.911307,5.6391334\n"
    'o2,Pickup,1,No,Homo sapiens,Human,s2,"""2017-06-06T08:00:12.000Z""",d1,P_01,50.911307,5.6391334\n'
    'o3,,1,Yes,Equus caballus,Horse,s3,"""2017-06-07T18:40:03.000Z""",d1,P_01,50.911307,5.6391334\n',
    "https://www.agouti.eu",
)
