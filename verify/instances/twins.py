"""Twins: instances that a theorem must treat alike, and exactly how their numbers are related.

A twin has theta'(t') = kappa Q theta(t) with an orthogonal Q, and f'(theta'; x') = +-sigma
f(theta; x), sigma being 1 but where targets are rescaled. The mean loss is sigma^2 times as large
and its gradient becomes sigma^2 Q grad / kappa, so the flow down the gradient of the loss and
-lambda theta is kept by

    t' = (kappa / sigma)^2 t,    lambda' = lambda (sigma / kappa)^2,    lambda' t' = lambda t.

Its anchor is a Q anchor, so alpha' = alpha kappa / a; and, for a net of degree L, gradients at the
anchor are sigma (a / kappa)^(L-1) / kappa times those of the instance, times Q^T. As the problem
counts them (`FlowInstance.own`), alpha and lambda are those of the instance, and so is every t_g.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log10

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer, TwoLayerReLU
from theory.nets.activations import activation_named
from theory.problem import Problem, Regime
from verify.instances.flow import FlowInstance

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Twin:
    """A twin of an instance, and how its numbers follow from those of the instance.

    Attributes:
        name: what was done.
        original, instance: the instance and its twin.
        turn: Q, orthogonal, shape `(P, P)`.
        order: sample k of the twin is sample `order[k]` of the instance, shape `(n,)`.
        sign: of the outputs, +1 or -1; labels change with it, so that margins never do.
        log10_scale: log10 kappa.
        log10_anchor: log10 a.
        log10_target: log10 sigma.
    """

    name: str
    original: FlowInstance
    instance: FlowInstance
    turn: Floats
    order: Indices
    sign: float = 1.0
    log10_scale: float = 0.0
    log10_anchor: float = 0.0
    log10_target: float = 0.0

    def theta(self, theta: Floats) -> Floats:
        """Parameters of the twin at the same moment, shape `(..., P)`."""
        return np.asarray(10.0**self.log10_scale * (theta @ self.turn.T))

    def margins(self, margins: Floats) -> Floats:
        """Margins of the twin at the same moment, in classification, shape `(..., n)`."""
        return np.asarray(margins[..., self.order])

    def outputs(self, outputs: Floats) -> Floats:
        """Outputs of the twin at the same moment, shape `(..., n)`."""
        return np.asarray(self.sign * 10.0**self.log10_target * outputs[..., self.order])

    @property
    def log10_time(self) -> float:
        """log10 of t' / t."""
        return 2.0 * (self.log10_scale - self.log10_target)

    @property
    def log10_gradients(self) -> float:
        """log10 of the gradients at the anchor over those of the instance; also of the margin of
        the kernel SVM, and half that of the NTK.
        """
        degree = self.original.problem.degree
        turned = (degree - 1) * (self.log10_anchor - self.log10_scale) - self.log10_scale
        return turned + self.log10_target

    @property
    def log10_normalized_margin(self) -> float:
        """log10 of min q' / |theta'|^L over min q / |theta|^L."""
        return -self.original.problem.degree * self.log10_scale

    def gradients(self, gradients: Floats) -> Floats:
        """Gradients of the twin at its anchor, from those at the anchor, both `(n, P)`."""
        return np.asarray(self.sign * self._gradient_factor * gradients[self.order] @ self.turn.T)

    def kernel(self, kernel: Floats) -> Floats:
        """The NTK of the twin at its anchor, from that at the anchor, both `(n, n)`."""
        return np.asarray(self._gradient_factor**2 * kernel[np.ix_(self.order, self.order)])

    def kernel_margin(self, margin: float) -> float:
        """The margin of the twin's kernel SVM."""
        return self._gradient_factor * margin

    @cached_property
    def _gradient_factor(self) -> float:
        return float(10.0**self.log10_gradients)


def relabelled(instance: FlowInstance) -> Twin:
    """All labels turned round, and the parameters by the symmetry with f(S theta) = -f(theta).

    Raises:
        InvalidInput: a net whose symmetry is not known.
    """
    problem, net = instance.problem, instance.problem.net
    if problem.classes is not None:
        raise InvalidInput(f"classes is {problem.classes}; only two labels can be exchanged")
    indices, signs = np.arange(problem.parameters), np.ones(problem.parameters)
    match net:
        case Diagonal() | Factorization():
            indices = np.roll(indices, indices.size // 2)
        case TwoLayer() | TwoLayerReLU():
            signs[: net.width] = -1.0
        case Deep():
            signs[-net.widths[-2] :] = -1.0
        case _:
            raise InvalidInput(f"net is {net}; no symmetry that turns its outputs round is known")
    turn = signs[:, None] * np.eye(indices.size)[indices]
    changed = replace(problem, anchor=turn @ problem.anchor, labels=-problem.labels)
    twin = replace(instance, problem=changed)
    return Twin("relabelled", instance, twin, turn, np.arange(problem.samples), sign=-1.0)


def permuted_samples(instance: FlowInstance, order: Sequence[int] | Indices) -> Twin:
    """The samples in another order."""
    problem = instance.problem
    order = _permutation("order", order, problem.samples)
    changed = replace(problem, inputs=problem.inputs[order], labels=problem.labels[order])
    twin = replace(instance, problem=changed)
    return Twin("samples permuted", instance, twin, np.eye(problem.parameters), order)


def interchangeable(net: HomogeneousNet) -> tuple[int, ...]:
    """How many units of each sort can be exchanged without changing what the net can do.

    Coordinates of a diagonal net; neurons of each hidden layer; rows, then columns of the factors.
    """
    match net:
        case Diagonal():
            return (net.input_dim,)
        case TwoLayer() | TwoLayerReLU():
            return (net.width,)
        case Deep():
            return net.widths[1:-1]
        case Factorization():
            return net.size, net.rank
    return ()


def permuted_parameters(instance: FlowInstance, orders: Sequence[Sequence[int] | Indices]) -> Twin:
    """Units in another order, one order for each sort of `interchangeable`; the inputs follow.

    Raises:
        InvalidInput: orders that are no permutations of the units, or a net without any.
    """
    problem, net = instance.problem, instance.problem.net
    sizes = interchangeable(net)
    if not sizes or len(orders) != len(sizes):
        raise InvalidInput(f"orders holds {len(orders)} orders; {net} has {len(sizes)} to give")
    if problem.classes is not None:
        raise InvalidInput(f"classes is {problem.classes}; units are exchanged at one output only")
    given = [_permutation("orders", o, size) for o, size in zip(orders, sizes, strict=True)]
    places, inputs = np.arange(problem.parameters), problem.inputs
    match net:
        case Diagonal():
            places = places.reshape(2, -1)[:, given[0]]
            inputs = inputs[:, given[0]]
        case TwoLayer() | TwoLayerReLU():
            readout, hidden = net.split(places)
            places = np.concatenate([readout[given[0]], hidden[given[0]].ravel()])
        case Deep():
            outer = [*given, np.arange(1)]
            inner = [np.arange(net.widths[0]), *given]
            layers = zip(net.layers(places), outer, inner, strict=True)
            places = np.concatenate([layer[np.ix_(o, i)].ravel() for layer, o, i in layers])
        case Factorization():
            places = net.factors(places)[:, given[0]][:, :, given[1]]
            inputs = np.argsort(given[0])[inputs.astype(np.int64)].astype(np.float64)
    turn = np.eye(problem.parameters)[np.asarray(places).ravel()]
    changed = replace(problem, anchor=turn @ problem.anchor, inputs=inputs)
    twin = replace(instance, problem=changed)
    return Twin("parameters permuted", instance, twin, turn, np.arange(problem.samples))


def turned_inputs(instance: FlowInstance, rotation: Floats) -> Twin:
    """Inputs times an orthogonal matrix, and the first layer with them.

    Args:
        rotation: R, shape `(d, d)`; inputs become R x.

    Raises:
        InvalidInput: a net whose first layer is not dense.
    """
    problem, net = instance.problem, instance.problem.net
    match net:
        case TwoLayer() | TwoLayerReLU():
            readout = np.eye(net.output_dim * net.width)
            turn = block_diag(readout, *[rotation] * net.width)
        case Deep():
            rest = net.parameters - net.widths[1] * net.widths[0]
            turn = block_diag(*[rotation] * net.widths[1], np.eye(rest))
        case _:
            raise InvalidInput(f"net is {net}; only dense first layers turn with their inputs")
    changed = replace(problem, anchor=turn @ problem.anchor, inputs=problem.inputs @ rotation.T)
    twin = replace(instance, problem=changed)
    return Twin("inputs turned", instance, twin, turn, np.arange(problem.samples))


def rescaled_anchor(instance: FlowInstance, factor: float) -> Twin:
    """The anchor times `factor` and alpha divided by it: the same flow, from another alpha.

    The exponent p of lambda = alpha^-p becomes another one, lambda stays.

    Raises:
        InvalidInput: a factor that is not positive, or that leaves alpha at 1 or below.
    """
    return _rescaled(instance, "anchor rescaled", instance.problem, 0.0, _log10(factor))


def rescaled_inputs(instance: FlowInstance, factor: float) -> Twin:
    """Inputs times `factor`; the anchor, lambda and time answer, so that margins stay.

    With m the degree in the inputs kappa = factor^(-m/L). alpha stays; the exponent p of
    lambda = alpha^-p becomes another one.

    Raises:
        InvalidInput: a factor that is not positive, or a net without a degree in its inputs.
    """
    problem, degree = instance.problem, input_degree(instance.problem.net)
    if degree is None:
        raise InvalidInput(f"net is {problem.net}; no degree in its inputs is known")
    scale = -degree * _log10(factor) / problem.degree
    changed = replace(problem, inputs=factor * problem.inputs)
    return _rescaled(instance, "inputs rescaled", changed, scale, scale)


def rescaled_targets(instance: FlowInstance, factor: float) -> Twin:
    """Targets times `factor`; alpha, lambda and time answer: kappa = factor^(1/L).

    Raises:
        InvalidInput: a factor that is not positive, or that leaves alpha at 1 or below; a loss that
            tells signs apart.
    """
    problem = instance.problem
    if problem.loss_function.classifies:
        raise InvalidInput(f"loss is {problem.loss!r}; only targets of 'squared' have units")
    target = _log10(factor)
    changed = replace(problem, labels=factor * problem.labels)
    return _rescaled(instance, "targets rescaled", changed, target / problem.degree, 0.0, target)


def _rescaled(
    instance: FlowInstance,
    name: str,
    changed: Problem,
    log10_scale: float,
    log10_anchor: float,
    log10_target: float = 0.0,
) -> Twin:
    regime = Regime(
        log10_alpha=instance.regime.log10_alpha + log10_scale - log10_anchor,
        log10_lambda=instance.regime.log10_lambda + 2.0 * (log10_target - log10_scale),
    )
    changed = replace(changed, anchor=10.0**log10_anchor * changed.anchor)
    twin = replace(instance, problem=changed, regime=regime)
    samples = np.arange(changed.samples)
    turn = np.eye(changed.parameters)
    return Twin(name, instance, twin, turn, samples, 1.0, log10_scale, log10_anchor, log10_target)


def twins_of(
    instance: FlowInstance, random: np.random.Generator, decades: float = 8.0
) -> Iterator[Twin]:
    """A twin of every sort that the net has, drawn from `random`.

    Args:
        decades: inputs are rescaled by 10^-decades to 10^decades, anchor and targets as far as
            that leaves alpha above 10.
    """
    problem, net = instance.problem, instance.problem.net
    yield permuted_samples(instance, random.permutation(problem.samples))
    known = isinstance(net, (Diagonal, Factorization, TwoLayer, TwoLayerReLU, Deep))
    if known and problem.classes is None:
        yield relabelled(instance)
        yield permuted_parameters(instance, [random.permutation(k) for k in interchangeable(net)])
    if isinstance(net, (TwoLayer, TwoLayerReLU, Deep)):
        dimension = problem.inputs.shape[1]
        yield turned_inputs(instance, np.linalg.qr(random.normal(size=(dimension, dimension)))[0])
    if input_degree(net) is not None:
        yield rescaled_inputs(instance, 10.0 ** random.uniform(-decades, decades))
    largest = min(decades, instance.regime.log10_alpha - 1.0)
    if largest > -decades:
        yield rescaled_anchor(instance, 10.0 ** random.uniform(-decades, largest))
    smallest = max(-decades, -largest * problem.degree)
    if not problem.loss_function.classifies and smallest < decades:
        yield rescaled_targets(instance, 10.0 ** random.uniform(smallest, decades))


def input_degree(net: HomogeneousNet) -> int | None:
    """m with f(theta; c x) = c^m f(theta; x) for all c > 0; None where there is none or it is not
    known: the inputs of a factorization are indices.

    1 for a diagonal net; the exponent of its activation for a two-layer net; that exponent to the
    power of the number of hidden layers for a deep one.
    """
    match net:
        case Diagonal():
            return 1
        case TwoLayer() | TwoLayerReLU():
            return net.degree - 1
        case Deep():
            return int(activation_named(net.activation).exponent ** (len(net.widths) - 2))
    return None


def _log10(factor: float) -> float:
    if not 0.0 < factor < np.inf:
        raise InvalidInput(f"factor is {factor}; it must be positive and finite")
    return log10(factor)


def _permutation(name: str, order: Sequence[int] | Indices, size: int) -> Indices:
    given = np.asarray(order)
    if given.shape != (size,) or not np.array_equal(np.sort(given), np.arange(size)):
        raise InvalidInput(f"{name} is {list(order)}; it must be an order of 0 to {size - 1}")
    return given.astype(np.int64)
