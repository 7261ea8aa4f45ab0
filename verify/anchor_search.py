"""Anchors for a net of which only `forward` is known: directions of zero output, not degenerate.

Differences of two copies come first: where f(a, b) = -f(b, a) for the two halves of theta, every
(w, w) has zero output exactly. Else Gauss-Newton from random starts looks for a zero. It is drawn
to degenerate ones, at which all gradients vanish (zero kernels below a readout) and the kernel
phase with them; these are passed over.
"""

from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import AssumptionError, OracleFailed
from theory.kernel import max_margin
from theory.nets import HomogeneousNet
from theory.problem import Problem

ZERO_STARTS: Final = 20
ZERO_STEPS: Final = 60
ZERO_TOLERANCE: Final = 1e-13
"""Relative to the gradients; the flow amplifies what output is left by alpha^(cL)."""

DEGENERATE: Final = 1e-3
"""Gradients and margins below this, relative to gradients at generic parameters, belong to a zero
that is nearly degenerate. The lazy flow works with the kernel matrix, whose digits the square of
this takes: ten are left, as many as the flows' own tolerances ask for."""


def find_anchor(
    net: HomogeneousNet, parameters: int, inputs: Floats, generator: np.random.Generator
) -> Floats | None:
    """A unit vector theta with f(theta; x) = 0 on all inputs `(m, d)`, or None.

    At it every output of every input has a gradient of the size of those at random parameters.
    """
    halved = difference_anchor(net, parameters, inputs, generator)
    return zero_output_anchor(net, parameters, inputs, generator) if halved is None else halved


def difference_anchor(
    net: HomogeneousNet, parameters: int, inputs: Floats, generator: np.random.Generator
) -> Floats | None:
    """(w, w) of unit norm, where exchanging the halves of theta turns the sign of all outputs."""
    half, odd = divmod(parameters, 2)
    if odd:
        return None
    for _ in range(2):
        a, b = generator.standard_normal((2, half))
        there, back = (
            np.ravel(net.outputs(np.concatenate(pair), inputs)) for pair in ((a, b), (b, a))
        )
        lengths = np.linalg.norm(_gradients(net, np.concatenate([a, b]), inputs), axis=1)
        if not np.all(np.abs(there + back) <= 1e-12 * np.sqrt(parameters) * lengths):
            return None
    for _ in range(ZERO_STARTS):
        w = generator.standard_normal(half)
        theta = np.concatenate([w, w]) / np.linalg.norm([w, w])
        if _is_regular_zero(net, theta, inputs):
            return np.asarray(theta)
    return None


def zero_output_anchor(
    net: HomogeneousNet, parameters: int, inputs: Floats, generator: np.random.Generator
) -> Floats | None:
    """A regular zero by Gauss-Newton from random starts; None when no start leads to one."""
    for _ in range(ZERO_STARTS):
        theta = generator.standard_normal(parameters)
        theta /= np.linalg.norm(theta)
        first = np.linalg.norm(_gradients(net, theta, inputs), axis=1)
        for _ in range(ZERO_STEPS):
            outputs = np.ravel(net.outputs(theta, inputs))
            jacobian = _gradients(net, theta, inputs)
            lengths = np.linalg.norm(jacobian, axis=1)
            if not np.all(np.isfinite(jacobian)) or np.any(lengths <= 0.1 * DEGENERATE * first):
                break
            if np.abs(outputs / lengths).max() <= ZERO_TOLERANCE:
                if _is_regular_zero(net, theta, inputs):
                    return np.asarray(theta)
                break
            rows, goal = jacobian / lengths[:, None], outputs / lengths
            theta = theta - np.linalg.lstsq(rows, goal, rcond=1e-10)[0]
            theta /= np.linalg.norm(theta)
    return None


def _is_regular_zero(net: HomogeneousNet, theta: Floats, inputs: Floats) -> bool:
    jacobian = _gradients(net, theta, inputs)
    lengths = np.linalg.norm(jacobian, axis=1)
    if not np.all(np.isfinite(jacobian)) or lengths.min() == 0:
        return False
    generic = generic_gradients(net, theta, inputs)
    zero = np.abs(np.ravel(net.outputs(theta, inputs))) <= ZERO_TOLERANCE * lengths
    return bool(np.all(zero & (lengths > DEGENERATE * generic)))


def _gradients(net: HomogeneousNet, theta: Floats, inputs: Floats) -> Floats:
    """Those of all outputs of all inputs, `(m, P)`."""
    return np.asarray(net.jacobian(theta, inputs)).reshape(-1, len(theta))


def generic_gradients(net: HomogeneousNet, anchor: Floats, inputs: Floats) -> Floats:
    """The largest |grad f(theta; x_i)| over three random theta as long as `anchor`, `(m,)`, of all
    outputs of all inputs.
    """
    generator = np.random.default_rng(0)
    lengths = []
    for theta in generator.standard_normal((3, len(anchor))):
        theta *= np.linalg.norm(anchor) / np.linalg.norm(theta)
        lengths.append(np.linalg.norm(_gradients(net, theta, inputs), axis=1))
    return np.asarray(np.max(lengths, axis=0))


def relative_margin(problem: Problem) -> float:
    """The kernel margin with each row's gradients in units of those at random parameters.

    0 where there is none, or none that float64 resolves.
    """
    jacobian = problem.row_net.jacobian(problem.anchor, problem.inputs)
    generic = generic_gradients(problem.row_net, problem.anchor, problem.inputs)
    try:
        return max_margin((problem.row_labels / generic)[:, None] * jacobian).margin
    except (AssumptionError, OracleFailed):
        return 0.0
