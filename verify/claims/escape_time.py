"""How long learning takes to begin: log(1/A) at rate 3/2 or 1, by which comes first."""

from dataclasses import dataclass, replace
from math import log, sqrt
from typing import Literal

import numpy as np

from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from theory.lazy_rich.escape import (
    SingleNeuron,
    aligned_escape_time,
    escape_time,
    target_odds,
)
from theory.lazy_rich.online import Online, OrderParameters
from verify.claims.base import Assertions, Bound, Claim, Ladder, RateSample, Rival
from verify.claims.fits import slope, slopes
from verify.instances import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_online import escape_instances

Regime = Literal["aligned", "between", "saturated"]

SHRUNK = (1.0, 0.3, 0.1)
"""The overlaps of the ladder, over those of the setting."""

LATEST = 60.0
"""In units of alpha / (eps B); overlaps of 10^-6 escape within 16."""

EARLY, LATE = 0.5, 3.0


@dataclass(frozen=True)
class Theory:
    """In the clock tau = eps B t / alpha.

    Attributes:
        aligned, saturated: d tau_esc / d log(1 / |A|) in the two regimes.
        odds: rate of the odds of the target in the span of the weights.
        growth: early rate of |A|, in the aligned regime.
        argument: factor in the argument of the logarithm of the absolute time.
    """

    aligned: float = 2.0 / 3.0
    saturated: float = 1.0
    odds: float = 2.0
    growth: float = 1.5
    argument: float = 1.0


@dataclass(frozen=True)
class Single:
    """One neuron against its exact solution: relative gaps in norm and loss, and in escape time."""

    size_gap: float
    loss_gap: float
    escape_gap: float


@dataclass(frozen=True)
class Measured:
    """One ladder of overlaps.

    Attributes:
        sizes: |A(0)| of each rung.
        clocks: tau of each escape.
        clock_error: the largest, relative.
        predicted: the formula of the aligned regime on each rung.
        corrections: its relative errors as far as their orders are known.
        growth: log(|A(t)| / |A(0)|) / tau at `EARLY`.
        odds: log of the ratio of odds at `EARLY` and 0, over tau, with its error; None for a
            centred predictor.
        error: of the order parameters.
        single: only for one neuron.
    """

    regime: Regime
    sizes: tuple[float, ...]
    clocks: tuple[float, ...]
    clock_error: float
    predicted: tuple[float, ...]
    corrections: tuple[float, ...]
    growth: float
    odds: tuple[float, float] | None
    error: float
    single: Single | None


def regime_of(setting: Setting) -> Regime:
    """Which comes first, by |A(0)| against alpha eps / sqrt(B), a factor 10^3 apart.

    Raises:
        InvalidInput: a setting without overlaps.
    """
    if setting.overlaps is None:
        raise InvalidInput("overlaps is None; the regime is that of given overlaps")
    smallest = SHRUNK[-1] * sqrt(sum(a * a for a in setting.overlaps))
    bend = setting.output_scale * setting.curvature / sqrt(setting.signal)
    if smallest > 1e3 * bend:
        return "aligned"
    return "saturated" if smallest / SHRUNK[-1] < 1e-3 * bend else "between"


def escape_ladder(setting: Setting) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """|A(0)| and tau of the escape on each rung, and the largest relative error of a time."""
    online = [Online.of(_shrunk(setting, by)) for by in SHRUNK]
    per_clock = _per_clock(setting)
    found = [escape_time(machine, LATEST * per_clock) for machine in online]
    return (
        tuple(float(np.linalg.norm(machine.alignment)) for machine in online),
        tuple(time / per_clock for time, _ in found),
        max(error / time for time, error in found),
    )


def _per_clock(setting: Setting) -> float:
    return setting.output_scale / (setting.curvature * setting.signal)


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    per_clock, online = _per_clock(setting), Online.of(setting)
    sizes, clocks, clock_error = escape_ladder(setting)
    course = online.flow([EARLY * per_clock, LATE * per_clock])
    early, late = course.states
    growth = np.linalg.norm(early.alignment) / np.linalg.norm(online.alignment)
    rungs = [Online.of(_shrunk(setting, by)) for by in SHRUNK]
    return Measured(
        regime_of(setting),
        sizes,
        clocks,
        clock_error,
        tuple(aligned_escape_time(rung) / per_clock for rung in rungs),
        tuple(_corrections(online, size) for size in sizes),
        float(log(growth)) / EARLY,
        None if online.centred else _odds_rate(online, early, course.error),
        course.error,
        _single(online, late, clocks[0]),
    )


def _shrunk(setting: Setting, by: float) -> Setting:
    assert setting.overlaps is not None
    return replace(setting, overlaps=tuple(by * a for a in setting.overlaps))


def _corrections(online: Online, size: float) -> float:
    """Growth of the norm before escape, and the linear part where it sees the overlaps."""
    bend = online.output_scale * online.curvature / (sqrt(online.signal) * size)
    linear = online.output_scale / (online.curvature * online.signal)
    opposed = abs(float(online.alignment.sum())) < 1e-12
    grown: float = bend ** (2.0 / 3.0)
    return grown if opposed else grown + linear


def _odds_rate(online: Online, early: OrderParameters, error: float) -> tuple[float, float]:
    signal = online.signal
    before = target_odds(online.gram, online.alignment, signal)
    rest = early.gram - np.outer(early.alignment, early.alignment) / signal
    # neurons whose sum has decayed are nearly dependent
    amplified = error * float(np.linalg.cond(rest))
    return log(target_odds(early.gram, early.alignment, signal) / before) / EARLY, amplified / EARLY


def _single(online: Online, late: OrderParameters, escape: float) -> Single | None:
    """The exact solution against the closed equations at `LATE`, and their escapes."""
    if online.width != 1 or online.centred:
        return None
    exact = SingleNeuron.of(online)
    bend = online.output_scale * online.curvature / online.signal
    return Single(
        abs(bend * float(late.gram[0, 0]) / exact.size(LATE) - 1.0),
        abs(float(online.loss(late).total) / exact.loss(LATE).total - 1.0),
        abs(escape / exact.escape_clock() - 1.0),
    )


def assertions(measured: Measured, theory: Theory) -> Assertions:
    bounds: list[Bound] = []
    if measured.odds is not None:
        rate, error = measured.odds
        gap = abs(rate - theory.odds)
        bounds.append(Bound("rate of the odds of the target", gap, 1e-6, error))
    if measured.single is not None:
        single, error = measured.single, 100.0 * measured.error
        bounds.append(Bound("norm of one neuron", single.size_gap, 1e-6, error))
        bounds.append(Bound("loss of one neuron", single.loss_gap, 1e-6, error))
        bounds.append(Bound("escape of one neuron", single.escape_gap, 1e-6, measured.clock_error))
    if measured.regime == "between":
        return Assertions(tuple(bounds))
    return Assertions(
        (*bounds, *_aligned_bounds(measured, theory)),
        (
            RateSample(
                f"growth of the escape time with log(1 / |A|), {measured.regime}",
                theory.aligned if measured.regime == "aligned" else theory.saturated,
                slope([-log(size) for size in measured.sizes], measured.clocks),
                0.005,
                slopes(len(measured.clocks), resolved=False),
            ),
        ),
    )


def _aligned_bounds(measured: Measured, theory: Theory) -> tuple[Bound, ...]:
    """The early rate, and the absolute time on every rung."""
    if measured.regime != "aligned":
        return ()
    growth = Bound(
        "early rate of the overlaps", abs(measured.growth - theory.growth), 0.01, measured.error
    )
    rungs = zip(measured.clocks, measured.predicted, measured.corrections, strict=True)
    return growth, *(
        Bound(
            f"escape time over its formula, rung {k}",
            abs(clock / (predicted + log(theory.argument) / 3.0) - 1.0),
            correction,
            measured.clock_error,
        )
        for k, (clock, predicted, correction) in enumerate(rungs)
    )


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    if measured.regime == "between":
        return ()
    rate = _TRUE.aligned if measured.regime == "aligned" else _TRUE.saturated
    logs = tuple(-log(size) for size in measured.sizes)
    first = measured.predicted[0] if measured.regime == "aligned" else measured.clocks[0]
    return (
        Ladder(
            f"escape time in units of alpha / (eps B), {measured.regime}",
            "log(1 / |A(0)|)",
            logs,
            measured.clocks,
            tuple(first + rate * (at - logs[0]) for at in logs),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="escape-time",
    title="Learning begins at a logarithm of the first overlap, at rate 3/2 or 1",
    statement=(
        r"t_{esc} = \frac{\alpha}{3 \epsilon B}"
        r" \log\frac{(\sqrt2 - 1) N B^2}{\alpha\epsilon |A_0|^2}"
        r" \ (|A_0| \gg \alpha\epsilon), \quad"
        r" t_{esc} = \frac{\alpha}{\epsilon B} \left(\log\tfrac{1}{|A_0|} + O(1)\right)"
        r" \ (|A_0| \ll \alpha\epsilon), \quad"
        r" \frac{\rho^2}{1 - \rho^2} \propto e^{2 \epsilon B t / \alpha}"
    ),
    source=source_of("escape-time"),
    assumptions=(
        "infinitely many samples",
        "fixed readouts",
        "orthogonal weights of one norm",
        "alpha << eps B, or overlaps that sum to zero",
        "alpha eps and |A(0)| a factor 10^3 apart, in units of B",
    ),
    instances=escape_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("rate-1", "overlaps grow at eps B / alpha", replace(_TRUE, growth=1.0, aligned=1.0)),
        Rival("rate-3", "overlaps grow at 3 eps B / alpha", replace(_TRUE, growth=3.0)),
        Rival("slope-1", "slope 1 where alignment comes first", replace(_TRUE, aligned=1.0)),
        Rival(
            "slope-2/3-everywhere",
            "slope 2/3 where the norm saturates first as well",
            replace(_TRUE, saturated=2.0 / 3.0),
        ),
        Rival(
            "slope-1/2", "slope 1/2 where the norm saturates first", replace(_TRUE, saturated=0.5)
        ),
        Rival("half-odds", "the odds grow at eps B / alpha", replace(_TRUE, odds=1.0)),
        Rival("odds-3", "the odds grow like the squared overlaps", replace(_TRUE, odds=3.0)),
        Rival(
            "no-constant",
            "log(N B^2 / (alpha eps |A|^2)), without sqrt(2) - 1",
            replace(_TRUE, argument=1.0 + sqrt(2.0)),
        ),
        Rival("half-argument", "half the argument", replace(_TRUE, argument=0.5)),
    ),
    tolerances=(
        "odds, and one neuron against its exact solution: the integrator's error only",
        "absolute time: (alpha eps / (sqrt(B) |A|))^(2/3), how much the norm has grown by then, "
        "and alpha / (eps B) where the overlaps do not sum to zero",
        "rates: 0.005; at a factor 10^3 between |A| and alpha eps they are within 0.002",
    ),
    ladders=ladders,
    families=("aligned", "saturated", "single"),
    kind=CommitteeInstance,
)
