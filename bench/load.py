"""Requests per second of one URL, by wrk; knows no server."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.row import NotMeasured, tool

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_BAD = re.compile(r"(?:Non-2xx or 3xx responses|Socket errors): .*")


@dataclass(frozen=True)
class Target:
    """What is asked for, again and again."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def rate(target: Target, seconds: int) -> float:
    """Requests per second with eight connections. Raises NotMeasured for answers that are no success."""
    said = [word for name, value in target.headers.items() for word in ("-H", f"{name}: {value}")]
    words = [tool("wrk"), "-t1", "-c8", f"-d{seconds}s", *said, target.url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 30, check=False)
    bad, found = _BAD.search(done.stdout), _RATE.search(done.stdout)
    if bad or found is None:
        raise NotMeasured(f"wrk: {bad[0] if bad else done.stderr.strip()[-200:]}")
    return float(found[1])


def in_turns(targets: Sequence[Target], rounds: int, seconds: int) -> list[list[float]]:
    """Each target's rates, one a round; they take turns, so that whatever else runs here slows them all."""
    for target in targets:
        rate(target, 1)  # only warms up
    turns = [[rate(target, seconds) for target in targets] for _ in range(rounds)]
    return [list(rates) for rates in zip(*turns, strict=True)]


def against(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: within one round both had the same neighbours."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))
