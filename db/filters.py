"""What a question is restricted to: filters as a value, what they mean here, and the version of that."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, or_, select

from db.former import names_as_of
from db.models import FOREVER, Feed, Place, Run, Sighting, Touched
from db.taxon_keys import names_of, narrowed, taxa_below
from db.traits import ANY, Traits, trait_conditions

Span = tuple[int, int]
"""Two ends, both inclusive: days as YYYYMMDD, or years."""


class NotYet(Exception):
    """A version was asked for that this database does not have (yet)."""


@dataclass(frozen=True)
class Filters:
    """The filters of a question; each holds alternatives, empty is "any". Hashable: it is a cache key."""

    scientific_names: tuple[str, ...] = ()
    vernacular_names: tuple[str, ...] = ()
    species: tuple[str, ...] = ()
    """Names of either kind."""
    taxon_keys: tuple[int, ...] = ()
    days: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    months: tuple[int, ...] = ()
    countries: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    localities: tuple[str, ...] = ()
    bases_of_record: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None
    """Longitude and latitude of the lower left and the upper right corner; may cross the antimeridian."""
    among: tuple[str, ...] = ()
    """Names of either kind that a report is about by itself: they narrow down what the others name."""
    key_sets: tuple[tuple[int, ...], ...] = ()
    """Sets of taxon keys: a record's taxon lies below one of each, whatever else it is asked for by."""
    ranks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """A rank, kingdom to species, and the names in lower case that a record's taxon may have there."""
    traits: Traits = ANY

    @property
    def names_taxa(self) -> bool:
        """Whether it asks for certain taxa."""
        return bool(self.among or self._chooses_taxa)

    @property
    def _chooses_taxa(self) -> bool:
        return bool(self.scientific_names or self.vernacular_names or self.species or self.taxon_keys)

    @property
    def needs_records(self) -> bool:
        """Whether it asks for what the rollups do not keep apart."""
        of_place = self.countries or self.states or self.localities or self.bbox
        return bool(of_place or self.bases_of_record or self.traits != ANY)

    @property
    def day_spans(self) -> tuple[Span, ...]:
        """The years, as days."""
        return tuple((first * 10_000 + 101, min(last * 10_000 + 1231, FOREVER)) for first, last in self.years)

    @property
    def outer_days(self) -> Span:
        """The first and last day that can matter."""
        first, last = 0, FOREVER
        for spans in (self.days, self.day_spans):
            if spans:
                first = max(first, min(start for start, _ in spans))
                last = min(last, max(end for _, end in spans))
        return first, last


@dataclass(frozen=True)
class Scope:
    """The filters as this database understands them at one version."""

    filters: Filters
    version: int
    """The highest run that touched what the question looks at; 0 where none did."""
    taxa: tuple[int, ...] | None
    """None is every taxon."""
    feeds: tuple[int, ...] | None
    as_of: int | None = None
    """The data version that records and names are to be of; None is today's."""
    unknown: tuple[str, ...] = ()
    """Names that nothing here is known by."""
    unknown_keys: tuple[int, ...] = ()
    """The same of taxon keys."""
    revision: int | None = None
    """``as_of``, where a later run touched what it looks at; else the records of today are those of then."""


def data_version(connection: Connection, at_most: int | None = None) -> int:
    """The id of the newest run, up to one if it is given, that changed anything; 0 where none did."""
    newest = select(func.coalesce(func.max(Run.id), 0)).where(Run.changed)
    if at_most is not None:
        newest = newest.where(Run.id <= at_most)
    return int(connection.execute(newest).scalar_one())


def scope(connection: Connection, filters: Filters, as_of: int | None = None) -> Scope:
    """Look the filters' names up and find the version of what they cover.

    Conservative: the version may rise though the answer stays, never the other way round. An ``as_of`` that
    never was a data version, as the number of a run that failed, means the newest below it. Raises NotYet for
    one beyond the data version.
    """
    if as_of is not None:
        as_of = _settled(connection, as_of)
    taxa, unknown = _taxa(connection, filters, as_of)
    taxa = narrowed(connection, taxa, filters.key_sets, filters.ranks, as_of)
    feeds, unknown_feeds = _feeds(connection, filters, as_of)
    first, last = filters.outer_days
    meets = [Touched.first_day <= last, Touched.last_day >= first]
    if taxa is not None:
        meets.append(Touched.taxon_id.in_(taxa))
    if feeds is not None:
        # Names may have been learned from any feed; that is written down as all days.
        of_feed = Touched.run_id.in_(select(Run.id).where(Run.feed_id.in_(feeds)))
        meets.append(or_(of_feed, and_(Touched.first_day == 0, Touched.last_day == FOREVER)))
    version = _newest(connection, meets)
    revision = None
    if as_of is not None and version > as_of:
        version, revision = _newest(connection, [*meets, Touched.run_id <= as_of]), as_of
    known = names_of(connection, filters.taxon_keys, as_of) if filters.taxon_keys else {}
    keys = tuple(key for key in filters.taxon_keys if key not in known)
    return Scope(filters, version, taxa, feeds, as_of, unknown + unknown_feeds, keys, revision)


def _newest(connection: Connection, meets: list[ColumnElement[bool]]) -> int:
    asked = select(func.coalesce(func.max(Touched.run_id), 0)).where(*meets)
    return int(connection.execute(asked).scalar_one())


def _settled(connection: Connection, as_of: int) -> int:
    newest = data_version(connection)
    if as_of > newest:
        raise NotYet(f"Version {as_of} does not exist yet; the newest is {newest}.")
    return data_version(connection, as_of)


def _taxa(
    connection: Connection, filters: Filters, as_of: int | None
) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    if not filters.names_taxa:
        return None, ()
    chosen, unknown = _named(
        connection,
        as_of,
        (filters.scientific_names, ("scientific",)),
        (filters.vernacular_names, ("vernacular",)),
        (filters.species, _EITHER),
    )
    chosen |= taxa_below(connection, filters.taxon_keys, as_of)
    if filters.among:
        narrow, more = _named(connection, as_of, (filters.among, _EITHER))
        chosen = narrow & chosen if filters._chooses_taxa else narrow
        unknown += more
    return tuple(sorted(chosen)), tuple(unknown)


_EITHER = ("scientific", "vernacular")


def _named(
    connection: Connection, as_of: int | None, *wanted: tuple[Sequence[str], Sequence[str]]
) -> tuple[set[int], list[str]]:
    """The taxa that go by these names of these kinds, and the names that nothing goes by."""
    found: set[int] = set()
    unknown: list[str] = []
    for names, kinds in wanted:
        for name in names:
            ids = taxa_named(connection, name, as_of, kinds)
            found.update(ids)
            unknown += [] if ids else [name]
    return found, unknown


def taxa_named(
    connection: Connection, name: str, as_of: int | None, kinds: Sequence[str] = _EITHER
) -> list[int]:
    """The ids of all taxa that this name, whatever its capitals, or the higher taxon of it stands for.

    As of a data version (a scope's), or of today.
    """
    known = names_as_of(as_of).c
    matching = select(known.taxon_id).where(known.name_key == name.casefold(), known.kind.in_(kinds))
    return [int(key) for key in connection.execute(matching.distinct()).scalars()]


def _feeds(
    connection: Connection, filters: Filters, as_of: int | None
) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """Ids, and names that no run has brought anything under: one that failed makes no feed known."""
    if not filters.feeds:
        return None, ()
    brought = exists().where(Run.feed_id == Feed.id, Run.changed)
    if as_of is not None:
        brought = brought.where(Run.id <= as_of)
    named = select(Feed.name, Feed.id).where(Feed.name.in_(filters.feeds), brought)
    rows = connection.execute(named).all()
    unknown = set(filters.feeds) - {row.name for row in rows}
    return tuple(sorted(row.id for row in rows)), tuple(sorted(unknown))


def conditions(scope: Scope) -> list[ColumnElement[bool]]:
    """The scope as conditions on ``sighting``. A record is in a span of days when its whole interval is."""
    filters, terms = scope.filters, [_revision(scope.revision)]
    for column, ids in ((Sighting.taxon_id, scope.taxa), (Sighting.feed_id, scope.feeds)):
        if ids is not None:
            terms.append(column.in_(ids) if ids else false())
    for spans in (filters.days, filters.day_spans):
        if spans:
            within = [and_(Sighting.first_day >= first, Sighting.last_day <= last) for first, last in spans]
            terms.append(or_(*within))
    if filters.months:
        month = Sighting.first_day // 100
        terms += [month == Sighting.last_day // 100, (month % 100).in_(filters.months)]
    if filters.bases_of_record:
        terms.append(Sighting.basis_of_record.in_(filters.bases_of_record))
    return [*terms, *place_conditions(filters), *_box_conditions(filters), *trait_conditions(filters.traits)]


def _revision(as_of: int | None) -> ColumnElement[bool]:
    if as_of is None:
        return Sighting.retired_run.is_(None)
    there_still = or_(Sighting.retired_run.is_(None), Sighting.retired_run > as_of)
    return and_(Sighting.added_run <= as_of, there_still)


def place_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """Country, state and locality as conditions on ``sighting``."""
    wanted = (
        (Place.country_code, filters.countries),
        (Place.state_province, filters.states),
        (Place.locality, filters.localities),
    )
    of_place = [column.in_(names) for column, names in wanted if names]
    return [Sighting.place_id.in_(select(Place.id).where(*of_place))] if of_place else []


def _box_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    if filters.bbox is None:
        return []
    west, south, east, north = filters.bbox
    longitude = Sighting.decimal_longitude
    across = or_(longitude >= west, longitude <= east) if west > east else longitude.between(west, east)
    return [~Sighting.geospatial_issue, Sighting.decimal_latitude.between(south, north), across]


def last_day_of_month(month: int) -> int:
    """202402 -> 20240229."""
    return month * 100 + monthrange(month // 100, month % 100)[1]
