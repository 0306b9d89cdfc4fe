"""The row about PostgreSQL: a file of 200 MB by the ingest's COPY, against psql's own of the bare text."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.generated import COLUMNS
from bench.ingested import generate, seconds
from bench.processes import MANAGE, free_port, home, run
from bench.row import Bench, NotMeasured, Plan, Row, tool

COPIED = "ingest into PostgreSQL, against psql's \\copy of the same file into bare text columns"
_ROWS_OF_200_MB = 2.25
"""Times the rows of the other benches."""


def measure(plan: Plan) -> list[Row]:
    """Load one generated file into an empty database of a throw-away server."""
    psql = tool("psql")
    with home() as folder, _server() as url:
        file = generate(folder, int(plan.rows * _ROWS_OF_200_MB))
        table = f"CREATE TABLE bare ({', '.join(f'{name} text' for name in COLUMNS)})"
        copy = rf"\copy bare FROM '{file}' WITH (FORMAT csv, DELIMITER E'\t', HEADER)"
        bare = run([psql, "-q", "-d", url, "-c", table, "-c", copy], folder)
        ours = run(["env", f"SIGHTINGS_DATABASE_URL={url}", *MANAGE, "ingest", str(file), "--json"], folder)
        size = f"{file.stat().st_size / 1e6:.0f} MB, peak {ours.peak_megabytes:.0f} MB"
        return [Row(f"{COPIED} ({size})", seconds(ours), seconds(bare), ours.seconds / bare.seconds)]


@contextmanager
def _server() -> Iterator[str]:
    """A throw-away PostgreSQL on the loopback. Raises NotMeasured where it is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    programs = versions[-1] if versions else Path(tool("initdb")).parent
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("postgres")
        owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    folder = Path(tempfile.mkdtemp(prefix="sightings-bench-postgresql-"))
    try:
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        data = str(folder / "data")
        make = [str(programs / "initdb"), "-D", data, "-U", "sightings", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*make, "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder, **owner)
        port = free_port()
        words = [str(programs / "postgres"), "-D", data, "-p", str(port), "-c", "unix_socket_directories="]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*words, "-c", "listen_addresses=127.0.0.1"], stdout=log, stderr=log, cwd=folder, **owner
            )
        try:
            url = f"postgresql://sightings@127.0.0.1:{port}/postgres"
            _wait(url, server)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while subprocess.run(
        [tool("psql"), "-q", "-d", url, "-c", ""], capture_output=True, check=False
    ).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise NotMeasured("PostgreSQL did not start")
        time.sleep(0.1)


BENCH = Bench("postgresql", "loading a file into PostgreSQL", measure, (COPIED,))
