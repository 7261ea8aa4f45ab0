"""Flows in logarithms against plain ones, limits against flows, paths against both."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.decay import decayed_flow, least_potential, path_deviation
from theory.errors import InvalidInput
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
