"""What is measured of the kernel phase of the squared loss: flows at (1-c) t_g on a ladder.

The ladder is graded in eps = rho^-L, from the instance's own scale down; predictions are those of
the linearised flow, which is known exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import exp, log10

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.backend import Floats
from theory.errors import IntegratorsDisagree
from theory.flow import FlowState, gradient_flow
from theory.kernel.lazy import initial_log_gain, tolerances
from theory.kernel.lazy_order import lazy_order
from theory.kernel.regression import (
    KernelRegression,
    kernel_drift,
    kernel_regression,
    linearised_flow,
    relative_displacement,
)
from theory.problem import Problem
from verify.claims.early_late.kernel_machines import probe_inputs
from verify.claims.early_late.kernel_phase import Time
from verify.claims.regression.lag import Lag, lag_of
from verify.instances import FlowInstance
from verify.language import Quantity
from verify.language.fits import RESOLVED

RTOL = 1e-12
LOOSER = 10.0
INDEPENDENT_RTOL = 1e-10
"""Of the other route, in Python and of a lower order; its two tolerances tell what it knows."""

ROUNDING = 1e-13
"""Of f near y, relative to y, which the difference of two integrations does not see: outputs are
increments divided by eps, and lose what |J| |h| exceeds |y| by."""

TERMS = 4.0
"""Roundings, per factor of a gradient, in the difference of two nearly equal ones."""

MAX_ERROR = 1e-6
"""A flow whose two integrations differ by more, relative to the outputs, is evidence of nothing."""

STEPS = {1: (1.0, 0.1, 0.01, 0.001), 2: (1.0, 10.0**-0.5, 0.1, 10.0**-1.5)}
"""Rungs by lazy order, in eps relative to the instance's own: gaps from 10^-4 down to 10^-7.
At order 1 exponents are fitted below the first, where the next order is a percent of the leading
one."""

NO_CURVATURE = 1e-3
"""Of delta^k |f|: coefficients of the gap are between 0.1 and 40 where there is one."""

OTHER_RTOL = 1e-6
"""Of the flows at other times, which only rivals read."""


@dataclass(frozen=True, eq=False)
class KernelFlows:
    """The ladder of one instance.

    Attributes:
        regression: minimum norm, at the anchor.
        lazy_order: k of the gap alpha^(-k c L).
        tight, loose: the flow at (1-c) t_g of every rung, at `rtol` and a looser one.
    """

    instance: FlowInstance
    regression: KernelRegression
    probes: Floats
    lazy_order: int
    rungs: tuple[FlowInstance, ...]
    tight: tuple[FlowState, ...]
    loose: tuple[FlowState, ...]
    rtol: float

    @property
    def problem(self) -> Problem:
        return self.instance.problem

    @cached_property
    def inputs(self) -> Floats:
        """Training inputs, then probes."""
        return np.concatenate([self.problem.inputs, self.probes])

    @cached_property
    def logs(self) -> Floats:
        """log10 alpha of the rungs, `(R,)`."""
        return np.array([rung.own.log10_alpha for rung in self.rungs])

    @cached_property
    def displacements(self) -> Floats:
        """delta = eps |h| / |anchor|, `(R,)`."""
        at = [rung.told(1.0 - rung.c) for rung in self.rungs]
        pairs = zip(self.rungs, at, strict=True)
        return np.array([relative_displacement(self.regression, r.regime, t) for r, t in pairs])

    @cached_property
    def drifts(self) -> Floats:
        """x, how far the gradients have turned: see `kernel_drift`; `(R,)`."""
        per_displacement = self.problem.anchor_norm / self.regression.norm
        return kernel_drift(self.regression) * per_displacement * self.displacements

    @cached_property
    def linearised(self) -> tuple[KernelRegression, ...]:
        """The linearised flow on every rung."""
        return tuple(
            linearised_flow(self.problem, rung.regime, rung.told(1.0 - rung.c))
            for rung in self.rungs
        )

    @cached_property
    def outputs(self) -> tuple[Quantity, ...]:
        """f on `inputs`, on every rung."""
        return self._read(lambda state: state.outputs(self.inputs))

    @cached_property
    def turns(self) -> Quantity:
        """|J(theta) / rho^(L-1) - J(anchor)| over the smallest singular value of J, `(R,)`."""
        problem, features = self.problem, self.regression.features
        singular = np.linalg.svd(features, compute_uv=False)
        smallest = singular.min()
        rounding = TERMS * problem.degree * np.finfo(float).eps * singular.max() / smallest

        def turn(state: FlowState) -> float:
            epsilon = exp(-problem.degree * (state.chart.regime.log_alpha - state.decay_time))
            here = problem.net.jacobian(
                problem.anchor + epsilon * state.displacement, problem.inputs
            )
            return float(np.linalg.norm(here - features, 2) / smallest)

        return Quantity.joined(self._read(turn)).no_finer(rounding)

    @cached_property
    def gaps(self) -> Quantity:
        """max |f - f of the linearised flow| on the probes, `(R,)`."""
        pairs = zip(self.outputs, self.linearised, strict=True)
        probed = self.problem.samples
        return Quantity.joined(
            abs(f - linear.outputs(self.inputs))[probed:].largest() for f, linear in pairs
        )

    @cached_property
    def curved(self) -> bool:
        """Whether curvature leaves a gap: else f follows from its values on the samples.

        What weight decay and the turn of the gradients make of each other is no such gap.
        """
        linear = self.linearised[0].outputs(self.inputs)
        decayed = np.abs(linear - self.regression.outputs(self.inputs)).max()
        curved = NO_CURVATURE * self.displacements[0] ** self.lazy_order * np.abs(linear).max()
        return bool(self.gaps.values[0] > max(curved, self.displacements[0] * decayed))

    @cached_property
    def ridge_misfits(self) -> Floats:
        """The misfit of the linearised flow, `(R,)`, in the norm |J^T v|."""
        features = self.regression.features
        return np.array([np.linalg.norm(features.T @ linear.misfit) for linear in self.linearised])

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """On which rungs the misfit is predicted to stand out of rounding, `(R,)`."""
        return self.ridge_misfits > RESOLVED * self.misfits().errors

    def misfits(self, less: ArrayLike = 0.0) -> Quantity:
        """|y - f - less * (y - f of the linearised flow)|, `(R,)`, in the norm |J^T v|."""
        labels, features = self.problem.labels, self.regression.features
        factors = np.broadcast_to(np.asarray(less, dtype=np.float64), self.logs.shape)
        lengths = []
        for f, linear, factor in zip(self.outputs, self.linearised, factors, strict=True):
            trained = f[: self.problem.samples]
            left = features.T @ (labels - trained.values - factor * linear.misfit)
            noise = np.linalg.norm(trained.errors) + ROUNDING * np.linalg.norm(labels)
            error = np.linalg.norm(features, 2) * noise
            lengths.append(Quantity.of(np.linalg.norm(left), error))
        return Quantity.joined(lengths)

    @cached_property
    def lag(self) -> Lag:
        """Of the linearised flow behind its ridge."""
        return lag_of(self.problem)

    @cached_property
    def reach(self) -> float:
        """|F| |h|, by which a relative distance from h moves f on `inputs`."""
        features = self.problem.net.jacobian(self.problem.anchor, self.inputs)
        return float(np.linalg.norm(features, 2)) * self.regression.norm

    def outputs_when(self, time: Time) -> tuple[Quantity, ...]:
        """`outputs`, at another time than (1-c) t_g on the last rung.

        Raises:
            NumericalFailure: the flow does not reach that time.
        """
        if time is Time.EARLY:
            return self.outputs
        return (*self.outputs[:-1], self._late if time is Time.LATE else self._inverse_decay)

    @cached_property
    def _late(self) -> Quantity:
        return self._outputs_at(1.0 + self.instance.c)

    @cached_property
    def _inverse_decay(self) -> Quantity:
        return self._outputs_at((1.0 - self.instance.c) * self.instance.own.decay_power)

    def _outputs_at(self, at: float) -> Quantity:
        outputs = _state(self.rungs[-1], at, 1e-8).outputs(self.inputs)
        return Quantity.of(outputs, OTHER_RTOL * np.abs(outputs).max())

    def _read(self, reading: Callable[[FlowState], float | Floats]) -> tuple[Quantity, ...]:
        def read(tight: FlowState, loose: FlowState) -> Quantity:
            gain = initial_log_gain(self.problem, tight.chart.regime)
            return Quantity.paired(reading, tight, loose, tolerances(gain, self.rtol)[0])

        return tuple(map(read, self.tight, self.loose))


def measure(
    instance: FlowInstance,
    later: float = 0.0,
    method: str | None = None,
    rtol: float = RTOL,
) -> KernelFlows:
    """The ladder of an instance.

    Args:
        later: e-folds that are let pass after (1-c) t_g, where it is sabotaged.
        method: of the integrator, and `rtol` the tighter of its two tolerances.

    Raises:
        IntegratorsDisagree: two tolerances differ by more than `MAX_ERROR`.
    """
    problem = instance.problem
    regression, probes = kernel_regression(problem), probe_inputs(problem)
    scale, per_decade = instance.own.log10_alpha, problem.degree * instance.c
    order = _lazy_order(instance, regression, probes)
    rungs = tuple(instance.at_own_alpha(scale - log10(k) / per_decade) for k in STEPS[order])
    tight, loose = (
        tuple(
            _state(rung, 1.0 - rung.c + later / rung.own.log_alpha, tolerance, method)
            for rung in rungs
        )
        for tolerance in (rtol, LOOSER * rtol)
    )
    measured = KernelFlows(instance, regression, probes, order, rungs, tight, loose, rtol)
    for rung, outputs in zip(rungs, measured.outputs, strict=True):
        error = float(outputs.errors.max())
        if not error <= MAX_ERROR * float(np.abs(outputs.values).max()):
            raise IntegratorsDisagree(
                f"two tolerances differ by {error:.1e} at log10 alpha = {rung.own.log10_alpha:.6g}"
            )
    return measured


def _lazy_order(instance: FlowInstance, regression: KernelRegression, probes: Floats) -> int:
    """On training inputs and probes, between the first and the last rung."""
    problem, at = instance.problem, instance.told(1.0 - instance.c)
    everywhere = np.concatenate([problem.inputs, probes])
    far = relative_displacement(regression, instance.regime, at)
    last = STEPS[2][-1]
    return lazy_order(problem.net, problem.anchor, everywhere, regression.weights, far, last * far)


def _state(rung: FlowInstance, at: float, rtol: float, method: str | None = None) -> FlowState:
    flow = gradient_flow(
        rung.problem,
        rung.regime,
        [rung.told(at)],
        rtol=rtol,
        method=method,
        estimate_error=False,
    )
    return flow.states[0]
