"""The task of a `check`: its assumptions one by one, each with what mends it, and an anchor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from theory.assumptions import (
    check_finite,
    check_homogeneity,
    check_separability,
    check_smoothness,
    check_zero_output,
)
from theory.backend import Floats
from theory.errors import AssumptionError
from theory.plain_function import check_plain_function
from theory.problem import Problem
from verify.anchor_search import DEGENERATE, ZERO_STARTS, find_anchor, relative_margin
from verify.claims.early_late.kernel_machines import probe_inputs
from verify.instances.flow import ModuleNet

Say = Callable[[str], None]

MENDING: Final = {
    "finite values": "let forward return one finite number for each input, or one for each class",
    "determinism": "call .eval(); draw nothing and keep nothing in forward",
    "independent samples": "let each output depend on its own input only",
    "double precision": "keep float64 throughout",
    "gradients": "let every derivative pass forward: no .detach(), .item(), no_grad or checkpoint",
    "homogeneity": "scale theta by c and the output must scale by c^degree: drop biases (or give "
    "them the degree of their layer), normalisation and skip connections, correct `degree`",
    "smoothness": "take a continuously differentiable activation, for instance relu(z)**2",
    "zero output": "let theta hold two copies of the net and return f(first half) - f(second half)",
    "separability": "give the net more parameters, or ask for fewer --samples",
}
ANCHORS: Final = 5
"""Anchors that are tried, each with other labels, before the margin is called degenerate."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a task is made of.

    Attributes:
        labels: `(n,)`, or None for those of a random teacher.
        anchor: `(P,)`, or None for one that is searched for.
        classes: K of a net of K outputs, None of a net of one.
    """

    net: ModuleNet
    parameters: int
    inputs: Floats
    labels: Any = None
    anchor: Floats | None = None
    classes: int | None = None

    def problem(self, net: ModuleNet, anchor: Floats, labels: Any) -> Problem:
        loss = "exponential" if self.classes is None else "cross_entropy"
        return Problem(net, anchor, self.inputs, labels, loss, self.classes)


def classes_of(net: ModuleNet, parameters: int, inputs: Floats) -> int | None:
    """K of a net that returns K > 1 numbers for each input; None of all others.

    Raises:
        InvalidInput: it fails on arrays of these shapes.
    """
    theta = np.random.default_rng(0).standard_normal(parameters)
    net.try_out(theta, inputs)
    shape = np.shape(net.outputs(theta, inputs))
    return shape[1] if len(shape) == 2 and shape[0] == len(inputs) and shape[1] > 1 else None


def task_of(wanted: Wanted, generator: np.random.Generator, say: Say) -> Problem | int:
    """A task that meets every assumption, or the exit status.

    Its net remembers that it is smooth, the most expensive of all to find out.
    """
    net, parameters, inputs = wanted.net, wanted.parameters, wanted.inputs
    anchor = generator.standard_normal(parameters) if wanted.anchor is None else wanted.anchor
    net.try_out(anchor, inputs)
    blank = wanted.problem(net, anchor, np.ones(len(inputs)))
    row_net = blank.row_net
    checks: dict[str, Callable[[], None]] = {
        "finite values": lambda: check_finite(blank),
        "a function of theta and x": lambda: check_plain_function(net, parameters, inputs),
        "homogeneity": lambda: check_homogeneity(row_net, parameters, inputs),
        "smoothness": lambda: check_smoothness(row_net, parameters, inputs),
    }
    if not all(_holds(name, check, say) for name, check in checks.items()):
        return 1
    problem = _problem(wanted, probe_inputs(blank), generator, say)
    if problem is None:
        return 3
    met = _holds("zero output", lambda: check_zero_output(problem), say) and _holds(
        "separability", lambda: check_separability(problem), say
    )
    return problem if met else 1


def _problem(
    wanted: Wanted, probes: Floats, generator: np.random.Generator, say: Say
) -> Problem | None:
    """With the anchor that is given, or one with a kernel margin of a generic size; or None."""
    net, inputs = wanted.net.known_smooth(), wanted.inputs
    if wanted.anchor is not None:
        return wanted.problem(net, wanted.anchor, _labels(wanted, wanted.anchor, generator))
    margins: list[float] = []
    for _ in range(ANCHORS):
        everywhere = np.concatenate([inputs, probes])
        anchor = find_anchor(net, wanted.parameters, everywhere, generator)
        if anchor is None:
            break
        problem = wanted.problem(net, anchor, _labels(wanted, anchor, generator))
        margins.append(relative_margin(problem))
        if margins[-1] >= DEGENERATE:
            return problem
    if margins:
        say(
            f"  unknown  separability: kernel margins at {len(margins)} anchors are at most "
            f"{max(margins):.1e}, relative to gradients at random parameters (needed: "
            f"{DEGENERATE:.0e})"
        )
        say(f"           mend: {MENDING['separability']}")
        return None
    say(
        f"  unknown  zero output: {ZERO_STARTS} searches found no theta with output 0 at which the "
        "gradients do not vanish as well"
    )
    say(f"           mend: {MENDING['zero output']}")
    return None


def _labels(wanted: Wanted, anchor: Floats, generator: np.random.Generator) -> Any:
    if wanted.labels is not None:
        return wanted.labels
    gradients = wanted.net.jacobian(anchor, wanted.inputs)
    taught = gradients @ generator.standard_normal(wanted.parameters)
    return np.where(taught < 0, -1.0, 1.0) if wanted.classes is None else np.argmax(taught, axis=1)


def _holds(assumption: str, check: Callable[[], None], say: Say) -> bool:
    try:
        check()
    except AssumptionError as error:
        return not fails(assumption, error, say)
    say(f"  met      {assumption}")
    return True


def fails(assumption: str, error: AssumptionError, say: Say) -> int:
    """Say what fails and what mends it; the exit status."""
    say(f"  fails    {assumption}: {error}")
    say(f"           mend: {MENDING[error.assumption]}")
    return 1
