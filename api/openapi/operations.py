"""All that can be asked of the API, one line or so for each; a test holds it against the routes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.asking.paging import OccurrenceParameters
from api.asking.parameters import FilterParameters
from api.asking.species_parameters import (
    MatchParameters,
    SearchParameters,
    SuggestParameters,
    UsageParameters,
)
from api.export import FORMS
from api.export.making import ExportParameters
from api.openapi import shapes
from api.openapi.operation import CSV, MEDIA, Operation, of_report, told
from api.reports import REPORTS
from api.routes.ledger import RejectsParameters, RunsParameters
from api.routes.liveness import ReadyParameters
from api.routes.occurrences import CountParameters
from api.routes.reading import AnimalParameters, DivideParameters
from db.taxon_keys import MOST_KEY

Form = Annotated[
    Literal["svg", "png", "json", "csv"], Field(description="What the answer is.", examples=["svg"])
]
Table = Annotated[Literal["json", "csv"], Field(description="What the answer is.", examples=["json"])]
File = Annotated[
    Literal["csv", "ndjson", "parquet", "zip"],
    Field(description="What the file is; zip is a Darwin Core Archive.", examples=["csv"]),
]
RecordKey = Annotated[
    int, Field(ge=1, le=9_007_199_254_740_991, description="The key of a record.", examples=[1])
]
TaxonKey = Annotated[int, Field(ge=1, le=MOST_KEY, description="The key of a taxon.", examples=[1])]
RunNumber = Annotated[int, Field(ge=1, le=2_147_483_647, description="The number of a run.", examples=[1])]

GROUPS = {
    "Reports": "One question each, and four answers with the same numbers: SVG, PNG, JSON and CSV.",
    "Records": "Records and taxa as GBIF's clients ask for them, and whole to keep.",
    "Data": "How new the data is, what was ingested, and what became of every row.",
    "Service": "Whether it runs, and this description.",
    "Reading": "The requests of the course reading that this grew from.",
}
NO_RUN = "There is no such run."
NOT_YET = {404: "The version of asOf is not here."}

OPERATIONS: tuple[Operation, ...] = (
    Operation("/api/v1/reports", "reports", "Reports", "Which reports are there?", told(shapes.Catalogue)),
    *(of_report(report, shapes.Meta, Form) for report in REPORTS.values()),
    Operation("/api/v1/occurrence/search", "searchOccurrences", "Records", "Which records are there?",
              told(shapes.Occurrences), OccurrenceParameters, also=NOT_YET, paged=True),
    Operation("/api/v1/occurrence/count", "countOccurrences", "Records", "How many records are there?",
              told(int), CountParameters, also=NOT_YET),
    Operation("/api/v1/occurrence/{key}", "occurrence", "Records", "What does one record say?",
              told(shapes.Occurrence), places={"key": RecordKey}, example="/api/v1/occurrence/1",
              also={404: "There is no record of this key."}),
    Operation("/api/v1/species/search", "searchSpecies", "Records", "Which taxa are there?",
              told(shapes.Usages), SearchParameters, paged=True),
    Operation("/api/v1/species/suggest", "suggestSpecies", "Records", "Which taxa begin with what was typed?",
              told(list[shapes.Usage]), SuggestParameters, example="/api/v1/species/suggest?q=wo"),
    Operation("/api/v1/species/match", "matchSpecies", "Records", "Which taxon does a name mean?",
              told(shapes.Match), MatchParameters, example="/api/v1/species/match?name=Canis+lupus"),
    Operation("/api/v1/species/{key}", "taxon", "Records", "What is known of one taxon?",
              told(shapes.Usage), UsageParameters, {"key": TaxonKey}, "/api/v1/species/1",
              also={404: "There is no taxon of this key."}),
    Operation("/api/v1/export.{form}", "export", "Records", "What do the records say that the filters leave?",
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
              description="503 where the database is away or stands at another schema.", validated=False,
              also={403: "Details are asked for from another machine, without the token."}),
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
