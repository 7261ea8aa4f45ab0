"""After t_g nets of rectifiers are KKT points in the sense of Clarke, and not without it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, log2

import numpy as np

from theory.asymptotics.leaving import order_of_leaving
from verify.alone import SINGLE_RATE
from verify.claims.early_late.kkt import ENERGY_CONSTANT
from verify.claims.early_late.late_phase import flow_complementarity, mean_margin, softness
from verify.claims.early_late.windows import GRID, RESTING, Span, smallest_stationarity
from verify.claims.relu.late_phase import LATE_RECTIFIERS, LateRectifiers, Slopes
from verify.language import (
    Basis,
    Claim,
    Kind,
    Law,
    below,
    choice,
    not_applicable,
    rate,
    separately,
    stated,
    unresolved,
)
from verify.registry import source_of

RESOLVED = 0.02
"""Largest relative error of a difference between two widths that tells an order."""

NOTHING = 2e-7
"""A difference of directions that is none: they are known to 1e-9 at best, see `RESOLVED`."""


ONE_SLOPE = {
    "off": (Slopes.OFF, "KKT with s'(0) = a"),
    "quarter": (Slopes.QUARTER, "KKT with s'(0) = a + (1 - a) / 4"),
    "middle": (Slopes.MIDDLE, "KKT with s'(0) = (1 + a) / 2"),
    "three_quarters": (Slopes.THREE_QUARTERS, "KKT with s'(0) = a + 3 (1 - a) / 4"),
    "on": (Slopes.ON, "KKT with s'(0) = 1"),
}


@dataclass(frozen=True)
class Theory:
    """The residual of the rectifiers is that of the flow up to O(d^order), and a logarithm of d
    where a unit leaves its kink.
    """

    slopes: Slopes = choice(
        Slopes.BETWEEN,
        of_the_sign=(Slopes.OF_THE_SIGN, "KKT by the gradient: kinks may be ignored"),
        **ONE_SLOPE,
    )
    span: Span = choice(
        Span.AFTER,
        half_time=(Span.HALF, "t_g = log(alpha) / (2 lambda)"),
        early=(Span.BEFORE, "KKT already at (1-c) t_g"),
    )
    order: float = stated(
        1.0, second=(2.0, "smoothing by d errs by d^2"), half=(0.5, "smoothing errs by sqrt(d)")
    )


@dataclass(frozen=True)
class BySign:
    """The residual by the gradient is that of the flow up to O(d)."""

    slopes: Slopes = choice(Slopes.OF_THE_SIGN, **ONE_SLOPE)

    @property
    def span(self) -> Span:
        return Span.AFTER


def clarke_laws(measured: LateRectifiers, theory: Theory | BySign) -> Iterator[Law]:
    excess, allowed = measured.excess(theory.span, theory.slopes), measured.allowance(theory.span)
    yield below("residual less that of the flow, within d", excess, allowed, Basis.DERIVED)


def window_laws(measured: LateRectifiers, theory: Theory) -> Iterator[Law]:
    rung = measured.windows[theory.span]
    smallest = rung.window.read(smallest_stationarity).no_finer(measured.speed_floor)
    bound = float(np.sqrt(ENERGY_CONSTANT / rung.efolds))
    yield below("some time is stationary", smallest, bound, Basis.MEASURED)
    name = "energy bound on the window and on each quarter of it"
    shares = rung.shares.no_finer(measured.speed_floor / RESTING)
    yield below(name, shares, GRID, Basis.DERIVED)
    last = rung.window.last
    spread = log(last.problem.samples)
    limit = (spread + softness(last)) / mean_margin(last)
    found = rung.window.read_last(flow_complementarity).no_finer(rung.window.floor)
    yield below("complementarity", found, limit, Basis.DERIVED)


def order_laws(measured: LateRectifiers, theory: Theory) -> Iterator[Law]:
    differences = measured.differences
    name = "order in d"
    wide, narrow = differences.values
    if wide <= NOTHING:
        reason = "no unit is bent where the flow ends"
        yield not_applicable(name, Kind.RATE, reason)
        return
    error = float((differences.errors / differences.values).sum())
    if not error <= RESOLVED:
        reason = "the differences are not resolved"
        yield unresolved(name, Kind.RATE, reason)
        return
    halving, method = log2(wide / narrow), "log2 of two differences"
    tolerance = (1.0 - order_of_leaving(measured.widest)) / SINGLE_RATE
    yield rate(name, halving, theory.order, tolerance, method, error=error / log(2.0))


STATEMENT = (
    r"\theta = \sum_i m_i y_i g_i + O(d), \quad g_i \in \partial^\circ f_i(\theta), \quad"
    r" m_i \ge 0, \quad \min_{t \in [t_g, (1+c) t_g]}"
    r" \frac{\|\dot\theta(t)\|}{\lambda\|\theta(t)\|}"
    r" = O\!\left(\frac{1}{\sqrt{c \log\alpha}}\right)"
)
TOLERANCES = (
    "residual less that of the flow: (1 - a) d log 2 sum m_i |x_i|, proved; d = 2^-15, and on the "
    "kink is what is within 30 d of it (Goldstein's subdifferential)",
    "some time is stationary, energy bound, complementarity: as for smooth nets",
    "order, of differences between d = 2^-13, 2^-14, 2^-15: where a unit leaves its kink the error "
    "is of order d log(1/d), and log2 of two of them 0.115 less; an instance farther off than that "
    "counts as far, so the median has a third of it, 0.038 (0.998 on 23 others)",
)
CLAIMS = (
    Claim(
        id="clarke-kkt",
        title="After t_g a net of rectifiers satisfies the KKT conditions in the sense of Clarke",
        statement=STATEMENT,
        source=source_of("clarke-kkt"),
        measurement=LATE_RECTIFIERS,
        theory=Theory(),
        laws=separately(clarke_laws, window_laws, order_laws),
        tolerances=TOLERANCES,
    ),
    Claim(
        id="kkt-without-kinks",
        title="As often read: kinks may be ignored, and theta is KKT by the gradient",
        statement=r"\theta = \sum_i m_i y_i \nabla f_i(\theta) + O(d), \quad m_i \ge 0",
        source=source_of("kkt-without-kinks"),
        measurement=LATE_RECTIFIERS,
        theory=BySign(),
        laws=separately(clarke_laws),
        tolerances=TOLERANCES[:1],
        expected="falsified",
    ),
)
