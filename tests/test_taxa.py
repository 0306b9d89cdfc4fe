"""What a row calls its animal."""

from __future__ import annotations

import pytest

from ingest.words import taxa


def named(latin: bool = True, **given: str) -> tuple[str, str, str] | None:
    found = taxa.taxon([given.get(column, "") for column in taxa.COLUMNS], latin)
    return (found.name, found.scientific_name, found.vernacular_name) if found else None


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Procyon lotor (Linnaeus, 1758)", "Procyon lotor"),
        ("Harmonia axyridis (Pallas, 1773)", "Harmonia axyridis"),
        ("Lynx lynx Linnaeus", "Lynx lynx"),
        ("Delphinium bolosii C.Blanché & Molero", "Delphinium bolosii"),
        ("Canis lupus", "Canis lupus"),
        ("Canis lupus familiaris", "Canis lupus familiaris"),
        ("Aquila", "Aquila"),
        ("Anas platyrhynchos × Anas acuta", "Anas platyrhynchos × Anas acuta"),
        ("Carex sp.", "Carex sp."),
        ("Bear", "Bear"),
    ],
)
def test_a_scientific_name_is_read_without_its_author(name: str, plain: str) -> None:
    assert taxa.without_author(name) == plain


def test_an_author_that_is_given_apart_is_cut_off_exactly() -> None:
    assert taxa.without_author("Carex nigra agg. foo", "agg. foo") == "Carex nigra"


def test_the_species_that_gbif_settled_on_goes_before_the_name_of_the_record() -> None:
    given = {"scientificName": "Felis lynx Linnaeus, 1758", "species": "Lynx lynx", "vernacularName": "Lynx"}
    assert named(**given) == ("Lynx lynx", "Lynx lynx", "Lynx")


@pytest.mark.parametrize(
    ("given", "latin", "expected"),
    [
        ({"species": "Bear"}, False, ("Bear", "", "Bear")),
        ({"species": "Ursus arctos"}, True, ("Ursus arctos", "Ursus arctos", "")),
        ({"vernacularName": " Brown   bear "}, True, ("Brown bear", "", "Brown bear")),
        ({"genus": "Ursus", "specificEpithet": "arctos"}, True, ("Ursus arctos", "Ursus arctos", "")),
        ({"genus": "Ursus"}, True, ("Ursus", "Ursus", "")),
        ({"genus": "Ursus", "species": "arctos"}, True, ("Ursus arctos", "Ursus arctos", "")),
        ({"genus": "Carex", "species": "sp."}, True, ("Carex sp.", "Carex sp.", "")),
        ({"genus": "Ursus", "species": "Ursus arctos"}, True, ("Ursus arctos", "Ursus arctos", "")),
        ({"genus": "Ursus", "species": "arctos L."}, True, ("Ursus arctos", "Ursus arctos", "")),
        ({"genus": "Ursus", "species": "bear"}, False, ("Ursus", "Ursus", "bear")),
        ({"species": "arctos"}, True, ("arctos", "arctos", "")),
        ({"species": "Bear", "vernacularName": "Brown bear"}, False, ("Brown bear", "", "Brown bear")),
        ({"kingdom": "Animalia", "family": "Ursidae"}, True, None),
        ({}, True, None),
    ],
)
def test_a_row_names_its_animal_in_one_way_or_another(
    given: dict[str, str], latin: bool, expected: tuple[str, str, str] | None
) -> None:
    assert named(latin, **given) == expected


@pytest.mark.parametrize(
    ("names", "latin"),
    [
        (["Lynx lynx", "Ursus arctos", "Canis lupus"], True),
        (["Bont zandoogje", "Dagpauwoog", "Klein koolwitje"], False),
        (["Bear", "Deer", "Wolf"], False),
        (["Roe deer", "Red fox"], False),
        ([], False),
    ],
)
def test_a_column_of_species_is_latin_where_most_of_it_ends_so(names: list[str], latin: bool) -> None:
    assert taxa.looks_latin(names) is latin


def test_beside_a_genus_the_second_part_of_a_name_is_latin_too() -> None:
    assert taxa.looks_latin(["lynx", "arctos", "lupus", "lotor"], beside_genus=True)
    assert not taxa.looks_latin(["lynx", "arctos", "lupus", "lotor"])
    assert not taxa.looks_latin(["bear", "deer", "wolf", "badger"], beside_genus=True)


def test_a_name_of_a_megabyte_is_cut() -> None:
    found = named(scientificName="x" * 1_000_000)
    assert found is not None
    assert len(found[0]) == 200
