"""Diagonal nets after t_g: L1 max margin for degree 2, a KKT point of the L_(2/L) programme beyond.

min |u|^2 + |v|^2 subject to u^L - v^L = w is sum_j |w_j|^(2/L), so the predictor minimises that
quasi-norm to first order. For L = 2 it is the L1 norm, the programme is convex, and the margin is
compared with the certified optimum; for L > 2 the conditions are written in w itself, with the
flow's own multipliers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from verify.claims.diagonal.late import DIAGONAL_LATE, LatePhase, Time, shares_of
from verify.claims.diagonal.margins import Norm
from verify.claims.diagonal.mean_pull import growth_bound, mean_pull
from verify.claims.diagonal.moments import Moment, Predictor
from verify.claims.early_late.windows import GRID
from verify.language import (
    Basis,
    Claim,
    Finding,
    Kind,
    Ladder,
    Law,
    Quantity,
    Rival,
    below,
    choice,
    linear_slope,
    not_applicable,
    rate,
    stated,
)
from verify.registry import source_of

MIN_STRICTNESS: Final = 0.01
MIN_DEFICIT: Final = 1e-2
"""The law (H + log max p) / mean q needs strict complementarity and unequal multipliers; the bounds
hold without. At alpha^64 what is strict by 1 % has decayed to 10^-3."""

CERTIFIED: Final = 1e-8
"""Optima are certified to 10^-9."""


@dataclass(frozen=True)
class Theory:
    """The claim in constants.

    Attributes:
        norm, margin: of w, and of the programme whose optimum gamma is, for degree 2.
        exponent, exponent_degree_power: the quasi-norm's exponent is 2/L, exponent *
            L^exponent_degree_power.
        pull, pull_degree_power: the multiplier of the quasi-norm, L |g_j| |w_j|^(1 - 2/L) = 1, is
            pull * L^pull_degree_power.
        deficit: the L1 margin deficit is `deficit` (H + log max p) / (mean q)^deficit_power.
    """

    norm: Norm = choice(Norm.L1, norm_of_l2=(Norm.L2, "|w|_2 in the place of |w|_1"))
    margin: Norm = choice(Norm.L1, gamma_of_l2=(Norm.L2, "gamma_2 in the place of gamma_1"))
    exponent: float = stated(2.0)
    exponent_degree_power: float = stated(-1.0)
    pull: float = stated(1.0)
    pull_degree_power: float = stated(1.0)
    time: Time = choice(
        Time.AFTER,
        early=(Time.BEFORE, "L1 max margin already at (1-c) t_g"),
        half_time=(Time.HALF, "t_g = log(alpha) / (2 lambda)"),
        time_of_inverse_decay=(Time.INVERSE_DECAY, "t_g = log(1/lambda) / lambda"),
    )
    deficit: float = stated(1.0)
    deficit_power: float = stated(
        1.0,
        deficit_squared=(2.0, "the L1 margin deficit is of second order in 1 / log(1/lambda)"),
        deficit_square_root=(0.5, "the L1 margin deficit is of order 1/2 in 1 / log(1/lambda)"),
    )


MARGIN = "margin against the optimum"
RESIDUAL = "residual of KKT in w"
PULL = "largest mean pull on any weight"
CERTIFICATE = "deficit against its certificate"
ORDER = "order of the L1 margin deficit in 1 / log(1/lambda)"
CONSTANT = "L1 margin deficit times mean q, in units of H + log max p"
QUARTERS = "smallest residual of KKT in w over each quarter"


def laws(phase: LatePhase, theory: Theory) -> Iterator[Law | Ladder]:
    moments = phase.at(theory.time)
    found = Quantity.joined(m.read(slackness, m.floor) for m in moments)
    bounds = [phase.spread(moment) / moment.tight.mean_margin for moment in moments]
    yield below("complementarity", found, bounds, Basis.DERIVED, at=phase.scales(theory.time))
    if phase.degree == 2:
        yield from _degree_two(phase, theory)
        yield not_applicable(QUARTERS, Kind.BELOW, "it is for degrees beyond 2")
        return
    yield _quarters(phase, theory)
    for name in (MARGIN, RESIDUAL, PULL, CERTIFICATE):
        yield not_applicable(name, Kind.BELOW, "it is for degree 2")
    for name in (ORDER, CONSTANT):
        yield not_applicable(name, Kind.RATE, "it is for degree 2")


def _degree_two(phase: LatePhase, theory: Theory) -> Iterator[Law | Ladder]:
    moments, scales = phase.at(theory.time), phase.scales(theory.time)
    slow = np.array([phase.slow_modes(moment) for moment in moments])
    gamma = phase.optima[theory.margin].margin

    def deficit(w: Predictor) -> float:
        return 1.0 - float(w.margins.min()) / (gamma * theory.norm.of(w.weights))

    deficits = Quantity.joined(m.read(deficit, m.floor) for m in moments)
    bounds = np.array([phase.deficit_bound(moment) for moment in moments]) + slow
    name = "1 - min margin / (gamma_1 |w|_1) at (1+c) t_g, L = 2"
    ladder = Ladder.of(name, "log10 alpha", scales, abs(deficits), bounds)
    yield ladder.stays_below(MARGIN, Basis.DERIVED)
    residuals = Quantity.joined(
        m.read(lambda w: residual(w, theory), m.of_multipliers) for m in moments
    )
    yield below(RESIDUAL, residuals, 2.0 * slow, Basis.MEASURED, at=scales)
    if theory.time is Time.AFTER:
        yield _pulls(phase)
    else:
        yield not_applicable(PULL, Kind.BELOW, "it is of the window after t_g")
    if theory.norm is theory.margin is Norm.L1:
        # of one state: an error of its margins is in both
        over = [max(deficit(m.tight) - certified_deficit(m.tight), 0.0) for m in moments]
        rounded = Quantity.rounded(over, 1.0)
        yield below(CERTIFICATE, rounded, CERTIFIED, Basis.IDENTITY, at=scales)
    if theory.time is Time.AFTER:
        yield from _asymptotic(phase, theory, deficits)


def _pulls(phase: LatePhase) -> Law:
    """On every rung, of the weight that comes nearest to its bound."""
    worst, bounds = [], []
    for window in phase.windows:
        pulls = mean_pull(window)
        allowed = growth_bound(window, pulls.values)
        weight = int(np.argmax((np.abs(pulls.values) - 1.0) / allowed))
        worst.append(abs(pulls[weight : weight + 1]) - 1.0)
        bounds.append(allowed[weight])
    found = Quantity.joined(worst)
    return below(PULL, found, bounds, Basis.DERIVED, at=phase.scales(Time.AFTER))


def findings(phase: LatePhase) -> tuple[Finding, ...]:
    """A weight that grows again at (1+c) t_g, at the largest alpha."""
    last = phase.rungs[-1]
    beyond = 2.0 * float(np.abs(last.tight.pull).max()) - 1.0
    if phase.degree != 2 or beyond <= 2.0 * phase.slow_modes(last):
        return ()
    return (
        Finding(
            "a weight that had decayed still grows at (1+c) t_g",
            f"it is pulled by 1 + {beyond:.2g} times what decay takes, at log10 alpha = "
            f"{last.own.log10_alpha:g}, c = {phase.instance.c:g}; on average over the window no "
            "weight is pulled by more than its growth allows",
            beyond,
        ),
    )


def _asymptotic(phase: LatePhase, theory: Theory, deficits: Quantity) -> Iterator[Law]:
    """The margin deficit between alpha^16 and alpha^64, where slow modes have decayed."""
    shannon, smallest = phase.dual_entropies
    if phase.strictness < MIN_STRICTNESS or shannon - smallest < MIN_DEFICIT:
        for name in (ORDER, CONSTANT):
            yield not_applicable(name, Kind.RATE, "some multiplier vanishes, or all are equal")
        return
    sizes = np.array([phase.mean_margin(moment) for moment in phase.rungs])
    slope = linear_slope(np.log(sizes[-2:]), deficits[-2:].log())
    yield rate(ORDER, -slope.value, theory.deficit_power, 0.1, slope.method, error=slope.error)
    last = deficits[-1:] * float(sizes[-1]) / (shannon - smallest)
    yield rate(CONSTANT, last, theory.deficit, 0.01, "the value at alpha^64")


def _quarters(phase: LatePhase, theory: Theory) -> Law:
    parts, bounds = phase.parts(theory.time), np.array(phase.residual_bounds())
    if len(parts) == 1:
        # a rival's moment is held to what the whole window is
        bounds = bounds[-1:]

    def smallest(part: Sequence[Moment]) -> Quantity:
        read = [m.read(lambda w: residual(w, theory), m.of_multipliers) for m in part]
        return min(read, key=lambda found: float(found.values[0]))

    found = Quantity.joined(smallest(part) for part in parts)
    return below(QUARTERS, found, GRID * bounds, Basis.DERIVED, at=[p[-1].at for p in parts])


def slackness(w: Predictor) -> float:
    """1 - q_min / mean q for the flow's multipliers."""
    return 1.0 - float(w.margins.min()) / w.mean_margin


def certified_deficit(w: Predictor) -> float:
    """An upper bound on 1 - min q / (gamma_1 |w|_1) at any time, from the multipliers alone.

    A gamma_1 <= |g|_inf and A mean q = <w, g> = (1 - r) |g|_inf |w|_1 by definition of r, so that
    |w|_1 <= mean q / (gamma_1 (1 - r)), for g = Z^T mu, A = sum mu and the mu-weighted mean.
    """
    largest = float(np.abs(w.pull).max() * np.abs(w.weights).sum())
    return 1.0 - (1.0 - slackness(w)) * float(w.weights @ w.pull) / largest


def residual(w: Predictor, theory: Theory) -> float:
    """How far w is from stationary for min sum |w_j|^p, relatively, with the flow's multipliers.

    Stationarity is k g_j = sign(w_j) |w_j|^(p-1) on active coordinates, k = L and p = 2/L; the
    residual 1 - k sign(w_j) g_j |w_j|^(1-p) is weighed by |w_j|^(2/L), the coordinate's share of
    |theta|^2, so that inactive ones drop out. For p other than 2/L the best k is taken.
    """
    degree = float(w.problem.degree)
    exponent = theory.exponent * degree**theory.exponent_degree_power
    sizes = np.abs(w.weights)
    active = sizes > 1e-12 * sizes.max()  # beyond, |w|^(1-p) would be divided by rounding
    shares = shares_of(w, degree)[active]
    forces = (np.sign(w.weights) * w.pull)[active] * sizes[active] ** (1.0 - exponent)
    factor = theory.pull * degree**theory.pull_degree_power
    if exponent != 2.0 / degree:
        factor = float(shares @ forces) / float(shares @ forces**2)
    return sqrt(float(shares @ (1.0 - factor * forces) ** 2) / float(shares.sum()))


CLAIM = Claim(
    id="diagonal-l1-late",
    title="After t_g a diagonal net is L1 max-margin (L = 2) or KKT of the L_(2/L) programme",
    statement=(
        r"\frac{\min_i q_i}{\gamma_1 \|w\|_1} \ge"
        r" 1 - \frac{\log n}{\log(2 \gamma_1 / \lambda)} - o(1) \text{ at } (1+c) t_g, L = 2; \quad"
        r" L |g_j| |w_j|^{1 - 2/L} \to 1 \text{ where } w_j \neq 0, L > 2, \quad g = Z^T \mu"
    ),
    source=source_of("diagonal-l1-late"),
    measurement=DIAGONAL_LATE,
    theory=Theory(),
    laws=laws,
    findings=findings,
    tolerances=(
        "margin, L = 2: log n / log(2 gamma_1 / lambda), derived at rest, and 1 / (e c log alpha) "
        "for slow modes, twice what a single one can reach",
        "deficit against its certificate: an inequality of the multipliers at any time, exact",
        "residual, L = 2: 2 / (e c log alpha), as stationarity in `kkt`",
        "largest mean pull, L = 2: what the energy at t_g lets a parameter grow to, derived; at "
        "single times a weight that has decayed and grows again is pulled by more",
        "smallest residual over each quarter of the window, L > 2: 2^(1/2 - 1/L) |theta| / "
        "(sum |w|^(2/L))^(1/2) times the energy bound on stationarity, derived; 1 % more, as the "
        "minimum is over 17 times; a stationarity below 10^-4 counts as none",
        "complementarity: log n / mean margin, an identity's bound (plus e^-q_min, logistic loss)",
        "order: 10 %, between alpha^16 and alpha^64, where slow modes have decayed; constant: 1 %",
    ),
    further_rivals=(
        Rival("l2", "the L2 max-margin classifier", Theory(norm=Norm.L2, margin=Norm.L2)),
        Rival(
            "l1-for-every-degree",
            "KKT of L1 for L > 2 as well",
            Theory(exponent=1.0, exponent_degree_power=0.0),
        ),
        Rival(
            "exponent-inverted",
            "KKT of L_(L/2)",
            Theory(exponent=0.5, exponent_degree_power=1.0),
        ),
        Rival(
            "multipliers-inverted",
            "multipliers of sum |w|^(2/L) itself, (2/L) |g| |w|^(1 - 2/L) = 1",
            Theory(pull=2.0, pull_degree_power=-1.0),
        ),
    ),
)
