"""How long learning takes to begin: log(1/A) at rate 3/2 or 1, by which comes first.

Beside it the sentence without its domain: slope 2/3 however small the first overlap. It fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log, sqrt

from verify.claims.lazy_rich.escapes import ESCAPES, Escapes, Regime
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Rival,
    below,
    equals,
    factor,
    linear_slope,
    not_applicable,
    rate,
    stated,
)
from verify.registry import source_of

EXACT = 1e-6


@dataclass(frozen=True)
class Theory:
    """In the clock tau = eps B t / alpha.

    Attributes:
        aligned, saturated: d tau_esc / d log(1 / |A|) in the two regimes.
        odds: rate of the odds of the target in the span of the weights.
        growth: early rate of |A|, in the aligned regime.
        argument: factor in the argument of the logarithm of the absolute time.
    """

    aligned: float = stated(2.0 / 3.0, slope_1=factor(1.0, "slope 1 where alignment comes first"))
    saturated: float = stated(
        1.0,
        **{
            "slope-2/3-everywhere": factor(
                2.0 / 3.0, "slope 2/3 where the norm saturates first as well"
            ),
            "slope-1/2": factor(0.5, "slope 1/2 where the norm saturates first"),
        },
    )
    odds: float = stated(
        2.0,
        half_odds=factor(1.0, "the odds grow at eps B / alpha"),
        odds_3=factor(3.0, "the odds grow like the squared overlaps"),
    )
    growth: float = stated(1.5, rate_3=factor(3.0, "overlaps grow at 3 eps B / alpha"))
    argument: float = stated(
        1.0,
        no_constant=factor(1.0 + sqrt(2.0), "log(N B^2 / (alpha eps |A|^2)), without sqrt(2) - 1"),
        half_argument=factor(0.5, "half the argument"),
    )


def laws(measured: Escapes, theory: Theory) -> Iterator[Law | Ladder]:
    yield _odds(measured, theory)
    yield from _one_neuron(measured)
    yield _slope(measured, theory)
    early, absolute = "early rate of the overlaps", "escape time over its formula"
    if measured.regime is not Regime.ALIGNED:
        yield not_applicable(early, Kind.EQUALS, "the norm does not wait for alignment")
        yield not_applicable(absolute, Kind.BELOW, "the norm does not wait for alignment")
        return
    yield equals(early, measured.growth, theory.growth, 0.01, Basis.MEASURED)
    ratio = measured.clocks / (measured.predicted + log(theory.argument) / 3.0)
    yield below(absolute, abs(ratio - 1.0), measured.corrections, Basis.MEASURED, at=measured.logs)


def _odds(measured: Escapes, theory: Theory) -> Law:
    law = "rate of the odds of the target"
    if measured.odds is None:
        return not_applicable(law, Kind.EQUALS, "the predictor is centred")
    return equals(law, measured.odds, theory.odds, EXACT)


def _one_neuron(measured: Escapes) -> Iterator[Law]:
    single, names = measured.single, ("norm", "loss", "escape")
    for name in names:
        law = f"{name} of one neuron"
        if single is None:
            yield not_applicable(law, Kind.EQUALS, "more neurons, or a centred predictor")
            continue
        found = {
            "norm": single.size,
            "loss": single.loss,
            "escape": measured.clocks[:1] / single.escape,
        }[name]
        yield equals(law, found, 1.0, EXACT)


def _slope(measured: Escapes, theory: Theory) -> Law:
    law = "growth of the escape time with log(1 / |A|)"
    if measured.regime is Regime.BETWEEN:
        return not_applicable(law, Kind.RATE, "neither comes first by far")
    predicted = theory.aligned if measured.regime is Regime.ALIGNED else theory.saturated
    first = measured.predicted if measured.regime is Regime.ALIGNED else measured.clocks.values
    ladder = Ladder.of(
        f"escape time in units of alpha / (eps B), {measured.regime.value}",
        "log(1 / |A(0)|)",
        measured.logs,
        measured.clocks,
        first[0] + predicted * (measured.logs - measured.logs[0]),
    )
    slope = linear_slope(measured.logs, measured.clocks)
    found = rate(
        law,
        slope.value,
        predicted,
        0.005,
        slope.method,
        error=slope.error,
        stratum=measured.regime.value,
    )
    return replace(found, ladder=ladder)


@dataclass(frozen=True)
class Everywhere:
    """tau_esc = log(1 / |A(0)|) / rate + const, however small the overlap."""

    rate: float = stated(
        1.5,
        rate_2=factor(2.0, "rate 2"),
        rate_3=factor(3.0, "rate 3, of the squared overlap"),
        **{
            "rate-1/2": factor(0.5, "rate 1/2, of the growth of the norm"),
            "rate-3/4": factor(0.75, "rate 3/4, a loss with a factor 1/2"),
            "rate-5/4": factor(1.25, "rate 5/4, between the regimes"),
        },
    )


def everywhere(measured: Escapes, theory: Everywhere) -> Iterator[Law]:
    law = "growth of the escape time over 1 / rate"
    if measured.regime is not Regime.SATURATED:
        yield not_applicable(law, Kind.EQUALS, "the overlap is not far below alpha eps")
        return
    drop = measured.clocks[-1:] - measured.clocks[:1]
    fitted = drop * theory.rate / (measured.logs[-1] - measured.logs[0])
    course = measured.clocks.values[0] + (measured.logs - measured.logs[0]) / theory.rate
    name = "escape time in units of alpha / (eps B)"
    ladder = Ladder.of(name, "log(1 / |A(0)|)", measured.logs, measured.clocks, course)
    yield replace(equals(law, fitted, 1.0, 0.02, Basis.MEASURED), ladder=ladder)


CLAIMS = (
    Claim(
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
        measurement=ESCAPES,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "odds, and one neuron against its exact solution: the integrator's error only",
            "absolute time: (alpha eps / (sqrt(B) |A|))^(2/3), how much the norm has grown by "
            "then, and alpha / (eps B) where the overlaps do not sum to zero",
            "rates: 0.005; at a factor 10^3 between |A| and alpha eps they are within 0.002",
        ),
        further_rivals=(
            Rival("rate-1", "overlaps grow at eps B / alpha", Theory(growth=1.0, aligned=1.0)),
        ),
    ),
    Claim(
        id="escape-time-outside",
        title="Escape time with slope 2/3 however small the first overlap (fails below alpha eps)",
        statement=(
            r"t_{esc} = \frac{2\alpha}{3\epsilon B} \log\frac{1}{|A_0|} + \mathrm{const}"
            r" \quad \text{for } |A_0| \ll \alpha\epsilon"
        ),
        source=source_of("escape-time-outside"),
        measurement=ESCAPES,
        theory=Everywhere(),
        laws=everywhere,
        tolerances=("2 % of the slope; the true rate of 1 meets it within 0.1 %",),
        expected="falsified",
    ),
)
