"""JSON, NDJSON and GeoJSON: where the records are found, what they are called, what is refused and how."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.models import Place, Reject, Sighting, TaxonName
from ingest.formats import batches, json_documents
from ingest.formats.json_documents import read as read_json
from ingest.formats.table import Table, Wanted
from ingest.sources.source import DAMAGE, Unreadable, of_file
from tests.files import per, read, read_one, rows_of, sums, version

Find = Callable[[str], Path]
LYNX = {"date": "2024-05-03", "species": "Lynx lynx"}
WOLF = {"date": "2024-05-04", "species": "Canis lupus"}
BOTH = {("Lynx lynx", 20240503): 1, ("Canis lupus", 20240504): 1}


def document(folder: Path, content: Any, name: str = "sightings.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def opened(path: Path) -> Table:
    table = read_json(of_file(path), Wanted())
    assert table is not None
    return table


def cells(path: Path) -> list[dict[str, str]]:
    table = opened(path)
    return [dict(zip(table.columns, row, strict=True)) for chunk in table.chunks() for row in chunk.rows]


@pytest.mark.parametrize(
    "content",
    [
        [LYNX, WOLF],
        {"results": [LYNX, WOLF], "count": 2, "facets": []},
        {"answer": {"page": 1, "data": {"records": [LYNX, WOLF]}}, "facets": [{"field": "year", "n": 1}]},
        {"anything at all": [LYNX, WOLF]},
        {"lynxes": [LYNX], "others": {"wolves": [WOLF]}},
        f"\ufeff  \n[\n{json.dumps(LYNX)},\n{json.dumps(WOLF)}\n]\n",
        f"{json.dumps(LYNX)}\n{json.dumps(WOLF)}\n",
        f"{json.dumps(LYNX)}\r\n\r\n{json.dumps(WOLF)}",
        f'{{"page": 1, "results": [{json.dumps(LYNX)}]}}\n{{"page": 2, "results": [{json.dumps(WOLF)}]}}\n',
        f"\x1e{json.dumps(LYNX)}\n\x1e{json.dumps(WOLF)}\n",
    ],
    ids=[
        "list",
        "results",
        "nested",
        "any key",
        "two lists",
        "pretty",
        "ndjson",
        "blank lines",
        "pages",
        "sequence",
    ],
)
def test_records_are_found_wherever_they_are(writer: Engine, tmp_path: Path, content: Any) -> None:
    outcome = read_one(writer, document(tmp_path, content))
    assert (outcome.format, sums(outcome)) == ("json", (2, 2, 0, 0, 0))
    assert per(writer, "day") == BOTH


def test_one_object_alone_is_one_record(sqlite_writer: Engine, tmp_path: Path) -> None:
    assert sums(read_one(sqlite_writer, document(tmp_path, LYNX))) == (1, 1, 0, 0, 0)


def test_lists_that_were_read_together_are_named(tmp_path: Path) -> None:
    facets = [{"field": "year", "n": 2}]
    content = {"lynxes": [LYNX], "others": {"wolves": [WOLF], "empty": []}, "facets": facets}
    table = opened(document(tmp_path, content))
    assert table.notes == (
        "2 lists were read: lynxes, others.wolves",
        "lists without sightings were not read: facets",
    )


def test_objects_in_objects_get_dotted_names_and_lists_are_joined(tmp_path: Path) -> None:
    record = {**LYNX, "site": {"name": "Ridge", "at": {"lat": 1}}, "tags": ["a", None, "b"], "notes": None}
    (found,) = cells(document(tmp_path, [{**record, "photos": [{"id": 1, "ok": True}], "captive": False}]))
    assert found == {
        **LYNX,
        "site.name": "Ridge",
        "site.at.lat": "1",
        "tags": "a; b",
        "notes": "",
        "photos": '[{"id":1,"ok":true}]',
        "captive": "false",
    }


def test_records_of_many_shapes_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(1)

    def made(depth: int) -> dict[str, Any]:
        keys = chance.sample("abcdef", chance.randrange(1, 6))
        return {
            key: made(depth + 1) if depth < 3 and chance.random() < 0.4 else f"{key}{depth}" for key in keys
        }

    def flat(value: dict[str, Any], above: str = "") -> dict[str, str]:
        found = {}
        for key, inner in value.items():
            found |= flat(inner, f"{above}{key}.") if isinstance(inner, dict) else {above + key: inner}
        return found

    records = [{**LYNX, **made(0)} for _ in range(300)]
    read_back = cells(document(tmp_path, "\n".join(map(json.dumps, records))))
    assert [{name: text for name, text in row.items() if text} for row in read_back] == list(
        map(flat, records)
    )


def test_numbers_stay_as_they_were_written(sqlite_writer: Engine, tmp_path: Path) -> None:
    ids = ["9007199254740993", "12345678901234567890123", '"007"', '"1e5"', "1.10", "9" * 400]
    rows = ",".join(f'{{"id": {number}, "date": "2024", "species": "Lynx"}}' for number in ids)
    assert sums(read_one(sqlite_writer, document(tmp_path, f"[{rows}]"))) == (6, 6, 0, 0, 0)
    kept = {row.occurrence_id for row in rows_of(sqlite_writer, Sighting.occurrence_id)}
    assert kept == {number.strip('"') for number in ids}


def test_what_is_no_number_is_flagged_and_never_stops_the_rest(sqlite_writer: Engine, tmp_path: Path) -> None:
    counts = ["NaN", "Infinity", "1e999", "9" * 4_300, "-1", "3"]
    rows = ",".join(f'{{"date": "2024", "species": "Lynx", "count": {count}}}' for count in counts)
    outcome = read_one(sqlite_writer, document(tmp_path, f"[{rows}]"))
    assert sums(outcome) == (6, 6, 0, 0, 0)
    assert outcome.tally.issues == {"INDIVIDUAL_COUNT_INVALID": 4}
    assert per(sqlite_writer, "total", "individuals") == {("Lynx", 0): 5 + 3}


def test_of_a_key_that_comes_twice_the_last_value_counts_and_the_other_is_kept(tmp_path: Path) -> None:
    twice = '[{"date": "2024", "species": "Lynx", "species": "Wolf", "species (2)": "x", "date": "2024"}]'
    assert cells(document(tmp_path, twice)) == [
        {"date": "2024", "species": "Wolf", "species (2)": "x", "species (3)": "Lynx"}
    ]


def test_half_a_character_and_a_null_byte_are_kept_as_far_as_a_database_can(
    writer: Engine, tmp_path: Path
) -> None:
    hostile = '[{"date": "2024", "species": "Lynx", "id": "a\\ud800\\u0000", "k\\u0000ey\\ud800": "\\udfff"}]'
    assert sums(read_one(writer, document(tmp_path, hostile))) == (1, 1, 0, 0, 0)


def test_a_broken_line_costs_that_line(writer: Engine, tmp_path: Path) -> None:
    lines = [json.dumps(LYNX), '{"date": "2024-05-03", "spec', "", "[1]", json.dumps(WOLF), "null"]
    outcome = read_one(writer, document(tmp_path, "\n".join(lines)))
    assert sums(outcome) == (5, 2, 0, 0, 3)
    assert outcome.reasons == {"RECORD_UNREADABLE": 3}
    assert [row.line for row in rows_of(writer, Sighting.line)] == [1, 5]
    rejects = rows_of(writer, Reject.line, Reject.raw)
    assert [row.line for row in rejects] == [2, 4, 6]
    assert [row.raw for row in rejects][1:] == ["[1]", "null"]
    assert json.loads(f'"{rejects[0].raw[1:-1]}"'.replace('""', '\\"')) == lines[1]


def test_a_page_that_is_none_is_one_bad_row(sqlite_writer: Engine, tmp_path: Path) -> None:
    pages = [
        {"results": [LYNX, WOLF, 7]},
        {"error": "too many requests"},
        {"results": []},
        {"results": [LYNX]},
    ]
    path = document(tmp_path, "\n".join([*map(json.dumps, pages), '{"results": [{']))
    outcome = read_one(sqlite_writer, path)
    assert (sums(outcome), outcome.reasons) == ((6, 3, 0, 0, 3), {"RECORD_UNREADABLE": 3})
    assert [row.line for row in rows_of(sqlite_writer, Sighting.line)] == [1, 1, 4]
    assert [row.line for row in rows_of(sqlite_writer, Reject.line)] == [1, 2, 5]


def test_what_is_no_object_in_a_list_is_one_bad_row(sqlite_writer: Engine, tmp_path: Path) -> None:
    outcome = read_one(sqlite_writer, document(tmp_path, [LYNX, 5, WOLF, "x", [1, 2]]))
    assert (sums(outcome), outcome.reasons) == ((5, 2, 0, 0, 3), {"RECORD_UNREADABLE": 3})
    assert [row.line for row in rows_of(sqlite_writer, Sighting.line)] == [1, 3]
    assert [row.raw for row in rows_of(sqlite_writer, Reject.raw)] == ['"""x"""', '"[1,2]"', "5"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (f'[{{"date": "2024", "species": "Lynx", "x": {"[" * 700}1{"]" * 700}}}]', "nested too deeply"),
        (f'{{"a": 1}}\n{{"date": "2024", "species": "Lynx", "x": {"[" * 700}1{"]" * 700}}}', "too deeply"),
        ('{"results": [' + json.dumps(LYNX) + ', {"date": "2024', "breaks off at line 1"),
        ('{"results": [\n' + json.dumps(LYNX) + "\n,", "breaks off at line 3"),
        ('{"results": [' + json.dumps(LYNX) + "]", "breaks off"),
        ("[" + json.dumps(LYNX) + "] and more", "goes on after its end"),
        ("[{'date': '2024'}]", "double quotes"),
        ("[" + json.dumps(LYNX) + ' {"a": 1}]', "stands where"),
        ('{"error": "too many requests", "status": 429}', """it says "error": 'too many requests\'"""),
        ('{"errors": [{"message": "no such taxon"}]}', "no such taxon"),
        ('{"error": {"code": 7}, "results": [{"a": 1}]}', '"error.code"'),
        ('{"message": "Internal Server Error"}', "Internal Server Error"),
        ("[]", "without a list of records"),
        ("{}", "without a list of records"),
        ('{"count": 0, "results": []}', "without a list of records"),
        ("[1, 2, 3]", "without a list of records"),
        ('[{"a": 1}]', "no column for a date"),
        ('{"a": 1}\n{"a": 2', "no column for a date"),
        ("{bad\n{worse\n", "a key is missing at line 1"),
    ],
)
def test_what_holds_no_sightings_is_refused_in_one_sentence(
    sqlite_writer: Engine, tmp_path: Path, content: str, message: str
) -> None:
    outcome = read_one(sqlite_writer, document(tmp_path, content))
    assert (outcome.status, message in outcome.message) == ("failed", True), outcome.message
    assert "\n" not in outcome.message
    assert "unexpected" not in outcome.message
    assert version(sqlite_writer) == 0


def test_keys_that_should_be_values_are_refused(tmp_path: Path) -> None:
    path = document(tmp_path, [{**LYNX, **{f"k{number}": 1 for number in range(6_000)}}])
    with pytest.raises(Unreadable, match="more than 5,000 different keys"):
        opened(path)


def test_a_record_that_has_no_end_in_sight_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.formats.json_text.LONGEST", 1 << 16)
    with pytest.raises(Unreadable, match="one record is longer than"):
        opened(document(tmp_path, [{**LYNX, "remarks": "x" * (1 << 20)}]))


def test_geojson_has_its_longitude_first(writer: Engine, tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [14.5, 48.25, 610]}
    line = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}
    features = [
        {"type": "Feature", "id": 7, "geometry": point, "properties": {**LYNX, "site": {"name": "A"}}},
        {"type": "Feature", "geometry": line, "properties": WOLF},
        {"type": "Feature", "geometry": None, "properties": WOLF},
    ]
    path = document(tmp_path, {"type": "FeatureCollection", "name": "x", "features": features}, "a.geojson")
    assert sums(read_one(writer, path)) == (3, 3, 0, 0, 0)
    found = rows_of(
        writer, Sighting.line, Sighting.decimal_latitude, Sighting.decimal_longitude, Sighting.occurrence_id
    )
    assert [tuple(row)[:3] for row in found] == [(1, 48.25, 14.5), (2, None, None), (3, None, None)]
    assert found[0].occurrence_id == "7"
    first, second, third = cells(path)
    assert (first["altitude"], first["site.name"], third["geometry"]) == ("610", "A", "")
    assert json.loads(second["geometry"]) == line


def test_coordinates_among_the_properties_go_before_the_point(tmp_path: Path) -> None:
    properties = {**LYNX, "decimalLatitude": "48.123456", "decimalLongitude": "14.123456"}
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [14, 48]}}
    (found,) = cells(document(tmp_path, json.dumps({**feature, "properties": properties}) + "\n", "a.json"))
    assert (found["decimalLatitude"], found["decimalLongitude"]) == ("48.123456", "14.123456")


@pytest.mark.parametrize("location", ["48.5,14.25", [48.5, 14.25]])
def test_an_answer_of_inaturalist_is_known_by_its_keys(
    sqlite_writer: Engine, tmp_path: Path, location: Any
) -> None:
    observation = {
        "id": 123,
        "uuid": "9e05",
        "site_id": 1,
        "observed_on": "2024-05-03",
        "time_observed_at": "2024-05-03T22:30:00+02:00",
        "observed_time_zone": "Europe/Vienna",
        "location": location,
        "place_guess": "Linz",
        "quality_grade": "research",
        "geoprivacy": None,
        "taxon": {"name": "Lynx lynx", "rank": "species", "preferred_common_name": "Eurasian Lynx"},
        "user": {"id": 1, "login": "someone"},
        "identifications": [{"id": 5, "taxon": {"name": "Lynx"}, "created_at": "2024-05-04"}],
    }
    hidden = {**observation, "id": 124, "location": None}
    page = {"total_results": 2, "page": 1, "per_page": 30, "results": [observation, hidden]}
    outcome = read_one(sqlite_writer, document(tmp_path, page))
    assert (outcome.feed, sums(outcome)) == ("inaturalist", (2, 2, 0, 0, 0))
    first, second = rows_of(
        sqlite_writer,
        Sighting.occurrence_id,
        Sighting.decimal_latitude,
        Sighting.decimal_longitude,
        Sighting.first_day,
        Sighting.time_of_day,
        Sighting.recorded_by,
    )
    assert tuple(first) == ("123", 48.5, 14.25, 20240503, 22 * 3600 + 30 * 60, "someone")
    assert tuple(second)[:3] == ("124", None, None)
    assert "Eurasian Lynx" in {row.name for row in rows_of(sqlite_writer, TaxonName.name)}
    assert [tuple(row) for row in rows_of(sqlite_writer, Place.locality, Place.location_id)] == [("Linz", "")]
    alone = document(tmp_path, observation, "one.json")
    assert sums(read_one(sqlite_writer, alone)) == (1, 0, 0, 1, 0)


def test_milliseconds_since_1970_are_a_date_but_days_written_together_stay_one(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    dates = [1714735800000, 1714735800, 20240504, "2024-05-05"]
    rows = [{"date": date, "species": "Lynx"} for date in dates]
    read_one(sqlite_writer, document(tmp_path, rows))
    found = rows_of(sqlite_writer, Sighting.line, Sighting.first_day, Sighting.time_of_day)
    clock = (11 * 60 + 30) * 60  # 2024-05-03T11:30:00Z
    assert [tuple(row)[1:] for row in found] == [
        (20240503, clock),
        (20240503, clock),
        (20240504, None),
        (20240505, None),
    ]


def test_pages_of_one_answer_are_one_feed(sqlite_writer: Engine, tmp_path: Path) -> None:
    gbif = {"datasetKey": "d", "scientificName": "Lynx lynx (Linnaeus, 1758)", "issues": ["ZERO_COORDINATE"]}
    one = {**gbif, "key": 1, "eventDate": "2024-05-03T08:24:00", "decimalLatitude": 0, "decimalLongitude": 0}
    two = {**gbif, "key": 2, "gbifID": "2", "eventDate": "2024-05-04", "sex": "FEMALE"}
    pages = [
        document(tmp_path, {"results": [one]}, "1.json"),
        document(tmp_path, {"results": [two, one]}, "2.json"),
    ]
    first, second = read(sqlite_writer, *pages)
    assert {first.feed, second.feed} == {"gbif"}
    assert sums(first) == (1, 1, 0, 0, 0)
    assert sums(second)[0] == 2
    assert {row.occurrence_id for row in rows_of(sqlite_writer, Sighting.occurrence_id)} == {"1", "2"}


@pytest.mark.parametrize("how", ["document", "lines"])
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(batches, "CHUNK", 200)

    def peak(records: int) -> int:
        rows = (json.dumps({**LYNX, "id": number, "remarks": "x" * 300}) for number in range(records))
        text = f'{{"results": [{",".join(rows)}]}}' if how == "document" else "\n".join(rows)
        path = document(tmp_path, text)
        tracemalloc.start()
        try:
            assert sum(len(chunk.rows) for chunk in opened(path).chunks()) == records
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small = peak(3_000)  # 1 MB
    assert peak(12_000) < 1.2 * small


def test_a_cut_in_the_middle_of_anything_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {**LYNX, "id": 12345, "a": {"b": [1.5, 'ü\n"\\', True]}, "c": [{"d": -1e-7}]}
    path = document(tmp_path, json.dumps({"n": 17, "x": {"y": []}, "results": [record] * 30}, indent=1))
    whole = cells(path)
    for block in (1, 2, 3, 7, 64):
        monkeypatch.setattr("ingest.formats.json_text._BLOCK", block)
        assert cells(path) == whole
    assert len(whole) == 30


def test_the_sample_is_read(sqlite_writer: Engine, tmp_path: Path) -> None:
    path = document(tmp_path, json_documents.ABOUT.sample)
    assert sums(read_one(sqlite_writer, path)) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("name", ["occ_gbif", "occ_ala", "occ_obis"])
def test_recorded_answers_are_json_inside_json(shared_data: Find, sqlite_writer: Engine, name: str) -> None:
    path = shared_data(f"A15-json/{name}.json")
    recorded = json.loads(path.read_text(encoding="utf-8"))["http_interactions"]
    answer = json.loads(recorded[0]["response"]["body"]["string"])
    records = answer.get("results") or answer["occurrences"]
    assert len(recorded) == 1
    assert len(records) == 3
    outcome = read_one(sqlite_writer, path)
    key = {"occ_gbif": "gbifID", "occ_ala": "uuid", "occ_obis": "id"}[name]
    assert (outcome.format, outcome.feed) == ("json", name.removeprefix("occ_"))
    assert sums(outcome) == (3, 3, 0, 0, 0)
    kept = rows_of(
        sqlite_writer,
        Sighting.occurrence_id,
        Sighting.first_day,
        Sighting.decimal_latitude,
        Sighting.decimal_longitude,
    )
    assert {(row.occurrence_id, row.decimal_latitude, row.decimal_longitude) for row in kept} == {
        (record[key], record["decimalLatitude"], record["decimalLongitude"]) for record in records
    }
    for row in kept:
        record = next(one for one in records if one[key] == row.occurrence_id)
        year = record.get("year") or record["date_year"]
        assert row.first_day // 10_000 == int(year)
        assert not record.get("month") or row.first_day // 100 % 100 == int(record["month"])


def test_flags_of_gbif_stay_on_its_records(shared_data: Find, sqlite_writer: Engine) -> None:
    path = shared_data("A15-json/occ_gbif.json")
    recorded = json.loads(path.read_text(encoding="utf-8"))["http_interactions"]
    records = json.loads(recorded[0]["response"]["body"]["string"])["results"]
    outcome = read_one(sqlite_writer, path)
    for issue in {issue for record in records for issue in record["issues"]}:
        assert outcome.tally.issues[issue] == sum(issue in record["issues"] for record in records)


def test_a_real_answer_of_inaturalist(shared_data: Find, sqlite_writer: Engine) -> None:
    path = shared_data("A15-json/observation.json")
    (real,) = json.loads(path.read_text(encoding="utf-8"))["results"]
    outcome = read_one(sqlite_writer, path)
    assert (outcome.feed, sums(outcome)) == ("inaturalist", (1, 1, 0, 0, 0))
    (row,) = rows_of(
        sqlite_writer, Sighting.occurrence_id, Sighting.decimal_latitude, Sighting.decimal_longitude
    )
    assert tuple(row) == (str(real["id"]), *real["location"])
    assert per(sqlite_writer, "day") == {("Dirona picta", 20200509): 1}


def test_mutilated_bytes_never_raise_anything_unexpected(tmp_path: Path) -> None:
    chance = random.Random(3)
    page = json.dumps({"n": 1, "results": [LYNX, {**WOLF, "a": {"b": [1, 2]}}]}).encode()
    lines = b"\n".join(json.dumps(one).encode() for one in (LYNX, WOLF, LYNX))
    path = tmp_path / "mutilated.json"
    for _ in range(300):
        content = bytearray(chance.choice((page, lines)))
        for _ in range(chance.choice((1, 3))):
            content[chance.randrange(len(content))] = chance.choice(b'{}[]",:\\\n0e\xff\x00\xfe')
        path.write_bytes(content[: chance.randrange(len(content))] if chance.random() < 0.3 else content)
        with suppress(Unreadable, *DAMAGE):
            table = read_json(of_file(path), Wanted())
            for chunk in table.chunks() if table else ():
                assert all(isinstance(cell, str) for row in chunk.rows for cell in row)
