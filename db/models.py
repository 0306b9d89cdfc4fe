"""The tables of Sightings as typed models; knows nothing of how rows get in or what is asked of them.

Days are integers written YYYYMMDD: they sort, compare and divide the same way in SQLite and PostgreSQL
(``day // 100`` is the month), and a person who opens the database can read them. An interval of days is
``first_day``..``last_day``, both inclusive; an undated sighting has neither.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

FOREVER = 99_999_999
"""The open upper end of days; its lower partner is 0."""


BIG = BigInteger().with_variant(Integer, "sqlite")
"""64 bits in both: SQLite's INTEGER has them anyway, and only under that name does it count up by itself."""


class Base(DeclarativeBase):
    """Where all tables are known."""

    # Both databases call a constraint the same, so that a later migration can name it.
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
        }
    )


class Feed(Base):
    """A named source that is read again and again; an occurrenceID is unique within it."""

    __tablename__ = "feed"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    made_up: Mapped[bool] = mapped_column(Boolean, default=False)


class Run(Base):
    """The ledger: one line for each ingest of one input. The newest that changed rows is the data version."""

    __tablename__ = "run"
    # Ids are never reused: a version that was seen once must not come back with other data.
    __table_args__ = (
        Index("ix_run_changed", "id", sqlite_where=text("changed"), postgresql_where=text("changed")),
        Index("ix_run_feed", "feed_id", "id"),
        Index("ix_run_sha256", "sha256"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    feed_id: Mapped[int | None] = mapped_column(ForeignKey("feed.id"))
    input: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    columns: Mapped[Any] = mapped_column(JSON, default=list)
    """The input's own header, in order: the key to ``Sighting.verbatim``."""
    terms: Mapped[Any] = mapped_column(JSON, default=dict)
    """Which Darwin Core term each column was understood as; columns that are not here were kept as extra."""
    started_at: Mapped[str] = mapped_column(Text)
    """UTC, ISO 8601."""
    finished_at: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    """committed, unchanged, failed, needs_approval, abandoned or undone."""
    changed: Mapped[bool] = mapped_column(Boolean, default=False)
    read: Mapped[int] = mapped_column(Integer, default=0)
    inserted: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    duplicate: Mapped[int] = mapped_column(Integer, default=0)
    rejected: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    skips: Mapped[Any] = mapped_column(JSON, default=dict, server_default="{}")
    """Reason -> how many of the skipped rows."""
    restored: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """Revisions that this run brought back (an undo)."""
    removed: Mapped[int] = mapped_column(Integer, default=0)
    """Sightings that this run took back (an undo, a removed feed)."""
    issues: Mapped[Any] = mapped_column(JSON, default=dict)
    """GBIF issue name -> how many kept rows carry it."""
    first_day: Mapped[int | None] = mapped_column(Integer)
    last_day: Mapped[int | None] = mapped_column(Integer)
    message: Mapped[str] = mapped_column(Text, default="")
    bytes: Mapped[int | None] = mapped_column(BIG)
    """How long the input was."""
    options: Mapped[Any] = mapped_column(JSON, default=dict, server_default="{}")
    """What the operator said and what was decided of how the input is to be understood."""
    cursor: Mapped[Any] = mapped_column(JSON, nullable=True)
    """Where the next reading of this feed goes on: an entity tag, a page, a length."""
    undoes: Mapped[int | None] = mapped_column(Integer)
    """The run that this one took back."""
    replays: Mapped[int | None] = mapped_column(Integer)
    """The run whose rejects this one read again."""
    repeats: Mapped[int | None] = mapped_column(Integer)
    """The run that had read the same bytes: its rejects are this one's too."""


class Running(Base):
    """The input that is being read, written before its run begins. Where one is left, its ingester died."""

    __tablename__ = "running"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    input: Mapped[str] = mapped_column(Text)
    feed: Mapped[str] = mapped_column(Text)
    """Empty where it was not clear yet which."""
    format: Mapped[str] = mapped_column(Text)
    made_up: Mapped[bool] = mapped_column(Boolean)
    pid: Mapped[int] = mapped_column(Integer)
    host: Mapped[str] = mapped_column(Text)
    started_at: Mapped[str] = mapped_column(Text)


class Taxon(Base):
    """A kind of animal, plant or fungus as the sources name it; a name is one taxon whatever its capitals."""

    __tablename__ = "taxon"
    __table_args__ = (Index("ix_taxon_scientific_name", "scientific_name"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name_key: Mapped[str] = mapped_column(Text, unique=True)
    """The name, case-folded: the identity."""
    name: Mapped[str] = mapped_column(Text)
    """What a chart calls it: the scientific name without author, or the vernacular one if that is all."""
    scientific_name: Mapped[str | None] = mapped_column(Text)
    vernacular_name: Mapped[str | None] = mapped_column(Text)
    taxon_rank: Mapped[str | None] = mapped_column(Text)
    kingdom: Mapped[str | None] = mapped_column(Text)
    phylum: Mapped[str | None] = mapped_column(Text)
    class_: Mapped[str | None] = mapped_column("class", Text)
    order: Mapped[str | None] = mapped_column("order", Text)
    family: Mapped[str | None] = mapped_column(Text)
    genus: Mapped[str | None] = mapped_column(Text)
    species: Mapped[str | None] = mapped_column(Text)
    added_run: Mapped[int | None] = mapped_column(Integer)
    """The run that brought it, and with it all that no later one filled in."""


class TaxonName(Base):
    """Every name that a taxon can be asked for by, case-folded: its own, vernacular ones, its higher taxa."""

    __tablename__ = "taxon_name"
    __table_args__ = (Index("ix_taxon_name_taxon", "taxon_id"),)
    name_key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    """scientific (its own name or that of a higher taxon) or vernacular."""
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxon.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, default="")
    """IETF language tag of a vernacular name, where the source says it."""
    added_run: Mapped[int | None] = mapped_column(Integer)
    """The run that taught it."""
    since_run: Mapped[int | None] = mapped_column(Integer)
    """The run since which it is known without a break: that one, or an undo that made it known again."""


class FormerName(Base):
    """A name that a taxon went by until an undo took it away: what was known as of an older version."""

    __tablename__ = "former_name"
    name_key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxon.id"), primary_key=True)
    until_run: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    """The run as of which it is not known any more."""
    name: Mapped[str] = mapped_column(Text)
    since_run: Mapped[int | None] = mapped_column(Integer)


class FormerLabel(Base):
    """What a taxon was called before a run filled something in, made it forgotten or brought it again."""

    __tablename__ = "former_label"
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxon.id"), primary_key=True)
    until_run: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    """The run as of which it is called otherwise."""
    name: Mapped[str] = mapped_column(Text)
    scientific_name: Mapped[str | None] = mapped_column(Text)
    vernacular_name: Mapped[str | None] = mapped_column(Text)
    taxon_rank: Mapped[str | None] = mapped_column(Text)
    kingdom: Mapped[str | None] = mapped_column(Text)
    phylum: Mapped[str | None] = mapped_column(Text)
    class_: Mapped[str | None] = mapped_column("class", Text)
    order: Mapped[str | None] = mapped_column("order", Text)
    family: Mapped[str | None] = mapped_column(Text)
    genus: Mapped[str | None] = mapped_column(Text)
    species: Mapped[str | None] = mapped_column(Text)
    added_run: Mapped[int | None] = mapped_column(Integer)
    """The run that had brought it by then: as of an earlier version there was no such taxon."""


class Lesson(Base):
    """What a run filled in of a taxon that was there before it, and what an undo made forgotten."""

    __tablename__ = "lesson"
    __table_args__ = (Index("ix_lesson_forgotten", "forgotten_run"),)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxon.id"), primary_key=True)
    field: Mapped[str] = mapped_column(Text, primary_key=True)
    """A column of ``taxon``; or, of a name that was forgotten, its kind."""
    text: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, default="", server_default="")
    forgotten_run: Mapped[int | None] = mapped_column(Integer)
    """The undo that took it back."""


class Place(Base):
    """Where: country, state, county, locality and the site's own identifier; what was not given is empty."""

    __tablename__ = "place"
    __table_args__ = (
        Index("uq_place", "country_code", "state_province", "county", "locality", "location_id", unique=True),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    country_code: Mapped[str] = mapped_column(Text, default="")
    state_province: Mapped[str] = mapped_column(Text, default="")
    county: Mapped[str] = mapped_column(Text, default="")
    locality: Mapped[str] = mapped_column(Text, default="")
    location_id: Mapped[str] = mapped_column(Text, default="")


_CURRENT = text("retired_run IS NULL")
_RETIRED = text("retired_run IS NOT NULL")
_RESTORED = text("origin_key IS NOT NULL")


class Sighting(Base):
    """One revision of one record, append-only: a correction retires the old revision and adds a new one."""

    __tablename__ = "sighting"
    __table_args__ = (
        Index(
            "uq_sighting_current",
            "feed_id",
            "occurrence_id",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
        Index("ix_sighting_taxon", "taxon_id", "first_day", sqlite_where=_CURRENT, postgresql_where=_CURRENT),
        Index("ix_sighting_day", "first_day", "last_day", sqlite_where=_CURRENT, postgresql_where=_CURRENT),
        Index("ix_sighting_place", "place_id", sqlite_where=_CURRENT, postgresql_where=_CURRENT),
        Index("ix_sighting_retired", "retired_run", sqlite_where=_RETIRED, postgresql_where=_RETIRED),
        Index("ix_sighting_origin", "origin_key", sqlite_where=_RESTORED, postgresql_where=_RESTORED),
        Index(
            "ix_sighting_history",
            "feed_id",
            "occurrence_id",
            sqlite_where=_RETIRED,
            postgresql_where=_RETIRED,
        ),
        {"sqlite_autoincrement": True},
    )
    key: Mapped[int] = mapped_column(BIG, primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"))
    occurrence_id: Mapped[str] = mapped_column(Text)
    """The source's identifier, or ``fingerprint-ordinal`` where the source has none."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """Of everything that was understood from the row: another fingerprint is a correction."""
    added_run: Mapped[int] = mapped_column(ForeignKey("run.id"))
    retired_run: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    origin_run: Mapped[int | None] = mapped_column(Integer)
    """The run whose input this row stood in, where that is not ``added_run``: an undo brought it back."""
    origin_key: Mapped[int | None] = mapped_column(BIG)
    """The key of the revision that this one repeats, after an undo: what the record is known by outside."""
    line: Mapped[int] = mapped_column(Integer)
    """The line of the input on which the row begins, counted from 1."""
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxon.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    first_day: Mapped[int | None] = mapped_column(Integer)
    last_day: Mapped[int | None] = mapped_column(Integer)
    time_of_day: Mapped[int | None] = mapped_column(Integer)
    """Local wall time, seconds after midnight."""
    utc_offset: Mapped[int | None] = mapped_column(SmallInteger)
    """Minutes east of UTC, where the source gave them."""
    individual_count: Mapped[float | None] = mapped_column(Double)
    """NULL is "not counted"; a decimal stands where the source gives a mean or a rate."""
    absent: Mapped[bool] = mapped_column(Boolean)
    """Looked for and not found: occurrenceStatus ABSENT or a count of 0."""
    basis_of_record: Mapped[str | None] = mapped_column(Text)
    decimal_latitude: Mapped[float | None] = mapped_column(Double)
    decimal_longitude: Mapped[float | None] = mapped_column(Double)
    coordinate_uncertainty: Mapped[float | None] = mapped_column(Double)
    """Metres."""
    recorded_by: Mapped[str | None] = mapped_column(Text)
    sex: Mapped[str | None] = mapped_column(Text)
    life_stage: Mapped[str | None] = mapped_column(Text)
    issues: Mapped[str | None] = mapped_column(Text)
    """GBIF issue names, separated by semicolons."""
    geospatial_issue: Mapped[bool] = mapped_column(Boolean)
    """True keeps it out of maps, never out of counts."""
    verbatim: Mapped[str] = mapped_column(Text)
    """The row as it came: its fields joined by U+001F, named by ``Run.columns``."""


class Reject(Base):
    """A row that was refused, kept with its reason."""

    __tablename__ = "reject"
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Its place among the run's rejects: two may begin on one line of an archive's members."""
    line: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)
    field: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text)
    raw: Mapped[str] = mapped_column(Text)


class Touched(Base):
    """Which taxa and days a run changed: the highest run that meets a question is the question's version."""

    __tablename__ = "touched"
    __table_args__ = (Index("ix_touched_taxon", "taxon_id", "run_id"),)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxon.id"), primary_key=True)
    first_day: Mapped[int] = mapped_column(Integer)
    last_day: Mapped[int] = mapped_column(Integer)


class Rollup(Base):
    """Counts per bucket, taxon and feed, kept up by every run: a chart costs the same whatever there is.

    The digits of a bucket say its grain: 0 is all time, 1 all days together, 4 digits are a year (2024), 6 a
    month (202405), 7 an ISO week (2024007: year and week), 8 a day (20240517). A sighting counts in the
    buckets that its whole interval lies in, and in 1 if that is a day. 9 digits are an hour of the day within
    a year (202400017: year and hour), for what has one year and a time; 10 a cell of the map, a tenth of a
    degree high and wide (1000000000 + row * 3600 + column, counted from 90 degrees south and 180 west), for
    what has a position that a map may show, at any time or none. ``db.grains`` has their arithmetic.
    """

    __tablename__ = "rollup"
    __table_args__ = (Index("ix_rollup_taxon", "taxon_id", "bucket"), {"sqlite_with_rowid": False})
    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxon.id"), primary_key=True, autoincrement=False)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"), primary_key=True, autoincrement=False)
    records: Mapped[int] = mapped_column(BIG)
    """Sightings: what is absent is not among them."""
    individuals: Mapped[float] = mapped_column(Double)
    """Animals; an uncounted sighting counts as one."""
    uncounted: Mapped[int] = mapped_column(BIG)
    absences: Mapped[int] = mapped_column(BIG)


class RollupOfAll(Base):
    """The same of all taxa together: what is asked of no species costs the same however many there are."""

    __tablename__ = "rollup_of_all"
    __table_args__ = ({"sqlite_with_rowid": False},)
    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"), primary_key=True, autoincrement=False)
    records: Mapped[int] = mapped_column(BIG)
    individuals: Mapped[float] = mapped_column(Double)
    uncounted: Mapped[int] = mapped_column(BIG)
    absences: Mapped[int] = mapped_column(BIG)
