"""The closed set of parameters: what is understood, what is the same, what is refused and in whose name."""

from __future__ import annotations

import pytest

from api.asking.query import BadParameter, pairs, read
from api.reports.species import SpeciesParameters
from api.reports.timeline import TimelineParameters
from db.filters import Filters
from db.models import FOREVER


def understood(query: str) -> TimelineParameters:
    return read(TimelineParameters, pairs(query.encode()))


def refused(query: str | bytes) -> BadParameter:
    with pytest.raises(BadParameter) as caught:
        read(TimelineParameters, pairs(query if isinstance(query, bytes) else query.encode()))
    return caught.value


SAME = [
    "species=Red+Fox&species=deer&interval=month&country=no",
    "species=deer&species=red%20fox&interval=month&country=NO",
    "country=NO&interval=month&species=DEER&species=Red%20%20Fox&species=deer",
    "interval=month&measure=individuals&limit=8&width=720&species=deer&species=red fox&country=No",
    "&interval=month&&species=deer&species=red+fox&country=NO&v=1",
]


@pytest.mark.parametrize("query", SAME)
def test_queries_that_mean_the_same_have_one_canonical_form(query: str) -> None:
    assert understood(query).canonical("svg") == understood(SAME[0]).canonical("svg")


def test_composed_and_decomposed_letters_are_the_same_name() -> None:
    assert understood("species=N%C3%A9ger") == understood("species=Ne%CC%81ger")


def test_other_filters_have_another_canonical_form() -> None:
    forms = {
        understood(query).canonical("svg") for query in ("", "year=2011", "year=2012", "limit=9", "asOf=3")
    }
    assert len(forms) == 5


def test_the_look_is_left_out_where_it_cannot_change_the_answer() -> None:
    plain, wide = understood(""), understood("width=900&theme=dark&title=x&scale=2")
    assert plain.canonical("json") == wide.canonical("json")
    assert plain.canonical("csv") == wide.canonical("csv")
    assert plain.canonical("svg") != wide.canonical("svg")
    assert understood("scale=2").canonical("svg") == plain.canonical("svg")
    assert understood("scale=2").canonical("png") != plain.canonical("png")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("eventDate=2001-02,2010-01", Filters(days=((20010201, 20100131),))),
        ("eventDate=2012-02", Filters(days=((20120201, 20120229),))),
        ("eventDate=2011", Filters(days=((20110101, 20111231),))),
        ("eventDate=*,2011-04-03", Filters(days=((0, 20110403),))),
        ("eventDate=2011-04-03,*", Filters(days=((20110403, FOREVER),))),
        ("eventDate=2012&eventDate=2010", Filters(days=((20100101, 20101231), (20120101, 20121231)))),
        ("year=*,1810", Filters(years=((0, 1810),))),
        ("year=2010,2012", Filters(years=((2010, 2012),))),
        ("month=4,6&month=12", Filters(months=(4, 5, 6, 12))),
        ("month=*,2", Filters(months=(1, 2))),
        ("taxonKey=7&taxonKey=3", Filters(taxon_keys=(3, 7))),
        ("country=no", Filters(countries=("NO",))),
        ("country=NA", Filters(countries=("NA",))),
        ("basisOfRecord=HumanObservation", Filters(bases_of_record=("HUMAN_OBSERVATION",))),
        ("basisOfRecord=machine_observation", Filters(bases_of_record=("MACHINE_OBSERVATION",))),
        ("bbox=-10,50.5,20,60", Filters(bbox=(-10.0, 50.5, 20.0, 60.0))),
        ("bbox=170,-20,-170,20", Filters(bbox=(170.0, -20.0, -170.0, 20.0))),
        ("stateProvince=Oslo&locality=S%C3%B8rkedalen",
         Filters(states=("Oslo",), localities=("Sørkedalen",))),
        ("feed=gbif&scientificName=Ursus&vernacularName=Bear",
         Filters(scientific_names=("ursus",), vernacular_names=("bear",), feeds=("gbif",))),
    ],
)  # fmt: skip
def test_filters_are_understood_as_gbif_means_them(query: str, expected: Filters) -> None:
    assert understood(query).filters == expected


@pytest.mark.parametrize("query", ["year=*,1810", "eventDate=2001-02-01,*&month=4", "bbox=-10,50.5,20,60"])
def test_what_was_understood_can_be_asked_again(query: str) -> None:
    told = understood(query).understood()
    again = "&".join(f"{name}={value}" for name, values in told.items() for value in values)
    assert understood(again) == understood(query)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"), ("limit=-1", "limit"), ("limit=201", "limit"), ("limit=1e9", "limit"),
        ("limit=1.5", "limit"), ("limit=", "limit"), ("limit=[]", "limit"), ("limit=" + "9" * 400, "limit"),
        ("limit=5&limit=6", "limit"), ("limit=5&limit=5", "limit"), ("limit=0x10", "limit"),
        ("limit=٣", "limit"), ("limit=NaN", "limit"),
        ("width=199", "width"), ("width=2401", "width"), ("height=NaN", "height"), ("scale=3", "scale"),
        ("theme=blue", "theme"), ("interval=decade", "interval"), ("measure=species", "measure"),
        ("year=02024", "year"), ("year=24", "year"), ("year=2012,2010", "year"), ("year=1,2,3", "year"),
        ("year=2011-04", "year"), ("month=0", "month"), ("month=13", "month"), ("month=11,2", "month"),
        ("eventDate=2011-02-30", "eventDate"), ("eventDate=2011-13", "eventDate"),
        ("eventDate=2011-05,2011-04", "eventDate"), ("eventDate=01/02/2024", "eventDate"),
        ("eventDate=0000", "eventDate"), ("country=Norway", "country"), ("country=N1", "country"),
        ("basisOfRecord=guess", "basisOfRecord"), ("taxonKey=x", "taxonKey"),
        ("taxonKey=" + "1" * 30, "taxonKey"),
        ("bbox=1,2,3", "bbox"), ("bbox=0,60,1,50", "bbox"), ("bbox=0,0,inf,1", "bbox"),
        ("bbox=0,0,181,1", "bbox"),
        ("bbox=nan,0,1,1", "bbox"), ("bbox=0,0,1,1&bbox=0,0,1,1", "bbox"),
        ("species=", "species"), ("species=" + "x" * 5000, "species"), ("species=%07", "species"),
        ("species=+", "species"), ("title=" + "x" * 201, "title"), ("asOf=0", "asOf"), ("v=-1", "v"),
        ("&".join(f"species=s{number}" for number in range(60)), "species"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_in_its_parameters_name(query: str, parameter: str) -> None:
    error = refused(query)
    assert error.parameter == parameter
    assert parameter in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("name", "near"),
    [("sceintificName", "scientificName"), ("scientificname", "scientificName"), ("specie", "species"),
     ("eventdate", "eventDate"), ("intervall", "interval"), ("as_of", "asOf")],
)  # fmt: skip
def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(name: str, near: str) -> None:
    error = refused(f"{name}=x")
    assert error.parameter == name
    assert near in str(error)


def test_a_report_knows_only_its_own_shape() -> None:
    with pytest.raises(BadParameter) as caught:
        read(SpeciesParameters, pairs(b"interval=month"))
    assert caught.value.parameter == "interval"


@pytest.mark.parametrize("query", [b"species=%ff", b"species=\xff", b"species=%c0%af", b"species=%ed%a0%80",
                                   b"species=a%00b", b"species=%zz", b"species=100%", b"%ff=1"])  # fmt: skip
def test_bytes_that_are_no_text_are_refused(query: bytes) -> None:
    refused(query)


def test_a_semicolon_separates_nothing() -> None:
    assert understood("species=a;limit=3").species == ("a;limit=3",)


def test_more_parameters_than_anyone_needs_are_refused_at_once() -> None:
    refused("&".join(f"a{number}=1" for number in range(100_000)))


def test_who_names_more_species_than_the_limit_gets_them_all() -> None:
    assert understood("&".join(f"species=s{number}" for number in range(12))).lines == 12
    assert understood("species=a&limit=5").lines == 5
