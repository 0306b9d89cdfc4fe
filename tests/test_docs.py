"""The documentation tells of all that can be used: reports, parameters, formats, commands, reasons, terms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.asking.paging import PageParameters
from api.asking.species_parameters import MatchParameters, SearchParameters, SuggestParameters
from api.reports import REPORTS
from api.routes.occurrences import CountParameters
from db.questions.facets import FIELDS
from ingest.formats import FORMATS
from ingest.words.columns import TERMS
from manage import main
from tests.pictured import PICTURES, pictures
from tests.shown import anew

ROOT = Path(__file__).parent.parent
REPORTS_TEXT = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
FORMATS_TEXT = (ROOT / "docs" / "ingest.md").read_text(encoding="utf-8")
API_TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS_TEXT = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
INATURALIST_ONLY = {"timeObservedAt", "timeZone", "issue", "species"}


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
def test_every_report_and_parameter_is_documented(report):
    assert f"| `{report.name}` | {report.question}" in REPORTS_TEXT
    for name in report.parameters.names():
        assert f"`{name}`" in REPORTS_TEXT, name


def test_every_parameter_about_records_and_taxa_is_documented():
    models = (PageParameters, CountParameters, SearchParameters, SuggestParameters, MatchParameters)
    names = {name for model in models for name in model.names()} - {"taxonRank"}
    assert not [name for name in names if f"`{name}" not in API_TEXT]


def test_every_facet_is_documented():
    assert not [field for field in FIELDS if f"`{field}`" not in API_TEXT]


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_every_format_is_documented(known):
    assert f"| `{known.name}` |" in FORMATS_TEXT


@pytest.mark.parametrize("term", sorted(TERMS.keys() - INATURALIST_ONLY))
def test_every_term_is_documented(term):
    assert f"`{term}`" in FORMATS_TEXT


def test_every_reason_for_a_rejection_is_documented():
    source = (ROOT / "ingest" / "meaning" / "parse.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'Refusal\(\s*"([A-Z_]+)"', source))
    assert reasons
    assert all(f"| `{reason}` |" in FORMATS_TEXT for reason in reasons)


def test_every_command_is_documented():
    names = {
        f"{name} {below}".strip()
        for name, command in main.commands.items()
        for below in getattr(command, "commands", [""])
    }
    assert all(re.search(rf"\| `{name}[ `]", COMMANDS_TEXT) for name in names), names


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.name
)
def test_links_between_the_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", ["ingest.md", "operations.md"])
def test_every_command_on_a_page_prints_what_it_shows(page: str) -> None:
    """``python -m tests.shown docs/ingest.md`` writes it anew; seconds that passed make columns wider."""

    def squeezed(page: str) -> str:
        return re.sub(r" {2,}", "  ", page)

    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert squeezed(anew(text)) == squeezed(text)


def test_the_pictures_of_the_reports_are_those_that_are_drawn_now() -> None:
    page, folder = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8"), ROOT / "docs" / "pictures"
    assert set(PICTURES) == set(REPORTS)
    for name, drawn in pictures():
        assert f"pictures/{name}" in page
        assert (folder / name).read_bytes() == drawn, f"{name} is another now: make docs"
