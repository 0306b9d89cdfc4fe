"""All that can be asked of the API, one line or so for each; a test holds it against the routes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.export import FORMS
from api.export.making import ExportParameters
from api.ledger import RejectsParameters, RunsParameters
from api.liveness import ReadyParameters
from api.openapi import shapes
from api.openapi.operation import CSV, MEDIA, Operation, of_report, told
from api.parameters import FilterParameters
from api.reading import AnimalParameters, DivideParameters
from api.reports import REPORTS

Form = Annotated[
    Literal["svg", "png", "json", "csv"], Field(description="What the answer is.", examples=["svg"])
]
Table = Annotated[Literal["json", "csv"], Field(description="What the answer is.", examples=["json"])]
File = Annotated[
    Literal["csv", "ndjson", "parquet", "zip"],
    Field(description="What the file is; zip is a Darwin Core Archive.", examples=["csv"]),
]
RunNumber = Annotated[int, Field(ge=1, le=2_147_483_647, description="The number of a run.", examples=[1])]

GROUPS = {
    "Reports": "One question each, and four answers with the same numbers: SVG, PNG, JSON and CSV.",
    "Data": "How new the data is, what was ingested, and what became of every row.",
    "Service": "Whether it runs, and this description.",
    "Reading": "The requests of the course reading that this grew from.",
}
NO_RUN = "There is no such run."

OPERATIONS: tuple[Operation, ...] = (
    Operation("/api/v1/reports", "reports", "Reports", "Which reports are there?", told(shapes.Catalogue)),
    *(of_report(report, shapes.Meta, Form) for report in REPORTS.values()),
    Operation("/api/v1/export.{form}", "export", "Data", "What do the records say that the filters leave?",
              {form.media_type.partition(";")[0]: None for form in FORMS.values()}, ExportParameters,
              {"form": File}, "/api/v1/export.csv?year=2020",
              also={404: "The version of asOf is not here.", 413: "It is more than one file may hold."}),
    Operation("/api/v1/version", "version", "Data", "How new is the data, or what the filters leave of it?",
              told(shapes.Version), FilterParameters,
              description="Tiny, and made to be polled with If-None-Match."),
    Operation("/api/v1/runs", "runs", "Data", "What was ingested, the newest first?",
              told(shapes.Runs), RunsParameters, paged=True),
    Operation("/api/v1/runs/{run}", "run", "Data", "What does the ledger say of one run?",
              told(shapes.WholeRun), places={"run": RunNumber}, example="/api/v1/runs/1", also={404: NO_RUN}),
    Operation("/api/v1/runs/{run}/rejects.{form}", "rejects", "Data", "Which rows did a run refuse, and why?",
              {**told(shapes.Rejects), CSV: None}, RejectsParameters, {"run": RunNumber, "form": Table},
              "/api/v1/runs/1/rejects.json", also={404: NO_RUN}, paged=True),
    Operation("/livez", "livez", "Service", "Does the process answer?", told(shapes.Alive), validated=False),
    Operation("/readyz", "readyz", "Service", "Can it serve?", told(shapes.Ready), ReadyParameters,
              description="503 where the database is away or stands at another schema.", validated=False),
    Operation("/api/v1/openapi.json", "openapi", "Service", "What can be asked here, as OpenAPI 3.1?",
              told(dict[str, object])),
    Operation("/animal.svg", "animal", "Reading", "How many of one animal were seen each year?",
              {MEDIA["svg"]: None}, AnimalParameters, example="/animal.svg?type=Deer",
              also={404: "Nothing here is known by this name."}),
    Operation("/bears.svg", "bears", "Reading", "What does the chart of bears show that was saved last?",
              {MEDIA["svg"]: None}, also={404: "No chart of bears is saved yet."}),
    Operation("/divide.json", "divide", "Reading", "What is one number divided by another?",
              told(shapes.Quotient), DivideParameters, example="/divide.json?numerator=1&denominator=2",
              failing=told(shapes.NoQuotient), validated=False),
)  # fmt: skip
