"""Camera traps: deployments joined, frames without an animal skipped, nothing counted twice."""

from __future__ import annotations

import csv
import gzip
import json
import random
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.check import damage
from db.models import Place, Sighting, Taxon
from ingest.formats import FORMATS, is_bundle
from ingest.schedule.inbox import Inbox
from ingest.sources.source import find
from tests.files import manage_json, per, read, read_one, rows_of, sums, table, version

CAMTRAP = "A10-camtrap-dp"
INSIGHTS = "A10-wildlife-insights"
AGOUTI = "A17-long-tables/20180123_observations_NPHK_cameratrapping.csv"
Find = Callable[[str], Path]

HEAD = (
    "observationID,deploymentID,mediaID,eventID,eventStart,observationLevel,observationType,scientificName,"
    "count"
)
DEPLOYMENTS = (
    "deploymentID,locationID,locationName,latitude,longitude,coordinateUncertainty,deploymentStart,deploymentEnd",
    "d1,l1,Pond,51.496,4.774,187,2024-05-01T00:00:00Z,2024-06-01T00:00:00Z",
    "d2,l2,Wood,50.1,5.2,,2024-05-01T00:00:00Z,2024-06-01T00:00:00Z",
)
DESCRIPTOR = {
    "profile": "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0/camtrap-dp-profile.json",
    "resources": [{"name": name, "path": f"{name}.csv"} for name in ("deployments", "media", "observations")],
    "taxonomic": [
        {"scientificName": "Lynx lynx", "vernacularNames": {"nld": "lynx", "eng": "Eurasian lynx"}}
    ],
}


def observation(
    name: str,
    animal: str = "Lynx lynx",
    event: str = "e1",
    media: str = "",
    count: str = "1",
    kind: str = "animal",
) -> str:
    level = "media" if media else "event"
    return f"{name},d1,{media},{event},2024-05-03T04:57:37Z,{level},{kind},{animal},{count}"


def package(folder: Path, *rows: str, head: str = HEAD, descriptor: object = DESCRIPTOR) -> Path:
    table(folder / "observations.csv", head, *rows)
    table(folder / "deployments.csv", *DEPLOYMENTS)
    table(folder / "media.csv", "mediaID,deploymentID,timestamp,filePath", "m1,d1,2024-05-03T04:57:37Z,a.jpg")
    (folder / "datapackage.json").write_text(json.dumps(descriptor), encoding="utf-8")
    return folder


def zipped(folder: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, prefix + str(file.relative_to(folder)))
    return path


def kept(writer: Engine) -> set[str]:
    return {row.occurrence_id for row in rows_of(writer, Sighting.occurrence_id)}


def where(writer: Engine) -> dict[str, tuple[Any, ...]]:
    columns = (Sighting.decimal_latitude, Sighting.decimal_longitude, Sighting.coordinate_uncertainty)
    return {row[0]: tuple(row[1:]) for row in rows_of(writer, Sighting.occurrence_id, *columns)}


def test_an_observation_has_the_place_of_its_deployment(writer: Engine, tmp_path: Path) -> None:
    rows = [observation("o1"), observation("o2", event="e2").replace(",d1,", ",d2,")]
    rows.append(observation("o3", event="e3").replace(",d1,", ",d9,"))
    outcome = read_one(writer, package(tmp_path / "package", *rows))
    assert (outcome.format, sums(outcome), outcome.notes) == ("camtrap-dp", (3, 3, 0, 0, 0), ())
    assert where(writer) == {"o1": (51.496, 4.774, 187), "o2": (50.1, 5.2, None), "o3": (None, None, None)}
    places = {(row.locality, row.location_id) for row in rows_of(writer, Place.locality, Place.location_id)}
    assert places == {("Pond", "l1"), ("Wood", "l2"), ("", "")}
    assert {row.basis_of_record for row in rows_of(writer, Sighting.basis_of_record)} == {
        "MACHINE_OBSERVATION"
    }
    assert {row.vernacular_name for row in rows_of(writer, Taxon.vernacular_name)} == {"Eurasian lynx"}


def test_a_package_is_the_same_however_it_is_named(writer: Engine, tmp_path: Path) -> None:
    folder = package(tmp_path / "all" / "package", observation("o1"), observation("o2", event="e2"))
    assert sums(read_one(writer, folder)) == (2, 2, 0, 0, 0)
    before = version(writer)
    named = [folder / "datapackage.json", folder / "observations.csv", zipped(folder, tmp_path / "a.zip")]
    for path in (*named, zipped(folder, tmp_path / "b.zip", "deep/er/"), tmp_path / "all"):
        outcome = read_one(writer, path)
        assert (outcome.format, sums(outcome)) == ("camtrap-dp", (2, 0, 0, 2, 0)), path
    assert version(writer) == before


def test_the_parts_of_a_package_may_be_packed_and_lie_in_folders(writer: Engine, tmp_path: Path) -> None:
    folder = package(tmp_path / "package", observation("o1"))
    (folder / "data").mkdir()
    for name in ("observations", "deployments"):
        content = (folder / f"{name}.csv").read_bytes()
        (folder / "data" / f"{name}.csv.gz").write_bytes(gzip.compress(content))
        (folder / f"{name}.csv").unlink()
    resources = [{"name": name, "path": f"data/{name}.csv.gz"} for name in ("observations", "deployments")]
    (folder / "datapackage.json").write_text(json.dumps({"resources": resources}), encoding="utf-8")
    zipped(folder, tmp_path / "a.zip")
    for number, path in enumerate((tmp_path / "a.zip", folder / "datapackage.json")):
        assert sums(read_one(writer, path)) == (1, 1 - number, 0, number, 0)
    assert where(writer) == {"o1": (51.496, 4.774, 187)}


def test_the_ledger_knows_a_package_by_all_its_parts(sqlite_writer: Engine, tmp_path: Path) -> None:
    from db.models import Run

    folder = package(tmp_path / "package", observation("o1"))
    for path in (folder, folder / "observations.csv", folder / "datapackage.json"):
        read_one(sqlite_writer, path)
    table(folder / "deployments.csv", *DEPLOYMENTS[:2])
    for path in (folder, folder / "observations.csv"):
        read_one(sqlite_writer, path)
    runs = rows_of(sqlite_writer, Run.id, Run.sha256, Run.options, Run.status)
    assert runs[3].sha256 != runs[0].sha256
    assert runs[4].sha256 == runs[1].sha256
    for run in (runs[1], runs[4]):
        assert {part["name"] for part in run.options["parts"]} == {"datapackage.json", "deployments.csv"}
    assert runs[4].options["parts"] != runs[1].options["parts"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_observations_may_be_saved_by_a_spreadsheet(
    sqlite_writer: Engine, tmp_path: Path, encoding: str
) -> None:
    folder = package(tmp_path / "package", observation("o1"), observation("b", "", "e2", kind="blank"))
    lines = (folder / "observations.csv").read_text(encoding="utf-8").replace(",", ";").splitlines()
    table(folder / "observations.csv", *lines, encoding=encoding, end="\r\n")
    assert sums(read_one(sqlite_writer, folder / "observations.csv")) == (2, 1, 0, 0, 0)
    assert where(sqlite_writer) == {"o1": (51.496, 4.774, 187)}


def test_observations_without_deployments_have_no_place_and_get_it_later(
    writer: Engine, tmp_path: Path
) -> None:
    folder = package(tmp_path / "package", observation("o1"))
    (folder / "datapackage.json").unlink()
    (folder / "deployments.csv").rename(tmp_path / "deployments.csv")
    outcome = read_one(writer, folder / "observations.csv")
    assert (outcome.format, sums(outcome)) == ("camtrap-dp", (1, 1, 0, 0, 0))
    assert outcome.notes == ("there is no deployments.csv beside it: its records have no coordinates",)
    (tmp_path / "deployments.csv").rename(folder / "deployments.csv")
    assert sums(read_one(writer, folder)) == (1, 0, 1, 0, 0)
    assert where(writer)["o1"] == (51.496, 4.774, 187)


def test_frames_without_an_animal_are_skipped_each_with_its_reason(writer: Engine, tmp_path: Path) -> None:
    kinds = ["blank", "human", "vehicle", "unknown", "unclassified", "Blank"]
    rows = [observation(f"n{n}", "", f"n{n}", kind=kind) for n, kind in enumerate(kinds)]
    rows += [observation("h", "Homo sapiens", "h"), observation("o1"), observation("o2", "", "e2")]
    outcome = read_one(writer, package(tmp_path / "package", *rows))
    assert (sums(outcome), outcome.tally.skipped) == ((9, 1, 0, 0, 1), 7)
    assert outcome.tally.skips == {"BLANK": 2, "HUMAN": 2, "VEHICLE": 1, "UNKNOWN": 1, "UNCLASSIFIED": 1}
    assert outcome.reasons == {"NAME_MISSING": 1}  # an animal, and nobody has said which
    assert kept(writer) == {"o1"}


def test_pictures_of_an_event_that_is_told_as_a_whole_are_not_counted_again(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [observation(f"m{n}", media=f"m{n}") for n in range(5)]
    rows += [observation("bear", "Ursus arctos", media="m1"), observation("o1", count="2")]
    rows += [observation("m9", event="e9", media="m9"), observation("o9", "", "e9", kind="blank")]
    outcome = read_one(writer, package(tmp_path / "package", *rows))
    assert outcome.tally.skips == {"MEDIA_LEVEL": 7, "BLANK": 1}
    assert per(writer, "total", "individuals") == {("Lynx lynx", 0): 2}


def test_an_event_that_nobody_has_classified_is_told_by_its_pictures(writer: Engine, tmp_path: Path) -> None:
    rows = [observation("o1", "", kind="unclassified"), observation("m1", media="m1")]
    assert read_one(writer, package(tmp_path / "package", *rows)).tally.skips == {"UNCLASSIFIED": 1}
    assert kept(writer) == {"m1"}


def test_of_an_event_that_only_has_pictures_the_one_that_shows_most_counts(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [observation("a", media="m1"), observation("b", media="m2", count="2")]
    rows += [
        observation("c", media="m2"),
        observation("d", media="m3", count="2"),
        observation("e", media="m4"),
    ]
    rows += [observation("bear", "Ursus arctos", media="m4"), observation("other", event="e2", media="m1")]
    random.Random(3).shuffle(rows)
    outcome = read_one(writer, package(tmp_path / "package", *rows))
    assert outcome.tally.skips == {"SAME_EVENT": 3}
    assert kept(writer) == {"b", "c", "bear", "other"}
    random.Random(4).shuffle(rows)
    assert sums(read_one(writer, package(tmp_path / "again", *rows))) == (7, 0, 0, 4, 0)


def test_what_a_human_says_of_an_event_goes_before_a_machine(writer: Engine, tmp_path: Path) -> None:
    rows = [observation("machine", "Canis lupus", media="m1", count="5") + ",machine"]
    rows += [observation("human", "Lynx lynx", media="m1") + ",human"]
    rows += [observation("alone", "Canis lupus", "e2", media="m2") + ",machine"]
    read_one(writer, package(tmp_path / "package", *rows, head=f"{HEAD},classificationMethod"))
    assert kept(writer) == {"human", "alone"}


def test_pictures_without_an_event_are_records_unless_their_deployment_has_events(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [observation(f"m{n}", event="", media=f"m{n}") for n in range(3)]
    read_one(writer, package(tmp_path / "package", *rows))
    assert kept(writer) == {"m0", "m1", "m2"}
    outcome = read_one(writer, package(tmp_path / "again", *rows, observation("o1", event="")))
    assert outcome.tally.skips == {"MEDIA_LEVEL": 3}
    assert kept(writer) == {"m0", "m1", "m2", "o1"}


OLD = (
    "observationID,deploymentID,sequenceID,mediaID,timestamp,observationType,cameraSetup,taxonID,scientificName,"
    "count,countNew,lifeStage,sex,behaviour,individualID,classificationMethod,classifiedBy,comments,_id"
)
OLD_ROWS = (
    "o1,d1,s1,,2020-06-03T20:27:31Z,animal,false,4RM67,Rattus norvegicus,3,,adult,,,,human,A volunteer,,",
    "o2,d1,s1,m1,2020-06-03T20:27:31Z,animal,false,4RM67,Rattus norvegicus,1,,adult,,,,human,A volunteer,,",
    "o3,d2,s2,,2020-06-03T20:42:15Z,blank,false,,,,,,,,,human,,,",
    "o4,d2,s3,,2020-06-04T08:00:00Z,unclassified,true,,,,,,,,,human,,,",
    "o5,d2,s4,,2020-06-04T09:00:00Z,,true,,,,,,,,,human,,,",
)
FIRST = (
    "observation_id,deployment_id,sequence_id,media_id,timestamp,observation_type,camera_setup,"
    "scientific_name,count,age"
)
FIRST_ROWS = (
    "o1,d1,s1,,2020-06-03T20:27:31Z,animal,FALSE,Rattus norvegicus,3,adult",
    "o2,d2,s2,,2020-06-03T20:42:15Z,empty,FALSE,,,",
    "o3,d2,s3,,2020-06-03T20:42:15Z,undefined,FALSE,,,",
)


def test_a_package_of_version_0_1_6_is_read(writer: Engine, tmp_path: Path) -> None:
    folder = package(tmp_path / "package", *OLD_ROWS, head=OLD)
    old = [line.replace("deploymentStart", "start").replace("deploymentEnd", "end") for line in DEPLOYMENTS]
    table(folder / "deployments.csv", *old)
    outcome = read_one(writer, folder)
    assert (outcome.format, sums(outcome)) == ("camtrap-dp", (5, 1, 0, 0, 0))
    assert outcome.tally.skips == {"MEDIA_LEVEL": 1, "BLANK": 1, "UNCLASSIFIED": 1, "SETUP": 1}
    assert where(writer) == {"o1": (51.496, 4.774, 187)}
    assert per(writer, "day", "individuals") == {("Rattus norvegicus", 20200603): 3}
    assert {row.life_stage for row in rows_of(writer, Sighting.life_stage)} == {"adult"}
    assert "start" in old[0]
    assert "name its observations.csv" in read_one(writer, folder / "deployments.csv").message


def test_the_names_of_the_first_versions_are_read(writer: Engine, tmp_path: Path) -> None:
    outcome = read_one(writer, package(tmp_path / "package", *FIRST_ROWS, head=FIRST))
    assert (sums(outcome), outcome.tally.skips) == ((3, 1, 0, 0, 0), {"BLANK": 1, "UNKNOWN": 1})
    assert where(writer) == {"o1": (51.496, 4.774, 187)}


@pytest.mark.parametrize(("name", "what"), [("deployments.csv", "deployments"), ("media.csv", "media")])
def test_another_part_of_a_package_says_which_to_name(
    sqlite_writer: Engine, tmp_path: Path, name: str, what: str
) -> None:
    path = package(tmp_path / "package", observation("o1")) / name
    assert read_one(sqlite_writer, path).message == (
        f"{path} holds the {what} of a Camtrap DP and no observations: name its observations.csv or the"
        " folder instead."
    )


BROKEN = {
    "no JSON": ("{", "cannot be read as JSON"),
    "deep": ("[" * 100_000, "cannot be read as JSON"),
    "missing": (json.dumps({"resources": [{"name": "observations", "path": "gone.csv"}]}), "no such file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_descriptor_that_cannot_be_followed_is_told(
    sqlite_writer: Engine, tmp_path: Path, case: str
) -> None:
    folder = package(tmp_path / "package", observation("o1"))
    text, message = BROKEN[case]
    (folder / "datapackage.json").write_text(text, encoding="utf-8")
    for path in (folder, folder / "datapackage.json"):
        outcome = read_one(sqlite_writer, path)
        assert (outcome.status, message in outcome.message) == ("failed", True), outcome.message


@pytest.mark.parametrize(
    "said", [[], {"resources": "none"}, {"resources": [1, {"name": "media", "path": ["a", "b"]}]}]
)
def test_a_descriptor_of_something_else_is_no_hindrance(
    sqlite_writer: Engine, tmp_path: Path, said: object
) -> None:
    folder = package(tmp_path / "package", observation("o1"), descriptor=said)
    assert sums(read_one(sqlite_writer, folder)) == (1, 1, 0, 0, 0)


def test_files_that_are_only_called_like_a_package_are_told(sqlite_writer: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    table(folder / "observations.csv", "date,species", "2024-05-01,Lynx")
    table(folder / "deployments.csv", "soldier,place", "a,b")
    assert "name its files one by one" in read_one(sqlite_writer, folder).message
    assert read_one(sqlite_writer, folder / "observations.csv").format == "table"
    for name in ("observations.csv", "deployments.csv"):
        (folder / name).rename(folder / name.replace("observations", "images"))
    assert "name its files one by one" in read_one(sqlite_writer, folder).message


def test_a_table_that_only_lies_beside_a_package_is_named(sqlite_writer: Engine, tmp_path: Path) -> None:
    folder = package(tmp_path / "package", observation("o1"))
    table(folder / "by-hand.csv", "date,species", "2024-05-01,Lynx")
    table(folder / "README.txt", "as you like")
    outcome = read_one(sqlite_writer, folder)
    assert outcome.notes == ("not read, because it is no part of this: by-hand.csv",)


def test_a_folder_of_packages_and_files_is_one_input_each(tmp_path: Path) -> None:
    for name in ("b", "deep/c"):
        package(tmp_path / name, observation("o1"))
    table(tmp_path / "a.csv", "date,species")
    table(tmp_path / "deep" / "z.csv", "date,species")
    expected = ["a.csv", "b", "deep/c", "deep/z.csv"]
    for path in (str(tmp_path), str(tmp_path / "**")):
        assert [str(one.path.relative_to(tmp_path)) for one in find([path], is_bundle)] == expected
    assert len(find([str(tmp_path)])) == 10


def test_the_command_takes_a_folder_of_packages_as_one_input_each(home: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        package(tmp_path / "data" / name, observation(name))
    runs = manage_json(home, "ingest", tmp_path / "data")["runs"]
    assert [(run["format"], run["read"], run["inserted"]) for run in runs] == [("camtrap-dp", 1, 1)] * 2


def test_a_package_in_the_inbox_stays_together(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox", is_bundle)
    deep, top = (package(inbox.folder / name, observation("o1")) for name in ("park/may", "camera"))
    loose = table(inbox.folder / "park" / "a.csv", "date,species")
    assert {feed: set(files) for feed, files in inbox.ready(0).items()} == {
        "park": {deep, loose},
        "camera": {top},
    }
    (deep / "media.csv.part").touch()
    assert set(inbox.ready(0)["park"]) == {loose}
    inbox.finish(top)
    assert (tmp_path / "done" / "camera" / "datapackage.json").is_file()


IMAGES = (
    "project_id,deployment_id,image_id,is_blank,identified_by,wi_taxon_id,class,order,family,genus,species,"
    "common_name,timestamp,number_of_objects,age,sex,location"
)
STAYS = (
    "project_id,deployment_id,placename,longitude,latitude,start_date,end_date",
    "1,D1,Ford,39.8,-2.9,2019-05-04 00:00:00,2019-05-26 00:00:00",
    "2,D1,Elsewhere,9,9,2020-01-01 00:00:00,2020-02-01 00:00:00",
)


def image(
    name: str, taxon: str = "t1,Mammalia,Carnivora,Viverridae,Genetta,maculata,Genet", **said: str
) -> str:
    given = {"date": "2019-05-05 17:21:00", "blank": "0", "count": "1", "sex": "", "project": "1"} | said
    return (
        f"{given['project']},D1,{name},{given['blank']},Computer Vision,{taxon},{given['date']},"
        f"{given['count']},,{given['sex']},gs://{name}"
    )


def export(folder: Path, *rows: str, head: str = IMAGES, name: str = "images.csv") -> Path:
    table(folder / name, head, *rows)
    table(folder / "deployments.csv", *STAYS)
    table(folder / "cameras.csv", "project_id,camera_id,make,model", "1,c1,Reconyx,Hyperfire")
    table(folder / "projects.csv", "project_id,project_name,project_short_name", "1,Wood,W")
    return folder


def test_an_image_has_the_place_of_its_deployment_in_its_project(writer: Engine, tmp_path: Path) -> None:
    folder = export(tmp_path / "export", image("i1"), image("i2", project="2", date="2020-01-05 10:00:00"))
    for number, path in enumerate(
        (folder, folder / "images.csv", zipped(folder, tmp_path / "a.zip", "export/"))
    ):
        outcome = read_one(writer, path)
        assert (outcome.format, outcome.tally.inserted) == ("wildlife-insights", 0 if number else 2)
    assert where(writer) == {"i1:t1": (-2.9, 39.8, None), "i2:t1": (9, 9, None)}
    assert {row.locality for row in rows_of(writer, Place.locality)} == {"Ford", "Elsewhere"}
    assert {row.basis_of_record for row in rows_of(writer, Sighting.basis_of_record)} == {
        "MACHINE_OBSERVATION"
    }


def test_a_name_is_made_of_what_ranks_there_are(writer: Engine, tmp_path: Path) -> None:
    ranks = ["Mammalia,Rodentia,Hystricidae,Hystrix,cristata", "Mammalia,Rodentia,Hystricidae,Hystrix,"]
    ranks += ["Mammalia,Rodentia,Hystricidae,,", "Mammalia,Rodentia,,,", "Mammalia,,,,"]
    rows = [image(f"i{n}", f"t{n},{rank},Porcupine {n}") for n, rank in enumerate(ranks)]
    read_one(writer, export(tmp_path / "export", *rows))
    names = {name for name, _ in per(writer, "total")}
    assert names == {"Hystrix cristata", "Hystrix", "Hystricidae", "Rodentia", "Mammalia"}


def test_an_image_with_several_animals_is_several_records(writer: Engine, tmp_path: Path) -> None:
    rows = [image("i1", sex="Male"), image("i1", sex="Female"), image("i1", "t2,Aves,,,,,Bird", count="3")]
    outcome = read_one(writer, export(tmp_path / "export", *rows))
    assert (sums(outcome), outcome.tally.issues) == ((3, 3, 0, 0, 0), {})
    assert per(writer, "total", "individuals") == {("Genetta maculata", 0): 2, ("Aves", 0): 3}


def test_images_without_an_animal_are_skipped_each_with_its_reason(writer: Engine, tmp_path: Path) -> None:
    rows = [image("a", ",,,,,,", blank="1"), image("b", "t,,,,,,Blank"), image("c", ",,,,,,")]
    rows += [
        image("d", "t,Mammalia,Primates,Hominidae,Homo,sapiens,Human"),
        image("e", "t,,,,,,Human-Camera Trapper"),
    ]
    rows += [
        image("f", "t,,,,,,Vehicle"),
        image("g", "t,,,,,,Unknown species"),
        image("h", "t,CV Needed,,,,,"),
    ]
    rows += [
        image("i", "t,No CV Result,No CV Result,No CV Result,No CV Result,No CV Result,No CV Result"),
        image("j"),
    ]
    outcome = read_one(writer, export(tmp_path / "export", *rows))
    assert (sums(outcome), outcome.tally.skipped) == ((10, 1, 0, 0, 0), 9)
    assert outcome.tally.skips == {"BLANK": 2, "HUMAN": 2, "VEHICLE": 1, "UNKNOWN": 1, "UNCLASSIFIED": 3}


def test_in_a_project_of_sequences_these_are_the_records(writer: Engine, tmp_path: Path) -> None:
    taxon = "wi_taxon_id,class,order,family,genus,species,common_name"
    bare = f"project_id,deployment_id,image_id,sequence_id,{taxon},timestamp"
    images = [f"1,D1,i{n},s{n % 2},,,,,,,,2019-05-05 17:2{n}:00" for n in range(4)]
    folder = export(tmp_path / "export", *images, head=bare, name="images_1.csv")
    table(
        folder / "sequences.csv",
        f"project_id,deployment_id,sequence_id,is_blank,{taxon},start_time,end_time,group_size",
        "1,D1,s0,0,t1,Mammalia,Carnivora,Viverridae,Genetta,maculata,Genet,"
        "2019-05-05 17:20:00,2019-05-05 17:22:00,2",
        "1,D1,s1,1,,,,,,,,2019-05-05 17:21:00,2019-05-05 17:23:00,",
    )
    for path in (folder, folder / "images_1.csv"):
        outcome = read_one(writer, path)
        assert (outcome.tally.read, outcome.tally.skips) == (6, {"MEDIA_LEVEL": 4, "BLANK": 1})
    assert where(writer) == {"s0:t1": (-2.9, 39.8, None)}
    assert per(writer, "day", "individuals") == {("Genetta maculata", 20190505): 2}
    times = [row.time_of_day for row in rows_of(writer, Sighting.time_of_day)]
    assert times == [17 * 3600 + 20 * 60]


def test_day_and_month_are_told_apart_by_the_deployment(writer: Engine, tmp_path: Path) -> None:
    rows = [image(f"i{n}", date=f"5/{n}/19 17:21") for n in range(4, 13)]
    undecided = export(tmp_path / "undecided", *rows)
    table(undecided / "deployments.csv", *(line.replace("-05-", "-01-", 1) for line in STAYS))
    table(undecided / "deployments.csv", STAYS[0], "1,D1,Ford,39.8,-2.9,2019-01-01,2019-12-31")
    assert "--date-order" in read_one(writer, undecided).message
    assert read_one(writer, export(tmp_path / "export", *rows)).tally.inserted == 9
    assert {day for _, day in per(writer, "day")} == {20190500 + n for n in range(4, 13)}


def test_an_order_that_deployments_contradict_is_not_guessed(sqlite_writer: Engine, tmp_path: Path) -> None:
    stays = "2,D1,Elsewhere,9,9,2019-06-01,2019-12-31"
    folder = export(
        tmp_path / "export", image("a", date="5/6/19 17:21"), image("b", date="5/6/19 17:21", project="2")
    )
    table(folder / "deployments.csv", *STAYS[:2], stays)
    assert "--date-order" in read_one(sqlite_writer, folder).message


@pytest.mark.parametrize("what", ["deployments", "cameras", "projects"])
def test_another_part_of_an_export_says_which_to_name(
    sqlite_writer: Engine, tmp_path: Path, what: str
) -> None:
    path = export(tmp_path / "export", image("i1")) / f"{what}.csv"
    assert read_one(sqlite_writer, path).message == (
        f"{path} holds the {what} of a Wildlife Insights export and no images: name its images.csv or the"
        " folder instead."
    )


def test_images_without_deployments_have_no_place(sqlite_writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "images.csv", IMAGES, image("i1"))
    outcome = read_one(sqlite_writer, path)
    assert "its records have no coordinates" in outcome.notes[0]
    assert where(sqlite_writer) == {"i1:t1": (None, None, None)}


@pytest.mark.parametrize("name", ["camtrap-dp", "wildlife-insights", "agouti"])
def test_the_sample_of_a_format_is_of_that_format(sqlite_writer: Engine, tmp_path: Path, name: str) -> None:
    known = next(one for one in FORMATS if one.name == name)
    path = tmp_path / "sample.csv"
    path.write_text(known.about.sample, encoding="utf-8")
    outcome = read_one(sqlite_writer, path)
    assert (outcome.format, outcome.status, outcome.reasons) == (name, "committed", {})
    assert outcome.tally.skipped >= 1


def of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mixed(folder: Path, into: Path) -> Path:
    """The same files in another folder, their rows in another order."""
    shutil.copytree(folder, into)
    for file in into.glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as opened:
            head, *rows = csv.reader(opened)
        random.Random(7).shuffle(rows)
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows([head, *rows])
    return into


def check_again(writer: Engine, path: Path, other: Path) -> None:
    before = version(writer)
    for again in read(writer, path, other):
        assert (again.status, again.tally.inserted, again.tally.updated) == ("unchanged", 0, 0)
    assert version(writer) == before
    with writer.begin() as connection:
        assert damage(connection) == []


def test_a_real_camtrap_dp_counts_its_events_and_not_their_pictures(
    shared_data: Find, writer: Engine, tmp_path: Path
) -> None:
    folder = shared_data(CAMTRAP)
    rows = of(folder / "observations.csv")
    kinds = Counter(row["observationType"].upper() for row in rows)
    animals = [row for row in rows if row["observationType"] == "animal"]
    events = [row for row in animals if row["observationLevel"] == "event"]
    told = {row["eventID"] for row in rows if row["observationLevel"] == "event"}
    pictures = [row for row in animals if row["observationLevel"] == "media"]
    assert (len(rows), kinds["BLANK"], kinds["HUMAN"], kinds["VEHICLE"]) == (549, 115, 33, 21)
    assert {row["eventID"] for row in pictures} <= told

    outcome = read_one(writer, folder)
    assert (outcome.format, sums(outcome)) == ("camtrap-dp", (549, len(events), 0, 0, 0))
    del kinds["ANIMAL"]
    assert outcome.tally.skips == {**kinds, "MEDIA_LEVEL": len(pictures)}
    counted = Counter[tuple[str, int]]()
    for row in events:
        counted[row["scientificName"], int(row["eventStart"][:10].replace("-", ""))] += int(row["count"])
    assert per(writer, "day", "individuals") == counted
    deployments = {row["deploymentID"]: row for row in of(folder / "deployments.csv")}
    for row in events:
        at = deployments[row["deploymentID"]]
        expected = (float(at["latitude"]), float(at["longitude"]), float(at["coordinateUncertainty"]))
        assert where(writer)[row["observationID"]] == expected
    check_again(writer, folder, mixed(folder, tmp_path / "other"))


def test_a_real_export_of_wildlife_insights_is_month_first(
    shared_data: Find, writer: Engine, tmp_path: Path
) -> None:
    folder = shared_data(INSIGHTS)
    rows = of(folder / "images.csv")
    outcome = read_one(writer, folder)
    assert (outcome.format, sums(outcome)) == ("wildlife-insights", (49, 49, 0, 0, 0))
    days = Counter[int]()
    for row in rows:
        month, day, year = map(int, row["timestamp"].split()[0].split("/"))
        days[20_000_000 + year * 10_000 + month * 100 + day] += int(row["number_of_objects"])
    found = Counter[int]()
    for (_, day), n in per(writer, "day", "individuals").items():
        found[day] += int(n)
    assert found == days
    at = {
        row["deployment_id"]: (float(row["latitude"]), float(row["longitude"]), None)
        for row in of(folder / "deployments.csv")
    }
    expected = Counter(at[row["deployment_id"]] for row in rows)
    assert Counter(where(writer).values()) == expected
    species = Counter(f"{row['genus']} {row['species']}" for row in rows if row["species"])
    assert {name: n for (name, _), n in per(writer, "total").items() if " " in name} == species
    check_again(writer, folder, mixed(folder, tmp_path / "other"))


def test_a_real_export_of_agouti_holds_horses_and_no_humans(
    shared_data: Find, sqlite_writer: Engine, tmp_path: Path
) -> None:
    path = shared_data(AGOUTI)
    rows = of(path)
    names = Counter(row["animalScientificName"] for row in rows)
    assert (len(rows), names["Homo sapiens"], names["Equus caballus"]) == (3_760, 156, 84)
    outcome = read_one(sqlite_writer, path)
    assert (outcome.format, sums(outcome)) == ("agouti", (3_760, 3_604, 0, 0, 0))
    assert outcome.tally.skips == {"HUMAN": names.pop("Homo sapiens")}
    assert {name: n for (name, _), n in per(sqlite_writer, "total").items()} == names
    days = Counter(
        int(row["sequenceStart"].strip('"')[:10].replace("-", ""))
        for row in rows
        if row["animalScientificName"] in names
    )
    found = Counter[int]()
    for (_, day), n in per(sqlite_writer, "day").items():
        found[day] += int(n)
    assert found == days
    one = next(row for row in rows if row["animalScientificName"] == "Equus caballus")
    expected = (float(one["deploymentLatitude"]), float(one["deploymentLongitude"]), None)
    assert where(sqlite_writer)[one["observationID"]] == expected
    (tmp_path / "one").mkdir()
    shutil.copy(path, tmp_path / "one" / "a.csv")
    check_again(sqlite_writer, path, mixed(tmp_path / "one", tmp_path / "other") / "a.csv")
