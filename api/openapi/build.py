"""From the table of operations to an OpenAPI 3.1 document; knows no single operation and no request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from api.asking.parameters import FilterParameters, Parameters, ReportParameters
from api.openapi.operation import CSV, Operation
from api.openapi.shapes import Problem

Schemas = dict[tuple[str, str], dict[str, Any]]
PROBLEM = "application/problem+json"
ABOUT = (
    "Every operation is a GET; HEAD answers the same headers, OPTIONS what is allowed, anything else is 405. "
    "Any site may read, none may write. Every answer has an ETag unless said otherwise: ask again with "
    "If-None-Match, and 304 costs next to nothing. What goes wrong is told as problem+json (RFC 9457), in "
    "place of a picture as a card of its size. A parameter that is not listed is refused, with the nearest "
    "one that is."
)
_REF = "#/components/schemas/{model}"
_LIMITS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_HEADERS = {
    "ETag": "A strong validator, another one for each content coding.",
    "X-Data-Version": "The newest data version at the time of the answer.",
    "Link": "The next page, rel=next, where there is one.",
    "Content-Disposition": "The name of the file.",
    "Retry-After": "In how many seconds to ask again.",
}
_PROBLEMS = {
    400: "A parameter is unknown, or its value is not understood; the problem names it.",
    412: "The answer is another one than If-Match asks for.",
    414: "Path and query are too long.",
    429: "The client had as many new answers in a minute as are made for one; what is kept is never refused.",
    431: "The headers are too long.",
    500: "Something went wrong on our side.",
    503: "The database is away, too much is drawn at the moment, or the version is not here yet.",
}


def document(
    operations: Iterable[Operation], groups: Mapping[str, str], title: str, root: str
) -> dict[str, Any]:
    """The document; ``root`` is the path that the site lies under, empty for the host itself."""
    operations = list(operations)
    schemas, components = _schemas(operations)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": ABOUT},
        "servers": [{"url": root or "/"}],
        "tags": [{"name": name, "description": told} for name, told in groups.items()],
        "paths": {one.path: {"get": _operation(one, schemas)} for one in operations},
        "components": {
            "schemas": components,
            "parameters": _shared(),
            "headers": {
                name: {"description": told, "schema": {"type": "string"}} for name, told in _HEADERS.items()
            },
            "responses": {
                f"{status}{kind}": _problem(status, told, media)
                for kind, media in (("", ()), ("-picture", ("image/svg+xml", "image/png")))
                for status, told in _PROBLEMS.items()
            },
        },
    }


def _schemas(operations: list[Operation]) -> tuple[Schemas, dict[str, Any]]:
    """The schema of each answer by operation and media type, and what they refer to."""
    asked: list[tuple[tuple[str, str], Any]] = [(("", PROBLEM), Problem)]
    for one in operations:
        asked += [((one.name, kind), shape) for kind, shape in one.answers.items() if shape is not None]
        asked += [((f"{one.name} 500", kind), shape) for kind, shape in one.failing.items()]
    found, rest = TypeAdapter.json_schemas(
        [(key, "serialization", TypeAdapter(shape)) for key, shape in asked], ref_template=_REF
    )
    named = {name: _plain(schema) for name, schema in rest["$defs"].items()}
    return {key: _plain(schema) for (key, _), schema in found.items()}, named


def _operation(one: Operation, schemas: Schemas) -> dict[str, Any]:
    said = {"operationId": one.name, "tags": [one.group], "summary": one.summary}
    if one.description:
        said["description"] = one.description
    return {
        **said,
        "parameters": [*_places(one), *_query(one.parameters)],
        "responses": _responses(one, schemas),
        "x-example": one.example or one.path,
    }


def _responses(one: Operation, schemas: Schemas) -> dict[str, Any]:
    tagged = ["X-Data-Version", "ETag"] if one.validated else []
    more = (["Link"] if one.paged else []) + (["Content-Disposition"] if CSV in one.answers else [])
    content = {kind: _content(schemas.get((one.name, kind))) for kind in one.answers}
    answer = {"description": "The answer.", "headers": _headers(tagged + more), "content": content}
    responses: dict[str, dict[str, Any]] = {"200": answer}
    if one.validated:
        responses["304"] = {"description": "Nothing changed since.", "headers": _headers(tagged)}
    pictures = [kind for kind in one.answers if kind.startswith("image/")]
    for status in _PROBLEMS:
        responses[str(status)] = {"$ref": f"#/components/responses/{status}{'-picture' if pictures else ''}"}
    for status, told in one.also.items():
        responses[str(status)] = _problem(status, told, pictures)
    if one.failing:
        responses["500"] = _problem(500, _PROBLEMS[500], pictures)
        for kind in one.failing:
            responses["500"]["content"][kind] = _content(schemas[f"{one.name} 500", kind])
    return dict(sorted(responses.items()))


def _problem(status: int, told: str, pictures: Iterable[str]) -> dict[str, Any]:
    """A response that tells what is wrong, on the address of a picture as a picture."""
    content = {kind: _content(None) for kind in pictures}
    content[PROBLEM] = _content({"$ref": _REF.format(model=Problem.__name__)})
    headers = _headers(["Retry-After"]) if status in (429, 503) else {}
    return {"description": told, "headers": headers, "content": content}


def _content(schema: dict[str, Any] | None) -> dict[str, Any]:
    return {"schema": schema} if schema else {}


def _headers(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _places(one: Operation) -> list[dict[str, Any]]:
    schemas = {name: _plain(TypeAdapter(kind).json_schema()) for name, kind in one.places.items()}
    return [_parameter(name, "path", schema, required=True) for name, schema in schemas.items()]


def _query(model: type[Parameters]) -> list[dict[str, Any]]:
    """Those of the question itself first, then those that all reports share, by reference."""
    common, found = _described(ReportParameters), _described(model)
    own = [told for name, told in found.items() if told != common.get(name)]
    shared = [name for name, told in common.items() if told == found.get(name)]
    return own + [{"$ref": f"#/components/parameters/{name}"} for name in shared]


def _shared() -> dict[str, dict[str, Any]]:
    """The parameters of every report, and which set each belongs to, so that a reader finds what is not."""
    parts = dict.fromkeys(FilterParameters.names(), "filter") | dict.fromkeys(ReportParameters.LOOK, "look")
    found = _described(ReportParameters)
    return {name: told | {"x-part": parts.get(name, "version")} for name, told in found.items()}


def _described(model: type[Parameters]) -> dict[str, dict[str, Any]]:
    schema = model.model_json_schema(by_alias=True)
    required = schema.get("required", ())
    return {
        name: _parameter(name, "query", one, name in required)
        for name, one in _named(schema.get("properties", {})).items()
    }


def _parameter(name: str, place: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    description, examples = schema.pop("description", ""), schema.pop("examples", [])
    many = schema.get("type") == "array"
    told: dict[str, Any] = {"name": name, "in": place, "required": required, "description": description}
    if many:
        told |= {"style": "form", "explode": True}
    if examples:
        told["example"] = [examples[0]] if many else examples[0]
        (schema["items"] if many else schema)["examples"] = examples
    return told | {"schema": schema}


def _plain(schema: Any) -> Any:
    """Without what pydantic adds for itself: titles, empty defaults, limits under its own names."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    choices = schema.get("anyOf", [])
    if {"type": "null"} in choices and schema.get("default", ...) is None:
        # A parameter that may be left out; null is nothing that a query could say.
        [only] = [one for one in choices if one != {"type": "null"}]
        schema = {**only, **{key: value for key, value in schema.items() if key != "anyOf"}}
    return {
        _LIMITS.get(key, key): _named(value) if key in ("properties", "$defs") else _plain(value)
        for key, value in schema.items()
        if key != "title" and not (key == "default" and value in (None, [], "", {}))
    }


def _named(schemas: dict[str, Any]) -> dict[str, Any]:
    """Schemas by the names of what they describe, which may be called like anything, even ``title``."""
    return {name: _plain(one) for name, one in schemas.items()}
