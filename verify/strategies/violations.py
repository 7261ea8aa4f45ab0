"""Problems that violate exactly one assumption of the theorems, on request.

Each takes a valid problem and breaks one thing by a drawn amount, so that what is violated, and by
how much, is known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from theory.anchors import zero_readout_anchor
from theory.backend import Array
from theory.errors import InvalidInput
from theory.nets import HomogeneousNet, TwoLayer
from theory.problem import Problem
from verify.strategies.nets import AnchoredNet, diagonal_nets, nonzero_arrays
from verify.strategies.tasks import problems, separable_tasks

AMOUNTS = (1.0, 0.5, 0.1, 0.01)
"""How far the assumption is broken; the plainest violation first."""


@dataclass(frozen=True)
class WithBias(HomogeneousNet):
    """A homogeneous net plus a trained output bias (the last parameter): of two degrees at once."""

    net: HomogeneousNet

    @property
    def degree(self) -> int:
        return self.net.degree

    @property
    def parameters(self) -> int | None:
        return None if self.net.parameters is None else self.net.parameters + 1

    @property
    def smooth(self) -> bool | None:
        return self.net.smooth

    def forward(self, theta: Any, inputs: Array) -> Any:
        return self.net.forward(theta[:-1], inputs) + theta[-1]


@st.composite
def inhomogeneous(draw: st.DrawFn) -> Problem:
    """A valid problem whose net has an output bias, zero at the anchor."""
    problem = draw(problems(families=("diagonal", "two_layer")))
    anchor = np.append(problem.anchor, 0.0)
    return Problem(WithBias(problem.net), anchor, problem.inputs, problem.labels, problem.loss)


@st.composite
def kinked(draw: st.DrawFn) -> Problem:
    """A separable task on a two-layer relu net with zero readout."""
    net = TwoLayer(draw(st.integers(1, 4)), draw(st.integers(1, 4)), "relu")
    theta = draw(nonzero_arrays((net.parameters,)))
    return draw(separable_tasks(AnchoredNet(net, zero_readout_anchor(net, theta))))


@st.composite
def with_initial_output(draw: st.DrawFn) -> Problem:
    """A diagonal net with u = (1 + amount) v, whose output at the anchor is not zero."""
    problem = draw(diagonal_nets().flatmap(separable_tasks))
    amount = draw(st.sampled_from(AMOUNTS))
    anchor = np.array(problem.anchor)
    anchor[: anchor.size // 2] *= 1.0 + amount
    anchor /= np.linalg.norm(anchor)
    return Problem(problem.net, anchor, problem.inputs, problem.labels, problem.loss)


@st.composite
def inseparable(draw: st.DrawFn) -> Problem:
    """A valid task with one of its samples repeated under the opposite label."""
    problem = draw(problems())
    sample = draw(st.integers(0, problem.samples - 1))
    inputs = np.vstack([problem.inputs, problem.inputs[sample]])
    labels = np.append(problem.labels, -problem.labels[sample])
    return Problem(problem.net, problem.anchor, inputs, labels, problem.loss)


VIOLATIONS: dict[str, Callable[[], st.SearchStrategy[Problem]]] = {
    "homogeneity": inhomogeneous,
    "smoothness": kinked,
    "zero output": with_initial_output,
    "separability": inseparable,
}


def violating(assumption: str) -> st.SearchStrategy[Problem]:
    """Problems that meet every assumption but the named one.

    Raises:
        InvalidInput: an assumption for which there is no such strategy.
    """
    if assumption not in VIOLATIONS:
        raise InvalidInput(f"assumption is {assumption!r}; known are {', '.join(VIOLATIONS)}")
    return VIOLATIONS[assumption]()
