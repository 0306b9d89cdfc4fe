"""Texts by gettext: English goes in, the language that is spoken comes out. Knows no request.

What is between ``%(`` and ``)s`` is filled in after that, so that each language may put it where it belongs;
a percent sign is written twice. ``make words`` collects the texts from the calls of these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from api.speech.catalogues import ENGLISH, catalogue

_SPOKEN: ContextVar[str] = ContextVar("language", default="")


def language() -> str:
    """The language that is spoken at this moment, by its tag; to programs, English."""
    return _SPOKEN.get() or ENGLISH


def readers_language() -> str:
    """The language of whoever reads, by its tag; empty where a program does, which gets names as they are."""
    return _SPOKEN.get()


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Speak one of the languages meanwhile; empty, to programs."""
    before = _SPOKEN.set(tag)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def later(text: str) -> str:
    """The text as it is: marks it where it stands in a table, for ``_`` when somebody reads it."""
    return text


def _(text: str, **values: object) -> str:
    """The text in the language that is spoken, with the values in it."""
    return catalogue(language()).gettext(text) % values


def ngettext(one: str, many: str, count: float, **values: object) -> str:
    """That of the two that fits the count, in as many forms as the language has; ``num`` is the count."""
    found = catalogue(language()).ngettext(one, many, _whole(count))
    return found % {"num": count, **values}


def pgettext(context: str, text: str, **values: object) -> str:
    """A text that would be another one elsewhere; the context is told to translators alone."""
    return catalogue(language()).pgettext(context, text) % values


def npgettext(context: str, one: str, many: str, count: float, **values: object) -> str:
    """Both."""
    found = catalogue(language()).npgettext(context, one, many, _whole(count))
    return found % {"num": count, **values}


def unfilled(kind: str) -> Callable[..., str]:
    """Gettext's function of this name with nothing filled in, as templates want it."""

    def find(*texts: str | int) -> str:
        found: str = getattr(catalogue(language()), kind)(*texts)
        return found

    return find


def _whole(count: float) -> int:
    """A number that the rules of plurals are made for: what is no whole one is more than one."""
    return int(count) if count == int(count) else 2
