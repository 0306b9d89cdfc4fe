"""Feeds as people manage them: the file that they live in, and the commands that change and show it."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import config
from ingest import feeds
from ingest.due import Due
from ingest.feeds import BadFeed, InForce
from tests.files import here, manage_json, table

GARDEN = {"name": "garden", "path": "birds.csv", "every": "10m"}
WRITTEN = """\
# The station at the lake.
title = "Lake"   # as on the sign

# The garden, by hand.
[[feeds]]
name  = "garden"      # two spaces
path = "birds.csv"
every = "10m"

# Cameras send a file a day.
[[feeds]]
name = "cameras"
path = "cameras/*.csv"
cron = "15 6 * * mon-fri"
[feeds.columns]
Tierart = "vernacularName"   # as the maker calls it

# Old ones.
[[feeds]]
name = "old"
path = "old.csv"
every = "1d"
# The end."""
LINES = ("date,species", "2024-05-01,Lynx", "2024-05-02,Wolf")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of settings that somebody wrote by hand."""
    file = tmp_path / "sightings.toml"
    file.write_text(WRITTEN)
    return file


@pytest.fixture
def check(tmp_path: Path) -> Callable[[str], object]:
    return lambda text: config.load({}, tmp_path, text)


def names(file: Path) -> list[str]:
    return [feed["name"] for feed in tomllib.loads(file.read_text()).get("feeds", [])]


def comments(text: str) -> list[str]:
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


def test_a_feed_that_is_added_leaves_every_byte_before_it(file: Path, check: Callable[[str], object]) -> None:
    feeds.add(file, {**GARDEN, "name": "new", "columns": {"Wie viele?": "individualCount"}}, check)
    text = file.read_text()
    assert text.startswith(WRITTEN + "\n\n[[feeds]]\n")
    (new,) = [feed for feed in tomllib.loads(text)["feeds"] if feed["name"] == "new"]
    assert new == {**GARDEN, "name": "new", "columns": {"Wie viele?": "individualCount"}}


def test_the_first_feed_makes_the_file(tmp_path: Path, check: Callable[[str], object]) -> None:
    file = tmp_path / "sightings.toml"
    feeds.add(file, GARDEN, check)
    assert file.read_text() == '[[feeds]]\nname = "garden"\npath = "birds.csv"\nevery = "10m"\n'
    feeds.remove(file, "garden", check)
    assert tomllib.loads(file.read_text()) == {}


@pytest.mark.parametrize("name", ["garden", "cameras", "old"])
def test_a_feed_that_is_removed_takes_no_comment_of_others_along(
    file: Path, check: Callable[[str], object], name: str
) -> None:
    feeds.remove(file, name, check)
    assert names(file) == [other for other in ("garden", "cameras", "old") if other != name]
    own = {"garden": [" two spaces"], "cameras": [" as the maker calls it"], "old": []}[name]
    assert comments(file.read_text()) == [one for one in comments(WRITTEN) if one not in own]


@pytest.mark.parametrize("name", ["garden", "cameras", "old"])
def test_pausing_adds_one_line_and_going_on_takes_it_away(
    file: Path, check: Callable[[str], object], name: str
) -> None:
    feeds.pause(file, name, True, check)
    paused = [feed["name"] for feed in tomllib.loads(file.read_text())["feeds"] if feed.get("paused")]
    assert paused == [name]
    added = [line for line in file.read_text().splitlines() if line and line not in WRITTEN.splitlines()]
    assert added == ["paused = true"]
    feeds.pause(file, name, True, check)
    feeds.pause(file, name, False, check)
    plain = [line for line in WRITTEN.splitlines() if line]
    assert [line for line in file.read_text().splitlines() if line] == plain


def test_what_somebody_said_of_a_pause_stays(tmp_path: Path, check: Callable[[str], object]) -> None:
    file = tmp_path / "sightings.toml"
    file.write_text(WRITTEN.replace('path = "old.csv"', "path = 'old.csv'\npaused = true # until May"))
    feeds.pause(file, "old", False, check)
    assert "paused = false # until May" in file.read_text()


def test_feeds_in_one_line_each_stay_so(tmp_path: Path, check: Callable[[str], object]) -> None:
    file = tmp_path / "sightings.toml"
    one = '  { name = "a", path = "a.csv", every = "1d" }, # the first\n'
    file.write_text(f"feeds = [\n{one}]\nport = 1\n")
    feeds.add(file, {**GARDEN, "set": {"countryCode": "NO"}}, check)
    feeds.pause(file, "garden", True, check)
    text = file.read_text()
    assert text.startswith(f"feeds = [\n{one}")
    assert tomllib.loads(text)["feeds"][1] == {**GARDEN, "set": {"countryCode": "NO"}, "paused": True}
    feeds.remove(file, "a", check)
    assert (names(file), tomllib.loads(file.read_text())["port"]) == (["garden"], 1)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "GARDEN"}, "There is a feed 'GARDEN' already: remove it, or take another name."),
        ({"name": "b", "format": "xsl"}, "There is no format 'xsl': take auto or one of "),
        ({"name": "b", "columns": {"a": "evntDate"}}, "'evntDate' is not a term"),
        ({"name": "b", "set": {"evntDate": "2024"}}, "'evntDate' is not a term"),
        ({"name": "b", "every": "10"}, "every of feed 'b' in sightings.toml is '10', but must be a duration"),
        (
            {"name": "b", "min_confidence": 2},
            "min_confidence of feed 'b' in sightings.toml is 2, but must be",
        ),
        (
            {"name": "b", "path": "ftp://x/y"},
            "path of feed 'b' in sightings.toml is 'ftp://x/y', but must be",
        ),
        ({"name": "../b"}, "name of feed '../b' in sightings.toml is"),
    ],
)
def test_a_bad_feed_is_one_sentence_and_leaves_the_file_alone(
    file: Path, check: Callable[[str], object], values: dict[str, Any], sentence: str
) -> None:
    before = file.stat()
    with pytest.raises((BadFeed, config.ConfigError)) as caught:
        feeds.add(file, GARDEN | values, check)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
    assert (file.read_text(), file.stat().st_mtime_ns) == (WRITTEN, before.st_mtime_ns)
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_broken_already_is_not_changed(tmp_path: Path, check: Callable[[str], object]) -> None:
    file = table(tmp_path / "sightings.toml", "port = [")
    for change in (
        lambda: feeds.add(file, GARDEN, check),
        lambda: feeds.pause(file, "garden", True, check),
        lambda: feeds.remove(file, "garden", check),
    ):
        with pytest.raises(config.ConfigError, match="is not TOML"):
            change()
    assert file.read_text() == "port = [\n"


def test_a_name_that_is_not_there_is_told(file: Path, check: Callable[[str], object]) -> None:
    with pytest.raises(BadFeed, match=r"There is no feed 'nobody' in sightings\.toml"):
        feeds.remove(file, "nobody", check)


def test_the_file_keeps_its_mode_and_a_link_stays_a_link(file: Path, check: Callable[[str], object]) -> None:
    file.chmod(0o640)
    link = file.with_name("link.toml")
    link.symlink_to(file)
    feeds.pause(link, "garden", True, check)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "paused = true" in file.read_text()


def test_a_disk_that_is_full_leaves_the_file_as_it_was(
    file: Path, check: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        feeds.remove(file, "garden", check)
    assert file.read_text() == WRITTEN
    assert list(file.parent.iterdir()) == [file]


def test_the_settings_in_force_are_the_last_good_ones(tmp_path: Path) -> None:
    def read(text: str | None) -> list[Due]:
        return [Due(**feed.due) for feed in config.load({}, tmp_path, text).feeds]

    file, copy = tmp_path / "sightings.toml", tmp_path / "var" / "schedule.toml"
    in_force = InForce(file, copy, read)
    assert (in_force.feeds(), in_force.changed(), copy.read_text()) == ([], None, "")
    file.write_text("title = ")
    file.chmod(0o600)
    assert in_force.changed() is None  # it may be under way
    file.write_text(WRITTEN)
    assert in_force.changed() is None
    assert [feed.name for feed in in_force.changed() or ()] == ["garden", "cameras", "old"]
    assert in_force.changed() is None
    assert (copy.read_text(), stat.S_IMODE(copy.stat().st_mode)) == (WRITTEN, 0o600)
    file.write_text("port = eighty")
    assert in_force.changed() is None
    with pytest.raises(config.ConfigError):
        in_force.changed()
    assert in_force.changed() is None  # it is told once
    assert copy.read_text() == WRITTEN
    file.unlink()
    assert [in_force.changed() for _ in range(3)] == [None, [], None]


def test_a_feed_is_added_tried_read_paused_shown_and_removed(home: Path) -> None:
    table(home / "birds.csv", *LINES, "never,Lynx")
    (home / "sightings.toml").write_text("# ours\n")
    told = [
        "--every",
        "10m",
        "--map",
        "species=vernacularName",
        "--set",
        "countryCode=NO",
        "--date-order",
        "DMY",
    ]
    added = here(home, "feeds", "add", "garden", "birds.csv", *told)
    assert (added.returncode, added.stderr) == (0, "")
    assert "manage.py feeds test garden" in added.stdout
    assert tomllib.loads((home / "sightings.toml").read_text())["feeds"] == [
        GARDEN | {"columns": {"species": "vernacularName"}, "set": {"countryCode": "NO"}, "date_order": "DMY"}
    ]
    (feed,) = manage_json(home, "feeds", "list")["feeds"]
    assert (feed["lastRun"], feed["paused"]) == (None, False)

    tried = here(home, "feeds", "test", "garden")
    assert "understood species = vernacularName, date = eventDate" in tried.stdout
    assert "A dry run: nothing was changed." in tried.stdout
    assert manage_json(home, "runs")["runs"] == []
    (run,) = manage_json(home, "feeds", "run", "garden")["runs"]
    assert (run["feed"], run["inserted"], run["rejected"]) == ("garden", 2, 1)

    assert manage_json(home, "feeds", "pause", "garden") == {"feed": "garden", "paused": True}
    assert manage_json(home, "ingest") == {"runs": []}
    (run,) = manage_json(home, "ingest", "--feed", "garden")["runs"]
    assert run["status"] == "unchanged"
    (feed,) = manage_json(home, "feeds", "list")["feeds"]
    assert (feed["paused"], feed["nextDue"], feed["lastRun"]["status"]) == (True, None, "unchanged")
    manage_json(home, "feeds", "pause", "--off", "garden")
    _, line, *_ = here(home, "feeds", "list").stdout.splitlines()
    assert line.split()[:4] == ["garden", "every", "10m", "unchanged"]

    shown = manage_json(home, "feeds", "show", "garden")
    assert [run["run"] for run in shown["runs"]] == [2, 1]
    assert shown["feed"]["told"]["map"] == {"species": "vernacularName"}
    (home / "birds.csv").unlink()
    assert (
        manage_json(home, "feeds", "show", "garden")["problems"][0]
        == f"There is no file at {home / 'birds.csv'}."
    )
    assert "Problem: There is no file" in here(home, "feeds", "show", "garden").stdout

    gone = here(home, "feeds", "remove", "garden").stdout
    assert "What it brought stays" in gone
    assert "undo" in gone
    assert (home / "sightings.toml").read_text().strip() == "# ours"
    assert manage_json(home, "status")["records"] == 2
    assert here(home, "feeds", "list").stdout.startswith("There are no feeds; add one with: ")


def test_usage_ends_with_2_and_a_bad_value_with_1(home: Path) -> None:
    (home / "sightings.toml").write_text(WRITTEN)
    for code, words in (
        (2, ["add", "a", "b"]),
        (2, ["add", "a", "b", "--every", "1d", "--cron", "15 6 * * *"]),
        (2, ["add", "a", "b", "--every", "1d", "--min-confidence", "2"]),
        (2, ["add", "a", "b", "--every", "1d", "--map", "nothing"]),
        (2, ["show", "nobody"]),
        (2, ["run", "nobody"]),
        (2, ["test", "nobody"]),
        (1, ["add", "a", "b", "--every", "soon"]),
        (1, ["add", "a", "b", "--cron", "61 6 * * *"]),
        (1, ["add", "garden", "b", "--every", "1d"]),
        (1, ["pause", "nobody"]),
        (1, ["remove", "nobody"]),
    ):
        done = here(home, "feeds", *words)
        assert (done.returncode, done.stdout) == (code, ""), words
    assert (home / "sightings.toml").read_text() == WRITTEN


def test_a_relative_path_means_the_same_wherever_the_settings_are_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere" / "park.toml"
    done = here(home, "feeds", "add", "a", "in/*.csv", "--every", "1d", config=str(elsewhere))
    assert done.returncode == 0, done.stderr
    (feed,) = tomllib.loads(elsewhere.read_text())["feeds"]
    assert feed["path"] == str(home / "in" / "*.csv")


def test_the_secrets_of_an_address_are_hidden_wherever_it_is_shown(home: Path) -> None:
    (home / "sightings.toml").write_text("")
    url = "https://ranger:hunter2@records.example/all?taxonKey=212&api_key=hunter2&token=hunter2"
    assert here(home, "feeds", "add", "far", url, "--every", "1d").returncode == 0
    shown = "https://ranger:***@records.example/all?taxonKey=212&api_key=***&token=***"
    assert manage_json(home, "feeds", "list")["feeds"][0]["path"] == shown
    assert manage_json(home, "feeds", "show", "far")["feed"]["path"] == shown
    for words in (["list"], ["show", "far"], ["pause", "far"], ["remove", "far"]):
        done = here(home, "feeds", *words)
        assert "hunter2" not in done.stdout + done.stderr, words
    assert config.redacted("https://ghp_hunter2@host/a.csv") == "https://***@host/a.csv"


def test_a_file_that_is_said_to_be_of_a_feed_is_read_as_that_feed_is(home: Path) -> None:
    settings = 'columns = { heads = "individualCount" }\nset = { countryCode = "NO" }\ndate_order = "MDY"\n'
    (home / "sightings.toml").write_text(
        f'[[feeds]]\nname = "a"\npath = "none.csv"\nevery = "1d"\n{settings}'
    )
    file = table(home / "one.csv", "date,species,heads,zone", "3/4/2024,Lynx,2,x")
    (run,) = manage_json(home, "ingest", "--feed", "a", "--map", "zone=locality", file, "--dry-run")["runs"]
    assert run["columns"] == {
        "date": "eventDate",
        "species": "species",
        "heads": "individualCount",
        "zone": "locality",
    }
    assert (run["status"], run["feed"]) == ("committed", "a")
    (other,) = manage_json(home, "ingest", "--feed", "b", "--date-order", "DMY", file, "--dry-run")["runs"]
    assert "heads" in other["columns"] or "heads" in other["extra"]


def test_what_is_said_now_goes_over_what_the_settings_say(home: Path) -> None:
    (home / "sightings.toml").write_text(
        '[[feeds]]\nname = "a"\npath = "a.csv"\nevery = "1d"\nstrict = true\n'
    )
    table(home / "a.csv", "date,species", "2024-05-01,Lynx", "never,Lynx")
    done = here(home, "ingest", "--json")
    assert done.returncode == 1
    assert "--strict allows none" in json.loads(done.stdout)["runs"][0]["message"]
    text = (home / "sightings.toml").read_text().replace("strict = true", "max_error_rate = 1.0")
    (home / "sightings.toml").write_text(text)
    assert manage_json(home, "ingest")["runs"][0]["status"] == "committed"
    assert here(home, "ingest", "--feed", "a", "--strict").returncode == 1
