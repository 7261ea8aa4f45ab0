"""The map against descent by differences of the loss, limits against runs, the toy too."""

import numpy as np
import pytest

from theory.catapult import (
    catapult_step,
    catapult_time,
    lazy_loss,
    net_start,
    net_state,
    net_step,
    settled,
    toy_energy,
    toy_gain,
    toy_lowest,
    toy_path,
)
from theory.errors import InvalidInput


@pytest.mark.parametrize("width", [1, 7])
def test_start_has_the_numbers_that_it_is_made_from(width: int) -> None:
    u, v = net_start(3.0, 1.25, width, 0.5, 1)
    assert net_state(u, v, 0.5) == pytest.approx((3.0, 1.25))


def test_step_is_that_of_the_loss_and_the_map() -> None:
    u, v = net_start(3.0, 1.25, 4, 0.5, 1)

    def loss(theta: np.ndarray) -> float:
        return float(theta[:4] @ theta[4:] / 2.0 - 0.3) ** 2 / 2.0

    theta = np.concatenate([u, v])
    ahead = [(loss(theta + e) - loss(theta - e)) / 2e-6 for e in 1e-6 * np.eye(8)]
    moved = np.concatenate(net_step(u, v, 0.5, target=0.3, decay=0.1))
    assert moved == pytest.approx(theta - 0.5 * np.array(ahead) - 0.05 * theta, abs=1e-7)
    state = net_state(*net_step(u, v, 0.5), 0.5)
    assert state == pytest.approx(catapult_step(3.0, 1.25))


def test_small_losses() -> None:
    k, z, lost, _ = settled(1.5, 1e-4)
    assert z < 1e-29
    assert 1.5 - k == pytest.approx(lost, rel=1e-9)
    assert lost == pytest.approx(1e-4 * lazy_loss(1.5), rel=1e-3)
    peaks = [settled(3.0, 10.0**-digits)[3] for digits in (100, 200)]
    times = [catapult_time(3.0, 10.0**-digits) for digits in (100, 200)]
    assert peaks[1] - peaks[0] == pytest.approx(times[1] - times[0], abs=1.0)


def test_threshold_on_both_sides_and_a_start_of_the_null_set() -> None:
    assert settled(3.99, 0.1)[0] <= 2.0
    assert settled(4.01, 0.1)[1] > 1e6
    assert catapult_step(5.0, 4.0) == (9.0, 0.0)


def test_toy_is_descent_on_its_loss() -> None:
    eta, a, x, y = 0.1, 0.7, 0.9, 0.4

    def loss(state: np.ndarray) -> float:
        return state[0] ** 2 * (2.0 / eta + state[1]) / 2.0 - a * state[1]

    state = np.array([x, y])
    slope = [(loss(state + e) - loss(state - e)) / 2e-6 for e in 1e-6 * np.eye(2)]
    assert toy_path(x, y, a, eta, 1)[1] == pytest.approx(state - eta * np.array(slope), abs=1e-7)


def test_energy_grows_by_the_gain() -> None:
    states = toy_path(0.9, 0.4, 0.7, 1e-4, 1)
    change = np.diff(toy_energy(states, 0.7))[0]
    assert change == pytest.approx(1e-8 * toy_gain(states[:1], 0.7).sum(), rel=1e-3)
    grid = np.stack([np.linspace(0.5, 2.0, 1501), np.zeros(1501)], axis=1)
    assert toy_lowest(0.7) == pytest.approx(toy_energy(grid, 0.7).min(), abs=1e-6)


def test_what_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 2 sqrt"):
        settled(1.0, 1.0)
    with pytest.raises(InvalidInput, match="lazy phase"):
        lazy_loss(2.5)
    with pytest.raises(InvalidInput, match="2 < k < 4"):
        catapult_time(1.5, 0.1)
