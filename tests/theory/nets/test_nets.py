"""Every family against the laws of a homogeneous net and against automatic differentiation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer, TwoLayerReLU

NETS = [
    Diagonal(3, 2),
    Diagonal(2, 3),
    Diagonal(2, 5),
    TwoLayer(3, 2, "square"),
    TwoLayer(2, 3, "cube"),
    TwoLayer(4, 2, "relu"),
    TwoLayer(3, 2, "relu_squared"),
    TwoLayer(3, 2, "relu_cubed"),
    TwoLayerReLU(3, 2),
    TwoLayerReLU(3, 2, 0.25),
    TwoLayerReLU(3, 2, smoothing=0.25),
    TwoLayerReLU(2, 3, 0.25, 0.125),
    Deep((2, 3, 2, 1), "linear"),
    Deep((3, 2, 2, 2, 1), "linear"),
    Deep((2, 3, 2, 1), "square"),
    Deep((2, 2, 3, 1), "relu_squared"),
    Factorization(3, 2),
    Factorization(4, 1),
]
SMOOTH_NETS = [net for net in NETS if net.smooth]

each_net = pytest.mark.parametrize("net", NETS, ids=str)
each_smooth_net = pytest.mark.parametrize("net", SMOOTH_NETS, ids=str)
seeds = st.integers(0, 2**32 - 1)


class CubicPairs(HomogeneousNet):
    """A user's net: only the degree and the forward pass; f = (w . x)^2 (u . x)."""

    degree = 3

    def forward(self, theta: Any, inputs: Any) -> Any:
        w, u = theta[: len(theta) // 2], theta[len(theta) // 2 :]
        return (inputs @ w) ** 2 * (inputs @ u)


class Power(HomogeneousNet):
    """f = <theta^degree, x>, for the accuracy of the quadrature."""

    degree = 0

    def __init__(self, exponent: int) -> None:
        self.exponent = exponent

    def forward(self, theta: Any, inputs: Any) -> Any:
        return inputs @ theta**self.exponent


def draw(net: HomogeneousNet, seed: int, samples: int = 3) -> tuple[Floats, Floats, Floats]:
    """theta, inputs and sample weights, all of order one."""
    generator = np.random.default_rng(seed)
    size = net.parameters
    assert size is not None
    if isinstance(net, Factorization):
        inputs = generator.integers(0, net.size, (samples, 2)).astype(float)
    else:
        dimension = net.widths[0] if isinstance(net, Deep) else net.input_dim  # type: ignore[attr-defined]
        inputs = generator.standard_normal((samples, dimension))
    return generator.standard_normal(size), inputs, generator.standard_normal(samples)


def close(computed: Any, expected: Any, scale: float, tolerance: float = 1e-13) -> None:
    """Agreement relative to a size given by the caller; 1e-13 is hundreds of roundings."""
    np.testing.assert_allclose(
        np.asarray(computed), np.asarray(expected), rtol=0, atol=tolerance * scale
    )


def size_of(net: HomogeneousNet, theta: Floats, inputs: Floats) -> float:
    """|theta|^L |x|^k-like scale: outputs of the all-positive net cannot exceed it by much."""
    return float(np.abs(net.jacobian(theta, inputs)).max() * np.linalg.norm(theta)) + 1.0


@each_net
@given(seed=seeds, factor=st.floats(0.2, 5))
def test_outputs_are_homogeneous(net: HomogeneousNet, seed: int, factor: float) -> None:
    theta, inputs, _ = draw(net, seed)
    scaled = net.outputs(factor * theta, inputs) / factor**net.degree
    close(scaled, net.outputs(theta, inputs), size_of(net, theta, inputs))


@each_net
@given(seed=seeds)
def test_euler_identity_ties_gradients_to_outputs(net: HomogeneousNet, seed: int) -> None:
    theta, inputs, _ = draw(net, seed)
    contracted = net.jacobian(theta, inputs) @ theta
    close(contracted, net.degree * net.outputs(theta, inputs), size_of(net, theta, inputs))


@each_smooth_net
@given(seed=seeds)
def test_euler_identity_ties_hessians_to_gradients(net: HomogeneousNet, seed: int) -> None:
    theta, inputs, weights = draw(net, seed)
    contracted = net.weighted_hessian(theta, inputs, weights) @ theta
    gradients = weights @ net.jacobian(theta, inputs)
    close(contracted, (net.degree - 1) * gradients, 10 * size_of(net, theta, inputs))


@each_net
@pytest.mark.parametrize("seed", [1, 2])
def test_jacobian_agrees_with_automatic_differentiation(net: HomogeneousNet, seed: int) -> None:
    theta, inputs, _ = draw(net, seed)
    close(
        net.jacobian(theta, inputs),
        HomogeneousNet.jacobian(net, theta, inputs),
        size_of(net, theta, inputs),
    )


@each_smooth_net
@pytest.mark.parametrize("seed", [1, 2])
def test_weighted_hessian_agrees_with_automatic_differentiation(
    net: HomogeneousNet, seed: int
) -> None:
    theta, inputs, weights = draw(net, seed)
    hessian = net.weighted_hessian(theta, inputs, weights)
    expected = HomogeneousNet.weighted_hessian(net, theta, inputs, weights)
    close(hessian, expected, 10 * size_of(net, theta, inputs))
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12 * np.abs(hessian).max())


@each_net
@pytest.mark.parametrize("exponent", [-30, -12, -3, 0])
def test_increment_keeps_digits_of_tiny_steps(net: HomogeneousNet, exponent: int) -> None:
    theta, inputs, _ = draw(net, seed=5)
    step = np.random.default_rng(6).standard_normal(theta.size) * 10.0**exponent
    computed = net.increment(theta, step, inputs)
    if exponent <= -12:
        slope = net.jacobian(theta, inputs) @ step  # the rest is step^2, 1e-12 relative or less
        tolerance = 1e-10 if exponent == -12 else 1e-13
        close(computed, slope, float(np.abs(slope).max()), tolerance)
    else:
        difference = net.outputs(theta + step, inputs) - net.outputs(theta, inputs)
        close(
            computed, difference, size_of(net, theta, inputs) + size_of(net, theta + step, inputs)
        )


@pytest.mark.parametrize("net", [n for n in NETS if not isinstance(n, Factorization)], ids=str)
@given(seed=seeds)
def test_increment_agrees_with_a_long_double_difference(net: HomogeneousNet, seed: int) -> None:
    theta, inputs, _ = draw(net, seed)
    step = 1e-4 * np.random.default_rng(seed).standard_normal(theta.size)
    long = np.longdouble
    exact = net.outputs(theta.astype(long) + step.astype(long), inputs.astype(long))
    exact = exact - net.outputs(theta.astype(long), inputs.astype(long))
    # the difference of 80-bit outputs loses four of its nineteen digits
    close(
        net.increment(theta, step, inputs), exact.astype(float), 1e-4 * size_of(net, theta, inputs)
    )


@each_smooth_net
def test_quadrature_increment_agrees_with_the_closed_form(net: HomogeneousNet) -> None:
    theta, inputs, _ = draw(net, seed=7)
    step = np.random.default_rng(8).standard_normal(theta.size)
    rectified = "relu" in str(net).lower()
    step *= 1e-3 if rectified else 1.0  # short enough not to cross a kink
    computed = HomogeneousNet.increment(net, theta, step, inputs)
    scale = size_of(net, theta + step, inputs)
    close(computed, net.increment(theta, step, inputs), scale)


@pytest.mark.parametrize("exponent", range(1, 17))
def test_quadrature_increment_is_exact_up_to_degree_16(exponent: int) -> None:
    theta, step = np.array([0.3, -0.7]), np.array([1.1, 0.4])
    inputs = np.array([[1.0, 2.0], [-0.5, 1.0]])
    computed = Power(exponent).increment(theta, step, inputs)
    exact = inputs @ ((theta + step) ** exponent - theta**exponent)
    np.testing.assert_allclose(computed, exact, rtol=1e-13, atol=1e-14)  # rounding only


def test_quadrature_increment_is_inexact_beyond_degree_16() -> None:
    theta, step, inputs = np.array([-1.0]), np.array([2.5]), np.array([[1.0]])
    computed = Power(24).increment(theta, step, inputs)
    assert abs(computed[0] / (1.5**24 - 1.0) - 1) > 1e-12


@each_net
def test_numpy_and_torch_give_the_same_numbers(net: HomogeneousNet) -> None:
    theta, inputs, weights = draw(net, seed=11)
    step = 1e-3 * np.random.default_rng(12).standard_normal(theta.size)
    scale = 10 * size_of(net, theta, inputs)
    arrays = {
        "outputs": (theta, inputs),
        "jacobian": (theta, inputs),
        "weighted_hessian": (theta, inputs, weights),
        "increment": (theta, step, inputs),
    }
    for method, arguments in arrays.items():
        by_torch = getattr(net, method)(*(torch.from_numpy(a) for a in arguments))
        assert isinstance(by_torch, torch.Tensor), method
        assert by_torch.dtype == torch.float64, method
        close(by_torch.numpy(), getattr(net, method)(*arguments), scale)


@pytest.mark.parametrize("net", [*NETS, CubicPairs()], ids=lambda net: str(net)[:40])
def test_batches_equal_single_evaluations(net: HomogeneousNet) -> None:
    size = net.parameters or 4
    generator = np.random.default_rng(13)
    theta, step = generator.standard_normal((2, 5, size))
    if isinstance(net, CubicPairs):
        inputs = generator.standard_normal((3, 2))
    else:
        inputs = draw(net, seed=13)[1]
    weights = generator.standard_normal((5, 3))
    batched = torch.from_numpy(theta), torch.from_numpy(inputs)
    steps, sample_weights = torch.from_numpy(step), torch.from_numpy(weights)
    outputs, jacobian = net.outputs(*batched), net.jacobian(*batched)
    hessian = net.weighted_hessian(*batched, sample_weights)
    increment = net.increment(batched[0], steps, batched[1])
    scale = 100 * max(size_of(net, one, inputs) for one in [*theta, *(theta + step)])
    for k in range(5):
        close(outputs[k], net.outputs(theta[k], inputs), scale)
        close(jacobian[k], net.jacobian(theta[k], inputs), scale)
        close(hessian[k], net.weighted_hessian(theta[k], inputs, weights[k]), scale)
        close(increment[k], net.increment(theta[k], step[k], inputs), scale)


@pytest.mark.parametrize("net", [n for n in NETS if not isinstance(n, Factorization)], ids=str)
def test_inputs_may_carry_the_batch_too(net: HomogeneousNet) -> None:
    theta, _, _ = draw(net, seed=17)
    thetas = np.stack([theta, 2 * theta])
    inputs = np.stack([draw(net, seed=18)[1], draw(net, seed=19)[1]])
    jacobian, outputs = net.jacobian(thetas, inputs), net.outputs(thetas, inputs)
    weights = np.ones((2, 3))
    hessian = net.weighted_hessian(thetas, inputs, weights)
    for k in range(2):
        scale = 100 * size_of(net, thetas[k], inputs[k])
        close(outputs[k], net.outputs(thetas[k], inputs[k]), scale)
        close(jacobian[k], net.jacobian(thetas[k], inputs[k]), scale)
        close(hessian[k], net.weighted_hessian(thetas[k], inputs[k], weights[k]), scale)


def test_user_net_gets_its_derivatives_from_forward() -> None:
    net, inputs = CubicPairs(), np.array([[1.0, 2.0]])
    theta = np.array([0.5, -1.0, 2.0, 1.0])
    w, u = inputs @ theta[:2], inputs @ theta[2:]
    assert net.outputs(theta, inputs) == pytest.approx(w**2 * u)
    gradient = np.concatenate([2 * w * u * inputs[0], w**2 * inputs[0]])
    np.testing.assert_allclose(net.jacobian(theta, inputs)[0], gradient, rtol=1e-14)
    assert net.parameters is None
    assert net.smooth is None


def test_factorization_sums_repeated_and_diagonal_pairs() -> None:
    net = Factorization(2, 1)
    theta = np.array([2.0, 3.0, 5.0, 7.0])
    inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(net.outputs(theta, inputs), [4 - 25, 6 - 35, 6 - 35])
    expected = [[4, 0, -10, 0], [3, 2, -7, -5], [3, 2, -7, -5]]
    np.testing.assert_array_equal(net.jacobian(theta, inputs), expected)


NOT_WHOLE: list[tuple[Callable[[], object], str]] = [
    (lambda: Diagonal(2.5), "input_dim is 2.5; it must be a whole number, at least 1"),  # type: ignore[arg-type]
    (lambda: Diagonal("a"), "input_dim is 'a'; it must be a whole number"),  # type: ignore[arg-type]
    (lambda: Diagonal(None), "input_dim is None; it must be a whole number"),  # type: ignore[arg-type]
    (lambda: Diagonal(True), "input_dim is True; it must be a whole number"),
    (lambda: Diagonal(2, 2, 1.5), "output_dim is 1.5; it must be a whole number"),  # type: ignore[arg-type]
    (lambda: TwoLayer(1.5, 2, "square"), "width is 1.5; it must be a whole number"),  # type: ignore[arg-type]
    (lambda: TwoLayer("2", 2, "square"), "width is '2'; it must be a whole number"),  # type: ignore[arg-type]
    (lambda: TwoLayerReLU(2, 2, "a"), "slope is 'a'; it must be a finite number"),  # type: ignore[arg-type]
    (lambda: TwoLayerReLU(2, 2.5), "input_dim is 2.5; it must be a whole number"),  # type: ignore[arg-type]
    (lambda: Deep((2, 3.5, 3, 1)), r"widths is \[2, 3.5, 3, 1\]; a deep net needs"),  # type: ignore[arg-type]
    (lambda: Deep(3), "widths is 3; a deep net needs"),  # type: ignore[arg-type]
    (lambda: Deep("abcd"), r"widths is \['a', 'b', 'c', 'd'\]; a deep net needs"),  # type: ignore[arg-type]
    (lambda: Factorization(1.5, 1), "size is 1.5; it must be a whole number"),  # type: ignore[arg-type]
]


def test_sizes_of_numpy_are_whole_numbers() -> None:
    two = np.int64(2)
    assert Diagonal(two).parameters == 4  # type: ignore[arg-type]
    assert Deep((two, two, two, two)).parameters == 12  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Diagonal(0), "input_dim is 0"),
        (lambda: Diagonal(2, 1), "degree is 1; it must be a whole number, at least 2"),
        (lambda: Diagonal(2, 2.5), "degree is 2.5; it must be a whole number, at least 2"),  # type: ignore[arg-type]
        (lambda: TwoLayer(0, 3, "square"), "width is 0"),
        (lambda: TwoLayer(2, 0, "square"), "input_dim is 0"),
        (lambda: TwoLayer(2, 3, "linear"), "activation is 'linear'; allowed are square, cube"),
        (lambda: TwoLayerReLU(0, 3), "width is 0"),
        (lambda: TwoLayerReLU(2, 3, 1.0), "slope is 1.0; it must be at least 0 and below 1"),
        (lambda: TwoLayerReLU(2, 3, 0.0, -0.5), "smoothing is -0.5; it must lie between 0 and 1"),
        (lambda: Deep((2, 3, 1)), "at least three layers"),
        (lambda: Deep((2, 3, 0, 1)), r"widths is \[2, 3, 0, 1\]"),
        (lambda: Deep((2, 3, 3, 1), "tanh"), "activation is 'tanh'"),
        (lambda: Factorization(0, 1), "size is 0"),
        (lambda: Factorization(2, 0), "rank is 0"),
        *((build, message) for build, message in NOT_WHOLE),
    ],
)
def test_impossible_nets_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        build()


@pytest.mark.parametrize(
    ("net", "degree", "parameters"),
    [
        (Diagonal(5, 4), 4, 10),
        (TwoLayer(3, 2, "cube"), 4, 9),
        (Deep((4, 3, 2, 1)), 3, 20),
        (Deep((4, 3, 2, 1), "square"), 7, 20),
        (TwoLayerReLU(4, 3), 2, 16),
        (Factorization(5, 2), 2, 20),
    ],
    ids=str,
)
def test_degrees_and_sizes(net: HomogeneousNet, degree: int, parameters: int) -> None:
    assert (net.degree, net.parameters) == (degree, parameters)
