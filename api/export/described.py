"""What an archive says of itself: meta.xml for readers of rows, eml.xml for people. Knows no record.

Sources: Darwin Core text guide, dwc.tdwg.org/text; EML 2.1.1 in the profile of GBIF, rs.gbif.org/schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from api.draw import clean
from api.export.about import About
from db.questions.exported import FIELDS

_DARWIN_CORE = "http://rs.tdwg.org/dwc/terms/"
_GBIF = "http://rs.gbif.org/terms/1.0/"
_OURS = "urn:sightings:terms#"
_ELSEWHERE = {"issue": f"{_GBIF}issue"}
_LONGEST = 5_000


def meta_xml(core: str, feeds: Sequence[str]) -> bytes:
    """How the rows of the core are cut, which column is which term, and the feeds that they are of."""
    archive = ET.Element("archive", xmlns="http://rs.tdwg.org/dwc/text/", metadata="eml.xml")
    table = ET.SubElement(
        archive, "core", encoding="UTF-8", fieldsTerminatedBy="\\t", linesTerminatedBy="\\n",
        fieldsEnclosedBy='"', ignoreHeaderLines="1", rowType=f"{_DARWIN_CORE}Occurrence",
    )  # fmt: skip
    ET.SubElement(ET.SubElement(table, "files"), "location").text = core
    ET.SubElement(table, "id", index="0")
    for place, name in enumerate(FIELDS):
        if name != "key":
            term = _ELSEWHERE.get(name, f"{_DARWIN_CORE}{name}")
            ET.SubElement(table, "field", index=str(place), term=term)
    if feeds:
        name = "feed" if len(feeds) == 1 else "feeds"
        ET.SubElement(table, "field", default=clean(" | ".join(feeds), _LONGEST), term=f"{_OURS}{name}")
    return _bytes(archive)


def eml_xml(about: About, absences: int) -> bytes:
    """Title, date, what was asked and how much was found."""
    ET.register_namespace("eml", "eml://ecoinformatics.org/eml-2.1.1")
    eml = ET.Element(
        "{eml://ecoinformatics.org/eml-2.1.1}eml",
        {"packageId": f"sightings/{about.version}", "system": "sightings", "scope": "system"},
    )
    dataset = ET.SubElement(eml, "dataset")
    _say(dataset, "title", f"{about.site}: {_count(about.records)}")
    for role in ("creator", "metadataProvider"):
        _say(ET.SubElement(dataset, role), "organizationName", about.site)
    _say(dataset, "pubDate", (about.ingested_at or "1970-01-01")[:10])
    _say(dataset, "language", "en")
    abstract = ET.SubElement(dataset, "abstract")
    for sentence in sentences(about, absences):
        _say(abstract, "para", sentence)
    _say(ET.SubElement(dataset, "contact"), "organizationName", about.site)
    metadata = ET.SubElement(ET.SubElement(eml, "additionalMetadata"), "metadata")
    export = ET.SubElement(metadata, "export")
    for name, value in _facts(about, absences):
        _say(export, name, value)
    return _bytes(eml)


def sentences(about: About, absences: int) -> list[str]:
    """What a person has to know of the records."""
    dates = f", from {about.first} to {about.last}" if about.first else ""
    filters = ", ".join(f"{name}={value}" for name, value in about.filters)
    made_up = [source.name for source in about.sources if source.made_up]
    said = [
        f"{_count(about.records)}, {absences} of them of absences{dates}.",
        f"Restricted to {filters}." if filters else "All records of the site.",
        f"Sources: {', '.join(source.name for source in about.sources) or 'none'}. Their rights are theirs.",
        f"Data version {about.version}{f', ingested {about.ingested_at}' if about.ingested_at else ''}.",
    ]
    if made_up:
        said.append(f"The records of {', '.join(made_up)} are made up.")
    return said


def _count(records: int) -> str:
    return "1 record" if records == 1 else f"{records} records"


def _facts(about: About, absences: int) -> Iterable[tuple[str, str]]:
    yield "dataVersion", str(about.version)
    if about.as_of is not None:
        yield "asOf", str(about.as_of)
    yield "records", str(about.records)
    yield "absences", str(absences)
    for name, value in about.filters:
        yield "filter", f"{name}={value}"
    for source in about.sources:
        yield "source", source.name


def _say(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = clean(text, _LONGEST)


def _bytes(root: ET.Element) -> bytes:
    ET.indent(root)
    return bytes(ET.tostring(root, "utf-8", xml_declaration=True)) + b"\n"
