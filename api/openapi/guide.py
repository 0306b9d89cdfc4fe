"""The pages that explain the API to people and let them try it, from its description. Knows no operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from api.answering.documents import validated
from api.asking.parameters import Parameters
from api.asking.query import nearest, pairs, read
from api.draw.look import Theme
from api.openapi.build import document
from api.openapi.operations import GROUPS, OPERATIONS
from api.page import failed
from api.page.answered import MEDIA_TYPE
from api.page.assets import assets
from api.page.look import keep
from api.site import site

PARTS = {"": "", "filter": "Filters", "version": "Version", "look": "Look of a picture"}
routes = Blueprint("docs", __name__)
routes.register_error_handler(Exception, failed)
routes.url_defaults(keep)


class _Themed(Parameters):
    theme: Theme = "auto"


@dataclass(frozen=True)
class Field:
    """One parameter as a form shows it."""

    name: str
    place: str
    required: bool
    many: bool
    kind: str
    """choice, number or text."""
    choices: tuple[str, ...]
    description: str
    example: str
    default: str
    limits: str


@dataclass(frozen=True)
class Explained:
    """One operation: what it answers, and its parameters by the part of the question that they belong to."""

    name: str
    path: str
    summary: str
    description: str
    example: str
    media: tuple[str, ...]
    statuses: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, tuple[Field, ...]], ...]


@routes.get("/docs")
def index() -> Response:
    """All operations, and what holds for each of them."""
    return _page("docs.html", None)


@routes.get("/docs/<name>")
def operation(name: str) -> Response:
    """One operation: its parameters as a form, its answers."""
    known = [one.name for one in OPERATIONS]
    if name not in known:
        raise NotFound(f"There is no such operation{nearest(name, known)}")
    return _page("operation.html", name)


def _page(template: str, name: str | None) -> Response:
    read(_Themed, pairs(request.query_string))
    about, groups = _explanations(site().title, request.script_root)
    known = (one for _, operations in groups.values() for one in operations)
    html = render_template(
        template,
        about=about,
        groups=groups,
        shown=next((one for one in known if one.name == name), None),
        root=request.script_root,
        site=site(),
        assets=assets(),
    )
    return validated(html.encode(), MEDIA_TYPE)


@lru_cache(maxsize=4)
def _explanations(title: str, root: str) -> tuple[str, dict[str, tuple[str, tuple[Explained, ...]]]]:
    """What is said of all of it; and by group, what is said of that and its operations."""
    told = document(OPERATIONS, GROUPS, title, root)
    explained = {path: _explained(path, told) for path in told["paths"]}
    groups = {
        group["name"]: (
            group["description"],
            tuple(
                explained[path]
                for path, methods in told["paths"].items()
                if methods["get"]["tags"] == [group["name"]]
            ),
        )
        for group in told["tags"]
    }
    return told["info"]["description"], groups


def _explained(path: str, told: Mapping[str, Any]) -> Explained:
    one = told["paths"][path]["get"]
    parameters = [_resolved(told, parameter) for parameter in one["parameters"]]
    parts = {
        title: tuple(_field(parameter) for parameter in parameters if parameter.get("x-part", "") == part)
        for part, title in PARTS.items()
    }
    responses = {status: _resolved(told, response) for status, response in one["responses"].items()}
    return Explained(
        one["operationId"],
        path,
        one["summary"],
        one.get("description", ""),
        one["x-example"],
        tuple(one["responses"]["200"]["content"]),
        tuple((status, response["description"]) for status, response in responses.items()),
        tuple((title, fields) for title, fields in parts.items() if fields),
    )


def _resolved(told: Mapping[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to; anything else is itself."""
    found: Any = told if "$ref" in one else one
    for step in one.get("$ref", "#").split("/")[1:]:
        found = found[step]
    return dict(found)


def _field(told: Mapping[str, Any]) -> Field:
    schema = told["schema"]
    many = schema.get("type") == "array"
    item = schema["items"] if many else schema
    example = told.get("example", "")
    return Field(
        told["name"],
        told["in"],
        told["required"],
        many,
        "choice" if "enum" in item else "number" if item.get("type") in ("integer", "number") else "text",
        tuple(str(choice) for choice in item.get("enum", ()) if choice != ""),
        told["description"],
        str(example[0] if many else example),
        str(schema.get("default", "")),
        _limits(item, schema.get("maxItems", 0)),
    )


def _limits(item: Mapping[str, Any], times: int) -> str:
    """What a value may be, in a few words."""
    least, most = item.get("minimum"), item.get("maximum")
    said = [f"{least} to {most}"] if least is not None and most not in (None, 999_999_999) else []
    said += [f"up to {item['maxLength']} characters"] if "maxLength" in item else []
    return ", ".join(said + ([f"up to {times} of them"] if times else []))
