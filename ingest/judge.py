"""Whether an input as a whole may go in, and the sentence where it may not; knows no rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from db import stop
from db.lock import LockLost
from db.names import MixedFeed
from db.newcomers import look_like_the_same
from db.store import OpenRun, Tally
from ingest.outcome import Options
from ingest.sources.source import DAMAGE, Unreadable
from ingest.words import columns

log = logging.getLogger("sightings.ingest")
_FEW = 10
"""So few refused rows never stop a run, whatever their share: one bad row in three is no broken file."""


class Refused(Exception):
    """The input as a whole is refused; nothing of it is kept."""


class NeedsApproval(Refused):
    """The input is fine by itself, and would most likely do harm: a person has to say so."""


def judge(
    name: str,
    tally: Tally,
    reasons: Mapping[str, int],
    options: Options,
    examples: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Refuse an input that is broken as a whole. Raises Refused, with some of its bad rows."""
    told = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
    told += "".join(f"; line {one['line']}: {one['detail']}" for one in examples)
    if not tally.read:
        raise Refused(f"{name} has no rows.")
    if tally.read == tally.rejected:
        raise Refused(f"{name} has {tally.read:,} rows and not one could be understood ({told}).")
    refused = f"{name} has {tally.rejected:,} bad rows of {tally.read:,} ({told})"
    if options.strict and tally.rejected:
        raise Refused(f"{refused} and --strict allows none.")
    if tally.rejected > max(_FEW, options.max_error_rate * tally.read):
        raise Refused(f"{refused}, more than --max-error-rate {options.max_error_rate:g} allows.")


def recognise(name: str, run: OpenRun, options: Options) -> None:
    """Stop an input that brings the records of its feed again under new names. Raises NeedsApproval."""
    found = None if options.accept_new_ids else look_like_the_same(run.connection, run.feed)
    if found:
        raise NeedsApproval(
            f"{name} needs approval: of {found.looked_at:,} rows looked at, {found.new:,} have identifiers"
            f" that are new to this feed, and {found.known:,} of these are records that it has under other"
            " ones, so they would count twice. Say --accept-new-ids (for a feed: manage.py ingest --feed NAME"
            " --accept-new-ids) if they are other records; else undo the runs that brought the old ones, or"
            " give the file a feed of its own."
        )


def sentence(name: str, error: BaseException) -> str:
    """What a person is told; what nobody expected is logged whole."""
    if stop.asked():  # whatever it was then: a statement that was broken off has a name of its own
        return f"{name} was stopped by {stop.asked_by()}; nothing of it was kept."
    if isinstance(error, Unreadable | MixedFeed | LockLost | Refused):
        return str(error)
    if isinstance(error, columns.UnknownTerm):
        return f"{name}: {error}"
    if isinstance(error, DAMAGE):
        return f"{name} cannot be read: {getattr(error, 'strerror', None) or error}."
    log.error("the ingest of %s failed", name, exc_info=error)
    first_line = str(error).partition("\n")[0][:200]
    return f"{name} could not be ingested because of an unexpected {type(error).__name__}: {first_line}"
