"""What is happening now: the last days in numbers, and the species that are new here. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from api.asking.query import Pairs
from api.page.board.spans import among, before
from api.page.speech import _
from api.page.ways import of_species
from api.page.words import counted, day
from api.reports.buckets import label, labelled
from api.speech import readers_language
from db.filters import Scope
from db.questions import counts
from db.questions.ends import ends_per_taxon

DAYS, NEWEST = 7, 8


@dataclass(frozen=True)
class Newcomer:
    """A species and the day on which it was recorded for the first time."""

    key: int
    name: str
    also: str
    day: str
    page: str


def in_the_last_days(connection: Connection, scope: Scope, last: object) -> str:
    """How much there was in the week up to the latest date, if that is a day."""
    if not isinstance(last, str) or len(last) != 10:
        return ""
    until = labelled(last, "day")
    found = counts.per_bucket(connection, among(scope, before(until, DAYS - 1), until), "day")
    records = sum(count.records for count in found)
    if not records:
        return ""
    individuals = sum(count.individuals for count in found)
    species = len({count.taxon_id for count in found if count.records})
    return _(
        "In the seven days to %(day)s: %(records)s, %(individuals)s of %(species)s.",
        day=day(last),
        records=counted(records, "records"),
        individuals=counted(individuals, "individuals"),
        species=counted(species, "species"),
    )


def newest(connection: Connection, scope: Scope, settings: Pairs) -> tuple[Newcomer, ...]:
    """The species that came last, of those whose first record is dated to a day and none vaguer is older."""
    days, years = (ends_per_taxon(connection, scope, interval) for interval in ("day", "year"))
    firsts = {
        taxon: ends.first
        for taxon, ends in days.items()
        if ends.first is not None and (years[taxon].first or 0) >= ends.first // 10_000
    }
    latest = sorted(firsts, key=lambda taxon: (-firsts[taxon], taxon))[:NEWEST]
    labels = counts.labels(connection, latest, scope.as_of, readers_language())
    return tuple(
        Newcomer(
            taxon,
            labels[taxon].vernacular_name or labels[taxon].name,
            (labels[taxon].scientific_name or "") if labels[taxon].vernacular_name else "",
            day(label(firsts[taxon], "day")),
            of_species(taxon, settings),
        )
        for taxon in latest
    )
