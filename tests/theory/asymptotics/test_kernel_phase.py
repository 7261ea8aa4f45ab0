"""Constants and bounds of the kernel phase, where they are known in closed form or are sharp."""

from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.asymptotics.kernel_phase import (
    depth,
    direction_gap_bound,
    direction_gap_constant,
    dual_entropy,
    norm_bounds,
    normalization,
    plus_logarithm_inverse,
    refined_normalization,
    relative_displacement,
    scale_of_displacement,
)
from theory.backend import Floats
from theory.kernel import max_margin, quasi_static_dual
from theory.kernel.svm import kernel_svm
from theory.nets import Diagonal
from theory.own_scale import OwnScale
from theory.problem import Problem, Regime

ORTHOGONAL = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
"""gamma^2 = 1 / (1 + 1/4) = 4/5, b = (1, 1/4), p = (4/5, 1/5), h = (1, 1/2, 0)."""

ENTROPY = -(0.8 * log(0.8) + 0.2 * log(0.2))


def gap_of(features: Floats, level: float) -> tuple[float, Floats]:
    """The quasi-static machine's direction gap, and its weights."""
    weights = features.T @ np.exp(quasi_static_dual(features @ features.T, level))
    direction = max_margin(features).direction
    return float(np.linalg.norm(weights / np.linalg.norm(weights) - direction)), weights


def test_the_solution_of_x_plus_log_x() -> None:
    for x in (1e-15, 1e-3, 0.5, 1.0, 3.0, 1e4):
        assert plus_logarithm_inverse(x + log(x)) == pytest.approx(x, rel=1e-13)


def test_entropy_and_normalisations_of_orthogonal_features() -> None:
    svm = max_margin(ORTHOGONAL)
    assert svm.margin == pytest.approx(sqrt(0.8), rel=1e-14)
    assert dual_entropy(svm) == pytest.approx(ENTROPY, rel=1e-13)
    for level in (3.0, 30.0, 300.0):
        refined = sqrt(0.8) * refined_normalization(svm, level)
        assert refined + log(refined) == pytest.approx(level + log(0.8) + ENTROPY, rel=1e-13)


@pytest.mark.parametrize("level", [30.0, 100.0, 300.0, 1000.0])
def test_refined_normalisation_is_the_norm_to_second_order(level: float) -> None:
    """Without the entropy of .5 nats the error would be of first order, .5 / Lam."""
    norm = float(np.linalg.norm(gap_of(ORTHOGONAL, level)[1]))
    error = abs(refined_normalization(max_margin(ORTHOGONAL), level) / norm - 1.0)
    # (variance of log p) / (2 Lam^2) = .16 (log 4)^2 / 2 / Lam^2 = .15 / Lam^2, to leading order
    assert error <= 0.3 / level**2
    assert 0.3 / level**2 < 0.05 * ENTROPY / level


def test_the_gap_constant_of_orthogonal_features() -> None:
    """K = diag(1, 4): shift = (log 1, log(1/4) / 2, 0), across h = (2, 1, 0) / 5^(1/2)."""
    shift, direction = np.array([0.0, -log(4.0) / 2.0]), np.array([2.0, 1.0]) / sqrt(5.0)
    across = shift - (shift @ direction) * direction
    constant = direction_gap_constant(max_margin(ORTHOGONAL))
    assert constant == pytest.approx(sqrt(0.8) * np.linalg.norm(across), rel=1e-12)
    assert gap_of(ORTHOGONAL, 1e5)[0] * 1e5 == pytest.approx(constant, rel=1e-3)


def test_the_gap_constant_knows_no_units_of_a_sample() -> None:
    """A feature 1e8 times as long, on another axis, has p = 1e-16 of the multipliers."""
    features = np.array([[1.0, 0.0], [0.0, 1e8]])
    # b = (1, 1e-16), shift = (0, -36.84 / 1e8), nearly across h = (1, 1e-8)
    expected = 16.0 * log(10.0) * 1e-8
    assert direction_gap_constant(max_margin(features)) == pytest.approx(expected, rel=1e-6)


def test_the_bound_on_the_direction_gap_by_its_formula() -> None:
    """(2 log n / (D - log D))^(1/2), D = log(gamma^2 / lam_eff) = 2 log gamma + Lam + log n."""
    svm = max_margin(ORTHOGONAL)
    for level in (5.0, 50.0, 500.0):
        d = log(0.8) + level + log(2.0)
        assert depth(svm, level) == pytest.approx(d, rel=1e-14)
        assert direction_gap_bound(svm, level) == pytest.approx(
            sqrt(2.0 * log(2.0) / (d - log(d))), rel=1e-13
        )
        assert direction_gap_bound(svm, level, slack=0.25) == pytest.approx(
            sqrt(2.0 * (log(2.0) + 0.25) / (d - log(d))), rel=1e-13
        )
    assert direction_gap_bound(svm, 0.0) == 2.0


@pytest.mark.parametrize("samples", [16, 64])
@pytest.mark.parametrize("level", [30.0, 100.0, 300.0])
def test_the_bound_on_the_direction_gap_is_used_to_a_good_part(samples: int, level: float) -> None:
    """n - 1 equal samples on the margin of a lone one: where the spread costs the most.

    Features e_1 and, n - 1 times, (1, t): the machine is e_1, and the others, whose multipliers
    vanish in it, pull aside by their number at finite decay. The worst t uses more than half of the
    bound, so that one that is too small by a factor of two would be crossed.
    """
    shares = []
    for tilt in np.geomspace(0.02, 2.0, 60):
        features = np.array([[1.0, 0.0]] + [[1.0, tilt]] * (samples - 1))
        gap = gap_of(features, level)[0]
        shares.append(gap / direction_gap_bound(max_margin(features), level))
    assert 0.5 < max(shares) <= 1.0


@pytest.mark.parametrize("level", [5.0, 50.0, 500.0])
@pytest.mark.parametrize("size", [0.1, 1.0, 7.0])
def test_the_norm_bounds_of_one_sample_are_its_norm(level: float, size: float) -> None:
    features = np.array([[0.6 * size, -0.8 * size]])
    norm = float(np.linalg.norm(gap_of(features, level)[1]))
    assert norm_bounds(max_margin(features), level) == pytest.approx((norm, norm), rel=1e-10)


def test_the_norm_bounds_of_several_samples_by_their_formulas() -> None:
    """Of four orthonormal features, gamma = 1/2; m is the mean margin, A the sum of multipliers."""
    low, high = norm_bounds(max_margin(np.eye(4)), 60.0)
    least = low / 2.0 + log(4.0)  # m + log m = Lam + 2 log gamma
    assert least + log(least) == pytest.approx(60.0 - log(4.0), rel=1e-10)
    mean = high / 2.0  # m + log A = Lam + log n, A = (m - log n)^2 / (gamma^2 m)
    total = 4.0 * (mean - log(4.0)) ** 2 / mean
    assert mean + log(total) == pytest.approx(60.0 + log(4.0), rel=1e-10)


@given(st.integers(0, 2**32 - 1), st.floats(5.0, 500.0))
@settings(max_examples=30)
def test_bounds_hold_of_random_features(seed: int, level: float) -> None:
    features = np.abs(np.random.default_rng(seed).standard_normal((4, 6)))
    svm, (gap, weights) = max_margin(features), gap_of(features, level)
    assert gap <= direction_gap_bound(svm, level) + 1e-9
    low, high = norm_bounds(svm, level)
    assert low * (1 - 1e-9) <= np.linalg.norm(weights) <= high * (1 + 1e-9)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_displacement_is_relative_to_the_anchor_whatever_its_norm(size: float) -> None:
    """theta = rho (anchor + rho^-L eta): delta = rho^-L |eta| / |anchor|."""
    problem = Problem(Diagonal(2), size * np.ones(4), ORTHOGONAL[:, :2], [1, 1])
    svm, regime = kernel_svm(problem), Regime(log10_alpha=6, decay_power=2)
    # gradients are 2 size (x, -x): lengths 8^(1/2) size |x|
    assert svm.margin == pytest.approx(sqrt(8.0) * size * sqrt(0.8), rel=1e-13)
    log_rho = 0.5 * regime.log_alpha
    level = -log(2 * 2) - regime.log_lambda + 2.0 * log_rho
    expected = exp(-2.0 * log_rho) * refined_normalization(svm, level) / (2.0 * size)
    assert relative_displacement(svm, problem, regime, 0.5) == pytest.approx(expected, rel=1e-12)
    argument = 2.0 * log_rho - regime.log_lambda
    assert normalization(svm, problem, regime, 0.5) == pytest.approx(argument / svm.margin)
    scale = scale_of_displacement(svm, problem, 2.0, 0.5, 1e-9)
    own = Regime(log10_alpha=scale, decay_power=2)
    there = OwnScale.of(problem).told(own)
    at = 0.5 * own.log_alpha / there.log_alpha
    assert relative_displacement(svm, problem, there, at) == pytest.approx(1e-9, rel=1e-6)
