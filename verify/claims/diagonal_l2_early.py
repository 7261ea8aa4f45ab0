"""Diagonal nets before t_g: the linear predictor is the L2 max-margin classifier.

From equal coordinates the kernel at the anchor is that of the inputs, so Theorem 1 speaks of the
predictor w = u^L - v^L itself. Judged against the certified optimum of the L2 programme, within a
bound from gamma_2, n and the decay alone, on alphas from the instance's own to 10^10000.
"""

from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Final

import numpy as np

from theory.assumptions import check_assumptions
from theory.asymptotics.kernel_phase import log_inverse_decay, norm_bounds, plus_logarithm_inverse
from theory.backend import Floats
from theory.errors import IntegratorsDisagree, NumericalFailure
from theory.flow.diagonal import DiagonalTrajectory, diagonal_flow
from theory.kernel import KernelSVM, kernel_svm
from theory.kernel.quasi_static import entropies
from theory.margin.programmes import MarginOptimum, l1_max_margin, l2_max_margin
from theory.problem import Problem, Regime
from verify.claims.base import Assertions, Bound, Claim, Ladder, RateSample, Rival
from verify.claims.fits import rate, slope, slopes
from verify.instances import FlowInstance
from verify.registry import source_of
from verify.strategies.wide_diagonal import early_instances

LIMIT_SCALES: Final = (100.0, 1000.0, 10000.0)
"""log10 alpha of the rungs beyond the instance's own, as for `kernel-svm`."""

MISTAKEN_SCALE: Final = 12.0
"""log10 alpha at which rivals that mistake the time are read: far enough for O(1) differences."""

RTOL: Final = 1e-12
MAX_ERROR: Final = 1e-5
NUMERICAL_FLOOR: Final = 1e-9
"""What exponents of size 2 (L-1) log alpha lose in float64 at the largest rung."""

MIN_STRICTNESS: Final = 0.05
MIN_DEFICIT: Final = 1e-2
"""The law (H + log max p) / (gamma |w|) needs strict complementarity and unequal multipliers; the
bounds hold without."""


@dataclass(frozen=True)
class Theory:
    """The claim in constants.

    Attributes:
        norm: the norm of w, "L2" or "L1".
        margin: whose optimum gamma is, "L2" or "L1".
        machine: "max-margin", or "centroid" for sum y_i x_i, the first gradient's direction.
        time: "early" is (1-c) t_g; "late" (1+c) t_g; "inverse-decay" t_g = log(1/lambda)/lambda.
        growth: lam_eff = L lambda rho^(-2 (L-1) growth).
        deficit_power: the margin deficit falls like (gamma |w|)^-deficit_power.
    """

    norm: str = "L2"
    margin: str = "L2"
    machine: str = "max-margin"
    time: str = "early"
    growth: float = 1.0
    deficit_power: float = 1.0


@dataclass(frozen=True, eq=False)
class Rung:
    """The predictor at one alpha and time (`at`, in units of t_g), with its estimated error.

    `mistaken` marks the times of rivals, for whom the net is as linear there as it is early.
    """

    regime: Regime
    at: float
    weights: Floats
    margins: Floats
    error: float
    mistaken: bool = False


@dataclass(frozen=True, eq=False)
class Measured:
    """The rungs at (1-c) t_g, the moments of the rivals, and the optima of both programmes."""

    problem: Problem
    svm: KernelSVM
    optima: dict[str, MarginOptimum]
    rungs: tuple[Rung, ...]
    mistaken: dict[str, Rung]


def measure(instance: FlowInstance) -> Measured:
    problem, c = instance.problem, instance.c
    check_assumptions(problem)
    optima = {
        "L2": l2_max_margin(problem.inputs, problem.labels),
        "L1": l1_max_margin(problem.inputs, problem.labels),
    }
    regimes = [instance.regime, *(instance.regime.at_alpha(scale) for scale in LIMIT_SCALES)]
    rungs = tuple(_rung(problem, regime, 1.0 - c) for regime in regimes)
    return Measured(problem, kernel_svm(problem), optima, rungs, _mistaken(instance))


def _rung(problem: Problem, regime: Regime, at: float) -> Rung:
    rung = _rungs(problem, regime, diagonal_flow(problem, regime, [at], rtol=RTOL))[0]
    if not rung.error <= MAX_ERROR:
        raise IntegratorsDisagree(
            f"two tolerances differ by {rung.error:.1e} at log10 alpha = {regime.log10_alpha:.6g}"
        )
    return rung


def _rungs(problem: Problem, regime: Regime, flow: DiagonalTrajectory) -> list[Rung]:
    rows = zip(flow.at, flow.weights, flow.margins, flow.error_estimate, strict=True)
    return [Rung(regime, float(at), w, q, float(error)) for at, w, q, error in rows]


def _mistaken(instance: FlowInstance) -> dict[str, Rung]:
    """The flow at the times that rivals take for early; empty where it does not finish."""
    problem, c = instance.problem, instance.c
    regime = instance.regime.at_alpha(min(MISTAKEN_SCALE, instance.regime.log10_alpha))
    # beyond 1.5 t_g theta only comes to rest
    times = {"late": 1.0 + c, "inverse-decay": min((1.0 - c) * regime.decay_power, 1.5)}
    try:
        flow = diagonal_flow(problem, regime, list(times.values()), rtol=1e-7, estimate_error=False)
    except NumericalFailure:
        return {}
    rungs = [replace(rung, error=1e-5, mistaken=True) for rung in _rungs(problem, regime, flow)]
    return dict(zip(times, rungs, strict=True))


def assertions(measured: Measured, theory: Theory) -> Assertions:
    rungs = measured.rungs
    if theory.time != "early":
        rungs = (measured.mistaken[theory.time],) if theory.time in measured.mistaken else ()
    bounds = [bound for rung in rungs for bound in _bounds(measured, rung, theory)]
    return Assertions(tuple(bounds), _rates(measured, theory))


def relative_margin(measured: Measured, rung: Rung, norm: str = "L2", margin: str = "L2") -> float:
    """min q / (gamma |w|), at most 1 where both are of one norm."""
    length = np.linalg.norm(rung.weights, 1 if norm == "L1" else 2)
    return float(rung.margins.min() / (measured.optima[margin].margin * length))


def margin_bound(measured: Measured, rung: Rung) -> float:
    """Bound on 1 - min q / (gamma_2 |w|_2): log n / (D - log D), and the distances between flows.

    With D = log(gamma^2 / lam_eff) the first term is derived for the quasi-static machine. The flow
    lags behind by `lag` relative to |w|, and its net is nonlinear by `bending`; both shift margins
    by up to |x| |w|, in units of gamma_2 |w|.
    """
    problem, svm = measured.problem, measured.svm
    level = log_inverse_decay(problem, rung.regime, min(rung.at, 1.0))
    depth = 2.0 * log(svm.margin) + level + log(problem.samples)
    spread = log(problem.samples)
    if problem.loss == "logistic":
        spread += exp(-max(float(rung.margins.min()), 0.0))
    if depth - log(max(depth, 1.0)) <= spread:
        return 1.0
    lengths = np.linalg.norm(problem.inputs, axis=1)
    condition = 1.0 + float(lengths.max()) / measured.optima["L2"].margin
    return spread / (depth - log(depth)) + condition * _shift(measured, rung)


def _shift(measured: Measured, rung: Rung) -> float:
    """Relative distance of w from the quasi-static machine of the linearised net.

    Lag: (2 (L-1) / L) / Lam^2 to leading order; the largest seen is 1.8 of it, 3 are granted.
    Bending: w = 2 L xi (rho half)^L (1 + (2L-2)(3L-4)/6 xi^2 + ...), twice for what the multipliers
    give back; xi of the largest coordinate.
    """
    problem = measured.problem
    degree, size = problem.degree, float(np.linalg.norm(rung.weights))
    lag = 3.0 * 2.0 * (degree - 1) / degree / (measured.optima["L2"].margin * size) ** 2
    if rung.mistaken:
        return lag
    log_scale = degree * ((1.0 - rung.at) * rung.regime.log_alpha + log(problem.anchor[0]))
    xi = exp(max(log(float(np.abs(rung.weights).max()) / (2.0 * degree)) - log_scale, -300.0))
    bending = 2.0 * (2 * degree - 2) * (3 * degree - 4) / 6.0 * xi**2
    return lag + bending


def _bounds(measured: Measured, rung: Rung, theory: Theory) -> tuple[Bound, ...]:
    problem, svm = measured.problem, measured.svm
    scale = f"log10 alpha = {rung.regime.log10_alpha:g}"
    resolution = rung.error + NUMERICAL_FLOOR
    allowed = margin_bound(measured, rung) + 4.0 * resolution
    ratio = relative_margin(measured, rung, theory.norm, theory.margin)
    margin = Bound(f"margin against the optimum, {scale}", abs(1.0 - ratio), allowed, resolution)
    # h scaled to unit margin is feasible, so the cosine with the optimum is at least the ratio
    direction = rung.weights / np.linalg.norm(rung.weights)
    gap = float(np.linalg.norm(direction - _predicted(measured, theory)))
    angle = Bound(f"direction of w, {scale}", gap, sqrt(2.0 * allowed), resolution)
    if theory.time != "early":
        return margin, angle
    level = _level(problem, rung, theory)
    size = measured.optima["L2"].margin * float(np.linalg.norm(rung.weights))
    low, high = (svm.margin * norm for norm in norm_bounds(svm, level))
    middle, half_width = 0.5 * (low + high), 0.5 * (high - low)
    slack = size * (_shift(measured, rung) + 4.0 * resolution) + _soft(problem, rung)
    length = Bound(f"gamma |w|, {scale}", abs(size - middle), half_width + slack, size * resolution)
    return margin, angle, length


def _soft(problem: Problem, rung: Rung) -> float:
    """What the logistic loss adds to margins: softplus(q) - q <= e^-q."""
    return exp(-max(float(rung.margins.min()), 0.0)) if problem.loss == "logistic" else 0.0


def _level(problem: Problem, rung: Rung, theory: Theory) -> float:
    """Lam at the rung, as the theory computes it."""
    return log_inverse_decay(problem, rung.regime, 1.0 - theory.growth * (1.0 - rung.at))


def _predicted(measured: Measured, theory: Theory) -> Floats:
    """The unit predictor."""
    problem = measured.problem
    if theory.machine == "centroid":
        weights = problem.labels @ problem.inputs
    else:
        weights = measured.optima[theory.norm].weights
    return np.asarray(weights / np.linalg.norm(weights))


def _deficit_constant(measured: Measured) -> float:
    """H(p*) + log max p*, p* the normalised multipliers: (1 - ratio) gamma |w| tends to it."""
    shannon, smallest = entropies(np.log(np.maximum(measured.svm.dual, 1e-300)))
    return shannon - smallest


def _rates(measured: Measured, theory: Theory) -> tuple[RateSample, ...]:
    constant = _deficit_constant(measured)
    if measured.svm.strictness < MIN_STRICTNESS or constant < MIN_DEFICIT:
        return ()
    rungs = measured.rungs[1:]
    deficits = [1.0 - relative_margin(measured, rung) for rung in rungs]
    sizes = [
        plus_logarithm_inverse(
            _level(measured.problem, rung, theory)
            + 2.0 * log(measured.svm.margin)
            + log(measured.problem.samples)
        )
        for rung in rungs
    ]
    if min(deficits) <= 0:
        return ()
    fitted = -slope(np.log(sizes).tolist(), np.log(deficits).tolist())
    return (
        *rate(
            "order of the margin deficit in 1 / Lam",
            theory.deficit_power,
            fitted,
            0.05,
            slopes(len(rungs), resolved=False),
        ),
        *rate(
            "margin deficit times Lam, in units of H + log max p",
            1.0,
            deficits[1] * sizes[1] / constant,
            0.05,
            f"the value at log10 alpha = {rungs[1].regime.log10_alpha:g}",
        ),
    )


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    rungs = measured.rungs
    deficits = tuple(max(1.0 - relative_margin(measured, rung), 1e-16) for rung in rungs)
    return (
        Ladder(
            "1 - min margin / (gamma_2 |w|_2) at (1-c) t_g, against its bound",
            "log10 alpha",
            tuple(rung.regime.log10_alpha for rung in rungs),
            deficits,
            tuple(margin_bound(measured, rung) for rung in rungs),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="diagonal-l2-early",
    title="Before t_g a diagonal net is the L2 max-margin classifier",
    statement=(
        r"\frac{\min_i q_i}{\gamma_2 \|w\|_2} \ge"
        r" 1 - \frac{\log n}{D - \log D} - O\!\left(\frac{1}{\log^2\alpha}\right)"
        r" \text{ at } (1-c) t_g, \quad D = \log\frac{\gamma^2}{L \lambda \alpha^{-2c(L-1)}}, \quad"
        r" w = u^L - v^L"
    ),
    source=source_of("diagonal-l2-early"),
    assumptions=(
        "diagonal net, all coordinates equal at the anchor",
        "separability",
        "lambda a power of alpha",
        "alpha large",
        "c > 0",
    ),
    instances=lambda _families: early_instances(),
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("l1", "the L1 max-margin classifier", replace(_TRUE, norm="L1", margin="L1")),
        Rival("gamma-of-l1", "gamma_1 in the place of gamma_2", replace(_TRUE, margin="L1")),
        Rival("norm-of-l1", "|w|_1 in the place of |w|_2", replace(_TRUE, norm="L1")),
        Rival("late", "still the L2 classifier at (1+c) t_g", replace(_TRUE, time="late")),
        Rival(
            "time-of-inverse-decay",
            "t_g = log(1/lambda) / lambda",
            replace(_TRUE, time="inverse-decay"),
        ),
        Rival(
            "centroid",
            "w stays in the direction of the first gradient, sum y_i x_i",
            replace(_TRUE, machine="centroid"),
        ),
        Rival(
            "constant-decay",
            "lam_eff = L lambda, which does not see the scale of theta",
            replace(_TRUE, growth=0.0),
        ),
        Rival(
            "deficit-squared",
            "the margin deficit is of second order in 1 / Lam",
            replace(_TRUE, deficit_power=2.0),
        ),
        Rival(
            "deficit-square-root",
            "the margin deficit is of order 1/2 in 1 / Lam, as the direction's bound is",
            replace(_TRUE, deficit_power=0.5),
        ),
    ),
    tolerances=(
        "margin: log n / (D - log D), derived from gamma, n and the decay (plus e^-q_min for the "
        "logistic loss), and 1 + max |x| / gamma_2 times the relative shift of w",
        "shift of w: lag 3 (2(L-1)/L) / (gamma |w|)^2 (largest seen 1.8 of it) and the cubic term "
        "of the net, doubled",
        "direction: sqrt(2 margin bound), since the cosine is at least the ratio of margins",
        "gamma |w|: the bounds on the norm of the regularised machine, and the shift",
        "rates: 5 %, the next order is 1 / Lam, 0.02 to 0.0002 at log10 alpha = 100 to 10000",
    ),
    ladders=ladders,
    families=("diagonal",),
)
