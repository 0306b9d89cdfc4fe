"""Light or dark as the visitor chose, and the addresses of the other choices. Knows no data and no chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for

from api.asking.query import BadParameter, Pairs, pairs
from api.draw.look import Theme
from api.page.query import addressed
from api.page.speech import _, later

_THEMES: dict[Theme, str] = {"auto": later("System"), "light": later("Light"), "dark": later("Dark")}
"""What can be chosen, and in words; the first is that of whoever has not chosen."""
_NO_PAGES = ("page.asset",)


@dataclass(frozen=True)
class Choice:
    """One of the themes, in words, and the same page in it."""

    words: str
    page: str
    chosen: bool


@dataclass(frozen=True)
class Look:
    """How the page at hand looks, and could look."""

    theme: Theme
    choices: tuple[Choice, ...]
    address: str
    """Of what is shown, however it looks; it names no host."""

    @property
    def kept(self) -> str | None:
        """What other pages are asked for, too; None where the system decides."""
        return None if self.theme == "auto" else self.theme


def as_asked() -> Look:
    """As the request at hand asks for, whatever else is wrong with it."""
    try:
        return look(pairs(request.query_string))
    except BadParameter:
        return look([])


def look(given: Pairs) -> Look:
    """The page at hand with these parameters."""
    here = {theme: _here(theme) for theme in _THEMES}
    theme = _chosen()
    return Look(
        theme,
        tuple(Choice(_(words), addressed(here[one], given), one == theme) for one, words in _THEMES.items()),
        addressed(here["auto"], given),
    )


def _here(theme: Theme) -> str:
    where: dict[str, Any] = {**(request.view_args or {}), "theme": None if theme == "auto" else theme}
    return url_for(str(request.endpoint), **where)


def _chosen() -> Theme:
    wanted = request.args.getlist("theme")
    return next((theme for theme in _THEMES if [theme] == wanted), "auto")


def keep(endpoint: str, values: dict[str, Any]) -> None:
    """Have an address of a page ask for the theme that was chosen; for ``url_defaults``."""
    if endpoint not in _NO_PAGES and _chosen() != "auto":
        values.setdefault("theme", _chosen())
