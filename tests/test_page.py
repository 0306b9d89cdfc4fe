"""The dashboard as the server sends it, before any script runs: complete, filtered, honest about its data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from db.names import PlaceValue
from tests.seed import READING, Record, ingest, open_app, year

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HOSTILE = "<script>alert(1)</script> $x_$"
MONTHS = [
    Record("Lynx lynx", 20240000 + month * 100 + 5, scientific="Lynx lynx", vernacular="Eurasian lynx")
    for month in range(1, 13)
]


@dataclass
class Page(HTMLParser):
    """What a page says, as a browser would read it."""

    texts: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def urls(self, tag: str, attribute: str) -> list[str]:
        return [one[attribute] for one in self.all(tag) if attribute in one]


def page(client: FlaskClient, url: str = "/", status: int = 200) -> Page:
    answer = client.get(url)
    assert answer.status_code == status
    assert answer.content_type == "text/html; charset=utf-8"
    found = Page()
    found.feed(answer.text)
    return found


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> Iterator[FlaskClient]:
    """Over a database that is still empty."""
    app = open_app(home, title="Station Nord")
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def test_the_page_has_a_heading_and_an_image_of_each_animal_that_is_a_request_of_its_own(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING, feed="reading", made_up=True)
    shown = page(client)
    assert "Station Nord" in shown.text
    assert len(shown.all("h1")) == 1
    images = shown.urls("img", "src")
    for animal in ("Bear", "Deer", "Wolf"):
        assert [url for url in images if f"species={animal}&" in url], animal
    for url in images + [one["srcset"] for one in shown.all("source")]:
        answer = client.get(url)
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml"), url
        assert "measure=individuals" in url
        assert "theme=auto" in url
    assert all(one["alt"] and one["width"] and one["height"] for one in shown.all("img"))


def test_the_numbers_are_those_of_the_reports(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING + MONTHS)
    summary = client.get("/api/v1/reports/summary.json").get_json()
    shown = page(client).text
    for name in ("records", "individuals", "species"):
        number = f"{summary['data'][0][name]:,}".replace(",", "\u202f")
        assert f"{name.capitalize()} {' '.join(number.split())}" in shown
    assert f"version {summary['meta']['dataVersion']}" in shown
    assert "Data to 5 Dec 2024" in shown
    assert "2010–2024" in shown


def test_a_chart_changes_its_address_exactly_when_its_data_changed(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    before = page(client).urls("img", "src")
    ingest(sqlite_writer, [Record("Bear", 20200101)], feed="more")
    after = page(client).urls("img", "src")
    changed = {url for url in after if url not in before}
    assert {url for url in changed if "species=" in url} == {url for url in after if "species=Bear" in url}
    assert [url for url in after if "species=Deer" in url] == [url for url in before if "species=Deer" in url]
    reports = {url.partition(".svg")[0].rpartition("/")[2] for url in changed if "species=" not in url}
    assert reports == {"timeline", "species", "map", "arrivals", "calendar"}  # these hold all


def test_each_chart_is_offered_in_every_form_and_as_a_snippet(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    shown = page(client, "/?eventDate=2012,2015")
    links = shown.urls("a", "href")
    for form in ("svg", "png", "csv", "json"):
        offered = [url for url in links if f"timeline.{form}?" in url]
        assert len(offered) >= 4
        assert {client.get(url).status_code for url in offered} == {200}
    snippets = re.findall(r'<img src="(/[^"]+)"', shown.text.replace("&amp;", "&"))
    assert len(snippets) == 6
    for url in snippets:
        assert client.get(url).mimetype == "image/svg+xml"
        assert "v=" not in url


def test_a_chart_alone_is_a_page_that_anybody_may_frame_and_has_its_numbers(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, [*READING, Record(HOSTILE, 20240501, count=10_000)])
    (table,) = [
        url for url in page(client).urls("a", "href") if url.startswith("/embed/timeline?interval=year&m")
    ]
    answer = client.get(table)
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert "script-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/') == 1
    shown = page(client, table)
    assert HOSTILE in shown.text
    data = client.get(table.replace("/embed/timeline", "/api/v1/reports/timeline.json")).get_json()["data"]
    assert len(shown.all("tr")) == len(data) + 1
    for row in data:
        assert " ".join(str(value) for value in row.values() if value is not None) in shown.text
    for url in shown.urls("img", "src") + shown.urls("a", "href"):
        assert client.get(url).status_code == 200
    known = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(table, headers=known).status_code == 304
    ingest(sqlite_writer, [Record("Bear", 20200101)])
    assert client.get(table, headers=known).status_code == 200
    assert "The first 400 of" not in shown.text
    wrong = client.get("/embed/timeline?speces=Bear")
    assert (wrong.status_code, wrong.headers["Cache-Control"]) == (400, "no-store")
    assert "did you mean species?" in wrong.text
    assert "frame-ancestors *" in wrong.headers["Content-Security-Policy"]
    assert client.get("/embed/nothing").status_code == 404


def test_each_chart_can_be_handed_on_in_every_way(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [*READING, Record("Bear [x](y)", 20240501, count=10_000)])
    shown = page(client)
    text = shown.text.replace("&amp;", "&")
    frames = re.findall(r'<iframe src="(/[^"]+)" width="720" height="440" title="[^"]+"></iframe>', text)
    pictures = re.findall(r"!\[[^\]]*\]\((/[^)]+)\)", text)
    pinned = [url for url in shown.urls("a", "href") if "asOf=" in url]
    charts = len(shown.all("img"))
    assert len(frames) == len(pictures) == len(pinned) == charts
    for url in (*frames, *pictures, *pinned):
        assert client.get(url).status_code == 200, url
    assert all("immutable" in client.get(url).headers["Cache-Control"] for url in pinned)


def test_a_chart_is_drawn_at_the_interval_that_fits_its_own_dates(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    days = [Record("Newt", 20240301 + day) for day in range(20)]
    ingest(sqlite_writer, READING + MONTHS + days)
    images = [url for url in page(client).urls("img", "src") if "timeline" in url]
    for name, interval in (("Deer", "year"), ("Lynx+lynx", "month"), ("Newt", "day")):
        (url,) = [one for one in images if f"species={name}&" in one]
        assert f"interval={interval}&" in url
    chosen = page(client, "/?interval=week").urls("img", "src")
    assert all("interval=week" in url for url in chosen if "timeline" in url)


def test_what_the_form_sends_becomes_the_address_that_is_kept(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    sent = "/?species=deer&species=&from=2012-01-01&to=2013-12-31&measure=&interval=&feed=test"
    answer = client.get(sent)
    assert answer.status_code == 302
    assert answer.location == "/?species=deer&feed=test&eventDate=2012-01-01,2013-12-31"
    shown = page(client, answer.location)
    fields = {one["name"]: one.get("value", "") for one in reversed(shown.all("input"))}
    filled = {"species": "Deer", "from": "2012-01-01", "to": "2013-12-31"}
    assert {name: value for name, value in fields.items() if value} == filled
    assert [one for one in shown.all("option") if "selected" in one]  # the feed
    assert "Records 2 " in shown.text
    assert client.get("/?from=2013-01-01&to=").location == "/?eventDate=2013-01-01,*"
    assert client.get("/?from=&to=2013-01-01").location == "/?eventDate=*,2013-01-01"
    assert client.get("/?species=").location == "/"


def test_what_is_new_and_what_happened_lately_is_told(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [*READING, *MONTHS, Record("Otter", 20241203, count=4), Record("Bear", 20241201)])
    shown = page(client).text
    assert "In the seven days to 5 Dec 2024: 3 records, 6 individuals of 3 species." in shown
    assert "Newest species Otter 3 Dec 2024 Eurasian lynx Lynx lynx 5 Jan 2024 The season" in shown
    links = page(client).urls("a", "href")
    assert "/?species=Otter" in links
    key = client.get("/api/v1/reports/recent.json?limit=1").get_json()["data"][0]["key"]
    assert f"/api/v1/occurrence/{key}" in links
    assert client.get(f"/api/v1/occurrence/{key}").status_code == 200


def test_this_year_is_compared_to_the_same_day_of_the_last(
    client: FlaskClient, sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import page as dashboard

    monkeypatch.setattr(dashboard, "today", lambda: date(2024, 3, 6))
    last_year = [Record("Newt", day, count=10) for day in (20230306, 20230307, 20231231)]
    ingest(sqlite_writer, [*last_year, Record("Newt", 20240306, count=12), Record("Newt", 20220101)])
    assert "2024 so far 12 individuals, 20 % more than in 2023 by this day" in page(client).text
    assert "2024 so far 1 records, as many as in 2023 by this day" in page(client, "/?measure=records").text
    assert "2023 30 individuals; 1 in 2022" in page(client, "/?eventDate=*,2023").text
    # Of a year that the filters leave out, or of half a year, nothing is said.
    assert "in 2022" not in page(client, "/?eventDate=2023").text
    assert "by this day" not in page(client, "/?eventDate=2023-06,2024").text


def test_places_are_those_that_have_a_name_and_a_record(client: FlaskClient, sqlite_writer: Engine) -> None:
    lake, nowhere = PlaceValue("NO", "", "", "Lake"), PlaceValue("", "", "", "")
    ingest(
        sqlite_writer,
        [
            Record("Newt", 20240101),
            Record("Newt", 20240102, place=lake),
            Record("Newt", 20240103, place=nowhere),
            Record("Bear", 20240104, place=PlaceValue("NO", "", "", "Ridge"), absent=True),
            Record("Bear", 20240104),
        ],
    )
    assert "Places 2 " in page(client).text
    assert "Places 1 " in page(client, "/?species=Bear").text
    assert "Places 1 " in page(client, "/?eventDate=2024-01-02").text
    assert "Places 0 " in page(client, "/?eventDate=2024-01-03").text


def test_small_lines_stand_in_the_page_and_say_what_they_are_of(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, MONTHS)
    shown = page(client)
    sparks = [one["aria-label"] for one in shown.all("svg")]
    assert sparks == [
        f"{name} per month, Jan 2024 to Dec 2024" for name in ("Records", "Individuals", "Species")
    ]
    lines = shown.urls("polyline", "points")
    assert all(len(line.split()) == 12 for line in lines)
    assert {point.partition(",")[2] for point in lines[0].split()} == {"2.0"}  # one a month: level


def test_what_the_records_cannot_tell_is_said_instead_of_drawn(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, [year("Bear", 2020, 3), Record("Deer", 20200101, 20201231, latitude=None)])
    shown = page(client)
    assert not [url for url in shown.urls("img", "src") if "calendar" in url or "phenology" in url]
    assert "There is not enough for a season: no record is dated to a week" in shown.text
    assert "for hours of the day: no record tells its time" in shown.text


def test_a_filter_that_finds_nothing_offers_to_widen_it(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    shown = page(client, "/?species=Deer&eventDate=1990&locality=Oslo")
    assert "Look further: At any time Anywhere Of all species" in shown.text
    assert "/?species=Deer&locality=Oslo" in shown.urls("a", "href")
    assert "Look further" not in page(client, "/?species=unicorn").text


def test_the_form_offers_places_and_feeds_and_the_times_that_are_asked_for_most(
    client: FlaskClient, sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import page as dashboard

    monkeypatch.setattr(dashboard, "today", lambda: date(2024, 3, 6))
    lake = PlaceValue("NO", "", "", "Lake & shore")
    ingest(sqlite_writer, [Record("Newt", 20240305), Record("Deer", 20230305, place=lake)], feed="walks")
    shown = page(client, "/?species=Newt&eventDate=2024")
    assert {"Lake & shore", "Oslo"} <= {one.get("value") for one in shown.all("option")}
    assert "Feed all walks" in shown.text
    links = shown.urls("a", "href")
    times = ["", "&eventDate=2024", "&eventDate=2023", "&eventDate=2024-02-06,*", "&eventDate=2024-02-29,*"]
    assert {f"/?species=Newt{time}" for time in times} <= set(links)
    (chosen,) = [one["href"] for one in shown.all("a") if one.get("aria-current") and "id" not in one]
    assert chosen == "/?species=Newt&eventDate=2024"
    there = page(client, "/?locality=Lake+%26+shore&feed=walks")
    assert [one["value"] for one in there.all("input") if one.get("value")] == ["Lake & shore"]
    assert "Records 1 " in there.text
    assert "locality Oslo" in page(client, "/?locality=Oslo&locality=Lake+%26+shore").text  # two: as chips


def test_countries_states_and_a_box_have_fields_that_are_out_of_sight_until_they_are_used(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    lake = PlaceValue("SI", "Gorenjska", "", "Lake")
    away = PlaceValue("AT", "Kärnten", "", "Alm")
    here = Record("Newt", 20240101, place=lake, latitude=46.3612345, longitude=14.00001)
    ingest(sqlite_writer, [here, Record("Deer", 20240102, place=away), Record("Elk", 20240103)])
    shown = page(client)
    assert [one for one in shown.all("details") if "further" in one.values() and "open" not in one]
    assert {"SI", "AT", "NO", "Gorenjska", "Kärnten"} <= {one.get("value") for one in shown.all("option")}
    sent = "/?country=si&country=&country=AT&stateProvince=&west=&south=&east=&north="
    answer = client.get(sent)
    assert answer.location == "/?country=si&country=AT"
    both = page(client, answer.location)
    assert "Records 2 " in both.text
    assert [one["value"] for one in both.all("input") if one.get("name") == "country" and "value" in one] == [
        "AT",
        "SI",
    ]
    assert [one for one in both.all("details") if "further" in one.values() and "open" in one]
    assert "Remove the filter" not in str(both.tags)  # a field, not a chip
    state = page(client, "/?stateProvince=Gorenjska&stateProvince=Oslo")
    assert "Records 1 " in state.text
    boxed = client.get("/?west=14.00000999&south=46.3612344&east=&north=").location
    assert boxed == "/?bbox=14.00000999,46.3612344,180,90"
    inside = page(client, boxed)
    assert "Records 1 " in inside.text  # to the last digit
    edges = {one["name"]: one["value"] for one in inside.all("input") if one.get("type") == "number"}
    assert edges == {"west": "14.00000999", "south": "46.3612344", "east": "180", "north": "90"}
    assert "Records 0" not in page(client, "/?bbox=0.00001,0,179,89").text
    assert "bbox must be" in page(client, "/?west=x", 400).text
    wrong = page(client, "/?bbox=1,2,3", 400)
    assert "bbox 1,2,3" in wrong.text  # as a chip, to be removed


def test_several_species_stay_in_the_form_and_the_charts(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    shown = page(client, "/?species=deer&species=WOLF&measure=records")
    assert [one["value"] for one in shown.all("input") if one.get("value")] == ["Deer", "Wolf"]
    images = shown.urls("img", "src")
    assert not [url for url in images if "Bear" in url]
    assert all("measure=records" in url for url in images)
    assert "Records 24 " in shown.text


def test_a_filter_that_finds_nothing_says_so_and_offers_to_clear_it(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    shown = page(client, "/?species=unicorn")
    assert "No records match these filters" in shown.text
    assert "Nothing here is known by the name unicorn." in shown.text
    assert "Clear the filters" in shown.text
    assert not shown.all("img")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("speces=deer", "did you mean species?"),
        ("eventDate=2022-13", "eventDate is a day that no calendar has."),
        ("from=tomorrow", "eventDate must be a date"),
        ("interval=fortnight", "interval must be"),
        ("measure=mass&measure=weight", "measure is given more than once."),
        ("species=%ff", "not UTF-8"),
        ("country=%3Cscript%3E", "country must be a country code"),
        ("%3Cscript%3Ealert(1)=1", "This is not a parameter here"),
    ],
)
def test_bad_input_is_told_on_the_page_and_never_becomes_markup(
    client: FlaskClient, query: str, words: str
) -> None:
    shown = page(client, f"/?{query}", status=400)
    assert words in shown.text
    assert [one for one in shown.all("script") if not one.get("src", "").startswith("/static/")] == []
    assert client.get(f"/?{query}").headers["Cache-Control"] == "no-store"


def test_an_empty_database_explains_how_to_fill_it(client: FlaskClient) -> None:
    shown = page(client)
    assert "Nothing is recorded yet" in shown.text
    assert "manage.py ingest" in shown.text
    assert not shown.all("img")


def test_made_up_records_are_labelled_with_the_way_to_be_rid_of_them(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING, feed="reading", made_up=True)
    assert "These records are made up. Take them back with manage.py demo --remove" in page(client).text
    ingest(sqlite_writer, MONTHS, feed="cameras")
    assert "made up" not in page(client, "/?eventDate=2024-02").text
    assert "Some of these records are made up: those of the feed reading." in page(client).text
    assert "made up" not in page(client, "/?feed=cameras").text


def test_a_hostile_name_is_text_everywhere(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [*READING, Record(HOSTILE, 20240501, count=10_000)])
    body = client.get("/").text
    assert "<script>alert" not in body
    shown = page(client)
    assert HOSTILE in shown.text
    urls = [one for one in shown.urls("img", "src") if "alert" in one]
    assert len(urls) == 2  # over time, and its season
    for svg in map(client.get, urls):
        assert svg.status_code == 200
        assert b"<script" not in svg.data
    (link,) = {one for one in shown.urls("a", "href") if one.startswith("/?species") and "alert" in one}
    assert "Records 1 " in page(client, link).text


@pytest.mark.parametrize("name", ["L" * 300, "a\u202eb", "%", "Ursus & co"])
def test_the_chart_of_an_odd_name_can_be_drawn(client: FlaskClient, sqlite_writer: Engine, name: str) -> None:
    ingest(sqlite_writer, [*READING, Record(name, 20240501, count=10_000)])
    shown = page(client)
    assert {client.get(url).status_code for url in shown.urls("img", "src")} == {200}
    pages = [one for one in shown.urls("a", "href") if one.startswith(("/?species", "/?taxonKey"))]
    assert {client.get(url).status_code for url in pages} == {200}


def test_a_name_that_others_go_by_too_is_asked_for_by_its_key(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    thrush = Record(
        "Turdus migratorius", 20240502, scientific="Turdus migratorius", vernacular="Robin", count=5
    )
    ingest(sqlite_writer, [Record("Robin", 20240501, vernacular="Robin", count=7), thrush])
    images = [url for url in page(client).urls("img", "src") if "timeline" in url]
    assert [url for url in images if "species=Turdus+migratorius&" in url]
    (alone,) = [url for url in images if "taxonKey=" in url]
    data = client.get(alone.split("&width")[0].replace(".svg", ".json")).get_json()["data"]
    assert {row["name"] for row in data} == {"Robin"}


def test_the_page_is_validated_and_guarded(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    got = client.get("/")
    assert got.headers["Content-Security-Policy"] == STRICT
    assert got.headers["Cache-Control"] == "no-cache"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in got.headers
    head = client.head("/")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", got.headers["ETag"])
    same = client.get("/", headers={"If-None-Match": got.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    packed = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] != got.headers["ETag"]
    ingest(sqlite_writer, MONTHS, feed="more")
    assert client.get("/", headers={"If-None-Match": got.headers["ETag"]}).status_code == 200


def test_what_others_bring_leaves_a_filtered_page_as_it_is_until_a_name_is_new(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    before = client.get("/?species=Wolf")
    known = {"If-None-Match": before.headers["ETag"]}
    ingest(sqlite_writer, [Record("Deer", 20240501)])
    assert client.get("/?species=Wolf", headers=known).status_code == 304
    assert client.get("/?species=Wolf").data == before.data
    ingest(sqlite_writer, [Record("Otter", 20240501)])
    assert "Otter" in client.get("/?species=Wolf", headers=known).text


def test_what_a_request_calls_the_host_is_never_passed_on(
    client: FlaskClient, sqlite_writer: Engine, home: Path
) -> None:
    ingest(sqlite_writer, READING)
    plain = client.get("/")
    kept = sorted((home / "cache").iterdir())
    other = client.get("/", headers={"Host": "evil.example"})
    assert "evil.example" not in other.text
    assert (other.data, other.headers["ETag"]) == (plain.data, plain.headers["ETag"])
    assert sorted((home / "cache").iterdir()) == kept
    assert "evil" not in client.get("/?species=", headers={"Host": "evil.example"}).location


def test_another_day_is_another_page(
    client: FlaskClient, sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import page as dashboard

    ingest(sqlite_writer, MONTHS)
    monkeypatch.setattr(dashboard, "today", lambda: date(2024, 12, 6))
    first = client.get("/")
    assert "(yesterday)" in first.text
    monkeypatch.setattr(dashboard, "today", lambda: date(2024, 12, 7))
    second = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert "(2 days ago)" in second.text


def test_style_script_and_mark_are_kept_for_good_under_the_name_of_their_content(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    shown = page(client)
    files = shown.urls("script", "src") + shown.urls("link", "href")
    assert len(files) == 6
    size = 0
    for url in files:
        answer = client.get(url)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert client.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        size += len(answer.data)
    assert size < 60_000
    stale = client.get(re.sub("/static/[0-9a-f]+/", "/static/0000/", files[0]))
    assert stale.status_code == 200
    assert "no-cache" in stale.headers["Cache-Control"]
    assert client.get("/static/0000/secret.txt").status_code == 404


def test_nothing_on_the_page_is_inline_or_from_elsewhere(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    shown = page(client)
    for tag, attributes in shown.tags:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action", "srcset"):
            assert attributes.get(name, "/").startswith(("/", "#"))
    assert [one["content"] for one in shown.all("meta") if one.get("http-equiv") == "refresh"] == ["60"]


def test_a_database_that_is_away_is_a_page_that_says_so(home: Path) -> None:
    app = open_app(home)
    shown = page(app.test_client(), status=503)
    assert "The database cannot be read at the moment." in shown.text
    app.extensions["sightings"].reader.dispose()
