"""Names of time zones as exports write them -> IANA zones; knows no dates.

iNaturalist writes Ruby on Rails' names: a city ("Vienna") or a region ("Pacific Time (US & Canada)").
Source: ActiveSupport::TimeZone::MAPPING, for the regions; a city is the last part of its IANA name.
"""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_REGIONS = {
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Atlantic Time (Canada)": "America/Halifax",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Arizona": "America/Phoenix",
    "Alaska": "America/Juneau",
    "Hawaii": "Pacific/Honolulu",
    "Central America": "America/Guatemala",
    "Saskatchewan": "America/Regina",
    "Newfoundland": "America/St_Johns",
    "Edinburgh": "Europe/London",
    "Bern": "Europe/Zurich",
    "New Delhi": "Asia/Kolkata",
    "Mumbai": "Asia/Kolkata",
    "Chennai": "Asia/Kolkata",
    "Beijing": "Asia/Shanghai",
    "Canberra": "Australia/Sydney",
    "Wellington": "Pacific/Auckland",
    "UTC": "UTC",
}


@lru_cache(maxsize=1024)
def named_zone(name: str) -> ZoneInfo | None:
    """The zone of this name; None for a name that is not known."""
    if not name:
        return None
    if name in _REGIONS:
        return ZoneInfo(_REGIONS[name])
    city = name.replace(" ", "_")
    return next(
        (
            ZoneInfo(zone)
            for zone in sorted(available_timezones())
            if zone == city or zone.endswith(f"/{city}")
        ),
        None,
    )
