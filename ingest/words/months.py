"""Names of months and weekdays in the languages of field sheets -> numbers; knows no date.

English, German, French, Dutch, Spanish and Italian; a name may be cut to three letters (a weekday to two).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_MONTHS = (
    "january januar janner janvier januari enero gennaio",
    "february februar feber fevrier februari febrero febbraio",
    "march marz mrz mars maart mrt marzo",
    "april avril abril aprile",
    "may mai mei mayo maggio",
    "june juni juin junio giugno",
    "july juli juillet julio luglio",
    "august aout augustus agosto",
    "september septembre septiembre setiembre settembre",
    "october oktober octobre octubre ottobre",
    "november novembre noviembre",
    "december dezember decembre diciembre dicembre",
)
_WEEKDAYS = (
    "monday montag lundi maandag lunes lunedi",
    "tuesday dienstag mardi dinsdag martes martedi",
    "wednesday mittwoch mercredi woensdag miercoles mercoledi",
    "thursday donnerstag jeudi donderdag jueves giovedi",
    "friday freitag vendredi vrijdag viernes venerdi",
    "saturday samstag sonnabend samedi zaterdag sabado sabato",
    "sunday sonntag dimanche zondag domingo domenica",
)


@lru_cache(maxsize=1_000)
def month(word: str) -> int | None:
    """The month of this name, 1 to 12; None for what is none, or could be two (the French "jui")."""
    found = _found(word, _MONTHS) if len(word) >= 3 else set()
    return found.pop() + 1 if len(found) == 1 else None


def is_weekday(word: str) -> bool:
    """Whether this names a day of the week."""
    return len(word) >= 2 and bool(_found(word, _WEEKDAYS))


def _found(word: str, names: tuple[str, ...]) -> set[int]:
    letters = unicodedata.normalize("NFKD", word.casefold().strip(".,"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return {place for place, line in enumerate(names) if any(name.startswith(plain) for name in line.split())}
