"""The formula of the collocation: its orders and its stability."""

import numpy as np

from theory.flow.radau_formula import ERROR_WEIGHTS, POINTS, START_WEIGHT, WEIGHTS


def test_the_formula_integrates_polynomials_up_to_its_degree() -> None:
    for power in range(9):
        exact = POINTS ** (power + 1) / (power + 1)
        told = WEIGHTS @ POINTS**power
        checked = slice(None) if power < 5 else slice(-1, None)  # order 5 at stages, 9 at the end
        np.testing.assert_allclose(told[checked], exact[checked], rtol=1e-13, atol=1e-15)
    assert abs((WEIGHTS @ POINTS**9)[-1] - 0.1) > 1e-8


def test_the_formula_is_stiffly_accurate_and_stable_at_infinity() -> None:
    assert POINTS[-1] == 1.0
    assert (np.linalg.eigvals(WEIGHTS).real > 0.0).all()
    response = 1.0 - WEIGHTS[-1] @ np.linalg.solve(WEIGHTS, np.ones(5))
    assert abs(response) < 1e-11


def test_the_embedded_formula_has_order_five() -> None:
    """Its difference to the step vanishes for y' = t^q, q < 5, and not for q = 5."""
    for power in range(6):
        stages = WEIGHTS @ POINTS**power
        off = START_WEIGHT * (power == 0) + ERROR_WEIGHTS @ stages
        assert (abs(off) < 1e-13) == (power < 5)


def test_systems_of_its_weights_need_no_pivots() -> None:
    """diag(b) A has a positive symmetric part, b b^T at least: it is algebraically stable."""
    quadrature = WEIGHTS[-1]
    assert (quadrature > 0.0).all()
    twice = quadrature[:, None] * WEIGHTS
    rest = twice + twice.T - np.outer(quadrature, quadrature)
    assert np.linalg.eigvalsh(rest).min() > -1e-14
