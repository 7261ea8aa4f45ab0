"""The lazy kernel against averages over neurons, and its spectrum against exact quadrature."""

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich import Committee, QuadraticForm, Setting
from theory.lazy_rich.quadrature import gauss_hermite
from theory.lazy_rich.spectrum import LazyKernel, lazy_kernel, split, width_variance

KERNELS = (
    lazy_kernel(0.6),
    lazy_kernel(pi / 4, trained_readout=True),
    LazyKernel(0.3, 1.1, 0.7),
)


def neuron_average(
    inputs: Floats, curvature: float, trained: bool, order: int
) -> tuple[Floats, Floats]:
    """Mean and variance (elementwise) of the kernels of machines of one neuron, by quadrature."""
    dimension = inputs.shape[1]
    over = gauss_hermite(dimension + trained, order, 1.0)
    readout = over.points[:, dimension:] if trained else None
    weights = over.points[:, None, :dimension]
    kernels = Committee(weights, 1.0, curvature, readout).kernel(inputs)
    mean = np.tensordot(over.weights, kernels, 1)
    return mean, np.tensordot(over.weights, (kernels - mean) ** 2, 1)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("dimension", [2, 3])
def test_lazy_kernel_is_the_mean_over_neurons(trained: bool, dimension: int) -> None:
    inputs = np.random.default_rng(1).standard_normal((5, dimension))
    mean, _ = neuron_average(inputs, 0.7, trained, order=3)
    np.testing.assert_allclose(lazy_kernel(0.7, trained)(inputs), mean, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_width_variance_is_that_of_one_neuron(dimension: int) -> None:
    over = gauss_hermite(dimension, 3, 1.0 / dimension)
    _, variance = neuron_average(over.points, 0.7, trained=False, order=3)
    measured = over.mean(over.mean(variance))
    assert width_variance(dimension, 0.7) == pytest.approx(measured, rel=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_eigenfunctions(kernel: LazyKernel, dimension: int) -> None:
    over = gauss_hermite(dimension, 3, 1.0 / dimension)
    gram = kernel(over.points)
    for space in kernel.spectrum(dimension).spaces:
        values = space.basis(over.points)
        mapped = over.mean(gram[None] * values[:, None, :])
        np.testing.assert_allclose(mapped, space.eigenvalue * values, atol=1e-12)
        assert np.linalg.matrix_rank(values) == space.multiplicity


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_nothing_else_has_eigenvalues(kernel: LazyKernel, dimension: int) -> None:
    """The operator on the quadrature's points has the listed eigenvalues and else zeros."""
    over = gauss_hermite(dimension, 3, 1.0 / dimension)
    root = np.sqrt(over.weights)
    found = np.linalg.eigvalsh(root[:, None] * kernel(over.points) * root)
    spectrum = kernel.spectrum(dimension)
    listed = np.concatenate([[s.eigenvalue] * s.multiplicity for s in spectrum.spaces])
    expected = np.concatenate([np.zeros(len(found) - len(listed)), np.sort(listed)])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert spectrum.rank == len(listed) == dimension * (dimension + 3) // 2
    assert spectrum.trace == pytest.approx(over.mean(np.diag(kernel(over.points))), rel=1e-12)


def test_constants_become_squared_lengths() -> None:
    over = gauss_hermite(3, 3, 1.0 / 3.0)
    length = (over.points**2).sum(-1)
    mapped = over.mean(lazy_kernel(0.6)(over.points))
    np.testing.assert_allclose(mapped, 0.36 * length / 3.0, rtol=1e-12)
    blind = 1.0 - 3.0 / 5.0 * length
    np.testing.assert_allclose(over.mean(lazy_kernel(0.6)(over.points) * blind), 0.0, atol=1e-14)


def test_gram_matrix_of_many_samples_has_the_spectrum() -> None:
    """Figures for D = 10, eps = 1, P = 5000; one percent is their scatter."""
    inputs = np.random.default_rng(0).standard_normal((5000, 10)) / np.sqrt(10)
    # the 65 features of the kernel: its Gram matrix has the same eigenvalues
    pairs = np.triu_indices(10)
    products = inputs[:, pairs[0]] * inputs[:, pairs[1]] * np.where(pairs[0] == pairs[1], 1, 2**0.5)
    features = np.hstack([inputs, products])
    values = np.linalg.eigvalsh(features.T @ features / 5000)[::-1]
    spectrum = lazy_kernel(1.0).spectrum(10)
    assert values[0] == pytest.approx(spectrum.radial.eigenvalue, rel=0.05)
    assert values[1:11].mean() == pytest.approx(spectrum.linear.eigenvalue, rel=0.02)
    assert values[11:].mean() == pytest.approx(spectrum.traceless.eigenvalue, rel=0.02)


@given(
    dimension=st.integers(2, 6),
    signal=st.sampled_from((1.0, 0.5, 2.0)),
    seed=st.integers(0, 99),
)
def test_split_of_the_target(dimension: int, signal: float, seed: int) -> None:
    target = Setting(dimension, 1, 1, signal=signal, seed=seed).target()
    parts = split(target)
    together = parts.linear + parts.traceless + parts.radial
    np.testing.assert_allclose(together.quadratic, target.quadratic, atol=1e-12)
    traceless, radial = parts.traceless.mean_square(), parts.radial.mean_square()
    half = signal**2 / 2.0
    assert traceless.total == pytest.approx(half * (1.0 - 1.0 / dimension), rel=1e-12)
    assert radial.total == pytest.approx(half / 2.0 * (1.0 + 2.0 / dimension), rel=1e-12)
    assert traceless.total + radial.total == pytest.approx(target.mean_square().total, rel=1e-12)
    assert parts.linear.mean_square().total == 0.0


def test_split_separates_linear_forms() -> None:
    rng = np.random.default_rng(3)
    root = rng.standard_normal((4, 4))
    form = QuadraticForm(rng.standard_normal(4), root + root.T)
    parts = split(form)
    over = gauss_hermite(4, 3, 0.25)
    values = [part(over.points) for part in (parts.linear, parts.traceless, parts.radial)]
    gram = np.array([[over.mean(a * b) for a in values] for b in values])
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-12)
    assert gram.trace() == pytest.approx(form.mean_square().total, rel=1e-12)


@pytest.mark.parametrize("trained", [False, True])
def test_regression_is_exact_from_the_rank_on(trained: bool) -> None:
    kernel = lazy_kernel(0.5, trained)
    losses = {}
    for samples in (26, 27, 60):
        setting = Setting(6, 1, samples, seed=5)
        fitted = kernel.regression(setting.inputs(), setting.labels())
        losses[samples] = float((fitted - setting.target()).mean_square().total)
        np.testing.assert_allclose(fitted(setting.inputs()), setting.labels(), atol=1e-8)
    assert kernel.spectrum(6).rank == 27
    assert losses[26] > 1e-6
    assert max(losses[27], losses[60]) < 1e-14


def test_regression_is_the_sum_of_kernels() -> None:
    setting = Setting(4, 1, 7, seed=2)
    kernel, inputs = KERNELS[2], setting.inputs()
    probes = np.random.default_rng(0).standard_normal((9, 4))
    direct = kernel(probes, inputs) @ np.linalg.solve(kernel(inputs), setting.labels())
    fitted = kernel.regression(inputs, setting.labels())
    np.testing.assert_allclose(fitted(probes), direct, rtol=1e-9, atol=1e-11)


def test_one_dimension_is_refused() -> None:
    with pytest.raises(InvalidInput, match="input_dim is 1"):
        lazy_kernel(1.0).spectrum(1)
