"""How people are told of the formats: all in a list, or one with its columns and a sample; reads no input."""

from __future__ import annotations

import textwrap
from typing import Any

from rich.table import Table

from ingest.formats import FORMATS, Format
from ingest.wording import plain_console

_WIDTH = 100


def format_named(name: str) -> Format | None:
    """The format of this name."""
    return next((known for known in FORMATS if known.name == name), None)


def as_json(known: Format) -> dict[str, Any]:
    """All that is told of a format."""
    about = known.about
    told = {"name": known.name, "what": known.what, "about": about.text, "columns": dict(about.columns)}
    return {**told, "sample": about.sample, "source": about.source, "grows": known.grows}


def tell_formats() -> None:
    """A line for each, in the order in which an input is tried."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for known in FORMATS:
        table.add_row(known.name, known.what)
    plain_console().print(table)


def tell_format(known: Format) -> None:
    """What it is, which of its columns mean what, and how it looks."""
    console, about = plain_console(), known.about
    console.print(f"{known.name}: {known.what}\n")
    console.print("\n".join(textwrap.wrap(about.text, _WIDTH)))
    if about.columns:
        table = Table("column", "is taken for", box=None, header_style="dim", pad_edge=False)
        for theirs, ours in about.columns.items():
            table.add_row(theirs, ours)
        console.print()
        console.print(table)
    if known.grows:
        console.print("\nOf a file that has grown, only what was appended is read.")
    if about.sample:
        console.print("\nA sample:\n")
        console.print(textwrap.indent(about.sample.rstrip("\n"), "    "))
    if about.source:
        console.print(f"\nDescribed at {about.source}")
