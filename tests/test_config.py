"""The settings: where a value comes from, what is refused and how, and that the docs know them all."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import config

ROOT = Path(__file__).resolve().parent.parent
DOCS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
FEED = '[[feeds]]\nname = "garden"\npath = "birds.csv"\n'


def with_file(folder: Path, text: str, **environ: str) -> config.Settings:
    (folder / "sightings.toml").write_text(text, encoding="utf-8")
    return config.load(environ, folder)


def complaint(folder: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(config.ConfigError) as caught:
        with_file(folder, text, **environ)
    return str(caught.value)


def test_it_runs_with_nothing_configured(tmp_path: Path) -> None:
    settings = config.load({}, tmp_path)
    assert settings.home == tmp_path / "var"
    assert settings.database == settings.web_database == f"sqlite:///{tmp_path}/var/sightings.db"
    assert (settings.cache, settings.host, settings.port) == ("files", "127.0.0.1", 8000)
    assert (settings.timezone, settings.title, settings.feeds) == ("UTC", "Sightings", ())
    assert (settings.query_time_limit, settings.cache_bytes) == (5, 256 * 1024 * 1024)
    assert settings.workers >= 1
    assert settings.render_slots >= 1


def test_everything_written_lies_below_the_home(tmp_path: Path) -> None:
    settings = config.load({"SIGHTINGS_HOME": "elsewhere"}, tmp_path)
    written = [
        settings.cache_directory,
        settings.inbox,
        settings.charts_directory,
        settings.log_directory,
    ]
    assert all(path.is_absolute() and path.parent == tmp_path / "elsewhere" for path in written)
    assert len(set(written)) == len(written)


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    settings = with_file(tmp_path, 'port = 8001\ntitle = "Park"', SIGHTINGS_PORT="8002")
    assert (settings.port, settings.title, settings.host) == (8002, "Park", "127.0.0.1")
    origins = {key: origin for key, _, origin in config.explain(settings)}
    assert origins["port"] == "environment SIGHTINGS_PORT"
    assert origins["title"] == "sightings.toml"
    assert origins["host"] == "default"
    assert list(origins) == list(config.Settings.model_fields)


def test_the_file_may_lie_anywhere(tmp_path: Path) -> None:
    (tmp_path / "park.toml").write_text("port = 8001")
    settings = config.load({"SIGHTINGS_CONFIG": "park.toml"}, tmp_path)
    assert settings.port == 8001
    assert ("port", "8001", "park.toml") in config.explain(settings)


def test_a_file_that_was_named_has_to_exist(tmp_path: Path) -> None:
    assert "no such file" in complaint(tmp_path, SIGHTINGS_CONFIG="park.toml")


def test_settings_made_in_code_do_not_look_at_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGHTINGS_PORT", "1")
    assert config.Settings(home=tmp_path).port == 8000
    assert config.load().port == 1


def test_settings_do_not_change_once_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        config.load({}, tmp_path).port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "environ", "sentence"),
    [
        (
            "",
            {"SIGHTINGS_PRT": "1"},
            "SIGHTINGS_PRT in the environment is not a setting; did you mean SIGHTINGS_PORT?",
        ),
        (
            "",
            {"sightings_port": "1"},
            "sightings_port in the environment is not a setting; did you mean SIGHTINGS_PORT?",
        ),
        (
            "",
            {"SIGHTINGS_PORT": " "},
            "SIGHTINGS_PORT in the environment is empty: give it a value or unset it.",
        ),
        ("prot = 1", {}, "prot in sightings.toml is not a setting; did you mean port?"),
        (
            FEED + 'evry = "1d"',
            {},
            "evry of feed 'garden' in sightings.toml is not a setting; did you mean every?",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    tmp_path: Path, text: str, environ: dict[str, str], sentence: str
) -> None:
    assert complaint(tmp_path, text, **environ) == sentence


def test_hosts_are_listed_in_the_file_and_with_commas_in_the_environment(tmp_path: Path) -> None:
    for settings in (
        with_file(tmp_path, 'allow_hosts = ["Station.local", "192.168.1.5:8080", "[::1]:80", "fe80::1"]'),
        config.load({"SIGHTINGS_ALLOW_HOSTS": "station.local, 192.168.1.5:8080,[::1]:80 ,fe80::1"}, tmp_path),
    ):
        assert settings.allow_hosts == ("station.local", "192.168.1.5:8080", "[::1]:80", "fe80::1")
        shown = {key: value for key, value, _ in config.explain(settings)}
        assert shown["allow_hosts"] == "station.local, 192.168.1.5:8080, [::1]:80, fe80::1"
    for wrong in ("http://a.org", "10.0.0.0/8", "*.org", "a b", "", "user@a.org", "a:port"):
        assert "must be host names or addresses" in complaint(tmp_path, f'allow_hosts = ["{wrong}"]')
    assert "must be host names or addresses" in complaint(tmp_path, "allow_hosts = 5")
    assert "must be host names or addresses" in complaint(tmp_path, "allow_hosts = [5]")


def test_a_key_like_no_other_is_refused_with_the_list_of_all(tmp_path: Path) -> None:
    assert "the settings are home, database_url" in complaint(tmp_path, "zzz = 1")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("port", "eighty", "a whole number from 0 to 65535"),
        ("port", "65536", "a whole number from 0 to 65535"),
        ("workers", "0", "a whole number from 1 to 1024"),
        ("timezone", "Europe/Viena", "the name of an IANA time zone, perhaps Europe/Vienna"),
        ("timezone", "../../etc/passwd", "the name of an IANA time zone, such as Europe/Vienna"),
        ("query_time_limit", "nan", "a number of seconds above 0 and up to 600"),
        ("cache_bytes", "much", "a size of at least 1MiB, in bytes or with a unit"),
        ("log_level", "loud", "debug, info, warning or error"),
        ("title", "two\nlines", "1 to 100 characters on one line"),
        ("home", "what?", "a folder whose path has no question mark"),
        ("host", "a b", "a host name or an address"),
        ("settle_seconds", "-1", "a number of seconds from 0 to 3600"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence(tmp_path: Path, key: str, value: str, expected: str) -> None:
    name = f"SIGHTINGS_{key.upper()}"
    sentence = complaint(tmp_path, **{name: value})
    assert sentence.startswith(f"{name} in the environment is ")
    assert sentence.endswith(f", but must be {expected}.")
    assert "\n" not in sentence


@pytest.mark.parametrize("value", ["true", '"eighty"', "[8000]", "8000.5"])
def test_a_bad_value_in_the_file_is_told_with_the_files_name(tmp_path: Path, value: str) -> None:
    assert complaint(tmp_path, f"port = {value}").startswith("port in sightings.toml is ")


@pytest.mark.parametrize("text", ["port = [", "port 8000", "port = 1\nport = 2"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    assert complaint(tmp_path, text).startswith("sightings.toml is not TOML in UTF-8: ")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sightings.toml").write_bytes('title = "Gänse"'.encode("latin-1"))
    with pytest.raises(config.ConfigError, match="not TOML in UTF-8"):
        config.load({}, tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ranger:hunter2@host/db",
        "postgres://ranger:hunter2@host/db",
        "postgresql://ranger:hunter2@host",
        "postgresql://ranger:hunter2@[host/db",
        "postgresql:ranger:hunter2",
        "mysql://ranger@host/db?password=hunter2",
        "mysql://ranger:hunter2@with@at/db",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_bad_database_url_is_refused_without_telling_its_password(tmp_path: Path, url: str) -> None:
    sentence = complaint(tmp_path, SIGHTINGS_DATABASE_URL=url)
    assert "sqlite:////srv/sightings.db" in sentence
    assert "hunter2" not in sentence


def test_passwords_are_hidden_wherever_settings_are_shown(tmp_path: Path) -> None:
    settings = config.load(
        {
            "SIGHTINGS_DATABASE_URL": "postgresql://ranger:hunter2@db/sightings",
            "SIGHTINGS_WEB_DATABASE_URL": "postgresql://db/sightings?user=reader&password=hunter2",
            "SIGHTINGS_CACHE_URL": "rediss://:hunter2@cache:6379/0",
        },
        tmp_path,
    )
    shown = {key: value for key, value, _ in config.explain(settings)}
    assert shown["database_url"] == "postgresql://ranger:***@db/sightings"
    assert shown["web_database_url"] == "postgresql://db/sightings?user=reader&password=***"
    assert shown["cache_url"] == "rediss://:***@cache:6379/0"
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.database == "postgresql://ranger:hunter2@db/sightings"
    assert settings.web_database.endswith("password=hunter2")
    assert settings.cache == "rediss://:hunter2@cache:6379/0"


def test_a_reading_role_needs_a_postgresql_to_read(tmp_path: Path) -> None:
    url = "postgresql://reader@db/sightings"
    assert "beside a database_url" in complaint(tmp_path, SIGHTINGS_WEB_DATABASE_URL=url)


@pytest.mark.parametrize("url", ["files", "off", "redis://host:6379/0", "rediss://host"])
def test_the_cache_is_files_or_redis_or_off(tmp_path: Path, url: str) -> None:
    assert config.load({"SIGHTINGS_CACHE_URL": url}, tmp_path).cache == url


@pytest.mark.parametrize(("given", "size"), [("64MiB", 67108864), ("100MB", 100000000), ("2000000", 2000000)])
def test_the_cache_size_may_carry_a_unit(tmp_path: Path, given: str, size: int) -> None:
    assert config.load({"SIGHTINGS_CACHE_BYTES": given}, tmp_path).cache_bytes == size


def test_a_feed_is_read_from_the_file(tmp_path: Path) -> None:
    feed = with_file(tmp_path, FEED + 'every = "10m"\ncolumns = { "Tierart" = "vernacularName" }').feeds[0]
    assert (feed.name, Path(feed.path).name, feed.every_seconds, feed.cron) == (
        "garden",
        "birds.csv",
        600,
        None,
    )
    assert (feed.format, feed.date_order, feed.timezone) == ("auto", None, None)
    assert feed.columns == {"Tierart": "vernacularName"}


@pytest.mark.parametrize(
    ("every", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400), ("90m", 5400)]
)
def test_a_duration_is_a_number_and_a_unit(tmp_path: Path, every: str, seconds: int) -> None:
    assert with_file(tmp_path, f'{FEED}every = "{every}"').feeds[0].every_seconds == seconds


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "must have exactly one of every and cron"),
        ('every = "1d"\ncron = "15 6 * * *"', "must have exactly one of every and cron"),
        ('every = "0s"', "a duration such as 30s, 10m, 2h or 1d"),
        ('every = "10 minutes"', "a duration such as 30s, 10m, 2h or 1d"),
        ("every = 10", "a duration such as 30s, 10m, 2h or 1d"),
        ('cron = "15 6 * *"', "five cron fields such as"),
        ('cron = "61 6 * * *"', "five cron fields such as"),
        ('cron = "15 6 * * 1"', "weekdays as names"),
        ('cron = "15 6 31 2 *"', "a time which comes"),
        ('every = "1d"\ndate_order = "DYM"', "YMD, DMY or MDY"),
        ('every = "1d"\ntimezone = "Mars/Olympus"', "an IANA time zone"),
        ('every = "1d"\npath = "ftp://x.org/a.csv"', "a URL with http:// or https://"),
        ('every = "1d"\npath = "https:///a.csv"', "or a URL with http:// or https://"),
        ('every = "1d"\nstrict = 1', "true or false"),
        ('every = "1d"\npaused = "yes"', "true or false"),
        ('every = "1d"\nmin_confidence = 1.5', "a number from 0 to 1"),
        ('every = "1d"\nmax_error_rate = true', "a number from 0 to 1"),
        ('every = "1d"\nsheet = ""', "the name of a sheet or its number from 1"),
        ('every = "1d"\nset = { species = 1 }', "a table of our terms and their values"),
        ('every = "1d"\nformat = ""', "the name of a format, or auto"),
        ('every = "1d"\ncolumns = { a = 1 }', "a table of their header names"),
    ],
)
def test_a_bad_feed_is_refused_by_name(tmp_path: Path, lines: str, words: str) -> None:
    feed = FEED.replace('path = "birds.csv"\n', "") if "path" in lines else FEED
    sentence = complaint(tmp_path, feed + lines)
    assert "feed 'garden' in sightings.toml" in sentence
    assert words in sentence


@pytest.mark.parametrize("cron", ["15 6 * * *", "*/5 * * * mon-fri", "0 0 29 2 *"])
def test_a_feed_may_come_by_cron(tmp_path: Path, cron: str) -> None:
    feed = with_file(tmp_path, f'{FEED}cron = "{cron}"').feeds[0]
    assert (feed.cron, feed.every_seconds) == (cron, None)


@pytest.mark.parametrize(
    ("given", "proxies"),
    [("10.0.0.7, 2001:db8::/32", ("10.0.0.7", "2001:db8::/32")), ("127.0.0.0/8", ("127.0.0.0/8",))],
)
def test_proxies_are_addresses_or_networks(tmp_path: Path, given: str, proxies: tuple[str, ...]) -> None:
    assert config.load({"SIGHTINGS_TRUSTED_PROXIES": given}, tmp_path).trusted_proxies == proxies
    assert with_file(tmp_path, f"trusted_proxies = {list(proxies)}").trusted_proxies == proxies
    assert with_file(tmp_path, "trusted_proxies = []").trusted_proxies == ()
    for wrong in ("proxy.example.org", "10.0.0.7/24", "10.0.0.256", ","):
        assert "such as 10.0.0.7" in complaint(tmp_path, SIGHTINGS_TRUSTED_PROXIES=wrong)


def test_the_token_of_the_metrics_is_never_shown(tmp_path: Path) -> None:
    settings = config.load({"SIGHTINGS_METRICS_TOKEN": "a-token-of-some-length"}, tmp_path)
    assert settings.token_of_metrics == "a-token-of-some-length"
    shown = {key: value for key, value, _ in config.explain(settings)}
    assert (shown["metrics_token"], "some-length" in repr(settings)) == ("***", False)
    assert "hidden here" in (told := complaint(tmp_path, SIGHTINGS_METRICS_TOKEN="too-short"))
    assert "too-short" not in told


@pytest.mark.parametrize("name", ["", "two words", "../up", "-dash", "a" * 65, "garden\\n"])
def test_a_feed_has_a_plain_name(tmp_path: Path, name: str) -> None:
    assert "1 to 64 letters" in complaint(tmp_path, f'[[feeds]]\nname = "{name}"\npath = "x"\nevery = "1d"')


def test_a_feed_without_a_name_is_told_by_its_position(tmp_path: Path) -> None:
    assert complaint(tmp_path, '[[feeds]]\npath = "x"\nevery = "1d"').startswith("name of feed number 1 in ")
    assert complaint(tmp_path, "feeds = [3]").startswith("feed number 1 in ")


def test_two_feeds_never_share_a_name(tmp_path: Path) -> None:
    text = FEED + 'every = "1d"\n'
    assert "a name of its own" in complaint(tmp_path, text + text.replace("garden", "GARDEN"))


def test_feeds_are_not_set_in_the_environment(tmp_path: Path) -> None:
    assert "[[feeds]]" in complaint(tmp_path, SIGHTINGS_FEEDS="[]")


def test_the_docs_tell_every_setting() -> None:
    for key, field in config.Settings.model_fields.items():
        variable = "in the file only" if key == "feeds" else f"`SIGHTINGS_{key.upper()}`"
        assert f"| `{key}` | {variable} | " in DOCS
        assert f" | {field.description} |" in DOCS
    assert config.CONFIG_VARIABLE in DOCS


def test_the_docs_tell_every_key_of_a_feed() -> None:
    _, _, feeds = DOCS.partition("## Feeds")
    for key, field in config.Feed.model_fields.items():
        assert f"| `{key}` | " in feeds
        assert f" | {field.description} |" in feeds


def test_the_example_in_the_docs_works(tmp_path: Path) -> None:
    example = DOCS.partition("```toml\n")[2].partition("```")[0]
    feeds = with_file(tmp_path, example).feeds
    assert [feed.name for feed in feeds] == [feed["name"] for feed in tomllib.loads(example)["feeds"]]


def test_the_sentences_in_the_docs_are_the_real_ones(tmp_path: Path) -> None:
    assert complaint(tmp_path, SIGHTINGS_PORT="eighty") in DOCS
    assert complaint(tmp_path, "prot = 1") in DOCS


def test_the_default_in_the_docs_is_the_real_one(tmp_path: Path) -> None:
    shown = {key: value for key, value, _ in config.explain(config.load({}, tmp_path))}
    for key in (
        "cache_url",
        "timezone",
        "title",
        "host",
        "port",
        "log_level",
        "log_format",
        "misses_per_minute",
    ):
        assert f"| `SIGHTINGS_{key.upper()}` | `{shown[key]}` |" in DOCS


def test_reading_settings_loads_neither_the_scheduler_nor_the_database() -> None:
    script = "import sys, config; config.load({}); print({'apscheduler', 'sqlalchemy'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"
