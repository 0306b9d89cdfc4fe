"""The reader of Excel workbooks, new (.xlsx) and old (.xls): finds the sheet of sightings; knows no cell."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ingest.formats import old_workbook, packed_workbook
from ingest.formats.batches import batches
from ingest.formats.cells import is_serial
from ingest.formats.sheets import Reading, Sheet, reading, sheet
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import Source, Unreadable
from ingest.text.text import Chunk
from ingest.words import columns

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_SHOWN = 20
_SAMPLE_ROWS = 10_000

ABOUT = About(
    text=(
        "A workbook of Excel or of whatever saves like it, .xlsx, .xlsm or .xls. The one sheet that has "
        "a column for a date and one for a species is read; where several have or none has, --sheet says "
        "which, by its name or its number from 1. Titles above the header are skipped, as are empty "
        "rows; a cell that is merged with those below it counts for all of them. Dates become ISO text "
        "also where they were left as serial numbers (43123), in the date system of the workbook; "
        "numbers lose the .0 that they never had. The line of a record is its row in the sheet. A sheet "
        "may have 3 million cells; what is larger is better kept as CSV."
    ),
    columns={"any column": "by its name, as in any table"},
    source="ECMA-376 (Office Open XML), [MS-XLS]; read by python-calamine",
)


def read(source: Source, wanted: Wanted) -> Table | None:
    """The sightings of a workbook. Raises Unreadable for a broken one, and where no sheet can be chosen."""
    if source.path.is_dir():
        return None
    head = source.head(8)
    if head.startswith(b"PK\x03\x04"):
        with source.open() as file:
            if not packed_workbook.is_workbook(file):
                return None
        from_1904 = packed_workbook.counts_from_1904(source)
    elif head == old_workbook.MAGIC:
        from_1904 = old_workbook.counts_from_1904(source)
    else:
        return None
    with _readably(source):
        chosen = _chosen(source, _open(source), wanted)
        return _table(source, chosen, reading(chosen, from_1904))


@contextmanager
def _readably(source: Source) -> Iterator[None]:
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError:
        raise Unreadable(f"{source.name} is locked with a password.") from None
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable(f"{source.name} is no workbook that can be read ({_first(error)}).") from None
    except BaseException as error:
        # A panic of Rust is no Exception: the library has failed. Yet it is this file that it failed on.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable(f"{source.name} is a damaged workbook ({_first(error)}).") from None


def _open(source: Source) -> CalamineWorkbook:
    from python_calamine import CalamineWorkbook

    with source.open() as file:
        return CalamineWorkbook.from_filelike(file)


def _first(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200].rstrip(".")


class _Seen(NamedTuple):
    """A filled sheet at first sight."""

    name: str
    rows: int
    columns: int
    dated: bool
    of_sightings: bool

    def __str__(self) -> str:
        dated = " with a date" if self.dated else ""
        return f"{self.name!r} of {self.rows:,} x {self.columns:,} cells{dated}"


def _chosen(source: Source, book: CalamineWorkbook, wanted: Wanted) -> Sheet:
    """The sheet that was asked for, or the one of sightings. Raises Unreadable."""
    names = _sheets(book)
    if wanted.sheet is not None:
        return _with_header(source, book, _named(source, book, names, wanted.sheet))
    if len(names) == 1:
        return _with_header(source, book, names[0])
    seen = _look_through(book, names, wanted.given)
    found = [one for one in seen if one.of_sightings] if len(seen) > 1 else seen
    if not seen:
        raise Unreadable(f"{source.name} is a workbook without a filled sheet.")
    if len(found) != 1:
        raise Unreadable(
            f"{source.name} has {len(seen)} sheets and {len(found) or 'none'} of them with a column for a"
            f" date and one for a species: say which with --sheet ({_listed(seen)})."
        )
    return _with_header(source, book, found[0].name)


def _look_through(book: CalamineWorkbook, names: list[str], given: Collection[str] = ()) -> list[_Seen]:
    """The sheets with anything in them, one after the other, so that only one is in memory."""
    seen = []
    for name in names:
        cells = book.get_sheet_by_name(name)
        if cells.height:
            one = sheet(cells)
            dated = one is not None and not set(one.terms.values()).isdisjoint(columns.NEEDS_DATE)
            of_sightings = one is not None and one.holds_sightings(given)
            seen.append(_Seen(name, cells.height, cells.width, dated, of_sightings))
    return seen


def _sheets(book: CalamineWorkbook) -> list[str]:
    """The sheets with cells that a person sees; all where every one is hidden."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    visible = [one for one in sheets if one.visible == SheetVisibleEnum.Visible]
    return [one.name for one in visible or sheets]


def _named(source: Source, book: CalamineWorkbook, names: list[str], wanted: str) -> str:
    """The sheet of this name, else of this number. Raises Unreadable."""
    every = book.sheet_names
    for name in every:
        if name == wanted or name.strip().casefold() == wanted.strip().casefold():
            return name
    if wanted.isdecimal() and 0 < int(wanted) <= len(every):
        return every[int(wanted) - 1]
    raise Unreadable(f"{source.name} has no sheet {wanted!r}; it has {_listed(_look_through(book, names))}.")


def _listed(seen: list[_Seen]) -> str:
    more = f" and {len(seen) - _SHOWN} more" if len(seen) > _SHOWN else ""
    return ", ".join(map(str, seen[:_SHOWN])) + more


def _with_header(source: Source, book: CalamineWorkbook, name: str) -> Sheet:
    cells = book.get_sheet_by_name(name)
    if not cells.height:
        raise Unreadable(f"{source.name} has nothing in its sheet {name!r}.")
    found = sheet(cells)
    if found is None:
        raise Unreadable(
            f"{source.name} has no row in its sheet {name!r} that names the columns: it looks like a form,"
            " and a table with one sighting a row is needed."
        )
    return found


def _table(source: Source, one: Sheet, how: Reading) -> Table:
    notes = [f"the sheet {one.cells.name!r} was read"]
    sample = islice(one.rows(), _SAMPLE_ROWS)
    if how.dates is not None and any(is_serial(row[how.dates]) for _, row in sample):
        start = 1904 if how.from_1904 else 1900
        notes.append(f"numbers in {one.names[how.dates]!r} were read as days of the {start} date system")

    def chunks() -> Iterator[Chunk]:
        read = [0]

        def rows() -> Iterator[tuple[int, list[str]]]:
            for number, row in one.rows():
                read[0] = number
                yield number, how.texts(row)

        with _readably(source):
            yield from batches(rows(), lambda: source.size * read[0] // max(one.last_row, 1))

    return Table(one.names, chunks, source.size, notes=tuple(notes))
