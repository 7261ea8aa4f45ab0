"""The assumptions of the theorems: accepted where they hold, named where they do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from theory.assumptions import check_assumptions
from theory.errors import AssumptionError, InvalidInput
from theory.nets import Diagonal, HomogeneousNet, TwoLayer
from theory.problem import Problem

INPUTS = np.array([[1.0, 0.5], [-0.25, 1.0]])
LABELS = np.array([1.0, -1.0])


class Quadratic(HomogeneousNet):
    """A user's smooth net: f = <u^2 - v^2, x>, without declaring its smoothness."""

    degree = 2

    def forward(self, theta: Any, inputs: Any) -> Any:
        return inputs @ (theta[:2] ** 2 - theta[2:] ** 2)


class WrongDegree(Quadratic):
    degree = 3


class WithBias(HomogeneousNet):
    degree = 2

    def forward(self, theta: Any, inputs: Any) -> Any:
        return inputs @ (theta[:2] ** 2 - theta[2:4] ** 2) + theta[4]


class Kinked(HomogeneousNet):
    """Two relu units with opposite readouts."""

    degree = 2

    def forward(self, theta: Any, inputs: Any) -> Any:
        return theta[0] * torch.relu(inputs @ theta[2:4]) + theta[1] * torch.relu(
            inputs @ theta[4:]
        )


class SmoothRectifier(HomogeneousNet):
    """Its second derivative jumps; the gradient does not."""

    degree = 3

    def forward(self, theta: Any, inputs: Any) -> Any:
        first, second = torch.relu(inputs @ theta[2:4]), torch.relu(inputs @ theta[4:])
        return theta[0] * first**2 + theta[1] * second**2


class ColumnOutput(Quadratic):
    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta, inputs)[:, None]


class SquareRootAtZero(HomogeneousNet):
    """f = sqrt(|u|^4 - |v|^4): an infinite gradient where the output vanishes."""

    degree = 2

    def forward(self, theta: Any, inputs: Any) -> Any:
        return torch.sqrt(torch.abs(inputs @ (theta[:2] ** 4 - theta[2:] ** 4)))


BALANCED = np.full(4, 0.5)
SIX = np.array([1.0, -1.0, 0.7, 0.4, 0.7, 0.4])


def test_shared_instances_satisfy_every_assumption(problem: Problem) -> None:
    check_assumptions(problem)


@pytest.mark.parametrize(
    ("net", "anchor"),
    [(Quadratic(), BALANCED), (SmoothRectifier(), np.array([1.0, -1, 1, 2, 1, 2]))],
)
def test_smooth_user_nets_are_accepted(net: HomogeneousNet, anchor: np.ndarray) -> None:
    inputs = np.array([[1.0, 0.5], [0.25, 1.0]])
    check_assumptions(Problem(net, anchor, inputs, LABELS))


@pytest.mark.parametrize(
    ("net", "anchor", "assumption", "message"),
    [
        (
            WrongDegree(),
            BALANCED,
            "homogeneity",
            "not homogeneous of degree 3: .* correct its degree",
        ),
        (WithBias(), np.r_[BALANCED, 0.0], "homogeneity", "not homogeneous of degree 2.*biases"),
        (Kinked(), SIX, "smoothness", "gradient that jumps .kinks, as of relu."),
        (
            TwoLayer(2, 2, "relu"),
            SIX,
            "smoothness",
            "TwoLayer.*relu.* has a gradient that jumps",
        ),
        (
            Quadratic(),
            np.array([1.0, 1.0, 0.5, 0.5]),
            "zero output",
            "anchor has output .* at input",
        ),
        (ColumnOutput(), BALANCED, "finite values", r"returns shape \(2, 1\) for 2 inputs"),
        (SquareRootAtZero(), BALANCED, "finite values", "NaN or infinite outputs or gradients"),
    ],
)
def test_unmet_assumptions_are_named(
    net: HomogeneousNet, anchor: np.ndarray, assumption: str, message: str
) -> None:
    with pytest.raises(AssumptionError, match=message) as raised:
        check_assumptions(Problem(net, anchor, INPUTS, LABELS))
    assert raised.value.assumption == assumption


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        ([[1.0, 0.5], [2.0, 1.0]], [1, -1], "not separable in the NTK features at the anchor"),
        ([[1.0, 0.5], [0.0, 0.0]], [1, -1], "input 1 has a zero gradient at the anchor"),
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1, 1, -1], "not separable"),
    ],
)
def test_tasks_that_are_not_separable_are_named(
    inputs: list[list[float]], labels: list[int], message: str
) -> None:
    with pytest.raises(AssumptionError, match=message) as raised:
        check_assumptions(Problem(Diagonal(2), BALANCED, inputs, labels))
    assert raised.value.assumption == "separability"


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (INPUTS, [0.3, 2.0]),
        ([[1.0, 0.5], [2.0, 1.0]], [-0.3, -0.6]),  # not separable with these signs
        ([[1.0, 0.5], [3.0, 1.5]], [0.333333, 1.0]),  # consistent to six digits
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0, 1.0, 2.0]),
        ([[0.0, 0.0]], [0.0]),
    ],
)
def test_squared_loss_needs_interpolation_and_no_separability(inputs: Any, targets: Any) -> None:
    check_assumptions(Problem(Diagonal(2), BALANCED, inputs, targets, "squared"))


@pytest.mark.parametrize(
    ("inputs", "targets", "rank"),
    [
        ([[1.0, 0.5], [2.0, 1.0]], [0.3, 0.7], 1),
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0, 1.0, 1.9], 2),
        ([[1.0, 0.5], [0.0, 0.0]], [0.3, 0.1], 1),
        ([[0.0, 0.0]], [1.0], 0),
    ],
)
def test_targets_that_cannot_be_interpolated_are_named(
    inputs: Any, targets: Any, rank: int
) -> None:
    with pytest.raises(AssumptionError, match=f"cannot interpolate.*rank {rank}, ") as raised:
        check_assumptions(Problem(Diagonal(2), BALANCED, inputs, targets, "squared"))
    assert raised.value.assumption == "realizability"


def test_hand_written_digits_pass_as_zero_output() -> None:
    rounded = np.array([0.408248, 0.577350, 0.408248, 0.577350])
    check_assumptions(Problem(Diagonal(2), rounded + np.array([0, 0, 0, 2e-7]), INPUTS, LABELS))


def test_assumption_errors_are_invalid_input() -> None:
    build: Callable[[], object] = lambda: check_assumptions(  # noqa: E731
        Problem(Quadratic(), np.array([1.0, 0, 0, 0]), INPUTS, LABELS)
    )
    with pytest.raises(ValueError, match="zero output on every input"):
        build()


@pytest.mark.parametrize("degree", [0, "2", float("nan"), float("inf"), None])
def test_a_degree_that_is_none_is_refused(degree: Any) -> None:
    class Stated(Quadratic):
        pass

    Stated.degree = degree
    problem = Problem(Stated(), [1.0, 1.0, 1.0, 1.0], INPUTS, LABELS)
    with pytest.raises(InvalidInput, match=f"degree is {degree!r}, it must be at least 1"):
        check_assumptions(problem)
