"""Compiled charts against those of numpy: two routes to every right-hand side and Jacobian."""

from itertools import product

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from theory.clock import decay_time_at
from theory.flow.chart import Chart
from theory.flow.compiled_chart import compiled_chart
from theory.flow.compiled_manifold import CompiledManifold
from theory.flow.manifold import SlowManifold
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer, TwoLayerReLU
from theory.problem import Problem, Regime

NETS = (
    *(TwoLayer(3, 4, act) for act in ("square", "cube", "relu", "relu_squared", "relu_cubed")),
    *(TwoLayerReLU(3, 4, slope, d) for slope in (0.0, 0.25) for d in (0.0, 0.25)),
    Deep((4, 3, 2, 1)),
    Deep((4, 3, 2, 3, 1), "square"),
    Deep((4, 3, 3, 1), "relu_cubed"),
    *(Diagonal(4, degree) for degree in (2, 3, 5)),
    Factorization(4, 3),
)
CLOCKS = (-20.0, -1.0, 0.5, 5.0, 8.0)
SIGNS = np.array([1.0, -1.0, 1.0, -1.0, 1.0])


def drawn(net: HomogeneousNet, loss: str, rng: Generator) -> Problem:
    inputs = rng.standard_normal((5, 4))
    if isinstance(net, Factorization):
        inputs = rng.integers(0, net.size, (5, 2)).astype(float)
    assert net.parameters is not None
    return Problem(net, 3.0 * rng.standard_normal(net.parameters), inputs, SIGNS, loss)


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
@pytest.mark.parametrize("net", NETS, ids=str)
def test_compiled_and_plain_right_hand_sides_agree(net: HomogeneousNet, loss: str) -> None:
    rng = default_rng(0)
    problem = drawn(net, loss, rng)
    for comoving in (True, False):
        chart = Chart(problem, Regime(log10_alpha=3.0, decay_power=1.0), comoving)
        compiled = compiled_chart(chart)
        assert compiled is not None
        for clock in CLOCKS:
            at = rng.standard_normal(problem.parameters)
            plain, matrix = chart.rhs(clock, at), chart.jacobian(clock, at)
            close = {"rtol": 0.0, "atol": 1e-12 * np.abs(plain).max()}
            np.testing.assert_allclose(compiled.rhs(clock, at), plain, **close)
            close = {"rtol": 0.0, "atol": 1e-12 * np.abs(matrix).max()}
            np.testing.assert_allclose(compiled.jacobian(clock, at), matrix, **close)


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
@pytest.mark.parametrize("net", NETS, ids=str)
def test_an_anchors_own_outputs_are_added_alike(net: HomogeneousNet, loss: str) -> None:
    """At an alpha at which they are of order one, and exponents keep their digits."""
    rng = default_rng(5)
    problem = drawn(net, loss, rng)
    for comoving in (True, False):
        chart = Chart(problem, Regime(log10_alpha=1e-3, decay_power=1.0), comoving, anchored=True)
        compiled, unit = compiled_chart(chart), problem.units.gradient
        assert compiled is not None
        for clock in (-20.0, -1.0, 0.5):
            at = rng.standard_normal(problem.parameters)
            plain, matrix = chart.rhs(clock, at), chart.jacobian(clock, at)
            close = {"rtol": 0.0, "atol": 1e-12 * np.abs(plain).max()}
            np.testing.assert_allclose(compiled.rhs(clock, at), plain, **close)
            close = {"rtol": 0.0, "atol": 1e-12 * np.abs(matrix).max()}
            np.testing.assert_allclose(compiled.jacobian(clock, at), matrix, **close)
            epsilon, rows = chart.epsilon(decay_time_at(clock)), chart.row_outputs
            whole = net.outputs(chart.base + epsilon * at, problem.inputs) / unit / epsilon
            close = {"rtol": 0.0, "atol": 1e-10 * np.abs(whole).max()}
            np.testing.assert_allclose(rows(decay_time_at(clock), at), whole, **close)


@pytest.mark.parametrize("decay_power", [1.0, 3.0])
@pytest.mark.parametrize("net", NETS, ids=str)
def test_compiled_and_plain_slow_manifolds_agree(net: HomogeneousNet, decay_power: float) -> None:
    """To rounding times the condition of J J^T, and over 1e-6 where multipliers are differenced.

    The second order is of the size of n lambda, which decay power 1 lifts out of that noise.
    """
    rng = default_rng(4)
    problem = drawn(net, "squared", rng)
    for comoving, refined in product((True, False), (True, False)):
        chart = Chart(problem, Regime(log10_alpha=3.0, decay_power=decay_power), comoving)
        compiled, slow = compiled_chart(chart), SlowManifold(chart, refined)
        assert compiled is not None
        for clock in (-1.0, 0.5, 5.0):
            at = rng.standard_normal(problem.parameters)
            values = np.linalg.svd(chart.linearize(decay_time_at(clock), at)[1])[1]
            if values[slow.rank - 1] <= 1e-3 * values[0]:
                continue  # dead units
            condition = (values[0] / values[slow.rank - 1]) ** 2
            plain = slow.rhs(clock, at)
            noise = 1e-14 * condition * (1e6 if refined else 1.0) * np.abs(plain).max()
            found = CompiledManifold(slow, compiled).rhs(clock, at)
            np.testing.assert_allclose(found, plain, rtol=0, atol=noise)


def test_tiny_steps_from_the_anchor_lose_no_digits() -> None:
    """eps = 1e-27 here: f(b + eps y) - f(b) has no digit left where it is a difference."""
    problem = drawn(Deep((4, 3, 2, 1), "cube"), "logistic", default_rng(1))
    chart = Chart(problem, Regime(log10_alpha=3.0, decay_power=1.0), comoving=True)
    compiled = compiled_chart(chart)
    at = default_rng(2).standard_normal(problem.parameters)
    assert chart.epsilon(0.1) < 1e-25
    assert compiled is not None
    plain = chart.rhs(-2.0, at)
    np.testing.assert_allclose(compiled.rhs(-2.0, at), plain, rtol=0, atol=1e-13 * abs(plain).max())


class OwnTwoLayer(TwoLayer):
    """A subclass may answer otherwise than its family."""


def test_nets_of_ones_own_are_not_compiled() -> None:
    problem = drawn(OwnTwoLayer(3, 4, "square"), "logistic", default_rng(3))
    assert (
        compiled_chart(Chart(problem, Regime(log10_alpha=3.0, decay_power=1.0), comoving=True))
        is None
    )
