"""The catalogues of texts, a file for each language but English, which is written in the code. Knows no text.

A catalogue is read when its language is first asked for: a site that only speaks English never does.
"""

from __future__ import annotations

import hashlib
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

ENGLISH = "en"
FOLDER = Path(__file__).resolve().parent.parent / "languages"


@cache
def languages() -> tuple[str, ...]:
    """The tags (RFC 5646) of all languages that are spoken here, English first."""
    return (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))


@cache
def catalogue(language: str) -> NullTranslations:
    """The texts of one of the languages; those of English are what is asked for."""
    if language == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with path_of(language).open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.replace("-", "_")))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def digest(language: str) -> str:
    """Of everything that a language says: it is another one when a text of it is."""
    return (
        "" if language in ("", ENGLISH) else hashlib.sha256(path_of(language).read_bytes()).hexdigest()[:16]
    )


def path_of(language: str) -> Path:
    """The file of a language."""
    return FOLDER / f"{language}.po"
