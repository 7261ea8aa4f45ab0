"""Movement of the linearised model: brute force, pseudo-inverses and the RKHS of K0."""

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich import Linearisation, QuadraticForm, Setting
from theory.lazy_rich.hard_tasks import (
    hardness,
    least_norm_form,
    linearised_movement,
    monomials,
    norm_of_form,
    relative_movement,
    samples_for_all,
)


def features(seed: int, samples: int = 4, parameters: int = 9) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((samples, parameters)), rng.standard_normal(samples)


def kernel_at_infinite_width(inputs: Floats, curvature: float) -> Floats:
    gram = inputs @ inputs.T
    return gram + curvature**2 * gram**2


@given(seed=st.integers(0, 999), steps=st.integers(0, 30))
def test_movement_is_that_of_descent_step_by_step(seed: int, steps: int) -> None:
    jacobian, targets = features(seed)
    theta, rate = np.zeros(9), 0.02
    for _ in range(steps):
        theta = theta + rate * jacobian.T @ (targets - jacobian @ theta)
    found = linearised_movement(jacobian @ jacobian.T, targets, rate, steps)
    np.testing.assert_allclose(found, theta @ theta, rtol=1e-9, atol=1e-14)


@given(seed=st.integers(0, 999))
def test_hardness_is_the_square_norm_of_the_least_interpolant(seed: int) -> None:
    jacobian, targets = features(seed)
    least = np.linalg.pinv(jacobian) @ targets
    np.testing.assert_allclose(hardness(jacobian @ jacobian.T, targets), least @ least, rtol=1e-8)


def test_hardness_of_a_singular_kernel_uses_its_range() -> None:
    jacobian, _ = features(1, samples=6, parameters=3)
    targets = jacobian @ np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(hardness(jacobian @ jacobian.T, targets), 5.25, rtol=1e-10)


@given(seed=st.integers(0, 999), steps=st.sampled_from((3, 40, inf)))
def test_movement_is_that_of_the_linearised_machine(seed: int, steps: float) -> None:
    setting = Setting(5, 6, 7, output_scale=3.0, step=0.05, seed=seed)
    machine, inputs, labels = setting.committee(), setting.inputs(), setting.labels()
    moved, _ = Linearisation(machine, inputs, labels, setting.step).displacement(steps)
    rate = setting.step * 5 * 6 / 7 / 9.0
    found = linearised_movement(machine.kernel(inputs), labels, rate, steps)
    np.testing.assert_allclose(found, (moved**2).sum(), rtol=1e-6)


@given(dimension=st.integers(1, 5), curvature=st.sampled_from((0.3, 1.0, 2.0)))
def test_monomials_are_the_features_of_the_kernel(dimension: int, curvature: float) -> None:
    inputs = np.random.default_rng(dimension).standard_normal((9, dimension))
    found = monomials(inputs, curvature)
    assert found.shape == (9, samples_for_all(dimension))
    np.testing.assert_allclose(found @ found.T, kernel_at_infinite_width(inputs, curvature), 1e-10)


@pytest.mark.parametrize("samples", [3, 8, 13])
def test_least_norm_form_is_kernel_regression(samples: int) -> None:
    setting = Setting(4, 2, samples, curvature=0.7, seed=5)
    inputs, labels = setting.inputs(), setting.labels()
    kernel = kernel_at_infinite_width(inputs, 0.7)
    new = np.random.default_rng(2).standard_normal((6, 4))
    across = new @ inputs.T
    expected = (across + 0.49 * across**2) @ np.linalg.solve(kernel, labels)
    form = least_norm_form(inputs, labels, 0.7)
    np.testing.assert_allclose(form(new), expected, rtol=1e-8)
    np.testing.assert_allclose(form.quadratic, form.quadratic.T)
    np.testing.assert_allclose(norm_of_form(form, 0.7), hardness(kernel, labels), rtol=1e-8)


def test_hardness_rises_to_the_norm_of_the_target() -> None:
    hard = []
    for samples in (6, 12, 20, 27, 40):
        setting = Setting(6, 2, samples, curvature=0.3, signal=2.0, seed=1)
        kernel = kernel_at_infinite_width(setting.inputs(), 0.3)
        hard.append(hardness(kernel, setting.labels()))
    # |beta|^4 / (4 eps^2) with |beta|^2 = B D
    total = (2.0 * 6) ** 2 / (4 * 0.3**2)
    assert hard[0] < hard[1] < hard[2] < 0.99 * total
    np.testing.assert_allclose(hard[3:], total, rtol=1e-6)
    setting = Setting(6, 10, 1, output_scale=0.5, curvature=0.3, signal=2.0)
    scaled = norm_of_form(setting.target(), 0.3, output_scale=0.5, width=10)
    np.testing.assert_allclose(scaled, 10 / 0.25 * total, rtol=1e-12)


def test_wide_lazy_machines_move_by_the_relative_movement() -> None:
    """1/sqrt(N) for the width, the rest of the kernel's fluctuations."""
    setting = Setting(4, 4000, 30, output_scale=2.0, curvature=0.5)
    machine = setting.committee()
    moved = hardness(machine.kernel(setting.inputs()), setting.labels())
    relative = sqrt(moved / float((machine.weights**2).sum()))
    np.testing.assert_allclose(relative, relative_movement(4, 2.0, 0.5), rtol=0.05)
    np.testing.assert_allclose(relative_movement(4, 2.0, 0.5, signal=3.0), 3.0, rtol=1e-12)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidInput, match="kernel has shape"):
        hardness(np.eye(3), np.ones(2))
    with pytest.raises(InvalidInput, match="steps is"):
        linearised_movement(np.eye(2), np.ones(2), 0.1, -1)
    form = QuadraticForm(np.zeros(2), np.eye(2))
    with pytest.raises(InvalidInput, match="curvature"):
        norm_of_form(form, 0.0)
    with pytest.raises(InvalidInput, match="curvature"):
        least_norm_form(np.eye(2), np.ones(2), 0.0)
    with pytest.raises(InvalidInput, match="curvature"):
        relative_movement(3, 1.0, 0.0)
