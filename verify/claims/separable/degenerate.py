"""A sample on the margin that supports nothing: log log t in the direction, not in the margin."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.separable import SeparableFlow, entropy_gap, orthogonal_growth
from verify.claims.separable.late_flows import DEGENERATE, LateFlow
from verify.language import Basis, Claim, Ladder, Law, below, choice, stated
from verify.registry import source_of


def margin_order(measured: LateFlow, power: float) -> Law:
    """The exponent of log log t in the margin gap times log t."""
    times = measured.flow.log_times
    gap = measured.read(SeparableFlow.margin_gap) * times
    ladder = Ladder.of("margin gap times log t", "log log t", np.log(times), gap)
    return ladder.rate(
        "power of log log t in the margin gap", power, 0.1, along=np.log10(np.log(times))
    )


@dataclass(frozen=True)
class Theory:
    """w.v / |v| is [length log(|v|^2 log t) - offset b'] / |v|, the margin gap factor C / log t.

    b' = b + second sum_i c_i^2 / alpha_i log log t / (|v|^2 log t).
    """

    offset: float = stated(1.0, no_offset=(0.0, "without b"), reversed=(-1.0, "plus b"))
    second: float = stated(1.0, no_second=(0.0, "without the shift of b"))
    length: float = stated(1.0, half=(0.5, "log(log t) / 2"), twice=(2.0, "2 log(log t)"))
    factor: float = stated(1.0, half_gap=(0.5, "C / 2"), twice_gap=(2.0, "2 C"))
    power: float = choice(0.0, first_power=(1.0, "a margin gap of log log t / log t"))


def laws(measured: LateFlow, theory: Theory) -> Iterator[Law]:
    data, times = measured.data, measured.flow.log_times
    size = data.across * data.gamma
    given = times, data.coefficients, data.multipliers, size
    alone = np.log(size**2 * times) / size
    first, full = orthogonal_growth(*given, second=0.0), orthogonal_growth(*given)
    predicted = theory.length * alone + theory.offset * (first - alone)
    predicted = predicted + theory.second * (full - first)
    along = measured.read(lambda _, residuals: residuals[:, -1])
    small = np.log(times) / times
    rest = Ladder.of(
        "component along v less predicted",
        "log t",
        times,
        abs(along - predicted),
        small=1.0 / times,
    )
    yield rest.falls("component along v approaches its prediction", 1.0, factor=1.2)
    yield below("component along v, at 10^400000", rest.measured[-1:], 0.005, Basis.MEASURED)
    gap = measured.read(SeparableFlow.margin_gap) * times / entropy_gap(data.probabilities)
    ladder = Ladder.of("margin gap times log t / C", "log t", times, gap, theory.factor, small)
    yield ladder.approaches("margin gap times log t approaches C", 1.0)
    yield below("margin gap at 10^400000", ladder.deviation[-1:], 0.05, Basis.MEASURED)
    yield margin_order(measured, theory.power)


@dataclass(frozen=True)
class MarginTheory:
    """The margin gap is (log log t)^power / log t, up to a constant."""

    power: float = stated(
        1.0,
        half=(0.5, "sqrt(log log t) / log t"),
        twice=(2.0, "(log log t)^2 / log t"),
        inverse=(-1.0, "1 / (log t log log t)"),
        three_halves=(1.5, "(log log t)^(3/2) / log t"),
        inverse_root=(-0.5, "1 / (log t sqrt(log log t))"),
    )


def margin_laws(measured: LateFlow, theory: MarginTheory) -> Iterator[Law]:
    times = measured.flow.log_times
    gap = measured.read(SeparableFlow.margin_gap)
    growth = np.log(times) ** theory.power
    found = gap * times / growth
    change = abs(found[-1:] / found.values[0] - 1.0)
    yield below("change of the gap over its order, from 10^4000 on", change, 0.1, Basis.MEASURED)
    yield margin_order(measured, theory.power)


CLAIMS = (
    Claim(
        id="separable-degenerate",
        title="A sample on the margin without multiplier adds log log t, across the margin only",
        statement=(
            r"w \cdot \frac{v}{\|v\|} = \frac{\log(\|v\|^2 \log t) - b}{\|v\|}"
            r" + O(\tfrac{\log\log t}{\log t}), \quad b = -\sum_i c_i \log \alpha_i, \quad"
            r" 1 - \frac{\min q}{\gamma\|w\|} \sim \frac{C}{\log t}"
        ),
        source=source_of("separable-degenerate"),
        measurement=DEGENERATE,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "component along v: 0.005, and margin gap: 5 %, at log t = 921000; for corrections "
            "of at most 150 / (|v| log t), they are 0.0007",
            "component: order 1 in 1 / log t, with the constant of the two earliest times, times "
            "1.2; log t times it moved by 4 % at most on 14 other data",
            "margin: order 1 in log log t / log t, the constant likewise, times 2",
            "power of log log t: 0.1; C / log t leaves 0.03 at most between 10^4000 and 10^400000",
        ),
    ),
    Claim(
        id="separable-degenerate-margin",
        title="As often read: without strict complementarity the margin gap is log log t / log t",
        statement=r"1 - \frac{\min q}{\gamma\|w\|} \sim K \frac{\log\log t}{\log t}",
        source=source_of("separable-degenerate-margin"),
        measurement=DEGENERATE,
        theory=MarginTheory(),
        laws=margin_laws,
        tolerances=(
            "change over the order: 10 %; log log t itself grows by 1.5 over the ladder",
            "power of log log t: 0.1, as for the true statement",
        ),
        expected="falsified",
    ),
)
