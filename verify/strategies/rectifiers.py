"""Hypothesis strategies for two layers of rectifiers on separable tasks, by seed.

Weights and inputs are normal numbers rounded to sixteenths; samples near a kink of the anchor are
left out.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import product
from math import log10

import numpy as np
from hypothesis import assume, reject
from hypothesis import strategies as st

from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.asymptotics.kinks import (
    cosines,
    hidden_movement,
    kink_agreement,
    kink_displacement,
    kink_nonlinearity,
)
from theory.backend import Floats
from theory.errors import AssumptionError, OracleFailed
from theory.kernel.svm import KernelSVM, kernel_svm
from theory.margin.clarke import rectifiers_of
from theory.nets import ConstantFeature, TwoLayerReLU
from theory.problem import Problem
from verify.instances import FlowInstance
from verify.instances.kinds import Kind
from verify.strategies.nets import AnchoredNet
from verify.strategies.regimes import (
    DECAY_POWERS,
    instance_at,
    late_phase_instances,
    rounded_up,
    time_margins,
)
from verify.strategies.seeds import SEEDS
from verify.strategies.sizes import Sizes
from verify.strategies.tasks import (
    LOSSES,
    MIN_RELATIVE_GRADIENT,
    MIN_TEACHER_COSINE,
    ROUNDING,
    made_special,
)

WHATEVER_THE_SAMPLES = ("difference", "zero-readout", "first-layer-biases")
FAMILIES = ("difference", "cancelling", "zero-readout", "first-layer-biases")
"""By their anchors: two copies of opposite readout; a readout that cancels all units on the samples
alone, without an odd involution; none; and none with weights by He's rule and no biases yet. The
hidden weights of the last two do not move at first order. Copies of another scale have an odd
involution all the same, as those of linear nets."""

OFF_KINKS = 1.0 / 16.0
"""Least cosine of a unit and a sample at the anchor."""

EARLY_SMOOTHING = 2.0**-11
"""So that bends are e^-64 of what they bend at the anchor, and e^-30 where half of that is left."""

MOST_OF_KINK = 1.0 / 3.0
"""Of the displacement at which the first kink is met."""


def _any(problem: Problem) -> bool:
    return True


@st.composite
def rectifier_problems(
    draw: st.DrawFn,
    families: tuple[str, ...],
    sizes: Sizes,
    smoothing: float,
    least: int = 2,
    serves: Callable[[Problem], bool] = _any,
) -> Problem:
    """`least` samples or more that a teacher in the span of the gradient features tells apart, none
    of them near a kink of the anchor; of the seed that was drawn, or the next that serves.
    """
    family = draw(st.sampled_from(families))
    dimension = draw(st.integers(2, min(4, sizes.max_input_dim)))
    neurons = draw(st.integers(2, max(2, min(4, sizes.max_width // 2))))
    samples = draw(st.integers(2 * least, max(2 * least, sizes.max_samples)))
    slope, seed = draw(st.sampled_from((0.0, 0.25))), draw(st.integers(0, 9999))
    loss = draw(st.sampled_from(LOSSES))

    def of_seed(seed: int) -> Problem | None:
        random = np.random.default_rng(seed)
        net, hidden = _units(family, dimension, neurons, slope, smoothing, random)
        inputs = _sixteenths(random.normal(size=(samples, dimension)))
        inputs = inputs[_least_cosines(net, hidden, inputs) >= OFF_KINKS]
        if family == "cancelling":
            inputs = inputs[: 2 * neurons - 1]
        if len(inputs) < least:
            return None
        anchored = _anchored(family, net, hidden, inputs, random)
        return None if anchored is None else _taught(anchored, inputs, loss, least, random)

    made = (of_seed(number) for number in range(seed, seed + SEEDS))
    problem = next((found for found in made if found is not None and serves(found)), None)
    if problem is None:
        return reject()
    # a constant feature has no units
    units = () if family == "first-layer-biases" else (Kind.INPUT_UNITS,)
    kind = draw(st.sampled_from(sizes.among(Kind.ANCHOR_UNITS, *units)))
    return problem if kind is Kind.PLAIN else draw(made_special(problem, kind))


def _taught(
    anchored: AnchoredNet, inputs: Floats, loss: str, least: int, random: np.random.Generator
) -> Problem | None:
    """The samples that a teacher tells apart, where `least` or more are."""
    gradients = anchored.net.jacobian(anchored.anchor, inputs)
    lengths = np.linalg.norm(gradients, axis=1)
    if not lengths.max() > 0:
        return None
    clear = lengths >= MIN_RELATIVE_GRADIENT * lengths.max()
    pulls = random.choice([-3, -2, -1, 1, 2, 3], size=len(inputs)) * clear
    teacher = pulls @ (gradients / np.where(lengths > 0, lengths, 1.0)[:, None])
    reach = np.maximum(lengths * np.linalg.norm(teacher), np.finfo(float).tiny)
    cosine = gradients @ teacher / reach
    clear &= np.abs(cosine) >= MIN_TEACHER_COSINE
    if clear.sum() < least:
        return None
    labels = np.where(cosine[clear] > 0, 1.0, -1.0)
    return Problem(anchored.net, anchored.anchor, inputs[clear], labels, loss)


Net = TwoLayerReLU | ConstantFeature


def _units(
    family: str,
    dimension: int,
    neurons: int,
    slope: float,
    smoothing: float,
    random: np.random.Generator,
) -> tuple[Net, Floats]:
    """A net of twice so many units, and their weights `(width, d)`."""
    width = 2 * neurons
    if family == "first-layer-biases":
        net = ConstantFeature(TwoLayerReLU(width, dimension + 1, slope, smoothing))
        hidden = _sixteenths(random.normal(size=(width, dimension)) * np.sqrt(2.0 / dimension))
        return net, np.c_[hidden, np.zeros(width)]
    hidden = _sixteenths(random.normal(size=(width, dimension)))
    if family == "difference":
        hidden[neurons:] = hidden[:neurons]
    return TwoLayerReLU(width, dimension, slope, smoothing), hidden


def _least_cosines(net: Net, hidden: Floats, inputs: Floats) -> Floats:
    """Of each sample with any unit, `(n,)`; 0 for a sample or a unit without length."""
    theta = np.concatenate([np.ones(len(hidden)), hidden.ravel()])
    given = Problem(net, theta, inputs, np.ones(len(inputs)))
    return np.asarray(np.abs(cosines(given, theta)).min(axis=1))


def _anchored(
    family: str, net: Net, hidden: Floats, inputs: Floats, random: np.random.Generator
) -> AnchoredNet | None:
    """None where too few units see the samples for a readout to cancel there."""
    readout = np.zeros(len(hidden))
    if family == "difference":
        half = _sixteenths(random.normal(size=len(hidden) // 2))
        readout = np.concatenate([half, -half])
    if family == "cancelling":
        assert isinstance(net, TwoLayerReLU)
        values = net.values(hidden, inputs)
        live = np.abs(values).max(axis=0) > ROUNDING
        if live.sum() <= len(inputs):
            return None
        null = np.linalg.svd(values[:, live])[2][len(inputs) :]
        readout[live] = random.normal(size=len(null)) @ null
    theta = np.concatenate([readout, hidden.ravel()])
    return AnchoredNet(net, theta / np.linalg.norm(theta))


def _sixteenths(numbers: Floats) -> Floats:
    return np.asarray(np.round(16.0 * numbers) / 16.0)


STRICT = 0.1
"""Least multiplier of a support vector over the largest, and by how much other margins exceed 1."""


def strict(svm: KernelSVM) -> bool:
    """Whether complementarity is strict to a tenth: first-order formulas of the machine's size and
    direction have 1 / (their multiplier) and e^(-Lam (margin - 1)) for the next term.
    """
    supporting = svm.dual > 0
    others = (svm.features @ svm.weights)[~supporting]
    smallest = svm.dual[supporting].min() / svm.dual.max()
    return bool(smallest >= STRICT and others.min(initial=np.inf) >= 1.0 + STRICT)


def _strict(problem: Problem) -> bool:
    return strict(kernel_svm(problem))


@st.composite
def before_the_first_kink(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> FlowInstance:
    """Kernel-phase instances whose first rung is well before the first kink."""
    problem = draw(rectifier_problems(families, sizes, EARLY_SMOOTHING, serves=_strict))
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    svm = kernel_svm(problem)
    assume(strict(svm))
    most = log10(MOST_OF_KINK * min(kink_displacement(svm, problem), 1.0))
    displacement = 10.0 ** min(-2.0 + draw(st.integers(-5, 5)) / 10.0, most)
    scale = scale_of_displacement(svm, problem, power, 1.0 - c, displacement)
    return instance_at(problem, rounded_up(scale), power, c)


KINK_SMOOTHING = 2.0**-22
KINK_LOG10_ALPHA = 12.0

FARTHEST_KINK = 0.1
"""Relative displacement at the first kink."""

NONLINEAR = 0.02
"""By how much the pull on the first unit may have changed half-way to its kink."""

AGREEING = 0.5
"""Of what support vectors pull at it: Lam is 20 to 50 at the smaller alpha, and what is of first
order in 1 / Lam is amplified where they nearly cancel."""


@st.composite
def near_a_kink(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> FlowInstance:
    """One sample is turned towards the kink of one unit, which is then met first, and early."""
    problem = draw(rectifier_problems(families, sizes, KINK_SMOOTHING))
    first, power = draw(st.integers(5, 7)), draw(st.sampled_from(DECAY_POWERS))
    with suppress(AssumptionError, OracleFailed):
        moving = hidden_movement(kernel_svm(problem), problem).hidden
        for sample, halvings in product(range(problem.samples), (first, first + 2, first + 4)):
            turned = _turned(problem, moving, sample, 2.0**-halvings)
            with suppress(AssumptionError, OracleFailed):
                if _predictable(turned):
                    return instance_at(turned, KINK_LOG10_ALPHA, power, 0.3)
    return reject()


def _predictable(problem: Problem) -> bool:
    """Whether the formula for the first kink is near its limit; raises where none is separable."""
    svm = kernel_svm(problem)
    return (
        strict(svm)
        and kink_displacement(svm, problem) <= FARTHEST_KINK
        and kink_agreement(svm, problem) >= AGREEING
        and kink_nonlinearity(svm, problem) <= NONLINEAR
    )


def _turned(problem: Problem, moving: Floats, sample: int, left: float) -> Problem:
    """A sample with so much left of its preactivation by the unit that is pulled most towards its
    kink, of units that are `moving` along those rows.
    """
    net, seen = rectifiers_of(problem)
    hidden = net.split(problem.anchor)[1]
    lengths = np.linalg.norm(hidden, axis=1)
    towards = -np.sign(hidden @ seen[sample]) * (moving @ seen[sample])
    unit = hidden[np.argmax(towards / lengths)]
    inputs, dimension = problem.inputs.copy(), problem.inputs.shape[1]
    normal = unit[:dimension] / (unit[:dimension] @ unit[:dimension])
    inputs[sample] -= (1.0 - left) * (seen[sample] @ unit) * normal
    return replace(problem, inputs=inputs)


LATE_SMOOTHING = 2.0**-13
"""The widest of the late ladder. At 2^-10 as many as one in eight instances has a unit within a few
bends of its kink, and an order of 0.65 to 0.9."""


def after_the_transition(
    families: tuple[str, ...], sizes: Sizes
) -> st.SearchStrategy[FlowInstance]:
    """As `late_phase_instances`."""
    return late_phase_instances(rectifier_problems(families, sizes, LATE_SMOOTHING, least=4))
