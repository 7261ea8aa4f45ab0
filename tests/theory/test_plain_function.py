"""Nets that are no function of theta and one input are refused, by the name of what is wrong."""

from typing import Any

import numpy as np
import pytest
import torch

from theory.assumptions import check_assumptions
from theory.errors import AssumptionError
from theory.nets import Diagonal, HomogeneousNet
from theory.plain_function import check_plain_function
from theory.problem import Problem


class Balanced(HomogeneousNet):
    """f = <u^2 - v^2, x>; the wrong ones below change the arithmetic, not the function."""

    degree = 2

    def forward(self, theta: Any, inputs: Any) -> Any:
        return inputs @ (theta[:2] ** 2 - theta[2:] ** 2)


class Centred(Balanced):
    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta, inputs - inputs.mean(0))


class BatchNormalised(Balanced):
    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta, inputs) / inputs.std()


class Dropout(Balanced):
    def forward(self, theta: Any, inputs: Any) -> Any:
        with torch.random.fork_rng():
            torch.seed()
            mask = torch.rand(2, dtype=torch.float64) < 0.5
        return super().forward(theta, inputs * mask)


class Counting(Balanced):
    def __init__(self) -> None:
        self.calls = 0

    def forward(self, theta: Any, inputs: Any) -> Any:
        self.calls += 1
        return super().forward(theta, inputs) * (1.0 + 1e-3 * self.calls)


class Single(Balanced):
    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta.float(), inputs.float())


class SingleInside(Balanced):
    def forward(self, theta: Any, inputs: Any) -> Any:
        hidden = (theta**2).float().double()
        return inputs @ (hidden[:2] - hidden[2:])


ANCHOR = np.array([0.5, 0.25, 0.5, 0.25])
INPUTS = np.array([[1.0, 0.5], [-0.25, 1.0], [0.3, 0.7]])


@pytest.mark.parametrize("units", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize(
    ("net", "assumption", "message"),
    [
        (Centred(), "independent samples", "when other inputs join the batch.*remove centring"),
        (BatchNormalised(), "independent samples", "output at input . changes by"),
        (Dropout(), "determinism", "not deterministic.*call .eval"),
        (Counting(), "determinism", "keeps a state"),
        (Single(), "double precision", "returns float32, less than float64"),
        (SingleInside(), "double precision", r"carries .e-0. relative, less than float64"),
    ],
)
def test_nets_outside_the_theorems_are_refused(
    net: HomogeneousNet, assumption: str, message: str, units: float
) -> None:
    problem = Problem(net, ANCHOR, units * INPUTS, [1.0, -1.0, 1.0])
    with pytest.raises(AssumptionError, match=message) as raised:
        check_assumptions(problem)
    assert raised.value.assumption == assumption


def test_one_sample_at_a_time_is_a_plain_function(problem: Problem) -> None:
    check_plain_function(problem.net, problem.parameters, problem.inputs)


def test_a_faulty_sample_is_not_hidden_by_the_units_of_another() -> None:
    """Homogeneity is judged sample by sample: a bias seen on one small input only."""

    class BiasOnSmall(Balanced):
        def forward(self, theta: Any, inputs: Any) -> Any:
            small = inputs.abs().sum(1) < 1.0
            return super().forward(theta, inputs) + 1e-8 * small

    inputs = np.array([[1e8, 0.5e8], [-0.25e-8, 1e-8]])
    with pytest.raises(AssumptionError, match="not homogeneous of degree 2"):
        check_assumptions(Problem(BiasOnSmall(), ANCHOR, inputs, [1.0, -1.0]))


def test_a_gradient_counts_as_zero_by_its_own_units() -> None:
    inputs = np.array([[1e9, 0.5e9], [-0.25e-9, 1e-9]])
    check_assumptions(Problem(Diagonal(2, 60), ANCHOR, inputs, [1.0, -1.0]))
    check_assumptions(Problem(Balanced(), ANCHOR, inputs, [1.0, -1.0]))

    class Vanishing(Balanced):
        """At the anchor the second input's gradient is what rounding leaves of it."""

        def forward(self, theta: Any, inputs: Any) -> Any:
            away = theta[0] - theta[2] + 1e-14 * theta[0]
            factor = torch.where(inputs[:, 0] < 0, away**2, theta[0] ** 2)
            return super().forward(theta, inputs) * factor

        degree = 4

    with pytest.raises(AssumptionError, match="input 1 has a zero gradient at the anchor"):
        check_assumptions(Problem(Vanishing(), ANCHOR, INPUTS[:2], [1.0, -1.0]))
