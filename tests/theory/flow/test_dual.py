"""The compiled flow of diagonal nets against SciPy in full coordinates, and its pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from theory import Diagonal, Problem, Regime, gradient_flow, gradient_flow_batch
from theory.errors import IntegrationFailed
from theory.flow.dual import DUAL_METHOD, dual_flow, reducible
from theory.flow.dual_steps import comoving_weight, hyperbolic, rich_weight
from theory.flow.rosenbrock import (
    GAMMA,
    NODES,
    SLOPES,
    STAGES,
    STATES,
    TIME_WEIGHTS,
    factorize,
    solve,
)

AT = (0.0, 0.01, 0.7, 1.0, 1.3)


def problem(degree: int, loss: str = "exponential", seed: int = 0) -> Problem:
    """Anchors of either sign, so that odd degrees exchange u and v."""
    generator = np.random.default_rng(seed)
    inputs = generator.standard_normal((6, 10))
    labels = np.sign(inputs @ generator.standard_normal(10))
    half = generator.uniform(0.3, 1.0, 10) * generator.choice([-1.0, 1.0], 10)
    return Problem(Diagonal(10, degree), np.concatenate([half, half]), inputs, labels, loss)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize(("degree", "log10_alpha"), [(2, 1.5), (2, 12.0), (3, 2.0), (4, 3.0)])
def test_agrees_with_scipy_in_full_coordinates(degree: int, log10_alpha: float, loss: str) -> None:
    regime = Regime(log10_alpha=log10_alpha, decay_power=2.0)
    compiled = gradient_flow(problem(degree, loss), regime, AT)
    assert compiled.method == DUAL_METHOD
    accurate = {"method": "Radau", "rtol": 1e-12, "estimate_error": False}
    charts = gradient_flow(problem(degree, loss), regime, AT, **accurate)
    largest = np.abs(charts.margins).max(axis=1, keepdims=True) + 1e-300
    assert np.abs((compiled.margins - charts.margins) / largest).max() < 2e-10
    assert np.abs(compiled.directions - charts.directions).max() < 2e-10
    assert np.abs(compiled.log_norm - charts.log_norm).max() < 2e-10
    scale = np.abs(charts.displacement).max(axis=1, keepdims=True) + 1e-300
    early = charts.at < 1.0
    assert np.abs((compiled.displacement - charts.displacement) / scale)[early].max() < 2e-10


@pytest.mark.parametrize("degree", [2, 3])
def test_error_estimate_covers_the_error(degree: int) -> None:
    regime = Regime(log10_alpha=3.0, decay_power=1.0)
    coarse = gradient_flow(problem(degree), regime, [0.7, 1.3], rtol=1e-7)
    exact = gradient_flow(problem(degree), regime, [0.7, 1.3], method="Radau", rtol=1e-12)
    error = np.abs(coarse.margins - exact.margins).max(axis=1) / np.abs(exact.margins).max(axis=1)
    assert (error <= coarse.error_estimate).all()
    assert (coarse.error_estimate < 1e-3).all()


def test_what_has_no_dual_form_goes_another_way() -> None:
    regime = Regime(log10_alpha=2.0, decay_power=2.0)
    base = problem(2)
    half = base.anchor[:10]
    unbalanced = Problem(base.net, np.concatenate([half, -half]), base.inputs, base.labels)
    assert not reducible(unbalanced)
    assert gradient_flow(unbalanced, regime, [0.7], estimate_error=False).method != DUAL_METHOD
    dense = gradient_flow(base, regime, [0.7], dense=True, estimate_error=False)
    assert dense.method != DUAL_METHOD


def test_a_budget_that_is_spent_is_said() -> None:
    regime = Regime(log10_alpha=2.0, decay_power=2.0)
    with pytest.raises(IntegrationFailed, match="more than 20 steps"):
        dual_flow(problem(2), regime, np.array([1.3]), 1e-10, 1e-13, max_steps=20)


def test_a_batch_gives_the_same_numbers_as_flows_one_by_one() -> None:
    problems = [problem(3, seed=seed) for seed in range(3)]
    regimes = [Regime(log10_alpha=a, decay_power=1.0) for a in (1.0, 4.0, 9.0)]
    batch = gradient_flow_batch(problems, regimes, AT, rtol=1e-11)
    for lane, (own, regime) in enumerate(zip(problems, regimes, strict=True)):
        alone = gradient_flow(own, regime, AT, estimate_error=False)
        np.testing.assert_allclose(batch.margins[lane], alone.margins, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(batch.directions[lane], alone.directions, rtol=0, atol=1e-12)
        np.testing.assert_allclose(batch.log_norm[lane], alone.log_norm, rtol=1e-13)


@given(st.floats(-40, 40).filter(lambda x: abs(x) > 1e-6))
def test_hyperbolic_functions_to_the_last_digits(x: float) -> None:
    over, even = hyperbolic(x)
    assert over == pytest.approx(np.sinh(x) / x, rel=4e-15)
    assert even == pytest.approx(np.cosh(x), rel=4e-15)


@settings(max_examples=40)
@given(
    st.integers(2, 5),
    st.floats(0.2, 2.0),
    st.floats(-0.9, 0.9),
    st.sampled_from([1e-30, 1e-8, 0.3]),
)
def test_weights_are_those_of_the_parameters(
    degree: int, half: float, turned: float, epsilon: float
) -> None:
    excess = max(degree - 2, 1)
    p = turned / (excess * degree * epsilon * half ** (degree - 2))
    base, lever = 2 * degree**2 * half ** (2 * degree - 2), degree * half ** (degree - 2) * epsilon
    weight, slope, mean, ratio = comoving_weight(degree, base, lever, p)
    # w = rho^L half^L (e^(L(m + r)) - e^(L(m - r))) and the derivative by differences
    grown = np.expm1(degree * (mean + ratio)) - np.expm1(degree * (mean - ratio))
    assert weight == pytest.approx(half**degree * grown / epsilon, rel=1e-11)
    step = 1e-5 * abs(p) + 1e-9 / epsilon * 1e-3
    above, below = (comoving_weight(degree, base, lever, p + s)[0] for s in (step, -step))
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-4)


@settings(max_examples=40)
@given(
    st.integers(2, 5), st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1), st.floats(-0.02, 0.02)
)
def test_rich_weights_follow_their_equation(
    degree: int, mean: float, ratio: float, passed: float, p: float
) -> None:
    """u' = -u + L u^(L-1) g with constant pull: p advances by g e^(-(L-2) s) ds."""
    if passed < 1e-3:
        return
    excess = degree - 2
    span = -np.expm1(-excess * passed) / excess if excess else passed
    pull = p / span

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        signs = np.array([1.0, -1.0])
        return -y + degree * y ** (degree - 1) * pull * signs

    start = [np.exp(mean + ratio), np.exp(mean - ratio)]
    if max(start) ** excess * degree * excess * abs(p) > 0.5:
        return
    found = solve_ivp(rates, (0, passed), start, rtol=1e-11, atol=1e-13).y[:, -1]
    weight, _, new_mean, new_ratio = rich_weight(degree, mean, ratio, passed, p)
    assert np.exp(new_mean + new_ratio) == pytest.approx(found[0], rel=1e-8)
    assert np.exp(new_mean - new_ratio) == pytest.approx(found[1], rel=1e-8)
    assert weight == pytest.approx(found[0] ** degree - found[1] ** degree, rel=1e-7, abs=1e-8)


def test_tableau_meets_its_order_conditions() -> None:
    """The linear conditions, and order 5 on a stiff equation with a known solution."""
    # the transformed weights: U = Gamma K, A = STATES Gamma, row sums are the nodes
    inverse = np.eye(STAGES) / GAMMA - SLOPES
    coefficients = np.linalg.inv(inverse)
    np.testing.assert_allclose((STATES @ coefficients).sum(1), NODES, atol=1e-12)
    np.testing.assert_allclose(coefficients.sum(1), TIME_WEIGHTS, atol=1e-11)
    weights = np.append(STATES[-1, :-1], 1.0) @ coefficients
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights @ NODES**2 == pytest.approx(1 / 3, abs=1e-12)
    assert weights @ NODES**3 == pytest.approx(1 / 4, abs=1e-12)
    assert weights @ NODES**4 == pytest.approx(1 / 5, abs=1e-12)


@given(st.integers(1, 7), st.integers(0, 999))
def test_factorisation_solves(size: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix, vector = generator.standard_normal((size, size)), generator.standard_normal(size)
    factors, pivots, solution = matrix.copy(), np.empty(size), vector.copy()
    assert factorize(factors, pivots)
    solve(factors, pivots, solution)
    residual = np.abs(matrix @ solution - vector).max()
    assert residual < 1e-10 * max(1.0, np.abs(solution).max())


def test_a_singular_matrix_is_refused() -> None:
    assert not factorize(np.zeros((2, 2)), np.empty(2))
