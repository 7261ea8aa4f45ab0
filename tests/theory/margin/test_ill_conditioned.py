"""Margins of nearly inseparable and badly scaled features, against rational arithmetic."""

from fractions import Fraction
from itertools import combinations

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from theory.backend import Floats
from theory.errors import AssumptionError, OracleFailed
from theory.kernel import kernel_svm
from theory.kernel.svm import MARGIN_TOLERANCE, max_margin
from theory.margin.programmes import CERTIFICATE, l1_max_margin
from theory.nets import Diagonal
from theory.problem import Problem

Rationals = list[list[Fraction]]


def solved(matrix: Rationals) -> list[Fraction] | None:
    """The solution of matrix x = 1 by elimination, None where it is singular."""
    size = len(matrix)
    rows = [[*row, Fraction(1)] for row in matrix]
    for column in range(size):
        pivot = next((r for r in range(column, size) if rows[r][column] != 0), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for r in range(size):
            if r != column:
                factor = rows[r][column] / rows[column][column]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[column], strict=True)]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def exact_margin(features: Floats) -> float | None:
    """gamma by trying every support; None where none satisfies the KKT conditions.

    Some optimal b has linearly independent support vectors, so singular ones can be left out.
    """
    rows = [[Fraction(entry) for entry in row] for row in features.tolist()]
    kernel = [
        [sum((a * b for a, b in zip(r, s, strict=True)), Fraction(0)) for s in rows] for r in rows
    ]
    for size in range(1, min(features.shape) + 1):
        for support in combinations(range(len(rows)), size):
            dual = solved([[kernel[i][j] for j in support] for i in support])
            if dual is None or min(dual) < 0:
                continue
            margins = [sum(k[j] * b for j, b in zip(support, dual, strict=True)) for k in kernel]
            if min(margins) >= 1:
                total = sum(dual, Fraction(0))
                with mpmath.workdps(30):
                    norm = mpmath.sqrt(mpmath.mpf(total.numerator) / total.denominator)
                    return float(1 / norm)
    return None


def exact_l1_margin(features: Floats) -> float | None:
    """1 / min |w|_1 over the vertices of features w >= 1; None without any.

    At an optimal vertex as many entries differ from zero as constraints are active.
    """
    rows = [[Fraction(entry) for entry in row] for row in features.tolist()]
    least: Fraction | None = None
    for size in range(1, min(features.shape) + 1):
        for samples in combinations(range(len(rows)), size):
            for columns in combinations(range(features.shape[1]), size):
                weights = solved([[rows[i][j] for j in columns] for i in samples])
                if weights is None:
                    continue
                margins = [
                    sum(r[j] * w for j, w in zip(columns, weights, strict=True)) for r in rows
                ]
                norm = sum(map(abs, weights), Fraction(0))
                if min(margins) >= 1 and (least is None or norm < least):
                    least = norm
    return None if least is None else float(1 / least)


def ill_conditioned(seed: int, kind: str) -> Floats:
    """Features nearly opposite, nearly equal, nearly of rank one, or with bad units."""
    generator = np.random.default_rng(seed)
    n, d = (int(k) for k in generator.integers(2, 6, 2))
    features = generator.standard_normal((n, d))
    spread = 10.0 ** generator.uniform(-9, -2)
    if kind == "opposite":
        features[1] = -generator.uniform(0.5, 2) * features[0] + spread * features[1]
    elif kind == "equal":
        features[1] = features[0] + 1e-5 * spread * features[1]
    elif kind == "rank one":
        features = np.outer(features[:, 0], features[0]) + spread * features
    elif kind == "columns":
        features = features * 10.0 ** generator.uniform(-4, 4, d)
    elif kind == "rows":
        features = features * 10.0 ** generator.uniform(-8, 8, (n, 1))
    return np.asarray(features)


KINDS = ("opposite", "equal", "rank one", "columns", "rows")


@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS))
@example(1, "rank one")
@settings(max_examples=100)
def test_margins_of_ill_conditioned_features(seed: int, kind: str) -> None:
    features = ill_conditioned(seed, kind)
    truth = exact_margin(features)
    try:
        solution = max_margin(features)
    except AssumptionError:
        assert truth is None
        return
    except OracleFailed:
        assert truth is None or truth <= 1e-8 * np.linalg.norm(features, axis=1).max()
        return
    assert truth is not None
    # certified bounds that are 1e-10 apart, and the rounding of norms
    assert solution.margin == pytest.approx(truth, rel=1.1 * MARGIN_TOLERANCE)
    # the direction in float64: one rounding for each feature, of its own size
    rounding = 4 * np.finfo(float).eps * np.linalg.norm(features, axis=1)
    assert np.all(features @ solution.direction >= solution.margin - rounding)
    np.testing.assert_allclose(
        solution.margins, features @ solution.direction, atol=float(rounding.max())
    )


@pytest.mark.parametrize(
    ("inputs", "labels", "margin"),
    [
        # each by hand: w is orthogonal to the common part of the first two, up to their difference
        ([[1, 0.5], [1, 0.501], [-0.25, 1]], [1, -1, -1], 4.4712413e-4),
        ([[1, 0.5], [1, 0.5 + 1e-9], [-0.25, 1]], [1, -1, -1], 4.4721358e-10),
        ([[1e6, 0.5e6], [-0.25e-6, 1e-6]], [1, -1], 1.0062306e-6),
        ([[1e3, 0.5e-3], [1e3, -0.868e-3]], [1, -1], 6.84e-4),
    ],
)
def test_tiny_margins_of_worked_examples(
    inputs: list[list[float]], labels: list[int], margin: float
) -> None:
    features = np.array(labels)[:, None] * np.array(inputs)
    assert max_margin(features).margin == pytest.approx(margin, rel=1e-6)
    assert exact_margin(features) == pytest.approx(margin, rel=1e-6)
    # gradients 2 (x, -x) at an anchor of ones
    problem = Problem(Diagonal(2), np.ones(4), inputs, labels)
    assert kernel_svm(problem).margin == pytest.approx(8**0.5 * margin, rel=1e-6)


def test_a_margin_below_rounding_is_neither_told_nor_called_inseparable() -> None:
    features = np.array([[1.0, 0.5], [-1.0, -0.5 - 1e-12], [0.25, -1.0]])
    assert exact_margin(features) == pytest.approx(4.47e-13, rel=1e-2)
    with pytest.raises(OracleFailed, match=r"below what float64 resolves: .* by 6e-04 of"):
        max_margin(features)


@given(st.integers(0, 2**32 - 1), st.integers(-300, 300))
@settings(max_examples=20)
def test_margins_and_multipliers_follow_the_units_of_each_sample(seed: int, power: int) -> None:
    generator = np.random.default_rng(seed)
    features = np.abs(generator.standard_normal((3, 4)))
    plain = max_margin(features)
    scaled = max_margin(np.ldexp(features, power))
    assert scaled.margin == np.ldexp(plain.margin, power)
    np.testing.assert_array_equal(scaled.direction, plain.direction)
    np.testing.assert_array_equal(scaled.support, plain.support)
    assert scaled.strictness == pytest.approx(plain.strictness, rel=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS))
@settings(max_examples=40)  # each compiles a programme: 10 ms
def test_l1_margins_of_ill_conditioned_features(seed: int, kind: str) -> None:
    features = ill_conditioned(seed, kind)
    truth = exact_l1_margin(features)
    try:
        found = l1_max_margin(features, np.ones(len(features)))
    except AssumptionError:
        assert truth is None
        return
    except OracleFailed:
        assert truth is None or truth <= 1e-8 * np.linalg.norm(features, axis=1).max()
        return
    assert found.margin == pytest.approx(truth, rel=1.1 * CERTIFICATE)
    rounding = 4 * np.finfo(float).eps * np.linalg.norm(features, axis=1)
    assert np.all(features @ found.weights >= found.margin - rounding)


def test_l1_margins_of_worked_examples() -> None:
    # w = (w1, w2) with w1 + w2 / 2 = -(w1 + .501 w2): along (-.5005, 1) / 1.5005
    features = np.array([[1.0, 0.5], [-1.0, -0.501]])
    assert exact_l1_margin(features) == pytest.approx(5e-4 / 1.5005, rel=1e-9)
    assert l1_max_margin(features, [1, 1]).margin == pytest.approx(5e-4 / 1.5005, rel=1e-9)
    nearer = np.array([[1.0, 0.5], [-1.0, -0.5 - 1e-9]])
    assert l1_max_margin(nearer, [1, 1]).margin == pytest.approx(5e-10 / 1.5, rel=1e-6)
    with pytest.raises(OracleFailed, match="L1 margin below what float64 resolves"):
        l1_max_margin([[1.0, 0.5], [-1.0, -0.5 - 1e-13]], [1, 1])
