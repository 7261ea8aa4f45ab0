"""The committee machine against automatic differentiation and against its other forms."""

from dataclasses import replace
from math import factorial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import hermite_e

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich import Committee
from theory.lazy_rich.committee import finite_width_kernel, hermite

INPUTS = np.random.default_rng(0).standard_normal((5, 3))


def machine(trained: bool, degree: int = 2, batch: tuple[int, ...] = ()) -> Committee:
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((*batch, 4, 3))
    readout = rng.standard_normal((*batch, 4)) if trained else None
    return Committee(weights, 1.7, 0.6, readout, degree)


def autograd_jacobian(net: Committee, inputs: Floats) -> Floats:
    """Gradients of the outputs in all trained parameters, shape `(P, parameters)`."""
    given = [net.weights] if net.readout is None else [net.weights, net.readout]
    parameters = [torch.tensor(value, requires_grad=True) for value in given]
    readout = parameters[1] if net.readout is not None else None
    outputs = replace(net, weights=parameters[0], readout=readout).outputs(torch.tensor(inputs))
    rows = [torch.autograd.grad(f, parameters, retain_graph=True) for f in outputs]
    return np.array([np.concatenate([part.numpy().ravel() for part in row]) for row in rows])


@pytest.mark.parametrize("degree", [2, 3, 4])
@pytest.mark.parametrize("trained", [False, True])
def test_kernel_is_the_gram_matrix_of_gradients(trained: bool, degree: int) -> None:
    net = machine(trained, degree)
    jacobian = autograd_jacobian(net, INPUTS)
    np.testing.assert_allclose(net.kernel(INPUTS), jacobian @ jacobian.T, rtol=1e-12)
    others = net.kernel(INPUTS[:2], INPUTS[2:])
    np.testing.assert_allclose(others, net.kernel(INPUTS)[:2, 2:], rtol=1e-13)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("degree", [2, 3, 5])
def test_outputs_are_the_definition(trained: bool, degree: int) -> None:
    net = machine(trained, degree)
    for k, x in enumerate(INPUTS):
        total = 0.0
        for i, w in enumerate(net.weights):
            h = float(w @ x)
            bend = h**2 if degree == 2 else hermite_e.hermeval(h, [0] * degree + [1])
            active = h + 0.6 / factorial(degree) * bend
            total += active if net.readout is None else active * net.readout[i]
        assert net.outputs(INPUTS)[k] == pytest.approx(1.7 / 4 * total, rel=1e-12)


@given(degree=st.integers(0, 8), value=st.integers(-4, 4))
def test_hermite_polynomials(degree: int, value: int) -> None:
    expected = hermite_e.hermeval(value, [0] * degree + [1])
    assert hermite(degree, np.array(float(value))) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_slope_is_the_derivative(degree: int) -> None:
    net = machine(False, degree)
    fields = torch.linspace(-2, 2, 6, dtype=torch.float64, requires_grad=True)
    net.activation(fields).sum().backward()
    np.testing.assert_allclose(net.slope(fields.detach().numpy()), fields.grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize("trained", [False, True])
def test_form_is_the_predictor(trained: bool) -> None:
    net = machine(trained)
    np.testing.assert_allclose(net.form()(INPUTS), net.outputs(INPUTS), rtol=1e-12)


@pytest.mark.parametrize("trained", [False, True])
def test_statistics_are_means_over_neurons(trained: bool) -> None:
    net = machine(trained)
    readout = np.ones(4) if net.readout is None else net.readout
    mean = sum(a * w for a, w in zip(readout, net.weights, strict=True)) / 4
    moment = sum(a * np.outer(w, w) for a, w in zip(readout, net.weights, strict=True)) / 4
    np.testing.assert_allclose(net.mean_weight(), mean, rtol=1e-13)
    np.testing.assert_allclose(net.second_moment(), moment, rtol=1e-13)


def test_finite_width_kernel_is_the_kernel() -> None:
    net = machine(False)
    for others in (INPUTS, INPUTS[:3] * 2.0):
        np.testing.assert_allclose(
            finite_width_kernel(net, INPUTS, others), net.kernel(INPUTS, others), rtol=1e-12
        )


@pytest.mark.parametrize("trained", [False, True])
def test_batches_are_machines_side_by_side(trained: bool) -> None:
    scales, curvatures = np.array([1.0, 2.0]), np.array([0.3, 0.9])
    batch = replace(machine(trained, batch=(2,)), output_scale=scales, curvature=curvatures)
    for k in range(2):
        readout = None if batch.readout is None else batch.readout[k]
        single = Committee(batch.weights[k], scales[k].item(), curvatures[k].item(), readout)
        for name in ("outputs", "kernel"):
            together, alone = getattr(batch, name)(INPUTS), getattr(single, name)(INPUTS)
            np.testing.assert_allclose(together[k], alone, rtol=1e-13)
        form, own = batch.form(), single.form()
        np.testing.assert_allclose(form.linear[k], own.linear, rtol=1e-13)
        np.testing.assert_allclose(form.quadratic[k], own.quadratic, rtol=1e-13)
        if not trained:
            kernel = finite_width_kernel(batch, INPUTS, INPUTS)
            np.testing.assert_allclose(kernel[k], single.kernel(INPUTS), rtol=1e-12)


@pytest.mark.parametrize("trained", [False, True])
def test_torch_gives_the_numbers_of_numpy(trained: bool) -> None:
    net = machine(trained, batch=(2,))
    readout = None if net.readout is None else torch.tensor(net.readout)
    scale = np.array([1.0, 2.0])
    net = replace(net, output_scale=scale)
    twin = Committee(torch.tensor(net.weights), torch.tensor(scale), 0.6, readout)
    inputs = torch.tensor(INPUTS)
    np.testing.assert_allclose(twin.outputs(inputs).numpy(), net.outputs(INPUTS), rtol=1e-13)
    np.testing.assert_allclose(twin.kernel(inputs).numpy(), net.kernel(INPUTS), rtol=1e-13)


def test_only_degree_two_has_forms() -> None:
    with pytest.raises(InvalidInput, match="degree is 3"):
        machine(False, degree=3).form()
    for net in (machine(True), machine(False, degree=3)):
        with pytest.raises(InvalidInput, match="readout is trained or degree is not 2"):
            finite_width_kernel(net, INPUTS, INPUTS)
