"""Without centring the overlap with the target first decreases where neurons agree too much."""

from dataclasses import dataclass, replace
from math import copysign, log10

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Setting
from theory.lazy_rich.escape import coherence, first_rate, threshold_error
from theory.lazy_rich.online import Online
from theory.lazy_rich.sampling_noise import PopulationRun
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.instances import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_online import coherent_instances

CLOCKS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
"""eps B t / alpha at which the overlap is followed."""

SHARE_OF_DIFFERENCES = 0.01
"""1 - coherence from which on the differences between neurons outgrow the start by the last clock:
they grow as e^(3 tau), a factor 10^5."""

ROUNDING = 1e-12


@dataclass(frozen=True)
class Theory:
    """(sum A)^2 / (N^width_power sum A^2) > constant (eps B)^p / alpha^p, p = ratio_power.

    Attributes:
        answer: "by coherence"; or "always", "never".
    """

    constant: float = 1.5
    ratio_power: float = 1.0
    width_power: float = 1.0
    answer: str = "by coherence"


@dataclass(frozen=True)
class Measured:
    """One machine on its population.

    Attributes:
        rate: d log(sum A^2) / dt at t = 0, in units of eps B / alpha, from the gradient of the
            loss in the D-dimensional weights.
        predicted: the same from C and A alone.
        course: sum A^2 over its start, at `CLOCKS`.
        error: of the course, relative.
        coherence, ratio: (sum A)^2 / (N sum A^2), and eps B / alpha.
        blurred: by how much the leading order of the threshold can err.
    """

    centred: bool
    width: int
    rate: float
    predicted: float
    course: tuple[float, ...]
    error: float
    coherence: float
    ratio: float
    blurred: float


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    online = Online.of(setting)
    ratio = setting.curvature * setting.signal / setting.output_scale
    start = float(online.alignment @ online.alignment)
    course = online.flow([clock / ratio for clock in CLOCKS], rtol=1e-8)
    return Measured(
        setting.centred,
        setting.width,
        first_rate_of_weights(setting) / ratio,
        first_rate(online) / ratio,
        tuple(float(s.alignment @ s.alignment) / start for s in course.states),
        course.error,
        coherence(online.alignment),
        ratio,
        threshold_error(online),
    )


def first_rate_of_weights(setting: Setting) -> float:
    """d log(sum A^2) / dt at t = 0, by the gradient of the exact population loss."""
    run, weights, beta = PopulationRun(setting), setting.weights(), setting.direction()
    dimension = setting.input_dim
    speed = setting.width * dimension / (2.0 * setting.output_scale**2)
    velocity: Floats = -speed * run.gradient(weights) @ beta / dimension
    alignment = weights @ beta / dimension
    return float(2.0 * alignment @ velocity / (alignment @ alignment))


def excess(measured: Measured, theory: Theory) -> float:
    """Coherence over the threshold, as the theory has both: positive says that it decreases."""
    if theory.answer != "by coherence":
        return 1.0 if theory.answer == "always" else -1.0
    agreed: float = measured.coherence * measured.width ** (1.0 - theory.width_power)
    return agreed - theory.constant * float(measured.ratio**theory.ratio_power)


def assertions(measured: Measured, theory: Theory) -> Assertions:
    if measured.centred:
        three = 2.0 * theory.constant
        peak = int(np.argmax(measured.course))
        steps = np.diff((1.0, *measured.course[: peak + 1]))
        return Assertions(
            (
                Bound("first rate of the centred", abs(measured.rate - three), 1e-9, ROUNDING),
                Bound("a decrease of the centred", -float(steps.min()), 0.0, measured.error),
            )
        )
    bounds = [
        Bound(
            "first rate against that of the weights",
            abs(measured.rate - measured.predicted),
            1e-9,
            ROUNDING,
        )
    ]
    if abs(excess(measured, Theory())) > measured.blurred:
        # what decreases at first has a negative rate: agreement makes the product negative
        wrong = copysign(1.0, excess(measured, theory)) * measured.rate
        bounds.append(Bound("first change against the criterion", wrong, 0.0, ROUNDING))
    if 1.0 - measured.coherence > SHARE_OF_DIFFERENCES:
        bounds.append(
            Bound("start over the last overlap", 1.0 / measured.course[-1], 1.0, measured.error)
        )
    return Assertions(tuple(bounds))


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    return (
        Ladder(
            "log10 of sum A^2 over its start",
            "eps B t / alpha",
            CLOCKS,
            tuple(log10(value) for value in measured.course),
            tuple(measured.predicted * clock / np.log(10.0) for clock in CLOCKS),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="alignment-first-decreases",
    title="Without centring alignment first decreases iff the neurons agree too much",
    statement=(
        r"\frac{d}{dt} \sum_j A_j^2 \Big|_{0} < 0 \iff \frac{(\sum_j A_j)^2}{N \sum_j A_j^2} >"
        r" \frac{3 \epsilon B}{2 \alpha} - \epsilon^2 \Big( \frac{\mathrm{tr}\, C}{2N} +"
        r" \frac{A^\top C A}{N |A|^2} \Big), \qquad"
        r" \text{centred: } \frac{d}{dt} \log \sum_j A_j^2 \Big|_0 = \frac{3 \epsilon B}{\alpha}"
    ),
    source=source_of("alignment-first-decreases"),
    assumptions=(
        "infinitely many samples",
        "fixed readouts",
        "coherence further from 3 eps B / (2 alpha) than eps^2 (tr C / (2N) + |C| / N)",
    ),
    instances=coherent_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("threshold-1", "threshold eps B / alpha", replace(_TRUE, constant=1.0)),
        Rival("threshold-3", "threshold 3 eps B / alpha", replace(_TRUE, constant=3.0)),
        Rival("threshold-3/4", "threshold 3 eps B / (4 alpha)", replace(_TRUE, constant=0.75)),
        Rival("inverse", "threshold 3 alpha / (2 eps B)", replace(_TRUE, ratio_power=-1.0)),
        Rival("no-width", "(sum A)^2 / sum A^2", replace(_TRUE, width_power=0.0)),
        Rival("always", "it always decreases at first", replace(_TRUE, answer="always")),
        Rival("never", "it never decreases", replace(_TRUE, answer="never")),
    ),
    tolerances=(
        "rates: rounding",
        "sign of the first change: none; the exact threshold lies below the leading order by at "
        "most eps^2 (tr C / (2N) + |C| / N), and instances keep further away",
        "later growth: beyond the start by eps B t / alpha = 4 where differences between neurons "
        "hold 1 % of the overlap",
        "centred: no decrease before the maximum, to the integrator's error",
    ),
    ladders=ladders,
    families=("orthogonal", "gaussian", "centred"),
    kind=CommitteeInstance,
)
