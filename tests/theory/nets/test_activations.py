"""Activations: homogeneity, derivatives, and increments that keep the digits of tiny steps."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.nets.activations import (
    ACTIVATIONS,
    Activation,
    activation_named,
    power_increment,
)

numbers = st.floats(-100, 100, allow_subnormal=False).filter(lambda z: z == 0 or abs(z) > 1e-6)
steps = st.builds(
    lambda digits, exponent: digits * 10.0**exponent, st.floats(-9, 9), st.integers(-40, 2)
).filter(lambda h: h == 0 or abs(h) > 1e-42)
by_name = st.sampled_from(sorted(ACTIVATIONS))


def exact_value(activation: Activation, z: Fraction) -> Fraction:
    return (max(z, Fraction(0)) if activation.rectified else z) ** activation.exponent


@given(by_name, numbers, st.floats(0.1, 10))
def test_activations_are_homogeneous_of_their_exponent(name: str, z: float, factor: float) -> None:
    activation = ACTIVATIONS[name]
    scaled = activation.value(np.array(factor * z))
    # three roundings of a product
    np.testing.assert_allclose(
        scaled, factor**activation.exponent * activation.value(np.array(z)), rtol=1e-14
    )


@given(by_name, numbers, steps)
@example("relu_squared", 1.0, -1.0)
@example("relu_cubed", -1e-5, 2e-5)
@example("relu_cubed", 0.0, 1e-30)
@example("cube", 100.0, 1e-40)
def test_increment_keeps_digits_of_tiny_steps(name: str, z: float, step: float) -> None:
    activation = ACTIVATIONS[name]
    base, change = Fraction(z), Fraction(step)
    exact = exact_value(activation, base + change) - exact_value(activation, base)
    computed = float(activation.increment(np.array(z), np.array(step)))
    # relative to the step: its slope is bounded by that of the larger end point
    reach = max(abs(z), abs(z + step))
    allowed = 1e-14 * abs(step) * activation.exponent * reach ** (activation.exponent - 1)
    assert abs(Fraction(computed) - exact) <= allowed


@given(st.integers(1, 9), numbers, steps)
def test_power_increment_is_the_exact_difference(exponent: int, z: float, step: float) -> None:
    exact = (Fraction(z) + Fraction(step)) ** exponent - Fraction(z) ** exponent
    computed = power_increment(np.array(z), np.array(step), exponent)
    allowed = 1e-14 * abs(step) * exponent * max(abs(z), abs(z + step)) ** (exponent - 1)
    assert abs(Fraction(float(computed)) - exact) <= allowed


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("z", [-1.7, -0.2, 0.3, 2.9])
def test_derivatives_are_those_of_the_value(name: str, z: float) -> None:
    activation = ACTIVATIONS[name]
    # analytic away from the kink at 0, so a complex step differentiates to rounding
    shifted = np.array(z + 1e-30j)
    np.testing.assert_allclose(
        activation.derivative(np.array(z)), activation.value(shifted).imag / 1e-30, rtol=1e-14
    )
    np.testing.assert_allclose(
        activation.second_derivative(np.array(z)),
        np.imag(activation.derivative(shifted)) / 1e-30,
        rtol=1e-14,
    )


def test_rectified_powers_count_their_continuous_derivatives() -> None:
    counts = {name: a.continuous_derivatives for name, a in ACTIVATIONS.items() if a.rectified}
    assert counts == {"relu": 0, "relu_squared": 1, "relu_cubed": 2}
    assert ACTIVATIONS["cube"].continuous_derivatives == float("inf")


def test_unknown_activation_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(InvalidInput, match="activation is 'tanh'; allowed are linear, square"):
        activation_named("tanh")
