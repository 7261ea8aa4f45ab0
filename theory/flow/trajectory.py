"""What an integration returns: the states at the requested times, as arrays, with their error."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.flow.state import FlowState
from theory.problem import Problem, Regime


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A flow at T times.

    Attributes:
        at: times in units of t_g, shape `(T,)`.
        states: the T states.
        error_estimate: shape `(T,)`; NaN when not asked for. The sum of the largest relative
            difference, in margins and direction, from an integration of the same flow at a hundred
            times the tolerance, and of first order in e^-G on the slow manifold of the squared
            loss: it bounds the error of the looser of the two; and of what both share, rounding and
            the tolerance, times `FlowState.condition`.
        evaluations: right-hand sides evaluated, both integrations together.
        method: what integrated it, parts joined by '+': "compiled Radau", "low-rank BDF", a SciPy
            method, "plain coordinates" of what no chart holds; "none" at t = 0.
        event_times: one array per event, in units of t_g.
        loose: the T states at a hundred times the tolerance; none when not asked for. Any reading
            of both tells its own numerical error.
    """

    problem: Problem
    regime: Regime
    at: Floats
    states: tuple[FlowState, ...]
    error_estimate: Floats
    evaluations: int
    method: str
    event_times: tuple[Floats, ...] = ()
    loose: tuple[FlowState, ...] = ()
    _dense: Callable[[float], FlowState] | None = None

    def state(self, at: float) -> FlowState:
        """The state at any time of the interval; needs `dense=True`."""
        if self._dense is None:
            raise InvalidInput("state(at) needs gradient_flow(..., dense=True)")
        end = float(self.at.max())
        if not 0 <= at <= end * (1.0 + 1e-12):
            raise InvalidInput(f"at is {at}; this flow covers 0 to {end}")
        return self._dense(min(at, end))

    def _stack(self, name: str) -> Floats:
        return np.array([getattr(state, name) for state in self.states], dtype=np.float64)

    @cached_property
    def decay_times(self) -> Floats:
        """s = lambda t, shape `(T,)`."""
        return self._stack("decay_time")

    @cached_property
    def margins(self) -> Floats:
        """q, shape `(T, n)`, or `(T, n (K - 1))` of K classes."""
        return self._stack("margins")

    @cached_property
    def log_norm(self) -> Floats:
        """log |theta|, shape `(T,)`."""
        return self._stack("log_norm")

    @cached_property
    def directions(self) -> Floats:
        """theta / |theta|, shape `(T, P)`."""
        return self._stack("direction")

    @cached_property
    def displacement(self) -> Floats:
        """eta, shape `(T, P)`."""
        return self._stack("displacement")

    @cached_property
    def stationarity(self) -> Floats:
        """|d theta / ds| / |theta|, shape `(T,)`."""
        return self._stack("stationarity")

    @property
    def theta(self) -> Floats:
        """theta, shape `(T, P)`; infinite where it exceeds float64."""
        return self._stack("theta")

    def outputs(self, inputs: ArrayLike) -> Floats:
        """f(theta; x) on any inputs `(m, d)`, shape `(T, m)`, or `(T, m, K)` of several classes.

        Raises:
            InvalidInput: inputs that the net does not take.
        """
        return np.array([state.outputs(inputs) for state in self.states])
