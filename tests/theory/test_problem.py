"""Problems and regimes: what they refuse, and in which words."""

from collections.abc import Callable
from math import log, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.nets import Deep, Diagonal, Factorization, TwoLayer
from theory.problem import Problem, Regime, new_inputs

MODERATE = Regime(log10_alpha=2, decay_power=2)

GOOD: dict[str, Any] = {
    "net": Diagonal(2),
    "anchor": [0.5, 0.5, 0.5, 0.5],
    "inputs": [[1.0, 0.5], [-0.25, 1.0]],
    "labels": [1.0, -1.0],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0, 1]}, r"labels holds \[0.0\]; the exponential loss needs -1 or \+1"),
        ({"labels": [0, 1], "loss": "logistic"}, r"the logistic loss needs -1 or \+1"),
        ({"labels": [1, nan]}, "labels holds NaN or infinite values"),
        ({"labels": [1, 1, 1]}, "labels has 3 entries for 2 inputs"),
        ({"labels": []}, "labels is empty"),
        ({"labels": [[1, -1]]}, r"labels has shape \(1, 2\); it must have 1 axes"),
        ({"labels": ["cat", "dog"]}, "labels is not a rectangular array of numbers: .*cat"),
        ({"labels": [True, -1]}, r"labels is not a rectangular array of numbers: \[True, -1\]"),
        ({"inputs": [[1.0, 10**400], [1.0, 1.0]]}, "inputs is not a rectangular array"),
        ({"inputs": [[1.0, 0.5], [np.inf, 1.0]]}, "inputs holds NaN or infinite values"),
        ({"inputs": [[1.0, 0.5], [1.0]]}, "inputs is not a rectangular array"),
        ({"inputs": [1.0, 0.5]}, r"inputs has shape \(2,\); it must have 2 axes"),
        ({"inputs": np.zeros((0, 2))}, "inputs is empty"),
        ({"inputs": np.ones((2, 3))}, "inputs has 3 columns; .* takes inputs of dimension 2"),
        ({"anchor": [0.5, 0.5, 0.5]}, "anchor has 3 numbers; .* has 4 parameters"),
        ({"anchor": [0.0] * 4}, "anchor is zero; it must be a direction"),
        ({"anchor": [nan] * 4}, "anchor holds NaN"),
        ({"net": Diagonal}, "net is the class Diagonal; give an instance"),
        ({"net": "net"}, "net is 'net'; it must be a HomogeneousNet"),
        ({"loss": "hinge"}, "loss is 'hinge'; allowed are exponential, logistic, squared"),
        (
            {"net": TwoLayer(1, 3, "square"), "inputs": np.ones((2, 2))},
            "inputs has 2 columns; .* takes inputs of dimension 3",
        ),
        (
            {"net": Deep((3, 1, 1, 1)), "anchor": np.ones(5)},
            "inputs has 2 columns; .* takes inputs of dimension 3",
        ),
        *(
            (
                {"net": Factorization(2, 1), "inputs": pairs},
                "inputs must be pairs of whole indices from 0 to 1",
            )
            for pairs in (
                [[0, 1], [0, 2]],
                [[0, 1], [-1, 0]],
                [[0, 1], [0.5, 1]],
                [[0, 1, 1], [0, 0, 0]],
            )
        ),
    ],
)
def test_meaningless_problems_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Problem(**{**GOOD, **change})


def test_long_values_are_shortened_in_messages() -> None:
    with pytest.raises(InvalidInput) as raised:
        Problem(**{**GOOD, "labels": ["word"] * 1000})
    assert len(str(raised.value)) < 200


def test_problem_holds_its_own_read_only_arrays() -> None:
    inputs = np.array(GOOD["inputs"])
    problem = Problem(**{**GOOD, "inputs": inputs})
    inputs[0, 0] = 99.0
    assert problem.inputs[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        problem.inputs[0, 0] = 2.0


def test_squared_loss_takes_real_targets() -> None:
    problem = Problem(**{**GOOD, "labels": [0.25, -3.0], "loss": "squared"})
    assert (problem.samples, problem.parameters, problem.degree) == (2, 4, 2)
    assert problem.anchor_norm == 1.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Regime(log10_alpha=2), "exactly one of decay_power and log10_lambda"),
        (
            lambda: Regime(log10_alpha=2, decay_power=1, log10_lambda=-2),
            "exactly one of decay_power and log10_lambda",
        ),
        (lambda: Regime(log10_alpha=0, decay_power=1), "log10_alpha is 0; .* exceed 1"),
        (lambda: Regime(log10_alpha=-3, decay_power=1), "log10_alpha is -3"),
        (lambda: Regime(log10_alpha=nan, decay_power=1), "log10_alpha is nan; .* finite"),
        (lambda: Regime(log10_alpha=2, decay_power=0), "decay_power is 0; .* positive power"),
        (lambda: Regime(log10_alpha=2, decay_power=np.inf), "decay_power is inf; .* finite"),
        (lambda: Regime(log10_alpha=2, log10_lambda=-np.inf), "log10_lambda is -inf"),
        (lambda: Regime(log10_alpha="2", decay_power=1), "log10_alpha is '2'; .* a number"),  # type: ignore[arg-type]
        (
            lambda: Regime(log10_alpha=1e15, decay_power=10),
            r"decay_power is 10; with log10_alpha = 1e\+15 it makes log10_lambda -1e\+16, which",
        ),
        (lambda: MODERATE.with_decay(0), "factor is 0; it must be positive"),
        (lambda: MODERATE.with_decay(-1), "factor is -1; it must be positive"),
        (lambda: MODERATE.with_decay(nan), "factor is nan; it must be positive and finite"),
        (lambda: Regime(log10_alpha=True, decay_power=1), "log10_alpha is True; .* a number"),
    ],
)
def test_meaningless_regimes_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        build()


@given(st.floats(0.1, 1e4), st.floats(0.1, 10))
def test_decay_power_and_lambda_say_the_same(log10_alpha: float, power: float) -> None:
    regime = Regime(log10_alpha=log10_alpha, decay_power=power)
    assert regime == Regime(log10_alpha=log10_alpha, log10_lambda=-power * log10_alpha)
    # one division and one product
    assert regime.decay_power == pytest.approx(power, rel=1e-15)
    assert regime.log_lambda == pytest.approx(-power * regime.log_alpha, rel=1e-15)
    assert regime.at_alpha(7.0).decay_power == pytest.approx(power, rel=1e-15)


def test_grokking_time_is_log_alpha_over_lambda() -> None:
    regime = Regime(log10_alpha=3, log10_lambda=-4)
    assert 10**regime.grokking_log10_time == pytest.approx(log(1e3) / 1e-4, rel=1e-13)


def test_whole_numbers_of_any_length_are_numbers() -> None:
    inputs = [[10**30, 1], [1, -(10**25)]]
    problem = Problem(Diagonal(2, 2), np.ones(4), inputs, [1, -1])
    np.testing.assert_array_equal(problem.inputs, [[1e30, 1.0], [1.0, -1e25]])


@pytest.mark.parametrize("net", [Diagonal(2, 2), Factorization(2, 2)])
def test_a_net_may_be_asked_on_no_inputs(net: Diagonal | Factorization) -> None:
    assert new_inputs(net, np.empty((0, 2))).shape == (0, 2)
