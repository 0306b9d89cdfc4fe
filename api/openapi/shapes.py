"""What the answers look like, field by field; tests hold it against real ones. Knows no route."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from api.shape import PlainRow, Shape

Date = Annotated[
    str | None,
    Field(description="ISO 8601, as precise as it was given: a day, a month, a year, or two of them with /."),
]
Moment = Annotated[str | None, Field(description="UTC, ISO 8601.")]
Counts = dict[str, int]


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str = Field("", description="The parameter at fault, where one is.")
    instance: str = Field("", description="What the log calls it, where it was logged.")


class Version(Shape):
    """How new the data is."""

    data_version: int = Field(description="The newest run that changed anything; it only grows.")
    data_as_of: Date
    ingested_at: Moment


class Entry(Shape):
    """A report in the catalogue."""

    name: str
    question: str
    parameters: list[str]
    required: list[str] = Field(description="Those without which nothing can be answered.")
    forms: dict[str, str] = Field(description="Form -> path.")


class Catalogue(Shape):
    """All reports."""

    reports: list[Entry]


class Meta(Shape):
    """What has to be known about a report's numbers; a report may tell more than this."""

    model_config = ConfigDict(extra="allow")

    report: str
    question: str
    filters: dict[str, list[str]] = Field(description="As they were understood.")
    measure: Literal["records", "individuals", "species"] | None = Field(description="What is counted.")
    unit: str | None
    interval: str | None
    data_version: int = Field(description="The newest run that touched what the report looks at.")
    data_as_of: Date
    ingested_at: Moment
    timezone: str
    partial: bool = Field(description="Whether a bucket in it is still under way.")
    warnings: list[str]
    left_out: list[PlainRow] = Field(description="What is not among the rows, how much of it, and why.")
    sources: list[str] = Field(description="The feeds that the numbers come from.")


class Run(Shape):
    """A line of the ledger: one ingest of one input."""

    run: int
    feed: str | None
    input: str
    bytes: int | None
    sha256: str | None
    format: str
    status: Literal["committed", "unchanged", "failed", "needs_approval", "abandoned", "undone"]
    started_at: str
    finished_at: str
    read: int
    inserted: int
    updated: int
    duplicate: int
    rejected: int
    skipped: int
    removed: int
    restored: int
    skips: Counts
    issues: Counts
    message: str
    undoes: int | None = Field(description="The run that this one took back.")
    replays: int | None = Field(description="The run whose rejects this one read again.")
    repeats: int | None = Field(description="The run that had read the same bytes.")


class Runs(Shape):
    """The newest runs, the newest first."""

    runs: list[Run]


class WholeRun(Run):
    """All that the ledger says of one run."""

    reasons: Counts = Field(description="Why rows were refused, and how many.")
    columns: list[str]
    terms: dict[str, str] = Field(description="Column -> the term that it was understood as.")
    options: dict[str, Any]
    days: Date
    undone_by: int | None


class Reject(Shape):
    """A row that was refused."""

    line: int | None
    reason: str
    field: str | None
    detail: str | None
    raw: str | None


class RejectsMeta(Shape):
    """Whose rejects, and how many of how many."""

    run: int
    rejected: int
    listed: int


class Rejects(Shape):
    """The rows that a run refused, as they came."""

    meta: RejectsMeta
    data: list[Reject]


class Alive(Shape):
    """The process answers."""

    status: Literal["ok"]


class FeedState(Shape):
    """The last run of a feed."""

    run: int
    status: str
    finished_at: str
    inserted: int
    rejected: int
    message: str


class Ready(Alive):
    """The database can be read; all but the status only where ``verbose`` is asked for."""

    data_version: int = 0
    revision: str = Field("", alias="schema")
    cache_failures: int = 0
    feeds: dict[str, FeedState] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)


class Quotient(Shape):
    """One number divided by another."""

    num: float
    denom: float
    result: float


class NoQuotient(Shape):
    """A number that cannot be divided by zero."""

    num: float
    denom: float
    result: None
    error: str


class Open(Shape):
    """An object of GBIF's: the fields that matter; there may be more, and what is not known is left out."""

    model_config = ConfigDict(extra="allow")


class Occurrence(Open):
    """One record under Darwin Core's names, as GBIF has it."""

    key: int
    occurrence_id: str = Field("", alias="occurrenceID")
    event_date: str = ""
    year: int = 0
    month: int = 0
    day: int = 0
    scientific_name: str = ""
    vernacular_name: str = ""
    taxon_key: int
    accepted_taxon_key: int
    taxonomic_status: Literal["ACCEPTED"]
    individual_count: int | float = 0
    occurrence_status: Literal["PRESENT", "ABSENT"]
    basis_of_record: str = ""
    country_code: str = ""
    state_province: str = ""
    locality: str = ""
    decimal_latitude: float = 0
    decimal_longitude: float = 0
    has_coordinate: bool
    issues: list[str]
    feed: str


class Usage(Open):
    """A taxon, or what is above one."""

    key: int
    scientific_name: str = ""
    canonical_name: str = ""
    vernacular_name: str = ""
    rank: str
    taxonomic_status: Literal["ACCEPTED"]
    synonym: bool
    parent: str = ""
    parent_key: int = 0
    num_occurrences: int = Field(description="Records of it and of all below it.")


class FacetCount(Shape):
    """How many records have one value."""

    name: str
    count: int


class Facet(Shape):
    """The values of one field, the most frequent first."""

    field: str
    counts: list[FacetCount]


class Page(Shape):
    """GBIF's envelope around a page of results."""

    offset: int
    limit: int
    end_of_records: bool
    count: int = Field(description="Of all that the filters leave.")
    facets: list[Facet]


class Occurrences(Page):
    """A page of records."""

    results: list[Occurrence]


class Usages(Page):
    """A page of taxa."""

    results: list[Usage]


class Match(Open):
    """The taxon that a name means, and how sure that is."""

    match_type: Literal["EXACT", "FUZZY", "HIGHERRANK", "NONE"]
    confidence: int
    synonym: bool
