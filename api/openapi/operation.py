"""What an operation of the API is, as one value that a document can be made from. Knows no single one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pydantic import create_model

from api.answering.order import FORMS
from api.asking.parameters import Parameters
from api.reports.report import Report
from api.shape import Shape

JSON = "application/json"
CSV = "text/csv"
MEDIA = {form: media_type.partition(";")[0] for form, media_type in FORMS.items()}
"""The media type of each form, without its charset."""

Answers = Mapping[str, Any]
"""Media type -> the type that describes its JSON; None where the bytes have no schema."""


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked with GET. HEAD and OPTIONS go without saying, and there is nothing else."""

    path: str
    """As OpenAPI writes it: ``/api/v1/runs/{run}``."""
    name: str
    group: str
    summary: str
    answers: Answers
    parameters: type[Parameters] = Parameters
    places: Mapping[str, Any] = field(default_factory=dict)
    """What stands in the path: name -> an annotated type."""
    example: str = ""
    """An address that answers, where the path alone is none."""
    description: str = ""
    also: Mapping[int, str] = field(default_factory=dict)
    """What else can go wrong beside what can go wrong everywhere: status -> when."""
    failing: Answers = field(default_factory=dict)
    """What 500 is where it is no problem+json."""
    validated: bool = True
    """Whether it has an ETag."""
    paged: bool = False
    """Whether it links to its next page."""


def told(shape: Any) -> Answers:
    """An answer in JSON."""
    return {JSON: shape}


def of_report(report: Report[Any, Any], meta: type[Shape], form: object) -> Operation:
    """The operation of a report: four forms of one answer."""
    name = report.name.capitalize()
    rows: Any = list[report.row]  # type: ignore[name-defined]
    answer = create_model(f"{name}Answer", __base__=Shape, meta=(meta, ...), data=(rows, ...))
    return Operation(
        f"/api/v1/reports/{report.name}.{{form}}",
        report.name,
        "Reports",
        report.question,
        {MEDIA["svg"]: None, MEDIA["png"]: None, JSON: answer, CSV: None},
        report.parameters,
        {"form": form},
        f"/api/v1/reports/{report.name}.svg{_needed(report.parameters)}",
        also={404: "The version of asOf is not here, or nothing is known by a name that is needed."},
    )


def _needed(model: type[Parameters]) -> str:
    """The query without which nothing can be answered, made of the examples."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    needed = [(name, (fields[name].examples or [""])[0]) for name in model.required()]
    return f"?{urlencode(needed)}" if needed else ""
