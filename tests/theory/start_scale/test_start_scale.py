"""Leading orders against the limits themselves."""

import numpy as np
import pytest

from theory.decay import least_potential
from theory.errors import InvalidInput
from theory.saddles import least_absolute
from theory.start_scale import (
    certificate,
    dense_excess,
    sparse_excess,
    support_moves,
    support_moves_at_most,
)
from verify.strategies.start_scale import SparseTask

SEEDS = range(1000)


def task(degree: int) -> SparseTask:
    return next(told for told in (SparseTask(degree, 2, 3, k) for k in SEEDS) if told.clear)


def test_certificate_is_that_of_the_least_sum() -> None:
    told = task(2)
    assert least_absolute(told.rows, told.targets) == pytest.approx(np.abs(told.sparse).sum())
    dual = certificate(told.rows, told.sparse)
    assert dual @ told.sparse == pytest.approx(np.abs(told.sparse).sum())
    assert np.abs(dual).max() == 1.0


@pytest.mark.parametrize(("degree", "alpha"), [(2, 1e-9), (3, 1e-3), (4, 1e-2)])
def test_excess_of_small_starts(degree: int, alpha: float) -> None:
    told = task(degree)
    start = np.full(5, alpha)
    end = least_potential(told.rows, told.targets, start, start, degree)
    excess = np.abs(end).sum() - np.abs(told.sparse).sum()
    predicted = sparse_excess(told.rows, told.sparse, np.array([alpha]), degree)[0]
    assert predicted == pytest.approx(excess, rel=0.05)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_excess_of_large_starts(degree: int) -> None:
    told = task(degree)
    start = np.full(5, 4.0)
    end = least_potential(told.rows, told.targets, start, start, degree)
    shortest = np.linalg.pinv(told.rows) @ told.targets
    predicted = dense_excess(told.rows, told.targets, np.array([4.0]), degree)[0]
    assert predicted == pytest.approx(end - shortest, rel=0.01, abs=1e-10)


@pytest.mark.parametrize("seed", [66, 131, 350])
def test_what_comes_next_to_the_excess_is_that_the_support_moves(seed: int) -> None:
    """By 1 % of it, to its own square."""
    sizes = {66: (4, 2), 131: (3, 2), 350: (3, 2)}
    told, alpha = SparseTask(2, *sizes[seed], seed), 1e-7
    start = np.full(told.rows.shape[1], alpha)
    end = least_potential(told.rows, told.targets, start, start, 2)
    excess = float((np.abs(end) - certificate(told.rows, told.sparse) * end).sum())
    off = excess / sparse_excess(told.rows, told.sparse, np.array([alpha]), 2)[0] - 1.0
    assert abs(off) > 5e-3
    moves = support_moves(told.rows, told.sparse, alpha)
    assert moves == pytest.approx(off, rel=3.0 * abs(off))
    assert abs(moves) <= support_moves_at_most(told.rows, told.sparse, alpha)


def test_what_has_no_rate_is_refused() -> None:
    rows, weights, one = np.array([[1.0, 0.5]]), np.array([1.0, 0.0]), np.ones(1)
    with pytest.raises(InvalidInput, match="of weights with 2 of 2 entries that are not 0"):
        certificate(rows, np.ones(2))
    for degree in (1, 2.5):
        with pytest.raises(InvalidInput, match="degree is"):
            sparse_excess(rows, weights, one, degree)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="degree is"):
            dense_excess(rows, one, one, degree)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"targets has shape \(2,\)"):
        dense_excess(rows, np.ones(2), one, 2)


@pytest.mark.parametrize(
    ("rows", "sparse"),
    [
        ([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]], [2.0, 1.0, 0.0]),
        ([[1.0, 0.0, 0.5], [0.0, 1.0, -0.48]], [0.02, 3.0, 0.0]),
    ],
)
def test_excess_of_weights_whose_certificate_is_next_to_0(
    rows: list[list[float]], sparse: list[float]
) -> None:
    """By the flow's end: 1.5 alpha^2 where c = 0, as w = alpha^2 (2 - 1/2)."""
    inputs, weights, alpha = np.array(rows), np.array(sparse), 1e-3
    start = np.full(3, alpha)
    end = least_potential(inputs, inputs @ weights, start, start, 2)
    excess = np.abs(end).sum() - weights.sum()
    predicted = sparse_excess(inputs, weights, np.array([alpha]), 2)[0]
    assert predicted == pytest.approx(excess, rel=1e-3)
    next_to_it = support_moves(inputs, weights, alpha)
    assert excess / predicted - 1.0 == pytest.approx(next_to_it, rel=0.05)
    assert abs(next_to_it) <= support_moves_at_most(inputs, weights, alpha) * (1.0 + 1e-12)


def test_weights_that_are_not_of_least_sum_are_refused() -> None:
    rows, alphas = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.3]]), np.array([1e-3])
    for degree in (2, 3):
        with pytest.raises(InvalidInput, match="not the only ones of least sum"):
            sparse_excess(rows, np.array([2.0, 1.0, 0.0]), alphas, degree)
    with pytest.raises(InvalidInput, match="inputs are dependent"):
        certificate(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), np.array([2.0, 1.0, 0.0]))
    with pytest.raises(InvalidInput, match="nowhere 0"):
        support_moves(np.eye(2), np.ones(2), 0.1)
