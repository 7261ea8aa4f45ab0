"""Out-of-assumption problems break the assumption they name, and `check_assumptions` says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import AssumptionError, InvalidInput, check_assumptions
from verify.strategies.violations import VIOLATIONS, violating


@pytest.mark.parametrize("assumption", VIOLATIONS)
@given(data=st.data())
def test_the_named_assumption_is_the_one_that_fails(assumption: str, data: st.DataObject) -> None:
    problem = data.draw(violating(assumption))
    with pytest.raises(AssumptionError) as caught:
        check_assumptions(problem)
    assert caught.value.assumption == assumption


def test_an_unknown_assumption_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"assumption is 'luck'; known are homogeneity"):
        violating("luck")
