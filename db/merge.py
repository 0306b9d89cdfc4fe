"""Which staged rows are new, changed or known: a handful of statements however many they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Connection,
    Insert,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from db.beside import made_as, small_cache
from db.models import Sighting
from db.staging import STAGING, Staging, of_current_rows

_NAMES = [column.name for column in STAGING.c]

REPEATED = Table(
    "repeated",
    MetaData(),
    *(Column(column.name, column.type) for column in STAGING.c),
    prefixes=["TEMPORARY"],
)
"""Earlier rows of one input whose identifier comes again further down."""


@dataclass(frozen=True)
class Merged:
    """What became of the staged rows."""

    inserted: int
    updated: int
    duplicate: int
    repeated: int = 0
    """Rows whose identifier came again further down in the same input."""


def is_first_load(connection: Connection, staging: Staging, feed: int, after_key: int) -> bool:
    """Whether these are more rows than there are old ones, and the feed has none of its own yet."""
    return bool(staging.file) and after_key < staging.rows and not _has_any(connection, feed)


def _has_any(connection: Connection, feed: int) -> bool:
    asked = select(exists().where(Sighting.feed_id == feed, Sighting.retired_run.is_(None)))
    return bool(connection.execute(asked).scalar_one())


def merge(
    connection: Connection, staging: Staging, feed: int, run: int, after_key: int, *, first_load: bool = False
) -> Merged:
    """Bring the staged rows into ``sighting``: new ones, and new revisions of changed ones."""
    if first_load and staging.file and _moved(connection, staging.file.schema):
        return Merged(staging.rows, 0, 0)
    repeated = _settle_names(connection)
    retired = _retire_changed(connection, feed, run) if _has_any(connection, feed) else 0
    added = _insert_unknown(connection)
    older = _keep_history(connection, feed, run, after_key) if repeated else 0
    if repeated:
        REPEATED.drop(connection)
    if connection.dialect.name == "postgresql" and added:
        # The keys were given here; what is added without one must go on behind them.
        sequence = func.pg_get_serial_sequence("sighting", "key")
        connection.execute(select(func.setval(sequence, func.max(Sighting.key))))
    return Merged(added - retired, retired + older, staging.rows - added - older, repeated)


def _moved(connection: Connection, schema: str) -> bool:
    """Move all rows at once. False, and nothing done, where two of them have one identifier.

    SQLite copies whole records between tables of one shape, and sorts once for each index that is made
    afterwards: a third of the time. The indexes that stay empty are there already, on either side: to make
    one it would look at every row.
    """
    indexes = filter(of_current_rows, made_as(connection, "index", "sighting").values())
    try:
        # Sorted in runs that fit into the processor's own cache, an index is made in two thirds of the time;
        # by threads beside the one that reads the rows, in half of that.
        with small_cache(connection, kibibytes=500), connection.begin_nested():
            connection.execute(text("PRAGMA threads=2"))
            _move(connection, schema, sorted(indexes, key=lambda one: "UNIQUE" not in one))
    except IntegrityError:
        return False
    finally:
        connection.execute(text("PRAGMA threads=0"))
    return True


def _move(connection: Connection, schema: str, indexes: Sequence[str]) -> None:
    for index in indexes:
        connection.execute(text(f"DROP INDEX {_NAME_OF_INDEX.findall(index)[0]}"))
    connection.execute(text(f"INSERT INTO sighting SELECT * FROM {schema}.staging"))  # noqa: S608
    for index in indexes:
        connection.execute(text(index))


_NAME_OF_INDEX = re.compile(r"INDEX (\w+)")


_LASTS = (
    select(
        STAGING.c.occurrence_id,
        func.max(STAGING.c.key).label("key"),
    )
    .group_by(STAGING.c.occurrence_id)
    .having(func.count() > 1)
)
"""The identifiers that come more than once, each with the key of its last row."""
_FIRST_NAME = re.compile(r"[0-9a-f]{32}-1")
"""What a row without an identifier is staged with."""


def _settle_names(connection: Connection) -> int:
    """See to identifiers that come more than once in this input; returns how many rows were set aside.

    Of rows that the source itself gives one identifier the last wins and is flagged, the others are moved to
    ``repeated``, which the caller drops. Rows without one get their ordinal among identical rows: two
    identical rows may be two animals, and the same file again, in any order, gives the same names.
    """
    rows = connection.execute(_LASTS).all()
    if any(_FIRST_NAME.fullmatch(row.occurrence_id) for row in rows):
        _number_the_nameless(connection)
        rows = connection.execute(_LASTS).all()
    return _set_aside(connection, [row.key for row in rows]) if rows else 0


def _number_the_nameless(connection: Connection) -> None:
    """Give each of several identical rows without an identifier its ordinal, in the order of the input."""
    sqlite_ = connection.dialect.name == "sqlite"
    hexed = literal_column("lower(hex(fingerprint))" if sqlite_ else "encode(fingerprint, 'hex')", Text)
    ordinal = func.row_number().over(partition_by=STAGING.c.fingerprint, order_by=STAGING.c.key)
    numbered = (
        select(STAGING.c.key, hexed.concat("-").concat(ordinal).label("name"), ordinal.label("ordinal"))
        .where(STAGING.c.occurrence_id == hexed.concat("-1"))
        .cte("numbered")
    )
    connection.execute(
        update(STAGING)
        .values(occurrence_id=numbered.c.name)
        .where(STAGING.c.key == numbered.c.key, numbered.c.ordinal > 1)
    )


def _set_aside(connection: Connection, winners: list[int]) -> int:
    REPEATED.create(connection)
    flag = func.coalesce(STAGING.c.issues + ";", "") + "IDENTIFIER_REPEATED"
    flagged = update(STAGING).where(STAGING.c.key == bindparam("winner")).values(issues=flag)
    connection.execute(flagged, [{"winner": key} for key in winners])
    last, every = _LASTS.subquery(), STAGING.alias("every_row")
    older = STAGING.c.key.in_(
        select(every.c.key)
        .join(last, every.c.occurrence_id == last.c.occurrence_id)
        .where(every.c.key < last.c.key)
    )
    connection.execute(insert(REPEATED).from_select(_NAMES, select(STAGING).where(older)))
    return int(connection.execute(delete(STAGING).where(older)).rowcount)


def _retire_changed(connection: Connection, feed: int, run: int) -> int:
    """Close the current revision of every record that came again with other content."""
    changed = (
        select(Sighting.key)
        .join(STAGING, (Sighting.occurrence_id == STAGING.c.occurrence_id) & (Sighting.feed_id == feed))
        .where(Sighting.retired_run.is_(None), Sighting.fingerprint != STAGING.c.fingerprint)
    )
    retire = update(Sighting).where(Sighting.key.in_(changed)).values(retired_run=run)
    return int(connection.execute(retire).rowcount)


def _insert_unknown(connection: Connection) -> int:
    """Add what has no current revision; the unique index says what has one."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Sighting).from_select(
        _NAMES, select(STAGING).where(true()).order_by(STAGING.c.key)
    )
    skip = statement.on_conflict_do_nothing(
        index_elements=["feed_id", "occurrence_id"], index_where=Sighting.retired_run.is_(None)
    )
    return _count(connection, skip)


def _count(connection: Connection, statement: Insert) -> int:
    """How many rows an INSERT ... SELECT added, which SQLAlchemy forgets unless it is told."""
    return int(connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount)


def _keep_history(connection: Connection, feed: int, run: int, after_key: int) -> int:
    """Keep the earlier contents of records that came repeatedly in this input and ended as something new."""
    final = (
        select(Sighting.key)
        .where(Sighting.key > after_key, Sighting.feed_id == feed, Sighting.retired_run.is_(None))
        .where(Sighting.occurrence_id == REPEATED.c.occurrence_id)
        .where(Sighting.fingerprint != REPEATED.c.fingerprint)
        .exists()
    )
    columns = (literal(run) if name == "retired_run" else REPEATED.c[name] for name in _NAMES)
    return _count(connection, insert(Sighting).from_select(_NAMES, select(*columns).where(final)))
