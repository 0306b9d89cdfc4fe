"""What all programs around BirdNET share: detections that are no animal, or unsure; knows no files."""

from __future__ import annotations

from functools import lru_cache

_HUMAN = frozenset({"human", "human vocal", "human non-vocal", "human whistle"})
_NO_ANIMAL = frozenset(
    {
        *("engine", "environmental", "fireworks", "gun", "noise", "power tools", "siren"),
        *("background", "nocall", "no call"),
    }
)
"""Labels of BirdNET 2.4 that name no animal (BirdNET_GLOBAL_6K_V2.4_Labels.txt); Dog is one."""
POSITION = ("decimalLatitude", "decimalLongitude")
MACHINE = "MachineObservation"


def why_not(names: tuple[str, ...], confidence: str, least: float) -> str:
    """Why a detection is no sighting: HUMAN, NO_ANIMAL, LOW_CONFIDENCE; '' for one that is.

    ``names`` are all that the row calls it. A confidence that is no number is not below any.
    """
    why = _what(names)
    if why or least <= 0:
        return why
    try:
        return "LOW_CONFIDENCE" if float(confidence) < least else ""
    except ValueError:
        return ""


@lru_cache(maxsize=20_000)
def _what(names: tuple[str, ...]) -> str:
    # A label is both names, Human vocal_Human vocal; where there is no code, it stands for that.
    said = {part.strip().lower() for name in names for part in name.split("_")}
    return "HUMAN" if said & _HUMAN else "NO_ANIMAL" if said & _NO_ANIMAL else ""


@lru_cache(maxsize=1_000)
def position(latitude: str, longitude: str) -> tuple[str, str]:
    """The coordinates; nothing where both are -1, which is how BirdNET says that it was told none."""
    try:
        unknown = float(latitude) == float(longitude) == -1
    except ValueError:
        unknown = False
    return ("", "") if unknown else (latitude, longitude)
