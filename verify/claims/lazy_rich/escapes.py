"""Learning from the population as it begins: a ladder of first overlaps, and its escape times.

All times are in the clock tau = eps B t / alpha.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from math import log, sqrt

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from theory.lazy_rich.escape import SingleNeuron, aligned_escape_time, escape_time, target_odds
from theory.lazy_rich.online import RTOL, Online, OrderParameters
from verify.claims.lazy_rich.weights_flow import TOLERANCES, escape_of_weights, flow_of_weights
from verify.instances import CommitteeInstance
from verify.language import Measurement, Quantity, in_words
from verify.strategies.committee_online import escape_instances

SHRUNK = (1.0, 0.3, 0.1)
"""The overlaps of the ladder, over those of the setting."""
LATEST = 60.0
"""Overlaps of 10^-6 escape within 16."""
EARLY, LATE = 0.5, 3.0

States = tuple[OrderParameters, ...]


class Regime(Enum):
    """Which comes first, by |A(0)| against alpha eps / sqrt(B)."""

    ALIGNED = "aligned"
    BETWEEN = "between"
    SATURATED = "saturated"


@dataclass(frozen=True)
class Route:
    """How the flow is integrated.

    Attributes:
        flow: order parameters of a setting at some times, by a tight and a loose integration.
        escape: of a setting, latest at a time, with its error.
    """

    flow: Callable[[Setting, tuple[float, ...]], tuple[States, States]]
    escape: Callable[[Setting, float], tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Single:
    """One neuron: what the exact solution says, and what was integrated.

    Attributes:
        size, loss: alpha eps C / B and the test loss at `LATE`, integrated over exact.
        escape: exact.
    """

    size: Quantity
    loss: Quantity
    escape: float


@dataclass(frozen=True, eq=False)
class Escapes:
    """One ladder of overlaps.

    Attributes:
        sizes: |A(0)| of each rung, `(3,)`.
        clocks: of the escapes.
        predicted: the formula of the aligned regime on each rung, `(3,)`.
        corrections: its relative errors as far as their orders are known, `(3,)`.
        growth: log(|A| / |A(0)|) / tau at `EARLY`.
        odds: log of the ratio of odds at `EARLY` and 0, over tau; None for a centred predictor.
        single: only for one neuron, not centred.
    """

    regime: Regime
    sizes: Floats
    clocks: Quantity
    predicted: Floats
    corrections: Floats
    growth: Quantity
    odds: Quantity | None
    single: Single | None

    @property
    def logs(self) -> Floats:
        """log(1 / |A(0)|)."""
        logs: Floats = -np.log(self.sizes)
        return logs


def regime_of(setting: Setting) -> Regime:
    """A factor 10^3 apart, or between.

    Raises:
        InvalidInput: a setting without overlaps.
    """
    if setting.overlaps is None:
        raise InvalidInput("overlaps is None; the regime is that of given overlaps")
    smallest = SHRUNK[-1] * sqrt(sum(a * a for a in setting.overlaps))
    bend = setting.output_scale * setting.curvature / sqrt(setting.signal)
    if smallest > 1e3 * bend:
        return Regime.ALIGNED
    return Regime.SATURATED if smallest / SHRUNK[-1] < 1e-3 * bend else Regime.BETWEEN


def measured_by(route: Route, instance: CommitteeInstance) -> Escapes:
    setting = instance.setting
    regime, unit = regime_of(setting), _time_of(setting)
    rungs = [_shrunk(setting, by) for by in SHRUNK]
    online = [Online.of(rung) for rung in rungs]
    times, errors = zip(*(route.escape(rung, LATEST * unit) for rung in rungs), strict=True)
    flows = route.flow(setting, (EARLY * unit, LATE * unit))
    sizes = np.array([np.linalg.norm(machine.alignment) for machine in online])

    def grown(states: States) -> float:
        return log(float(np.linalg.norm(states[0].alignment)) / sizes[0]) / EARLY

    return Escapes(
        regime,
        sizes,
        Quantity.of(np.array(times) / unit, np.array(errors) / unit),
        np.array([aligned_escape_time(machine) / unit for machine in online]),
        np.array([_correction(online[0], size) for size in sizes]),
        Quantity.paired(grown, *flows, floor=RTOL),
        None if setting.centred else _odds_rate(online[0], flows),
        None if setting.centred or setting.width > 1 else _single(online[0], flows),
    )


def _time_of(setting: Setting) -> float:
    return setting.output_scale / (setting.curvature * setting.signal)


def _shrunk(setting: Setting, by: float) -> Setting:
    return replace(setting, overlaps=tuple(by * a for a in setting.overlaps or ()))


def _correction(online: Online, size: float) -> float:
    """Growth of the norm before escape, and the linear part where it sees the overlaps."""
    bend = online.output_scale * online.curvature / (sqrt(online.signal) * size)
    linear = online.output_scale / (online.curvature * online.signal)
    opposed = abs(float(online.alignment.sum())) < 1e-12
    grown: float = bend ** (2.0 / 3.0)
    return grown if opposed else grown + linear


def _odds_rate(online: Online, flows: tuple[States, States]) -> Quantity:
    signal = online.signal
    before = target_odds(online.gram, online.alignment, signal)

    def rate(states: States) -> float:
        return log(target_odds(states[0].gram, states[0].alignment, signal) / before) / EARLY

    early = flows[0][0]
    rest = early.gram - np.outer(early.alignment, early.alignment) / signal
    # neurons whose sum has decayed are nearly dependent
    return Quantity.paired(rate, *flows, floor=RTOL * float(np.linalg.cond(rest)))


def _single(online: Online, flows: tuple[States, States]) -> Single:
    exact = SingleNeuron.of(online)
    bend = online.output_scale * online.curvature / online.signal
    size, loss = exact.size(LATE), exact.loss(LATE).total
    return Single(
        Quantity.paired(lambda s: bend * float(s[1].gram[0, 0]) / size, *flows, floor=RTOL),
        Quantity.paired(lambda s: float(online.loss(s[1]).total) / loss, *flows, floor=RTOL),
        exact.escape_clock(),
    )


def _closed_flow(setting: Setting, times: tuple[float, ...]) -> tuple[States, States]:
    course = Online.of(setting).flow(times)
    return course.states, course.loose


def _weights_flow(setting: Setting, times: tuple[float, ...]) -> tuple[States, States]:
    tight, loose = (flow_of_weights(setting, times, rtol) for rtol in TOLERANCES)
    return tight, loose


def _weights_escape(setting: Setting, latest: float) -> tuple[float, float]:
    tight, loose = (escape_of_weights(setting, latest, rtol) for rtol in TOLERANCES)
    return tight, abs(tight - loose)


def _slow(instance: CommitteeInstance) -> Escapes:
    """As by a clock that runs 10 % fast."""
    found = measure(instance)
    odds = None if found.odds is None else found.odds / 1.1
    return replace(found, clocks=1.1 * found.clocks, growth=found.growth / 1.1, odds=odds)


measure = partial(
    measured_by, Route(_closed_flow, lambda setting, at: escape_time(Online.of(setting), at))
)

ESCAPES = Measurement(
    id="escapes",
    kind=CommitteeInstance,
    families=("aligned", "saturated", "single"),
    instances=lambda families, _: escape_instances(families),
    measure=measure,
    assumptions=in_words(
        "infinitely many samples",
        "fixed readouts",
        "orthogonal weights of one norm",
        "alpha << eps B, or overlaps that sum to zero",
        "alpha eps and |A(0)| a factor 10^3 apart, in units of B",
    ),
    sabotaged={"a clock that is 10 % fast": _slow},
    independent=partial(measured_by, Route(_weights_flow, _weights_escape)),
)
