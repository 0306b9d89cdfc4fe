"""The page of one run: its input, what became of each of its rows, what can be done about those refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from flask import Response, render_template, request, url_for
from pydantic import Field
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from api.answering.places import base_name
from api.asking.parameters import Language, Parameters, Whole
from api.asking.query import pairs, read
from api.draw.look import Theme
from api.keeping.envelope import Answer, enclose
from api.page.answered import answered
from api.page.assets import assets
from api.page.board.compose import shortened, today
from api.page.fresh import fresh
from api.page.ledger.runs import key_of
from api.page.ledger.told import STATES, Line, lasted, line
from api.page.query import addressed
from api.page.speech import _, later
from api.page.words import amount, day, moment
from api.site import site
from db.questions import ledger

MOST_REJECTS, MOST_COLUMNS, MOST_LETTERS = 100, 40, 2_000
REASONS = {
    "NAME_MISSING": later("the row names no species"),
    "RECORDED_DATE_INVALID": later("its date is there and cannot be one"),
    "FIELD_COUNT": later("it has more fields than the header"),
    "RECORD_UNREADABLE": later("what stands there is no record"),
    "INTERPRETATION_ERROR": later("a fault of this program, which its log has whole"),
}
"""What each reason means for which a row is refused."""
PARTS = (
    ("inserted", later("new")),
    ("updated", later("corrected")),
    ("duplicate", later("known already")),
    ("skipped", later("no animal")),
    ("rejected", later("rejected")),
)
"""What becomes of a row, and what that is called here."""
_RELATIONS = (
    ("undoes", later("It took back")),
    ("undoneBy", later("It was taken back by")),
    ("replays", later("It read again what was rejected by")),
    ("repeats", later("Its bytes are those of")),
)
_SIGNS = {
    ",": later("comma"),
    ";": later("semicolon"),
    "\t": later("tab"),
    " ": later("blank"),
    "|": later("bar"),
}
"""What is hard to see between words."""


class RunParameters(Parameters):
    """Which of its rejects are shown."""

    offset: Annotated[int, Whole, Field(ge=0, le=999_999_999)] = 0
    lang: Language | None = None
    theme: Theme = "auto"


@dataclass(frozen=True)
class Counted:
    """How many rows, and of what kind."""

    code: str
    count: str
    meaning: str = ""


@dataclass(frozen=True)
class Account:
    """What became of the rows: those that were read are the sum of the parts."""

    read: str
    parts: tuple[Counted, ...]
    reasons: tuple[Counted, ...]
    skips: tuple[Counted, ...]
    issues: tuple[Counted, ...]


@dataclass(frozen=True)
class Refused:
    """The rows that it refused, some at a time."""

    rows: Sequence[Mapping[str, Any]]
    shown: str
    """Which of them, in words."""
    earlier: str
    later: str
    csv: str


@dataclass(frozen=True)
class Understood:
    """How the input was read."""

    facts: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    """Theirs and the term that it was understood as."""
    kept: tuple[str, ...]
    """Columns that nothing is known by; they are kept with their rows."""


@dataclass(frozen=True)
class Related:
    """Another run that it has to do with."""

    words: str
    run: int


@dataclass(frozen=True)
class Entry:
    """Everything that the page shows of a run."""

    line: Line
    meaning: str
    related: tuple[Related, ...]
    account: Account | None
    """None where nothing was read, as by an undo, or where the sum is not that of the parts."""
    refused: Refused | None
    understood: Understood
    can_undo: bool
    can_replay: bool


def run_page(number: str) -> Response:
    """One run: 304 as long as there is no newer one, else from the cache, else made."""
    parameters = read(RunParameters, pairs(request.query_string))
    run = int(number) if re.fullmatch("[1-9][0-9]{0,8}", number, re.ASCII) else 0
    shown = ("run", str(run), parameters.model_dump_json())
    with site().reader.begin() as connection:
        asked, version = key_of(connection, shown)
        if not ledger.runs(connection, run_id=run):
            raise NotFound(_("There is no run of this number."))
    return answered(asked, version, lambda: _make(run, shown, parameters.offset), lasts=False)


def _make(run: int, shown: tuple[str, ...], offset: int) -> tuple[Answer, int]:
    with site().reader.begin() as connection:
        asked, version = key_of(connection, shown)
        found = ledger.one_run(connection, run)
        if found is None:  # a database that was restored meanwhile
            raise NotFound(_("There is no run of this number."))
        whole, board = _entry(connection, found, offset), fresh(connection, today(), "run")
    html = render_template("run.html", whole=whole, board=board, site=site(), assets=assets())
    return enclose(asked, "html", html.encode()), version


def _entry(connection: Connection, run: Mapping[str, Any], offset: int) -> Entry:
    stands = run["status"] in ("committed", "unchanged")
    return Entry(
        line=line(run),
        meaning=_(STATES[run["status"]]),
        related=tuple(_related(run)),
        account=_account(run),
        refused=_refused(connection, run, offset) if run["reasons"] else None,
        understood=_understood(run),
        can_undo=run["status"] == "committed",
        can_replay=stands and bool(run["reasons"]),
    )


def _related(run: Mapping[str, Any]) -> Iterator[Related]:
    for name, words in _RELATIONS:
        if run[name]:
            yield Related(_(words), run[name])


def _account(run: Mapping[str, Any]) -> Account | None:
    if not run["read"] or run["read"] != sum(run[name] for name, words in PARTS):
        return None
    return Account(
        read=amount(run["read"]),
        parts=tuple(Counted(_(words), amount(run[name])) for name, words in PARTS),
        reasons=_counted(run["reasons"]),
        skips=_counted(run["skips"]),
        issues=_counted(run["issues"]),
    )


def _counted(numbers: Mapping[str, int]) -> tuple[Counted, ...]:
    return tuple(
        Counted(code, amount(count), _(REASONS[code]) if code in REASONS else "")
        for code, count in numbers.items()
    )


def _refused(connection: Connection, run: Mapping[str, Any], offset: int) -> Refused:
    number, here = run["run"], url_for("page.run", number=run["run"])
    all_of_them = sum(run["reasons"].values())
    rows = ledger.rejects(connection, number, MOST_REJECTS, offset)
    behind = offset + len(rows)
    shown = _(
        "Rows %(first)s to %(last)s of %(all)s.",
        first=amount(offset + 1),
        last=amount(behind),
        all=amount(all_of_them),
    )
    before = [("offset", str(offset - MOST_REJECTS))] if offset > MOST_REJECTS else []
    return Refused(
        rows=[row | {"raw": _cut(row["raw"])} for row in rows],
        shown=shown if rows and len(rows) < all_of_them else "",
        earlier=addressed(here, before) if offset else "",
        later=addressed(here, [("offset", str(behind))]) if rows and behind < all_of_them else "",
        csv=url_for("ledger.rejects", run=number, form="csv"),
    )


def _cut(raw: str) -> str:
    """A row as it came, as far as anybody reads it."""
    return raw if len(raw) <= MOST_LETTERS else f"{raw[:MOST_LETTERS]} …"


def _understood(run: Mapping[str, Any]) -> Understood:
    options, feed_made = run["options"], ("undo", "removal")
    facts = (
        (_("Format"), "" if run["format"] in feed_made else run["format"]),
        (_("Started"), moment(run["startedAt"], site().zone)),
        (_("Took"), lasted(run)),
        (_("Dates"), day(run["days"])),
        (_("Size"), _("%(num)s bytes", num=amount(run["bytes"])) if run["bytes"] is not None else ""),
        ("SHA-256", run["sha256"] or ""),
        (_("Told"), _pairs(options.get("said", {}))),
        (_("Found out"), _pairs(options.get("found", {}))),
        (_("Made from"), ", ".join(base_name(part["name"]) for part in options.get("parts", ()))),
    )
    kept = [name for name in run["columns"] if name not in run["terms"]]
    return Understood(
        facts=tuple((name, value) for name, value in facts if value),
        columns=tuple(run["terms"].items()),
        kept=tuple(shortened(kept, MOST_COLUMNS)),
    )


def _pairs(options: Mapping[str, Any]) -> str:
    told = {name.replace("_", " "): value for name, value in options.items() if value is not None}
    return "; ".join(f"{name} {_option(value)}" for name, value in told.items())


def _option(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{left} = {right}" for left, right in value.items())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _(_SIGNS[value]) if value in _SIGNS else str(value)
