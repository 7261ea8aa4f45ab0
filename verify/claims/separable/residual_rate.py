"""How fast the residual of logistic regression settles: a power of t that the support decides."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from theory.separable import residual_in_span, separable_flow
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    in_words,
    rate,
    stated,
    unresolved,
)
from verify.registry import source_of
from verify.strategies.separable import LOSSES, SeparableData, separable_data

EXPONENTS = np.array([12.0, 14.0, 16.0, 18.0])
"""log t times the rate: deviations from 1e-5 down to 1e-8."""


@dataclass(frozen=True, eq=False)
class Settling:
    """|x_S.rho + log alpha| at log t = `EXPONENTS` / rate."""

    data: SeparableData
    deviations: Quantity


def measure(data: SeparableData, stretch: float = 1.0, method: str = "LSODA") -> Settling:
    """The flow; in a wrong world the support vectors are closer together."""
    rows, margins = data.rows()
    rows[: len(data.shares), 1:] *= stretch
    times = EXPONENTS / data.rate
    logistic = data.loss == "logistic"
    found = separable_flow(rows, data.direction, margins, times, logistic=logistic, method=method)
    support = rows[: len(data.shares)]
    limit = support @ residual_in_span(support, data.multipliers)
    gaps = Quantity.paired(
        lambda states: np.linalg.norm(states @ support.T - limit, axis=1),
        found.flow.tight,
        found.flow.loose,
        1e-10,
    )
    return Settling(data, gaps.no_finer(1e-10))


Rate = Callable[[SeparableData], float]


def of_all(data: SeparableData) -> float:
    return data.rate


def without_support(data: SeparableData) -> float:
    return min([1.0, *(margin - 1.0 for margin in data.margins)])


def of_support(data: SeparableData) -> float:
    return min([1.0, *data.spreads])


def mean_spread(data: SeparableData) -> float:
    return min([1.0, float(np.mean(data.spreads)), *(margin - 1.0 for margin in data.margins)])


@dataclass(frozen=True)
class Theory:
    """The deviation falls like t^(-factor rate)."""

    rate: Rate = choice(
        of_all,
        no_support=(without_support, "the least of 1 and the other margins less 1"),
        no_others=(of_support, "the least of 1 and the spreads of support vectors"),
        mean_spread=(mean_spread, "with the mean of the spreads"),
    )
    factor: float = stated(1.0, half=(0.5, "t^(-rate / 2)"), twice=(2.0, "t^(-2 rate)"))


@dataclass(frozen=True)
class WithoutSupport(Theory):
    """The same without the spreads."""

    rate: Rate = choice(
        without_support,
        least_margin=(lambda data: min([*data.margins, 2.0]), "t^-m of the least other margin"),
        one=(lambda _: 1.0, "1 / t"),
        two=(lambda _: 2.0, "t^-2"),
    )


def laws(measured: Settling, theory: Theory) -> Iterator[Law]:
    truth = measured.data.rate
    times = EXPONENTS / truth
    ladder = Ladder.of("|x.rho + log alpha|", "log t", times, measured.deviations)
    slope = ladder.slope(-np.log10(np.e) * EXPONENTS)
    predicted = theory.factor * theory.rate(measured.data) / truth
    stratum = "support decides" if truth == of_support(measured.data) < 1.0 else "it does not"
    law, bound = "exponent in t over the rate", "exponent is no smaller"
    if slope.reason:
        yield unresolved(law, Kind.RATE, slope.reason, stratum)
        yield unresolved(bound, Kind.BELOW, slope.reason)
        return
    # by chance the slowest part may be small at first, and then the exponent is larger for a while
    missing = predicted - Quantity.of(slope.value, slope.error)
    yield replace(below(bound, missing, 0.2, Basis.MEASURED), ladder=ladder)
    fitted = slope.value, predicted, 0.1, slope.method
    yield rate(law, *fitted, error=slope.error, stratum=stratum)


MEASUREMENT = Measurement(
    "residual-settling",
    SeparableData,
    LOSSES,
    separable_data,
    measure,
    in_words("separable data", "strict complementarity", "linearly independent support vectors"),
    sabotaged={"support vectors closer together": lambda data: measure(data, stretch=0.5)},
    independent=lambda data: measure(data, method="Radau"),
)
TOLERANCES = (
    "exponent: 10 % of the rate in the median; the next rate, a quarter larger at least, leaves "
    "e^-3 of itself at the first time and e^-4.5 at the last",
    "exponent is no smaller: 0.2 of the rate, where parts of two rates cancel; 0.083 at most on 72",
)
CLAIMS = (
    Claim(
        id="separable-residual-rate",
        title="The residual settles like t^-r, r the least of 1, other margins less 1, and spreads",
        statement=(
            r"|x_i \cdot \rho + \log\alpha_i| = \Theta(t^{-r}), \quad r = \min(1, m - 1, \mu),"
            r" \quad \mu = \lambda_{\min}^+ \Big( \sum_i \alpha_i x_i x_i^\top \Big)"
        ),
        source=source_of("separable-residual-rate"),
        measurement=MEASUREMENT,
        theory=Theory(),
        laws=laws,
        tolerances=TOLERANCES,
    ),
    Claim(
        id="separable-residual-rate-without-support",
        title="As one may read: the residual settles like the least of 1/t and t^(1-m)",
        statement=r"|x_i \cdot \rho + \log\alpha_i| = \Theta(t^{-\min(1, m - 1)})",
        source=source_of("separable-residual-rate-without-support"),
        measurement=MEASUREMENT,
        theory=WithoutSupport(),
        laws=laws,
        tolerances=TOLERANCES,
        expected="falsified",
    ),
)
