"""Nets of single-frequency neurons: exact from six phases a frequency on, and fewest are best."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.margin import kkt_residual
from theory.modular_addition import (
    FEWEST_PHASES,
    Phases,
    addition_problem,
    all_pairs,
    closed_form_net,
    exact_outputs,
    largest_margin,
    neurons_of,
    normalised_margin,
    one_hot,
    sums,
    ten_neuron_net,
    three_neuron_margin,
    three_neuron_net,
    uniform_multiplier_residual,
)
from theory.modular_addition.data import is_true
from verify.language import (
    Basis,
    Claim,
    Law,
    Measurement,
    Quantity,
    below,
    equals,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.modular_addition import LINES, PhaseLine, phase_lines

MOST_PHASES = 8
"""As many for each frequency are 4 (p-1) neurons, of which the paper speaks."""

ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class ExactNet:
    """A net of phases on a line, and the best of all lines of 1 to `MOST_PHASES` phases.

    Attributes:
        true, others: outputs at the true classes, and at all others, over the number of neurons.
        margin: the smallest over |theta|^3.
        spread: of all margins, over the largest.
        residual: of stationarity, with one multiplier.
        best: the largest normalised margin of lines of n phases, n = 1 to `MOST_PHASES`.
        three: the normalised margin of three neurons at p = 3, and their stationarity.
        ten: the normalised margin of ten neurons at p = 5.
    """

    told: PhaseLine
    true: Floats
    others: Floats
    margin: float
    spread: float
    residual: float
    best: Floats
    three: tuple[float, float]
    ten: float


def measure(told: PhaseLine, off: float = 0.0) -> ExactNet:
    """In a wrong world the first row of weights is larger than told, by a share of it."""
    p, phases = told.modulus, told.phases
    net, theta = closed_form_net(p, phases)
    theta = theta * np.where(np.arange(theta.size) < net.width, 1.0 + off, 1.0)
    problem = addition_problem(net, theta)
    outputs = np.asarray(net.outputs(theta, one_hot(p, all_pairs(p)))) / net.width
    own = is_true(outputs, sums(p, all_pairs(p)))
    margins = np.asarray(problem.row_net.outputs(theta, problem.inputs))
    best = [
        max(normalised_margin(*closed_form_net(p, Phases(count, step))) for step in range(count))
        for count in range(1, MOST_PHASES + 1)
    ]
    three = three_neuron_net()
    return ExactNet(
        told,
        outputs[own],
        outputs[~own],
        normalised_margin(net, theta),
        float(np.ptp(margins) / margins.max()),
        uniform_multiplier_residual(problem, theta),
        np.array(best),
        (normalised_margin(*three), kkt_residual(addition_problem(*three), three[1]).stationarity),
        normalised_margin(*ten_neuron_net()),
    )


EXACT = Measurement(
    "modular-exact-nets",
    PhaseLine,
    LINES,
    phase_lines,
    measure,
    in_words("all p^2 pairs", "p odd", "phases on a line, whose harmonics cancel"),
    sabotaged={"one output has weights 1 % larger": lambda told: measure(told, off=0.01)},
)


@dataclass(frozen=True)
class Theory:
    """The margin over |theta|^3 is gamma_1 (neurons)^power, and of lines n = `phases` is best.

    Attributes:
        other: the output at other classes, times p - 1 over that at the true one.
        three: the margin of three neurons at p = 3, over their closed form.
        ten: that of ten at p = 5, over the margin of 3 (p-1).
    """

    power: float = stated(
        -0.5,
        l2_of_paper=(0.0, "gamma_1 for any number of neurons"),
        once=(-1.0, "gamma_1 / M"),
        cube_root=(-1.0 / 3.0, "gamma_1 / M^(1/3)"),
    )
    phases: int = stated(
        6,
        five=(5, "five phases for each frequency do"),
        four=(4, "four phases do, 2 (p-1) neurons"),
        eight=(8, "it takes 4 (p-1) neurons"),
    )
    other: float = stated(-1.0, at_zero=(0.0, "outputs of wrong classes are 0"))
    three: float = stated(
        1.0,
        as_six=(33.0 / (32.0 * 2.0**0.5), "the margin of 3 (p-1) neurons"),
        of_one_frequency=(33.0 / 32.0, "that of three neurons of one frequency"),
    )
    ten: float = stated(
        1.0193,
        as_twelve=(1.0, "the margin of 3 (p-1) neurons"),
        as_their_number=(1.2**0.5, "gamma_1 over the root of ten"),
    )


def laws(measured: ExactNet, theory: Theory) -> Iterator[Law]:
    told = measured.told
    neurons = neurons_of(told.modulus, told.phases)
    gamma = largest_margin(told.modulus, 1.0)
    true, other = (level / neurons for level in exact_outputs(told.modulus, neurons))
    outputs = Quantity.of(measured.true, ROUNDING)
    yield equals("outputs at true classes, over neurons", outputs, true, 1e-10)
    others = Quantity.of(measured.others, ROUNDING)
    yield equals("outputs at others, over neurons", others, -theory.other * other, 1e-10)
    spread = Quantity.of(measured.spread, ROUNDING)
    yield below("spread of margins", spread, 1e-10, Basis.IDENTITY)
    equal = Quantity.of(measured.residual, ROUNDING)
    yield below("stationarity with equal multipliers", equal, 1e-10, Basis.IDENTITY)
    predicted = gamma * float(neurons) ** theory.power
    share = Quantity.of(measured.margin / predicted, ROUNDING)
    yield equals("margin over gamma_1 M^-1/2", share, 1.0, 1e-9)
    fewest = neurons_of(told.modulus, Phases(theory.phases, 1))
    best = Quantity.of(measured.best.max() / largest_margin(told.modulus, fewest), ROUNDING)
    yield equals("largest margin of lines of up to eight phases", best, 1.0, 1e-9)
    margin, residual = measured.three
    said = theory.three * three_neuron_margin()
    three = Quantity.of(margin / said, ROUNDING)
    yield equals("margin of three neurons at p = 3", three, 1.0, 1e-9)
    still = Quantity.of(residual, ROUNDING)
    yield below("stationarity of three neurons at p = 3", still, 1e-10, Basis.IDENTITY)
    twelve = largest_margin(5, neurons_of(5, FEWEST_PHASES))
    ten = Quantity.of(measured.ten / twelve, ROUNDING)
    yield equals("margin of ten neurons at p = 5, over that of twelve", ten, theory.ten, 1e-4)


CLAIM = Claim(
    id="modular-exact-nets",
    title="3 (p-1) neurons add mod p exactly, the fewest on a line; 3 mod 3 and 10 mod 5 do better",
    statement=(
        r"f_c = \frac{M}{2} \frac{p [c = a+b] - 1}{p-1}, \quad"
        r" \frac{q}{\|\theta\|^3} = \frac{\gamma_1}{\sqrt{M}}, \quad"
        r" M = 3(p-1): \frac{\sqrt{2}}{9 \sqrt{p} (p-1)^{3/2}}; \quad"
        r" p = 3, \ M = 3: \frac{32 \sqrt{2}}{33} \frac{\gamma_1}{\sqrt{6}}, \quad"
        r" p = 5, \ M = 10: 1.0193 \frac{\gamma_1}{\sqrt{12}}"
    ),
    source=source_of("modular-exact-nets"),
    measurement=EXACT,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "outputs, spread, stationarity: 1e-10; 1e-13 at most for p up to 11",
        "margins: 1e-9, for p up to 11; of ten neurons, told to four digits: 1e-4",
    ),
)
