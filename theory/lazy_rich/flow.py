"""Gradient flow of committee machines: what gradient descent tends to as its steps shrink.

The flow is integrated twice by an explicit Runge-Kutta pair of order 8, at the asked tolerance and
at a looser one; the difference is the error of the looser one, hence a safe one of the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_ivp

from theory.backend import Array, Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.lazy_rich.committee import Committee, spread
from theory.lazy_rich.training import Training, outputs_and_pullback, speed
from theory.requests import check_increasing

LOOSER = 100.0
"""How much looser the tolerance of the comparison is."""

MAX_EVALUATIONS = 200_000


@dataclass(frozen=True, eq=False)
class FlowMoment:
    """The runs at some flow time.

    Attributes:
        time: t; k steps of gradient descent are at t = k dt.
        committee: the machines.
        residuals: y - f, shape `(..., P)`.
        error: how far the parameters may be off, relative to their norm; over all runs.
    """

    time: float
    committee: Committee
    residuals: Floats
    error: float

    @property
    def train_loss(self) -> Floats:
        """Shape `(...)`."""
        loss: Floats = (self.residuals**2).mean(-1)
        return loss


def gradient_flow(
    training: Training, times: Sequence[float], rtol: float = 1e-9
) -> tuple[FlowMoment, ...]:
    """The flow d theta/dt at increasing times, of all runs in one system; in numpy.

    The step of the training is not used; momentum has no flow of first order.

    Raises:
        InvalidInput: times that do not increase from 0 or more, or momentum.
        IntegrationFailed: the integrator did not reach the last time.
    """
    check_increasing("times", times)
    if training.momentum != 0:
        raise InvalidInput(f"momentum is {training.momentum}; the flow has none")
    tight, loose = (_integrate(training, times, tolerance) for tolerance in (rtol, LOOSER * rtol))
    return tuple(
        FlowMoment(
            time,
            machine := _machine(training.committee, state),
            residuals(training, machine),
            float(np.linalg.norm(state - other) / np.linalg.norm(state)),
        )
        for time, state, other in zip(times, tight, loose, strict=True)
    )


def residuals(training: Training, machine: Committee) -> Array:
    """y - f of a machine on its training set, shape `(..., P)`."""
    outputs = outputs_and_pullback(machine, training.inputs)[0]
    return training.targets - (outputs - _offset(training))


def _offset(training: Training) -> Array:
    """The initial outputs of a centred predictor."""
    if not training.centred:
        return 0.0
    return outputs_and_pullback(training.committee, training.inputs)[0]


def _velocity(training: Training, machine: Committee, goal: Array) -> Committee:
    """d theta / dt at a machine, as a machine with that in place of its parameters."""
    outputs, pullback = outputs_and_pullback(machine, training.inputs)
    pull, turn = pullback(goal - outputs)
    gain, decay = speed(training), training.weight_decay
    weights = spread(gain, 2) * pull - spread(decay, 2) * machine.weights
    if machine.readout is None or turn is None:
        return replace(machine, weights=weights)
    readout = spread(gain, 1) * turn - spread(decay, 1) * machine.readout
    return replace(machine, weights=weights, readout=readout)


def _integrate(training: Training, times: Sequence[float], rtol: float) -> Floats:
    """States `(len(times), parameters)`."""
    start, goal = training.committee, training.targets + _offset(training)
    evaluations = 0

    def field(_: float, state: Floats) -> Floats:
        nonlocal evaluations
        evaluations += 1
        if evaluations > MAX_EVALUATIONS:
            raise IntegrationFailed(f"the flow needs more than {MAX_EVALUATIONS} evaluations")
        return _state(_velocity(training, _machine(start, state), goal))

    first = _state(start)
    if times[-1] == 0:
        return first[None, :]
    scale = float(np.sqrt(np.mean(first**2)))
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(
            field, (0.0, times[-1]), first, "DOP853", times, rtol=rtol, atol=rtol * scale
        )
    if not found.success:
        raise IntegrationFailed(f"the flow stopped at t = {found.t[-1]:g}: {found.message}")
    states: Floats = found.y.T
    return states


def _state(machine: Committee) -> Floats:
    parts = [machine.weights.ravel()]
    if machine.readout is not None:
        parts.append(machine.readout.ravel())
    state: Floats = np.concatenate(parts)
    return state


def _machine(like: Committee, state: Floats) -> Committee:
    count = like.weights.size
    weights = state[:count].reshape(like.weights.shape)
    if like.readout is None:
        return replace(like, weights=weights)
    return replace(like, weights=weights, readout=state[count:].reshape(like.readout.shape))
