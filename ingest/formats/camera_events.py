"""Which observations of a camera trap tell of the same animals: by event, or by one picture of it.

Knows no columns. A camera takes many pictures of one animal. Observations of an event are made to be summed
up; those of single pictures are not, and a human and a machine may both have looked at the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ingest.formats.temporary import fill, of_keys, open_temporary

_BEST = """
CREATE TABLE best AS SELECT event, name, medium, machine FROM (
    SELECT event, name, medium, machine,
           min(machine) OVER (PARTITION BY event) AS least,
           row_number() OVER (PARTITION BY event, name ORDER BY machine, number DESC, medium) AS place
    FROM (SELECT event, name, medium, machine, sum(number) AS number FROM shown
          WHERE event NOT IN (SELECT event FROM told) GROUP BY event, name, medium, machine)
) WHERE place = 1 AND machine = least
"""


class Observation(NamedTuple):
    """What one row says of an event or of one picture of it."""

    event: str
    """Its identifier; "" where the format gives none."""
    deployment: str
    medium: str
    """The picture that it was made from; "" for one of the event as a whole."""
    name: str
    machine: bool
    number: float
    """How many animals."""
    counts: bool = True
    """Whether it names an animal; of an event, whether anybody has looked at it."""

    @property
    def group(self) -> str:
        """What stands for the event: without an identifier, all of the deployment."""
        return self.event or f"\x1f{self.deployment}"


class Events:
    """All events of one input."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self._base = open_temporary(self)
        self._base.execute("CREATE TABLE told (event TEXT PRIMARY KEY) WITHOUT ROWID")
        self._base.execute("CREATE TABLE shown (event, name, medium, machine, number)")
        for some in _portions(one for one in observations if one.counts):
            fill(self._base, "told", 1, [(one.group,) for one in some if not one.medium])
            pictures = [one for one in some if one.medium and one.event]
            fill(self._base, "shown", 5, [(*one[:1], one.name, one.medium, *one[4:6]) for one in pictures])
        self._base.execute(_BEST)
        self._base.execute("CREATE INDEX best_event ON best (event)")

    def again(self, observations: Sequence[Observation]) -> list[str]:
        """For each observation the reason for which it says what another one says already, or ""."""
        groups = {one.group for one in observations}
        told = {event for (event,) in of_keys(self._base, "SELECT event FROM told WHERE event IN", groups)}
        ask = "SELECT event, name, medium, machine FROM best WHERE event IN"
        best = {(event, name): rest for event, name, *rest in of_keys(self._base, ask, groups)}
        return [_again(one, told, best) for one in observations]


def _again(one: Observation, told: set[str], best: dict[tuple[str, str], list[str]]) -> str:
    if not one.medium:
        return ""
    if one.group in told:
        return "MEDIA_LEVEL"
    if one.event and best.get((one.event, one.name)) != [one.medium, int(one.machine)]:
        return "SAME_EVENT"
    return ""


def _portions(observations: Iterable[Observation]) -> Iterator[list[Observation]]:
    portion: list[Observation] = []
    for one in observations:
        portion.append(one)
        if len(portion) == 10_000:
            yield portion
            portion = []
    yield portion
