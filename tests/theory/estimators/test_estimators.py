"""Spectral curves against densities and samples, dichotomies against programmes, ridge times."""

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad

from theory.errors import InvalidInput
from theory.estimators import (
    RidgeTask,
    SpectralCurve,
    edge,
    flow_losses,
    grokking_delay,
    separable_share,
    separable_signs,
    time_to_generalise,
)
from verify.strategies.estimators import RidgeData


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("power", [0, 1])
def test_limits_are_integrals_over_the_density(ratio: float, power: int) -> None:
    low, high = edge(ratio), (1 + np.sqrt(ratio)) ** 2

    def density(nu: float) -> float:
        return float(np.sqrt((high - nu) * (nu - low)) / (2 * np.pi * ratio * nu))

    value, _ = quad(lambda nu: nu**power * np.exp(-2 * nu) * density(nu), low, high, epsabs=1e-11)
    atom = max(0.0, 1 - 1 / ratio) if power == 0 else 0.0
    assert SpectralCurve(ratio, power).limit(1.0) == pytest.approx(value + atom, abs=1e-8)


def test_at_time_zero_all_is_counted() -> None:
    assert SpectralCurve(2.0).limit(0.0) == pytest.approx(1.0)
    assert SpectralCurve(0.5, 1).limit(0.0) == pytest.approx(1.0)  # the mean eigenvalue


@pytest.mark.parametrize(("dimension", "samples"), [(20, 40), (40, 20)])
def test_samples_have_the_mean_with_its_correction(dimension: int, samples: int) -> None:
    times = np.array([0.5, 2.0])
    losses = flow_losses(np.random.default_rng(0), dimension, samples, times, 2000)
    for power, drawn in enumerate(losses):
        curve = SpectralCurve(dimension / samples, power)
        predicted = [curve.limit(t) + curve.correction(t) / dimension for t in times]
        error = drawn.std(axis=0) / np.sqrt(2000)
        assert np.all(np.abs(drawn.mean(axis=0) - predicted) < 4 * error + 1e-3)


def test_delay_is_that_of_the_curves() -> None:
    first, delay = grokking_delay(0.5, -20.0)
    assert SpectralCurve(0.5, 1).log_bulk(first) == pytest.approx(-20.0)
    assert SpectralCurve(0.5, 0).log_bulk(first + delay) == pytest.approx(-20.0)


def precise_log_bulk(ratio: float, power: int, time: float) -> float:
    """By quadrature of 30 digits on dyadic pieces of the angle, rate 2."""
    with mp.workdps(30):
        root = mp.sqrt(mp.mpf(ratio))
        low = (1 - root) ** 2

        def integrand(phi: mp.mpf) -> mp.mpf:
            above = 4 * root * mp.sin(phi / 2) ** 2
            return (low + above) ** (power - 1) * mp.sin(phi) ** 2 * mp.exp(-2 * above * time)

        # at 0 itself the density of ratio 1 is 0 / 0; the piece left out weighs 1e-18 at most
        pieces = [mp.pi * mp.mpf(2) ** -k for k in range(85, -1, -1)]
        return float(mp.log(2 / mp.pi * mp.quad(integrand, pieces)) - 2 * low * time)


@pytest.mark.parametrize("ratio", [1e-6, 0.9999, 1.0, 1e6])
@pytest.mark.parametrize("time", [0.0, 1e3, 1e8, 1e15])
def test_curves_are_exact_at_all_times(ratio: float, time: float) -> None:
    for power in (0, 1):
        expected = precise_log_bulk(ratio, power, time)
        assert SpectralCurve(ratio, power).log_bulk(time) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("ratio", "time"),
    [(0.5, 0.0), (0.5, 100.0), (2.0, 1.0), (0.9999, 1e4), (0.9999, 1e9), (1.0, 1e4), (1.0, 1e12)],
)
def test_corrections_are_those_of_bessel_functions(ratio: float, time: float) -> None:
    """The mean over angles of e^(z cos) is I_0(z), that of cos e^(z cos) is I_1(z)."""
    with mp.workdps(40):
        root, begin = mp.sqrt(mp.mpf(ratio)), 1 + mp.mpf(ratio)
        z, low, high = 4 * root * mp.mpf(time), (1 - root) ** 2, (1 + root) ** 2
        scale = mp.exp(-2 * begin * mp.mpf(time))
        means = [mp.besseli(0, z), begin * mp.besseli(0, z) - 2 * root * mp.besseli(1, z)]
        for power, mean in enumerate(means):
            ends = [nu**power * mp.exp(-2 * nu * mp.mpf(time)) for nu in (low, high)]
            expected, size = sum(ends) / 4 - scale * mean / 2, sum(ends) / 4
            found = SpectralCurve(ratio, power).correction(time)
            # rounding of the three parts, and of the exponent of what they share
            assert abs(found - expected) <= 1e-15 * (1 + 2 * low * time) * (size + abs(expected))


@pytest.mark.parametrize(
    ("ratio", "log_level"), [(0.9999, -30.0), (0.9999, -50.0), (0.999, -50.0), (0.99, -50.0)]
)
def test_delay_of_nearly_as_many_dimensions_as_samples(ratio: float, log_level: float) -> None:
    first, delay = grokking_delay(ratio, log_level)
    for power, time in enumerate((first + delay, first)):
        assert precise_log_bulk(ratio, power, time) == pytest.approx(log_level, rel=1e-12)


def test_delay_of_a_loss_that_has_hardly_fallen() -> None:
    """Logarithms fall at 2 E nu^2 / E nu = 2 (1 + ratio) and at 2 E nu = 2 to first order."""
    first, delay = grokking_delay(0.5, -1e-6)
    assert first == pytest.approx(1e-6 / 3.0, rel=1e-5)
    assert first + delay == pytest.approx(1e-6 / 2.0, rel=1e-5)


@pytest.mark.parametrize(("points", "dimension"), [(3, 1), (4, 2), (5, 3), (6, 6)])
def test_count_of_dichotomies_by_two_routes(points: int, dimension: int) -> None:
    drawn = np.random.default_rng(points).normal(size=(points, dimension))
    found = separable_signs(drawn)
    assert found == separable_signs(drawn, by_programmes=True)
    assert len(found) / 2**points == separable_share(points, dimension)


@pytest.mark.parametrize("unit", [1e-150, 1e-10, 1e10])
def test_dichotomies_have_no_units(unit: float) -> None:
    drawn = np.random.default_rng(5).normal(size=(5, 3))
    found = separable_signs(drawn)
    assert len(found) == 22  # 2 (C(4, 0) + C(4, 1) + C(4, 2))
    each = unit ** np.linspace(-1.0, 1.0, 5)[:, None]
    for points in (unit * drawn, each * drawn, np.array([1.0, unit, 1.0]) * drawn):
        assert separable_signs(points, by_programmes=True) == found


def test_half_of_twice_as_many_points_as_dimensions() -> None:
    assert [separable_share(2 * d, d) for d in (1, 2, 5, 9)] == [0.5] * 4


def test_share_of_more_points_than_floats_count_labellings_of() -> None:
    assert separable_share(2000, 1000) == 0.5
    assert separable_share(1025, 1) == 2.0**-1024
    assert separable_share(3000, 3000) == 1.0
    assert separable_share(2, 10**9) == 1.0
    exact = mp.binomial(1100, 0) + 1100 + mp.binomial(1100, 2)
    assert separable_share(1101, 3) == pytest.approx(float(exact * mp.mpf(2) ** -1100), rel=1e-15)


def test_ridge_forgets_what_it_has_no_data_on() -> None:
    covariance = np.diag([1.0, 2.0, 0.0, 0.0])
    task = RidgeTask(covariance, np.array([1.0, -1.0, 0, 0]), np.array([0.0, 1.0, 2.0, 1.0]), 0.01)
    assert task.without_data == pytest.approx(5.0)
    assert task.floor == pytest.approx((0.01 / 1.01) ** 2 + (0.01 / 2.01) ** 2)
    times = np.array([1.0, 50.0])
    assert task.errors(times) == pytest.approx(task.errors(times, by_integration=True), rel=1e-7)
    exact = np.log(5.0 / (0.01 - task.floor)) / 0.02
    assert time_to_generalise(task, 0.01, 1000.0) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("decay", [0.0, 1e-30])
def test_without_decay_nothing_is_forgotten(decay: float) -> None:
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    covariance = turn @ np.diag([1.0, 2.0, 0.0]) @ turn.T
    target, start = turn @ np.array([1.0, -1.0, 0.0]), turn @ np.array([0.0, 1.0, 1.0])
    task, times = RidgeTask(covariance, target, start, decay), np.array([0.5, 1.0, 40.0])
    exact = 1.0 + np.exp(-2.0 * times) + 4.0 * np.exp(-4.0 * times)
    assert task.errors(times) == pytest.approx(exact, rel=1e-12)
    assert task.errors(times, by_integration=True) == pytest.approx(exact, rel=1e-7)
    assert task.without_data == pytest.approx(1.0)
    assert task.floor == pytest.approx(0.0, abs=1e-30)
    with pytest.raises(InvalidInput, match=r"level is 0\.1; it must lie between the errors"):
        time_to_generalise(task, 0.1, 1000.0)
    # by the formula with g = (1, -2) and b = 0
    assert task.unconverged(1.0) == pytest.approx(np.exp(-2.0) + 4.0 * np.exp(-4.0), rel=1e-12)


def test_bad_input() -> None:
    for ratio in (np.nan, np.inf, -1.0):
        with pytest.raises(InvalidInput, match="ratio is"):
            edge(ratio)
    with pytest.raises(InvalidInput, match="ratio is 0"):
        edge(0.0)
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        grokking_delay(1.5, -1.0)
    with pytest.raises(InvalidInput, match="negative"):
        grokking_delay(0.5, 1.0)
    with pytest.raises(InvalidInput, match="log_level is nan"):
        grokking_delay(0.5, float("nan"))
    with pytest.raises(InvalidInput, match="ratio is nan"):
        edge(float("nan"))
    for time in (-1.0, float("inf")):
        with pytest.raises(InvalidInput, match="time is"):
            SpectralCurve(0.5).log_bulk(time)
    with pytest.raises(InvalidInput, match="points is 0"):
        separable_share(0, 1)
    with pytest.raises(InvalidInput, match=r"dimension is 1\.5; it must be a whole number"):
        separable_share(3, 1.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="N >= d"):
        separable_signs(np.ones((1, 2)))


def test_what_is_left_where_data_are_is_at_most_its_bound() -> None:
    """Of the error but for the floor and what decays where none are."""
    task = RidgeData((0.5, 2.0), 2, 0.05, 3).task
    for time in (0.5, 2.0, 10.0):
        known = task.floor + task.without_data * np.exp(-2.0 * task.decay * time)
        left = abs(task.errors(time)[0] - known)
        assert 0.01 * task.unconverged(time) < left <= task.unconverged(time)


def test_shares_of_numpy_numbers_are_exact() -> None:
    assert separable_share(int(np.int64(64)), 3) == separable_share(np.int64(64), 3) > 0.0
    assert separable_share(np.int64(80), np.int64(80)) == 1.0
    with pytest.raises(InvalidInput, match=r"points is 1\.5; it must be a whole number"):
        separable_share(1.5, 1)  # type: ignore[arg-type]


def test_points_that_are_not_in_general_position_are_left_to_programmes() -> None:
    repeated = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 2.0]])
    for points in (repeated, 1e-150 * repeated, np.array([[0.0, 0.0], [1.0, 2.0]])):
        with pytest.raises(InvalidInput, match="lie on one hyperplane"):
            separable_signs(points)
    assert all(
        first == second for first, second, _ in separable_signs(repeated, by_programmes=True)
    )
    for wrong in (np.ones(3), np.ones((0, 0)), np.array([[np.nan]])):
        with pytest.raises(InvalidInput, match="points"):
            separable_signs(wrong)


def test_corrections_of_wide_spectra_do_not_cancel() -> None:
    # nu = ratio + 2 sqrt(ratio) cos(phi) for large ratios, and e^-x of it at the time x / ratio
    wide = SpectralCurve(1e40)
    assert wide.correction(1e-41) == pytest.approx(0.0, abs=1e-15)
    assert np.isfinite(SpectralCurve(1e150).correction(1.0))


@pytest.mark.parametrize("unit", [1e-150, 1e-8, 1e8, 1e150])
def test_times_to_generalise_have_the_units_of_the_data(unit: float) -> None:
    def found(unit: float) -> float:
        task = RidgeTask(
            unit * np.diag([1.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.1 * unit
        )
        return time_to_generalise(task, 0.1, 100.0 / unit) * unit

    assert found(unit) == pytest.approx(found(1.0), rel=1e-12)


def test_ridge_tasks_of_other_shapes_are_refused() -> None:
    matrix, two = np.eye(2), np.ones(2)
    for wrong in ((matrix, two, np.ones(1), 0.1), (matrix, np.ones(1), two, 0.1)):
        with pytest.raises(InvalidInput, match="it must have shape"):
            RidgeTask(*wrong)
    with pytest.raises(InvalidInput, match="decay is nan"):
        RidgeTask(matrix, two, two, float("nan"))
    with pytest.raises(InvalidInput, match="times is -1"):
        RidgeTask(matrix, two, two, 0.1).errors(-1.0)
    with pytest.raises(InvalidInput, match="times holds NaN"):
        RidgeTask(matrix, two, two, 0.1).errors(np.inf)
    with pytest.raises(InvalidInput, match="latest is -1"):
        time_to_generalise(RidgeTask(matrix, two, two, 0.1), 0.5, -1.0)


def test_small_eigenvalues_are_data() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    small = (turn * [0.0, 1e-11, 1.0]) @ turn.T
    task = RidgeTask(small, turn.sum(axis=1), np.zeros(3), 1e-11)
    assert task.floor == pytest.approx(1.0 + 0.25, rel=1e-4)
