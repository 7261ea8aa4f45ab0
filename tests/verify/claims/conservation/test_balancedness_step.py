"""Steps of linear nets that diverge are a numerical failure, which ends no claim."""

import pytest

from theory.errors import NumericalFailure
from verify.claims.conservation.balancedness_step import measure
from verify.strategies.conservation import LinearNet


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_steps_that_diverge_fail_as_numbers(momentum: float) -> None:
    """`standard`, seed 1, met one such instance: its claim raised, and was inconclusive."""
    with pytest.raises(NumericalFailure, match=r"steps of 1e.* diverge: weights leave float64"):
        measure(LinearNet((3, 4, 2, 3), 5, 0.1, 1e8, 0), momentum)
