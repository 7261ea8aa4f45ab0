"""Compiled losses are those of `theory.losses`, and the root of a curvature squares to it."""

import numpy as np
import pytest

from theory.compiled_losses import (
    CROSS_ENTROPY,
    EXPONENTIAL,
    LOGISTIC,
    SQUARED,
    code_of,
    coupled,
    curve,
    forces,
    root_of_curve,
)
from theory.losses import CrossEntropy, Exponential, Logistic, Loss, Squared


@pytest.mark.parametrize("log_gain", [-3.0, 0.0, 20.0])
@pytest.mark.parametrize(
    "loss", [Exponential(), Logistic(), Squared(), CrossEntropy(1), CrossEntropy(3)], ids=str
)
def test_forces_and_curvature_are_those_of_the_loss(loss: Loss, log_gain: float) -> None:
    generator = np.random.default_rng(5)
    rows = generator.standard_normal((6, 4))
    several = isinstance(loss, CrossEntropy)
    labels = np.ones(6) if several else np.sign(generator.standard_normal(6))
    pulls, curved = np.empty(6), np.empty_like(rows)
    for size in (1e-3, 1.0, 5.0, 30.0):
        outputs = size * generator.standard_normal(6)
        rest = log_gain, outputs, labels
        forces(code_of(loss), coupled(loss), *rest, pulls)
        np.testing.assert_allclose(pulls, loss.force(*rest), rtol=1e-13)
        curve(code_of(loss), coupled(loss), *rest, rows, pulls, curved)
        expected = -loss.curved(*rest, rows)
        # rows less their mean cancel where a share is 1 to the rounding of its margins
        rounding = np.finfo(np.float64).eps * (1.0 + abs(outputs).max())
        rounding *= abs(loss.force(*rest)).max() * abs(rows).max()
        np.testing.assert_allclose(curved, expected, rtol=1e-10, atol=rounding)


@pytest.mark.parametrize("log_gain", [-3.0, 0.0, 20.0])
@pytest.mark.parametrize(
    ("loss", "others"),
    [(EXPONENTIAL, 1), (LOGISTIC, 1), (SQUARED, 1), (CROSS_ENTROPY, 1), (CROSS_ENTROPY, 3)],
)
def test_the_root_of_the_curvature_squares_to_it(loss: int, others: int, log_gain: float) -> None:
    generator = np.random.default_rng(3)
    outputs, rows = 4.0 * generator.standard_normal(6), generator.standard_normal((6, 4))
    labels = np.ones(6) if loss == CROSS_ENTROPY else np.sign(generator.standard_normal(6))
    curved, roots, pulls = np.empty_like(rows), np.empty_like(rows), np.empty(6)
    curve(loss, others, log_gain, outputs, labels, rows, pulls, curved)
    root_of_curve(loss, others, log_gain, outputs, labels, rows, pulls, roots)
    expected = -rows.T @ curved
    np.testing.assert_allclose(roots.T @ roots, expected, atol=1e-13 * np.abs(expected).max())


def test_of_one_sure_class_and_of_hopeless_ones_it_does_as_well() -> None:
    """Shares that are all but one, and margins so large that every share vanishes."""
    rows = np.random.default_rng(4).standard_normal((3, 4))
    for outputs in ([-40.0, 5.0, 6.0], [-30.0, -30.0, -30.0], [50.0, 60.0, 70.0]):
        curved, roots, pulls = np.empty_like(rows), np.empty_like(rows), np.empty(3)
        margins, ones = np.array(outputs), np.ones(3)
        curve(CROSS_ENTROPY, 3, 10.0, margins, ones, rows, pulls, curved)
        root_of_curve(CROSS_ENTROPY, 3, 10.0, margins, ones, rows, pulls, roots)
        expected, scale = -rows.T @ curved, np.exp(10.0) * np.abs(rows).max() ** 2
        np.testing.assert_allclose(roots.T @ roots, expected, atol=1e-14 * scale)
