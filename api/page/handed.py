"""What a page hands on of its records: the dashboard, the records as JSON, exports. Knows no data."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from api.page.query import PageParameters, addressed, link

_EXPORTS = (("CSV", "csv"), ("NDJSON", "ndjson"), ("Parquet", "parquet"), ("Darwin Core Archive", "zip"))


@dataclass(frozen=True)
class Handed:
    """Addresses of the same records in other forms."""

    dashboard: str
    records: str
    exports: tuple[tuple[str, str], ...]
    """What each is called, and where it is."""


def handed(parameters: PageParameters) -> Handed:
    """Of the records that the filters leave."""
    filters = parameters.pairs()
    return Handed(
        dashboard=link([*filters, *parameters.settings()]),
        records=addressed(url_for("occurrences.search"), filters),
        exports=tuple(
            (name, addressed(url_for("export.export", form=form), filters)) for name, form in _EXPORTS
        ),
    )
