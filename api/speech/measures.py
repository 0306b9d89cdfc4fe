"""What is counted, how much of it and per what, in words. Knows no data, and writes no number."""

from __future__ import annotations

from api.speech.texts import _, later, ngettext

_UNITS = {
    "records": later("records"),
    "individuals": later("individuals"),
    "species": later("species"),
    "taxa": later("taxa"),
}
_FIRST = {
    "records": later("Records"),
    "individuals": later("Individuals"),
    "species": later("Species"),
    "feeds": later("Feeds"),
}
_ONE = {
    "year": later("one year"),
    "month": later("one month"),
    "week": later("one week"),
    "day": later("one day"),
    "hour": later("one hour"),
}
_PER = {
    "year": later("per year"),
    "month": later("per month"),
    "week": later("per week"),
    "day": later("per day"),
    "hour": later("per hour"),
}


def unit(name: str) -> str:
    """What is counted, within a sentence."""
    return _(_UNITS[name])


def first_unit(name: str) -> str:
    """The same at the beginning of one."""
    return _(_FIRST[name])


def per(interval: str) -> str:
    """For each bucket of this length."""
    return _(_PER[interval])


def one_interval(interval: str) -> str:
    """A bucket of this length: what something is precise enough for."""
    return _(_ONE[interval])


def buckets(count: int, interval: str) -> str:
    """So many buckets of this length."""
    match interval:
        case "year":
            return ngettext("%(num)s year", "%(num)s years", count)
        case "month":
            return ngettext("%(num)s month", "%(num)s months", count)
        case "week":
            return ngettext("%(num)s week", "%(num)s weeks", count)
        case "day":
            return ngettext("%(num)s day", "%(num)s days", count)
        case _:
            return ngettext("%(num)s hour", "%(num)s hours", count)


def counted(count: float, written: str, name: str) -> str:
    """1 record, 2 records; ``written`` is the count as it is written."""
    match name:
        case "records":
            return ngettext("%(num)s record", "%(num)s records", count, num=written)
        case "individuals":
            return ngettext("%(num)s individual", "%(num)s individuals", count, num=written)
        case "feeds":
            return ngettext("%(num)s feed", "%(num)s feeds", count, num=written)
        case "taxa":
            return ngettext("%(num)s taxon", "%(num)s taxa", count, num=written)
        case _:
            return ngettext("%(num)s species", "%(num)s species", count, num=written)
