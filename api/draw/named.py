"""What a group or a mark on a chart is called. Knows neither the chart nor who draws it."""

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr


@dataclass(frozen=True)
class Named:
    """What one group or mark is, told in attributes and, for people, in a title."""

    attributes: tuple[tuple[str, str], ...]
    title: str = ""

    def xml(self) -> str:
        """The attributes as they stand in a tag."""
        return "".join(f" {key}={quoteattr(value)}" for key, value in self.attributes)
