"""What tests stand on: a home of their own, real records, throw-away servers, a real browser."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd  # noqa: F401 - before Arrow is told in db.arrow that there is none
import pytest
from hypothesis import settings
from sqlalchemy import Engine

from tests.seed import open_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

# By chance everywhere: where a build server sets CI, every part would try the same examples.
settings.register_profile("fuzz", max_examples=5_000, deadline=None, derandomize=False)
settings.register_profile("contract", max_examples=200, deadline=None)

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
START_SECONDS = 30
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONGEST = {
    *("test_fuzz.py", "test_equality.py", "test_docs.py", "test_processes.py", "test_scopes.py"),
    *("test_as_of.py", "test_formats_archives.py"),
}
MARKED_FIXTURES = {
    "browser": "browser",
    "nginx": "nginx",
    "postgresql_url": "postgresql",
    "postgresql_database": "postgresql",
    "bare_postgresql": "postgresql",
    "redis_url": "redis",
    "own_redis": "redis",
    "shared_data": "shared",
    "soak": "soak",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make soak` says: the tests that have a long form do that."""
    parser.addoption("--soak", action="store_true", help="do the long form of the tests marked soak")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it uses, so that `-m "not browser"` leaves out what cannot run here.

    Those that take longest begin, so that at the end no process waits for another's.
    """
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        for fixture, mark in MARKED_FIXTURES.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


def missing(reason: str) -> NoReturn:
    """Skip the test and say what to install; where CI=true nothing may be skipped in silence, so fail."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees the settings that it makes, not those of whoever runs it."""
    for name in list(os.environ):
        if name.upper().startswith("SIGHTINGS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty folder for everything that is written."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """The path of a real file or folder by name, where such records lie beside the checkout."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"the real records {name} do not lie beside this checkout")
        return path

    return find


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether to do the long form, as in `for _ in range(10_000 if soak else 300)`; marks the test."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, home: Path) -> str:
    """The URL of a fresh database without any record, once for each kind; a file is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{home / 'sightings.db'}"
    url: str = request.getfixturevalue("postgresql_database")
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def bare_url(request: pytest.FixtureRequest, home: Path) -> str:
    """The URL of a database with nothing in it, not even our schema, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{home / 'sightings.db'}"
    url: str = request.getfixturevalue("bare_postgresql")
    return url


@pytest.fixture
def writer(database_url: str) -> Iterator[Engine]:
    """The writing engine of a fresh database with our schema, once for each kind."""
    engine = open_database(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_writer(home: Path) -> Iterator[Engine]:
    """The writing engine of a fresh SQLite database with our schema."""
    engine = open_database(f"sqlite:///{home / 'sightings.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_database(postgresql_url: str, postgresql_ready: str) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with our schema; dropped whoever is still connected."""
    with _postgresql_made(postgresql_url, postgresql_ready) as url:
        yield url


@pytest.fixture
def bare_postgresql(postgresql_url: str) -> Iterator[str]:
    """The same with nothing in it at all."""
    with _postgresql_made(postgresql_url, "template0") as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_ready(postgresql_url: str) -> Iterator[str]:
    """The name of a database with our schema, to be copied: the migrations take several times as long."""
    with _postgresql_made(postgresql_url, "template0") as url:
        open_database(url).dispose()
        yield url.rpartition("/")[2]


@contextmanager
def _postgresql_made(server: str, template: str) -> Iterator[str]:
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield server.removesuffix("postgres") + name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a throw-away PostgreSQL server's own database; tests take `postgresql_database`."""
    programs = _postgresql_programs()
    if programs is None:
        missing("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    owner = _postgresql_owner()
    # In the system's folder for temporary files, because pytest's is closed to the user postgres.
    folder = Path(tempfile.mkdtemp(prefix="sightings-postgresql-"))
    try:
        if "user" in owner:
            os.chown(folder, owner["user"], owner["group"])
        data = folder / "data"
        make = [programs / "initdb", "-D", data, "-U", "sightings", "-A", "trust", "--no-sync"]
        # C.UTF-8, because under plain C lower() leaves every letter beyond ASCII as it is.
        make += ["-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **owner)
        port = free_port()
        serve = [programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        for setting in (
            "unix_socket_directories=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ):
            serve += ["-c", setting]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(serve, stdout=log, stderr=log, cwd=folder, **owner)
        try:
            url = f"postgresql://sightings@127.0.0.1:{port}/postgres"
            _wait_until(lambda: _postgresql_answers(url), server, folder / "log")
            yield url
        finally:
            _end(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_redis(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A throw-away Redis that keeps nothing on disk; whoever kills or stops it need not mend it."""
    program = shutil.which("redis-server")
    if program is None:
        missing("Redis is not installed (Debian: apt-get install redis-server)")
    with tempfile.TemporaryDirectory(prefix="sightings-redis-") as folder:
        log_path = Path(folder) / "log"
        with log_path.open("wb") as log:
            server = subprocess.Popen(
                [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
                stdout=log,
                stderr=log,
                cwd=folder,
            )
        try:
            _wait_until(lambda: _listens(port), server, log_path)
            yield server
        finally:
            server.send_signal(signal.SIGCONT)
            _end(server)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a throw-away Redis for all; tests take `redis_url`."""
    port = free_port()
    with running_redis(port):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def nginx() -> None:
    """Nginx is here; each test starts its own, by way of the bench."""
    # Debian keeps servers in a folder that only root's PATH has.
    if not shutil.which("nginx") and not shutil.which("nginx", path="/usr/sbin:/usr/local/sbin"):
        missing("nginx is not installed (Debian: apt-get install nginx-light)")


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of an empty Redis."""
    import redis

    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; each test opens a page of its own with `browser.new_page()` and closes it.

    For one module and not for all: while it runs, this thread has an event loop and `asyncio.run` refuses.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, headless=True, args=CHROMIUM_ARGUMENTS)
        try:
            yield chromium
        finally:
            chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A window of its own, whose pages note what they ask for and show."""
    from tests.station import window

    with window(browser) as context:
        yield context


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _postgresql_programs() -> Path | None:
    """The folder of PostgreSQL's server programs: Debian keeps them off PATH; the newest version wins."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


def _postgresql_owner() -> dict[str, Any]:
    """Whom to run PostgreSQL as: it refuses root, so root hands it to the user that its package made."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        missing(
            "PostgreSQL refuses to run as root and there is no user postgres; run the tests as another user"
        )
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _postgresql_answers(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait_until(ready: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server is ready; one that ended or takes too long fails the test in its own words."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if server.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"{server.args!r} did not start:\n{log.read_text(errors='replace')}", pytrace=False)
        time.sleep(0.05)


def _end(server: subprocess.Popen[bytes]) -> None:
    """Stop the server at once: PostgreSQL takes SIGINT as "end the sessions", and Redis ends cleanly too."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
