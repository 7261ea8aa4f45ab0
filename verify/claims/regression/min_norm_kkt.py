"""Theorem 2 for the squared loss: after t_g theta is a KKT point of minimum-norm interpolation.

As for classification, the form with some time of [t_g, (1+c) t_g] is asserted, against its energy
bound; the pointwise form for degree 2, where slow modes are all that can spoil it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from math import e

import numpy as np

from verify.claims.early_late.windows import GRID, Span, saddles_being_left
from verify.claims.regression.assumptions import OF_REGRESSION
from verify.claims.regression.min_norm_phase import (
    SOFT,
    MinNormPhase,
    measure,
)
from verify.instances import FlowInstance
from verify.language import (
    Basis,
    Claim,
    Finding,
    Kind,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    equals,
    factor,
    not_applicable,
    power,
    stated,
    unresolved,
)
from verify.registry import source_of
from verify.strategies.nets import FAMILIES
from verify.strategies.regression import min_norm_instances

KNOWN = 1e-6
"""Residuals at rtol 10^-9 and below."""


class Multipliers(Enum):
    """Which ones a KKT point may have."""

    EITHER_SIGN = "of either sign"
    ONE_SIDED = "y_i m_i >= 0"


class Regression(Enum):
    """Which kernel f is the regression with."""

    OWN = "that at theta"
    ANCHOR = "that at the anchor"


@dataclass(frozen=True)
class Theory:
    """Theorem 2 for regression; y - f = n^samples_power lambda m is of order lambda^order."""

    span: Span = choice(
        Span.AFTER,
        early=(Span.BEFORE, "KKT already at (1-c) t_g"),
        half_time=(Span.HALF, "t_g = log(alpha) / (2 lambda)"),
        time_of_inverse_decay=(Span.INVERSE_DECAY, "t_g = log(1/lambda) / lambda"),
    )
    multipliers: Multipliers = choice(
        Multipliers.EITHER_SIGN,
        max_margin=(Multipliers.ONE_SIDED, "y_i m_i >= 0, as of y_i f_i >= y_i^2"),
    )
    regression: Regression = choice(
        Regression.OWN, still_kernel=(Regression.ANCHOR, "f is still kernel regression")
    )
    dissipation: float = stated(
        1.0, half_the_dissipation=factor(0.5, "energy is lost at half |dtheta/ds|^2")
    )
    order: float = stated(
        1.0,
        misfit_square_root=power(0.5, "f - y is of order sqrt(lambda)"),
        misfit_quadratic=power(2.0, "f - y is of order lambda^2"),
    )
    samples_power: float = stated(
        1.0, misfit_without_samples=power(0.0, "y - f = lambda m, without n")
    )


def laws(phase: MinNormPhase, theory: Theory) -> Iterator[Law]:
    rungs = phase.over(theory.span)
    scales = np.array([rung.window.log10_alpha for rung in rungs])
    efolds = np.array([rung.efolds for rung in rungs])

    def ladder(name: str, read: Sequence[Quantity], bounds: object) -> Ladder:
        return Ladder.of(name, "log10 alpha", scales, Quantity.joined(read), np.asarray(bounds))

    name = "smallest residual over [t_g, (1+c) t_g]"
    smallest = ladder(name, [rung.smallest for rung in rungs], efolds**-0.5)
    yield smallest.stays_below("some time is stationary", Basis.MEASURED)
    shares = Quantity.joined(rung.shares for rung in rungs)
    name = "energy bound on the window and on each quarter of it"
    yield below(name, shares, GRID, Basis.DERIVED)
    name = "energy bound of the e-fold after t_g, over the speed in it"
    yield equals(name, phase.balance, theory.dissipation**0.5, 0.01)
    name = "stationary at (1+c) t_g"
    if phase.problem.degree == 2:
        last = ladder("residual at (1+c) t_g", [r.last for r in rungs], 2.0 / (e * efolds))
        yield last.stays_below(name, Basis.MEASURED)
    else:
        yield not_applicable(name, Kind.BELOW, "of higher degree a saddle may be left just then")
    either = theory.multipliers is Multipliers.EITHER_SIGN
    best = Quantity.joined(rung.best if either else rung.one_sided for rung in rungs)
    name = "the best multipliers do no worse than the flow's"
    yield below(name, best, KNOWN, Basis.IDENTITY, at=scales)
    own = theory.regression is Regression.OWN
    off = Quantity.joined(rung.off_its_kernel if own else rung.off_the_kernel for rung in rungs)
    name = "f on the probes against regression with its kernel"
    yield below(name, off, 1.0, Basis.DERIVED, at=scales)
    yield from _misfit(phase, theory)


POWER_LAW = 0.2
"""By how much slopes in log lambda between neighbours may differ: where lambda is not small against
the kernel's smallest eigenvalue, the misfit of three rungs was .6 to .97 off, and then .0005."""


ELSEWHERE = "lambda has to be so small that flows are at several points"

STIFF = "lambda is not small against the smallest eigenvalue of the kernel"


def _misfit(phase: MinNormPhase, theory: Theory) -> Iterator[Law]:
    """y - f = n lambda m (1 + O(lambda)), at any late time."""
    predicted = [phase.problem.samples**theory.samples_power * pull for pull in phase.pulls]
    sizes = np.array([np.linalg.norm(p) for p in predicted])
    logs = np.array([regime.log10_lambda for regime in phase.regimes])
    found = Quantity.joined(misfit.norm() for misfit in phase.misfits)
    left = Quantity.joined(
        (misfit - p).norm() for misfit, p in zip(phase.misfits, predicted, strict=True)
    )
    name = "misfit after t_g, less n lambda m, relatively"
    off = Ladder.of(name, "log10 lambda", logs, left / sizes, small=10.0**logs)
    misfit = Ladder.of("misfit after t_g", "log10 lambda", logs, found, sizes)
    approach, law = "misfit approaches n lambda m", "order of the misfit in lambda"
    if phase.softness.max() > SOFT:
        yield replace(unresolved(approach, Kind.APPROACHES, STIFF), ladder=off)
        yield replace(unresolved(law, Kind.RATE, STIFF), ladder=misfit)
        return
    slope = misfit.slope(logs, agreement=POWER_LAW)
    if phase.elsewhere:
        yield replace(unresolved(approach, Kind.APPROACHES, ELSEWHERE), ladder=off)
    elif slope.reason:  # rungs before the power law calibrate nothing
        yield replace(unresolved(approach, Kind.APPROACHES, slope.reason), ladder=off)
    else:
        yield off.falls(approach, 1.0, at_least=phase.expected_lag)
    yield misfit.rate(law, theory.order, 0.02, along=logs, agreement=POWER_LAW)


def findings(phase: MinNormPhase) -> tuple[Finding, ...]:
    """Where the pointwise form fails."""
    return saddles_being_left(
        [rung.window for rung in phase.rungs],
        "minimum norm: pointwise KKT fails at (1+c) t_g, a saddle is being left",
        "residual",
    )


MEASUREMENT = Measurement(
    "min-norm-kkt",
    FlowInstance,
    FAMILIES,
    lambda families, sizes: min_norm_instances(families, sizes),
    measure,
    OF_REGRESSION,
    sabotaged={"settled flows at 1.05 lambda": partial(measure, decay=1.05)},
    independent=partial(measure, method="Radau"),
)

CLAIM = Claim(
    id="min-norm-kkt",
    title="With the squared loss, after t_g theta is a KKT point of minimum-norm interpolation",
    statement=(
        r"\min_{t \in [t_g, (1+c) t_g]} \frac{\|(I - P_J)\theta(t)\|}{\|\theta(t)\|}"
        r" = O\!\left(\frac{1}{\sqrt{c \log\alpha}}\right), \quad"
        r" y - f(\theta; X) = n \lambda m, \quad"
        r" \text{KKT of } \min \|\theta\|^2 \text{ s.t. } f(\theta; x_i) = y_i"
    ),
    source=source_of("min-norm-kkt"),
    measurement=MEASUREMENT,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "some time is stationary: sqrt(1 / T), the order of the energy bound, T the e-folds since "
        "s* = log alpha - (1/L) log(|h| / |anchor|)",
        "energy bound, on the window and on each of its quarters: exact, times 1.01 since the "
        "minimum is over 17 times of the window; a residual below 10^-4 counts as none",
        "energy bound of one e-fold: 1 % of the root mean square of the speed, by Simpson's rule",
        "stationary at (1+c) t_g, degree 2 only: 2 / (e T), twice what a single slow mode "
        "kappa e^(-kappa T) can reach",
        "best multipliers: 10^-6, to which a flow's residual is known; they minimise over its own",
        "f on the probes: |F (I - P)| |(I - P) theta| / L, by Euler's identity; a residual below "
        "10^-4 counts as none",
        "misfit: its deviation from n lambda m falls like lambda, with twice the constant of two "
        "rungs, and at least that of multipliers that change at the rate 2 (L - 1) |theta'| / "
        "|theta|: on an instance that shrinking made the next order was crossing zero there",
        "order in lambda: 2 %, more than the share of the next order at lambda = 10^-2.5, or at "
        "less by up to 10^1.5 until n lambda is at most .3 of the kernel's smallest eigenvalue; "
        "both where slopes between neighbouring rungs agree to .2, before which there is no power",
    ),
    findings=findings,
)
