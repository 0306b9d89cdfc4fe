"""Inputs that were read before: tells by their bytes that nothing in them is new; reads no row of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from db.repeats import read_before
from ingest.sources.source import DAMAGE, Source, sha256

UNDERSTANDING = 1
"""Raise it whenever the same bytes would be understood otherwise than before: then they are read again."""


def earlier_run(
    connection: Connection, source: Source, digest: str, said: dict[str, Any], made_up: bool
) -> Row[*tuple[Any, ...]] | None:
    """The run that read the same bytes with the same options, if all that it said still stands."""
    if _is_written_beside(source):
        return None
    for run in read_before(connection, digest, made_up):
        options = run.options
        same = options.get("understanding") == UNDERSTANDING and options.get("said") == said
        # A format may take the date from the name of the file.
        if same and _name(run.input) == _name(source.name) and _same_parts(source, options.get("parts", [])):
            return run
    return None


def parts(sources: tuple[Source, ...]) -> list[dict[str, str]]:
    """What the ledger keeps of the other sources that the rows of an input are made from."""
    return [{"name": _name(part.name), "sha256": sha256(part)} for part in sources]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_written_beside(source: Source) -> bool:
    """Whether it is an SQLite file whose newest rows lie in the log beside it: its own bytes tell nothing."""
    log = Path(f"{source.path}-wal")
    return log.is_file() and log.stat().st_size > 0


def _same_parts(source: Source, wanted: list[dict[str, str]]) -> bool:
    if not wanted or source.path.is_dir():
        return True  # the digest of a folder is that of all its files
    beside = {_name(other.name): other for other in source.beside()}
    try:
        return all(
            part["name"] in beside and sha256(beside[part["name"]]) == part["sha256"] for part in wanted
        )
    except DAMAGE:
        return False
