"""`theory.flow.manifold` in compiled code, for the package's own families."""

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled
from theory.compiled_clock import decay_time_at, log_rate
from theory.flow.compiled_chart import (
    CompiledChart,
    Equations,
    decay_of,
    drift_of,
    equations_of,
    linearize,
    log_gain_at,
)
from theory.flow.manifold import DIFFERENCE, FLOOR, TINY, SlowManifold


@dataclass(frozen=True, eq=False)
class CompiledManifold:
    """Right-hand side of the flow on a slow manifold, as an integrator calls it."""

    manifold: SlowManifold
    chart: CompiledChart

    jacobian = low_rank = None

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau; a solver's views are copied, since strides are compiled anew."""
        slow, chart = self.manifold, self.chart
        packed = np.ascontiguousarray(coordinates)
        return slow_slope(chart.whole, chart.real, slow.rank, slow.refined, clock, packed)


@compiled
def _spectrum(
    system: Equations, rank: int, decay_time: float, coordinates: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Outputs, gradients, and the eigenvalues and eigenvectors of J J^T on its range."""
    count, size = len(system.inputs), coordinates.size
    outputs, gradients = np.empty(count), np.empty((count, size))
    linearize(system, decay_time, coordinates, outputs, gradients)
    vectors, values, _ = np.linalg.svd(gradients, False)
    squares = np.empty(rank)
    for r in range(rank):
        squares[r] = max(values[r], FLOOR * values[0] + TINY) ** 2
    return outputs, gradients, squares, np.ascontiguousarray(vectors[:, :rank])


@compiled
def solved(squares: Floats, vectors: Floats, target: Floats, ridge: float) -> Floats:
    return vectors @ ((vectors.T @ target) / (squares + ridge))


@compiled
def slow_slope(
    whole: NDArray[np.int64],
    real: Floats,
    rank: int,
    refined: bool,
    clock: float,
    coordinates: Floats,
) -> Floats:
    """dy/dtau on the slow manifold, shape `(P,)`; see `theory.flow.manifold`."""
    system = equations_of(whole, real)
    decay_time, decay = decay_time_at(clock), decay_of(system)
    targets, relaxes = system.degree * system.labels, system.degree + drift_of(system)
    softness = exp(-log_gain_at(system, decay_time))
    ridge = relaxes * softness
    outputs, gradients, squares, vectors = _spectrum(system, rank, decay_time, coordinates)
    multipliers = solved(squares, vectors, targets, ridge)
    if refined:
        moved = coordinates + DIFFERENCE * (multipliers @ gradients - decay * coordinates)
        later = decay_time + DIFFERENCE
        _, _, squares_then, vectors_then = _spectrum(system, rank, later, moved)
        ridge_then = relaxes * exp(-log_gain_at(system, later))
        then = solved(squares_then, vectors_then, targets, ridge_then)
        change = softness / DIFFERENCE * (then - multipliers)
        multipliers = multipliers - solved(squares, vectors, change, 0.0)
    astray = system.labels - softness * multipliers - outputs
    multipliers = multipliers + solved(squares, vectors, system.degree * astray, 0.0)
    return exp(log_rate(clock)) * (multipliers @ gradients - decay * coordinates)
