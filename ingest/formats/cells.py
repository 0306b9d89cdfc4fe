"""The cells of a spreadsheet -> text: numbers without ".0", dates as ISO; knows no sheet.

Source: ECMA-376 part 1, 18.17.4 (dates as serial numbers).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

Cell = Any
"""What python-calamine gives: str, float, bool, date, datetime, time, timedelta; "" for an empty one."""

_FIRST_SERIAL, _LAST_SERIAL = 10_000, 99_999  # 1927 to 2173: what is shorter is a year, what is longer a day
_EXACT = 2**53  # whole numbers beyond it are not what was written anyway
_MIDNIGHT = 24 * 60 * 60


def text_of(cell: Cell) -> str:
    """A cell as text."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | int):
        return _number(float(cell))
    if isinstance(cell, datetime):
        return _moment(cell)
    if isinstance(cell, timedelta):
        return _clock(cell)
    if isinstance(cell, time):
        return cell.isoformat("seconds")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _number(number: float) -> str:
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    return repr(number)


def _moment(moment: datetime) -> str:
    """To the second: a spreadsheet keeps times as fractions of a day, which are never exact."""
    moment = (moment + timedelta(milliseconds=500)).replace(microsecond=0)
    return moment.isoformat() if moment.time() != time() else moment.date().isoformat()


def _clock(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def is_serial(cell: Cell) -> bool:
    """Whether a number in a column of dates can only be the serial number of a day."""
    return isinstance(cell, float | int) and _FIRST_SERIAL <= cell <= _LAST_SERIAL + 1


def date_of(serial: float, from_1904: bool) -> str:
    """The date, and the time if it has one, of a serial number."""
    # Excel holds that 1900 had a 29 February, so its day 1 is two days after 30 December 1899.
    start = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)
    return _moment(start + timedelta(days=serial))


def time_of(cell: Cell) -> str:
    """What stands in a column of times: a fraction of a day is one too."""
    if isinstance(cell, float) and 0 < cell < 1:
        return _clock(timedelta(seconds=round(cell * _MIDNIGHT) % _MIDNIGHT))
    return text_of(cell)
