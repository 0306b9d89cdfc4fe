"""The staging table: where the rows of one input wait for one set-based decision, which it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

STAGING = Table(
    "staging",
    MetaData(),
    Column("line", Integer, nullable=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("occurrence_id", Text),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("taxon_id", Integer, nullable=False),
    Column("place_id", Integer, nullable=False),
    Column("first_day", Integer),
    Column("last_day", Integer),
    Column("time_of_day", Integer),
    Column("utc_offset", SmallInteger),
    Column("individual_count", Double),
    Column("absent", Boolean, nullable=False),
    Column("basis_of_record", Text),
    Column("decimal_latitude", Double),
    Column("decimal_longitude", Double),
    Column("coordinate_uncertainty", Double),
    Column("recorded_by", Text),
    Column("sex", Text),
    Column("life_stage", Text),
    Column("issues", Text),
    Column("geospatial_issue", Boolean, nullable=False),
    Column("verbatim", Text, nullable=False),
    prefixes=["TEMPORARY"],
)
"""Its columns, in the order of what ``stage`` is given; ``number`` counts the input's rows from 1."""


REPEATED = Table(
    "repeated",
    MetaData(),
    *(Column(column.name, column.type) for column in STAGING.c),
    prefixes=["TEMPORARY"],
)
"""Earlier rows of one input whose identifier comes again further down."""


def open_staging(connection: Connection) -> None:
    """An empty staging table for this transaction."""
    STAGING.create(connection)


def close_staging(connection: Connection) -> None:
    """Drop it: a connection that goes back to a pool must not keep it."""
    STAGING.drop(connection)


def stage(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put rows (tuples in the order of STAGING's columns) into the staging table."""
    if connection.dialect.name == "sqlite":
        marks = ",".join("?" * len(STAGING.c))
        connection.exec_driver_sql(f"INSERT INTO staging VALUES ({marks})", list(rows))  # noqa: S608 - marks
        return
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor, cursor.copy("COPY staging FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def name_the_nameless(connection: Connection) -> None:
    """Give rows without an identifier one: fingerprint and ordinal among identical rows of this input.

    Two identical rows in one file may be two animals, so they keep two identities; the same file again, in
    any order, gives the same ones.
    """
    if connection.dialect.name == "sqlite":
        ordinal = "lower(hex(fingerprint))"
    else:
        ordinal = "encode(fingerprint, 'hex')"
    numbered = (
        select(
            STAGING.c.number,
            (
                literal_column(ordinal)
                .concat("-")
                .concat(func.row_number().over(partition_by=STAGING.c.fingerprint, order_by=STAGING.c.number))
            ).label("name"),
        )
        .where(STAGING.c.occurrence_id.is_(None))
        .cte("numbered")
    )
    connection.execute(
        update(STAGING).values(occurrence_id=numbered.c.name).where(STAGING.c.number == numbered.c.number)
    )


def set_aside_repeated(connection: Connection) -> int:
    """Move all but the last row of each identifier from staging to ``repeated``; returns how many.

    The last one wins and is flagged. Where any were moved, the caller drops ``repeated`` when it is done.
    """
    lasts = (
        select(STAGING.c.occurrence_id, func.max(STAGING.c.number).label("number"))
        .group_by(STAGING.c.occurrence_id)
        .having(func.count() > 1)
    )
    rows = connection.execute(lasts).all()
    if not rows:
        return 0
    REPEATED.create(connection)
    flag = func.coalesce(STAGING.c.issues + ";", "") + "IDENTIFIER_REPEATED"
    winners = [{"winner": row.number} for row in rows]
    flagged = update(STAGING).where(STAGING.c.number == bindparam("winner")).values(issues=flag)
    connection.execute(flagged, winners)
    last = lasts.subquery()
    every = STAGING.alias("every_row")
    older = STAGING.c.number.in_(
        select(every.c.number)
        .join(last, every.c.occurrence_id == last.c.occurrence_id)
        .where(every.c.number < last.c.number)
    )
    names = [column.name for column in STAGING.c]
    connection.execute(insert(REPEATED).from_select(names, select(STAGING).where(older)))
    return int(connection.execute(delete(STAGING).where(older)).rowcount)


def drop_repeated(connection: Connection) -> None:
    """Drop what ``set_aside_repeated`` made."""
    REPEATED.drop(connection)
