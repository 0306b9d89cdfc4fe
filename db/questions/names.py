"""What species are called in a language, as far as the sources say in which one a name is. Knows no text."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from db.models import TaxonName


def names_in(connection: Connection, language: str) -> dict[int, str]:
    """Taxon -> its vernacular name in a language (IETF tag) or a kind of it; of several, the first learned.

    Empty where no language is given. They are those of today: what is as of a data version does without them.
    """
    if not language:
        return {}
    spoken = or_(TaxonName.language == language, TaxonName.language.startswith(f"{language}-"))
    asked = select(TaxonName.taxon_id, TaxonName.name).where(TaxonName.kind == "vernacular", spoken)
    found: dict[int, str] = {}
    for taxon, name in connection.execute(asked.order_by(TaxonName.added_run, TaxonName.name_key)):
        found.setdefault(taxon, name)
    return found
