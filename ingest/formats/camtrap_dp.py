"""The reader of Camtrap DP packages, 0.1 to 1.0: observations with their deployments; knows no values.

Source: camtrap-dp.tdwg.org. The versions differ in names: sequenceID became eventID, timestamp eventStart;
the first wrote them in snake case, which makes no difference here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ingest.formats.bundles import (
    around,
    at,
    base_of,
    below,
    header,
    holds,
    inside,
    is_several,
    lying,
    unread,
)
from ingest.formats.camera_events import Events, Observation
from ingest.formats.camera_traps import Judge, no_animal, places_of, sightings, told_of
from ingest.formats.delimited import read_table
from ingest.formats.joined import Other, join
from ingest.formats.table import About, Table, Wanted, fitted, portions
from ingest.sources.source import DAMAGE, Source, Unreadable
from ingest.text.rows import Chunk
from ingest.words.values import number

_DESCRIPTOR, _OBSERVATIONS, _DEPLOYMENTS = "datapackage.json", "observations.csv", "deployments.csv"
_NEEDED = {"observationid", "deploymentid", "observationtype"}
_TERMS = {
    "observationid": "occurrenceID",
    "eventstart": "eventDate",
    "timestamp": "eventDate",
    "scientificname": "scientificName",
    "count": "individualCount",
    "lifestage": "lifeStage",
    "age": "lifeStage",
    "sex": "sex",
    "latitude": "decimalLatitude",
    "longitude": "decimalLongitude",
}
_OF_DEPLOYMENTS = {
    "decimalLatitude": "latitude",
    "decimalLongitude": "longitude",
    "coordinateUncertaintyInMeters": "coordinateuncertainty",
    "locality": "locationname",
    "locationID": "locationid",
}
_PARTS = r"datapackage\.json|(observations|deployments|media|multimedia)\.csv"
_LONGEST = 64 << 20
_NO = ("", "false", "0", "no")


@dataclass(frozen=True)
class _Package:
    """The parts of one package."""

    observations: Source
    deployments: Source | None
    descriptor: Source | None
    names: Mapping[str, str]
    """Scientific -> vernacular name, as the descriptor says."""
    beside: tuple[str, ...] = ()
    """A note on what else lies there."""


def is_package(names: Collection[str]) -> bool:
    """Whether files of these names are a Camtrap DP."""
    return holds(names, r"observations\.csv", r"datapackage\.json|deployments\.csv")


def read(source: Source, _: Wanted) -> Table | None:
    """The observations of animals. Raises Unreadable for a broken package or for one of its other files."""
    package = _in_folder(source) if is_several(source) else _around(source)
    if package is None:
        return None
    observations = read_table(package.observations, Wanted())
    if not places_of(observations).keys() >= _NEEDED:
        return None
    observations = replace(observations, told=told_of(observations, _TERMS))
    table = _with_deployments(observations, package.deployments)
    table = _with_names(table, package.names)
    return replace(
        sightings(table, _judge_of(observations)),
        notes=(*table.notes, *package.beside),
        parts=_parts(source, package),
    )


def _in_folder(source: Source) -> _Package | None:
    files = inside(source)
    if not is_package([name.rpartition("/")[2] for name in files]):
        return None
    files = below(files, base_of(files, r"datapackage\.json|observations\.csv"))
    package = _package(files, None)
    if package and header(package.observations) >= _NEEDED:
        parts = [one for one in (package.observations, package.deployments, package.descriptor) if one]
        return replace(package, beside=unread(files, parts, _PARTS)) if source.path.is_dir() else package
    if source.path.is_dir():
        raise Unreadable(
            f"{source.name} looks like a Camtrap DP by its names, but its {_OBSERVATIONS} is none: name its"
            " files one by one."
        )
    return None


def _around(source: Source) -> _Package | None:
    if source.name.rpartition("/")[2] == _DESCRIPTOR:
        files = around(source) | lying(source, _paths(_read_descriptor(source)).values())
        package = _package(files, None)
        return package if package and header(package.observations) >= _NEEDED else None
    names = header(source)
    _refuse_companions(source, names)
    return _package(around(source), source) if names >= _NEEDED else None


def _refuse_companions(source: Source, names: frozenset[str]) -> None:
    if "deploymentid" not in names or "observationid" in names:
        return
    what = ""
    if names >= {"latitude", "longitude"} and names & {"start", "deploymentstart"}:
        what = "deployments"
    elif names & {"mediaid", "multimediaid"} and names & {"filepath", "filename"}:
        what = "media"
    if what:
        raise Unreadable(
            f"{source.name} holds the {what} of a Camtrap DP and no observations: name its {_OBSERVATIONS} or"
            " the folder instead."
        )


def _package(files: Mapping[str, Source], observations: Source | None) -> _Package | None:
    """The package in a folder; with ``observations`` named, what in that folder belongs to them."""
    descriptor = files.get(_DESCRIPTOR)
    said = _read_descriptor(descriptor) if descriptor else {}
    paths = _paths(said)
    found = observations or at(files, paths.get("observations", _OBSERVATIONS))
    if found is None:
        if descriptor is None or "observations" not in paths:
            return None
        raise Unreadable(
            f"{descriptor.name} names observations at {paths['observations']}, and there is no such file."
        )
    deployments = at(files, paths.get("deployments", _DEPLOYMENTS))
    return _Package(found, deployments, descriptor, _vernacular(said))


def _read_descriptor(file: Source) -> dict[str, Any]:
    try:
        with file.open() as opened:
            said = json.loads(opened.read(_LONGEST))
    except (ValueError, RecursionError, *DAMAGE) as error:
        raise Unreadable(f"{file.name} cannot be read as JSON ({str(error)[:100]}).") from None
    return said if isinstance(said, dict) else {}


def _paths(said: Mapping[str, Any]) -> dict[str, str]:
    """Name of a resource -> the path of its file; one that lies elsewhere or in the descriptor has none."""
    resources = said.get("resources")
    found = {}
    for one in resources if isinstance(resources, list) else []:
        if isinstance(one, dict):
            path = one.get("path")
            path = path[0] if isinstance(path, list) and len(path) == 1 else path
            if isinstance(path, str) and "://" not in path:
                found[str(one.get("name"))] = path
    return found


def _vernacular(said: Mapping[str, Any]) -> dict[str, str]:
    taxa = said.get("taxonomic")
    names = {}
    for one in taxa if isinstance(taxa, list) else []:
        spoken = one.get("vernacularNames") if isinstance(one, dict) else None
        if isinstance(spoken, dict):
            name = spoken.get("eng") or spoken.get("en") or next(iter(spoken.values()), "")
            names[str(one.get("scientificName", ""))] = str(name)
    return names


def _parts(source: Source, package: _Package) -> tuple[Source, ...]:
    """What the rows are made from besides the source itself; a zip is one file with all of them in it."""
    if is_several(source) and not source.path.is_dir():
        return ()
    parts = (package.descriptor, package.observations, package.deployments)
    return tuple(part for part in parts if part is not None and part.name != source.name)


def _with_deployments(table: Table, deployments: Source | None) -> Table:
    key = table.columns[places_of(table)["deploymentid"]]
    other = read_table(deployments, Wanted()) if deployments else None
    places = places_of(other) if other else {}
    if other is None or "deploymentid" not in places:
        note = f"there is no {_DEPLOYMENTS} beside it: its records have no coordinates"
        return replace(joined := join(table, [key], _OF_DEPLOYMENTS, None), notes=(*joined.notes, note))
    takes = {
        term: other.columns[places[name]] if name in places else "" for term, name in _OF_DEPLOYMENTS.items()
    }
    return join(table, [key], takes, Other(other, [other.columns[places["deploymentid"]]]))


def _with_names(table: Table, names: Mapping[str, str]) -> Table:
    place = places_of(table).get("scientificname")
    if place is None:
        return table
    rows = [list(pair) for pair in names.items()]
    spoken = Table(
        ("scientificName", "vernacularName"), lambda: iter([Chunk(list(range(len(rows))), rows)]), 0
    )
    takes = {"vernacularName": "vernacularName"}
    return join(table, [table.columns[place]], takes, Other(spoken, ["scientificName"]) if rows else None)


def _judge_of(table: Table) -> Judge:
    observed = _observer(table)

    def all_of_them() -> Iterator[Observation]:
        for chunk in portions(table.chunks()):
            yield from (one for _, one in map(observed, fitted(chunk, len(table.columns)).rows))

    events = cache(lambda: Events(all_of_them()))

    def judge(rows: Sequence[list[str]]) -> list[str]:
        seen = list(map(observed, rows))
        again = events().again([one for _, one in seen])
        return [reason or repeated for (reason, _), repeated in zip(seen, again, strict=True)]

    return judge


def _observer(table: Table) -> Callable[[list[str]], tuple[str, Observation]]:
    """What tells of a row the reason for which it holds no animal, and what it says of which event."""
    kind, level, setup, name, count, medium, event, deployment, method = _cells(
        table,
        *("observationtype", "observationlevel", "camerasetuptype camerasetup", "scientificname", "count"),
        *("mediaid multimediaid", "eventid sequenceid", "deploymentid", "classificationmethod"),
    )

    def observed(row: list[str]) -> tuple[str, Observation]:
        what, animal = kind(row), name(row)
        reason = no_animal(what, animal) or ("" if what or setup(row).casefold() in _NO else "SETUP")
        picture = "" if level(row).casefold() == "event" else medium(row)
        told = not reason if picture else reason != "UNCLASSIFIED"
        machine = method(row).casefold() == "machine"
        some = number(count(row)) or 1
        return reason, Observation(event(row), deployment(row), picture, animal, machine, some, told)

    return observed


def _cells(table: Table, *names: str) -> list[Callable[[list[str]], str]]:
    """For each column, by its names in the versions, what takes its cell from a row; "" without one."""
    places = places_of(table)

    def cell_of(some: str) -> Callable[[list[str]], str]:
        place = next((places[name] for name in some.split() if name in places), None)
        return (lambda row: row[place].strip()) if place is not None else (lambda _: "")

    return [cell_of(some) for some in names]


ABOUT = About(
    "A Camtrap DP, the exchange format of camera traps that Agouti, TRAPPER and others export: a folder"
    " or a zip of datapackage.json, deployments.csv, media.csv and observations.csv, packed with gzip or"
    " not; name the folder, the zip, its datapackage.json or its observations.csv. Place and coordinates"
    " come from the deployments, vernacular names from datapackage.json. Versions 0.1 to 1.0 are read."
    " Rows of blank, human, vehicle, unknown and unclassified frames are skipped, each with that reason,"
    " and so is whatever is called Homo sapiens. Nothing is counted twice: where an event has"
    " observations of its own, those of its pictures are skipped (MEDIA_LEVEL), unless nobody has"
    " classified the event; of an event that has only those of its pictures, each species is taken from"
    " the one picture that shows most of it, and the others are skipped (SAME_EVENT), a human's"
    " classification going before a machine's. Where pictures have no eventID, any event of the same"
    " deployment goes before them; without one, each picture is a record.",
    {
        "observationID": "occurrenceID",
        "eventStart, timestamp": "eventDate",
        "scientificName": "scientificName",
        "count": "individualCount",
        "lifeStage, sex": "lifeStage, sex",
        "observationType": "skipped unless it is animal",
        "observationLevel, mediaID, eventID, sequenceID": "which rows tell of the same animals",
        "latitude, longitude, coordinateUncertainty of the deployment": "the coordinates",
        "locationName, locationID of the deployment": "locality, locationID",
        "vernacularNames in datapackage.json": "vernacularName, the English one if there is one",
    },
    "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,"
    "observationType,scientificName,count,lifeStage,sex\n"
    "o1,d1,,e1,2024-05-03T04:57:37Z,2024-05-03T04:57:44Z,event,animal,Anas platyrhynchos,2,adult,female\n"
    "o2,d1,m1,e1,2024-05-03T04:57:37Z,2024-05-03T04:57:37Z,media,animal,Anas platyrhynchos,1,adult,female\n"
    "o3,d1,,e2,2024-05-03T05:10:00Z,2024-05-03T05:10:00Z,event,blank,,,,\n",
    "https://camtrap-dp.tdwg.org/data/",
)
