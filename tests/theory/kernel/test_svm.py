"""The kernel SVM: its own certificate, known answers, and four independent routes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput, OracleFailed
from theory.kernel import svm
from theory.kernel.active_set import Pair, Programme, bounds_of
from theory.kernel.solvers import SOLVERS
from theory.kernel.svm import MARGIN_TOLERANCE, KernelSVM, kernel_svm, max_margin
from theory.problem import Problem

small_integers = st.integers(2, 7).flatmap(
    lambda n: st.integers(1, 4).flatmap(
        lambda d: arrays(np.float64, (n, d), elements=st.integers(-3, 3).map(float))
    )
)
WRONG_FOR_NNLS = np.array([[-1.0, -1.0, 1.0], [0.0, 0.0, 3.0], [0.0, -3.0, 0.0]])
"""SciPy 1.17.1's nnls is silently wrong here: |w| = 0.631 in place of 0.577."""


def assert_optimal(solution: KernelSVM, features: Floats) -> None:
    """Duality and the KKT conditions, from the definition alone."""
    scale = float(np.linalg.norm(features, axis=1).max())
    dual, kernel = solution.dual, features @ features.T
    assert dual.min() >= 0
    assert solution.certificate <= MARGIN_TOLERANCE
    # the margin of the direction, and |h| = 1/gamma: primal and dual values to the certificate
    assert (features @ solution.direction).min() >= solution.margin - 1e-12 * scale
    assert np.linalg.norm(solution.weights) * solution.margin == pytest.approx(1.0, rel=1e-9)
    active = kernel @ dual
    assert active.min() == pytest.approx(1.0, abs=1e-8)
    # complementary slackness: sum b_i (K b - 1)_i is the duality gap, relative to sum b
    assert dual @ (active - 1.0) <= 1e-8 * dual.sum()
    assert dual.sum() == pytest.approx(solution.margin**-2, rel=1e-8)


def separable(features: Floats) -> KernelSVM | None:
    try:
        return max_margin(features)
    except AssumptionError:
        return None


@given(small_integers)
@example(WRONG_FOR_NNLS)
@settings(max_examples=30)
def test_small_integer_data_get_a_certified_solution_or_are_not_separable(
    features: Floats,
) -> None:
    solution = separable(features)
    if solution is not None:
        assert_optimal(solution, features)
    else:
        # Gordan: not separable exactly when a convex combination of the features vanishes
        rows = np.vstack([features.T, np.ones(len(features))])
        target = np.r_[np.zeros(features.shape[1]), 1.0]
        from scipy.optimize import linprog

        found = linprog(np.zeros(len(features)), A_eq=rows, b_eq=target, bounds=(0, None))
        assert found.status == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 30))
def test_random_separable_data_get_a_certified_solution(seed: int, n: int, d: int) -> None:
    generator = np.random.default_rng(seed)
    truth = generator.standard_normal(d)
    features = generator.standard_normal((n, d))
    signs = np.sign(features @ truth)
    assume(np.all(signs != 0))
    features = signs[:, None] * features
    assume((features @ truth).min() > 1e-3)
    assert_optimal(max_margin(features), features)


def test_the_known_nasty_case_has_norm_0_577() -> None:
    solution = max_margin(WRONG_FOR_NNLS)
    assert np.linalg.norm(solution.weights) == pytest.approx(3**-0.5, rel=1e-12)
    assert solution.margin == pytest.approx(3**0.5, rel=1e-12)


def agree_or_refuse(features: Floats, solver: str) -> float | None:
    """The margin of one route, or None where it found nothing it could certify."""
    try:
        return max_margin(features, solver=solver).margin
    except OracleFailed:
        return None


@given(small_integers)
@example(WRONG_FOR_NNLS)
@settings(max_examples=8)  # two of the routes compile a cvxpy programme: 10 ms each
def test_all_routes_agree_where_they_are_certified(features: Floats) -> None:
    reference = separable(features)
    assume(reference is not None)
    assert reference is not None
    margins = [agree_or_refuse(features, solver) for solver in SOLVERS]
    certified = [m for m in margins if m is not None]
    assert len(certified) >= 2
    np.testing.assert_allclose(certified, reference.margin, rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_route_solves_each_family(solver: str, instance: Callable[..., Problem]) -> None:
    for family in ("diagonal, L = 2", "two-layer cube", "factorization"):
        problem = instance(family)
        solution = kernel_svm(problem, solver=solver)
        assert solution.solver == solver
        assert_optimal(solution, solution.features)
        assert solution.margin == pytest.approx(kernel_svm(problem).margin, rel=1e-9)


def test_margin_follows_the_scale_of_the_features() -> None:
    features = np.array([[1.0, 0.2], [0.3, 2.0]])
    for factor in (1e-30, 1e30):
        scaled = max_margin(factor * features)
        assert scaled.margin == pytest.approx(factor * max_margin(features).margin, rel=1e-12)
        np.testing.assert_allclose(scaled.direction, max_margin(features).direction, rtol=1e-12)


def test_margins_support_and_strictness_of_a_worked_example() -> None:
    # w = (1, 1): the first two are support vectors, the third has margin 2, the fourth is active
    # with multiplier zero
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    solution = max_margin(rows)
    np.testing.assert_allclose(solution.weights, [1, 1], rtol=1e-12)
    np.testing.assert_allclose(solution.margins / solution.margin, [1, 1, 2], rtol=1e-12)
    np.testing.assert_array_equal(solution.support, [True, True, False])
    assert solution.strictness == pytest.approx(1.0)
    degenerate = max_margin(np.vstack([rows, [[0.5, 0.5]], [[0.25, 0.75]]]))
    assert degenerate.strictness <= 1.0
    touching = max_margin(np.array([[1.0, 0.0], [1.0, 1.0]]))
    assert touching.strictness == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "features",
    [
        [[1.0, 0.0], [-1.0, 0.0]],
        [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]],
        [[2.0], [-3.0]],
        [[0.0, 0.0], [1.0, 1.0]],
    ],
)
def test_data_that_are_not_separable_are_named(features: list[list[float]]) -> None:
    with pytest.raises(AssumptionError, match="not separable in the NTK features") as raised:
        max_margin(np.array(features))
    assert raised.value.assumption == "separability"


def test_zero_features_are_named() -> None:
    with pytest.raises(AssumptionError, match="all gradient features are zero"):
        max_margin(np.zeros((2, 3)))


@pytest.mark.parametrize("size", [1e-160, 1e-286])
def test_multipliers_that_float64_does_not_hold_are_named(size: float) -> None:
    """Gradients of a smooth rectifier where all units are off; an SVD of such rows fails."""
    features = np.array([[size, 0.0], [0.5, 0.5], [0.3, -0.1]])
    with pytest.raises(OracleFailed, match="exceed float64"):
        max_margin(features)
    rescaled = max_margin(features / size)
    assert rescaled.margin == pytest.approx(1.0)


def test_unknown_solver_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(InvalidInput, match="solver is 'libsvm'; allowed are bvls, nnls, osqp"):
        max_margin(np.eye(2), solver="libsvm")


def test_squared_loss_has_no_svm(instance: Callable[..., Problem]) -> None:
    with pytest.raises(InvalidInput, match="loss is 'squared'; a kernel SVM needs classification"):
        kernel_svm(instance("diagonal, L = 2", "squared"))


def raising_solver(_rows: Floats, _targets: Floats) -> Floats:
    raise RuntimeError("solver crashed")


def nan_solver(_rows: Floats, _targets: Floats) -> Floats:
    return np.array([np.nan, 1.0])


@pytest.mark.parametrize(
    "broken", [raising_solver, nan_solver, lambda _rows, _targets: np.zeros(2)]
)
def test_a_broken_solver_is_passed_over(broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOLVERS, "bvls", broken)
    solution = max_margin(np.array([[1.0, 0.2], [0.3, 2.0]]))
    assert solution.solver == "nnls"


def test_a_wrong_support_is_mended_and_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.array([[1.0, 0.2], [0.1, 2.0]])
    truth = max_margin(features)
    for name in SOLVERS:
        monkeypatch.setitem(SOLVERS, name, lambda _rows, _targets: np.array([1.0, 0.0]))
    mended = max_margin(features)
    assert mended.margin == pytest.approx(truth.margin, rel=1e-15)
    np.testing.assert_allclose(mended.dual, truth.dual, rtol=1e-14)


@pytest.mark.parametrize("off", [1e-4, -1e-4])
def test_silently_wrong_solvers_are_turned_away_where_nothing_mends_them(
    off: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = np.array([[1.0, 0.2], [0.1, 2.0]])
    wrong = np.asarray(max_margin(features).dual * [1.0, 1.0 + off])
    for name in SOLVERS:
        monkeypatch.setitem(SOLVERS, name, lambda _rows, _targets: wrong)
    monkeypatch.setattr(svm, "_steps", lambda *_: iter(()))
    with pytest.raises(OracleFailed, match=r"no kernel SVM solver reached a margin gap of 1e-10"):
        max_margin(features)


@given(st.integers(0, 2**32 - 1), st.floats(1e-4, 1e-1))
def test_the_certificate_knows_a_wrong_direction_and_a_wrong_multiplier(
    seed: int, off: float
) -> None:
    """Both bounds in units of the true margin: to first order in the direction, to second in p."""
    # nearly orthogonal: every sample supports
    features = 0.1 * np.random.default_rng(seed).random((3, 4)) + np.eye(3, 4)
    truth, programme = max_margin(features), Programme.of(features)
    assert truth.support.all()
    unit = np.ldexp(1.0, -programme.exponent) * truth.margin
    dual = np.ldexp(truth.dual, programme.exponents)
    zeros = np.zeros(4), np.zeros(3)
    exact = bounds_of(programme, Pair((truth.weights, zeros[0]), (dual, zeros[1])))
    assert exact.low == pytest.approx(unit, rel=1e-14)
    assert exact.high == pytest.approx(unit, rel=1e-14)
    # one sample's margin off by that share of |h|, the others kept
    tilt = np.linalg.pinv(features) @ np.array([1.0, 0.0, 0.0])
    weights = truth.weights - off * tilt
    low = bounds_of(programme, Pair((weights, zeros[0]), (dual, zeros[1]))).low
    size = np.linalg.norm(weights)
    assert low == pytest.approx(unit * (1.0 - off) / (size * truth.margin), rel=1e-12)
    assert low < (1.0 - MARGIN_TOLERANCE) * unit
    shifted = dual * (1.0 + off * np.array([1.0, 0.0, 0.0]))
    high = bounds_of(programme, Pair((truth.weights, zeros[0]), (shifted, zeros[1]))).high
    shares = np.ldexp(shifted, -programme.exponents)
    combination = shares @ features / shares.sum()
    assert np.ldexp(high, programme.exponent) == pytest.approx(np.linalg.norm(combination))
    assert high > (1.0 + 1e-4 * off**2) * unit
    # a multiplier of the wrong sign proves nothing
    negative = bounds_of(programme, Pair((weights, zeros[0]), (-dual, zeros[1])))
    assert negative.high == np.inf


def test_multipliers_below_float64_are_told() -> None:
    rows = np.array([[1.0, 0.5], [-0.2, 1.0]])
    assert max_margin(1e150 * rows).margin == pytest.approx(1e150 * max_margin(rows).margin)
    with pytest.raises(OracleFailed, match="below float64"):
        max_margin(1e200 * rows)
