"""What an operator may set, each key with its default and its check; imports nothing of ours.

Values come from the environment (`SIGHTINGS_PORT`), else from `sightings.toml` (`port`), else from defaults
that run with nothing configured at all. Relative paths start at the working directory if that has a
`sightings.toml` or the environment names one, else at the folder of this program: so a command finds the same
database wherever it is given.
"""

import difflib
import ipaddress
import os
import re
import tomllib
import zoneinfo
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX = "SIGHTINGS_"
CONFIG_VARIABLE = "SIGHTINGS_CONFIG"
FILE_NAME = "sightings.toml"

DATABASE_SCHEMES = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHOWN_CHARACTERS = 80
# Whole names of keys, because taxonKey and the like are no secrets.
_SECRET_OPTION = re.compile(
    r"(?i)([?&](?:[^=&]*(?:password|passwd|token|secret)|(?:[^=&]*(?:api|access|private)[_-]?)?key|sig|signature|auth)=)"
    r"[^&]*"
)


class ConfigError(ValueError):
    """A setting that cannot be used; the message is one sentence: which, from where, and what is expected."""


def _cores() -> int:
    """The CPU cores this process may use, which in a container is fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _expected(words: str) -> dict[str, Any]:
    """What a good value looks like, kept on the field so that the error message can say it."""
    return {"expected": words}


def _seconds(duration: str | None) -> int | None:
    """A duration such as 10m in seconds."""
    return None if duration is None else int(duration[:-1]) * SECONDS_PER_UNIT[duration[-1]]


def _known_timezone(name: str) -> str:
    """The name, if the time zone database has it."""
    try:
        zoneinfo.ZoneInfo(name)
    except (
        zoneinfo.ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # OSError: "Europe" is a folder of the database
        near = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f"perhaps {near[0]}" if near else "such as Europe/Vienna"
        raise ValueError(f"the name of an IANA time zone, {hint}") from None
    return name


def _usable_cron(expression: str) -> str:
    """The five-field expression, if it is clear to read and ever fires."""
    from apscheduler.triggers.cron import (
        CronTrigger,
    )  # here, because it would double the time that `--help` takes

    try:
        trigger = CronTrigger.from_crontab(expression, timezone="UTC")
    except ValueError:
        raise ValueError("five cron fields such as '15 6 * * *'") from None
    if re.search(r"\d", expression.split()[4]):
        # APScheduler 3 counts weekdays from Monday, cron from Sunday: '1' would silently run a day late.
        raise ValueError("five cron fields with weekdays as names, such as '15 6 * * mon-fri'")
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise ValueError("five cron fields that describe a time which comes")
    return expression


class _Strict(BaseModel):
    """Frozen, and a boolean is never taken for the number 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean(cls, value: object, field: ValidationInfo) -> object:
        wants = cls.model_fields[str(field.field_name)].annotation is bool
        if isinstance(value, bool) is not wants:
            raise ValueError
        return value


class Feed(_Strict):
    """A named source that is read again and again: one `[[feeds]]` table of the file."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="What the feed is called in the ledger and in `?feed=`; every name is used once.",
        json_schema_extra=_expected(
            "1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit"
        ),
    )
    path: str = Field(
        min_length=1,
        description="The file, folder, glob or http(s) URL to read.",
        json_schema_extra=_expected("a file, folder, glob or URL"),
    )
    every: str | None = Field(
        default=None,
        description="How often to read it: a number and `s`, `m`, `h` or `d`. Give either this or `cron`.",
        json_schema_extra=_expected("a duration such as 30s, 10m, 2h or 1d"),
    )
    cron: str | None = Field(
        default=None,
        description="When to read it: five cron fields, in UTC, weekdays as names (`15 6 * * mon-fri`).",
        json_schema_extra=_expected("five cron fields such as '15 6 * * *'"),
    )
    format: str = Field(
        default="auto",
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        description="The format's name, or `auto` to recognise it by its content.",
        json_schema_extra=_expected("the name of a format, or auto"),
    )
    date_order: Literal["YMD", "DMY", "MDY"] | None = Field(
        default=None,
        description="`YMD`, `DMY` or `MDY`, for files whose dates do not tell by themselves.",
        json_schema_extra=_expected("YMD, DMY or MDY"),
    )
    timezone: str | None = Field(
        default=None,
        description="The IANA zone that times which carry an offset are moved into; others stand as written.",
        json_schema_extra=_expected("the name of an IANA time zone such as Europe/Vienna"),
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Header names of the source and the Darwin Core terms that they mean.",
        json_schema_extra=_expected("a table of their header names and our terms"),
    )
    set: dict[str, str] = Field(
        default_factory=dict,
        description="Darwin Core terms and a value for every row, for what the source leaves out.",
        json_schema_extra=_expected("a table of our terms and their values"),
    )
    sheet: str | None = Field(
        default=None,
        min_length=1,
        coerce_numbers_to_str=True,
        description="The sheet of a workbook, by its name or its number from 1.",
        json_schema_extra=_expected("the name of a sheet or its number from 1"),
    )
    min_confidence: float = Field(
        default=0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Detections of a machine that is less sure than this are skipped.",
        json_schema_extra=_expected("a number from 0 to 1"),
    )
    max_error_rate: float = Field(
        default=0.2,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="An input of which more than this share (and more than ten rows) is refused is not kept.",
        json_schema_extra=_expected("a number from 0 to 1"),
    )
    strict: bool = Field(
        default=False,
        description="Whether an input in which one row is refused is not kept.",
        json_schema_extra=_expected("true or false"),
    )
    accept_new_ids: bool = Field(
        default=False,
        description="Whether to go on where most identifiers are new, which else needs an approval.",
        json_schema_extra=_expected("true or false"),
    )
    silent_after: str | None = Field(
        default=None,
        description="How long nothing may come before the dashboard calls it silent, such as `3d`.",
        json_schema_extra=_expected("a duration such as 12h or 3d"),
    )
    paused: bool = Field(
        default=False,
        description="Whether it is left out by the scheduler and by `ingest` without a name.",
        json_schema_extra=_expected("true or false"),
    )

    @field_validator("path")
    @classmethod
    def _path_is_here_or_on_the_web(cls, value: str) -> str:
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", value)
        if scheme and not re.match(r"https?://[^/?#]", value):
            raise ValueError("a file, folder or glob on this machine, or a URL with http:// or https://")
        return value

    @field_validator("every", "silent_after")
    @classmethod
    def _duration_has_a_unit(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[1-9][0-9]{0,5}[smhd]", value):
            raise ValueError
        return value

    @field_validator("cron")
    @classmethod
    def _cron_fires(cls, value: str | None) -> str | None:
        return None if value is None else _usable_cron(value)

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, value: str | None) -> str | None:
        return None if value is None else _known_timezone(value)

    @model_validator(mode="after")
    def _one_schedule(self) -> "Feed":
        if (self.every is None) == (self.cron is None):
            raise ValueError("exactly one of every and cron")
        return self

    @property
    def every_seconds(self) -> int | None:
        """The time between two readings in seconds, or None where `cron` says when."""
        return _seconds(self.every)

    @property
    def told(self) -> dict[str, Any]:
        """What the ingest is told of it, by the names of its options; what was not set is left out."""
        apart = {"name", "path", "every", "cron", "silent_after", "paused"}
        told = self.model_dump(exclude=apart, exclude_defaults=True)
        if self.columns:
            told["map"] = told.pop("columns")
        return {"feed": self.name, **told}

    @property
    def due(self) -> dict[str, Any]:
        """What is to be known of it to read it in time."""
        plain = {"name": self.name, "path": self.path, "cron": self.cron, "paused": self.paused}
        return {**plain, "every_seconds": self.every_seconds, "told": self.told}

    @property
    def expected(self) -> dict[str, Any]:
        """What is to be known of it to notice that nothing comes."""
        times = {"every_seconds": self.every_seconds, "silent_after_seconds": _seconds(self.silent_after)}
        is_elsewhere = self.path.startswith(("http://", "https://"))
        return {"name": self.name, "cron": self.cron, "is_elsewhere": is_elsewhere, **times}

    @property
    def shown(self) -> dict[str, Any]:
        """All of it as it may be shown."""
        plain = self.model_dump(include={"name", "every", "cron", "silent_after", "paused"})
        return {**plain, "path": redacted(self.path), "told": self.told}


class Settings(BaseSettings, _Strict):
    """Everything that can be set, checked once; a value in here is trusted everywhere else."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )

    home: Path = Field(
        default=Path("var"),
        description="The one folder for all that is written: database, cache, inbox, saved charts, logs.",
        json_schema_extra=_expected("a folder whose path has no question mark"),
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="Where the sightings are kept: a `sqlite:///` or `postgresql://` URL.",
        json_schema_extra=_expected(
            "a URL such as sqlite:////srv/sightings.db or postgresql://user:password@host/name"
        ),
    )
    web_database_url: SecretStr | None = Field(
        default=None,
        description="For PostgreSQL: the URL of a role that may only read, used by the web side.",
        json_schema_extra=_expected("a postgresql:// URL beside a database_url that is one too"),
    )
    cache_url: SecretStr = Field(
        default=SecretStr("files"),
        description="Where finished charts are kept: `files` (in the home), a `redis://` URL, or `off`.",
        json_schema_extra=_expected("files, off or a URL such as redis://host:6379/0"),
    )
    cache_bytes: ByteSize = Field(
        default=ByteSize(256 * 1024 * 1024),
        ge=1024 * 1024,
        description="How much the file cache may hold; a number of bytes, or with a unit as in `512MiB`.",
        json_schema_extra=_expected("a size of at least 1MiB, in bytes or with a unit"),
    )
    edge_bytes: ByteSize = Field(
        default=ByteSize(32 * 1024 * 1024),
        ge=0,
        description="How many bytes of finished answers each server process keeps in memory; 0 for none.",
        json_schema_extra=_expected("a size of at least 0 bytes, in bytes or with a unit"),
    )
    export_bytes: ByteSize = Field(
        default=ByteSize(100 * 1024 * 1024),
        ge=1024,
        description="How large an export over the web may be; bytes, or a unit as in `512MiB`.",
        json_schema_extra=_expected("a size of at least 1KiB, in bytes or with a unit"),
    )
    timezone: str = Field(
        default="UTC",
        description="The site's IANA time zone: where a day begins and which bucket is still open.",
        json_schema_extra=_expected("the name of an IANA time zone such as Europe/Vienna"),
    )
    title: str = Field(
        default="Sightings",
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="The heading of the dashboard.",
        json_schema_extra=_expected("1 to 100 characters on one line"),
    )
    host: str = Field(
        default="127.0.0.1",
        pattern=r"^[^\s/]+$",
        description="The address that the server listens on; `0.0.0.0` for every one.",
        json_schema_extra=_expected("a host name or an address"),
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        description="The port that the server listens on.",
        json_schema_extra=_expected("a whole number from 0 to 65535"),
    )
    workers: int = Field(
        default_factory=_cores,
        ge=1,
        le=1024,
        description="How many server processes answer requests.",
        json_schema_extra=_expected("a whole number from 1 to 1024"),
    )
    worker_memory: ByteSize = Field(
        default=ByteSize(512 * 1024 * 1024),
        ge=64 * 1024 * 1024,
        description="How much memory a server process may hold before another one takes its place.",
        json_schema_extra=_expected("a size of at least 64MiB, in bytes or with a unit"),
    )
    render_slots: int = Field(
        default_factory=_cores,
        ge=1,
        le=1024,
        description="How many charts all workers of a machine draw at the same time; others wait.",
        json_schema_extra=_expected("a whole number from 1 to 1024"),
    )
    misses_per_minute: int = Field(
        default=600,
        ge=0,
        le=1_000_000,
        description="How many answers that are not cached a client gets in a minute; `0` for any number.",
        json_schema_extra=_expected("a whole number from 0 to 1000000"),
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("127.0.0.1", "::1"),
        description="Addresses or networks of proxies whose `X-Forwarded-For` is believed.",
        json_schema_extra=_expected("addresses or networks, such as 10.0.0.7 or 10.0.0.0/24"),
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="A bearer token that opens `/metrics` to other machines; without it, only this one may.",
        json_schema_extra=_expected("a secret of at least 16 characters"),
    )
    query_time_limit: float = Field(
        default=5,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="Seconds after which a question to the database is given up.",
        json_schema_extra=_expected("a number of seconds above 0 and up to 600"),
    )
    inbox_every: float = Field(
        default=30,
        ge=1,
        le=86400,
        allow_inf_nan=False,
        description="Seconds between two looks into the inbox.",
        json_schema_extra=_expected("a number of seconds from 1 to 86400"),
    )
    settle_seconds: float = Field(
        default=2,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds that a file must have stayed unchanged before it is read.",
        json_schema_extra=_expected("a number of seconds from 0 to 3600"),
    )
    ingest_deadline: float = Field(
        default=3600,
        ge=1,
        le=604800,
        allow_inf_nan=False,
        description="Seconds after which a scheduled ingest is stopped; it then has changed nothing.",
        json_schema_extra=_expected("a number of seconds from 1 to 604800"),
    )
    allow_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts, or hosts with a port, that feeds may lie on although their address is private.",
        json_schema_extra=_expected("host names or addresses, such as station.local or 192.168.1.5:8080"),
    )
    fetch_max_bytes: ByteSize = Field(
        default=ByteSize(2 * 1024 * 1024 * 1024),
        ge=1,
        description="How large a download may be, as sent and unpacked; bytes, or a unit as in `512MiB`.",
        json_schema_extra=_expected("a size of at least 1 byte, in bytes or with a unit"),
    )
    fetch_deadline: float = Field(
        default=1800,
        gt=0,
        le=604800,
        allow_inf_nan=False,
        description="Seconds after which a download, with all its tries and pages, is given up.",
        json_schema_extra=_expected("a number of seconds above 0 and up to 604800"),
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="The least serious message that is logged: `debug`, `info`, `warning` or `error`.",
        json_schema_extra=_expected("debug, info, warning or error"),
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How a message is logged: `text` for people, or `json` for programs; one line each.",
        json_schema_extra=_expected("text or json"),
    )
    feeds: tuple[Feed, ...] = Field(
        default=(),
        description="The sources that are read again and again; in the file only, see below.",
        json_schema_extra=_expected("a list of [[feeds]] tables, each with a name of its own"),
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `load` reads the sources, so that it can say where each value came from."""
        return (init_settings,)

    @field_validator("home")
    @classmethod
    def _home_is_absolute(cls, value: Path) -> Path:
        if "?" in str(value) or value == Path():  # a question mark would begin the options of the SQLite URL
            raise ValueError
        try:
            return value.expanduser().absolute()
        except RuntimeError:
            raise ValueError from None

    @field_validator("database_url")
    @classmethod
    def _database_is_known(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            scheme, path = _scheme_and_path(value)
            if scheme not in DATABASE_SCHEMES or len(path) < 2 or ":memory:" in path:
                raise ValueError
        return value

    @field_validator("web_database_url")
    @classmethod
    def _web_database_is_known(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_postgresql(value):
            raise ValueError
        return value

    @field_validator("cache_url")
    @classmethod
    def _cache_is_known(cls, value: SecretStr) -> SecretStr:
        plain = value.get_secret_value()
        if plain not in ("files", "off") and not re.match(r"rediss?://[^/]", plain):
            raise ValueError
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, value: str) -> str:
        return _known_timezone(value)

    @field_validator("allow_hosts", mode="before")
    @classmethod
    def _hosts_are_hosts(cls, value: object) -> object:
        """A list in the file; in the environment, with commas between them."""
        hosts = [one.strip() for one in value.split(",")] if isinstance(value, str) else value
        if not isinstance(hosts, list | tuple) or not all(_is_host(host) for host in hosts):
            raise ValueError
        return tuple(host.lower() for host in hosts)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _proxies_are_networks(cls, value: object) -> object:
        """A list in the file; in the environment, with commas between them; empty for none."""
        given = [one.strip() for one in value.split(",")] if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
            raise ValueError
        try:
            for one in given:
                ipaddress.ip_network(one)
        except ValueError:
            raise ValueError from None
        return tuple(given)

    @field_validator("log_level", mode="before")
    @classmethod
    def _log_level_in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("feeds")
    @classmethod
    def _feed_names_differ(cls, value: tuple[Feed, ...]) -> tuple[Feed, ...]:
        if len({feed.name.casefold() for feed in value}) < len(value):
            raise ValueError
        return value

    @model_validator(mode="after")
    def _one_kind_of_database(self) -> "Settings":
        if self.web_database_url is not None and not (
            self.database_url and _is_postgresql(self.database_url)
        ):
            raise ValueError
        return self

    @property
    def database(self) -> str:
        """The database URL in plain text, for the engine that writes."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'sightings.db'}"

    @property
    def web_database(self) -> str:
        """The database URL in plain text, for the engine that only reads."""
        return self.database if self.web_database_url is None else self.web_database_url.get_secret_value()

    @property
    def cache(self) -> str:
        """`files`, `off`, or the Redis URL in plain text."""
        return self.cache_url.get_secret_value()

    @property
    def token_of_metrics(self) -> str | None:
        """The bearer token of `/metrics` in plain text, if there is one."""
        return None if self.metrics_token is None else self.metrics_token.get_secret_value()

    @property
    def cache_directory(self) -> Path:
        """Where finished charts lie when the cache is `files`."""
        return self.home / "cache"

    @property
    def making_directory(self) -> Path:
        """Where the processes of a node agree on who makes what; it may be emptied at any time."""
        return self.home / "making"

    @property
    def asked_directory(self) -> Path:
        """Where each server process writes what it was asked for, which the warm-up reads."""
        return self.home / "asked"

    @property
    def inbox(self) -> Path:
        """The folder whose files are ingested as they arrive."""
        return self.home / "inbox"

    @property
    def fetched(self) -> Path:
        """The folder in which downloads lie while they are read."""
        return self.home / "fetched"

    @property
    def charts_directory(self) -> Path:
        """Where saved charts lie, such as the one behind `/bears.svg`."""
        return self.home / "charts"

    @property
    def metrics_directory(self) -> Path:
        """Where the processes of the server keep what they count."""
        return self.home / "metrics"

    @property
    def log_directory(self) -> Path:
        """Where logs are written."""
        return self.home / "logs"


class _Environment(EnvSettingsSource):
    """The environment that it is given, not the one of the process."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(Settings, case_sensitive=True)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        # The library looks for the key behind the prefix as it is spelled in the class, which is lower case.
        return {
            PREFIX + name.removeprefix(PREFIX).lower(): value
            for name, value in self._environ.items()
            if name.startswith(PREFIX)
        }


def load(
    environ: Mapping[str, str] | None = None, folder: Path | None = None, text: str | None = None
) -> Settings:
    """The settings of this environment and folder.

    Args:
        environ: environment variables; the process's own if not given.
        folder: where relative paths start and `sightings.toml` is looked for; found as above if not given.
        text: what to take for the content of the file, to try a change before it is written.

    Raises:
        ConfigError: on the first key that is unknown or has a bad value.
    """
    environ = os.environ if environ is None else environ
    folder = base(environ) if folder is None else folder
    _refuse_unknown_variables(environ)
    from_environment = _Environment(environ)()
    from_file, file_name = _read_file(environ, folder, text)

    origins = dict.fromkeys(from_file, file_name)
    origins |= {key: f"environment {PREFIX}{key.upper()}" for key in from_environment}
    values = from_file | from_environment
    values["feeds"] = _feeds_below(folder, values.get("feeds", ()))
    values["home"] = _below(folder, values.get("home", Settings.model_fields["home"].default))
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigError(_sentence(error, values, origins)) from None
    settings._origins.update(origins)
    return settings


def file(environ: Mapping[str, str] | None = None) -> Path:
    """Where the file of settings lies, or would if there was one."""
    environ = os.environ if environ is None else environ
    return base(environ) / environ.get(CONFIG_VARIABLE, FILE_NAME)


def as_written(path: str) -> str:
    """A path from the command line as the file is to have it: it means the same wherever that is read."""
    from_here = CONFIG_VARIABLE not in os.environ and base(os.environ) == Path.cwd()
    return path if from_here or "://" in path or path.startswith("~") else str(Path.cwd() / path)


def base(environ: Mapping[str, str] | None = None) -> Path:
    """Where relative paths start."""
    environ = os.environ if environ is None else environ
    here = Path.cwd()
    if CONFIG_VARIABLE in environ or (here / FILE_NAME).is_file():
        return here
    return Path(__file__).resolve().parent


def explain(settings: Settings) -> list[tuple[str, str, str]]:
    """Every key with the value in force, passwords hidden, and where it came from.

    The third of each tuple is `default`, `environment SIGHTINGS_X`, or the name of the file.
    """
    return [
        (key, _shown(settings, key), settings._origins.get(key, "default")) for key in Settings.model_fields
    ]


def redacted(url: str) -> str:
    """The URL with `***` in place of a secret, whether it stands before the host or among the options."""
    # Up to the last @, because a password that was not percent-encoded may hold one.
    without_user = re.sub(r"://([^:/@]*):.*@", r"://\1:***@", url, count=1, flags=re.DOTALL)
    # On the web a user alone is a token; of a database it is a name.
    without_token = re.sub(r"(?i)\b(https?://)[^:/@?#]*@", r"\1***@", without_user, count=1)
    return _SECRET_OPTION.sub(r"\1***", without_token)


def _shown(settings: Settings, key: str) -> str:
    if key in ("database_url", "web_database_url", "cache_url"):
        return redacted(str(getattr(settings, key.removesuffix("_url"))))
    if key == "feeds":
        return ", ".join(feed.name for feed in settings.feeds) or "none"
    value = getattr(settings, key)
    if key == "metrics_token":
        return "none" if value is None else "***"
    if key in ("allow_hosts", "trusted_proxies"):
        return ", ".join(value) or "none"
    return value.human_readable() if isinstance(value, ByteSize) else str(value)


def _scheme_and_path(url: SecretStr) -> tuple[str, str]:
    """Both, or two empty texts where the URL is broken: the library's complaint would quote the password."""
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        return "", ""
    return (parts.scheme, parts.path) if "://" in url.get_secret_value() else ("", "")


def _is_host(text: object) -> bool:
    """A name or an address, with or without a port; no URL, no network, no pattern."""
    return isinstance(text, str) and bool(
        re.fullmatch(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?|[0-9A-Fa-f:.]+", text)
    )


def _is_postgresql(url: SecretStr) -> bool:
    return _scheme_and_path(url)[0].startswith("postgresql")


def _below(folder: Path, path: object) -> object:
    """The path, started at the folder; what is no path, empty, or begins with ~ stays as it is."""
    if not isinstance(path, str | Path) or not str(path) or str(path).startswith("~"):
        return path
    return folder / path


def _feeds_below(folder: Path, feeds: Any) -> Any:
    """The feeds with their paths started at the folder; what is no feed stays, for the check to find."""

    def below(feed: Any) -> Any:
        path = feed.get("path") if isinstance(feed, dict) else None
        if not isinstance(path, str) or "://" in path:
            return feed
        return feed | {"path": str(_below(folder, path))}

    return [below(feed) for feed in feeds] if isinstance(feeds, list) else feeds


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = [PREFIX + key.upper() for key in Settings.model_fields if key != "feeds"] + [CONFIG_VARIABLE]
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX):
            continue
        if name == f"{PREFIX}FEEDS":
            raise ConfigError(
                f"{name} is set in the environment, but feeds are written as [[feeds]] in {FILE_NAME}."
            )
        if name not in known:
            raise ConfigError(f"{name} in the environment is not a setting{_nearest(name.upper(), known)}")
        if not environ[name].strip():
            raise ConfigError(f"{name} in the environment is empty: give it a value or unset it.")


def _read_file(environ: Mapping[str, str], folder: Path, text: str | None) -> tuple[dict[str, Any], str]:
    """What the file holds, and what to call it; nothing if none is named and none lies in the directory."""
    name = environ.get(CONFIG_VARIABLE, FILE_NAME)
    path = folder / name
    if text is None and not path.is_file():
        if CONFIG_VARIABLE in environ:
            raise ConfigError(f"{CONFIG_VARIABLE} in the environment is {name!r}, but no such file exists.")
        return {}, name
    try:
        if text is not None:
            return tomllib.loads(text), name
        return TomlConfigSettingsSource(Settings, toml_file=path).toml_data, name
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is not TOML in UTF-8: {error}.") from None
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}.") from None


def _nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the closest known one, or all of them."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; the settings are {', '.join(known)}."


def _sentence(error: ValidationError, values: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """The first complaint as one sentence; unknown keys first, as a misspelled key explains a missing one."""
    complaints = error.errors(include_url=False, include_input=False)
    complaint = min(complaints, key=lambda one: one["type"] != "extra_forbidden")
    place = complaint["loc"] or ("web_database_url",)  # the one rule that looks at two keys belongs to none
    key, origin = str(place[0]), origins.get(str(place[0]), "default")
    name, where = key, f"in {origin}"
    if origin.startswith("environment"):
        name, where = PREFIX + key.upper(), "in the environment"

    fields, table = Settings.model_fields, values
    if len(place) > 1:
        fields, table = Feed.model_fields, values["feeds"][place[1]]
        name = _feed_name(table, int(place[1]))
        if len(place) == 2:
            reason = complaint.get("ctx", {}).get("error", "keys and values")
            return f"{name} {where} must have {reason}."
        key = str(place[2])
        name = f"{key} of {name}"

    if complaint["type"] == "extra_forbidden":
        return f"{name} {where} is not a setting{_nearest(key, fields)}"
    given = "missing" if complaint["type"] == "missing" else _given(key, table.get(key))
    expected = str(complaint.get("ctx", {}).get("error", "")) or _expectation(fields[key])
    return f"{name} {where} is {given}, but must be {expected}."


def _expectation(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["expected"]) if isinstance(extra, dict) else "something else"


def _feed_name(feed: Any, position: int) -> str:
    """How to call a feed that is at fault: by its name, or by its position where it has none."""
    named = isinstance(feed, dict) and "name" in feed
    return f"feed {feed['name']!r}" if named else f"feed number {position + 1}"


def _given(key: str, value: object) -> str:
    """The refused value as it may be shown: never a password, never more than a line."""
    if key == "metrics_token":
        return "hidden here"
    if key.endswith("_url"):
        url = redacted(str(value))
        return repr(url) if "://" in url else "hidden here"
    # The address of a feed may hold a password too.
    text = redacted(repr(str(value) if isinstance(value, Path) else value))
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
