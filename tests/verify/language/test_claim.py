"""Claims and measurements that could not be run, filed or judged are refused when made."""

from dataclasses import replace
from typing import Any

import pytest
from stated import tiny

from theory.errors import InvalidInput

NAMES = ["", "a/b", "../a", ".hidden", "-flag", "two words", "line\n", "é", "x" * 101, 3]


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_plain_names(name: Any) -> None:
    claim = tiny()
    with pytest.raises(InvalidInput, match=r"id of a claim is .* must be at most 100 letters"):
        replace(claim, id=name)
    with pytest.raises(InvalidInput, match="id of a measurement is"):
        replace(claim.measurement, id=name)


@pytest.mark.parametrize("name", ["x" * 100, "saxe_2", "A.b-c", "2nd"])
def test_plain_names_are_ids(name: str) -> None:
    assert tiny(name=name).measurement.id == name


@pytest.mark.parametrize("expected", ["false", "", True])
def test_what_is_expected_is_a_verdict(expected: Any) -> None:
    with pytest.raises(
        InvalidInput, match=r"expected to be .*; it must be one of holds, falsified"
    ):
        tiny(expected=expected)
    assert tiny(expected="falsified").expected == "falsified"


@pytest.mark.parametrize("families", [("a", "b", "a"), ("a", "examples")])
def test_families_stand_once_and_are_no_examples(families: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="each stands there once, and none is named 'examples'"):
        tiny(families=families)


@pytest.mark.parametrize("thrift", [0, -1, 1.5])
def test_thrift_is_a_whole_number_from_one_on(thrift: Any) -> None:
    with pytest.raises(InvalidInput, match="thrift of measurement 'tiny' is"):
        tiny(thrift=thrift)


def test_an_independent_route_is_another_one() -> None:
    measurement = tiny().measurement
    with pytest.raises(InvalidInput, match="by which it is measured; another one is needed"):
        replace(measurement, independent=measurement.measure)
