"""Step rules and what they refuse."""

from math import inf, log, nan

import numpy as np
import pytest

from theory.descent import FixedStep, LossScaledStep
from theory.descent.steps import check_decay
from theory.errors import InvalidInput


@pytest.mark.parametrize("size", [-0.1, 0.0, nan, inf, True, "1"])
def test_a_fixed_step_is_positive(size: float) -> None:
    with pytest.raises(InvalidInput, match="size"):
        FixedStep(size)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"relative": 0.0}, "relative"),
        ({"relative": inf}, "relative"),
        ({"relative": 1.0, "norm_power": -1.0}, "norm_power"),
        ({"relative": 1.0, "largest": 0.0}, "largest"),
    ],
)
def test_a_loss_scaled_step_is_positive(arguments: dict[str, float], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        LossScaledStep(**arguments)


def test_the_loss_scaled_step_follows_loss_and_norm_up_to_its_limit() -> None:
    rule = LossScaledStep(0.5, norm_power=2.0, largest=10.0)
    sizes = rule.log_size(np.array([-1.0, -1000.0]), np.array([0.25, 0.25]))
    np.testing.assert_allclose(sizes, [log(0.5) + 1.0 - 0.5, log(10.0)])
    free = LossScaledStep(1.0).log_size(np.array([-1e5]), np.array([0.0]))
    assert free == [1e5]


def test_steps_and_decay_must_go_together() -> None:
    eps = float(np.finfo(np.float32).eps)
    with pytest.raises(InvalidInput, match="decay is -1"):
        check_decay(FixedStep(0.1), -1.0, eps)
    with pytest.raises(InvalidInput, match="overshoots"):
        check_decay(FixedStep(2.0), 0.5, eps)
    with pytest.raises(InvalidInput, match="overshoots"):
        check_decay(LossScaledStep(1.0), 1e-3, eps)
    with pytest.raises(InvalidInput, match="rounding"):
        check_decay(FixedStep(1e-4), 1e-4, eps)
    check_decay(LossScaledStep(1.0), 0.0, eps)
    check_decay(FixedStep(1e-4), 1e-4, 2e-16)
