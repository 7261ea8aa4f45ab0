"""Quasi-static duals: the defining equation, entropy identities, deterministic bounds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from theory.backend import Floats
from theory.errors import InvalidInput, OracleFailed
from theory.kernel.quasi_static import entropies, lag_correction, next_lag, quasi_static_dual
from theory.kernel.svm import max_margin
from theory.losses import softplus

seeds = st.integers(0, 2**32 - 1)
LEVELS = (-50.0, -3.0, 0.0, 5.0, 40.0, 1e3, 1e6)


def features_of(seed: int, samples: int = 4, parameters: int = 6) -> Floats:
    """Random features, mirrored onto the side of a random direction: separable."""
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((samples, parameters))
    signs = np.where(features @ generator.standard_normal(parameters) > 0, 1.0, -1.0)
    return np.asarray(signs[:, None] * features)


def residual(kernel: Floats, log_dual: Floats, level: float, loss: str) -> float:
    margins = kernel @ np.exp(log_dual)
    left = (softplus(margins) if loss == "logistic" else margins) + log_dual
    return float(np.abs(left - level).max())


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("level", LEVELS)
@given(seed=seeds)
def test_dual_solves_its_equation(loss: str, level: float, seed: int) -> None:
    kernel = (lambda f: f @ f.T)(features_of(seed))
    log_dual = quasi_static_dual(kernel, level, loss)
    terms = abs(level) + float((np.abs(kernel) @ np.exp(log_dual)).max()) + 10.0
    # rounding of a sum of terms this size
    assert residual(kernel, log_dual, level, loss) <= 1e-13 * terms


@given(seeds, st.floats(-20, 1e4))
def test_one_sample_has_the_lambert_solution(seed: int, level: float) -> None:
    from scipy.special import lambertw

    k = float(np.random.default_rng(seed).uniform(0.1, 10.0))
    log_dual = quasi_static_dual(np.array([[k]]), level)
    assume(level + np.log(k) < 600)  # e^Lam overflows in Lambert's form, not in ours
    exact = float(np.log(lambertw(k * np.exp(level)).real / k))
    assert log_dual[0] == pytest.approx(exact, rel=1e-12, abs=1e-12)


@given(seeds, st.sampled_from((0.0, 5.0, 40.0, 1e3, 1e5)))
def test_exponential_entropy_identities_and_margin_bounds(seed: int, level: float) -> None:
    features = features_of(seed)
    kernel = features @ features.T
    gamma = max_margin(features).margin
    assume(gamma > 1e-2)
    log_dual = quasi_static_dual(kernel, level)
    dual = np.exp(log_dual)
    total, margins, norm = dual.sum(), kernel @ dual, float(np.linalg.norm(features.T @ dual))
    entropy, least = entropies(log_dual)
    mean = float(dual @ margins / total)
    noise = 1e-12 * (1.0 + abs(level))  # rounding of log a and K a, both of the size of Lam
    assert mean == pytest.approx(level - np.log(total) + entropy, abs=noise)
    assert mean - margins.min() == pytest.approx(entropy - least, abs=noise)
    assert -1e-15 <= entropy - least <= np.log(len(dual)) + 1e-12
    assert norm**2 == pytest.approx(total * mean, rel=1e-12)
    assert norm >= gamma * total * (1 - 1e-9)
    assert total <= mean / gamma**2 * (1 + 1e-9)
    ratio = margins.min() / (gamma * norm)
    assert ratio >= 1 - (entropy - least) / mean - noise
    depth = level + 2 * np.log(gamma)
    if depth > 1 and depth - np.log(depth) > np.log(len(dual)):
        assert ratio >= 1 - np.log(len(dual)) / (depth - np.log(depth)) - noise
    h_star = max_margin(features).direction
    assert features.T @ dual @ h_star / norm >= ratio - noise


@given(seeds, st.sampled_from((0.0, 5.0, 40.0, 1e3)))
def test_logistic_margins_spread_by_at_most_entropy_and_one_exponential(
    seed: int, level: float
) -> None:
    kernel = (lambda f: f @ f.T)(features_of(seed))
    log_dual = quasi_static_dual(kernel, level, "logistic")
    margins = kernel @ np.exp(log_dual)
    weights = np.exp(log_dual) / np.exp(log_dual).sum()
    entropy, least = entropies(log_dual)
    spread = float(weights @ margins - margins.min())
    assert spread <= entropy - least + np.exp(-margins.min()) + 1e-12 * (1 + level)


@given(seeds)
def test_svm_direction_is_approached_as_decay_vanishes(seed: int) -> None:
    features = features_of(seed)
    solution = max_margin(features)
    assume(solution.strictness > 0.05 and solution.margin > 0.05)

    def gap(level: float) -> float:
        weights = features.T @ np.exp(quasi_static_dual(features @ features.T, level))
        return float(np.linalg.norm(weights / np.linalg.norm(weights) - solution.direction))

    # 1/Lam under strict complementarity: a thousandfold Lam leaves a thousandth of the gap
    assert gap(1e6) <= 2e-3 * gap(1e3) + 1e-10


def test_entropies_of_uniform_and_single_weights() -> None:
    assert entropies(np.zeros(8)) == pytest.approx((np.log(8), np.log(8)))
    assert entropies(np.array([0.0, -2000.0])) == (0.0, 0.0)


@given(seeds, st.sampled_from((2, 3, 7)), st.sampled_from((3.0, 30.0, 300.0)))
def test_lag_correction_is_the_first_order_answer_to_a_drifting_decay(
    seed: int, degree: int, level: float
) -> None:
    kernel = (lambda f: f @ f.T)(features_of(seed))
    log_dual = quasi_static_dual(kernel, level)
    # a' = -2(L-1) da/dLam and linearised a' = (L a K + L) (lag): both by finite differences
    h = 1e-4 * level
    up, down = (np.exp(quasi_static_dual(kernel, level + s * h)) for s in (1, -1))
    velocity = -2.0 * (degree - 1) * (up - down) / (2 * h)
    dual = np.exp(log_dual)
    relaxation = -degree * (dual[:, None] * kernel + np.eye(len(dual)))
    expected = np.linalg.solve(relaxation, velocity)
    computed = lag_correction(kernel, log_dual, degree)
    # central differences with relative step 1e-4 err by 1e-8 times a constant
    np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_squared_loss_has_no_quasi_static_dual() -> None:
    with pytest.raises(InvalidInput, match="loss is 'squared'; quasi-static duals exist for"):
        quasi_static_dual(np.eye(2), 1.0, "squared")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (np.eye(3), 3.0, "cross_entropy", 3),
            "kernel has 3 rows; of 3 classes there must be 2",
        ),
        ((np.ones((2, 3)), 1.0), r"kernel has shape \(2, 3\); it must be square and not empty"),
        ((np.ones(3), 1.0), r"kernel has shape \(3,\); it must be square"),
        ((np.zeros((0, 0)), 1.0), r"kernel has shape \(0, 0\); it must be square and not empty"),
        ((np.zeros((2, 2)), 1.0), "kernel is zero"),
        ((np.array([[1.0, np.nan], [0.0, 1.0]]), 1.0), "kernel holds NaN or infinite values"),
        (("abc", 1.0), "kernel is not a rectangular array of numbers: 'abc'"),
        ((np.eye(2), np.inf), "log_inverse_decay is inf; it must be a finite number"),
        ((np.eye(2), -np.inf), "log_inverse_decay is -inf; it must be a finite number"),
        ((np.eye(2), np.nan), "log_inverse_decay is nan; it must be a finite number"),
        ((np.eye(2), "1"), "log_inverse_decay is '1'; it must be a finite number"),
        ((np.eye(2), 1.0, "exponential", 1), "classes is 1; it must be a whole number, at least 2"),
    ],
)
def test_meaningless_machines_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        quasi_static_dual(*arguments)


def test_a_kernel_of_lists_is_one() -> None:
    found = quasi_static_dual([[2, 0], [0, 2]], 1)
    np.testing.assert_array_equal(found, quasi_static_dual(2.0 * np.eye(2), 1.0))


def test_margins_that_the_kernel_matrix_does_not_resolve_are_refused() -> None:
    features = np.array([[1.0, 0.5], [-1.0, -0.501]])
    assert np.all(np.isfinite(quasi_static_dual(features @ features.T, 50.0)))
    nearer = np.array([[1.0, 0.5], [-1.0, -0.5 - 1e-6]])
    with pytest.raises(OracleFailed, match="below what the kernel matrix resolves"):
        quasi_static_dual(nearer @ nearer.T, 50.0)


@pytest.mark.parametrize("correction", [lag_correction, next_lag])
def test_lags_of_other_shapes_are_refused(correction: Callable[..., np.ndarray]) -> None:
    for log_dual in (np.zeros(1), np.zeros(3), np.zeros((2, 1))):
        with pytest.raises(InvalidInput, match=r"log_dual has shape .*it must have shape \(2,\)"):
            correction(np.eye(2), log_dual, 2)
    with pytest.raises(InvalidInput, match="kernel has shape"):
        correction(np.ones((2, 3)), np.zeros(2), 2)
    with pytest.raises(InvalidInput, match="degree is 0"):
        correction(np.eye(2), np.zeros(2), 0)
