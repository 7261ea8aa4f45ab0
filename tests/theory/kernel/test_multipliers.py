"""Multipliers that an optimum leaves a choice of: those of the flow, whatever the units."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.kernel.multipliers import most_even
from theory.kernel.ntk import gram
from theory.kernel.quasi_static import quasi_static_dual
from theory.kernel.svm import KernelSVM, max_margin

OFFSETS = np.array([-2.0, 2.0, 1.0, -0.5, 3.0])
COLLINEAR = np.column_stack([np.ones(5), OFFSETS, np.zeros(5)])
"""All on the margin: any two on either side of the first axis support."""


def missed(svm: KernelSVM) -> float:
    """How far Phi^T b is from h, relatively."""
    return float(np.linalg.norm(svm.features.T @ svm.dual - svm.weights) * svm.margin)


@pytest.mark.parametrize("unit", [1.0, 10.0**-2.7, 10.0**3.3, 1e-8, 1e8])
def test_they_do_not_depend_on_units_or_order(unit: float) -> None:
    order = np.array([3, 1, 4, 0, 2])
    plain, other = max_margin(COLLINEAR), max_margin(unit * COLLINEAR[order])
    np.testing.assert_allclose(unit**2 * other.dual, plain.dual[order], rtol=1e-10)
    assert missed(other) < 1e-12


def test_they_are_those_of_the_regularised_machine_in_the_limit() -> None:
    dual = max_margin(COLLINEAR).dual
    gaps = []
    for level in (1e2, 1e3, 1e4):
        log_dual = quasi_static_dual(gram(COLLINEAR), level, "exponential")
        shares = np.exp(log_dual - log_dual.max())
        gaps.append(float(np.abs(shares / shares.sum() - dual / dual.sum()).max()))
    assert gaps[0] < 1e-2
    assert gaps[0] > 5.0 * gaps[1] > 25.0 * gaps[2]


def test_no_other_choice_has_a_larger_entropy() -> None:
    dual = max_margin(COLLINEAR).dual
    null = np.linalg.svd(COLLINEAR.T)[2][2:]
    for direction in (*null, *-null):
        other = dual + 1e-3 * direction
        np.testing.assert_allclose(COLLINEAR.T @ other, COLLINEAR.T @ dual, atol=1e-14)
        assert -(other @ np.log(other)) < -(dual @ np.log(dual))


def test_duplicates_share_and_the_others_have_none() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    found = max_margin(rows)
    np.testing.assert_allclose(found.dual, [0.5, 0.5, 0.0, 0.0], atol=1e-12)
    assert found.strictness < 1e-12


@pytest.mark.parametrize("length", 10.0 ** np.arange(11))
def test_duplicates_of_long_rows_share_as_well(length: float) -> None:
    """Of two rows on the margin b solves (Phi Phi^T) b = 1, here in whole numbers."""
    long = int(length)
    squares, product = (Fraction(26, 25), Fraction(5 * long**2, 4)), Fraction(-3 * long, 10)
    determinant = squares[0] * squares[1] - product**2
    expected = [float((squares[1 - k] - product) / determinant / 2) for k in (0, 1)]
    rows = np.array([[1.0, 0.2], [-0.5 * length, length]])
    found = max_margin(np.vstack([rows, rows]))
    np.testing.assert_allclose(found.dual, expected * 2, rtol=1e-9)
    np.testing.assert_allclose(found.dual @ found.features, found.weights, rtol=1e-9)


def test_long_rows_share_though_rounding_moves_their_margins() -> None:
    rows = np.array([[1.0, 0.2], [-0.5e4, 1e4]])
    both = np.linalg.solve(rows @ rows.T, np.ones(2))
    uneven = np.concatenate([0.75 * both, 0.25 * both])
    found = most_even(np.vstack([rows, rows]), uneven, np.array([1.0, 1.0 + 1e-8, 1.0, 1.0]))
    np.testing.assert_allclose(found, np.tile(both / 2.0, 2), rtol=1e-9)


@given(
    seed=st.integers(0, 10_000),
    samples=st.integers(1, 4),
    dimension=st.integers(2, 5),
    decades=st.integers(0, 10),
)
@settings(max_examples=50, deadline=None)
def test_multipliers_are_those_of_the_weights(
    seed: int, samples: int, dimension: int, decades: int
) -> None:
    """Phi^T b = h, with duplicates and rows of all lengths."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((samples, dimension))
    # turned to one side of a direction that keeps away from their edge
    aim = np.linalg.pinv(rows) @ np.ones(samples) + generator.standard_normal(dimension)
    rows *= np.where(rows @ aim < 0.0, -1.0, 1.0)[:, None]
    rows *= 10.0 ** generator.uniform(0.0, decades, (samples, 1))
    rows = np.vstack([rows, rows[generator.integers(samples, size=2)]])
    assert missed(max_margin(rows)) < 2e-10


def test_the_only_multipliers_are_left_alone() -> None:
    rows, dual = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 0.25])
    assert most_even(rows, dual, np.ones(2)) is dual
    more, further = np.vstack([rows, 2.0 * rows[:1]]), np.append(dual, 0.0)
    # beyond the margin a sample has no part in it
    assert most_even(more, further, np.array([1.0, 1.0, 2.0])) is further
