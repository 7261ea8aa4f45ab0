"""Random flows and their twins: the same flow in other units, another order or another sign.

Run `python -m tests.theory.flow.twins 1000` for the worst disagreement over a thousand of them.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from theory.anchors import (
    balanced_anchor,
    difference_anchor,
    rescaled_difference_anchor,
    zero_readout_anchor,
)
from theory.backend import Floats
from theory.errors import AssumptionError, NumericalFailure
from theory.flow import Trajectory, gradient_flow
from theory.kernel.ntk import unit_features
from theory.kernel.svm import max_margin
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer
from theory.problem import Problem, Regime

LARGEST: Final = 8.0
"""log10 of the factors of units."""

SMALLEST_MARGIN: Final = 1e-3
"""Of kernel margins relative to the largest gradient; a flow resolves the margins of worse tasks
with as many digits less."""

AT: Final = (0.6, 1.0, 1.4)
LOSSES: Final = ("exponential", "logistic", "squared")
KINDS: Final = (*3 * ("diagonal", "two_layer", "deep", "factorization"), "module")
"""A net through torch alone takes twenty times as long."""


class Quartic(HomogeneousNet):
    """What a user writes: two coupled copies of opposite sign, through torch alone."""

    degree = 4

    def forward(self, theta: Any, inputs: Any) -> Any:
        a, b, c, d = theta.reshape(4, -1)
        return (inputs @ a) * (inputs @ b) ** 3 - (inputs @ c) * (inputs @ d) ** 3


@dataclass(frozen=True)
class Flow:
    """A problem, its regime, and decay times s; `input_degree` is that of f in x, 0 for none."""

    problem: Problem
    regime: Regime
    decay_times: Floats
    input_degree: int

    @property
    def at(self) -> list[float]:
        return list(self.decay_times / self.regime.log_alpha)


@dataclass(frozen=True)
class Twin:
    """The same flow told otherwise; `order` `(n,)` and `labels` lead its margins back."""

    name: str
    flow: Flow
    order: Floats | None = None


def random_flow(generator: np.random.Generator, kind: str, loss: str) -> Flow:
    """A flow whose data are separable, or whose targets are realizable, by its kernel."""
    while True:
        net, anchor, dimension, input_degree = _net(generator, kind)
        samples = int(generator.integers(1, 5))
        if isinstance(net, Factorization):
            inputs = _pairs(generator, net.size, samples)
        else:
            inputs = generator.standard_normal((samples, dimension))
        size = 10.0 ** generator.uniform(-2.0, 2.0)
        targets = generator.standard_normal(len(inputs))
        labels = targets if loss == "squared" else np.sign(targets)
        problem = Problem(net, size * anchor, inputs, labels, loss)
        if _resolved(problem):
            break
    log10_alpha = generator.uniform(1.0, 12.0) + 1.0
    power = generator.uniform(0.5, 3.0)
    regime = Regime(log10_alpha=log10_alpha, decay_power=power)
    return Flow(problem, regime, np.array(AT) * regime.log_alpha, input_degree)


def _net(generator: np.random.Generator, kind: str) -> tuple[HomogeneousNet, Floats, int, int]:
    """A net, an anchor of unit norm, the dimension of its inputs and its degree in them."""
    dimension = int(generator.integers(2, 5))
    if kind == "diagonal":
        diagonal = Diagonal(dimension, int(generator.choice([2, 2, 3, 4, 6, 10])))
        half = generator.uniform(0.5, 1.5, dimension)
        return diagonal, balanced_anchor(diagonal, half), dimension, 1
    if kind == "factorization":
        net = Factorization(dimension, int(generator.integers(1, 4)))
        half = generator.standard_normal(net.parameters // 2)
        return net, balanced_anchor(net, half), 2, 0
    if kind == "module":
        half = generator.standard_normal((2, dimension))
        anchor = np.concatenate([half, half]).ravel()
        return Quartic(), anchor / np.linalg.norm(anchor), dimension, 4
    if kind == "two_layer":
        activation = str(generator.choice(["square", "cube", "relu_squared", "relu_cubed"]))
        two = TwoLayer(2 * int(generator.integers(1, 4)), dimension, activation)
        return two, _anchor(generator, two), dimension, two.degree - 1
    activation = str(generator.choice(["linear", "linear", "square"]))
    widths = (dimension, 2 * int(generator.integers(1, 3)), 2 * int(generator.integers(1, 3)), 1)
    deep = Deep(widths, activation)
    return deep, _anchor(generator, deep), dimension, {"linear": 1, "square": 4}[activation]


def _anchor(generator: np.random.Generator, net: TwoLayer | Deep) -> Floats:
    way = generator.integers(3)
    if way == 0:
        return zero_readout_anchor(net, generator.standard_normal(net.parameters))
    halved = (
        TwoLayer(net.width // 2, net.input_dim, net.activation)
        if isinstance(net, TwoLayer)
        else Deep((net.widths[0], *(w // 2 for w in net.widths[1:-1]), 1), net.activation)
    )
    half = generator.standard_normal(halved.parameters)
    if way == 1:
        return difference_anchor(net, half)
    return rescaled_difference_anchor(net, half, float(generator.uniform(0.7, 1.4)))


def _pairs(generator: np.random.Generator, size: int, samples: int) -> Floats:
    every = np.array([(i, j) for i in range(size) for j in range(i, size)], dtype=np.float64)
    return generator.permutation(every)[: min(samples, len(every))]


def _resolved(problem: Problem) -> bool:
    features = unit_features(problem)
    if not problem.loss_function.classifies:
        singular = np.linalg.svd(features, compute_uv=False)
        return len(singular) == problem.samples and singular[-1] > 1e-2 * singular[0]
    try:
        return max_margin(features).margin_low > SMALLEST_MARGIN
    except (AssumptionError, NumericalFailure):
        return False


def twins(flow: Flow, generator: np.random.Generator) -> Iterator[Twin]:
    """Each kind of twin that the flow has."""
    problem, degree = flow.problem, flow.problem.degree
    factor = _factor(generator, -np.inf, flow.regime.log10_alpha - 0.5)
    own = replace(problem, anchor=10.0**factor * problem.anchor)
    yield Twin("anchor", _retold(flow, own, -factor, 0.0))
    if flow.input_degree:
        room = (flow.regime.log10_alpha - 0.5) * degree / flow.input_degree
        factor = _factor(generator, -np.inf, room)
        scale = factor * flow.input_degree
        own = replace(problem, inputs=10.0**factor * problem.inputs)
        yield Twin("inputs", _retold(flow, own, -scale / degree, 2.0 * scale / degree))
    if not problem.loss_function.classifies:
        factor = _factor(generator, -(flow.regime.log10_alpha - 0.5) * degree, np.inf)
        own = replace(problem, labels=10.0**factor * problem.labels)
        by_lambda = (2.0 - 2.0 / degree) * factor
        yield Twin("targets", _retold(flow, own, factor / degree, by_lambda))
    order = generator.permutation(problem.samples)
    own = replace(problem, inputs=problem.inputs[order], labels=problem.labels[order])
    yield Twin("samples", replace(flow, problem=own), order)
    own = replace(problem, anchor=_opposite(problem), labels=-problem.labels)
    yield Twin("labels", replace(flow, problem=own))
    yield Twin("parameters", replace(flow, problem=_permuted(problem, generator)))


def _factor(generator: np.random.Generator, low: float, high: float) -> float:
    """log10 of a factor that alpha can take up."""
    return float(generator.uniform(max(-LARGEST, low), min(LARGEST, high)))


def _retold(flow: Flow, problem: Problem, log10_alpha: float, log10_lambda: float) -> Flow:
    regime = Regime(
        log10_alpha=flow.regime.log10_alpha + log10_alpha,
        log10_lambda=flow.regime.log10_lambda + log10_lambda,
    )
    return replace(flow, problem=problem, regime=regime)


def _opposite(problem: Problem) -> Floats:
    """The anchor of a net whose outputs are the negative ones."""
    net, anchor = problem.net, problem.anchor.copy()
    if isinstance(net, TwoLayer):
        anchor[: net.width] *= -1.0
        return anchor
    if isinstance(net, Deep):
        anchor[-net.widths[-2] :] *= -1.0
        return anchor
    return np.roll(anchor, anchor.size // 2)


def _permuted(problem: Problem, generator: np.random.Generator) -> Problem:
    """Parameters in another order: coordinates of inputs, or hidden units."""
    net, anchor, inputs = problem.net, problem.anchor, problem.inputs
    if isinstance(net, Diagonal | Quartic):
        order = generator.permutation(inputs.shape[1])
        rows = anchor.reshape(-1, inputs.shape[1])[:, order]
        return replace(problem, anchor=rows.ravel(), inputs=inputs[:, order])
    if isinstance(net, TwoLayer):
        order = generator.permutation(net.width)
        readout, hidden = net.split(anchor)
        return replace(problem, anchor=np.concatenate([readout[order], hidden[order].ravel()]))
    if isinstance(net, Factorization):
        order = generator.permutation(net.rank)
        return replace(problem, anchor=net.factors(anchor)[..., order].ravel())
    assert isinstance(net, Deep)
    first, second, last = net.layers(anchor)
    one, two = generator.permutation(len(first)), generator.permutation(len(second))
    layers = [first[one], second[np.ix_(two, one)], last[:, two]]
    return replace(problem, anchor=np.concatenate([layer.ravel() for layer in layers]))


def integrated(flow: Flow, **options: Any) -> Trajectory:
    """The flow, with its told error."""
    return gradient_flow(flow.problem, flow.regime, flow.at, **options)


def disagreement(own: Trajectory, other: Trajectory, twin: Twin) -> Floats:
    """The largest difference of margins, relative to the largest of them, shape `(T,)`."""
    margins = own.margins
    if twin.order is not None:
        margins = margins[:, twin.order]
    found = other.margins
    if twin.name == "targets":  # margins are y f
        margins, found = own.outputs(own.problem.inputs), other.outputs(other.problem.inputs)
        found = found * (own.problem.labels[0] / other.problem.labels[0])
    return np.asarray(np.abs(found - margins).max(axis=1) / np.abs(margins).max(axis=1))


def each(
    count: int, seed: int = 0, act: Callable[..., Trajectory] = integrated
) -> Iterator[tuple[int, str, str, str, Floats, Floats]]:
    """Number, kind, loss, twin, disagreement `(T,)` and told error `(T,)` of `count` flows."""
    for number in range(seed, seed + count):
        generator = np.random.default_rng(number)
        kind, loss = KINDS[number % len(KINDS)], LOSSES[number // len(KINDS) % len(LOSSES)]
        flow = random_flow(generator, kind, loss)
        try:
            own = act(flow)
        except NumericalFailure:
            yield number, kind, loss, "unfinished", np.zeros(len(AT)), np.full(len(AT), np.inf)
            continue
        for twin in twins(flow, generator):
            try:
                other = act(twin.flow)
            except NumericalFailure:
                unknown = np.full(len(AT), np.inf)
                yield number, kind, loss, f"{twin.name}, unfinished", np.zeros(len(AT)), unknown
                continue
            told = own.error_estimate + other.error_estimate
            yield number, kind, loss, twin.name, disagreement(own, other, twin), told


if __name__ == "__main__":
    ratios: dict[tuple[str, str], list[float]] = {}
    started = time.time()
    for number, kind, loss, name, found, told in each(int(sys.argv[1]), *map(int, sys.argv[2:3])):
        worst = int(np.argmax(found / told))
        if name == "anchor":
            print(number, kind, loss, round(time.time() - started), flush=True)
        ratios.setdefault((kind, name), []).append(float((found / told).max()))
        if not (found <= told).all() or told.max() > 1e-4:
            print(number, kind, loss, name, AT[worst], f"{found} of {told} told", flush=True)
    for (kind, name), values in sorted(ratios.items()):
        print(f"{kind:14} {name:12} {len(values):5d} {np.median(values):8.1e} {max(values):8.1e}")
