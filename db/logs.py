"""One line for each message that is logged, as text or as JSON, whatever is in it. Knows no table."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What would begin a line of its own, or speak to the terminal that shows it."""


def begin(level: str, form: str) -> None:
    """Log to standard error from this level on, in this form: ``text`` or ``json``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def formatter(form: str) -> logging.Formatter:
    """What makes a line of a message, in this form."""
    return AsJson() if form == "json" else AsText(_TEXT)


class AsText(logging.Formatter):
    """For people: a traceback stands below, set in, so that no line of it looks like another message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line."""
        return _visible(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback below it."""
        return "\n".join(f"    {_visible(line)}" for line in super().formatException(ei).splitlines())


class AsJson(logging.Formatter):
    """For programs: an object a line, also where there is a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told)


def _visible(text: str) -> str:
    return _BREAKS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
