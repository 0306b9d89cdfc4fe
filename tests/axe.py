"""Axe-core, which looks a page over for what keeps people out: found where make put it, and checked."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.conftest import ROOT, missing

if TYPE_CHECKING:
    from playwright.sync_api import Page

FILE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
SHA_512 = (
    "e63e659f9806d7ae5bd40899043b0871a5062c5442b01b3f1a3edf5eaf50bf5c"
    "3a7104a72463293b4ad1b77c661a0d4e40e850dec89de9d6ece70a8c13a9af17"
)
"""Of the version that the Makefile names: no other one is run."""
_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
GRAVE = ("serious", "critical")


@cache
def _source() -> str:
    if not FILE.exists():
        missing("axe-core is not installed (make test installs it by npm; Debian: apt-get install npm)")
    content = FILE.read_bytes()
    found = hashlib.sha512(content).hexdigest()
    assert found == SHA_512, f"{FILE} is not the axe-core that was meant: its SHA-512 is {found}"
    return content.decode()


def findings(page: Page) -> list[str]:
    """What is serious or critical about the page at hand: the rule, and where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    told: dict[str, Any] = page.evaluate("options => axe.run(document, options)", _OPTIONS)
    return [
        f"{one['impact']} {one['id']}: {node['html'][:160]} {node['failureSummary']}"
        for one in told["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
