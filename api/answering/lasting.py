"""The word by which a route says that its answer stays the same until the data changes. Knows no memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request

_NAME = "sightings.lasting"
_LANGUAGES = "sightings.languages"


@dataclass(frozen=True)
class Lasting:
    """It depends on the request line, on the coding and language of those on offer, the data and the day."""

    offered: tuple[str, ...]
    """The content codings that the answer is offered in beside plain."""
    version: int
    """The newest data version when it was answered, whatever version it is about."""
    route: str
    languages: tuple[str, ...] = ()
    """Those that the answer is offered in, where the request line does not say which."""
    until: float = float("inf")
    """When it ends though nothing was committed, in seconds since 1970."""


def choose(languages: tuple[str, ...]) -> None:
    """Say that the answer to the request at hand is in one of these, by its Accept-Language."""
    request.environ[_LANGUAGES] = languages


def say(offered: tuple[str, ...], version: int, until: float = float("inf")) -> None:
    """Say it of the answer to the request at hand."""
    route = request.url_rule.rule if request.url_rule else ""
    request.environ[_NAME] = Lasting(offered, version, route, request.environ.get(_LANGUAGES, ()), until)


def said(environ: dict[str, Any]) -> Lasting | None:
    """What was said of the answer to this request."""
    found = environ.get(_NAME)
    return found if isinstance(found, Lasting) else None
