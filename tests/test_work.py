"""What is to be read, and how: what the settings say of a feed, and over that what is said now."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from ingest.due import Due
from ingest.outcome import Options
from ingest.work import NothingToRead, inputs, options, work

BIRDNET = Due(
    "birdnet",
    "/srv/birdnet",
    600,
    told={"feed": "birdnet", "min_confidence": 0.7, "map": {"Art": "species"}, "set": {"countryCode": "NO"}},
)
OLD = Due("old", "/srv/old", 600, paused=True, told={"feed": "old"})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {}),
        ({"min_confidence": 0.0}, {"min_confidence": 0.0}),
        ({"dry_run": True, "strict": True}, {"dry_run": True, "strict": True}),
        ({"map": {"Zahl": "individualCount"}}, {"map": {"Art": "species", "Zahl": "individualCount"}}),
        ({"map": {"Art": "scientificName"}}, {"map": {"Art": "scientificName"}}),
        ({"set": {"countryCode": "SE"}}, {"set": {"countryCode": "SE"}}),
    ],
)
def test_what_is_said_now_goes_over_the_settings(said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options(BIRDNET, said) == Options(**{**BIRDNET.told, **expected})
    assert options(None, said) == Options(**said)


def test_a_path_is_read_as_its_feed_and_no_path_is_every_feed_that_is_not_paused() -> None:
    feeds = [BIRDNET, OLD]
    assert work(feeds, ["a.csv"], {}) == [(["a.csv"], Options())]
    assert work(feeds, ["a.csv"], {"feed": "birdnet"}) == [(["a.csv"], Options(**BIRDNET.told))]
    assert work(feeds, ["a.csv"], {"feed": "new"}) == [(["a.csv"], Options(feed="new"))]
    assert work(feeds, [], {}) == [(["/srv/birdnet"], Options(**BIRDNET.told))]
    assert work(feeds, [], {"feed": "old"}) == [(["/srv/old"], Options(feed="old"))]
    assert work([OLD], [], {"strict": True}) == []


@pytest.mark.parametrize(
    ("feeds", "said", "sentence"),
    [
        ([], {}, "There is no path and no feed: name a file, or add a feed with feeds add."),
        ([], {"feed": "a"}, "There is no feed 'a' in the settings; see them with: manage.py feeds list"),
        ([BIRDNET], {"min_confidence": 0.5}, "--min-confidence needs a path or --feed NAME: "),
        ([BIRDNET], {"dry_run": True, "sheet": "2"}, "--sheet needs a path or --feed NAME: "),
    ],
)
def test_where_there_is_nothing_to_read_a_sentence_says_what_to_do(
    feeds: list[Due], said: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(NothingToRead) as caught:
        work(feeds, [], said)
    assert str(caught.value).startswith(sentence)


def test_a_path_with_nothing_at_it_is_an_input_that_fails(tmp_path: Any) -> None:
    (tmp_path / "a.csv").write_text("x")
    missing, there = inputs([str(tmp_path / "b.csv"), str(tmp_path)], ExitStack())
    assert there.head(1) == b"x"
    with pytest.raises(Exception, match=r"There is no file at .*b\.csv\."):
        missing.open()
