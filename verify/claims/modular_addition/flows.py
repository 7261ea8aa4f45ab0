"""Exact flows of quadratic nets on Z_p, read at a few times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from theory.asymptotics.kernel_phase import log_inverse_decay
from theory.backend import Floats, Integers
from theory.flow import FlowState, Trajectory, gradient_flow
from theory.modular_addition import (
    addition_problem,
    effective_neurons,
    largest_neuron_margin,
    lead,
    neuron_norms,
    one_hot,
    sums,
)
from theory.nets import TwoLayer
from theory.problem import Regime
from verify.language import Measurement, Quantity, in_words
from verify.strategies.modular_addition import (
    STARTS,
    AdditionFlow,
    full_flows,
    part_flows,
    symmetric_flows,
)

EARLY = (0.7,)
LATE = (0.7, 1.0, 1.3, 2.0, 3.0)
PART = (0.7, 3.0)
"""In units of t_g."""

LADDER_STEPS = (1.0, 2.0, 4.0)
"""Rungs in log alpha, relative to the instance's own."""

RTOL = 1e-6
"""Two tolerances then agree to 1e-6 in margins, where 1e-8 costs a third more."""
TIED = 1e-9
"""Of outputs, relative to the largest: rounding of a state."""


@dataclass(frozen=True, eq=False)
class Flow:
    """A flow on the seen pairs, at its times by two tolerances."""

    told: AdditionFlow
    net: TwoLayer
    unseen: Integers
    flow: Trajectory

    def read(self, reading: Callable[[FlowState], float]) -> Quantity:
        """One number at each time; the difference of two tolerances is its error."""

        def of(states: Sequence[FlowState]) -> Floats:
            return np.array([reading(state) for state in states])

        return Quantity.paired(of, self.flow.states, self.flow.loose, 1e-12)

    def of_states(self, reading: Callable[[FlowState], float]) -> Quantity:
        """One number at each time of the states as they are, whatever led to them: known but for
        rounding, which is all that counts where a law speaks of every net.
        """
        values = np.array([reading(state) for state in self.flow.states])
        return Quantity.of(values, 1e-10 * np.abs(values))

    def accuracy(self) -> Quantity:
        """At unseen pairs, at each time; classes that are tied within rounding could be either."""

        def of(state: FlowState) -> Floats:
            outputs = state.outputs(one_hot(self.told.modulus, self.unseen))
            ahead = lead(outputs, sums(self.told.modulus, self.unseen))
            return np.asarray(ahead / np.abs(outputs).max())

        ahead = np.array([of(state) for state in self.flow.states])
        loose = np.array([of(state) for state in self.flow.loose])
        doubtful = (np.abs(ahead) <= TIED) | ((ahead > 0) != (loose > 0))
        return Quantity.of((ahead > 0).mean(axis=1), doubtful.mean(axis=1))


def normalised_margin(state: FlowState) -> float:
    """q_min / |theta|^3 on the pairs that are seen."""
    return float(state.margins.min() * np.exp(-3.0 * state.log_norm))


def share_of_bound(net: TwoLayer, state: FlowState) -> float:
    """q_min / (gamma_1 sum r^3) on the pairs that are seen."""
    norms = neuron_norms(net, state.direction)
    bound = largest_neuron_margin(net.output_dim) * float((norms**3).sum())
    return normalised_margin(state) / bound


def neurons_in_use(net: TwoLayer, state: FlowState) -> float:
    """M_eff."""
    return effective_neurons(neuron_norms(net, state.direction))


def measure(
    told: AdditionFlow,
    times: Sequence[float],
    *,
    at: float = 1.0,
    method: str | None = None,
    forgotten: bool = False,
) -> Flow:
    """In wrong worlds times are `at` times what they are told to be, or the class is a alone."""
    net, anchor = told.anchored()
    seen, unseen = told.split()
    problem = addition_problem(net, anchor, seen)
    if forgotten:
        problem = replace(problem, labels=seen[:, 0].astype(np.float64))
    regime = Regime(log10_alpha=told.log10_alpha, decay_power=1.0)
    asked = [at * time for time in times]
    flow = gradient_flow(problem, regime, at=asked, rtol=RTOL, method=method)
    return Flow(told, net, unseen, flow)


@dataclass(frozen=True, eq=False)
class EarlyFlows:
    """The flow of one instance at `EARLY`, along a ladder of alphas."""

    rungs: tuple[Flow, ...]

    @property
    def first(self) -> Flow:
        return self.rungs[0]

    @property
    def log_inverse_decays(self) -> Floats:
        """Lam at each rung."""
        flows = [rung.flow for rung in self.rungs]
        return np.array([log_inverse_decay(f.problem, f.regime, EARLY[0]) for f in flows])

    def read(self, reading: Callable[[FlowState], float]) -> Quantity:
        """One number at each rung."""
        return Quantity.joined(rung.read(reading) for rung in self.rungs)

    def accuracy(self) -> Quantity:
        """At unseen pairs, at each rung."""
        return Quantity.joined(rung.accuracy() for rung in self.rungs)


def measure_early(
    told: AdditionFlow, *, method: str | None = None, forgotten: bool = False
) -> EarlyFlows:
    """For wrong worlds see `measure`."""
    ladder = [replace(told, log10_alpha=step * told.log10_alpha) for step in LADDER_STEPS]
    flow = partial(measure, times=EARLY, method=method, forgotten=forgotten)
    return EarlyFlows(tuple(flow(rung) for rung in ladder))


WORDS = ("alpha large, lambda = 1 / alpha", "zero output", "cross-entropy")

EARLY_FLOW = Measurement(
    "modular-early-flow",
    AdditionFlow,
    ("symmetric",),
    symmetric_flows,
    measure_early,
    in_words(*WORDS, "a kernel that knows only which summands agree"),
    sabotaged={"classes of the first summand": partial(measure_early, forgotten=True)},
    independent=partial(measure_early, method="BDF"),
    thrift=2,
)
LATE_FLOW = Measurement(
    "modular-late-flow",
    AdditionFlow,
    STARTS,
    full_flows,
    partial(measure, times=LATE),
    in_words(*WORDS, "all p^2 pairs, p = 5", "16 neurons"),
    sabotaged={
        "a third of the times": partial(measure, times=LATE, at=1.0 / 3.0),
        "classes of the first summand": partial(measure, times=LATE, forgotten=True),
    },
    thrift=3,
)
PART_FLOW = Measurement(
    "modular-part-flow",
    AdditionFlow,
    STARTS,
    part_flows,
    partial(measure, times=PART),
    in_words(*WORDS, "four fifths of the pairs, p = 5", "12 neurons"),
    sabotaged={
        "classes of the first summand": partial(measure, times=PART, forgotten=True),
    },
    thrift=3,
)
