"""From a query string to one frozen value, or to a refusal that names the parameter. Knows no report."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError

from api.asking.parameters import Parameters
from api.speech import _

MOST_PAIRS = 200
Pairs = Sequence[tuple[str, str]]
P = TypeVar("P", bound=Parameters)


class BadParameter(ValueError):
    """A query that is refused; says in one sentence why, and which parameter is at fault if one is."""

    def __init__(self, sentence: str, parameter: str | None = None) -> None:
        super().__init__(sentence)
        self.parameter = parameter


def pairs(query: bytes) -> list[tuple[str, str]]:
    """A query string as names and values; refuses broken escapes, what is not UTF-8, NUL, too many."""
    parts = [part for part in query.split(b"&") if part]
    if len(parts) > MOST_PAIRS:
        raise BadParameter(_("The query has more than %(num)s parameters.", num=MOST_PAIRS))
    found = []
    for part in parts:
        name, _sign, value = part.partition(b"=")
        found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(written: bytes) -> str:
    if re.search(rb"%(?![0-9A-Fa-f]{2})", written):
        raise BadParameter(_("The query has a percent sign that begins no escape."))
    try:
        plain = unquote_to_bytes(written.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadParameter(_("The query is not UTF-8.")) from None
    if "\0" in plain:
        raise BadParameter(_("The query holds a NUL character."))
    return plain


def read(model: type[P], given: Pairs) -> P:
    """The one value that these names and values mean. Raises BadParameter."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    found: dict[str, Any] = {}
    for name, value in given:
        if name in model.NOT_HELD:
            raise BadParameter(_not_held(name, model.NOT_HELD[name], fields), name)
        if name not in fields:
            raise BadParameter(
                _("This is not a parameter here%(hint)s", hint=nearest(name, fields)), name[:100]
            )
        if not value:
            raise BadParameter(_("%(name)s is empty.", name=name), name)
        if isinstance(fields[name].default, tuple):
            found.setdefault(name, []).append(value)
        elif name in found:
            raise BadParameter(_("%(name)s is given more than once.", name=name), name)
        else:
            found[name] = value
    try:
        return model.model_validate(found)
    except ValidationError as error:
        complaint = error.errors(include_url=False, include_input=False)[0]
        if not complaint["loc"]:  # of several parameters together; the sentence begins with the one at fault
            sentence = _sentence(complaint["type"], complaint.get("ctx", {}))
            raise BadParameter(_ended(sentence), sentence.partition(" ")[0]) from None
        name = str(complaint["loc"][0])
        sentence = f"{name} {_sentence(complaint['type'], complaint.get('ctx', {}))}"
        raise BadParameter(_ended(sentence), name) from None


def _ended(sentence: str) -> str:
    """A sentence with its full stop, unless it ends in the question whether another name was meant."""
    return sentence if sentence.endswith("?") else f"{sentence}."


def _not_held(name: str, near: str, fields: Iterable[str]) -> str:
    told = _meant(near) if near else _there_are(fields)
    return _(
        "%(name)s is a filter of GBIF's for something that is not held here%(hint)s", name=name, hint=told
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the closest known one, or all of them."""
    known = list(known)
    lower = {one.lower(): one for one in known}
    if not lower:
        return _("; there are none.")
    near = difflib.get_close_matches(name.lower()[:100], list(lower), n=1, cutoff=0.5)
    return _meant(lower[near[0]]) if near else _there_are(known)


def _meant(name: str) -> str:
    return _("; did you mean %(name)s?", name=name)


def _there_are(names: Iterable[str]) -> str:
    """Names in a sentence, without the variants of one for each facet (country.facetLimit)."""
    return _("; there are %(names)s.", names=", ".join(name for name in names if "." not in name))


def _sentence(kind: str, context: dict[str, Any]) -> str:
    match kind:
        case "missing":
            return _("is missing")
        case "greater_than_equal":
            return _("must be at least %(least)s", least=context["ge"])
        case "less_than_equal":
            return _("must be at most %(most)s", most=context["le"])
        case "literal_error":
            between = _(" or ")
            return _("must be %(choices)s", choices=context["expected"].replace(" or ", between))
        case _:
            return str(context.get("error", _("cannot be understood")))
