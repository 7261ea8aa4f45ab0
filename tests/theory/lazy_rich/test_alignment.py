"""The moments of the alignment against exact quadrature, over points and over whole samples."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich import Committee
from theory.lazy_rich.alignment import Centring, alignment_moments, gram_alignment
from theory.lazy_rich.quadrature import Quadrature, gauss_hermite

CENTRINGS: tuple[Centring, ...] = ("none", "both", "one-sided")


def machine(seed: int, width: int, dimension: int, curvature: float) -> tuple[Committee, Floats]:
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((width, dimension))
    return Committee(weights, width**0.5, curvature), rng.standard_normal(dimension)


def centred(
    over: Quadrature, gram: Floats, labels: Floats, centring: Centring
) -> tuple[Floats, Floats]:
    """Kernel and labels on the grid, centred by the population's means."""
    if centring == "none":
        return gram, labels
    gram = gram - over.weights @ gram
    if centring == "both":
        gram = gram - over.mean(gram)[:, None]
    return gram, labels - over.mean(labels)


@given(
    seed=st.integers(0, 999),
    width=st.integers(1, 4),
    dimension=st.integers(1, 3),
    curvature=st.sampled_from((0.5, 0.0, 1.5)),
    centring=st.sampled_from(CENTRINGS),
)
def test_moments_equal_quadrature(
    seed: int, width: int, dimension: int, curvature: float, centring: Centring
) -> None:
    net, beta = machine(seed, width, dimension, curvature)
    over = gauss_hermite(dimension, 5, 1.0 / dimension)
    gram, labels = centred(over, net.kernel(over.points), 0.5 * (over.points @ beta) ** 2, centring)
    moments = alignment_moments(net, beta, centring)
    inner = gram if centring != "one-sided" else gram - over.mean(gram)[:, None]
    diagonal = np.diag(gram)
    for closed, exact in (
        (moments.numerator, over.mean(labels * over.mean(gram * labels))),
        (moments.square, over.mean(over.mean(gram**2))),
        (moments.label_square, over.mean(labels**2)),
        (moments.diagonal_numerator, over.mean(labels**2 * np.diag(inner))),
        (moments.diagonal_square, over.mean(diagonal**2)),
        (moments.diagonal, over.mean(diagonal)),
    ):
        assert closed == pytest.approx(exact, rel=1e-10, abs=1e-12)
    expected = moments.numerator / np.sqrt(moments.square) / moments.label_square
    assert moments.population() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("samples", [2, 3])
@pytest.mark.parametrize("centring", CENTRINGS)
def test_sums_over_samples_are_exact(samples: int, centring: Centring) -> None:
    """Quadrature over all samples of P points in one dimension, centred by their own means."""
    net, beta = machine(4, 2, 1, 0.8)
    line = gauss_hermite(1, 5, 1.0)
    totals = np.zeros(3)
    for chosen in product(range(5), repeat=samples):
        points = line.points[list(chosen)]
        gram, labels = net.kernel(points), 0.5 * (points @ beta) ** 2
        own = Quadrature(points, np.full(samples, 1.0 / samples))
        gram, labels = centred(own, gram, labels, centring)
        found = labels @ gram @ labels, (gram**2).sum(), labels @ labels
        totals += line.weights[list(chosen)].prod() * np.array(found)
    stated = alignment_moments(net, beta, centring).sums(samples)
    np.testing.assert_allclose(stated, totals, rtol=1e-11)


@pytest.mark.parametrize("centring", CENTRINGS)
def test_sums_over_samples_in_more_dimensions(centring: Centring) -> None:
    """Two samples in two dimensions."""
    net, beta = machine(6, 3, 2, 0.8)
    over = gauss_hermite(2, 5, 0.5)
    totals = np.zeros(3)
    for a, b in product(range(25), repeat=2):
        points = over.points[[a, b]]
        own = Quadrature(points, np.full(2, 0.5))
        gram, labels = centred(own, net.kernel(points), 0.5 * (points @ beta) ** 2, centring)
        found = labels @ gram @ labels, (gram**2).sum(), labels @ labels
        totals += over.weights[a] * over.weights[b] * np.array(found)
    stated = alignment_moments(net, beta, centring).sums(2)
    np.testing.assert_allclose(stated, totals, rtol=1e-11)


@pytest.mark.parametrize("centring", CENTRINGS)
def test_measured_alignment_approaches_the_expected_one(centring: Centring) -> None:
    """Ratio of means against the mean of ratios of 40 samples of 300 points at D = 20."""
    net, beta = machine(8, 40, 20, 0.5)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((40, 300, 20)) / np.sqrt(20)
    measured = [gram_alignment(net.kernel(x), 0.5 * (x @ beta) ** 2, centring) for x in inputs]
    moments = alignment_moments(net, beta, centring)
    # |y|^2 has a heavy tail: the ratio of means differs from the mean of ratios by its variance
    bias = 10.0 / 300
    error = 4.0 * np.std(measured) / np.sqrt(40)
    assert abs(np.mean(measured) - moments.sample(300)) < error + bias * moments.sample(300)
    # the population's value is another: half of the sample's is the diagonal's
    assert moments.population() < 0.75 * np.mean(measured)
    assert moments.sample(10**9) == pytest.approx(moments.population(), rel=1e-5)


def test_batches_of_machines() -> None:
    nets = [machine(seed, 3, 4, 0.5)[0] for seed in range(2)]
    beta = np.arange(4.0)
    batch = Committee(np.stack([net.weights for net in nets]), 1.0, np.array([0.5, 0.5]))
    together = alignment_moments(batch, beta).sample(7)
    for k, net in enumerate(nets):
        assert together[k] == pytest.approx(alignment_moments(net, beta).sample(7), rel=1e-13)


def test_gram_alignment_is_one_for_the_labels_themselves() -> None:
    labels = np.array([1.0, -2.0, 0.5, 3.0])
    for centring in CENTRINGS:
        own = labels - labels.mean() if centring != "none" else labels
        assert gram_alignment(np.outer(own, own), labels, centring) == pytest.approx(1.0, rel=1e-14)
    shifted = np.outer(labels, labels) + 5.0
    assert gram_alignment(shifted, labels, "both") == pytest.approx(1.0, rel=1e-14)
    assert gram_alignment(shifted, labels, "none") < 0.99


def test_bad_input_is_named() -> None:
    net, beta = machine(0, 2, 3, 0.5)
    with pytest.raises(InvalidInput, match="readout is trained"):
        alignment_moments(Committee(net.weights, 1.0, 0.5, np.ones(2)), beta)
    with pytest.raises(InvalidInput, match="degree is not 2"):
        alignment_moments(Committee(net.weights, 1.0, 0.5, degree=3), beta)
    with pytest.raises(InvalidInput, match="centring is 'half'"):
        alignment_moments(net, beta, "half")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="centring is 'half'"):
        gram_alignment(np.eye(2), np.ones(2), "half")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="gram has shape"):
        gram_alignment(np.eye(3), np.ones(2))
    with pytest.raises(InvalidInput, match="samples is 1"):
        alignment_moments(net, beta).sample(1)


@pytest.mark.parametrize(
    ("samples", "label", "centring"), [(4, 1.0, "both"), (4, 0.0, "none"), (1, 2.0, "one-sided")]
)
def test_labels_of_which_nothing_is_left_have_no_alignment(
    samples: int, label: float, centring: Centring
) -> None:
    with pytest.raises(InvalidInput, match="zero once centred"):
        gram_alignment(np.eye(samples), np.full(samples, label), centring)
