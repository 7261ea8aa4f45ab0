"""Kernel machines that a theory may predict: the right one, and the wrong ones of the rivals."""

from enum import Enum

import numpy as np

from theory.backend import Floats
from theory.errors import AssumptionError, NumericalFailure
from theory.kernel import max_margin
from theory.nets import Deep, Factorization, PairNet, TwoLayer, TwoLayerReLU
from theory.problem import Problem


class Kernel(Enum):
    """Whose features the machine is linear in."""

    NTK = "the NTK at the anchor"
    ELSEWHERE = "the NTK at another point"
    INPUTS = "the raw inputs"
    ONE_LAYER = "the NTK of one layer"


class Machine(Enum):
    """Which linear machine it is."""

    MAX_MARGIN = "maximum margin"
    WITH_BIAS = "maximum margin with a bias"
    INTERPOLATION = "least-norm interpolation of the labels"


def probe_inputs(problem: Problem) -> Floats:
    """Inputs off the training set that tell kernels apart: all pairs, or fixed Gaussians with the
    root mean squares of the training set's columns, or of all of it where a column is zero.
    """
    if isinstance(problem.net, Factorization):
        size = problem.net.size
        return np.array([(i, j) for i in range(size) for j in range(i, size)], dtype=np.float64)
    sizes = np.sqrt((problem.inputs**2).mean(axis=0))
    overall = float(np.sqrt((sizes**2).mean()))
    sizes = np.where(sizes > 0.0, sizes, overall if overall > 0.0 else 1.0)
    return np.asarray(sizes * np.random.default_rng(0).standard_normal((8, len(sizes))))


def kernel_machine_outputs(
    problem: Problem, probes: Floats, kernel: Kernel, machine: Machine
) -> Floats | None:
    """The kernel machine of unit norm on training inputs, then probes; None if there is none."""
    train, test = features_of_kernel(problem, probes, kernel)
    if machine is Machine.WITH_BIAS:
        # a bias is a constant feature too large to be regularised
        bias = 1e3 * float(np.abs(train).max())
        train, test = (_with_bias(x, bias) for x in (train, test))
    try:
        if machine is Machine.INTERPOLATION:
            rows, labels = _rows(problem, train), problem.row_labels
            weights = np.linalg.lstsq(rows, labels, rcond=None)[0]
        else:
            weights = max_margin(problem.row_labels[:, None] * _rows(problem, train)).weights
    except (AssumptionError, NumericalFailure):
        return None
    weights = weights / np.linalg.norm(weights)
    return np.concatenate([train @ weights, test @ weights])


def _with_bias(features: Floats, bias: float) -> Floats:
    """One more feature, of several classes one for each."""
    if features.ndim == 2:
        return np.column_stack([features, np.full(len(features), bias)])
    samples, classes, _ = features.shape
    own = np.broadcast_to(bias * np.eye(classes), (samples, classes, classes))
    return np.concatenate([features, own], axis=-1)


def _rows(problem: Problem, features: Floats) -> Floats:
    """Unsigned features of the rows that the loss is of."""
    net = problem.row_net
    return (
        np.asarray(net.differences(features, trailing=1)) if isinstance(net, PairNet) else features
    )


def features_of_kernel(problem: Problem, probes: Floats, kernel: Kernel) -> tuple[Floats, Floats]:
    """Unsigned features of training inputs and of probes, `(n, P)`; `(n, K, P)` of K classes."""
    net, anchor = problem.net, problem.anchor
    if kernel is Kernel.INPUTS and isinstance(net, Factorization):
        return _one_hot(problem.inputs, problem.inputs), _one_hot(probes, problem.inputs)
    if kernel is Kernel.INPUTS and problem.classes is not None:
        identity = np.eye(problem.classes)
        train, test = (np.kron(identity, x[:, None]) for x in (problem.inputs, probes))
        return np.asarray(train, dtype=np.float64), np.asarray(test, dtype=np.float64)
    if kernel is Kernel.INPUTS:
        return problem.inputs, probes
    if kernel is Kernel.ELSEWHERE:
        anchor = np.random.default_rng(1).standard_normal(anchor.size)
    columns = _one_layer(problem) if kernel is Kernel.ONE_LAYER else slice(None)
    return (
        np.asarray(net.jacobian(anchor, problem.inputs)[..., columns]),
        np.asarray(net.jacobian(anchor, probes)[..., columns]),
    )


def _one_hot(pairs: Floats, observed: Floats) -> Floats:
    """Index pairs as unrelated symbols."""
    return np.array([[float(np.array_equal(p, q)) for q in observed] for p in pairs])


def _one_layer(problem: Problem) -> slice:
    """The readout's parameters; the first half for nets without layers."""
    net = problem.net
    if isinstance(net, (TwoLayer, TwoLayerReLU)):
        return slice(0, net.output_dim * net.width)
    if isinstance(net, Deep):
        return slice(-net.output_dim * net.widths[-2], None)
    return slice(0, problem.parameters // 2)
