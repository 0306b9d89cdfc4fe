"""Months and weekdays by their names."""

from __future__ import annotations

import pytest

from ingest.words import months


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ("January Jan Januar Jänner janvier janv. januari enero ene gennaio gen", 1),
        ("February Feb février févr. febrero febbraio", 2),
        ("March März Mrz mars maart mrt marzo MAR", 3),
        ("April avril avr. abril aprile", 4),
        ("May Mai mei mayo maggio mag", 5),
        ("June Juni Jun juin junio giugno giu", 6),
        ("July Juli Jul juillet juil. julio luglio lug", 7),
        ("August août aout augustus agosto ago", 8),
        ("September Sept. Sep septembre septiembre settembre set", 9),
        ("October Oktober Okt octobre octubre ottobre ott", 10),
        ("November Nov noviembre", 11),
        ("December Dezember Dez décembre déc. diciembre dic", 12),
    ],
)
def test_a_month_is_known_in_six_languages(names: str, number: int) -> None:
    assert {name: months.month(name) for name in names.split()} == dict.fromkeys(names.split(), number)


@pytest.mark.parametrize("word", ["", "Ja", "ma", "jui", "Mayfly", "Foo", "ju", "1"])
def test_what_is_no_month_or_could_be_two_is_none(word: str) -> None:
    assert months.month(word) is None


def test_weekdays_are_known_by_two_letters() -> None:
    assert all(map(months.is_weekday, ["Mon", "Di", "mercredi", "do.", "Vendredi,", "sáb", "dom", "za"]))
    assert not any(map(months.is_weekday, ("", "M", "May", "today", "around")))
