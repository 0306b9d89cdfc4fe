"""What people read, in the language of whoever reads it: texts, numbers, dates. Knows no request."""

from api.speech.catalogues import ENGLISH, digest, languages
from api.speech.dates import date_in_words, months, span, weekdays
from api.speech.filters import filter_name
from api.speech.measures import buckets, counted, first_unit, one_interval, per, unit
from api.speech.texts import (
    _,
    language,
    later,
    ngettext,
    npgettext,
    pgettext,
    readers_language,
    speaking,
    unfilled,
)
from api.speech.tongues import decimal, direction, name_of, plural_kinds

__all__ = [
    "ENGLISH",
    "_",
    "buckets",
    "counted",
    "date_in_words",
    "decimal",
    "digest",
    "direction",
    "filter_name",
    "first_unit",
    "language",
    "languages",
    "later",
    "months",
    "name_of",
    "ngettext",
    "npgettext",
    "one_interval",
    "per",
    "pgettext",
    "plural_kinds",
    "readers_language",
    "span",
    "speaking",
    "unfilled",
    "unit",
    "weekdays",
]
