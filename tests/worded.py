"""The texts that people read, out of the code into the catalogue of each language: python -m tests.worded.

What is there stays as it is, what is new is empty, what nobody says any more goes. The same code gives the
same bytes, and a text has no line number, so that catalogues differ only where somebody says something else.
"""

from __future__ import annotations

from io import BytesIO

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from api.speech.catalogues import ENGLISH, languages, path_of
from tests.conftest import ROOT

_METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
_KEYWORDS = {**DEFAULT_KEYWORDS, "later": None, "plural": (1, 2)}
_TO_TRANSLATORS = "For translators:"
_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def said() -> Catalog:
    """Every text that is marked in the code and in the templates, and where."""
    found = Catalog()
    marked = extract_from_dir(ROOT / "api", _METHODS, _OPTIONS, _KEYWORDS, (_TO_TRANSLATORS,))
    for name, _, text, comments, context in marked:
        found.add(text, None, [(f"api/{name}", 0)], auto_comments=comments, context=context)
    return found


def held(language: str) -> Catalog:
    """The catalogue of a language."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=Locale.parse(language, sep="-"))


def anew(language: str) -> bytes:
    """The catalogue of a language with all texts that there are now."""
    catalogue = held(language)
    catalogue.update(said(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    texts = BytesIO()
    write_po(texts, catalogue, width=0, sort_output=True, omit_header=True, include_lineno=False)
    header = _HEADER.format(language=language, plurals=catalogue.plural_forms)
    return header.encode() + texts.getvalue()


if __name__ == "__main__":
    for language in languages():
        if language != ENGLISH:
            path_of(language).write_bytes(anew(language))
