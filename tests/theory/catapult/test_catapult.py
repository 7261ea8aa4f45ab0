"""The map against descent by differences of the loss, limits against runs, the toy too."""

from decimal import Decimal, localcontext

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
from theory.errors import InvalidInput, NumericalFailure


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


@pytest.mark.parametrize(("k", "z"), [(1e-4, 1e-31), (1.5, 1e-40), (0.3, 1e-300)])
def test_what_small_starts_lose_is_counted_to_the_end(k: float, z: float) -> None:
    assert settled(k, z)[2] == pytest.approx(z * (4.0 - k) / (k * (2.0 - k)), rel=1e-12)


def test_what_is_lost_against_fractions_of_many_digits() -> None:
    with localcontext() as context:
        context.prec = 60
        k, z, lost = Decimal(3), Decimal("0.5"), Decimal(0)
        for _ in range(3000):
            lost += z * (4 - k)
            k, z = k + z * (k - 4), z * (1 - k + z) ** 2
    found = settled(3.0, 0.5)
    assert found[2] == pytest.approx(float(lost), rel=1e-13)
    assert found[0] == pytest.approx(float(k), rel=1e-12)


def test_starts_that_stay_end_at_once() -> None:
    assert settled(3.0, 0.0) == (3.0, 0.0, 0.0, 0)
    assert settled(5.0, 4.0) == (9.0, 0.0, -4.0, 0)


def test_what_does_not_settle_says_so() -> None:
    with pytest.raises(NumericalFailure, match="not settled"):
        settled(1e-6, 1e-14, steps=10**4)
    assert settled(1.0, 1e-4, steps=100)[1] < 1e-30
    with pytest.raises(NumericalFailure, match="leaves float64"):
        toy_path(10.0, 1.0, 1.0, 10.0, 50)


def test_a_start_may_have_equal_layers() -> None:
    u, v = net_start(2.0 * 0.3**0.5, 0.3, 3, 0.1, 0)
    assert u == pytest.approx(v)
    assert net_state(u, v, 0.1) == pytest.approx((2.0 * 0.3**0.5, 0.3))


@pytest.mark.parametrize(
    ("k", "z"), [(1.0, 1.0), (3.0, -0.1), (np.nan, 0.1), (1.0, np.nan), (np.inf, 1.0)]
)
def test_numbers_that_no_net_has_are_refused(k: float, z: float) -> None:
    with pytest.raises(InvalidInput, match=r"at least 2 sqrt|must be a finite number"):
        settled(k, z)
    with pytest.raises(InvalidInput, match=r"at least 2 sqrt|must be a finite number"):
        net_start(k, z, 3, 0.1, 0)


def test_what_is_refused() -> None:
    for z in (0.0, -1.0, 1.0, np.nan):
        with pytest.raises(InvalidInput, match="z is"):
            catapult_time(3.0, z)
    with pytest.raises(InvalidInput, match="steps is 0"):
        settled(1.0, 0.1, steps=0)
    with pytest.raises(InvalidInput, match="width is 0"):
        net_start(3.0, 0.1, 0, 0.1, 0)
    with pytest.raises(InvalidInput, match="eta is 0"):
        net_start(3.0, 0.1, 3, 0.0, 0)
    with pytest.raises(InvalidInput, match="x is nan; it must be a finite number"):
        toy_path(np.nan, 0.0, 1.0, 0.1, 1)
    with pytest.raises(InvalidInput, match="steps is -1"):
        toy_path(1.0, 0.0, 1.0, 0.1, -1)
    with pytest.raises(InvalidInput, match="a is 0"):
        toy_lowest(0.0)
    with pytest.raises(InvalidInput, match=r"at least 2 sqrt|must be a finite number"):
        settled(1.0, 1.0)
    with pytest.raises(InvalidInput, match="lazy phase"):
        lazy_loss(2.5)
    with pytest.raises(InvalidInput, match="2 < k < 4"):
        catapult_time(1.5, 0.1)
    with pytest.raises(InvalidInput, match=r"steps is 2\.5; it must be a whole number"):
        settled(1.0, 0.1, steps=2.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"width is 1\.5; it must be a whole number"):
        net_start(3.0, 0.1, 1.5, 0.1, 0)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="k is 'a'; it must be a finite number"):
        lazy_loss("a")  # type: ignore[arg-type]
