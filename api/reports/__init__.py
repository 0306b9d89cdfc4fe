"""The catalogue of reports: a line for each; a new one is a question in ``db``, a file here and its line."""

from __future__ import annotations

from typing import Any

from api.reports.accumulation import ACCUMULATION
from api.reports.arrivals import ARRIVALS
from api.reports.calendar import CALENDAR
from api.reports.diel import DIEL
from api.reports.map import MAP
from api.reports.phenology import PHENOLOGY
from api.reports.ratio import RATIO
from api.reports.recent import RECENT
from api.reports.report import Report
from api.reports.seasonality import SEASONALITY
from api.reports.species import SPECIES
from api.reports.summary import SUMMARY
from api.reports.timeline import TIMELINE

REPORTS: dict[str, Report[Any, Any]] = {
    report.name: report
    for report in (
        TIMELINE,
        SPECIES,
        PHENOLOGY,
        SEASONALITY,
        DIEL,
        MAP,
        ACCUMULATION,
        ARRIVALS,
        CALENDAR,
        RATIO,
        SUMMARY,
        RECENT,
    )
}
