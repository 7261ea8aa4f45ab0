"""Flows in logarithms against plain ones, limits against flows, paths against both."""

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.decay import decayed_flow, least_potential, path_deviation
from theory.errors import InvalidInput, OracleFailed
from verify.strategies.decay import DecayedNet


def told(degree: int) -> DecayedNet:
    return DecayedNet(degree, 2, 2, 0.75, 1.0, 5)


def weights(states: np.ndarray, degree: int) -> np.ndarray:
    u, v = np.split(np.exp(degree * states[0]), 2)
    return u - v


@pytest.mark.parametrize("degree", [2, 3])
def test_flow_is_that_of_u_and_v(degree: int) -> None:
    net = told(degree)
    rows, targets, (a, b) = net.rows, net.targets, net.start

    def field(_: float, theta: np.ndarray) -> np.ndarray:
        u, v = np.split(theta, 2)
        pull = rows.T @ (rows @ (u**degree - v**degree) - targets)
        ups, downs = degree * u ** (degree - 1) * pull, -degree * v ** (degree - 1) * pull
        return -np.concatenate([ups, downs]) - 0.1 * theta

    plain = solve_ivp(field, (0, 3.0), np.concatenate([a, b]), "DOP853", rtol=1e-11, atol=1e-12)
    flow = decayed_flow(rows, targets, (a, b), degree, 0.1, 3.0)
    assert np.exp(flow.tight[0]) == pytest.approx(plain.y[:, -1], rel=1e-7)


@pytest.mark.parametrize("degree", [2, 3, 5])
def test_least_potential_is_where_the_undecayed_flow_ends(degree: int) -> None:
    net = told(degree)
    rows, targets, (a, b) = net.rows, net.targets, net.start
    end = least_potential(rows, targets, a, b, degree)
    assert rows @ end == pytest.approx(targets, abs=1e-11)
    flow = decayed_flow(rows, targets, (a, b), degree, 0.0, 1e4)
    assert weights(flow.tight, degree) == pytest.approx(end, abs=1e-6)


def moved(weight: float, plus: float, minus: float, degree: int) -> "mpmath.mpf":
    """The k z of a weight, by bisection."""
    power = mpmath.mpf(degree) / (degree - 2)
    left, right = mpmath.mpf(plus) ** (2 - degree), mpmath.mpf(minus) ** (2 - degree)
    low, high = -right, left
    for _ in range(300):
        z = (low + high) / 2
        if (left - z) ** -power - (right + z) ** -power > weight:
            high = z
        else:
            low = z
    return z


def off_the_path(
    rows: np.ndarray, weights: np.ndarray, start: tuple[np.ndarray, np.ndarray], degree: int
) -> float:
    """What z has outside the row space of X, over the largest of it."""
    with mpmath.workdps(90):
        z = mpmath.matrix([moved(*each, degree) for each in zip(weights, *start, strict=True)])
        columns = mpmath.matrix(rows.T.tolist())
        inside = columns * mpmath.lu_solve(columns.T * columns, columns.T * z)
        return float(mpmath.norm(z - inside) / mpmath.norm(z))


@pytest.mark.parametrize("degree", [3, 4, 6])
@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e-2, 1.0, 1e4])
def test_one_sample_is_fitted_from_any_size_of_the_start(degree: int, size: float) -> None:
    rows, start = np.array([[1.0, 0.5, -0.2]]), np.full(3, size)
    found = least_potential(rows, np.ones(1), start, start, degree)
    assert rows @ found == pytest.approx([1.0], abs=1e-12)
    assert off_the_path(rows, found, (start, start), degree) < 1e-14
    if size == 1e4:
        assert found == pytest.approx(rows[0] / 1.29, rel=1e-7)  # least squares
    if size == 1e-6:
        assert found == pytest.approx([1.0, 0.0, 0.0], abs=1e-15)  # least |w|_1


@pytest.mark.parametrize("degree", [3, 4, 6])
@pytest.mark.parametrize("size", [1e-6, 1e-3, 0.1, 1.0])
def test_several_samples_are_fitted_from_unequal_starts(degree: int, size: float) -> None:
    rng = np.random.default_rng(degree)
    rows, targets = rng.normal(size=(3, 6)), rng.normal(size=3)
    start = size * (1.0 + rng.random(6)), size * (1.0 + rng.random(6))
    found = least_potential(rows, targets, *start, degree)
    assert rows @ found == pytest.approx(targets, abs=1e-12)
    assert off_the_path(rows, found, start, degree) < 1e-14
    # the same in other units
    units = np.array([1e-7, 1.0, 1e9])
    others = least_potential(
        units[:, None] * rows,
        1e-40**degree * units * targets,
        1e-40 * start[0],
        1e-40 * start[1],
        degree,
    )
    assert others / 1e-40**degree == pytest.approx(found, rel=1e-9)


def test_what_cannot_be_fitted_is_told() -> None:
    one = np.ones(2)
    with pytest.raises(OracleFailed, match="inputs are dependent"):
        least_potential(np.array([[1.0, 0.5], [0.0, 0.0]]), np.array([1.0, 2.0]), one, one, 3)
    with pytest.raises(OracleFailed, match="inputs are dependent"):
        least_potential(np.ones((3, 2)), np.arange(3.0), one, one, 4)
    with pytest.raises(OracleFailed):
        least_potential(np.ones((2, 2)), np.arange(2.0), one, one, 4)
    with pytest.raises(OracleFailed, match="beyond float64"):
        least_potential(np.ones((1, 2)), np.ones(1), 1e-90 * one, 1e-90 * one, 6)
    with pytest.raises(InvalidInput, match=r"minus has -1\.0; all of it must be positive"):
        least_potential(np.ones((1, 2)), np.ones(1), one, np.array([1.0, -1.0]), 3)


@pytest.mark.parametrize("degree", [2, 4])
def test_path_is_that_of_the_shrunk_start_only(degree: int) -> None:
    net = told(degree)
    rows, (a, b) = net.rows, net.start
    logs = decayed_flow(rows, net.targets, (a, b), degree, 0.2, 4.0).tight[0]
    shrunk = np.exp(-0.8) * a, np.exp(-0.8) * b
    assert np.abs(path_deviation(rows, logs, shrunk, degree)).max() < 1e-8
    assert np.abs(path_deviation(rows, logs, (a, b), degree)).max() > 0.1


@pytest.mark.parametrize("degree", [2, 3, 4])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_start_is_on_its_own_path(degree: int, size: float) -> None:
    net = told(degree)
    a, b = (size * each for each in net.start)
    logs = np.log(np.concatenate([a, b]))
    for near in (logs, np.nextafter(logs, np.inf)):
        assert path_deviation(net.rows, near, (a, b), degree) == pytest.approx(0.0, abs=1e-13)
    off = path_deviation(net.rows, logs + 1e-9 * np.arange(len(logs)), (a, b), degree)
    assert 1e-3 < np.abs(off[len(a) :]).max() <= 2.0


def test_degrees_below_two_are_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 2"):
        least_potential(np.ones((1, 1)), np.ones(1), np.ones(1), np.ones(1), 1)


@pytest.mark.parametrize("degree", [2, 3])
def test_potentials_of_other_shapes_are_refused(degree: int) -> None:
    rows, one = np.eye(2), np.ones(2)
    with pytest.raises(InvalidInput, match=r"targets has shape \(1,\)"):
        least_potential(rows, one[:1], one, one, degree)
    with pytest.raises(InvalidInput, match=r"minus has shape \(1,\)"):
        least_potential(rows, one, one, one[:1], degree)
    with pytest.raises(InvalidInput, match="inputs holds NaN"):
        least_potential(np.nan * rows, one, one, one, degree)


def test_flows_of_other_shapes_are_refused() -> None:
    rows, one = np.eye(2), np.ones(2)
    with pytest.raises(InvalidInput, match=r"targets has shape \(1,\)"):
        decayed_flow(rows, one[:1], (one, one), 2, 0.1, 1.0)
    with pytest.raises(InvalidInput, match="minus has"):
        decayed_flow(rows, one, (one, -one), 2, 0.1, 1.0)


def test_powers_beyond_float64_are_told() -> None:
    start = np.array([1e100])
    with pytest.raises(OracleFailed, match="beyond float64"):
        least_potential(np.ones((1, 1)), np.ones(1), start, start, 4)
