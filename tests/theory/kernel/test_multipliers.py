"""Multipliers that an optimum leaves a choice of: those of the flow, whatever the units."""

import numpy as np
import pytest

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


def test_the_only_multipliers_are_left_alone() -> None:
    rows, dual = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 0.25])
    assert most_even(rows, dual, np.ones(2)) is dual
    more, further = np.vstack([rows, 2.0 * rows[:1]]), np.append(dual, 0.0)
    # beyond the margin a sample has no part in it
    assert most_even(more, further, np.array([1.0, 1.0, 2.0])) is further
