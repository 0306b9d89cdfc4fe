"""The rows about a chart that is in the cache: against nginx, against the reading's route, and its 304."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.load import Target, against, in_turns
from bench.nginx import nginx
from bench.processes import MANAGE, PYTHON, free_port, get, home, run, serving
from bench.row import Bench, NotMeasured, Plan, Row, tool

CHART = "/api/v1/reports/timeline.svg?feed=reading&measure=individuals"
"""Three animals by year: about 10 kB."""
NGINX, UNCHANGED, READING, DECORATED = (
    "cached chart, one worker, against nginx serving the same bytes",
    "304 against cached 200",
    "cached chart against the reading's route, one worker each",
    "cached chart against the reading's route under @cache.cached, one worker each",
)


def measure(plan: Plan) -> list[Row]:
    """Serve the demo with one worker and ask it for one chart, in turns with the others."""
    tool("wrk")
    with home() as folder, ExitStack() as servers:
        run([*MANAGE, "demo"], folder)
        origin = serve_ours(servers, folder)
        status, headers, content = get(origin + CHART)
        if status != 200 or "etag" not in headers:
            raise NotMeasured(f"{CHART} answered {status}")
        ours = Target(origin + CHART)
        unchanged = Target(origin + CHART, {"If-None-Match": headers["etag"]})
        if get(unchanged.url, unchanged.headers)[0] != 304:
            raise NotMeasured(f"{CHART} did not answer 304 to its own ETag")
        return [
            _against_nginx(plan, ours, folder / "nginx", content),
            _unchanged(plan, unchanged, ours),
            *_against_reading(plan, ours, folder),
        ]


def serve_ours(servers: ExitStack, folder: Path, workers: int = 1) -> str:
    """The address of our server, which ends with the others."""
    port = free_port()
    words = [
        *MANAGE,
        "serve",
        "--workers",
        str(workers),
        "--no-scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    origin = f"http://127.0.0.1:{port}"
    servers.enter_context(serving(words, folder, f"{origin}/livez"))
    return origin


def _against_nginx(plan: Plan, ours: Target, folder: Path, content: bytes) -> Row:
    what = f"{NGINX} ({len(content):,} bytes)"
    try:
        with nginx(folder, "chart.svg", content) as url:
            if get(url)[2] != content:
                raise NotMeasured("nginx serves other bytes")
            rates, limit = in_turns([ours, Target(url)], plan.rounds, plan.seconds)
    except NotMeasured as why:
        return Row(what, target="0.30", missing=str(why))
    ratio = against(rates, limit)
    return Row(what, shown(rates), shown(limit), ratio, "0.30", ratio >= 0.30)


def _unchanged(plan: Plan, unchanged: Target, ours: Target) -> Row:
    short, whole = in_turns([unchanged, ours], plan.rounds, plan.seconds)
    return _row(UNCHANGED, short, whole, 1.2)


def _against_reading(plan: Plan, ours: Target, folder: Path) -> list[Row]:
    port, place = free_port(), folder / "reading"
    place.mkdir()
    words = [PYTHON, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "1"]
    words += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "bench.reading:app"]
    origin = f"http://127.0.0.1:{port}"
    urls = (f"{origin}/animal.svg?type=Deer", f"{origin}/cached.svg?type=Deer")
    with serving(words, place, urls[0]):
        rates, drawn, kept = in_turns([ours, *map(Target, urls)], plan.rounds, plan.seconds)
    return [
        _row(READING, rates, drawn, 300),
        _row(DECORATED, rates, kept, 2.5),
    ]


def _row(what: str, ours: list[float], theirs: list[float], least: float) -> Row:
    ratio = against(ours, theirs)
    return Row(what, shown(ours), shown(theirs), ratio, f"{least:g}", ratio >= least)


def shown(rates: list[float]) -> str:
    """Their median, for people."""
    middle = median(rates)
    return f"{middle:,.0f}/s" if middle >= 100 else f"{middle:.1f}/s"


BENCH = Bench(
    "cached", "a chart that is in the cache, and its 304", measure, (NGINX, UNCHANGED, READING, DECORATED)
)
