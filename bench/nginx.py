"""Nginx with one worker process that serves one folder on the loopback: the limit; knows no chart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import free_port, serving
from bench.row import tool

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
    open_file_cache max=16;
    keepalive_requests 100000000;
    types {{ image/svg+xml svg; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
    }}
}}
"""


@contextmanager
def nginx(folder: Path, name: str, content: bytes) -> Iterator[str]:
    """The URL of a static file with this content. Raises NotMeasured where nginx is not installed."""
    program, port = tool("nginx"), free_port()
    (folder / "files").mkdir(parents=True)
    (folder / "files" / name).write_bytes(content)
    # The folder is closed to everyone but its owner, who is root here or the worker itself.
    user = "user root;" if os.geteuid() == 0 else ""
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, port=port, user=user), encoding="utf-8")
    words = [program, "-e", "stderr", "-p", str(folder), "-c", str(conf)]
    url = f"http://127.0.0.1:{port}/{name}"
    with serving(words, folder, url):
        yield url
