"""The card that stands where a chart would have been: an error, told calmly. Knows no exception."""

from api.draw.look import Look
from api.draw.picture import Picture
from api.draw.sheet import Sheet
from api.draw.words import BOLD, Words, clean, wrap

LONGEST_LINE = 46
"""In em: about eighty letters, beyond which an eye loses its line."""


def card(status: int, title: str, detail: str, look: Look) -> Picture:
    """Status, title and wrapped detail, in the chart's own size so that a page does not jump."""
    sheet = Sheet(look)
    room = min(look.width - 2 * look.pad - 14 * look.unit, LONGEST_LINE * look.size("label"))
    heads = wrap(clean(title, 120), look.size("title") * BOLD, room, 2)
    head, body, gap = look.size("title") * 1.3, look.size("label") * 1.5, look.size("label") * 0.3
    most = max(1, int((look.height - 2 * look.pad - body - len(heads) * head - gap) / body))
    lines = wrap(clean(detail, 600), look.size("label"), room, most)
    high = body + len(heads) * head + gap + len(lines) * body
    top, left = (look.height - high) * 0.45, look.pad + 14 * look.unit
    sheet.block(look.pad, top, 3 * look.unit, high, "s1")
    y = top + look.size("small")
    sheet.text(left, y, f"{status}", look.size("small"), "muted")
    for line in heads:
        y += head
        sheet.text(left, y, line, look.size("title"), bold=True)
    y += gap
    for line in lines:
        y += body
        sheet.text(left, y, line, look.size("label"), "muted")
    return Picture(sheet, Words(f"{status} {title}", description=detail or title))
