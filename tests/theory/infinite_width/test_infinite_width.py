"""Kernels against quadrature and drawn nets, movement against a numerical tangent kernel."""

from collections.abc import Callable

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from theory.errors import InvalidInput
from theory.infinite_width import (
    Activation,
    Scaling,
    drawn_kernels,
    drawn_layers,
    expected_kernels,
    kernel_spread,
    kernels,
    mean_shift,
    movement,
    smoothed_kernels,
)
from theory.infinite_width.derivatives import jacobian, second_derivatives
from theory.infinite_width.moments import neuron_covariance

BOTH = np.array([1.5, -0.6, 0.8])
INPUTS = np.array([[1.0, 0.5], [-0.5, 1.5]])
both_activations = pytest.mark.parametrize("phi", Activation)


def quadrature(phi: Activation, slope: bool) -> np.ndarray:
    """By a fine grid in the plane of two independent normal numbers."""
    axis = (np.arange(2400) + 0.5) / 150.0 - 8.0
    first, second = np.meshgrid(axis, axis, indexing="ij")
    weights = np.exp(-(first**2 + second**2) / 2.0)
    one = np.sqrt(BOTH[0]) * first
    slanted = BOTH[1] / np.sqrt(BOTH[0])
    other = slanted * first + np.sqrt(BOTH[2] - slanted**2) * second
    function = phi.slope if slope else phi.function
    a, b = function(one), function(other)
    means = [(weights * pair).sum() / weights.sum() for pair in (a * a, a * b, b * b)]
    return phi.variance * np.array(means)


@both_activations
def test_expected_kernels_are_integrals(phi: Activation) -> None:
    found, slopes = expected_kernels(phi, BOTH)
    assert_allclose(found, quadrature(phi, slope=False), rtol=1e-4)
    assert_allclose(slopes, quadrature(phi, slope=True), rtol=2e-3)  # of steps, by a grid


@both_activations
def test_tangent_kernel_of_one_layer_is_that_of_its_neurons(phi: Activation) -> None:
    kernel, tangent = kernels(phi, INPUTS, 1)
    rng = np.random.default_rng(0)
    drawn, tangents = drawn_kernels(rng, phi, INPUTS, 8, 1, 40_000)
    assert_allclose(drawn[:, 0].mean(axis=0), kernel, atol=0.02 * kernel.max())
    assert_allclose(tangents.mean(axis=0), tangent, atol=0.03 * tangent.max())


@both_activations
def test_drawn_layers_have_their_covariance(phi: Activation) -> None:
    del phi
    hidden = drawn_layers(np.random.default_rng(1), BOTH, 400_000)
    assert_allclose(np.cov(hidden), [[1.5, -0.6], [-0.6, 0.8]], atol=0.02)


@both_activations
def test_weights_and_pre_activations_draw_the_same_kernels(phi: Activation) -> None:
    found = [
        drawn_kernels(np.random.default_rng(2), phi, INPUTS, 6, 2, 20_000, by_weights=way)[0]
        for way in (False, True)
    ]
    for moment in (1, 2):
        first, second = ((drawn**moment).mean(axis=0) for drawn in found)
        assert_allclose(first, second, atol=0.08 * first.max())


def test_covariance_of_rectifiers_is_five() -> None:
    found = neuron_covariance(Activation.RELU, BOTH)
    assert_allclose(found[[0, 2], [0, 2]], 5.0 * BOTH[[0, 2]] ** 2, rtol=1e-12)


@pytest.mark.parametrize("length", [1.0, 1e-3, 1e6])
def test_covariance_of_rectifiers_is_an_integral_over_angles(length: float) -> None:
    """E relu(z)^i relu(z')^j, i + j = 4, of which E r^4 = 8 is the radial part."""
    sizes = np.array([BOTH[0], np.sqrt(BOTH[0] * BOTH[2]), BOTH[2]]) * length ** np.arange(3)
    angle = np.arccos(BOTH[1] / np.sqrt(BOTH[0] * BOTH[2]))

    def moment(one: int, other: int, radial: float) -> float:
        value, _ = quad(
            lambda t: np.cos(t) ** one * np.cos(t - angle) ** other,
            *((angle - np.pi / 2.0, np.pi / 2.0) if one * other else (-np.pi / 2.0, np.pi / 2.0)),
            epsabs=1e-14,
        )
        return radial * float(value) / (2.0 * np.pi)

    means = 2.0 * np.array([moment(2 - k, k, 2.0) for k in range(3)])
    fourth = 4.0 * np.array([moment(4 - k, k, 8.0) for k in range(5)])
    expected = np.array([[fourth[i + j] - means[i] * means[j] for j in range(3)] for i in range(3)])
    found = neuron_covariance(Activation.RELU, BOTH * length ** np.arange(3))
    assert_allclose(found / np.outer(sizes, sizes), expected, rtol=1e-11)


@pytest.mark.parametrize("length", [1e-4, 1.0, 10.0, 1e3])
def test_variance_of_erf_of_long_inputs(length: float) -> None:
    """Of erf(length z)^2, by quadrature of 30 digits on dyadic pieces."""
    with mp.workdps(30):

        def mean(power: int) -> mp.mpf:
            def integrand(z: mp.mpf) -> mp.mpf:
                return (1 - mp.erf(length * z) ** power) * mp.exp(-(z**2) / 2)

            pieces = [0, *(mp.mpf(2) ** k for k in range(-40, 4)), 14]
            return mp.sqrt(2 / mp.pi) * mp.quad(integrand, pieces)

        expected = float(2 * mean(2) - mean(4) - mean(2) ** 2)
    cross = 0.1 * length
    for both, place in (((length**2, cross, 0.3), 0), ((0.3, cross, length**2), 2)):
        found = neuron_covariance(Activation.ERF, np.array(both))[place, place]
        assert_allclose(found, expected, rtol=1e-12)


def test_covariance_of_erf_is_that_of_a_grid() -> None:
    """Of Gauss and Hermite in the plane of two independent normal numbers."""
    phi = Activation.ERF
    points, weights = np.polynomial.hermite_e.hermegauss(150)
    one = np.sqrt(BOTH[0]) * points[:, None]
    slanted = BOTH[1] / np.sqrt(BOTH[0])
    other = slanted * points[:, None] + np.sqrt(BOTH[2] - slanted**2) * points
    a, b = phi.function(np.broadcast_to(one, other.shape)), phi.function(other)
    products = phi.variance * np.stack([a * a, a * b, b * b]).reshape(3, -1)
    over = np.outer(weights, weights).ravel() / weights.sum() ** 2
    off = products - (products @ over)[:, None]
    assert_allclose(neuron_covariance(phi, BOTH), (over * off) @ off.T, rtol=1e-9)


@both_activations
def test_covariance_is_that_of_drawn_neurons(phi: Activation) -> None:
    hidden = drawn_layers(np.random.default_rng(3), BOTH, 400_000)
    one, other = phi.function(hidden)
    products = phi.variance * np.stack([one * one, one * other, other * other])
    assert_allclose(neuron_covariance(phi, BOTH), np.cov(products), atol=0.06 * BOTH[0] ** 2)


@both_activations
def test_shift_of_the_mean_is_seen_in_drawn_nets(phi: Activation) -> None:
    shift = mean_shift(phi, INPUTS)
    limit, _ = kernels(phi, INPUTS, 2)
    drawn = 32 * (smoothed_kernels(np.random.default_rng(4), phi, INPUTS, 32, 60_000) - limit)
    error = 4.0 * drawn.std(axis=0) / np.sqrt(len(drawn)) + 0.1 * np.abs(shift).max()
    assert np.all(np.abs(drawn.mean(axis=0) - shift) < error)
    assert np.abs(shift).max() > 0.02


def test_kernels_of_equal_inputs_do_not_shift() -> None:
    assert_allclose(mean_shift(Activation.RELU, INPUTS)[[0, 2]], 0.0, atol=1e-9)
    flat = jacobian(Activation.RELU, BOTH)[[0, 2]]
    assert_allclose(flat, [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], atol=1e-9)


def precise_kernels(phi: Activation) -> list[Callable[[mp.mpf, mp.mpf, mp.mpf], mp.mpf]]:
    """The three entries by arcsines and arccosines, whose digits mpmath can spare."""

    def middle(a: mp.mpf, c: mp.mpf, b: mp.mpf) -> mp.mpf:
        if phi is Activation.ERF:
            return 2 / mp.pi * mp.asin(2 * c / mp.sqrt((1 + 2 * a) * (1 + 2 * b)))
        angle = mp.acos(c / mp.sqrt(a * b))
        return mp.sqrt(a * b) * (mp.sin(angle) + (mp.pi - angle) * mp.cos(angle)) / mp.pi

    def diagonal(a: mp.mpf) -> mp.mpf:
        return middle(a, a, a) if phi is Activation.ERF else a

    return [lambda a, c, b: diagonal(a), middle, lambda a, c, b: diagonal(b)]


@both_activations
@pytest.mark.parametrize("ratio", [1.0, 1e-3, 1e6])
def test_derivatives_are_those_of_the_kernels(phi: Activation, ratio: float) -> None:
    """At inputs whose lengths have that ratio."""
    point = BOTH * np.array([1.0, ratio, ratio**2])
    orders = np.eye(3, dtype=int)
    with mp.workdps(60):
        exact = [mp.mpf(float(number)) for number in point]
        for entry, kernel in enumerate(precise_kernels(phi)):
            for i in range(3):
                once = mp.diff(kernel, exact, tuple(orders[i].tolist()))
                assert jacobian(phi, point)[entry, i] == pytest.approx(float(once), rel=1e-13)
                for j in range(3):
                    twice = mp.diff(kernel, exact, tuple((orders[i] + orders[j]).tolist()))
                    found = second_derivatives(phi, point)[entry, i, j]
                    assert found == pytest.approx(float(twice), rel=1e-12, abs=0.0)


@pytest.mark.parametrize("length", [1e-8, 1e-3, 0.02, 100.0, 1e8])
def test_shift_of_rectifiers_scales_with_each_input(length: float) -> None:
    units = np.array([1.0, length, length**2])
    longer = INPUTS * np.array([[1.0], [length]])
    assert_allclose(
        mean_shift(Activation.RELU, longer)[1] / length,
        mean_shift(Activation.RELU, INPUTS)[1],
        rtol=1e-12,
    )
    found, expected = (
        smoothed_kernels(np.random.default_rng(6), Activation.RELU, inputs, 8, 4)
        for inputs in (longer, INPUTS)
    )
    assert_allclose(found / units, expected, rtol=1e-12)


@both_activations
def test_shift_does_not_know_which_input_is_first(phi: Activation) -> None:
    longer = INPUTS * np.array([[1.0], [1e-3]])
    there, back = mean_shift(phi, longer), mean_shift(phi, longer[::-1])[::-1]
    assert_allclose(there, back, rtol=1e-12)


def test_shift_of_short_inputs_of_erf() -> None:
    """Where erf(z) = 2 z / sqrt(pi), K goes to g K, g = 4 / pi, but for the third order.

    With z -> z - z^3 / 3, K_11 of a layer is g (a - 2 a^2), a small, so that its mean is off by
    -2 g Var(g z^2) / m = -4 g^3 a^2 / m. K_12 is g (c - c (a + b)): -2 g Cov(a', c') and so on.
    """
    first, cross, second = short = 1e-8 * np.array([1.25, 0.125, 1.25]) / 2.0
    inputs = np.sqrt(1e-8) * np.array([[1.0, 0.5], [-0.25, np.sqrt(1.25 - 0.0625)]])
    short[1] = cross = (inputs[0] @ inputs[1]) / 2.0
    cube = (4.0 / np.pi) ** 3
    expected = cube * np.array([-4.0 * first**2, -2.0 * cross * (first + second), -4.0 * second**2])
    assert_allclose(mean_shift(Activation.ERF, inputs), expected, rtol=1e-6)


@both_activations
def test_parallel_inputs_and_inputs_of_zero(phi: Activation) -> None:
    one, zero = np.array([1.0, 0.3]), np.zeros(2)
    alone = mean_shift(phi, np.array([one, one]))
    assert_allclose(alone[1], alone[0], rtol=1e-12)
    for inputs, entry in (([one, zero], 0), ([zero, one], 2), ([zero, zero], None)):
        shift, own = mean_shift(phi, np.array(inputs)), np.arange(3) == entry
        assert_allclose(shift, np.where(own, alone[0], 0.0), rtol=1e-12, atol=1e-300)
        drawn = smoothed_kernels(np.random.default_rng(7), phi, np.array(inputs), 8, 4)
        assert np.all(drawn[:, ~own] == 0.0)
    tripled = mean_shift(Activation.RELU, np.array([one, 3.0 * one]))
    assert_allclose(tripled, 0.0, atol=1e-300)


@pytest.mark.parametrize("length", [1e-8, 1.0, 1e7, 1e8, 1e9])
def test_kernels_of_erf_of_long_inputs(length: float) -> None:
    inputs = length * np.array([[1.0, 2.0], [2.0, 1.0]])
    found, tangent = kernels(Activation.ERF, inputs, 1)
    with mp.workdps(60):
        gram = [mp.mpf(length) ** 2 * mp.mpf(5) / 2, mp.mpf(length) ** 2 * 2]
        for entry, cross in ((0, gram[0]), (1, gram[1]), (2, gram[0])):
            product = (1 + 2 * gram[0]) ** 2
            kernel = 2 / mp.pi * mp.asin(2 * cross / (1 + 2 * gram[0]))
            whole = kernel + cross * 4 / mp.pi / mp.sqrt(product - 4 * cross**2)
            assert_allclose(found[entry], float(kernel), rtol=1e-14)
            assert_allclose(tangent[entry], float(whole), rtol=1e-14)


def test_kernels_of_erf_of_long_inputs_that_are_nearly_parallel() -> None:
    both = np.array([1.0e16, 3.0e16 * (1.0 - 1e-12), 9.0e16 + 64.0])
    found, slopes = expected_kernels(Activation.ERF, both)
    with mp.workdps(60):
        a, c, b = (mp.mpf(float(number)) for number in both)
        rest = (1 + 2 * a) * (1 + 2 * b) - 4 * c**2
        assert_allclose(slopes[1], float(4 / mp.pi / mp.sqrt(rest)), rtol=1e-14)
        kernel = 2 / mp.pi * mp.asin(2 * c / mp.sqrt((1 + 2 * a) * (1 + 2 * b)))
        assert_allclose(found[1], float(kernel), rtol=1e-15)


def test_spread_is_a_power() -> None:
    assert_allclose(kernel_spread(8, [1, 2]), [13 / 8, (13 / 8) ** 2])
    with pytest.raises(InvalidInput, match="width is 0"):
        kernel_spread(0, 1)


@pytest.mark.parametrize("scaling", ["NTP", "muP"])
def test_a_short_step_moves_outputs_by_the_tangent_kernel(scaling: Scaling) -> None:
    width, rate, labels = 4, 1e-5, np.array([1.0, -2.0])
    found = movement(np.random.default_rng(5), INPUTS, labels, width, scaling, steps=1, rate=rate)
    rng = np.random.default_rng(5)
    theta = np.concatenate([rng.normal(size=s) for s in (width * 2, width * width, width)])

    def outputs(flat: np.ndarray) -> np.ndarray:
        below, middle, readout = np.split(flat, [width * 2, width * 2 + width**2])
        one = np.tanh(INPUTS / np.sqrt(2) @ below.reshape(width, 2).T)
        two = np.tanh(one @ middle.reshape(width, width).T / np.sqrt(width))
        return two @ readout / (np.sqrt(width) if scaling == "NTP" else width)

    steps = 1e-6 * np.eye(len(theta))
    rows = np.array([(outputs(theta + s) - outputs(theta - s)) / 2e-6 for s in steps])
    eta = rate if scaling == "NTP" else rate * width
    moved = eta * rows.T @ rows @ labels / 2.0
    assert_allclose(found.output, np.sqrt((moved**2).mean()), rtol=1e-3)


def test_other_scalings_are_refused() -> None:
    with pytest.raises(InvalidInput, match="scaling is 'SP'"):
        movement(np.random.default_rng(0), INPUTS, np.ones(2), 4, "SP", steps=1, rate=0.1)


def test_bad_shapes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="layers is 0"):
        kernels(Activation.ERF, INPUTS, 0)
    with pytest.raises(InvalidInput, match="two rows"):
        kernels(Activation.ERF, INPUTS[:1], 1)
    with pytest.raises(InvalidInput, match="width is 0"):
        drawn_layers(np.random.default_rng(0), BOTH, 0)


@pytest.mark.parametrize("unit", [2.0**-800, 2.0**-200, 1.0, 2.0**200, 2.0**800])
@pytest.mark.parametrize("off", [2.0**-52, 2.0**-40, 2.0**-20, 0.5, 1.5])
def test_rectifier_slopes_keep_the_digits_of_small_angles(unit: float, off: float) -> None:
    both = np.array([1.0, 1.0 - off, 1.0])
    _, slopes = expected_kernels(Activation.RELU, unit * both)
    with mp.workdps(60):
        exact = float(mp.acos(1 - mp.mpf(off)) / mp.pi)
    # 1 - slope is rounded once more, in units of the 1
    assert 1.0 - slopes[1] == pytest.approx(exact, rel=1e-14, abs=2.0**-53)


def test_counts_and_inputs_of_nets_are_checked() -> None:
    rng = np.random.default_rng(0)
    for name, counts in (("width", (1.5, 1, 1)), ("layers", (2, 0, 1)), ("draws", (2, 1, 0))):
        with pytest.raises(InvalidInput, match=f"{name} is"):
            drawn_kernels(rng, Activation.RELU, INPUTS, *counts)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="inputs holds NaN"):
        kernels(Activation.RELU, np.nan * INPUTS, 1)
