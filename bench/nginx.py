"""Nginx with one worker process on the loopback: with a file (the limit), or before us; knows no chart."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.processes import ROOT, free_port, serving
from bench.row import NotMeasured, tool

_CONF = """
{user}
daemon off;
worker_processes 1;
error_log stderr error;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    types {{ image/svg+xml svg; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {rest}
}}
"""
_FILES = """
    open_file_cache max=16;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
    }}
"""
_SHIPPED = ROOT / "deploy" / "nginx.conf"


@contextmanager
def nginx(folder: Path, name: str, content: bytes) -> Iterator[str]:
    """The URL of a static file with this content. Raises NotMeasured where nginx is not installed."""
    (folder / "files").mkdir(parents=True)
    (folder / "files" / name).write_bytes(content)
    port = free_port()
    url = f"http://127.0.0.1:{port}/{name}"
    with _running(folder, _FILES.format(folder=folder, port=port), url):
        yield url


@contextmanager
def in_front(folder: Path, origin: int, changes: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of nginx as we ship it, in front of the port ``origin``, which has to answer.

    ``changes`` are texts of the configuration and what to put in their place. Raises NotMeasured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, text = free_port(), _SHIPPED.read_text(encoding="utf-8")
    places = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "127.0.0.1:8000 ": f"127.0.0.1:{origin} ",
        "/var/cache/sightings-nginx": f"{folder}/cache",
    }
    for old, new in {**places, **(changes or {})}.items():
        if old not in text:
            raise NotMeasured(f"the configuration of nginx has no {old!r}")
        text = text.replace(old, new)
    address = f"http://127.0.0.1:{port}"
    with _running(folder, text, f"{address}/livez"):
        yield address


@contextmanager
def _running(folder: Path, rest: str, url: str) -> Iterator[None]:
    program = tool("nginx")
    # The folder is closed to everyone but its owner, who is root here or the worker itself.
    user = "user root;" if os.geteuid() == 0 else ""
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, user=user, rest=rest), encoding="utf-8")
    words = [program, "-e", "stderr", "-p", str(folder), "-c", str(conf)]
    with serving(words, folder, url):
        yield
