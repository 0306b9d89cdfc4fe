"""What every described answer shares: the names of JSON, and nothing undescribed. Knows no answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

PlainRow = dict[str, str | int | float | bool | None]
"""A row of plain values whose names are the columns'."""


class Shape(BaseModel):
    """A JSON object as it leaves here; it describes and is never made while answering."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", protected_namespaces=())
