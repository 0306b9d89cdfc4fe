"""What in an archive could be a table, by the names of its files; knows no format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from ingest.sources.source import Source

_DOCUMENTS = frozenset(
    (
        *(".md", ".rst", ".pdf", ".html", ".htm", ".xml", ".eml", ".rtf", ".doc", ".docx", ".odt", ".pptx"),
        *(".css", ".js", ".py", ".r", ".rmd", ".yml", ".yaml", ".toml", ".bib", ".ris", ".sha256", ".md5"),
        *(".jpg", ".jpeg", ".png", ".gif", ".svg", ".tif", ".tiff", ".webp", ".heic", ".bmp", ".ico"),
        *(".wav", ".mp3", ".flac", ".ogg", ".m4a", ".mp4", ".mov", ".avi", ".mkv"),
    )
)
_SAID = ("readme", "license", "licence", "copying", "citation", "rights", "terms", "recommended_citation")
"""How files are called that come with data and say something of it."""


def tables(members: Sequence[Source]) -> list[Source]:
    """The files that are no documents, pictures or sounds: each may be a table, or is told to be none."""
    return [member for member in members if not _is_document(PurePosixPath(member.name))]


def are_zips(tables: Sequence[Source]) -> bool:
    """Whether all of them, by their names, are archives themselves: then there is nothing to read."""
    return bool(tables) and all(table.name.lower().endswith(".zip") for table in tables)


def _is_document(name: PurePosixPath) -> bool:
    if name.suffix.lower() in _DOCUMENTS:
        return True
    return name.suffix.lower() in ("", ".txt") and name.stem.lower().startswith(_SAID)
