"""The reader of Wildlife Insights exports: images or sequences with their deployments; knows no values.

Source: www.wildlifeinsights.org, data download; one row per identification of an image or of a sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from ingest.formats.bundles import around, base_of, below, header, holds, inside, is_several, named, unread
from ingest.formats.camera_traps import no_animal, places_of, sightings, told_of
from ingest.formats.delimited import read_table
from ingest.formats.deployment_dates import order_by_deployments
from ingest.formats.joined import Other, join
from ingest.formats.table import About, Table, Wanted, fitted, portions
from ingest.sources.source import Source, Unreadable
from ingest.text.rows import Chunk

_IMAGES, _SEQUENCES, _DEPLOYMENTS = r"images(_\w+)?\.csv", r"sequences(_\w+)?\.csv", r"deployments\.csv"
_PARTS = rf"{_IMAGES}|{_SEQUENCES}|{_DEPLOYMENTS}|(cameras|projects)\.csv"
_NEEDED = {"projectid", "deploymentid", "witaxonid", "genus", "species"}
_KEY = ("projectid", "deploymentid")
_OF_DEPLOYMENTS = {
    "decimalLatitude": "latitude",
    "decimalLongitude": "longitude",
    "locality": "placename",
}
_TERMS = {
    "occurrenceid": "occurrenceID",
    "eventdate": "eventDate",
    "scientificname": "scientificName",
    "individualcount": "individualCount",
    "commonname": "vernacularName",
    "genus": "genus",
    "species": "specificEpithet",
    "family": "family",
    "order": "order",
    "class": "class",
    "age": "lifeStage",
    "sex": "sex",
    "latitude": "decimalLatitude",
    "longitude": "decimalLongitude",
}
_MADE = ("occurrenceID", "eventDate", "scientificName", "individualCount")
"""Columns that are put together from those of images or sequences."""


@dataclass(frozen=True)
class _Bundle:
    """The parts of one export."""

    tables: tuple[Source, ...]
    """The images, the sequences, or both."""
    deployments: Source | None
    beside: tuple[str, ...] = ()
    """A note on what else lies there."""


def is_export(names: Collection[str]) -> bool:
    """Whether files of these names are an export of Wildlife Insights."""
    return holds(names, f"{_IMAGES}|{_SEQUENCES}", _DEPLOYMENTS)


def read(source: Source, _: Wanted) -> Table | None:
    """The images or sequences of animals. Raises Unreadable for a broken export, or another file of it."""
    bundle = _in_folder(source) if is_several(source) else _around(source)
    if bundle is None:
        return None
    tables = [read_table(one, Wanted()) for one in bundle.tables]
    if not all(places_of(one).keys() >= _NEEDED for one in tables):
        return None
    table = _together(tables)
    table = _with_deployments(replace(table, told=told_of(table, _TERMS)), bundle.deployments)
    has_sequences = any(_is_sequences(one) for one in bundle.tables)
    parts = (*bundle.tables, *([bundle.deployments] if bundle.deployments else []))
    is_zip = is_several(source) and not source.path.is_dir()
    return replace(
        sightings(table, _judge_of(table, has_sequences)),
        notes=(*table.notes, *bundle.beside),
        parts=() if is_zip else tuple(part for part in parts if part.name != source.name),
    )


def _in_folder(source: Source) -> _Bundle | None:
    files = inside(source)
    if not holds([name.rpartition("/")[2] for name in files], f"{_IMAGES}|{_SEQUENCES}"):
        return None
    files = below(files, base_of(files, f"{_IMAGES}|{_SEQUENCES}"))
    tables = tuple(one for one in named(files, _IMAGES, _SEQUENCES) if header(one) >= _NEEDED)
    if tables:
        deployments = next(iter(named(files, _DEPLOYMENTS)), None)
        read = [*tables, *([deployments] if deployments else [])]
        return _Bundle(tables, deployments, unread(files, read, _PARTS) if source.path.is_dir() else ())
    if source.path.is_dir():
        raise Unreadable(
            f"{source.name} looks like an export of Wildlife Insights by its names, but its images are none:"
            " name its files one by one."
        )
    return None


def _around(source: Source) -> _Bundle | None:
    names = header(source)
    _refuse_companions(source, names)
    if not names >= _NEEDED:
        return None
    files = around(source)
    tables = [source]
    if "sequenceid" in names and not _is_sequences(source):
        tables += [one for one in named(files, _SEQUENCES) if _is_sequences(one)]
    return _Bundle(tuple(tables), next(iter(named(files, _DEPLOYMENTS)), None))


def _is_sequences(source: Source) -> bool:
    return header(source) >= _NEEDED | {"sequenceid", "starttime"}


_COMPANIONS = {
    "deployments": {"projectid", "deploymentid", "placename", "startdate"},
    "cameras": {"projectid", "cameraid", "make", "model"},
    "projects": {"projectid", "projectname", "projectshortname"},
}


def _refuse_companions(source: Source, names: frozenset[str]) -> None:
    for what, needed in _COMPANIONS.items():
        if names >= needed and "witaxonid" not in names:
            raise Unreadable(
                f"{source.name} holds the {what} of a Wildlife Insights export and no images: name its"
                " images.csv or the folder instead."
            )


def _together(tables: Sequence[Table]) -> Table:
    """One table of all, under all their columns, with what is put together from them."""
    names = tuple(dict.fromkeys(name for table in tables for name in table.columns))
    return Table(
        columns=(*names, *_MADE),
        chunks=lambda: (
            _under(chunk, table, names) for table in tables for chunk in portions(table.chunks())
        ),
        size=sum(table.size for table in tables),
        delimiter=tables[0].delimiter,
        notes=tuple(note for table in tables for note in table.notes),
    )


def _under(chunk: Chunk, table: Table, names: Sequence[str]) -> Chunk:
    """A chunk of one table under the columns of all."""
    fit = fitted(chunk, len(table.columns))
    made = _maker(table)
    if table.columns == tuple(names):
        return replace(fit, rows=[row + made(row) for row in fit.rows])
    places = [table.columns.index(name) if name in table.columns else None for name in names]
    rows = [[row[place] if place is not None else "" for place in places] + made(row) for row in fit.rows]
    return replace(fit, rows=rows)


def _maker(table: Table) -> Callable[[list[str]], list[str]]:
    """What puts the identifier, date, name and count of a row together.

    An image has a row for each animal in it, which is why its own identifier does not tell them apart.
    """
    places = places_of(table)

    def cells(row: list[str], *some: str) -> list[str]:
        return [row[places[name]].strip() for name in some if name in places]

    def made(row: list[str]) -> list[str]:
        genus, species = cells(row, "genus", "species")
        identity = cells(row, "imageid") or cells(row, "sequenceid")
        taxon = cells(row, "witaxonid")[0] or f"{genus} {species}".strip()
        identity += [taxon, *filter(None, cells(row, "age", "sex", "individualid"))]
        ranks = [f"{genus} {species}".strip() if genus else "", *cells(row, "family", "order", "class")]
        return [
            ":".join(identity),
            next(iter(cells(row, "timestamp", "starttime")), ""),
            next(filter(None, ranks), ""),
            next(iter(cells(row, "numberofobjects", "groupsize")), ""),
        ]

    return made


def _with_deployments(table: Table, deployments: Source | None) -> Table:
    places = places_of(table)
    keys = [table.columns[places[name]] for name in _KEY]
    other = read_table(deployments, Wanted()) if deployments else None
    theirs = places_of(other) if other else {}
    if other is None or not theirs.keys() >= set(_KEY):
        note = "there is no deployments.csv beside it: its records have no coordinates"
        joined = join(table, keys, _OF_DEPLOYMENTS, None)
        return replace(joined, notes=(*joined.notes, note))
    takes = {
        term: other.columns[theirs[name]] if name in theirs else "" for term, name in _OF_DEPLOYMENTS.items()
    }
    joined = join(table, keys, takes, Other(other, [other.columns[theirs[name]] for name in _KEY]))
    return replace(joined, date_order=order_by_deployments(joined, "eventDate", keys, other))


def _judge_of(table: Table, has_sequences: bool) -> Callable[[Sequence[list[str]]], list[str]]:
    places = places_of(table)
    named_by = [places[name] for name in ("commonname", "class") if name in places]
    name, epithet = places["scientificname"], places["species"]
    blank, sequence, image = (places.get(one) for one in ("isblank", "sequenceid", "imageid"))

    def judge_row(row: list[str]) -> str:
        if has_sequences and sequence is not None and image is not None and row[image] and row[sequence]:
            return "MEDIA_LEVEL"
        if blank is not None and row[blank].strip().casefold() in ("1", "true", "yes"):
            return "BLANK"
        words = [row[place] for place in named_by]
        if row[name].startswith("Homo ") or (words and words[0].casefold().startswith("human")):
            return "HUMAN"
        if reason := no_animal(*words):
            return reason
        return "" if row[name] or row[epithet] or any(words) else "UNCLASSIFIED"

    return lambda rows: list(map(judge_row, rows))


ABOUT = About(
    "The export of Wildlife Insights: a folder or a zip of images.csv (or sequences.csv, or"
    " images_2001317.csv), deployments.csv, cameras.csv and projects.csv; name the folder, the zip or"
    " its images.csv. Each row is one identification, and a record of its own: an image with two species"
    " has two. Place and coordinates come from the deployments. A name is made of genus and species, or"
    " is the lowest rank that is given. Blank, human, vehicle, unknown and unclassified frames are"
    " skipped, each with that reason; in a project of sequences these are the records and its images are"
    " skipped (MEDIA_LEVEL). Timestamps are ISO as they are exported; where a spreadsheet has made"
    " 5/5/19 of them, day and month are told apart by what lies within its deployment.",
    {
        "image_id or sequence_id, wi_taxon_id, age, sex, individual_id": "occurrenceID",
        "timestamp, start_time": "eventDate",
        "genus, species, or family, order, class": "scientificName",
        "common_name": "vernacularName",
        "number_of_objects, group_size": "individualCount",
        "age, sex": "lifeStage, sex",
        "is_blank, common_name": "skipped if blank, human, vehicle, unknown, not classified",
        "latitude, longitude, placename of the deployment": "the coordinates, locality",
    },
    "project_id,deployment_id,image_id,is_blank,wi_taxon_id,class,order,family,genus,species,common_name,"
    "timestamp,number_of_objects,age,sex\n"
    "2001,D1,i1,0,t1,Mammalia,Carnivora,Viverridae,Genetta,maculata,Large-spotted Genet,"
    "2024-05-03 19:48:00,1,,\n"
    "2001,D1,i2,0,t2,Mammalia,Rodentia,Hystricidae,,,Old World porcupines,2024-05-04 02:10:00,2,,\n"
    "2001,D1,i3,1,,,,,,,Blank,2024-05-04 02:30:00,,,\n",
    "https://www.wildlifeinsights.org/get-started/download/private",
)
