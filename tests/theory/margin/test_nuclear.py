"""Least nuclear norms with certificates, and the flow that finds them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from theory.anchors import balanced_anchor
from theory.backend import Floats
from theory.errors import InvalidInput, OracleFailed
from theory.flow import gradient_flow
from theory.flow.completion import (
    Completion,
    completion_flow,
    completion_of,
    log_metric_scale,
)
from theory.kernel import gram, signed_features
from theory.margin import nuclear
from theory.margin.nuclear import (
    excess_bound,
    least_nuclear_norm,
    nuclear_norm,
    spectral_entropy,
)
from theory.nets import Factorization
from theory.problem import Problem, Regime


def random_task(size: int, share: float, rank: int, seed: int) -> Completion:
    """Entries of a random matrix of low rank, at most 1, at random pairs i <= j."""
    generator = np.random.default_rng(seed)
    factors = generator.standard_normal((size, rank))
    table = (factors * generator.choice([-1.0, 1.0], rank)) @ factors.T
    pairs = np.array([(i, j) for i in range(size) for j in range(i, size)])
    chosen = pairs[generator.permutation(len(pairs))[: max(2, int(share * len(pairs)))]]
    values = table[chosen[:, 0], chosen[:, 1]]
    return Completion.of(size, chosen, values / np.abs(values).max())


def problem_of(completion: Completion) -> Problem:
    net = Factorization(completion.size, completion.size)
    pairs = np.stack([completion.rows, completion.columns], axis=1)
    anchor = balanced_anchor(net, np.eye(completion.size))
    return Problem(net, anchor, pairs, completion.values, "squared")


def test_known_optima() -> None:
    one_entry = Completion.of(2, np.array([[0, 1]]), np.array([3.0]))
    # symmetric: (0, 3; 3, 0) has |W|_* = 6, and any diagonal keeps it at 6 at least
    assert least_nuclear_norm(one_entry).high == pytest.approx(6.0, rel=1e-5)
    assert least_nuclear_norm(one_entry, symmetric=False).high == pytest.approx(3.0, rel=1e-5)
    # the missing corner of a rank-one matrix, as in (1, 1; 1, ?)
    corner = Completion.of(2, np.array([[0, 0], [0, 1]]), np.array([1.0, 1.0]))
    solved = least_nuclear_norm(corner)
    assert solved.high == pytest.approx(2.0, rel=1e-5)
    assert solved.low <= 2.0 + 1e-12 <= solved.high + 1e-5


@pytest.mark.parametrize("solver", ["CLARABEL", "SCS"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_bounds_meet_and_the_matrix_is_feasible(solver: str, symmetric: bool) -> None:
    completion = random_task(5, 0.4, 2, 0)
    solved = least_nuclear_norm(completion, symmetric=symmetric, solver=solver)
    assert 0 <= solved.certificate + 1e-12 <= 1e-5
    assert nuclear_norm(solved.matrix) == pytest.approx(solved.high)
    np.testing.assert_array_equal(
        solved.matrix[completion.rows, completion.columns], completion.values
    )


def test_kernel_of_the_entries_is_that_of_the_net() -> None:
    completion = random_task(4, 0.6, 2, 1)
    # U = V = I / (8)^(1/2): B = I / 4
    kernel = gram(signed_features(problem_of(completion)))
    np.testing.assert_allclose(completion.gram(np.eye(4) / 4.0), kernel, atol=1e-15)
    assert np.abs(kernel - np.diag(np.diag(kernel))).max() == 0


@pytest.mark.parametrize(("size", "share", "rank", "seed"), [(3, 0.5, 1, 0), (5, 0.5, 2, 2)])
def test_flow_of_the_product_is_the_flow_of_the_factors(
    size: int, share: float, rank: int, seed: int
) -> None:
    completion = random_task(size, share, rank, seed)
    problem, regime = problem_of(completion), Regime(log10_alpha=8, decay_power=2)
    at = (0.6, 0.9, 1.0, 1.1, 1.3)
    flow = gradient_flow(problem, regime, at, rtol=1e-10, estimate_error=False)
    own = completion_flow(completion_of(problem), [(t - 1) * regime.log_alpha for t in at])
    every_pair = np.argwhere(np.ones((size, size))).astype(np.float64)
    for state, reduced in zip(flow.states, own, strict=True):
        matrix = state.outputs(every_pair).reshape(size, size)
        # lambda = 1e-16; both integrators run at 1e-9 or better
        np.testing.assert_allclose(reduced.matrix, matrix, atol=2e-8)


def test_early_the_observed_entries_are_exact_and_the_others_zero() -> None:
    completion = random_task(10, 0.3, 2, 3)
    problem, regime = problem_of(completion), Regime(log10_alpha=8, decay_power=2)
    flow = gradient_flow(problem, regime, [0.5], rtol=1e-8, estimate_error=False)
    every_pair = np.argwhere(np.ones((10, 10))).astype(np.float64)
    matrix = flow.outputs(every_pair)[0].reshape(10, 10)
    # delta^2 = alpha^-2 = 1e-16, times a constant; what is left is the integrator's 1e-8
    np.testing.assert_allclose(matrix, completion.zero_fill, atol=1e-7)


@pytest.mark.parametrize(
    ("size", "share", "rank", "seed"),
    [(10, 0.4, 1, 1), (10, 0.3, 2, 3), (10, 0.5, 3, 4), (15, 0.3, 1, 5), (20, 0.2, 1, 7)],
)
def test_late_the_nuclear_norm_is_least(size: int, share: float, rank: int, seed: int) -> None:
    completion = random_task(size, share, rank, seed)
    solved = least_nuclear_norm(completion)
    states = completion_flow(completion, [5.0, 10.0, 40.0, 200.0])
    for state in states:
        excess = state.nuclear_norm / solved.high - 1.0
        limit = excess_bound(completion, solved.high, log_metric_scale(completion, state.efolds))
        assert -1e-5 <= excess <= limit
    assert states[0].nuclear_norm > (1 + 1e-4) * solved.high
    assert abs(states[-1].nuclear_norm / solved.high - 1.0) <= 1e-4


def test_the_excess_bound_by_its_formula() -> None:
    three = Completion.of(3, np.array([[0, 1]]), np.array([1.0]))
    # (log 3 + 2.5 * 3 e^-20 / 2) / (log(2 / (3 e^-20)) - 1)
    expected = (np.log(3.0) + 3.75 * np.exp(-20.0)) / (np.log(2.0 / 3.0) + 20.0 - 1.0)
    assert excess_bound(three, 2.0, -20.0) == pytest.approx(expected, rel=1e-13)
    assert excess_bound(three, 2.0, 5.0) == np.inf


def nuclear_norm_of_flow(measured: Floats, log_metric: float) -> float:
    def eigenvalues(m: float) -> Floats:
        return np.exp(log_metric + measured * m) - np.exp(log_metric - measured * m)

    m = brentq(lambda m: float(measured @ eigenvalues(m)) - 1.0, 0.0, 1.0 - log_metric)
    return float(eigenvalues(m).sum())


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("log_metric", [-20.0, -60.0])
def test_the_excess_bound_is_used_to_a_good_part(size: int, log_metric: float) -> None:
    """One measurement <C, W> = 1 with C = diag(1, c, ..., c), c a little below 1.

    The flow's eigenvalues are w_i = 2 rho^2 sinh(c_i m); the least nuclear norm is 1.
    """
    some = Completion.of(size, np.array([[0, 0]]), np.array([1.0]))
    limit = excess_bound(some, 1.0, log_metric)
    shares = []
    for gap in np.geomspace(0.01, 0.5, 40):
        measured = np.r_[1.0, np.full(size - 1, 1.0 - gap)]
        shares.append((nuclear_norm_of_flow(measured, log_metric) - 1.0) / limit)
    # a bound three times too small would be crossed
    assert 1 / 3 < max(shares) <= 1.0


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("wrong", ["matrix", "multipliers"])
def test_a_wrong_completion_is_refused(
    symmetric: bool, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounds come from the entries themselves: a solver some per cent off does not pass."""
    completion = Completion.of(3, np.array([[0, 0], [0, 1]]), np.array([1.0, 1.0]))
    exact = nuclear._bounded

    def off(task: Completion, form: bool, matrix: Floats, dual: Floats, name: str) -> Any:
        if wrong == "matrix":
            matrix = matrix + 0.01 * np.eye(3)
        else:
            dual = dual + np.array([0.05, -0.05])
        return exact(task, form, matrix, dual, name)

    monkeypatch.setattr(nuclear, "_bounded", off)
    with pytest.raises(OracleFailed, match="no solver completed the matrix to a duality gap"):
        least_nuclear_norm(completion, symmetric=symmetric)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_multipliers_of_any_size_and_sign_prove_no_more_than_the_optimum(
    seed: int, symmetric: bool
) -> None:
    """1, 1 in the first row of a 2 x 2 matrix: 2 symmetric, 2^(1/2) else."""
    corner = Completion.of(2, np.array([[0, 0], [0, 1]]), np.array([1.0, 1.0]))
    dual = np.random.default_rng(seed).standard_normal(2) * 10.0 ** (seed % 9 - 4)
    low = nuclear._bounded(corner, symmetric, np.eye(2), dual, "none").low
    assert low <= (2.0 if symmetric else 2.0**0.5) * (1 + 1e-14)
    norm = np.linalg.norm([[dual[0], dual[1] / 2], [dual[1] / 2, 0.0]], 2)
    expected = dual.sum() / (norm if symmetric else np.linalg.norm(dual))
    assert low == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("efolds", [1.0, 3.0, 8.0])
def test_the_excess_bound_holds_and_is_sharp_where_all_commutes(efolds: float) -> None:
    """Eigenvalues (2 + c, c - 1, c - 1): the least hypentropy against |W*|_* = 3 at c = 1."""
    log_metric = -2.0 * efolds - float(np.log(6.0))
    scale = 2.0 * np.exp(log_metric)
    known = np.array([2.0, -1.0, -1.0])
    shift = brentq(lambda c: np.arcsinh((known + c) / scale).sum(), -3.0, 3.0, xtol=1e-15)
    reached = np.diag(known + shift)
    excess = nuclear_norm(reached) / 3.0 - 1.0
    three = Completion.of(3, np.array([[0, 1]]), np.array([1.0]))
    sharp = excess_bound(three, 3.0, log_metric, entropy=spectral_entropy(reached))
    assert 0.3 * sharp < excess <= sharp <= excess_bound(three, 3.0, log_metric)
    assert spectral_entropy(np.diag([3.0, 0.0, 0.0])) == 0.0
    assert spectral_entropy(np.eye(3)) == pytest.approx(np.log(3.0))


def test_pairs_observed_twice_are_refused() -> None:
    with pytest.raises(InvalidInput, match="observed twice"):
        Completion.of(3, np.array([[0, 1], [1, 0]]), np.array([1.0, 1.0]))
    with pytest.raises(InvalidInput, match="indices from 0 to 2"):
        Completion.of(3, np.array([[0, 3]]), np.array([1.0]))
