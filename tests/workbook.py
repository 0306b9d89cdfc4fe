"""Workbooks as Excel writes them, as small as they can be: what tests of the Excel reader stand on."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    "</Types>"
)
# General, a date, a date with its time, a time, a length of time.
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="22"/><xf numFmtId="21"/><xf numFmtId="46"/></cellXfs></styleSheet>'
)
Rows = Sequence[Sequence[Any]]


def workbook(
    path: Path, sheets: Mapping[str, Rows | str], from_1904: bool = False, merged: Sequence[str] = ()
) -> Path:
    """A workbook of these sheets: rows of values, None for no cell, or the XML of all rows."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", _TYPES)
        packed.writestr("_rels/.rels", _relations({"officeDocument": "xl/workbook.xml"}))
        named = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="r{number}"/>'
            for number, name in enumerate(sheets, 1)
        )
        packed.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><workbookPr date1904="{int(from_1904)}"/>'
            f"<sheets>{named}</sheets></workbook>",
        )
        links = {f"worksheet {number}": f"worksheets/s{number}.xml" for number in range(1, len(sheets) + 1)}
        packed.writestr("xl/_rels/workbook.xml.rels", _relations({**links, "styles": "styles.xml"}))
        packed.writestr("xl/styles.xml", _STYLES)
        for number, rows in enumerate(sheets.values(), 1):
            content = rows if isinstance(rows, str) else _rows(rows, from_1904)
            cells = "".join(f'<mergeCell ref="{ref}"/>' for ref in merged)
            merges = f"<mergeCells>{cells}</mergeCells>" if merged else ""
            packed.writestr(
                f"xl/worksheets/s{number}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{content}</sheetData>{merges}</worksheet>',
            )
    return path


def _relations(links: Mapping[str, str]) -> str:
    told = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind.split()[0]}" Target="{target}"/>'
        for number, (kind, target) in enumerate(links.items(), 1)
    )
    return f'<Relationships xmlns="{_LINKS}">{told}</Relationships>'


def _rows(rows: Rows, from_1904: bool) -> str:
    found = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(value, number, at, from_1904) for at, value in enumerate(row))
        found.append(f'<row r="{number}">{cells}</row>')
    return "".join(found)


def _cell(value: Any, row: int, column: int, from_1904: bool) -> str:
    where = f'r="{chr(65 + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c {where} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    if isinstance(value, bool):
        return f'<c {where} t="b"><v>{int(value)}</v></c>'
    style, number = _number(value, from_1904)
    return f'<c {where} s="{style}"><v>{number!r}</v></c>'


def _number(value: Any, from_1904: bool) -> tuple[int, float]:
    start = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)
    if isinstance(value, datetime):
        return 2, (value - start).total_seconds() / 86_400
    if isinstance(value, date):
        return 1, (datetime.combine(value, time()) - start).days
    if isinstance(value, time):
        return 3, (value.hour * 3600 + value.minute * 60 + value.second) / 86_400
    return 0, value
