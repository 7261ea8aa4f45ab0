"""The shared loop: what it yields, and when it refuses."""

import numpy as np
import pytest
import torch

from theory.errors import InvalidInput, NumericalFailure
from verify.experiments.optimization import Draw, Moment, log_spaced, steps_of


def test_recorded_steps_are_log_spaced_from_zero_to_the_last() -> None:
    steps = log_spaced(5000, 10)
    assert steps[:3] == [0, 1, 2]
    assert steps[-1] == 5000
    ratios = np.diff(np.log10(np.array(steps[-10:], dtype=float)))
    np.testing.assert_allclose(ratios, 0.1, atol=0.003)
    assert log_spaced(1) == [0, 1]
    with pytest.raises(InvalidInput, match="last is 0"):
        log_spaced(0)


def test_the_weights_at_a_yield_are_those_after_so_many_steps() -> None:
    # on w^2 / 2 the step lr multiplies w by 1 - lr; during the warmup lr rises by quarters
    weight = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.4)
    found = {
        step: weight.item()
        for step in steps_of(optimizer, lambda _: weight.square() / 2, [0, 1, 2, 5], warmup=4)
    }
    expected = {0: 1.0, 1: 0.9, 2: 0.9 * 0.8, 5: 0.9 * 0.8 * 0.7 * 0.6 * 0.6}
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("at", [[], [1, 1], [2, 1], [-1]])
def test_steps_must_increase(at: list[int]) -> None:
    weight = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with pytest.raises(InvalidInput, match="at is"):
        list(steps_of(optimizer, lambda _: weight.square(), at))


def test_divergence_is_a_numerical_failure() -> None:
    weight = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=10.0)
    with pytest.raises(NumericalFailure, match="after 200 steps"):
        list(steps_of(optimizer, lambda _: weight.square(), [0, 200]))


def test_draws_repeat_and_have_their_laws() -> None:
    assert torch.equal(Draw(3).normal(5), Draw(3).normal(5))
    assert not torch.equal(Draw(3).normal(5), Draw(4).normal(5))
    normal, uniform = Draw(0).normal(20_000, scale=3.0), Draw(0).uniform(20_000, bound=2.0)
    # standard errors: 3 / sqrt(2 n) = 0.015 of a deviation, and half of it for the uniform
    assert normal.std().item() == pytest.approx(3.0, abs=0.06)
    assert uniform.std().item() == pytest.approx(2.0 / 3**0.5, abs=0.03)
    assert uniform.abs().max().item() <= 2.0


def test_the_norm_of_a_moment_is_that_of_all_parameters() -> None:
    moment = Moment.of(
        7, [(1.0, 0.5), (2.0, 0.25)], {"a": torch.tensor([3.0]), "b": torch.ones(16)}
    )
    assert moment == Moment(7, 1.0, 2.0, 0.5, 0.25, 5.0)
