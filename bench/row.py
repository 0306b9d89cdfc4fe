"""One line of the table: what was measured, against what, and what is wanted; knows no way to measure."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass


class NotMeasured(Exception):
    """Something is missing here, or did not work; the message is the rest of "not measured: ..."."""


@dataclass(frozen=True)
class Row:
    """A measurement beside its baseline. Units stand in the texts; the ratio is ours over the baseline's."""

    what: str
    ours: str = ""
    baseline: str = ""
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None
    missing: str = ""
    """Why there are no figures, where there are none."""


@dataclass(frozen=True)
class Plan:
    """How long a run may take: the sizes of what is measured."""

    rows: int = 1_000_000
    """Rows of the ingested file."""
    rounds: int = 4
    """How often two servers take turns."""
    seconds: int = 2
    """How long each turn is."""
    charts: int = 150
    """How many charts each way of drawing draws."""
    starts: int = 7
    """How often a command is started."""
    charts_of_a_flood: int = 10_000
    """How many different charts are asked for, one after the other."""


QUICK = Plan(rows=100_000, rounds=2, seconds=1, charts=40, starts=3, charts_of_a_flood=1_000)


@dataclass(frozen=True)
class Bench:
    """Some rows that are measured together."""

    name: str
    what: str
    """One line for people."""
    measure: Callable[[Plan], Iterable[Row]]
    titles: tuple[str, ...]
    """What its rows are about, to be said where they cannot be measured."""


def tool(name: str) -> str:
    """The path of a program. Raises NotMeasured where it is not installed."""
    # Debian keeps servers in a folder that only root's PATH has.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotMeasured(f"{name} is not installed")
    return found
