"""How a language writes: its direction, its own name, its decimal mark, its plurals. Knows no text.

English is answered without a look at the tables (CLDR's, by Babel), so that it costs nothing.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from api.speech.catalogues import ENGLISH
from api.speech.texts import language

if TYPE_CHECKING:
    from babel import Locale


@cache
def locale(tag: str) -> Locale:
    """What is known of a language."""
    from babel import Locale

    return Locale.parse(tag, sep="-")


def direction() -> str:
    """``ltr`` or ``rtl``."""
    return "ltr" if language() == ENGLISH else str(locale(language()).text_direction)


def name_of(tag: str) -> str:
    """What the language calls itself."""
    return "English" if tag == ENGLISH else str(locale(tag).get_display_name())


def decimal(written: str) -> str:
    """A number that is written with a point, with what this language has in its place."""
    return written if language() == ENGLISH else written.replace(".", _decimal_mark(language()))


@cache
def _decimal_mark(tag: str) -> str:
    from babel.numbers import get_decimal_symbol

    return get_decimal_symbol(locale(tag))


@cache
def plural_kinds(tag: str) -> dict[str, int]:
    """The kinds of plurals by CLDR's names, as a browser tells them too, each with a number of that kind."""
    if tag == ENGLISH:
        return {"other": 0, "one": 1}
    kinds: dict[str, int] = {}
    for number in range(201):
        kinds.setdefault(locale(tag).plural_form(number), number)
    return kinds
