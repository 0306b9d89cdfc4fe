"""The rows about nginx as we ship it, against nginx with a file, and about two workers against one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.cached import CHART, serve_ours, shown
from bench.load import Target, against, in_turns
from bench.nginx import in_front, nginx
from bench.processes import MANAGE, get, home, run
from bench.row import Bench, NotMeasured, Plan, Row, tool

ASKING, PINNED, SECOND, WORKERS = (
    "cached chart behind nginx as shipped (asks us each time), against nginx serving the same bytes",
    "chart pinned by asOf behind nginx as shipped, against nginx serving the same bytes",
    "cached chart behind nginx that keeps it for a second, against nginx serving the same bytes",
    "cached chart, two workers against one",
)
FOR_A_SECOND = {
    "proxy_ignore_headers Cache-Control Expires;": "proxy_ignore_headers Cache-Control Expires "
    "X-Accel-Expires; proxy_cache_valid 200 1s; proxy_cache_lock on;"
}
"""What the comment in the configuration tells who would rather be fast than fresh."""


def measure(plan: Plan) -> list[Row]:
    """Serve the demo with one worker and ask for one chart through nginx, and then with two workers."""
    tool("wrk")
    with home() as folder, ExitStack() as servers:
        run([*MANAGE, "demo"], folder)
        one = serve_ours(servers, folder)
        rows = [
            _in_front(plan, folder / "asking", one, ASKING, CHART, None),
            _in_front(plan, folder / "pinned", one, PINNED, f"{CHART}&asOf=1", 0.9),
            _in_front(plan, folder / "second", one, SECOND, CHART, 0.9, FOR_A_SECOND),
        ]
        two = serve_ours(servers, folder, workers=2)
        more, less = in_turns([Target(two + CHART), Target(one + CHART)], plan.rounds, plan.seconds)
    ratio = against(more, less)
    return [*rows, Row(WORKERS, shown(more), shown(less), ratio, "1.7", ratio >= 1.7)]


def _in_front(
    plan: Plan,
    folder: Path,
    origin: str,
    what: str,
    path: str,
    wanted: float | None,
    changes: Mapping[str, str] | None = None,
) -> Row:
    status, _, content = get(origin + path)
    if status != 200:
        raise NotMeasured(f"{path} answered {status}")
    target = "" if wanted is None else f"{wanted:.2f}"
    try:
        with (
            in_front(folder / "ours", int(origin.rpartition(":")[2]), changes) as front,
            nginx(folder / "plain", "chart.svg", content) as file,
        ):
            if get(front + path)[2] != content:
                raise NotMeasured("nginx passes on other bytes")
            rates, limit = in_turns([Target(front + path), Target(file)], plan.rounds, plan.seconds)
    except NotMeasured as why:
        return Row(what, target=target, missing=str(why))
    ratio = against(rates, limit)
    return Row(what, shown(rates), shown(limit), ratio, target, None if wanted is None else ratio >= wanted)


BENCH = Bench("fronted", "nginx in front, and two workers", measure, (ASKING, PINNED, SECOND, WORKERS))
