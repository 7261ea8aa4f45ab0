"""`theory.flow.chart` in compiled code, for the package's own families."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from math import exp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled, filling, inlined
from theory.compiled_clock import decay_time_at, log_rate
from theory.compiled_losses import code_of, coupled, curve, forces, root_of_curve
from theory.flow.chart import LARGEST_EXPONENT, LINEAR_BELOW, Chart
from theory.flow.compiled_nets import SPACE, grow
from theory.flow.compiled_pairs import bend_rows
from theory.flow.net_layout import NO_NET, Layout, layout_of
from theory.nets import ConstantFeature, Deep, Diagonal, TwoLayer
from theory.nets.constant_feature import with_constant
from theory.problem import Problem

OWN = (Diagonal, TwoLayer, Deep)
"""Families of several outputs."""

RECTIFIED, SIZE, ROWS = 2, 5, 8
"""Where the whole numbers of a chart tell whether its net is of rectifiers, P and n."""


class Equations(NamedTuple):
    """What the right-hand side of one flow in one chart is made of; names are those of `Chart`."""

    net: Layout
    loss: int
    comoving: bool
    degree: float
    log_alpha: float
    resting_gain: float
    gradient_unit: float
    base: Floats
    base_jacobian: Floats
    inputs: Floats
    labels: Floats
    base_outputs: Floats
    others: int


@dataclass(frozen=True, eq=False)
class CompiledChart:
    """Right-hand side and Jacobian of a chart, as an integrator calls them.

    Its equations lie in two arrays, since to hand a dozen arrays to compiled code takes ten times
    as long as the code itself.
    """

    whole: NDArray[np.int64]
    real: Floats

    low_rank = None

    @classmethod
    def of(cls, equations: Equations) -> "CompiledChart":
        net, arrays = equations.net, equations[7:12]
        switches = [net.family, net.exponent, net.rectified, equations.loss, equations.comoving]
        shapes = [equations.base.size, *equations.inputs.shape, equations.labels.size]
        couples = [equations.others, *net.heads.shape]
        whole = [*switches, *shapes, *couples, net.sizes.size, net.offsets.size]
        return cls(
            np.concatenate([whole, net.sizes, net.offsets, net.heads.ravel(), net.truth]),
            np.concatenate([equations[3:7], [net.off, net.smoothing], *map(np.ravel, arrays)]),
        )

    @property
    def rectified(self) -> bool:
        """Whether some derivative of the net jumps."""
        return bool(self.whole[RECTIFIED])

    @property
    def size(self) -> int:
        """P."""
        return int(self.whole[SIZE])

    @property
    def rows(self) -> int:
        """n, or the margins of several classes."""
        return int(self.whole[ROWS])

    @cached_property
    def rhs(self) -> Callable[[float, Floats], Floats]:
        """dy/dtau; a partial function, since a method of Python's takes as long as the slope."""
        return partial(slope, self.whole, self.real)

    @cached_property
    def jacobian(self) -> Callable[[float, Floats], Floats]:
        """d(dy/dtau)/dy, shape `(P, P)`."""
        return partial(slope_derivative, self.whole, self.real)


def compiled_chart(chart: Chart) -> CompiledChart | None:
    """None for nets of the user's own; gradients at the base are those of the linear net alone."""
    problem = chart.problem
    shape = problem.rows, problem.parameters
    return chart_of(
        problem,
        chart.labels,
        comoving=chart.comoving,
        log_alpha=chart.log_alpha,
        resting_gain=chart.resting_gain,
        gradient_unit=problem.units.gradient,
        base=chart.base,
        base_jacobian=chart.base_jacobian if chart.comoving else np.zeros(shape),
        base_outputs=chart.base_outputs,
    )


def without_net(chart: Chart) -> CompiledChart:
    """What a chart makes of rows and gradients that someone else computes."""
    problem = chart.problem
    return CompiledChart.of(
        Equations(
            NO_NET,
            code_of(problem.loss_function),
            chart.comoving,
            float(problem.degree),
            chart.log_alpha,
            chart.resting_gain,
            problem.units.gradient,
            np.empty(0),
            np.empty((problem.rows, 0)),
            np.empty((0, 0)),
            chart.labels,
            np.empty(0),
            coupled(problem.loss_function),
        )
    )


def plain_chart(problem: Problem) -> CompiledChart | None:
    """theta as it is, in the units that are told: outputs and gradients are those of the net."""
    return chart_of(
        problem,
        problem.row_labels,
        comoving=False,
        log_alpha=0.0,
        resting_gain=0.0,
        gradient_unit=1.0,
        base=np.zeros(problem.parameters),
        base_jacobian=np.zeros((problem.rows, problem.parameters)),
        base_outputs=np.empty(0),
    )


def chart_of(
    problem: Problem,
    labels: Floats,
    *,
    comoving: bool,
    log_alpha: float,
    resting_gain: float,
    gradient_unit: float,
    base: Floats,
    base_jacobian: Floats,
    base_outputs: Floats,
) -> CompiledChart | None:
    """The equations of a problem's net, from what `Chart` calls by these names; None as above."""
    plain, inputs = problem.net, problem.inputs
    if isinstance(plain, ConstantFeature):
        plain, inputs = plain.net, with_constant(inputs)
    several = problem.classes is not None
    net = layout_of(plain.head if several and isinstance(plain, OWN) else plain)
    if net is None or (several and not isinstance(plain, OWN)):
        return None
    if several and isinstance(plain, OWN):
        net = net._replace(heads=plain.heads, truth=problem.labels.astype(np.int64))
    return CompiledChart.of(
        Equations(
            net,
            code_of(problem.loss_function),
            comoving,
            float(problem.degree),
            log_alpha,
            resting_gain,
            gradient_unit,
            base,
            base_jacobian,
            inputs,
            labels,
            base_outputs,
            coupled(problem.loss_function),
        )
    )


@compiled
def equations_of(whole: NDArray[np.int64], real: Floats) -> Equations:
    size, samples, columns, rows, others, classes, own, layers, matrices = whole[5:14]
    sizes = 14 + layers
    offsets = sizes + matrices
    heads = offsets + classes * own
    arrays = whole[14:sizes], whole[sizes:offsets]
    classified = whole[offsets:heads].reshape((classes, own)), whole[heads:]
    net = Layout(whole[0], whole[1], whole[2] == 1, *arrays, real[4], real[5], *classified)
    jacobian = 6 + size
    inputs = jacobian + rows * size
    labels = inputs + samples * columns
    base_outputs = labels + rows
    return Equations(
        net,
        whole[3],
        whole[4] == 1,
        real[0],
        real[1],
        real[2],
        real[3],
        real[6:jacobian],
        real[jacobian:inputs].reshape((rows, size)),
        real[inputs:labels].reshape((samples, columns)),
        real[labels:base_outputs],
        real[base_outputs:],
        others,
    )


@inlined
def log_epsilon_at(system: Equations, decay_time: float) -> float:
    """log eps(s)."""
    return -system.degree * (system.log_alpha - decay_time) if system.comoving else 0.0


@inlined
def epsilon_at(system: Equations, decay_time: float) -> float:
    """eps(s)."""
    if not system.comoving:
        return 1.0
    log_epsilon = log_epsilon_at(system, decay_time)
    return exp(min(log_epsilon, LARGEST_EXPONENT)) if log_epsilon > LINEAR_BELOW else 0.0


@inlined
def decay_of(system: Equations) -> float:
    """kappa."""
    return system.degree if system.comoving else 1.0


@inlined
def drift_of(system: Equations) -> float:
    """-dG/ds."""
    return 2.0 * (system.degree - 1.0) if system.comoving else 0.0


@inlined
def log_gain_at(system: Equations, decay_time: float) -> float:
    """G(s)."""
    return system.resting_gain + drift_of(system) * (system.log_alpha - decay_time)


@inlined
def log_gain_then(system: Equations, clock: float) -> float:
    """G by the clock: what drives dy/dtau."""
    return log_rate(clock) + log_gain_at(system, decay_time_at(clock))


@compiled
def linearize(
    system: Equations, decay_time: float, coordinates: Floats, outputs: Floats, gradients: Floats
) -> None:
    """Fill `outputs` `(n,)` and `gradients` `(n, P)` with the rows and their gradients."""
    space = np.empty((SPACE, coordinates.size))
    _linearize(system, decay_time, coordinates, space, outputs, gradients)


@filling
def linearize_together(
    system: Equations,
    decay_times: Floats,
    points: Floats,
    space: Floats,
    outputs: Floats,
    gradients: Floats,
) -> None:
    """The same at points `(b, P)` of `decay_times` `(b,)`, into `(b, n)` and `(b, n, P)`.

    With `space` `(SPACE, P)` for the net. A call for each point takes a third longer.
    """
    for b in range(decay_times.size):
        _linearize(system, decay_times[b], points[b], space, outputs[b], gradients[b])


@inlined
def _linearize(
    system: Equations,
    decay_time: float,
    coordinates: Floats,
    space: Floats,
    outputs: Floats,
    gradients: Floats,
) -> None:
    epsilon = epsilon_at(system, decay_time)
    grow_from_base(system, epsilon, coordinates, space, outputs, gradients)
    if system.base_outputs.size > 0:
        shrunk = exp(-log_epsilon_at(system, decay_time))
        for i in range(outputs.size):
            outputs[i] += shrunk * system.base_outputs[i]


@inlined
def grow_from_base(
    system: Equations,
    epsilon: float,
    coordinates: Floats,
    space: Floats,
    outputs: Floats,
    gradients: Floats,
) -> None:
    """Outputs less those of the base; with `space` `(SPACE, P)` for the net."""
    if epsilon == 0.0:
        for i in range(outputs.size):
            outputs[i] = 0.0
            for p in range(coordinates.size):
                gradients[i, p] = system.base_jacobian[i, p]
                outputs[i] += gradients[i, p] * coordinates[p]
        return
    for p in range(coordinates.size):
        space[0, p] = epsilon * coordinates[p]
    grow(system.net, system.base, space, system.inputs, outputs, gradients)
    share = 1.0 / system.gradient_unit
    for i in range(outputs.size):
        outputs[i] *= share / epsilon
        for p in range(coordinates.size):
            gradients[i, p] *= share


@filling
def rates_together(
    system: Equations,
    clocks: Floats,
    points: Floats,
    outputs: Floats,
    gradients: Floats,
    pulls: Floats,
    rates: Floats,
) -> None:
    """Fill `rates` `(b, P)` with dy/dtau at points `(b, P)` of `clocks` `(b,)`.

    From the rows `(b, n)` and their gradients `(b, n, P)`; with room for the forces `pulls` `(n,)`.
    """
    for b in range(clocks.size):
        log_gain = log_gain_then(system, clocks[b])
        forces(system.loss, system.others, log_gain, outputs[b], system.labels, pulls)
        decay = decay_of(system) * exp(log_rate(clocks[b]))
        for p in range(points.shape[1]):
            rates[b, p] = -decay * points[b, p]
        for i in range(pulls.size):
            for p in range(points.shape[1]):
                rates[b, p] += pulls[i] * gradients[b, i, p]


@filling
def stiff_rows(
    system: Equations,
    clock: float,
    outputs: Floats,
    gradients: Floats,
    pulls: Floats,
    rows: Floats,
) -> None:
    """Fill `rows` `(n, P)` with R, so that -R^T R is the part of the Jacobian that is stiff.

    With room for forces, `pulls` `(n,)`.
    """
    loss, others, labels = system.loss, system.others, system.labels
    log_gain = log_gain_then(system, clock)
    root_of_curve(loss, others, log_gain, outputs, labels, gradients, pulls, rows)


@compiled
def slope(whole: NDArray[np.int64], real: Floats, clock: float, coordinates: Floats) -> Floats:
    """dy/dtau, shape `(P,)`."""
    system = equations_of(whole, real)
    count, size = system.labels.size, coordinates.size
    clocks, decay_times = np.full(1, clock), np.full(1, decay_time_at(clock))
    points, rates, space = (
        coordinates.reshape((1, size)),
        np.empty((1, size)),
        np.empty((SPACE, size)),
    )
    outputs, gradients, pulls = np.empty((1, count)), np.empty((1, count, size)), np.empty(count)
    linearize_together(system, decay_times, points, space, outputs, gradients)
    rates_together(system, clocks, points, outputs, gradients, pulls, rates)
    return rates.reshape(size)


@compiled
def slope_derivative(
    whole: NDArray[np.int64], real: Floats, clock: float, coordinates: Floats
) -> Floats:
    """d(dy/dtau)/dy, shape `(P, P)`."""
    system = equations_of(whole, real)
    decay_time, rate = decay_time_at(clock), log_rate(clock)
    epsilon, log_gain = epsilon_at(system, decay_time), rate + log_gain_at(system, decay_time)
    count, size = system.labels.size, coordinates.size
    outputs, gradients = np.empty(count), np.empty((count, size))
    linearize(system, decay_time, coordinates, outputs, gradients)
    scaled, weights = np.empty((count, size)), np.empty(count)
    bent = epsilon / system.gradient_unit
    loss, others, labels = system.loss, system.others, system.labels
    curve(loss, others, log_gain, outputs, labels, gradients, weights, scaled)
    forces(loss, others, log_gain, outputs, labels, weights)
    for i in range(count):
        weights[i] *= bent
    matrix = gradients.T @ scaled
    if epsilon > 0.0:
        point = np.empty(size)
        for p in range(size):
            point[p] = system.base[p] + epsilon * coordinates[p]
        bend_rows(system.net, point, system.inputs, weights, matrix)
    decay = decay_of(system) * exp(rate)
    for p in range(size):
        matrix[p, p] -= decay
    return matrix
