"""Predicted risks against their equations; drawn ones against plain ridge regression."""

from math import comb

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from theory.errors import InvalidInput
from theory.kernel_ridge import Cube, Curve, Spectrum, drawn_risks

VALUES = np.array([1.0, 0.5, 0.25, 0.2, 0.1, 0.05])
TARGET = np.array([0.4, 0.0, 0.3, 0.1, 0.1, 0.1])


def test_effective_ridge_solves_its_equation() -> None:
    curve = Curve(Spectrum(VALUES, TARGET, 0.1, 0.02), 4)
    kappa = curve.effective_ridge
    assert_allclose((VALUES / (VALUES + kappa)).sum() + 0.02 / kappa, 4.0, rtol=1e-12)
    assert_allclose(curve.learned, 4.0 - 0.02 / kappa, rtol=1e-12)


def test_many_equal_eigenvalues_have_a_closed_form() -> None:
    """M equal ones, no ridge: L = n / M and a test error of (1 - n/M) |f|^2."""
    curve = Curve(Spectrum(np.full(40, 0.3), np.full(40, 0.025), 0.0, 0.0), 10)
    assert_allclose(curve.learnabilities, 0.25, rtol=1e-12)
    assert_allclose(curve.amplification, 1.0 / (1.0 - 0.25**2 * 4.0), rtol=1e-12)
    assert_allclose(curve.test, 0.75, rtol=1e-12)


def test_more_samples_than_modes_need_a_ridge() -> None:
    with pytest.raises(InvalidInput, match="samples are 6 of 6 modes"):
        _ = Curve(Spectrum(VALUES, TARGET, 0.0, 0.0), 6).test


def test_modes_without_an_eigenvalue_are_none() -> None:
    padded = np.concatenate([VALUES, np.zeros(4)])
    target = np.concatenate([TARGET, np.zeros(4)])
    with pytest.raises(InvalidInput, match="samples are 6 of 6 modes of positive"):
        _ = Curve(Spectrum(padded, target, 0.0, 0.0), 6).test
    for ridge in (0.0, 0.1):
        found = Curve(Spectrum(padded, target, 0.1, ridge), 4).test
        assert_allclose(found, Curve(Spectrum(VALUES, TARGET, 0.1, ridge), 4).test, rtol=1e-13)


def precise_curve(
    values: list[float], target: list[float], ridge: float, samples: int
) -> tuple[float, float, float, float]:
    """(kappa, E_0, test, learned) without noise, by bisection in 80 digits."""
    with mp.workdps(80):
        lam = [mp.mpf(value) for value in values]

        def excess(log_kappa: mp.mpf) -> mp.mpf:
            kappa = mp.exp(log_kappa)
            return sum(v / (v + kappa) for v in lam) + mp.mpf(ridge) / kappa - samples

        high = mp.log((sum(lam) + mp.mpf(ridge)) / samples) + 1
        steps = {"tol": 1e-60, "maxsteps": 400, "verify": False}
        kappa = mp.exp(mp.findroot(excess, (high - 80, high), solver="bisect", **steps))
        learned = [v / (v + kappa) for v in lam]
        amplified = samples / (samples - sum(share**2 for share in learned))
        unlearned = sum((1 - q) ** 2 * mp.mpf(v) for q, v in zip(learned, target, strict=True))
        found = kappa, amplified, amplified * unlearned, sum(learned)
        return tuple(float(number) for number in found)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("values", "ridge", "samples"),
    [
        ([1.0, 0.5, 0.1], 1e-10, 5),  # more samples than modes
        ([1.0, 0.5, 0.1], 1e-20, 5),
        ([1.0, 1.0, 1.0, 1e-20, 1e-20], 0.0, 3),  # a gap where the samples end
        ([1e-20, 1.0, 1e-20, 1.0, 1.0], 1e-15, 3),
        ([1.0, 0.5, 0.1], 1e20, 2),  # hardly anything is learned
        ([1e12, 5e11, 1e11], 1e9, 2),
    ],
)
def test_curves_keep_their_digits(values: list[float], ridge: float, samples: int) -> None:
    target = [1.0 + k for k in range(len(values))]
    curve = Curve(Spectrum(np.array(values), np.array(target), 0.0, ridge), samples)
    found = curve.effective_ridge, curve.amplification, curve.test, curve.learned
    assert_allclose(found, precise_curve(values, target, ridge, samples), rtol=1e-12)


def test_drawn_errors_are_those_of_ridge_regression() -> None:
    spectrum = Spectrum(VALUES, TARGET, 0.2, 0.05)
    found = drawn_risks(np.random.default_rng(0), spectrum, 4, 3)
    features = np.random.default_rng(0).normal(size=(3, 4, 6))
    rng, weights = np.random.default_rng(1), np.sqrt(TARGET)
    for draw, phi in enumerate(features):
        noise = np.sqrt(0.2) * rng.normal(size=(40_000, 4))
        labels = phi @ weights + noise
        # min |y - phi w|^2 + delta w' Lam^-1 w: the same regression in the space of weights
        inner = phi.T @ phi + 0.05 * np.diag(1.0 / VALUES)
        fitted = np.linalg.solve(inner, phi.T @ labels.T).T
        test = ((fitted - weights) ** 2).sum(axis=1).mean() + 0.2
        train = ((fitted @ phi.T - labels) ** 2).mean()
        assert_allclose([found.test[draw], found.train[draw]], [test, train], rtol=0.03)
    assert np.all(found.learned < 4.0)


def test_without_a_ridge_learnabilities_sum_to_the_samples() -> None:
    found = drawn_risks(np.random.default_rng(2), Spectrum(VALUES, TARGET, 0.0, 0.0), 4, 20)
    assert_allclose(found.learned, 4.0, rtol=1e-8)
    assert_allclose(found.train, 0.0, atol=1e-20)


def test_products_are_eigenfunctions_on_the_cube() -> None:
    cube = Cube(5, 1.5, 2)
    spectrum = cube.spectrum(0.0)
    (place,) = np.flatnonzero(spectrum.target)
    assert_allclose(
        cube.gram @ cube.target / 32, spectrum.eigenvalues[place] * cube.target, atol=1e-12
    )
    assert_allclose(
        np.sort(np.linalg.eigvalsh(cube.gram / 32)), np.sort(spectrum.eigenvalues), atol=1e-12
    )


@pytest.mark.parametrize(
    ("dimension", "rate"), [(6, 0.01), (12, 0.5), (12, 1e-6), (4, 20.0), (1, 800.0), (3, 0.0)]
)
def test_small_eigenvalues_on_the_cube_have_their_digits(dimension: int, rate: float) -> None:
    """As sums over how many coordinates of two points differ, in 150 digits."""
    cube = Cube(dimension, rate, 0)
    found = np.sort(cube.spectrum(0.0).eigenvalues)[::-1]
    expected: list[float] = []
    with mp.workdps(150):
        for k in range(dimension + 1):
            total = mp.mpf(0)
            for differing in range(dimension + 1):
                # Krawtchouk: the sum of the product of k coordinates over such points
                sign = sum(
                    (-1) ** j * comb(k, j) * comb(dimension - k, differing - j)
                    for j in range(min(k, differing) + 1)
                )
                total += sign * mp.exp(-2 * mp.mpf(rate) * differing / dimension)
            expected += [float(total / 2**dimension)] * comb(dimension, k)
    assert_allclose(found, np.sort(expected)[::-1], rtol=1e-13)


def test_risk_on_the_cube_is_that_of_a_plain_solution() -> None:
    cube = Cube(4, 1.0, 1)
    chosen = np.random.default_rng(3).integers(16, size=(2, 5))
    found = cube.risks(np.random.default_rng(3), 5, 0.01, 2)
    for draw, rows in enumerate(chosen):
        points = cube.points[rows]
        inner = np.exp(points @ points.T / 4.0 - 1.0) + 0.01 * np.eye(5)
        fitted = np.exp(cube.points @ points.T / 4.0 - 1.0) @ np.linalg.solve(inner, points[:, 0])
        assert_allclose(found[draw], ((fitted - cube.points[:, 0]) ** 2).mean(), rtol=1e-10)


@pytest.mark.parametrize(("dimension", "level"), [(0, 0), (13, 1), (4, 5)])
def test_cubes_that_do_not_exist(dimension: int, level: int) -> None:
    with pytest.raises(InvalidInput, match=r"must lie between|must be a whole number, at least 1"):
        Cube(dimension, 1.0, level)


def test_curves_that_do_not_exist() -> None:
    with pytest.raises(InvalidInput, match="samples is 0"):
        Curve(Spectrum(VALUES, TARGET, 0.1, 0.02), 0)
    with pytest.raises(InvalidInput, match=r"ridge is -0\.001"):
        Spectrum(VALUES, TARGET, 0.1, -1e-3)
    with pytest.raises(InvalidInput, match="eigenvalues is array"):
        Spectrum(np.array([1.0, np.nan]), np.ones(2), 0.1, 0.1)
    with pytest.raises(InvalidInput, match=r"target has shape \(5,\)"):
        Spectrum(VALUES, TARGET[:5], 0.1, 0.1)
    with pytest.raises(InvalidInput, match="rate is nan"):
        Cube(3, float("nan"), 1)
