"""Level 1: answers that are known are given from memory, in front of the web application. Knows no report."""

from __future__ import annotations

from api.edge.front import Edge

__all__ = ["Edge"]
