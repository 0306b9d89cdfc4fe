"""The drawing room on real output: bytes are drawn, parsed and read back."""

import concurrent.futures
import hashlib
import io
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from api.draw import (
    RENDERER,
    Bar,
    Cell,
    Day,
    Fact,
    Grid,
    Line,
    Look,
    Month,
    Picture,
    Point,
    Rhythm,
    Season,
    Step,
    Usual,
    Week,
    Words,
    Year,
    accumulation,
    arrivals,
    calendar,
    card,
    clean,
    density,
    diel,
    numbers,
    phenology,
    ranking,
    reading,
    seasonality,
    table,
    timeline,
)
from api.draw.frame import footer_lines, nice_ticks
from api.draw.labels import spread
from api.draw.look import DARK, LIGHT, SERIES
from api.draw.projection import Extent
from api.draw.times import time_ticks
from api.draw.words import axis_numbers, canonical, number, width

SVG = "{http://www.w3.org/2000/svg}"
WORDS = Words(
    "Sightings per year", "Bear, Deer and Wolf", "Individuals per year", ("To 2021", "Version 17"), "Facts."
)
HOSTILE = (
    "<script>alert(1)</script> $x_$",
    "$\\frac{$",
    "$" + "{" * 2000 + "$",
    "_hidden",
    "nul\x00 esc\x1b[0m",
    "\"'><g onload=alert(1)>",
    "--> ]]> &amp;",
    "ثعلب أحمر",
    "アカギツネ",
    "\ud800 half",
    "\ufffe\U0001ffff no",
)
SIZES = ((320, 220), (720, 400), (1600, 900), (200, 120), (2000, 150), (120, 1200))


def years(name: str, values: Sequence[float | None], first: int = 2010, *, partial: bool = False) -> Line:
    last = len(values) - 1
    return Line(
        name,
        tuple(
            Point(str(first + i), date(first + i, 1, 1), value, partial and i == last)
            for i, value in enumerate(values)
        ),
    )


THREE = (
    years("Bear", [95, 101, 88, None, 112, 90]),
    years("Deer", [1017, 720, 0, 955, 960, 880], partial=True),
    years("Wolf", [20, 30, 24, 25.5, 23, 22]),
)


def days(name: str, count: int) -> Line:
    starts = (date(2020, 1, 1) + timedelta(i) for i in range(count))
    return Line(name, tuple(Point(day.isoformat(), day, day.day) for day in starts))


CHARTS: dict[str, Callable[[Look], Picture]] = {
    "timeline": lambda look: timeline(THREE, "year", WORDS, look),
    "dense": lambda look: timeline([days("Great Tit", 900), days("Wren", 900)], "day", WORDS, look),
    "hostile": lambda look: timeline(
        [years(name, [1, 4_000_000]) for name in HOSTILE],
        "year",
        Words(HOSTILE[0], HOSTILE[1], HOSTILE[5], HOSTILE, HOSTILE[6]),
        look,
    ),
    "empty": lambda look: timeline([], "year", WORDS, look),
    "ranking": lambda look: ranking(
        [Bar(n, 9 - i, n, italic=True) for i, n in enumerate(HOSTILE[:9])], WORDS, look
    ),
    "numbers": lambda look: numbers(
        [Fact(name, "1\u2009234\u2009567", name) for name in HOSTILE], WORDS, look
    ),
    "table": lambda look: table(HOSTILE[:5], [HOSTILE[i : i + 5] for i in range(6)] * 9, WORDS, look),
    "map": lambda look: density(
        [Cell(-16.5 + i, (179.5 + i + 180) % 360 - 180, i * 10.0**i) for i in range(4)],
        Grid(1, Extent(179, -17, 183, -13)),
        Words(HOSTILE[0], HOSTILE[1], HOSTILE[5], HOSTILE, HOSTILE[6]),
        look,
    ),
    "card": lambda look: card(404, HOSTILE[0], " ".join(HOSTILE) * 20, look),
    "reading": lambda look: reading([2010, 2011, 2012], [3, None, 5], "Deer"),
    "seasonality": lambda look: seasonality(
        [Month(2000 + n // 9, 1 + n % 12, n * n, n == 120) for n in range(121)], HOSTILE[0], WORDS, look
    ),
    "diel": lambda look: diel([Rhythm(n, ((3, 1), (4, 0), (23, 4e6))) for n in HOSTILE], WORDS, look),
    "diel of one": lambda look: diel([Rhythm(HOSTILE[0], ((3, 1), (4, 0), (23, 4e6)))], WORDS, look),
    "calendar": lambda look: calendar(
        [Day(date(2020, 1, 1) + timedelta(9 * n), n % 7, n == 99) for n in range(100)],
        HOSTILE[1], WORDS, look,
    ),
    "phenology": lambda look: phenology(
        Year(
            2020,
            (Week(1, 3), Week(2, 0), Week(53, 4e6, partial=True)),
            (Usual(2, 0, 1.5, 3),),
            "range",
            "2019",
        ),
        HOSTILE[2], WORDS, look,
    ),
    "accumulation": lambda look: accumulation(
        [
            Step(str(2000 + n), date(2000 + n, 1, 1), n + 1, 1, (name,), n == 10)
            for n, name in enumerate(HOSTILE)
        ],
        HOSTILE[0], "year", WORDS, look,
    ),
    "arrivals": lambda look: arrivals(
        [
            Season(name, year, date(year, 2, 28 + (year == 2024)), date(year, 11, n + 1), year == 2024)
            for n, name in enumerate(HOSTILE) for year in range(2020, 2025 - n % 2)
        ],
        WORDS, look,
    ),
    "arrivals of one": lambda look: arrivals(
        [Season(HOSTILE[1], year, date(year, 4, 1), date(year, 4, 1)) for year in range(1870, 2020, 7)],
        WORDS, look,
    ),
}  # fmt: skip


def parse(picture: Picture) -> ET.Element:
    return ET.fromstring(picture.svg())


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def marks(root: ET.Element) -> list[tuple[str | None, str, str]]:
    return [
        (element.get("data-date"), element.attrib["data-species"], element.attrib["data-value"])
        for element in root.iter()
        if "data-value" in element.attrib
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_wellformed_described_and_of_its_size(name, theme, size):
    look = Look(*size, theme)
    root = parse(CHARTS[name](look))
    if name == "reading":
        size = (720, 400)
    assert (root.get("width"), root.get("height")) == (str(size[0]), str(size[1]))
    assert root.get("viewBox") == f"0 0 {size[0]} {size[1]}"
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text
    assert description.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_runs_nothing_and_fetches_nothing(name):
    root = parse(CHARTS[name](Look(theme="auto")))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "metadata",
        "style",
        "g",
        "path",
        "circle",
        "text",
    }
    for element in root.iter():
        assert not [key for key in element.attrib if key.startswith("on") or "href" in key or key == "style"]
    assert "url(" not in (root.findtext(f"{SVG}style") or "")
    assert "@import" not in (root.findtext(f"{SVG}style") or "")


def test_marks_carry_the_numbers_and_gaps_have_none():
    told = marks(parse(timeline(THREE, "year", WORDS, Look())))
    wanted = [
        (point.label, line.name, canonical(point.value))
        for line in THREE
        for point in line.points
        if point.value is not None
    ]
    assert sorted(told) == sorted(wanted)
    assert ("2012", "Deer", "0") in told
    assert ("2013", "Wolf", "25.5") in told
    assert not [mark for mark in told if mark[:2] == ("2013", "Bear")]


def test_each_species_has_its_own_named_group():
    root = parse(timeline(THREE, "year", WORDS, Look()))
    groups = {
        group.get("data-species"): group for group in root.iter(f"{SVG}g") if group.get("class") == "series"
    }
    assert set(groups) == {"Bear", "Deer", "Wolf"}
    for name, group in groups.items():
        inside = {element.get("data-species") for element in group.iter() if "data-value" in element.attrib}
        assert inside == {name}


def test_a_gap_breaks_the_line_and_a_bucket_under_way_is_dashed_and_hollow():
    root = parse(timeline(THREE, "year", WORDS, Look()))
    bear, deer = (
        next(g for g in root.iter(f"{SVG}g") if g.get("data-species") == name) for name in ("Bear", "Deer")
    )
    assert bear.find(f"{SVG}path").attrib["d"].count("M") == 2
    dashed = [path for path in deer.findall(f"{SVG}path") if path.get("stroke-dasharray")]
    assert len(dashed) == 1
    hollow = next(group for group in deer.findall(f"{SVG}g") if group.get("fill") == LIGHT["paper"])
    assert [mark.get("data-date") for mark in hollow] == ["2015"]
    assert hollow[0].get("data-partial") == "true"


def test_a_dense_line_keeps_its_data_and_a_denser_one_lets_it_go():
    assert len(marks(parse(timeline([days("Wren", 2000)], "day", WORDS, Look())))) == 2000
    assert marks(parse(timeline([days("Wren", 2001)], "day", WORDS, Look()))) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_drawn_as_the_text_it_is(name):
    root = parse(timeline([years(name, [3, 4])], "year", WORDS, Look(1600, 900)))
    group = next(group for group in root.iter(f"{SVG}g") if group.get("class") == "series")
    assert group.get("data-species") == clean(name)
    shown = clean(name) if len(clean(name)) < 40 else clean(name)[:20]
    assert any(text.startswith(shown) for text in texts(root))


@pytest.mark.parametrize(
    ("text", "limit", "cleaned"),
    [
        ("a\tb\nc", 60, "a b c"),
        ("\x00\x07\x1b\x7f\x85\x9fok", 60, "ok"),
        ("\ud800\udfff", 60, ""),
        ("", 60, ""),
        ("_x", 60, "_x"),
        ("\ufffe\uffff\U0010ffff!", 60, "!"),
        ("\u202egnp.exe", 60, "gnp.exe"),
        ("abcdef", 4, "abc…"),
        ("abcd", 4, "abcd"),
        ("ae\u0301e\u0301", 3, "a…"),
        ("x" * 1_000_000, 60, "x" * 59 + "…"),
    ],
)
def test_text_is_cleaned_and_cut_between_characters(text, limit, cleaned):
    assert clean(text, limit) == cleaned


@pytest.mark.parametrize(
    "lines",
    [[], [years("Lynx", [None, None])], [Line("Lynx", ())], [years("Lynx", [float("nan"), float("inf")])]],
)
def test_no_record_is_a_frame_that_says_so(lines):
    root = parse(timeline(lines, "year", WORDS, Look()))
    assert "No records match" in texts(root)
    assert WORDS.subtitle in texts(root)
    assert marks(root) == []


@pytest.mark.parametrize(
    "draw",
    [
        lambda: ranking([], WORDS, Look()),
        lambda: numbers([], WORDS, Look()),
        lambda: table(["A"], [], WORDS, Look()),
        lambda: reading([], [], "Deer"),
    ],
)
def test_the_other_charts_say_it_too(draw):
    assert "No records match" in texts(parse(draw()))


def test_one_record_is_one_mark_with_its_own_tick():
    root = parse(timeline([years("Otter", [1])], "year", WORDS, Look()))
    assert marks(root) == [("2010", "Otter", "1")]
    assert "2010" in texts(root)


def test_two_hundred_lines_colour_eight_and_count_the_rest():
    root = parse(timeline([years(f"Species {i}", [i, 200 - i]) for i in range(200)], "year", WORDS, Look()))
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") == "series"]
    inks = [group.find(f"{SVG}path").get("stroke") for group in groups]
    assert len(groups) == 200
    assert inks.count(LIGHT["rest"]) == 192
    assert "192 more" in texts(root)


def test_a_small_chart_has_keys_that_count_whom_they_leave_out():
    root = parse(timeline([years(f"Species {i}", [i, 9]) for i in range(200)], "year", WORDS, Look(320, 220)))
    left_out = next(int(m[1]) for text in texts(root) if (m := re.fullmatch(r"\+ (\d+) more", text)))
    assert left_out + sum(text.startswith("Species ") for text in texts(root)) == 200


def test_labels_at_the_ends_do_not_collide_and_stay_inside():
    placed = spread([50.0, 50.0, 51.0, 120.0, -10.0], 15.0, 0.0, 200.0)
    assert all(b - a >= 15 - 1e-9 for a, b in zip(sorted(placed), sorted(placed)[1:], strict=False))
    assert min(placed) >= 0
    assert max(placed) <= 200
    assert spread([10.0, 100.0], 15.0, 0.0, 200.0) == [10.0, 100.0]


def test_ranking_is_measured_from_zero_and_says_what_it_left_out():
    root = parse(ranking([Bar(f"Bird {i}", 100 / (i + 1)) for i in range(50)], WORDS, Look()))
    bars = [path for path in root.iter(f"{SVG}path") if path.get("data-value")]
    wide = [
        abs(float(m[2]) - float(m[1])) for bar in bars if (m := re.match(r"M(\S+) \S+ (\S+) ", bar.get("d")))
    ]
    assert wide[1] == pytest.approx(wide[0] / 2, abs=0.2)
    assert f"and {50 - len(bars)} more" in texts(root)


def test_a_footer_keeps_its_order_and_begins_what_does_not_fit_where_much_room_is_left():
    items = [
        "Data to 2024-05-03",
        "Version 2",
        "Feeds a, b",
        "UTC",
        "The records of the feeds a, b are made up.",
    ]
    assert footer_lines(items, 10, 1000, 1) == [" \u00b7 ".join(items)]
    first, last = footer_lines(items, 10, 245, 2)
    assert first.startswith("Data to 2024-05-03 \u00b7 Version 2")
    assert last.startswith("UTC \u00b7 The records of")
    assert last.endswith("\u2026")
    assert width(last, 10) <= 246


def test_table_shows_whole_rows_and_says_how_many_more():
    rows = [[f"2024-11-{day:02d}", "Great Tit", str(day)] for day in range(1, 29)]
    told = texts(parse(table(["Date", "Species", "Count"], rows, WORDS, Look(320, 220))))
    shown = sum(text.startswith("2024-11-") for text in told)
    assert "2024-11-01" in told
    assert f"and {28 - shown} more" in told


def test_the_readings_chart_names_its_axes_and_starts_at_zero():
    root = parse(reading(list(range(2010, 2022)), [700 + i for i in range(12)], "Deer"))
    assert {"Year", "Deer Sightings", "0"} <= set(texts(root))
    assert [mark[2] for mark in marks(root)] == [str(700 + i) for i in range(12)]


def test_card_tells_status_title_and_detail():
    told = texts(
        parse(card(400, "Unknown parameter", "The nearest known one is scientificName.", Look(320, 220)))
    )
    assert told[:2] == ["400", "Unknown parameter"]
    assert " ".join(told[2:]) == "The nearest known one is scientificName."


@pytest.mark.parametrize("size", [(200, 150), (320, 150), (320, 240), (720, 400), (1600, 900)])
@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_a_card_wraps_a_long_message_and_keeps_it_inside(size, theme):
    names = ", ".join(f"parameterNumber{number}" for number in range(30))
    look = Look(*size, theme)
    told = list(parse(card(400, "Bad Request", f"There are {names}.", look)).iter(f"{SVG}text"))
    assert len(told) > 3
    for one in told:
        wide = width("".join(one.itertext()), float(one.get("font-size")))
        assert float(one.get("x")) + wide <= min(size[0], 60 * look.size("label"))
        assert 0 < float(one.get("y")) < size[1]
    assert "".join(told[-1].itertext()).endswith(("29.", "\u2026"))


def test_auto_carries_the_dark_theme_for_readers_who_prefer_it():
    auto, light = (
        timeline(THREE, "year", WORDS, Look(theme=theme)).svg().decode() for theme in ("auto", "light")
    )
    assert "@media(prefers-color-scheme:dark)" in auto
    assert "prefers-color-scheme" not in light
    used = set(re.findall(r"\b([fs]-\w+)", " ".join(re.findall(r'class="([^"]*)"', auto)))) - {"series"}
    assert used
    assert all(f".{name}{{" in auto for name in used)


@pytest.mark.parametrize("inks", [LIGHT, DARK])
def test_every_ink_that_text_wears_has_a_contrast_of_4_5_on_its_paper(inks):
    def luminance(ink: str) -> float:  # WCAG 2.2, relative luminance
        parts = [int(ink[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for role in ("ink", "muted", *SERIES):
        low, high = sorted((luminance(inks[role]), luminance(inks["paper"])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, role
    assert len(set(inks.values())) == len(inks), "auto tells roles apart by colour"


CHILD = """
import hashlib, sys
from tests.test_draw import CHARTS
from api.draw import Look
for name, chart in CHARTS.items():
    picture = chart(Look(theme="auto"))
    print(name, hashlib.sha256(picture.svg()).hexdigest(), hashlib.sha256(picture.png()).hexdigest())
"""


def test_the_same_values_give_the_same_bytes_in_any_process_zone_locale_and_hash_seed():
    def draw(zone: str, locale: str, seed: str) -> str:
        place = {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed, "PYTHONPATH": "."}
        return subprocess.run(
            [sys.executable, "-c", CHILD],
            env={**os.environ, **place},
            text=True,
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[1],
        ).stdout

    first = draw("Asia/Kathmandu", "C", "1")
    assert first == draw("America/St_Johns", "tr_TR.UTF-8", "2")
    here = timeline(THREE, "year", WORDS, Look(theme="auto")).svg()
    assert f"timeline {hashlib.sha256(here).hexdigest()}" in first


def test_threads_do_not_disturb_each_other():
    def draw(i: int) -> tuple[bytes, bytes]:
        picture = CHARTS["timeline"](Look(320 + 40 * (i % 4), 220))
        return picture.svg(), picture.png()

    alone = [draw(i) for i in range(4)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, range(32))) == [alone[i % 4] for i in range(32)]


def test_a_picture_gives_the_same_bytes_in_whatever_order_it_is_asked():
    picture = CHARTS["timeline"](Look())
    first = picture.svg(), picture.png(), picture.png(2)
    assert (picture.svg(), picture.png(), picture.png(2)) == first


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("name", CHARTS)
def test_png_has_the_size_and_the_paper_of_its_look(name, scale):
    with Image.open(io.BytesIO(CHARTS[name](Look(720, 400, "dark")).png(scale))) as image:
        assert image.size == (720 * scale, 400 * scale)
        paper = LIGHT["paper"] if name == "reading" else DARK["paper"]
        assert "#{:02x}{:02x}{:02x}".format(*image.getpixel((1, 1))) == paper
        assert "date" not in str(image.info).lower()


def test_twelve_points_on_three_lines_stay_near_ten_kilobytes():
    lines = [years(name, [800 + i for i in range(12)]) for name in ("Bear", "Deer", "Wolf")]
    assert len(timeline(lines, "year", WORDS, Look()).svg()) < 12_000


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([1], [0, 1]),
        ([0], [0, 1]),
        ([3], [0, 1, 2, 3]),
        ([1017], [0, 250, 500, 750, 1000, 1250]),
        ([4_000_000], [0, 1e6, 2e6, 3e6, 4e6]),
        ([0.3], [0, 0.1, 0.2, 0.3]),
        ([-5, 5], [-6, -4, -2, 0, 2, 4, 6]),
    ],
)
def test_ticks_of_values_are_round_whole_for_counts_and_start_at_zero(values, ticks):
    assert nice_ticks(values, 5) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0, 500, 1000], ["0", "500", "1\u2009000"]),
        ([0, 20_000], ["0", "20k"]),
        ([0, 500_000, 1_000_000, 1_500_000], ["0", "0.5M", "1.0M", "1.5M"]),
        ([0, 0.25, 0.5], ["0", "0.25", "0.50"]),
    ],
)
def test_the_numbers_of_an_axis_share_one_unit(ticks, labels):
    assert axis_numbers(ticks) == labels


@pytest.mark.parametrize(
    ("value", "people", "programs"),
    [
        (1_234_567, "1\u2009234\u2009567", "1234567"),
        (5.0, "5", "5"),
        (0.1234, "0.123", "0.1234"),
        (2.5, "2.50", "2.5"),
        (-3, "\u22123", "-3"),
    ],
)
def test_numbers_are_written_for_people_and_for_programs(value, people, programs):
    assert number(value) == people
    assert canonical(value) == programs


@pytest.mark.parametrize(
    ("first", "last", "interval", "labels", "context"),
    [
        (date(2010, 1, 1), date(2021, 1, 1), "year", [str(y) for y in range(2010, 2022)], ""),
        (date(1874, 1, 1), date(2023, 1, 1), "year", ["1880", "1900"], ""),
        (date(2019, 3, 1), date(2022, 6, 1), "month", ["Jul", "Jan"], "2019"),
        (date(2024, 1, 1), date(2024, 12, 31), "day", ["Jan", "Feb"], "2024"),
        (date(2024, 4, 1), date(2024, 4, 30), "day", ["1", "8", "15", "22"], "Apr 2024"),
        (datetime(2024, 5, 1, 0), datetime(2024, 5, 1, 23), "hour", ["00:00", "03:00"], "1 May 2024"),
        (date(2020, 12, 28), date(2021, 2, 1), "week", ["W53", "W01", "W02"], "2020"),
        (date(2024, 7, 17), date(2024, 7, 17), "day", ["17"], "Jul 2024"),
        (date(9999, 1, 1), date(9999, 12, 31), "day", ["Jan", "Feb"], "9999"),
        (date(1, 1, 1), date(1, 1, 1), "week", ["W01"], "1"),
    ],
)
def test_ticks_of_time_are_calendar_moments_that_fit(first, last, interval, labels, context):
    ticks = time_ticks(first, last, interval, 620, 12)
    assert [tick.label for tick in ticks][: len(labels)] == labels
    assert ticks[0].context == context
    assert len(ticks) <= 14


def test_no_value_and_no_size_is_too_odd_to_draw():
    chance = random.Random(7)
    for _ in range(150):
        unit = chance.choice(["year", "month", "week", "day", "hour"])
        count, start = chance.choice([1, 2, 3, 30]), datetime(chance.randint(1, 9000), 5, 17)
        step = {"year": 365, "month": 31, "week": 7, "day": 1, "hour": 1 / 24}[unit] * chance.choice(
            [1, 3, 40]
        )
        top = 10.0 ** chance.randint(-9, 15)
        lines = [
            Line(
                f"L{i}",
                tuple(
                    Point("p", start + timedelta(step * n), chance.choice([None, top, 0, -top, 1]))
                    for n in range(count)
                ),
            )
            for i in range(chance.randint(1, 12))
        ]
        look = Look(chance.randint(100, 2000), chance.randint(60, 1200))
        assert b"nan" not in timeline(lines, unit, WORDS, look).svg().replace(b"nance", b"")


def test_the_renderers_version_names_matplotlibs():
    assert re.fullmatch(r"\d+-3\.\d+\.\d+.*", RENDERER)
