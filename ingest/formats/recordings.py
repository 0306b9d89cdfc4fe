"""What the name of a recording says: where its recorder stood and when it began; knows no tables.

AudioMoth writes 20230518_133500.WAV, a Song Meter SITE_20230518_133500.wav, a BAR
20230518T133500+1000_REC.wav.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

_DATE = r"(?P<y>(?:19|20)\d\d)(?P<by>[-_.]?)(?P<m>\d\d)(?P=by)(?P<d>\d\d)"
_TIME = r"(?:-birdnet-)?(?P<t>[T_ .-]?)(?P<h>\d\d)[-_:.h]?(?P<mi>\d\d)(?:[-_:.m]?(?P<s>\d\d))?"
_BEGAN = re.compile(rf"(?<!\d){_DATE}(?:{_TIME}(?!\d)(?P<z>Z|[+-]\d{{4}}(?!\d))?|(?!\d))", re.IGNORECASE)


@dataclass(frozen=True)
class Recording:
    """A recording, as far as its name tells."""

    name: str
    """Without the folder."""
    site: str
    """What stands before the date."""
    began: datetime
    timed: bool
    """Whether the name has a time, or the day alone."""
    offset: str = ""
    """Z or +1000, where the name says so."""

    def at(self, seconds: float | None) -> tuple[str, str]:
        """The day and the time, as text, of what is heard so many seconds after it began.

        Without a time in its name, or without seconds, that is as much as is known.
        """
        if not self.timed:
            return f"{self.began:%Y-%m-%d}", ""
        try:
            moment = self.began + timedelta(seconds=seconds or 0)
        except (OverflowError, ValueError):  # seconds that are infinite or no number
            moment = self.began
        return f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}{self.offset}"


@lru_cache(maxsize=10_000)
def of_name(path: str) -> Recording | None:
    """The recording of this name, with or without folders of any system; None where it tells no date."""
    name = re.split(r"[\\/]", path)[-1]
    for found in _BEGAN.finditer(name):
        try:
            day = datetime(int(found["y"]), int(found["m"]), int(found["d"]))
        except ValueError:
            continue
        site = name[: found.start()].strip(" _-.")
        began = _time(day, found)
        # An offset only after a T, as ISO 8601 writes it; elsewhere -0001 is the number of a file.
        offset = (found["z"] or "") if began and found["t"].upper() == "T" else ""
        return Recording(name, site, began or day, began is not None, offset.upper())
    return None


def _time(day: datetime, found: re.Match[str]) -> datetime | None:
    if found["h"] is None:
        return None
    try:
        return day.replace(hour=int(found["h"]), minute=int(found["mi"]), second=int(found["s"] or 0))
    except ValueError:
        return None
