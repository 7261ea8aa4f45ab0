"""The mean field theory by iteration to a self-consistent solution, damped.

The weights, given the averages over the data, are Gaussian and linear: their order parameters are
those of block-triangular matrices over all times at once. The data, given those, are sampled.
Nothing of the causal sweep is used but the record of the result.

Source: Kumar et al. (arXiv 2310.06110, before v3), eq. 4-6, 26-29 and 41-52.
"""

from dataclasses import dataclass

import torch

from theory.backend import Array
from theory.errors import InvalidInput, NumericalFailure
from theory.lazy_rich.dmft.mean_field import MeanField
from theory.lazy_rich.dmft.noise import factor, whitened_normals
from theory.lazy_rich.dmft.order_parameters import (
    MeanFieldSolution,
    OrderParameters,
    population_loss,
    training_loss,
)


def iterate(
    problem: MeanField,
    samples: int = 1024,
    seed: int = 0,
    damping: float = 0.5,
    rtol: float = 1e-6,
    max_iterations: int = 200,
) -> MeanFieldSolution:
    """Solve the mean field theory for the steps 0 to T by q <- (1 - damping) q + damping q'(q).

    The noise of the samples is drawn once, so that the iteration has a fixed point. Each iteration
    solves one triangular system of size N T a sample.

    Args:
        damping: in (0, 1]. Undamped, n iterations settle the first n steps whatever the others do;
            those may overflow meanwhile.
        rtol: change of the averages over the data, relative to their largest, at which to stop.

    Raises:
        InvalidInput: damping out of range, or too few samples.
        NumericalFailure: no convergence within `max_iterations`, or an overflow.
    """
    if not 0 < damping <= 1:
        raise InvalidInput(f"damping is {damping!r}; it must be above 0 and at most 1")
    noise = whitened_normals(1, 1 + problem.width * (problem.steps + 1), samples, seed)[0]
    averages = _Averages.of_nothing(problem)
    for _ in range(max_iterations):
        fresh = _data_side(problem, _feature_side(problem, averages), averages, noise).averages
        change = fresh.distance(averages)
        if not change < float("inf"):
            raise NumericalFailure("the iteration has overflowed; choose a smaller damping")
        if change < rtol:
            break
        averages = averages.mixed(fresh, damping)
    else:
        raise NumericalFailure(
            f"after {max_iterations} iterations the averages still change by {change:.1e}"
        )
    weights = _feature_side(problem, averages)
    return _solution(problem, weights, averages, _data_side(problem, weights, averages, noise))


@dataclass(frozen=True, eq=False)
class _Averages:
    """Averages over the data: G and Rg, `(T N, T N)`, and b, `(T N,)`."""

    noise: Array
    response: Array
    pull: Array

    @classmethod
    def of_nothing(cls, problem: MeanField) -> "_Averages":
        size = problem.steps * problem.width
        zeros = torch.zeros(size, size, dtype=torch.float64)
        return cls(zeros, zeros, zeros[0])

    def distance(self, other: "_Averages") -> float:
        """Largest difference, relative to the largest number of its kind."""
        pairs = zip(self._all(), other._all(), strict=True)
        return max(float((a - b).abs().max() / a.abs().max().clamp_min(1e-300)) for a, b in pairs)

    def mixed(self, other: "_Averages", share: float) -> "_Averages":
        pairs = zip(self._all(), other._all(), strict=True)
        return _Averages(*(torch.lerp(a, b, share) for a, b in pairs))

    def _all(self) -> tuple[Array, Array, Array]:
        return self.noise, self.response, self.pull


@dataclass(frozen=True, eq=False)
class _Weights:
    """What the averages over the data make of the weights; rows are (t, i).

    Attributes:
        carried: of the initial weights, `((T+1) N, N)`.
        response: Rw, `((T+1) N, T N)`.
        drift: along beta, `((T+1) N,)`.
        covariance, overlap: C and A.
    """

    carried: Array
    response: Array
    drift: Array
    covariance: Array
    overlap: Array


def _feature_side(problem: MeanField, averages: _Averages) -> _Weights:
    """w = carried w(0) + dt Rw (xi + b beta), with w(t+1) - w(t) = dt (xi + Rg w + b beta)."""
    steps, width, step = problem.steps, problem.width, problem.step
    rows, size = (steps + 1) * width, steps * width
    earlier = torch.ones(steps + 1, steps, dtype=torch.float64).tril(-1)
    summed = torch.kron(earlier, torch.eye(width, dtype=torch.float64))
    held = torch.eye(width, dtype=torch.float64).repeat(steps + 1, 1)
    system = torch.eye(rows, dtype=torch.float64)
    system[:, :size] -= step * summed @ averages.response
    solved = torch.linalg.solve_triangular(
        system, torch.cat([held, summed], 1), upper=False, unitriangular=True
    )
    carried, response = solved[:, :width], solved[:, width:]
    drift = step * response @ averages.pull
    start, overlaps = torch.as_tensor(problem.covariance), torch.as_tensor(problem.overlaps)
    along = torch.outer(carried @ overlaps, drift)
    kicked = problem.noise_scale * step * response
    covariance = (
        carried @ start @ carried.T
        + along
        + along.T
        + problem.signal * torch.outer(drift, drift)
        + kicked @ averages.noise @ kicked.T
    )
    return _Weights(
        carried, response, drift, covariance, carried @ overlaps + problem.signal * drift
    )


@dataclass(frozen=True, eq=False)
class _Data:
    """The samples: u and h, `(T+1, N, S)`, h_* `(S,)`, and the averages over them."""

    untrained: Array
    trained: Array
    target: Array
    averages: _Averages


def _data_side(problem: MeanField, weights: _Weights, averages: _Averages, noise: Array) -> _Data:
    steps, width, gain = problem.steps, problem.width, problem.memory_gain
    samples = noise.shape[1]
    joint = torch.as_tensor(problem.start())
    start = factor(joint) @ noise[: 1 + width]
    target = start[0]
    kicks = problem.noise_scale * factor(averages.noise) @ noise[1 + width :]
    moved = problem.step * weights.response @ kicks + weights.drift[:, None] * target
    untrained = (weights.carried @ start[1:] + moved).reshape(steps + 1, width, samples)

    trained, pushes = untrained.clone(), torch.zeros(steps * width, samples, dtype=torch.float64)
    for t in range(steps + 1):
        rows, seen = slice(t * width, (t + 1) * width), t * width
        trained[t] += gain * weights.response[rows, :seen] @ pushes[:seen]
        if t < steps:
            residual = problem.residual(trained[t], untrained[0], target)
            pushes[rows] = residual * problem.slope(trained[t]) / problem.output_scale
    jacobians, direct = _jacobians(problem, trained, untrained[0], target)
    size = steps * width
    # dg/du = J (1 + (dt/nu) Rw dg/du), and so for h_* with its direct share
    system = -gain * jacobians @ weights.response[:size]
    system += torch.eye(size, dtype=torch.float64)
    right = torch.cat([jacobians, direct[..., None]], -1)
    solved = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True)
    response, pull = solved[..., :-1].mean(0), problem.terms.pull * solved[..., -1].mean(0)
    found = _Averages(pushes @ pushes.T / samples, response, pull)
    return _Data(untrained, trained, target, found)


def _jacobians(
    problem: MeanField, trained: Array, first: Array, target: Array
) -> tuple[Array, Array]:
    """dg(t)/dh(s) at fixed earlier pushes, `(S, T N, T N)`, and dg(t)/dh_*, `(S, T N)`."""
    steps, width, scale = problem.steps, problem.width, problem.output_scale
    fields = trained[:steps]
    residual, slope = problem.residual(fields, first, target), problem.slope(fields)
    unit = torch.eye(width, dtype=torch.float64)
    blocks = problem.curvature / scale * torch.einsum("ts,ij->stij", residual, unit)
    blocks -= torch.einsum("tis,tjs->stij", slope, slope) / width
    full = torch.zeros(target.shape[0], steps, width, steps, width, dtype=torch.float64)
    times = torch.arange(steps)
    full[:, times, :, times, :] = blocks.movedim(1, 0)
    if problem.centred:
        full[:, :, :, 0, :] += torch.einsum("tis,js->stij", slope, slope[0]) / width
    size = steps * width
    direct = (target * slope / scale).reshape(size, -1).T
    return full.reshape(-1, size, size), direct


def _solution(
    problem: MeanField, weights: _Weights, averages: _Averages, data: _Data
) -> MeanFieldSolution:
    steps, width = problem.steps, problem.width
    order = OrderParameters(
        weights.covariance.reshape(1, steps + 1, width, steps + 1, width),
        weights.overlap.reshape(1, steps + 1, width),
        averages.noise.reshape(1, steps, width, steps, width),
        weights.response.reshape(1, steps + 1, width, steps, width),
        averages.response.reshape(1, steps, width, steps, width),
        averages.pull.reshape(1, steps, width),
    )
    exact = population_loss(problem, order.covariance, order.overlap)
    train = training_loss(
        problem, data.trained[None], data.untrained[None], data.target[None], exact
    )
    return MeanFieldSolution(order, train, exact)
