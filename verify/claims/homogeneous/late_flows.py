"""Late flows of nets from a loss below 1, with the terms of their margin's rise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.homogeneous import LateHomogeneousFlow, late_homogeneous_flow
from verify.instances import FlowInstance
from verify.language import Measurement, Quantity, in_words
from verify.strategies import Sizes, undecayed_instances

RISES = np.array([20.0, 60.0, 200.0, 600.0, 2000.0])
"""log(1/loss)."""

FLOOR = 1e-10
"""What integration at rtol 1e-11 resolves."""


@dataclass(frozen=True, eq=False)
class LateFlow:
    """A flow, and readings of it with their errors."""

    flow: LateHomogeneousFlow

    @property
    def degree(self) -> int:
        return self.flow.problem.degree

    def read(self, reading: Callable[[LateHomogeneousFlow, Floats], Floats]) -> Quantity:
        states = self.flow.flow
        return Quantity.paired(partial(reading, self.flow), states.tight, states.loose, FLOOR)


def measure(instance: FlowInstance, even: float = 1.0, odd: float = 1.0) -> LateFlow:
    """The flow; in a wrong world parameters have learning rates of their own, by turns."""
    rates = np.full(instance.problem.parameters, odd)
    rates[::2] = even
    return LateFlow(late_homogeneous_flow(instance.problem, RISES, rates=rates))


def by_radau(instance: FlowInstance) -> LateFlow:
    """At a tolerance that the method reaches in a second."""
    return LateFlow(late_homogeneous_flow(instance.problem, RISES, rtol=1e-8, method="Radau"))


def instances(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[FlowInstance]:
    """Up to eight distinct samples and some 24 parameters at quick."""
    half = replace(
        sizes,
        max_samples=sizes.max_samples // 2,
        max_input_dim=sizes.max_input_dim // 2,
        max_parameters=max(16, sizes.max_parameters // 3),
        max_width=sizes.max_width // 2,
    )
    return undecayed_instances(families, half)


LATE = Measurement(
    "late-homogeneous-flow",
    FlowInstance,
    ("diagonal", "two_layer"),
    instances,
    measure,
    in_words("homogeneity", "smoothness", "exponential loss", "loss < 1 at first"),
    sabotaged={"rates of 0.3 and 0.7 by turns": lambda i: measure(i, even=0.3, odd=0.7)},
    independent=by_radau,
    thrift=3,
)
