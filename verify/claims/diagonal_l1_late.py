"""Diagonal nets after t_g: L1 max margin for degree 2, a KKT point of the L_(2/L) programme beyond.

min |u|^2 + |v|^2 subject to u^L - v^L = w is sum_j |w_j|^(2/L), so the predictor minimises that
quasi-norm to first order. For L = 2 it is the L1 norm, the programme is convex, and the margin is
compared with the certified optimum; for L > 2 the conditions are written in w itself, with the
flow's own multipliers.
"""

from dataclasses import dataclass, replace
from math import e, exp, log, sqrt
from typing import Final

import numpy as np

from theory.assumptions import check_assumptions
from theory.asymptotics.late_phase import stationarity_bound
from theory.backend import Floats
from theory.errors import IntegratorsDisagree
from theory.flow import FlowState, gradient_flow
from theory.flow.diagonal import diagonal_flow
from theory.margin.programmes import MarginOptimum, l1_max_margin, l2_max_margin
from theory.problem import Problem, Regime
from verify.claims.base import Assertions, Bound, Claim, Ladder, RateSample, Rival
from verify.claims.fits import rate, slope, slopes
from verify.claims.windows import part_bound, quarters
from verify.instances import FlowInstance
from verify.registry import source_of
from verify.strategies.wide_diagonal import late_instances

WINDOW_POINTS: Final = 17
LADDER_STEPS: Final = (1.0, 4.0, 16.0)
"""Rungs in log alpha of the L1 margin, relative to the instance's own."""

RTOL: Final = 1e-10
MAX_ERROR: Final = 1e-4
"""Residuals and margin deficits here are judged at the level of percents."""

MIN_DEFICIT: Final = 0.1
"""Largest-rung margin deficits below it, relative to log n / log(2 gamma_1 / lambda), belong to
tasks whose multipliers are equal: their constant vanishes and the next order shows."""


@dataclass(frozen=True)
class Theory:
    """The claim in constants.

    Attributes:
        norm, margin: as in `diagonal_l2_early`, for degree 2.
        exponent, exponent_degree_power: the quasi-norm's exponent is 2/L, exponent *
            L^exponent_degree_power.
        pull, pull_degree_power: the multiplier of the quasi-norm, L |g_j| |w_j|^(1 - 2/L) = 1, is
            pull * L^pull_degree_power.
        time: (1+c) t_g with "log-alpha"; "half" t_g = log(alpha)/(2 lambda); "inverse-decay"
            t_g = log(1/lambda)/lambda; "before" is (1-c) t_g.
        deficit_power: the L1 margin deficit falls like log(1/lambda)^-deficit_power.
    """

    norm: str = "L1"
    margin: str = "L1"
    exponent: float = 2.0
    exponent_degree_power: float = -1.0
    pull: float = 1.0
    pull_degree_power: float = 1.0
    time: str = "log-alpha"
    deficit_power: float = 1.0


@dataclass(frozen=True, eq=False)
class Moment:
    """The predictor at one time.

    Attributes:
        at: in units of t_g.
        weights, pull: w and g = Z^T mu, shape `(d,)`.
        margins, multipliers: q and mu, shape `(n,)`.
        state: of all parameters, where the flow was integrated in them (L > 2).
    """

    regime: Regime
    at: float
    weights: Floats
    pull: Floats
    margins: Floats
    multipliers: Floats
    error: float
    state: FlowState | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """The window [t_g, (1+c) t_g], larger alphas for degree 2, and the rivals' moments."""

    instance: FlowInstance
    optima: dict[str, MarginOptimum]
    window: tuple[Moment, ...]
    rungs: tuple[Moment, ...]
    mistaken: dict[str, Moment]

    @property
    def problem(self) -> Problem:
        return self.instance.problem


def measure(instance: FlowInstance) -> Measured:
    problem, regime, c = instance.problem, instance.regime, instance.c
    check_assumptions(problem)
    optima = {
        "L1": l1_max_margin(problem.inputs, problem.labels),
        "L2": l2_max_margin(problem.inputs, problem.labels),
    }
    window = np.linspace(1.0, 1.0 + c, WINDOW_POINTS).tolist()
    # for p > 1 the time of inverse decay comes later, where the claim is true as well
    late = min(regime.decay_power, 1.0) * (1.0 + c)
    mistaken = {"half": 0.5 * (1.0 + c), "inverse-decay": late, "before": 1.0 - c}
    moments = _moments(problem, regime, [*window, *mistaken.values()])
    rungs = []
    if problem.degree == 2:
        for step in LADDER_STEPS[1:]:
            scaled = regime.at_alpha(step * regime.log10_alpha)
            rungs += _moments(problem, scaled, [1.0 + c])
    return Measured(
        instance,
        optima,
        tuple(moments[:WINDOW_POINTS]),
        (moments[WINDOW_POINTS - 1], *rungs),
        dict(zip(mistaken, moments[WINDOW_POINTS:], strict=True)),
    )


def _moments(problem: Problem, regime: Regime, at: list[float]) -> list[Moment]:
    """By the n dual variables for L = 2; by all parameters beyond, where restarts cost more."""
    states: tuple[FlowState | None, ...] = (None,) * len(at)
    if problem.degree == 2:
        flow = diagonal_flow(problem, regime, at, rtol=RTOL)
        weights, exponents, margins = flow.weights, flow.log_multipliers, flow.margins
        errors = flow.error_estimate
    else:
        full = gradient_flow(problem, regime, at, rtol=RTOL)
        weights = full.outputs(np.eye(problem.inputs.shape[1]))  # f(e_j) = w_j
        exponents = np.array([state.log_multipliers for state in full.states])
        margins, errors, states = full.margins, full.error_estimate, full.states
    worst = float(errors.max())
    if not worst <= MAX_ERROR:
        raise IntegratorsDisagree(
            f"two tolerances differ by {worst:.1e} at log10 alpha = {regime.log10_alpha:.6g}"
        )
    with np.errstate(over="ignore"):
        multipliers = np.exp(exponents)
    pulls = (problem.labels * multipliers) @ problem.inputs
    rows = zip(at, weights, pulls, margins, multipliers, errors, states, strict=True)
    return [
        Moment(regime, t, w, g, q, mu, float(error), state) for t, w, g, q, mu, error, state in rows
    ]


def assertions(measured: Measured, theory: Theory) -> Assertions:
    if measured.problem.degree == 2:
        return _degree_two(measured, theory)
    limits = residual_bounds(measured)
    # a rival's moment is held to what the whole window is
    parts: tuple[tuple[Moment, ...], ...] = quarters(measured.window)
    if theory.time != "log-alpha":
        parts, limits = ((measured.mistaken[theory.time],),), (min(limits),)
    residuals = [
        Bound(
            f"smallest residual of KKT in w over quarter {k}",
            min(kkt_residual_in_weights(measured.problem, moment, theory) for moment in part),
            limit,
            _resolution(part),
        )
        for k, (part, limit) in enumerate(zip(parts, limits, strict=True), 1)
    ]
    return Assertions((*residuals, _complementarity(measured.problem, parts[-1][-1])))


def residual_bounds(measured: Measured) -> tuple[float, ...]:
    """Bounds on the smallest KKT residual in w over each quarter of the window, for L > 2.

    For m^L = u^L - v^L with v < u, psi(x) = x - L g x^(L-1) obeys
    |psi(m)| <= (m/u) |u'| + (v/u) |v'|, since 1 - (m/u)^(L-2) <= (v/u)^L, and
    (m/u)^2 + (v/u)^2 <= 2^(1 - 2/L). So the residual in w is at most
    2^(1/2 - 1/L) |theta| / (sum |w|^(2/L))^(1/2) times the stationarity of the flow, which is
    bounded by the energy that the flow loses.
    """
    degree = measured.problem.degree
    mixed = 2.0 ** (0.5 - 1.0 / degree)
    found = []
    for part in quarters(measured.window):
        states = [moment.state for moment in part if moment.state is not None]
        shares = [float(np.sum(np.abs(moment.weights) ** (2.0 / degree))) for moment in part]
        ratios = [
            exp(state.log_norm) / sqrt(share) for state, share in zip(states, shares, strict=True)
        ]
        error = max(moment.error for moment in part)
        found.append(mixed * max(ratios) * part_bound(states, stationarity_bound, error))
    return tuple(found)


def _degree_two(measured: Measured, theory: Theory) -> Assertions:
    bounds: list[Bound] = []
    moments = measured.rungs
    if theory.time != "log-alpha":
        moments = (measured.mistaken[theory.time],)
    for moment in moments:
        scale = f"log10 alpha = {moment.regime.log10_alpha:g}"
        error = _resolution((moment,))
        deficit = 1.0 - relative_margin(measured, moment, theory.norm, theory.margin)
        slow = slow_modes(measured, moment)
        bounds += [
            Bound(
                f"margin against the optimum, {scale}",
                abs(deficit),
                margin_bound(measured, moment) + slow + 4.0 * error,
                error,
            ),
            Bound(
                f"residual of KKT in w, {scale}",
                kkt_residual_in_weights(measured.problem, moment, theory),
                2.0 * slow + 4.0 * error,
                error,
            ),
            Bound(
                f"largest pull on any weight, {scale}",
                2.0 * float(np.abs(moment.pull).max()) - 1.0,
                2.0 * slow + 4.0 * error,
                error,
            ),
            _complementarity(measured.problem, moment),
        ]
        if theory.norm == theory.margin == "L1":
            certified = certified_deficit(moment) + 4.0 * error
            bounds.append(
                Bound(f"deficit against its certificate, {scale}", deficit, certified, error)
            )
    return Assertions(tuple(bounds), _rates(measured, theory))


def _resolution(moments: tuple[Moment, ...]) -> float:
    """Uncertainty of ratios; multipliers carry the absolute error of margins."""
    return max(10.0 * (m.error + 1e-10) * max(1.0, float(np.abs(m.margins).max())) for m in moments)


def relative_margin(
    measured: Measured, moment: Moment, norm: str = "L1", margin: str = "L1"
) -> float:
    """min q / (gamma |w|), at most 1 where both are of one norm."""
    length = np.linalg.norm(moment.weights, 1 if norm == "L1" else 2)
    return float(moment.margins.min() / (measured.optima[margin].margin * length))


def margin_bound(measured: Measured, moment: Moment) -> float:
    """log n / log(2 gamma_1 / lambda), derived where the flow rests (L = 2).

    There (1/n) sum l + (lambda / 2) |w|_1 is stationary: |Z^T mu|_inf = 1/2 and
    |w|_1 = 2 A mean q with A = sum mu <= 1 / (2 gamma_1), and mean q - min q <= log n.
    """
    spread = log(measured.problem.samples) + _soft(measured.problem, moment)
    depth = log(2.0 * measured.optima["L1"].margin) - moment.regime.log_lambda
    return spread / depth if depth > spread else 1.0


def _soft(problem: Problem, moment: Moment) -> float:
    """What the logistic loss adds to the spread of margins: at most e^-q_min."""
    return exp(-max(float(moment.margins.min()), 0.0)) if problem.loss == "logistic" else 0.0


def slow_modes(measured: Measured, moment: Moment) -> float:
    """1 / (e c log alpha): the flow at (1+c) t_g does not rest yet.

    A weight with |g_j| < 1/2 decays at rate 2 kappa = 2 (1 - 2 |g_j|) in s; one such mode adds at
    most sup over kappa of kappa e^(-2 kappa T) = 1 / (2 e T), T = c log alpha, to residual and
    deficit; the bound leaves twice that.
    """
    return 1.0 / (e * measured.instance.c * moment.regime.log_alpha)


def certified_deficit(moment: Moment) -> float:
    """An upper bound on 1 - min q / (gamma_1 |w|_1) at any time, from the multipliers alone.

    A gamma_1 <= |g|_inf and A mean q = <w, g> = (1 - r) |g|_inf |w|_1 by definition of r, so that
    |w|_1 <= mean q / (gamma_1 (1 - r)), for g = Z^T mu, A = sum mu and the mu-weighted mean.
    """
    weights, pull = moment.weights, moment.pull
    aligned = float(weights @ pull) / float(np.abs(pull).max() * np.abs(weights).sum())
    mean = float(moment.multipliers @ moment.margins / moment.multipliers.sum())
    return 1.0 - float(moment.margins.min()) / mean * aligned


def kkt_residual_in_weights(problem: Problem, moment: Moment, theory: Theory) -> float:
    """How far w is from stationary for min sum |w_j|^p, relatively, with the flow's multipliers.

    Stationarity is k g_j = sign(w_j) |w_j|^(p-1) on active coordinates, k = L and p = 2/L; the
    residual 1 - k sign(w_j) g_j |w_j|^(1-p) is weighed by |w_j|^(2/L), the coordinate's share of
    |theta|^2, so that inactive ones drop out. For p other than 2/L the best k is taken.
    """
    degree = problem.degree
    exponent = theory.exponent * float(degree) ** theory.exponent_degree_power
    sizes = np.abs(moment.weights)
    active = sizes > 1e-12 * sizes.max()  # beyond, |w|^(1-p) would be divided by rounding
    sizes, signs, pull = sizes[active], np.sign(moment.weights[active]), moment.pull[active]
    shares = sizes ** (2.0 / degree)
    forces = signs * pull * sizes ** (1.0 - exponent)
    factor = theory.pull * float(degree) ** theory.pull_degree_power
    if (theory.exponent, theory.exponent_degree_power) != (2.0, -1.0):
        factor = float(shares @ forces) / float(shares @ forces**2)
    return sqrt(float(shares @ (1.0 - factor * forces) ** 2) / float(shares.sum()))


def _complementarity(problem: Problem, moment: Moment) -> Bound:
    """1 - q_min / mean q <= log n / mean q for the flow's multipliers, an identity's bound."""
    mean = float(moment.multipliers @ moment.margins / moment.multipliers.sum())
    value = 1.0 - float(moment.margins.min()) / mean if mean > 0 else 1.0
    spread = log(problem.samples) + _soft(problem, moment)
    bound = spread / mean if mean > 0 else 0.0
    scale = f"log10 alpha = {moment.regime.log10_alpha:g}, {moment.at:.3g} t_g"
    return Bound(f"complementarity, {scale}", value, bound + 1e-10, 1e-12)


def _rates(measured: Measured, theory: Theory) -> tuple[RateSample, ...]:
    deficits = [1.0 - relative_margin(measured, moment) for moment in measured.rungs]
    depths = [
        log(2.0 * measured.optima["L1"].margin) - moment.regime.log_lambda
        for moment in measured.rungs
    ]
    reference = margin_bound(measured, measured.rungs[-1])
    if min(deficits) <= 0 or deficits[-1] < MIN_DEFICIT * reference:
        return ()
    fitted = -slope(np.log(depths[-2:]).tolist(), np.log(deficits[-2:]).tolist())
    return rate(
        "order of the L1 margin deficit in 1 / log(2 gamma_1 / lambda)",
        theory.deficit_power,
        fitted,
        0.1,
        slopes(2, resolved=False),
    )


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    if measured.problem.degree > 2:
        logs = [moment.at for moment in measured.window]
        residuals = [kkt_residual_in_weights(measured.problem, m, _TRUE) for m in measured.window]
        limits = residual_bounds(measured)
        return (
            Ladder(
                "residual of KKT in w, L > 2, against its bound",
                "t / t_g",
                tuple(logs),
                tuple(residuals),
                tuple(limits[min(4 * k // len(logs), 3)] for k in range(len(logs))),
            ),
        )
    rungs = measured.rungs
    deficits = [1.0 - relative_margin(measured, moment) for moment in rungs]
    return (
        Ladder(
            "1 - min margin / (gamma_1 |w|_1) at (1+c) t_g, L = 2, against its bound",
            "log10 alpha",
            tuple(moment.regime.log10_alpha for moment in rungs),
            tuple(max(deficit, 1e-16) for deficit in deficits),
            tuple(margin_bound(measured, m) + slow_modes(measured, m) for m in rungs),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="diagonal-l1-late",
    title="After t_g a diagonal net is L1 max-margin (L = 2) or KKT of the L_(2/L) programme",
    statement=(
        r"\frac{\min_i q_i}{\gamma_1 \|w\|_1} \ge"
        r" 1 - \frac{\log n}{\log(2 \gamma_1 / \lambda)} - o(1) \text{ at } (1+c) t_g, L = 2; \quad"
        r" L |g_j| |w_j|^{1 - 2/L} \to 1 \text{ where } w_j \neq 0, L > 2, \quad g = Z^T \mu"
    ),
    source=source_of("diagonal-l1-late"),
    assumptions=(
        "diagonal net, all coordinates equal at the anchor",
        "separability",
        "lambda a power of alpha",
        "alpha large",
        "c > 0",
    ),
    instances=lambda _families: late_instances(),
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("l2", "the L2 max-margin classifier", replace(_TRUE, norm="L2", margin="L2")),
        Rival("gamma-of-l2", "gamma_2 in the place of gamma_1", replace(_TRUE, margin="L2")),
        Rival("norm-of-l2", "|w|_2 in the place of |w|_1", replace(_TRUE, norm="L2")),
        Rival("early", "L1 max margin already at (1-c) t_g", replace(_TRUE, time="before")),
        Rival("half-time", "t_g = log(alpha) / (2 lambda)", replace(_TRUE, time="half")),
        Rival(
            "time-of-inverse-decay",
            "t_g = log(1/lambda) / lambda",
            replace(_TRUE, time="inverse-decay"),
        ),
        Rival(
            "l1-for-every-degree",
            "KKT of L1 for L > 2 as well",
            replace(_TRUE, exponent=1.0, exponent_degree_power=0.0),
        ),
        Rival(
            "exponent-inverted",
            "KKT of L_(L/2)",
            replace(_TRUE, exponent=0.5, exponent_degree_power=1.0),
        ),
        Rival(
            "multipliers-inverted",
            "multipliers of sum |w|^(2/L) itself, (2/L) |g| |w|^(1 - 2/L) = 1",
            replace(_TRUE, pull=2.0, pull_degree_power=-1.0),
        ),
        Rival(
            "deficit-squared",
            "the L1 margin deficit is of second order in 1 / log(1/lambda)",
            replace(_TRUE, deficit_power=2.0),
        ),
        Rival(
            "deficit-square-root",
            "the L1 margin deficit is of order 1/2 in 1 / log(1/lambda)",
            replace(_TRUE, deficit_power=0.5),
        ),
    ),
    tolerances=(
        "margin, L = 2: log n / log(2 gamma_1 / lambda), derived at rest, and 1 / (e c log alpha) "
        "for slow modes, twice what a single one can reach",
        "deficit against its certificate: an inequality of the multipliers at any time, exact",
        "residual and largest pull, L = 2: 2 / (e c log alpha), as stationarity in `kkt`",
        "smallest residual over each quarter of the window, L > 2: 2^(1/2 - 1/L) |theta| / "
        "(sum |w|^(2/L))^(1/2) times the energy bound on stationarity, derived",
        "complementarity: log n / mean margin, an identity's bound (plus e^-q_min, logistic loss)",
        "rate: 10 %, between alpha^4 and alpha^16, where slow modes have decayed",
    ),
    ladders=ladders,
    families=("diagonal",),
)
