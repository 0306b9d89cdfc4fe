"""What is settled once for a table, before its rows are understood: terms, day and month, Latin, the feed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from zoneinfo import ZoneInfo

from ingest.formats.table import Table, Wanted
from ingest.meaning.evidence import gather
from ingest.meaning.parse import Rules
from ingest.outcome import Options
from ingest.sources.source import Source, Unreadable
from ingest.words import columns, days, taxa


def wanted(options: Options) -> Wanted:
    """What its reader is asked."""
    given = frozenset(map(columns.known_term, (*options.set, *options.map.values())))
    return Wanted(options.sheet, options.min_confidence, given)


def settle(source: Source, table: Table, options: Options) -> Rules:
    """How this table is to be understood. Raises Unreadable where it lacks a date, a name or their order."""
    constants = {columns.known_term(name): value for name, value in options.set.items()}
    terms = columns.understand(table.columns, {**table.told, **options.map})
    terms = {column: term for column, term in terms.items() if term not in constants}
    held = set(terms.values()) | set(constants)
    for needed, what in ((columns.NEEDS_DATE, "a date"), (columns.NEEDS_NAME, "a species")):
        if held.isdisjoint(needed):
            raise Unreadable(
                f"{source.name} has no column for {what}: its columns are {', '.join(table.columns[:20])};"
                f" name one with --map COLUMN={needed[0]}, or give it to every row with"
                f" --set {needed[0]}=VALUE{' (empty for no date)' if needed == columns.NEEDS_DATE else ''}."
            )
    zone = ZoneInfo(options.timezone) if options.timezone else None
    order = options.date_order or table.date_order or _order(source, table, terms)
    latin = _latin(table, terms, constants)
    found = gather(source.name, table, terms)
    return Rules(
        *(table.columns, terms, order, zone, latin, table.delimiter, constants),
        decimal_comma=found.decimal_comma,
        comma_told=found.comma_told,
        notes=found.notes,
    )


def _order(source: Source, table: Table, terms: Mapping[str, str]) -> days.Order | None:
    at = {term: table.columns.index(column) for column, term in terms.items()}
    if "eventDate" not in at:
        return None
    date, day, month = (at.get(term) for term in ("eventDate", "day", "month"))

    def cell(row: list[str], place: int | None) -> str:
        return row[place] if place is not None and place < len(row) else ""

    rows = chain.from_iterable(chunk.rows for chunk in table.chunks())
    dates = ((cell(row, date), cell(row, day), cell(row, month)) for row in rows)
    head = list(islice(dates, 1_000))
    if days.order_of(head) is None:
        return None
    found = days.order_of(chain(head, dates))
    if found == "undecided":
        example = next(one[0] for one in head if days.order_of([one]))
        raise Unreadable(
            f"{source.name} has dates like {example!r} and nothing in it tells for certain the day"
            " from the month: say --date-order DMY or MDY."
        )
    return found


def _latin(table: Table, terms: Mapping[str, str], constants: Mapping[str, str]) -> bool:
    """Whether what the table calls species are scientific names."""
    if "species" in constants:
        return taxa.looks_latin([constants["species"]])
    column = next((name for name, term in terms.items() if term == "species"), None)
    if column is None or "scientificName" in terms.values():
        return True
    place = table.columns.index(column)
    first = next(table.chunks(), None)
    sample = first.rows[:2_000] if first else []
    names = (row[place] for row in sample if place < len(row))
    return taxa.looks_latin(names, beside_genus="genus" in terms.values())


def signature(names: Iterable[str]) -> str:
    """The feed of a table of no global source: the same columns are the same feed, however it is named."""
    text = "\n".join(sorted(columns.plain(name) for name in names))
    return f"table-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
