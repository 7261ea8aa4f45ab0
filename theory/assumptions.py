"""The assumptions of the theorems, checked on a problem; each failure names what is wrong.

Lyu, Jin, Li, Du, Lee, Hu (ICLR 2024), Section 3: f is homogeneous and smooth in theta, the output
vanishes at the anchor, and the data are separable by the gradient features at the anchor; for the
squared loss, the gradient features interpolate the targets.
"""

from itertools import pairwise
from math import inf

import numpy as np

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput
from theory.kernel.ntk import RANK_TOLERANCE, feature_rank, signed_features
from theory.kernel.svm import kernel_svm
from theory.nets import HomogeneousNet, PairNet
from theory.plain_function import check_plain_function
from theory.problem import Problem
from theory.requests import is_number
from theory.units import power_of_two, scaled

_PROBES = 3
_PROBE_SEED = 0
HOMOGENEITY_TOLERANCE = 1e-9
"""Rounding of f and its Jacobian at unit scale is 1e-15 to 1e-13 for the families here; a wrong
degree shows as an error of order one."""
ZERO_OUTPUT_TOLERANCE = 1e-6
"""Relative to |theta|^L times the size of the gradients. The anchor is used as if its output were
exactly zero; six-digit anchors written by hand must pass."""
LARGEST_GRADIENT = 1e150
ZERO_SHARE = 1e-6
"""Of the gradient at a random point of the same norm: what is smaller may be none."""
ZERO_STEP = 1e-12
"""Relative to |anchor|. A gradient that half changes over such a step is zero up to rounding: what
is left of it by the anchor's own digits. No unit and no degree decides."""
REALIZABILITY_TOLERANCE = 1e-6
"""Relative to |y|: as for the anchor, six-digit targets written by hand must pass."""


def check_assumptions(problem: Problem) -> None:
    """Check every assumption of the theorems on `problem`.

    Raises:
        AssumptionError: for the first one that fails, with `assumption` one of "finite values",
            "determinism", "independent samples", "double precision", "gradients", "homogeneity",
            "smoothness", "zero output", "separability" (classification),
            "realizability" (squared loss).
        InvalidInput: the net's degree is no finite number of at least 1.
    """
    check_finite(problem)
    check_plain_function(problem.net, problem.parameters, problem.inputs)
    check_homogeneity(problem.row_net, problem.parameters, problem.inputs)
    check_smoothness(problem.row_net, problem.parameters, problem.inputs)
    check_zero_output(problem)
    if problem.loss_function.classifies:
        check_separability(problem)
    else:
        check_realizability(problem)


def check_degree(net: HomogeneousNet) -> None:
    """`InvalidInput` unless the degree that a net states is a finite number of at least 1."""
    if not is_number(net.degree) or not 1 <= net.degree < inf:
        raise InvalidInput(f"degree is {net.degree!r}, it must be at least 1")


def check_finite(problem: Problem) -> None:
    """Outputs and gradients at the anchor are finite numbers of the right shape; so is the degree.

    Raises:
        AssumptionError: "finite values".
        InvalidInput: the net's degree is no finite number of at least 1.
    """
    check_degree(problem.net)
    outputs = problem.net.outputs(problem.unit_anchor, problem.inputs)
    classes = () if problem.classes is None else (problem.classes,)
    if np.shape(outputs) != (problem.samples, *classes):
        raise AssumptionError(
            "finite values",
            f"net returns shape {np.shape(outputs)} for {problem.samples} inputs; "
            f"forward must return shape {(problem.samples, *classes)}",
        )
    jacobian = problem.unit_gradients
    if not (np.all(np.isfinite(outputs)) and np.all(np.isfinite(jacobian))):
        raise AssumptionError(
            "finite values", "net returns NaN or infinite outputs or gradients at the anchor"
        )
    largest = float(np.abs(jacobian).max())
    if not (largest == 0 or 1.0 / LARGEST_GRADIENT <= largest <= LARGEST_GRADIENT):
        raise AssumptionError(
            "finite values",
            f"net has gradients of size {largest:.1e} at the anchor's direction, whose squares "
            "leave float64; rescale inputs",
        )


def check_homogeneity(net: HomogeneousNet, parameters: int, inputs: Floats) -> None:
    """f(c theta) = c^L f(theta), and Euler's identity <theta, grad f> = L f, at random theta.

    Theta has unit norm and c^L is 1.5, so that no degree overflows.
    """
    generator = np.random.default_rng(_PROBE_SEED)
    factor = 1.5 ** (1.0 / net.degree)
    for _ in range(_PROBES):
        theta = generator.standard_normal(parameters)
        theta /= np.linalg.norm(theta)
        outputs = net.outputs(theta, inputs)
        jacobian = net.jacobian(theta, inputs)
        scale = np.linalg.norm(jacobian, axis=1) + np.finfo(float).tiny  # sample by sample
        euler = jacobian @ theta - net.degree * outputs
        scaling = net.outputs(factor * theta, inputs) / 1.5 - outputs
        error = float((np.maximum(np.abs(euler), np.abs(scaling)) / scale).max())
        if not error <= HOMOGENEITY_TOLERANCE:
            advice = "correct its degree, or remove biases and non-homogeneous activations"
            if error < 1e-5:
                advice = "errors as small as this come from float32 inside: keep float64 throughout"
            raise AssumptionError(
                "homogeneity",
                f"net is not homogeneous of degree {net.degree}: f(c theta) = c^{net.degree} "
                f"f(theta) fails by {error:.1e} relative (allowed: {HOMOGENEITY_TOLERANCE:.0e}); "
                + advice,
            )


def check_smoothness(net: HomogeneousNet, parameters: int, inputs: Floats) -> None:
    """The gradient is continuous: known for the families, tested along lines for other nets.

    The test bisects the largest jump of the gradient along random lines from a to b and on to -a:
    every linear function of theta, such as the preactivation of a rectifier, changes its sign on
    one of the two. Where the gradient is continuous the jump halves with the interval; at a kink it
    stays.
    """
    if net.smooth is None:
        generator = np.random.default_rng(_PROBE_SEED)
        pairs = generator.standard_normal((_PROBES, 2, parameters))
        lines = [line for a, b in pairs for line in ((a, b), (b, -a))]
        smooth = all(_largest_jump_shrinks(net, inputs, *line) for line in lines)
    else:
        smooth = net.smooth
    if not smooth:
        raise AssumptionError(
            "smoothness",
            f"net {net} has a gradient that jumps (kinks, as of relu); the theorems need a "
            "continuously differentiable net, and the flow of this one slides along its kinks",
        )


def _largest_jump_shrinks(net: HomogeneousNet, inputs: Floats, a: Floats, b: Floats) -> bool:
    grid = np.linspace(0.0, 1.0, 65)
    sizes = np.linalg.norm(net.jacobian(a, inputs), axis=1, keepdims=True)
    sizes = np.where(sizes > 0, sizes, 1.0)

    def gradient_at(t: float) -> Floats:
        return np.asarray(net.jacobian((1 - t) * a + t * b, inputs) / sizes)

    gradients = [gradient_at(t) for t in grid]
    jumps = [float(np.abs(g1 - g0).max()) for g0, g1 in pairwise(gradients)]
    k = int(np.argmax(jumps))
    low, high, first = grid[k], grid[k + 1], jumps[k]
    low_gradient, high_gradient, jump = gradients[k], gradients[k + 1], first
    for _ in range(20):
        middle = 0.5 * (low + high)
        gradient = gradient_at(middle)
        left = float(np.abs(gradient - low_gradient).max())
        right = float(np.abs(high_gradient - gradient).max())
        if left >= right:
            high, high_gradient, jump = middle, gradient, left
        else:
            low, low_gradient, jump = middle, gradient, right
    return jump <= 1e-3 * first or first == 0.0


def check_zero_output(problem: Problem) -> None:
    """|f(anchor; x_i)|, or of several classes each margin, is zero up to rounding of the anchor's
    digits.
    """
    anchor, norm = problem.unit_anchor, float(np.linalg.norm(problem.unit_anchor))
    outputs = problem.row_net.outputs(anchor, problem.inputs)
    gradients = np.linalg.norm(problem.unit_gradients, axis=1)
    relative = np.abs(outputs) / np.maximum(norm * gradients, np.finfo(float).tiny)
    relative = np.where(outputs == 0, 0.0, relative)
    worst = int(np.argmax(relative))
    if relative[worst] > ZERO_OUTPUT_TOLERANCE:
        raise AssumptionError(
            "zero output",
            f"anchor has {_row(problem, worst)} {outputs[worst]:.6g} at input "
            f"{_sample(problem, worst)}; it must be a direction with "
            "zero output on every input (a difference of two copies, balanced, or zero readout)",
        )


def _sample(problem: Problem, row: int) -> int:
    """The input that a row belongs to."""
    return row // (problem.rows // problem.samples)


def _row(problem: Problem, row: int) -> str:
    """What a row is, in words."""
    if not isinstance(problem.row_net, PairNet):
        return "output"
    return f"a difference to class {problem.row_net.others[row]} of"


def check_separability(problem: Problem) -> None:
    """Some parameter direction has positive margin on every sample in the gradient features."""
    features = signed_features(problem)
    lengths = np.linalg.norm(features, axis=1)
    generic = np.random.default_rng(_PROBE_SEED).standard_normal(problem.parameters)
    generic *= problem.anchor_norm / np.linalg.norm(generic)
    step = ZERO_STEP * generic
    net, labels = problem.row_net, problem.row_labels
    moved = net.jacobian(problem.anchor + step, problem.inputs)
    changes = np.linalg.norm(labels[:, None] * moved - features, axis=1)
    usual = np.linalg.norm(net.jacobian(generic, problem.inputs), axis=1)
    # at a kink a step changes a gradient of the usual size as well
    zero = (lengths == 0) | ((changes >= 0.5 * lengths) & (lengths < ZERO_SHARE * usual))
    if zero.any():
        raise AssumptionError(
            "separability",
            f"input {_sample(problem, int(np.argmax(zero)))} has a zero gradient at the anchor; "
            "no classifier in the NTK features separates it",
        )
    kernel_svm(problem)


def check_realizability(problem: Problem) -> None:
    """The model linearised at the anchor interpolates the targets: y is in the range of J."""
    features = signed_features(problem)
    targets = scaled(problem.labels, -power_of_two(problem.labels))  # squares stay in float64
    lengths = np.linalg.norm(features, axis=1)
    lengths = np.where(lengths > 0, lengths, 1.0)
    unit = features / lengths[:, None]  # units of a sample decide nothing
    fitted, *_ = np.linalg.lstsq(unit, targets / lengths, rcond=RANK_TOLERANCE)
    misfit = float(np.linalg.norm(features @ fitted - targets))
    size = float(np.linalg.norm(targets))
    if misfit > REALIZABILITY_TOLERANCE * size:
        raise AssumptionError(
            "realizability",
            "the model linearised at the anchor cannot interpolate the targets: its best fit to "
            f"the {problem.samples} samples, with gradients of rank {feature_rank(features)}, "
            f"misses them by {misfit / size:.1e} relative (allowed: {REALIZABILITY_TOLERANCE:.0e})",
        )
