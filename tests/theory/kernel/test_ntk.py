"""NTK features and Gram matrices."""

from collections.abc import Callable

import numpy as np
import pytest

from theory.kernel.ntk import cross_kernel, gram, signed_features
from theory.nets import Diagonal, TwoLayer
from theory.problem import Problem


def test_features_are_signed_gradients(problem: Problem) -> None:
    gradients = problem.net.jacobian(problem.anchor, problem.inputs)
    np.testing.assert_array_equal(signed_features(problem), problem.labels[:, None] * gradients)


def test_squared_loss_has_plain_gradients(instance: Callable[..., Problem]) -> None:
    problem = instance("two-layer square", "squared")
    gradients = problem.net.jacobian(problem.anchor, problem.inputs)
    np.testing.assert_array_equal(signed_features(problem), gradients)


def test_cross_kernel_on_training_inputs_is_the_unsigned_gram_matrix(problem: Problem) -> None:
    signs = np.outer(problem.labels, problem.labels)
    kernel = signs * gram(signed_features(problem))
    # inner products in another order of summation
    np.testing.assert_allclose(
        cross_kernel(problem, problem.inputs), kernel, atol=1e-14 * np.abs(kernel).max()
    )


def test_gram_matrix_is_symmetric_and_positive(problem: Problem) -> None:
    kernel = gram(signed_features(problem))
    np.testing.assert_array_equal(kernel, kernel.T)
    assert np.linalg.eigvalsh(kernel).min() > -1e-14 * np.trace(kernel)


def test_kernel_of_a_uniform_diagonal_net_is_that_of_the_inputs() -> None:
    inputs = np.array([[1.0, 2.0], [0.5, -1.0]])
    problem = Problem(Diagonal(2), np.full(4, 0.5), inputs, [1.0, -1.0])
    # gradients are (2 u x, -2 v x) with u = v = 1/2, so K = 2 x.x'
    np.testing.assert_allclose(cross_kernel(problem, inputs), 2 * inputs @ inputs.T, rtol=1e-15)


def test_cross_kernel_of_several_outputs_pairs_samples_and_outputs() -> None:
    random = np.random.default_rng(0)
    net = TwoLayer(3, 2, "square", 3)
    anchor, inputs = random.normal(size=net.parameters), random.normal(size=(4, 2))
    problem = Problem(net, anchor, inputs, np.array([0, 1, 2, 0]), "cross_entropy", 3)
    new = random.normal(size=(5, 2))
    found = cross_kernel(problem, new)
    assert found.shape == (5, 3, 4, 3)
    left, right = net.jacobian(anchor, new), net.jacobian(anchor, inputs)
    assert found[2, 1, 3, 0] == pytest.approx(left[2, 1] @ right[3, 0], rel=1e-14)
