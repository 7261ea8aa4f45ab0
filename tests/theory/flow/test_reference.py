"""The plain-coordinates reference against the charts, and what it refuses."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.flow import gradient_flow, reference_flow
from theory.problem import Problem, Regime

AT = (0.7, 1.3)
FAMILIES = (
    "diagonal, L = 2",
    "diagonal, L = 3",
    "two-layer square",
    "two-layer cube",
    "two-layer relu_squared",
    "two-layer relu_cubed",
    "deep linear",
    "deep square",
    "factorization",
)
REGIMES = {10: (1, -2), 100: (2, -4), 1000: (3, -6)}
"""alpha: (log10 alpha, log10 lambda); lambda = alpha^-2."""


def cases() -> Iterator[Any]:
    """Every family, loss and scale at which plain coordinates have digits left."""
    for family, loss, alpha in product(FAMILIES, ("exponential", "logistic", "squared"), REGIMES):
        squared, large = loss == "squared", alpha == 1000
        if large and (family == "deep square" or (squared and "cube" in family)):
            continue  # 1e-16 alpha^L exceeds what forces of size 1/lambda tolerate
        costly = squared and alpha > 10 and ("deep" in family or "relu" in family)
        again = loss == "logistic" and alpha == 100  # little new beside the exponential loss
        marks = [pytest.mark.slow] if costly or again else []
        yield pytest.param(family, loss, alpha, marks=marks)


@pytest.mark.parametrize(("family", "loss", "alpha"), list(cases()))
def test_plain_coordinates_agree_with_the_charts(
    family: str, loss: str, alpha: int, instance: Callable[..., Problem]
) -> None:
    problem, (log10_alpha, log10_lambda) = instance(family, loss), REGIMES[alpha]
    regime = Regime(log10_alpha=log10_alpha, log10_lambda=log10_lambda)
    flow = gradient_flow(problem, regime, AT, estimate_error=False)
    for theta, margins in zip(reference_flow(problem, regime, AT), flow.margins, strict=True):
        plain = problem.labels * problem.net.outputs(theta, problem.inputs)
        # 5e-10 is the largest seen: 1e-16 alpha^L of noise, most of which the flow forgets
        np.testing.assert_allclose(plain, margins, rtol=0, atol=5e-9 * np.abs(margins).max())


def test_time_zero_is_the_initialization(problem: Problem) -> None:
    regime = Regime(log10_alpha=1, decay_power=2)
    alone = reference_flow(problem, regime, [0.0, 0.0])
    np.testing.assert_allclose(alone, np.tile(10 * problem.anchor, (2, 1)), rtol=1e-14)
    followed = reference_flow(problem, regime, [0.2, 0.0])
    np.testing.assert_allclose(followed[1], 10 * problem.anchor, rtol=1e-14)


def test_alpha_above_a_thousand_is_refused_with_the_reason(problem: Problem) -> None:
    with pytest.raises(InvalidInput, match=r"log10_alpha is 3.5; .*cancellation.*steps") as raised:
        reference_flow(problem, Regime(log10_alpha=3.5, decay_power=1), AT)
    assert "use gradient_flow" in str(raised.value)


@pytest.mark.parametrize(
    ("at", "options", "message"),
    [
        ([], {}, "list of finite times"),
        ([np.nan], {}, "list of finite times"),
        (0.7, {}, "at is 0.7; it must be a list"),
        ([-0.1], {}, "at holds -0.1; times must be >= 0"),
        ([0.7], {"rtol": 1e-15}, "rtol is 1e-15"),
        ([0.7], {"rtol": 0.5}, "rtol is 0.5"),
    ],
)
def test_meaningless_requests_are_refused(
    at: Any, options: dict[str, float], message: str, instance: Callable[..., Problem]
) -> None:
    with pytest.raises(InvalidInput, match=message):
        reference_flow(
            instance("diagonal, L = 2"), Regime(log10_alpha=2, decay_power=1), at, **options
        )
