"""The page's own style, script and mark, read once and named by what is in them. Knows no page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from api.keeping.envelope import Answer, enclose
from api.page.speech import spoken

FOLDER = Path(__file__).resolve().parent.parent / "static"
MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file: its digest, which is part of its address, and its bytes in every coding."""

    digest: str
    media_type: str
    answer: Answer


@cache
def assets() -> dict[str, Asset]:
    """Every file by its name."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA}


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(digest, MEDIA[path.suffix], enclose(digest, path.suffix[1:], content))


def fingerprint() -> str:
    """Of all that a page's bytes depend on beside the data: what it is made with, and its language."""
    return repr((_made_with(), *spoken()))


@cache
def _made_with() -> str:
    """Style, script, templates, this code."""
    folders = (FOLDER, FOLDER.parent / "templates", FOLDER.parent / "page")
    found = (path for folder in folders for path in folder.rglob("*"))
    files = sorted(path for path in found if path.is_file() and path.suffix != ".pyc")
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
