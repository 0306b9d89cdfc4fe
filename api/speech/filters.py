"""What the filters are called: in English by the name of their parameter, which is what a link has."""

from __future__ import annotations

from api.speech.texts import pgettext


def filter_name(parameter: str) -> str:
    """What people call the filter of a parameter; the parameter itself, where it is none of ours."""
    names = {
        "scientificName": pgettext("filter", "scientificName"),
        "vernacularName": pgettext("filter", "vernacularName"),
        "species": pgettext("filter", "species"),
        "taxonKey": pgettext("filter", "taxonKey"),
        "eventDate": pgettext("filter", "eventDate"),
        "year": pgettext("filter", "year"),
        "month": pgettext("filter", "month"),
        "country": pgettext("filter", "country"),
        "stateProvince": pgettext("filter", "stateProvince"),
        "locality": pgettext("filter", "locality"),
        "basisOfRecord": pgettext("filter", "basisOfRecord"),
        "feed": pgettext("filter", "feed"),
        "bbox": pgettext("filter", "bbox"),
    }
    return names.get(parameter, parameter)
