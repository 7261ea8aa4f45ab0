"""Maximum margins in both norms: certificates, worked examples, and three independent routes."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput, OracleFailed
from theory.kernel.active_set import Programme
from theory.margin import programmes
from theory.margin.programmes import (
    CERTIFICATE,
    MarginOptimum,
    l1_bounds,
    l1_max_margin,
    l2_max_margin,
)

SOLVERS = ("SCIPY", "CLARABEL")

small_integers = st.tuples(st.integers(1, 6), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-3, 3).map(float))
)


def assert_certified(found: MarginOptimum, signed: Floats, order: int) -> None:
    """Primal margin and dual bound from their definitions."""
    assert found.certificate <= CERTIFICATE
    assert np.linalg.norm(found.weights, order) == pytest.approx(1.0, rel=1e-12)
    scale = float(np.abs(signed).max())
    assert (signed @ found.weights).min() >= found.margin - 1e-12 * scale
    assert found.dual.min() >= 0
    assert found.dual.sum() == pytest.approx(1.0, rel=1e-12)
    combination = found.dual @ signed
    bound = np.linalg.norm(combination, np.inf if order == 1 else 2)
    assert bound <= found.margin * (1.0 + 2.0 * CERTIFICATE)


@given(small_integers)
@settings(max_examples=20)  # each compiles a programme: 10 ms
def test_small_integer_data(signed: Floats) -> None:
    labels = np.ones(len(signed))
    try:
        found = l1_max_margin(signed, labels)
    except AssumptionError:
        with pytest.raises(AssumptionError):
            l2_max_margin(signed, labels)
        return
    euclidean = l2_max_margin(signed, labels)
    assert_certified(found, signed, 1)
    assert_certified(euclidean, signed, 2)
    # |w|_2 <= |w|_1 <= sqrt(d) |w|_2
    dimension = signed.shape[1]
    assert found.margin <= euclidean.margin * (1.0 + 2 * CERTIFICATE)
    assert euclidean.margin <= found.margin * np.sqrt(dimension) * (1.0 + 2 * CERTIFICATE)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=15)
def test_random_data(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    inputs = generator.standard_normal((n, 3 * n))
    labels = np.where(generator.random(n) < 0.5, -1.0, 1.0)
    signed = labels[:, None] * inputs
    assert_certified(l1_max_margin(inputs, labels), signed, 1)
    assert_certified(l2_max_margin(inputs, labels), signed, 2)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_the_routes_agree(seed: int) -> None:
    generator = np.random.default_rng(seed)
    signed = generator.standard_normal((5, 15))
    margins = []
    for solver in SOLVERS:
        try:
            margins.append(l1_max_margin(signed, np.ones(5), solver=solver).margin)
        except OracleFailed:
            continue
    assume(len(margins) >= 2)
    np.testing.assert_allclose(margins, margins[0], rtol=2 * CERTIFICATE)


def test_a_worked_example() -> None:
    # L1 puts everything on the common coordinate: margin 1 against 5/4 on each of the two others
    inputs = np.array([[1.0, 1.25, 0.0], [-1.0, 0.0, -1.25]])
    found = l1_max_margin(inputs, [1, -1])
    np.testing.assert_allclose(found.weights, [1, 0, 0], atol=1e-12)
    assert found.margin == pytest.approx(1.0, rel=1e-12)
    # L2: w proportional to (2, 1.25, 1.25) by symmetry
    direction = np.array([2.0, 1.25, 1.25]) / np.sqrt(4 + 2 * 1.25**2)
    np.testing.assert_allclose(l2_max_margin(inputs, [1, -1]).weights, direction, atol=1e-9)


def test_margins_follow_the_scale() -> None:
    inputs = np.array([[1.0, 0.2, 3.0], [0.3, 2.0, -1.0]])
    for factor in (1e-20, 1e20):
        for programme in (l1_max_margin, l2_max_margin):
            scaled = programme(factor * inputs, [1, 1]).margin
            assert scaled == pytest.approx(factor * programme(inputs, [1, 1]).margin, rel=1e-9)


def test_inseparable_tasks_are_named() -> None:
    for programme in (l1_max_margin, l2_max_margin):
        with pytest.raises(AssumptionError, match="separable"):
            programme([[1.0, 0.0], [1.0, 0.0]], [1, -1])
    with pytest.raises(AssumptionError, match="all inputs are zero"):
        l1_max_margin([[0.0, 0.0]], [1])


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="they must be"):
        l1_max_margin([[1.0, 0.0]], [1, 1])
    with pytest.raises(InvalidInput, match="labels must be -1 or"):
        l2_max_margin([[1.0, 0.0]], [2])
    with pytest.raises(InvalidInput, match="solver is 'GLPK'; allowed are SCIPY"):
        l1_max_margin([[1.0, 0.0]], [1], solver="GLPK")


@pytest.mark.parametrize(("weights", "dual"), [([1.0, 0.0], [0.5, 0.5]), ([2.8, 1.8], [1, 1])])
def test_wrong_solutions_are_turned_away(
    weights: list[float], dual: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(_programme: Programme, _solver: str) -> tuple[Floats, Floats]:
        return np.array(weights), np.array(dual)

    for formulation in ("_largest_margin", "_least_norm"):
        monkeypatch.setattr(programmes, formulation, wrong)
    monkeypatch.setattr(programmes, "_at_vertex", lambda *_: None)
    with pytest.raises(OracleFailed, match="no linear programme reached an L1 margin gap"):
        l1_max_margin([[1.0, 0.2], [0.1, 3.0]], [1, 1])


@given(st.integers(0, 2**32 - 1))
def test_l1_bounds_are_what_their_definitions_say(seed: int) -> None:
    """Of any w and any u: the smallest margin, and the largest entry, of their scaled versions."""
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((4, 6)) * 10.0 ** generator.integers(-3, 4, (4, 1))
    weights, dual = generator.standard_normal(6), generator.random(4)
    programme, zeros = Programme.of(features), (np.zeros(6), np.zeros(4))
    bounds = l1_bounds(programme, (weights, zeros[0]), (dual, zeros[1]))
    shares = np.ldexp(dual, -programme.exponents)
    high = np.abs(shares @ features).max() / shares.sum()
    assert np.ldexp(bounds.high, programme.exponent) == pytest.approx(high, rel=1e-12)
    low = (features @ weights).min() / np.abs(weights).sum()
    assert np.ldexp(bounds.low, programme.exponent) == pytest.approx(low, rel=1e-12)
    assert l1_bounds(programme, (weights, zeros[0]), (-dual, zeros[1])).high == np.inf
