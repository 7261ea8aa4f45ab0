"""Random flows and their twins: the same flow in other units, another order or another sign.

Run `python -m tests.theory.flow.twins 0 1000` for the worst disagreement over a thousand of them.
"""

import sys
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from theory.anchors import (
    balanced_anchor,
    difference_anchor,
    rescaled_difference_anchor,
    zero_readout_anchor,
)
from theory.backend import Floats, Integers
from theory.errors import AssumptionError, NumericalFailure
from theory.flow import Trajectory, gradient_flow
from theory.kernel.ntk import unit_features
from theory.kernel.svm import max_margin
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer
from theory.problem import Problem, Regime

LARGEST: Final = 8.0
"""log10 of the factors of units."""

SMALLEST_SCALE: Final = 0.5
"""log10 alpha of a twin at least; alpha must exceed 1."""

SMALLEST_MARGIN: Final = 1e-3
"""Of kernel margins relative to the largest gradient; a flow resolves the margins of worse tasks
with as many digits less."""

COARSE: Final = 1e-6
"""Told errors beyond it are worth a look."""

AT: Final = (0.6, 1.0, 1.4)
LOSSES: Final = ("exponential", "logistic", "squared")
KINDS: Final = (
    *("diagonal", "two_layer", "factorization", "diagonal", "deep", "diagonal", "two_layer"),
    *("factorization", "diagonal", "diagonal", "two_layer", "module"),
)
"""A flow of a deep net or through torch alone takes ten times as long as others."""


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
    """The same flow told otherwise: its outputs are `factor` times those of samples `order`."""

    flow: Flow
    order: Integers
    factor: float = 1.0

    @classmethod
    def of(cls, flow: Flow) -> "Twin":
        """The flow itself."""
        return cls(flow, np.arange(flow.problem.samples))


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


def anchor_rescaled(twin: Twin, generator: np.random.Generator) -> Twin:
    """theta-bar times k at alpha / k."""
    room = twin.flow.regime.log10_alpha - SMALLEST_SCALE
    factor = _factor(generator, -np.inf, room)
    problem = twin.flow.problem
    problem = replace(problem, anchor=10.0**factor * problem.anchor)
    return _retold(twin, problem, log10_alpha=-factor)


def inputs_rescaled(twin: Twin, generator: np.random.Generator) -> Twin:
    """f times c at alpha c^(-1/L), lambda c^(2/L)."""
    flow, degree = twin.flow, twin.flow.problem.degree
    if not flow.input_degree:
        return twin
    room = (flow.regime.log10_alpha - SMALLEST_SCALE) * degree / flow.input_degree
    factor = _factor(generator, -np.inf, room)
    scale = factor * flow.input_degree / degree
    problem = replace(flow.problem, inputs=10.0**factor * flow.problem.inputs)
    return _retold(twin, problem, log10_alpha=-scale, log10_lambda=2.0 * scale)


def targets_rescaled(twin: Twin, generator: np.random.Generator) -> Twin:
    """y times Y at alpha Y^(1/L), lambda Y^(2 - 2/L)."""
    problem, degree = twin.flow.problem, twin.flow.problem.degree
    if problem.loss_function.classifies:
        return twin
    room = (twin.flow.regime.log10_alpha - SMALLEST_SCALE) * degree
    factor = _factor(generator, -room, np.inf)
    by_lambda = (2.0 - 2.0 / degree) * factor
    own = replace(problem, labels=10.0**factor * problem.labels)
    told = _retold(twin, own, log10_alpha=factor / degree, log10_lambda=by_lambda)
    return replace(told, factor=10.0**factor * twin.factor)


def samples_permuted(twin: Twin, generator: np.random.Generator) -> Twin:
    problem = twin.flow.problem
    order = generator.permutation(problem.samples)
    own = replace(problem, inputs=problem.inputs[order], labels=problem.labels[order])
    return replace(twin, flow=replace(twin.flow, problem=own), order=twin.order[order])


def labels_flipped(twin: Twin, _: np.random.Generator) -> Twin:
    """-y, from an anchor at which the net is the negative one."""
    problem = twin.flow.problem
    own = replace(problem, anchor=_opposite(problem), labels=-problem.labels)
    return replace(twin, flow=replace(twin.flow, problem=own), factor=-twin.factor)


def parameters_permuted(twin: Twin, generator: np.random.Generator) -> Twin:
    own = _permuted(twin.flow.problem, generator)
    return replace(twin, flow=replace(twin.flow, problem=own))


CHANGES: Final = (
    anchor_rescaled,
    inputs_rescaled,
    targets_rescaled,
    samples_permuted,
    labels_flipped,
    parameters_permuted,
)


def twin_of(flow: Flow, generator: np.random.Generator) -> Twin:
    """All changes at once, those of units in random order: they share the room that alpha has."""
    twin = Twin.of(flow)
    for change in generator.permutation(np.array(CHANGES, dtype=object)):
        twin = change(twin, generator)
    return twin


def _factor(generator: np.random.Generator, low: float, high: float) -> float:
    """log10 of a factor that alpha can take up."""
    return float(generator.uniform(max(-LARGEST, low), min(LARGEST, high)))


def _retold(twin: Twin, problem: Problem, *, log10_alpha: float, log10_lambda: float = 0.0) -> Twin:
    flow = twin.flow
    regime = Regime(
        log10_alpha=flow.regime.log10_alpha + log10_alpha,
        log10_lambda=flow.regime.log10_lambda + log10_lambda,
    )
    return replace(twin, flow=replace(flow, problem=problem, regime=regime))


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


def integrated(flow: Flow) -> Trajectory:
    """The flow, with its told error."""
    return gradient_flow(flow.problem, flow.regime, flow.at)


def disagreement(own: Trajectory, other: Trajectory, twin: Twin) -> Floats:
    """The largest difference of outputs, relative to the largest of them, shape `(T,)`."""
    expected = own.outputs(own.problem.inputs)[:, twin.order]
    found = other.outputs(other.problem.inputs) / twin.factor
    return np.asarray(np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1))


@dataclass(frozen=True)
class Finding:
    """How far a flow is from its twin; `told` is the sum of their errors, all `(T,)`."""

    seed: int
    kind: str
    loss: str
    gap: Floats
    told: Floats
    failure: str = ""

    @property
    def ratio(self) -> float:
        """The largest part of the told error that is used; 0 where nothing is told."""
        return float((self.gap / self.told).max())

    def __str__(self) -> str:
        what = self.failure or f"gap {self.gap} of {self.told} told"
        return f"{self.seed} {self.kind} {self.loss}: {what}"


def compare(seed: int) -> Finding:
    """A random flow and its twin."""
    generator = np.random.default_rng(seed)
    kind, loss = KINDS[seed % len(KINDS)], LOSSES[seed // len(KINDS) % len(LOSSES)]
    flow = random_flow(generator, kind, loss)
    twin = twin_of(flow, generator)
    try:
        own, other = integrated(flow), integrated(twin.flow)
    except NumericalFailure as error:
        nothing = np.zeros(len(AT))
        return Finding(seed, kind, loss, nothing, nothing + np.inf, str(error))
    told = own.error_estimate + other.error_estimate
    return Finding(seed, kind, loss, disagreement(own, other, twin), told)


def main(first: int, last: int) -> None:
    found: dict[str, list[Finding]] = {}
    for seed in range(first, last):
        finding = compare(seed)
        found.setdefault(f"{finding.kind}, {finding.loss}", []).append(finding)
        if finding.failure or finding.ratio > 1.0 or finding.told.max() > COARSE:
            print(finding, flush=True)
    for kind, findings in sorted(found.items()):
        ratios = [finding.ratio for finding in findings if not finding.failure]
        told = [float(finding.told.max()) for finding in findings if not finding.failure]
        print(
            f"{kind:28} {len(findings):4d} flows, {len(findings) - len(ratios)} unfinished; part of"
            f" the told error: median {np.median(ratios):.2g}, largest {max(ratios):.2g}; told:"
            f" median {np.median(told):.1e}, largest {max(told):.1e}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
