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
    "finite values": "let forward return one finite number for each input",
    "determinism": "call .eval(); draw nothing and keep nothing in forward",
    "independent samples": "let each output depend on its own input only",
    "double precision": "keep float64 throughout",
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
    """

    net: ModuleNet
    parameters: int
    inputs: Floats
    labels: Any = None
    anchor: Floats | None = None


def task_of(wanted: Wanted, generator: np.random.Generator, say: Say) -> Problem | int:
    """A task that meets every assumption, or the exit status.

    Its net remembers that it is smooth, the most expensive of all to find out.
    """
    net, parameters, inputs = wanted.net, wanted.parameters, wanted.inputs
    anchor = generator.standard_normal(parameters) if wanted.anchor is None else wanted.anchor
    net.try_out(anchor, inputs)
    blank = Problem(net, anchor, inputs, np.ones(len(inputs)))
    checks: dict[str, Callable[[], None]] = {
        "finite values": lambda: check_finite(blank),
        "a function of theta and x": lambda: check_plain_function(net, parameters, inputs),
        "homogeneity": lambda: check_homogeneity(net, parameters, inputs),
        "smoothness": lambda: check_smoothness(net, parameters, inputs),
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
        labels = _labels(wanted, wanted.anchor, generator)
        return Problem(net, wanted.anchor, inputs, labels)
    margins: list[float] = []
    for _ in range(ANCHORS):
        everywhere = np.concatenate([inputs, probes])
        anchor = find_anchor(net, wanted.parameters, everywhere, generator)
        if anchor is None:
            break
        problem = Problem(net, anchor, inputs, _labels(wanted, anchor, generator))
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
    return np.where(gradients @ generator.standard_normal(wanted.parameters) < 0, -1.0, 1.0)


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
