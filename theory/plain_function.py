"""Whether a net is what the theorems take for granted: a function f(theta; x), in float64.

Each output belongs to one input, the same call gives the same numbers, the arithmetic carries
float64, and the gradients are those of the outputs. A net that fails says nothing on any theorem,
so it is refused before anything is asked.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import AssumptionError
from theory.nets import HomogeneousNet

_PROBES: Final = 2
_CALLS: Final = 6
_PROBE_SEED: Final = 1

ROUNDING: Final = 1e-9
"""Relative to |theta| |grad f_i|. Sums in another order, as over a longer batch, differ by 1e-16 to
1e-13 at unit scale; float32 by 1e-8 to 1e-6, other samples and randomness by about one."""

LARGEST_DEGREE: Final = 60
"""2^60 times an output is still a number of float32, and differences over a step are right; nets of
higher degree are asked for neither."""

SINGLE: Final = 1e-10
"""Relative likewise: below the rounding of float32, above that of float64."""

_STEP: Final = 1e-3
"""Relative to |theta|: differences over it and over its half are combined to fourth order."""

GRADIENT: Final = 1e-4
"""Relative to |grad f_i|. Differences of the families' outputs are 1e-13 to 1e-10 off, at degree 60
1e-8; where one of ten rectifiers turns within a step, 1e-2, but not at each of the probes."""

_GRADIENT_PROBES: Final = 4

OTHER_GRADIENTS: Final = (
    "forward takes numbers out of theta (float(), .item(), .detach(), no_grad), calls a function "
    "with a backward of its own, or computes twice (torch.utils.checkpoint)"
)
"""Why torch derives gradients that are not those of the outputs."""


def check_plain_function(
    net: HomogeneousNet, parameters: int, inputs: Floats, *, precision: bool = True
) -> None:
    """Check determinism, independence of samples, float64 and gradients, at random |theta| = 1.

    Without `precision` the net's degree, by which float64 is told, is not asked for, nor are
    gradients.

    Raises:
        AssumptionError: "determinism", "independent samples", "double precision" or "gradients".
    """
    generator = np.random.default_rng(_PROBE_SEED)
    for _ in range(_PROBES):
        theta = generator.standard_normal(parameters)
        theta /= np.linalg.norm(theta)
        if not np.all(np.isfinite(net.outputs(theta, inputs))):
            continue  # it is for other checks to tell
        scale = np.linalg.norm(net.jacobian(theta, inputs), axis=-1) + np.finfo(float).tiny
        with np.errstate(over="ignore"):  # dice may leave no gradient to measure a change by
            _check_determinism(net, theta, inputs, scale)
            if precision:
                _check_precision(net, theta, inputs, scale)
            _check_independence(net, theta, inputs, scale)
    if precision:
        _check_gradients(net, parameters, inputs)


def _check_determinism(net: HomogeneousNet, theta: Floats, inputs: Floats, scale: Floats) -> None:
    """The same numbers again, with calls at other parameters in between: neither dice nor state."""
    calls = []
    for _ in range(_CALLS):
        calls.append(np.asarray(net.outputs(theta, inputs)))
        net.outputs(-0.5 * theta, inputs[:1])
    differences = [float((np.abs(b - a) / scale).max()) for a, b in pairwise(calls)]
    if not max(differences) <= ROUNDING:
        raise AssumptionError(
            "determinism",
            "net is not deterministic: equal parameters and inputs gave outputs that differ by "
            f"{max(differences):.1e} relative; forward draws random numbers or keeps a state "
            "(dropout, running statistics, a counter): call .eval()",
        )


def _check_independence(net: HomogeneousNet, theta: Floats, inputs: Floats, scale: Floats) -> None:
    """The same numbers in a longer batch, in which the first input comes again and again."""
    samples = len(inputs)
    if samples == 1:
        return  # a longer batch of one input tells nothing
    longer = np.concatenate([inputs, np.repeat(inputs[:1], samples + 1, axis=0)])
    alone = np.asarray(net.outputs(theta, inputs))
    among = np.asarray(net.outputs(theta, longer))
    if among.shape != (len(longer), *alone.shape[1:]):
        return  # the shape is for `check_finite` to tell
    differences = (np.abs(among[:samples] - alone) / scale).reshape(samples, -1).max(axis=1)
    worst = int(np.argmax(differences))
    if not differences[worst] <= ROUNDING:
        raise AssumptionError(
            "independent samples",
            f"net's output at input {worst} changes by {differences[worst]:.1e} relative when "
            "other inputs join the batch; the theorems are about f(theta; x) of one x at a time: "
            "remove centring and batch statistics",
        )


def _check_precision(net: HomogeneousNet, theta: Floats, inputs: Floats, scale: Floats) -> None:
    """f(c theta) = c^L f(theta) for c = 2, which rounds nothing, but not for c = 2^(1/3)."""
    if net.degree > LARGEST_DEGREE:
        return
    outputs = np.asarray(net.outputs(theta, inputs))
    errors = [
        float((np.abs(net.outputs(c * theta, inputs) / c**net.degree - outputs) / scale).max())
        for c in (2.0, 2.0 ** (1.0 / 3.0))
    ]
    single = outputs.dtype != np.float64
    if single or (errors[0] <= 1e-3 * errors[1] and SINGLE < errors[1] <= 1e-3):
        found = f"returns {outputs.dtype}" if single else f"carries {errors[1]:.0e} relative"
        raise AssumptionError(
            "double precision",
            f"net {found}, less than float64, which the flow needs; keep float64 throughout: no "
            ".float(), and new tensors of theta's dtype (theta.new_tensor, dtype=theta.dtype)",
        )


def _check_gradients(net: HomogeneousNet, parameters: int, inputs: Floats) -> None:
    """Along random directions outputs change as gradients say, input by input at some probe."""
    if net.degree > LARGEST_DEGREE:
        return
    generator = np.random.default_rng(_PROBE_SEED)
    pairs = generator.standard_normal((_GRADIENT_PROBES, 2, parameters))
    pairs /= np.linalg.norm(pairs, axis=-1, keepdims=True)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.fmin.reduce([_gradient_errors(net, a, b, inputs) for a, b in pairs])
    worst = float(np.fmax.reduce(errors, axis=None))
    if worst > GRADIENT:
        raise AssumptionError(
            "gradients",
            f"net's gradients are not those of its outputs, by {worst:.1e} of their lengths along "
            f"random directions: {OTHER_GRADIENTS}",
        )


def _gradient_errors(
    net: HomogeneousNet, theta: Floats, direction: Floats, inputs: Floats
) -> Floats:
    """Of what gradients say of differences, over their lengths, shape of the outputs."""
    gradients = np.asarray(net.jacobian(theta, inputs))

    def slope(step: float) -> Floats:
        ahead, behind = theta + step * direction, theta - step * direction
        return np.asarray((net.outputs(ahead, inputs) - net.outputs(behind, inputs)) / (2.0 * step))

    slopes = (4.0 * slope(0.5 * _STEP) - slope(_STEP)) / 3.0
    scale = np.linalg.norm(gradients, axis=-1) + np.finfo(float).tiny
    return np.asarray(np.abs(slopes - gradients @ direction) / scale)
