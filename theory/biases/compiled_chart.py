"""The charts of nets with biases in compiled code, through those of the nets without them.

A linear net with biases is one of wider layers in which some entries are held at 1; a bias of an
output adds a constant row of gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import exp, log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats, Integers
from theory.biases.nets import LinearWithBiases, OutputBias
from theory.compiled import compiled, inlined
from theory.compiled_clock import decay_time_at, log_rate
from theory.compiled_losses import curve, forces
from theory.flow.compiled_chart import (
    CompiledChart,
    Equations,
    chart_of,
    epsilon_at,
    equations_of,
    grow_from_base,
    log_gain_at,
)
from theory.flow.compiled_nets import SPACE
from theory.flow.compiled_pairs import bend_rows
from theory.problem import Problem, Regime


class PlainChart(Protocol):
    """What is compiled: `theory.biases.flow.BiasedChart`."""

    @property
    def problem(self) -> Problem: ...

    @property
    def regime(self) -> Regime: ...

    @property
    def comoving(self) -> bool: ...

    @property
    def lags(self) -> Integers: ...

    @property
    def base(self) -> Floats: ...

    @property
    def base_jacobian(self) -> Floats: ...


@dataclass(frozen=True, eq=False)
class CompiledBiasedChart:
    """Right-hand side and Jacobian as an integrator calls them.

    Attributes:
        inner: equations of the net without biases.
        places: the first number says how many parameters lie in that net; then where, `(P_inner,)`,
            and the lag of every parameter, `(P,)`.
        constant: gradients of the rows by the biases of outputs, flat.
    """

    inner: CompiledChart
    places: NDArray[np.int64]
    constant: Floats

    @cached_property
    def rhs(self) -> Callable[[float, Floats], Floats]:
        """dy/dtau."""
        return partial(slope, self.inner.whole, self.inner.real, self.places, self.constant)

    @cached_property
    def jacobian(self) -> Callable[[float, Floats], Floats]:
        """d(dy/dtau)/dy, shape `(P, P)`."""
        return partial(
            slope_derivative, self.inner.whole, self.inner.real, self.places, self.constant
        )


def compiled_chart(chart: PlainChart) -> CompiledBiasedChart | None:
    """None where the net without biases is not compiled."""
    problem, regime = chart.problem, chart.regime
    net = problem.net
    if isinstance(net, OutputBias):
        count = net.net.parameters
        inner = replace(problem, net=net.net, anchor=problem.anchor[:count])
        base, places = chart.base[:count], np.arange(count)
        constant = chart.base_jacobian[:, count:]
    else:
        assert isinstance(net, LinearWithBiases)
        inner = net.without_biases(problem)
        base, places = net.whole(chart.base), net.places
        constant = np.empty((problem.rows, 0))
    found = chart_of(
        inner,
        problem.row_labels,
        comoving=chart.comoving,
        log_alpha=regime.log_alpha,
        resting_gain=-regime.log_lambda - log(problem.samples),
        gradient_unit=1.0,
        base=base,
        base_jacobian=np.asarray(inner.row_net.jacobian(base, inner.inputs)),
        base_outputs=np.empty(0),
    )
    if found is None:
        return None
    told = np.concatenate([[len(places)], places, chart.lags]).astype(np.int64)
    return CompiledBiasedChart(found, told, np.ascontiguousarray(constant).ravel())


@inlined
def decay_of(system: Equations, lag: int) -> float:
    """kappa of a coordinate."""
    return system.degree + lag if system.comoving else 1.0


@compiled
def linearize(
    system: Equations,
    places: NDArray[np.int64],
    constant: Floats,
    decay_time: float,
    coordinates: Floats,
) -> tuple[Floats, Floats, Floats]:
    """The weight of each coordinate in the outputs, rho^(-2 lag), `(P,)`; the rows `(n,)`; and
    their gradients by effective parameters `(n, P)`.
    """
    count, size, rows = places[0], coordinates.size, system.labels.size
    log_rho = system.log_alpha - decay_time if system.comoving else 0.0
    weights, whole = np.empty(size), np.zeros(system.base.size)
    for p in range(size):
        weights[p] = exp(-2.0 * places[1 + count + p] * log_rho)
    for p in range(count):
        whole[places[1 + p]] = weights[p] * coordinates[p]
    outputs, inner = np.empty(rows), np.empty((rows, system.base.size))
    space = np.empty((SPACE, whole.size))
    grow_from_base(system, epsilon_at(system, decay_time), whole, space, outputs, inner)
    gradients, added = np.empty((rows, size)), size - count
    for i in range(rows):
        for p in range(count):
            gradients[i, p] = inner[i, places[1 + p]]
        for p in range(count, size):
            gradients[i, p] = constant[i * added + p - count]
            outputs[i] += gradients[i, p] * weights[p] * coordinates[p]
    return weights, outputs, gradients


@compiled
def slope(
    whole: NDArray[np.int64],
    real: Floats,
    places: NDArray[np.int64],
    constant: Floats,
    clock: float,
    coordinates: Floats,
) -> Floats:
    """dy/dtau, shape `(P,)`."""
    system, lags = equations_of(whole, real), places[1 + places[0] :]
    decay_time, rate = decay_time_at(clock), log_rate(clock)
    _, outputs, gradients = linearize(system, places, constant, decay_time, coordinates)
    log_gain, pulls = rate + log_gain_at(system, decay_time), np.empty(outputs.size)
    forces(system.loss, system.others, log_gain, outputs, system.labels, pulls)
    rates = np.empty(coordinates.size)
    for p in range(coordinates.size):
        rates[p] = -exp(rate) * decay_of(system, lags[p]) * coordinates[p]
        for i in range(outputs.size):
            rates[p] += pulls[i] * gradients[i, p]
    return rates


@compiled
def slope_derivative(
    whole: NDArray[np.int64],
    real: Floats,
    places: NDArray[np.int64],
    constant: Floats,
    clock: float,
    coordinates: Floats,
) -> Floats:
    """d(dy/dtau)/dy, shape `(P, P)`."""
    system, lags = equations_of(whole, real), places[1 + places[0] :]
    decay_time, rate = decay_time_at(clock), log_rate(clock)
    weights, outputs, gradients = linearize(system, places, constant, decay_time, coordinates)
    log_gain, curved = rate + log_gain_at(system, decay_time), np.empty(gradients.shape)
    loss, others, labels, pulls = system.loss, system.others, system.labels, np.empty(outputs.size)
    curve(loss, others, log_gain, outputs, labels, gradients, pulls, curved)
    matrix = gradients.T @ curved
    epsilon = epsilon_at(system, decay_time)
    if epsilon > 0.0:
        forces(loss, others, log_gain, outputs, labels, pulls)
        count = places[0]
        point, bent = system.base.copy(), np.zeros((system.base.size, system.base.size))
        for p in range(count):
            point[places[1 + p]] += epsilon * weights[p] * coordinates[p]
        pulls *= epsilon
        bend_rows(system.net, point, system.inputs, pulls, bent)
        for p in range(count):
            for q in range(count):
                matrix[p, q] += bent[places[1 + p], places[1 + q]]
    matrix *= weights
    for p in range(coordinates.size):
        matrix[p, p] -= exp(rate) * decay_of(system, lags[p])
    return matrix
