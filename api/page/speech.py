"""The language of a page: its address says it (``lang``), else the visitor's browser, else it is English.

Marks texts too, for all of ``api.page``: ``_``, ``ngettext`` and the others. Knows no page.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request, url_for
from jinja2 import Environment
from jinja2.ext import InternationalizationExtension

from api.answering import lasting
from api.answering.negotiation import preferred
from api.speech import (
    ENGLISH,
    _,
    digest,
    direction,
    language,
    languages,
    later,
    name_of,
    ngettext,
    npgettext,
    pgettext,
    plural_kinds,
    speaking,
    unfilled,
)

__all__ = ["_", "later", "ngettext", "npgettext", "pgettext", "speak", "spoken"]

PARAMETER = "lang"
KEPT = (PARAMETER, "theme")
"""What every address of a page has already where it was chosen."""
_NO_PAGES = ("page.asset",)
_SPEAKING: set[str] = set()
"""The blueprints whose pages speak."""


def speak(routes: Blueprint) -> None:
    """Have the pages of a blueprint speak the visitor's language, and keep the one that was chosen."""
    _SPEAKING.add(routes.name)
    routes.before_request(_begin)
    routes.after_request(_tell)
    routes.teardown_request(_end)
    routes.url_defaults(_keep)
    routes.record_once(lambda state: _teach(state.app.jinja_env))


def chosen() -> str:
    """The language that the address of the page at hand asks for; empty where it asks for none."""
    return str(g.get("lang", ""))


def spoken() -> tuple[str, str, str]:
    """What a page's bytes depend on beside all else: its language, that of its address, the texts."""
    return language(), chosen(), digest(language())


def in_pictures() -> list[tuple[str, object]]:
    """What has to be said of a picture, so that it speaks as the page does."""
    return [] if language() == ENGLISH else [(PARAMETER, language())]


@dataclass(frozen=True)
class Other:
    """A language that the page is not in: its tag, what it calls itself, and the same page in it."""

    tag: str
    name: str
    page: str


def others(here: bool = True) -> Iterator[Other]:
    """The other languages of the page at hand; of the home page, where its address is not to be repeated."""
    rest = [(name, value) for name, value in request.args.items(multi=True) if here and name not in KEPT]
    endpoint, where = (str(request.endpoint), request.view_args or {}) if here else ("page.home", {})
    for tag in languages() if request.blueprint in _SPEAKING else ():
        if tag != language():
            page = url_for(endpoint, **{**where, PARAMETER: tag})
            yield Other(tag, name_of(tag), f"{page}&{urlencode(rest, safe=',:*')}" if rest else page)


def plural(one: str, many: str) -> dict[str, str]:
    """Both for a script, which fills in ``num``: a text for each kind of plural that the language has."""
    kinds = plural_kinds(language())
    return {kind: ngettext(one, many, number, num="{num}") for kind, number in kinds.items()}


def _begin() -> None:
    asked = request.args.get(PARAMETER, "")
    g.lang = asked if asked in languages() else ""
    if not g.lang:
        lasting.choose(languages())
    g.speech = ExitStack()
    spoken = request.headers.get("Accept-Language", "")
    g.speech.enter_context(speaking(g.lang or preferred(spoken, languages())))


def _end(_error: BaseException | None) -> None:
    g.pop("speech", ExitStack()).close()


def _tell(response: Response) -> Response:
    if response.mimetype == "text/html" and "Location" not in response.headers:
        response.headers["Content-Language"] = language()
        if not chosen():
            response.vary.add("Accept-Language")
    return response


def _keep(endpoint: str, values: dict[str, Any]) -> None:
    if chosen() and endpoint not in _NO_PAGES:
        values.setdefault(PARAMETER, chosen())


def _teach(environment: Environment) -> None:
    """Give the templates what they need to speak."""
    environment.add_extension(InternationalizationExtension)
    texts = {kind: unfilled(kind) for kind in ("gettext", "ngettext", "pgettext", "npgettext")}
    environment.install_gettext_callables(**texts, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        language=language, direction=direction, others=others, chosen_language=chosen, plural=plural
    )
