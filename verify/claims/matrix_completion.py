"""Matrix completion by U U^T - V V^T, U = V = alpha I: zero-fill first, then least nuclear norm.

The flow is followed in its product W, where it closes (`theory.flow.completion`); on small matrices
that reduction is checked against the flow of U and V.
"""

from dataclasses import dataclass, replace

import numpy as np

from theory.assumptions import check_assumptions
from theory.backend import Floats
from theory.errors import IntegratorsDisagree
from theory.flow import gradient_flow
from theory.flow.completion import (
    ABSOLUTE,
    Completion,
    CompletionState,
    completion_flow,
    completion_of,
    log_metric_scale,
)
from theory.kernel.regression import (
    kernel_drift,
    kernel_regression,
    log10_scale_of_displacement,
)
from theory.margin.nuclear import (
    NuclearCompletion,
    excess_bound,
    least_nuclear_norm,
    nuclear_norm,
)
from theory.problem import LOG_10, Regime
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.claims.fits import falls_like, log_slope, rate, slopes
from verify.instances import FlowInstance
from verify.registry import source_of
from verify.strategies.completion import completion_instances

RTOL = 1e-10
LOOSER_RTOL = 1e-8
MAX_ERROR = 1e-5
"""Of nuclear norms, relative: excesses are judged at the level of 10^-3 to 10^-1."""

DISPLACEMENTS = (10.0**-1.5, 1e-2, 10.0**-2.5)
"""Relative displacements of the early rungs: gaps 10^-3 to 10^-5."""

LATE_STEPS = (1.0, 2.0, 4.0)
"""Rungs in log alpha, relative to the instance's own: up to 160 e-folds after t_g."""

FULL_SIZE = 4
FULL_SCALE = 6.0
FULL_REGIME = Regime(log10_alpha=FULL_SCALE, decay_power=2.0)
"""Up to this size the flow of U and V is integrated too, at this log10 alpha and lambda = 1e-12."""


@dataclass(frozen=True)
class Theory:
    """Both phases in words and constants.

    Attributes:
        early: "zero-fill", "half-fill" (W_ij + W_ji = y_ij), "mean-fill", "nuclear".
        late: "nuclear", "nonsymmetric" (over all matrices), "zero-fill" (least Frobenius norm).
        order: the early gap falls like alpha^(-order c L).
        time: t_g in units of log(alpha)/lambda: "log-alpha" is 1, "half" 1/2, "inverse-decay" p.
    """

    early: str = "zero-fill"
    late: str = "nuclear"
    order: float = 2.0
    time: str = "log-alpha"


@dataclass(frozen=True, eq=False)
class Measured:
    """One flow: early and late states, and those at which rivals put the late phase.

    Attributes:
        early_logs: log10 alpha at which (1-c) t_g has the displacements `DISPLACEMENTS`.
        drifts: how far the gradients have turned there, see `kernel_drift`.
        early_reach: |F| |h|, which turns a relative distance in parameters into one of W.
        errors: relative difference of two integrations, early then late.
        full_gap: largest difference to the flow of U and V, over max |y|; None on large matrices.
    """

    instance: FlowInstance
    completion: Completion
    early_logs: tuple[float, ...]
    drifts: tuple[float, ...]
    early_reach: float
    early: tuple[CompletionState, ...]
    late: tuple[CompletionState, ...]
    mistaken: dict[str, CompletionState]
    errors: tuple[tuple[float, ...], tuple[float, ...]]
    nuclear: NuclearCompletion
    nonsymmetric: NuclearCompletion
    full_gap: float | None


def measure(instance: FlowInstance) -> Measured:
    problem, c, log_alpha = instance.problem, instance.c, instance.regime.log_alpha
    check_assumptions(problem)
    completion = completion_of(problem)
    regression = kernel_regression(problem)
    early_logs = [log10_scale_of_displacement(regression, 1 - c, d) for d in DISPLACEMENTS]
    early_times = [-c * LOG_10 * scale for scale in early_logs]
    late_times = [step * c * log_alpha for step in LATE_STEPS]
    mistaken_times = {
        "half": (0.5 * (1.0 + c) - 1.0) * log_alpha,
        "inverse-decay": (min(instance.regime.decay_power, 1.0) * (1.0 + c) - 1.0) * log_alpha,
    }
    times = sorted({*early_times, *late_times, *mistaken_times.values()})
    tight = dict(zip(times, completion_flow(completion, times, rtol=RTOL), strict=True))
    loose = dict(zip(times, completion_flow(completion, times, rtol=LOOSER_RTOL), strict=True))
    scale = float(np.abs(completion.values).max())
    early_errors = tuple(
        float(np.abs(tight[t].matrix - loose[t].matrix).max()) / scale for t in early_times
    )
    late_errors = tuple(
        abs(tight[t].nuclear_norm / loose[t].nuclear_norm - 1.0) for t in late_times
    )
    if not max(*early_errors, *late_errors) <= MAX_ERROR:
        raise IntegratorsDisagree(
            f"two tolerances differ by {max(*early_errors, *late_errors):.1e}, completing a matrix"
        )
    features = problem.net.jacobian(problem.anchor, _every_pair(completion.size))
    drift = kernel_drift(regression) * problem.anchor_norm / regression.norm
    return Measured(
        instance,
        completion,
        tuple(early_logs),
        tuple(drift * displacement for displacement in DISPLACEMENTS),
        float(np.linalg.norm(features, 2)) * regression.norm,
        tuple(tight[t] for t in early_times),
        tuple(tight[t] for t in late_times),
        {name: tight[t] for name, t in mistaken_times.items()},
        (early_errors, late_errors),
        least_nuclear_norm(completion),
        least_nuclear_norm(completion, symmetric=False),
        _full_gap(instance, completion) if completion.size <= FULL_SIZE else None,
    )


def _every_pair(size: int) -> Floats:
    """Inputs (i, j) of all entries of the matrix, row by row."""
    return np.argwhere(np.ones((size, size))).astype(np.float64)


def _full_gap(instance: FlowInstance, completion: Completion) -> float:
    """The flow of U and V against the flow of W at (1-c) t_g, t_g and three e-folds later.

    Later still the kernel of a matrix of low rank comes near a singular one, which the flow of U
    and V does not get past.
    """
    times = (1.0 - instance.c, 1.0, 1.0 + 3.0 / FULL_REGIME.log_alpha)
    flow = gradient_flow(instance.problem, FULL_REGIME, at=times, rtol=1e-8, estimate_error=False)
    reduced = completion_flow(completion, [(t - 1.0) * FULL_REGIME.log_alpha for t in times])
    size = completion.size
    pairs = _every_pair(size)
    gaps = [
        np.abs(state.outputs(pairs).reshape(size, size) - own.matrix).max()
        for state, own in zip(flow.states, reduced, strict=True)
    ]
    return float(max(gaps)) / float(np.abs(completion.values).max())


def assertions(measured: Measured, theory: Theory) -> Assertions:
    early = _early_level(measured, theory)
    bounds = [*early.bounds, *_late_level(measured, theory)]
    if measured.full_gap is not None:
        # the integrators' 1e-8, amplified by the saddle near t_g; lambda |m| is 1e-12
        bounds.append(Bound("flow of U, V against the flow of W", measured.full_gap, 1e-5))
    return Assertions(tuple(bounds), early.rates)


def _early_prediction(measured: Measured, theory: Theory) -> Floats:
    completion = measured.completion
    if theory.early == "nuclear":
        return measured.nuclear.matrix
    if theory.early == "half-fill":
        diagonal = np.diag(np.diag(completion.zero_fill))
        return np.asarray(0.5 * (completion.zero_fill + diagonal))
    if theory.early == "mean-fill":
        unobserved = completion.free | completion.free.T
        return np.where(unobserved, completion.values.mean(), completion.zero_fill)
    return completion.zero_fill


def _early_level(measured: Measured, theory: Theory) -> Assertions:
    """|W - zero-fill| falls like alpha^(-2 c L), and is below 2 |F| |h| x (`kernel_drift`)."""
    predicted = _early_prediction(measured, theory)
    scale = float(np.abs(measured.completion.values).max())
    gaps = [float(np.linalg.norm(state.matrix - predicted)) / scale for state in measured.early]
    noise = ABSOLUTE * LOOSER_RTOL
    errors = [measured.completion.size * (error + noise) for error in measured.errors[0]]
    reach = measured.early_reach / scale
    bounds = [
        Bound(f"W against the early predictor, rung {j}", gap, 2 * reach * drift + 4 * error, error)
        for j, (gap, drift, error) in enumerate(zip(gaps, measured.drifts, errors, strict=True))
    ]
    bounds += falls_like("early gap", DISPLACEMENTS, gaps, errors, theory.order)
    per_decade = measured.instance.c * measured.instance.problem.degree
    fitted = log_slope(measured.early_logs, gaps, errors, agreement=0.2 * per_decade)
    rates = rate(
        "exponent of the early gap over c L",
        theory.order,
        None if fitted is None else -fitted / per_decade,
        tolerance=0.02,
        method=slopes(len(gaps)),
    )
    return Assertions(tuple(bounds), rates)


def _late_level(measured: Measured, theory: Theory) -> list[Bound]:
    """|W|_* against the least nuclear norm: excess at most log d / (2T + ...)."""
    completion, instance = measured.completion, measured.instance
    if theory.late == "zero-fill":
        optimum, certificate = nuclear_norm(completion.zero_fill), 0.0
    else:
        solved = measured.nonsymmetric if theory.late == "nonsymmetric" else measured.nuclear
        optimum, certificate = solved.low, solved.certificate
    bounds = []
    for step, state, error in zip(LATE_STEPS, measured.late, measured.errors[1], strict=True):
        limit = excess_bound(
            completion, measured.nuclear.high, log_metric_scale(completion, state.efolds)
        )
        if theory.time != "log-alpha" and step == LATE_STEPS[0]:
            state = measured.mistaken[theory.time]
        value = abs(state.nuclear_norm / optimum - 1.0)
        name = f"nuclear norm, log10 alpha = {step * instance.regime.log10_alpha:.4g}"
        bounds.append(Bound(name, value, limit + 2.0 * certificate + 2.0 * error, error))
    return bounds


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    completion = measured.completion
    scale = float(np.abs(completion.values).max())
    gaps = [
        float(np.linalg.norm(state.matrix - completion.zero_fill)) / scale
        for state in measured.early
    ]
    early = Ladder(
        "distance to the zero-fill at (1-c) t_g",
        "log10 of relative displacement",
        tuple(float(np.log10(displacement)) for displacement in DISPLACEMENTS),
        tuple(max(gap, 1e-16) for gap in gaps),
        tuple(max(gaps[0], 1e-16) * (d / DISPLACEMENTS[0]) ** 2 for d in DISPLACEMENTS),
    )
    late = Ladder(
        "excess of the nuclear norm at (1+c) t_g",
        "log10 alpha",
        tuple(step * measured.instance.regime.log10_alpha for step in LATE_STEPS),
        tuple(max(s.nuclear_norm / measured.nuclear.low - 1.0, 1e-16) for s in measured.late),
        tuple(
            excess_bound(completion, measured.nuclear.high, log_metric_scale(completion, s.efolds))
            for s in measured.late
        ),
    )
    return early, late


_TRUE = Theory()

CLAIM = Claim(
    id="matrix-completion",
    title="A factorization from the identity fills with zeros, then finds the least nuclear norm",
    statement=(
        r"W((1-c)t_g) \to P_\Omega(M), \quad"
        r" \frac{\|W((1+c)t_g)\|_*}{\min\{\|W\|_* : W = W^T, W_\Omega = M_\Omega\}} - 1"
        r" \le \frac{\log d}{2 c \log\alpha + O(1)}"
    ),
    source=source_of("matrix-completion"),
    assumptions=("symmetric observations", "U = V a multiple of the identity", "alpha large"),
    instances=completion_instances,
    families=("factorization",),
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("early-nuclear", "least nuclear norm already early", replace(_TRUE, early="nuclear")),
        Rival(
            "early-half-fill",
            "early, y_ij shared between (i, j) and (j, i)",
            replace(_TRUE, early="half-fill"),
        ),
        Rival(
            "early-mean-fill",
            "early, unobserved entries at the mean of the observed ones",
            replace(_TRUE, early="mean-fill"),
        ),
        Rival("first-order", "the early gap falls like alpha^(-cL)", replace(_TRUE, order=1.0)),
        Rival(
            "late-frobenius",
            "late still the least Frobenius norm, the zero-fill",
            replace(_TRUE, late="zero-fill"),
        ),
        Rival(
            "late-nonsymmetric",
            "late the least nuclear norm over all matrices, with (j, i) unobserved",
            replace(_TRUE, late="nonsymmetric"),
        ),
        Rival("half-time", "t_g = log(alpha) / (2 lambda)", replace(_TRUE, time="half")),
        Rival(
            "time-of-inverse-decay",
            "t_g = log(1/lambda) / lambda",
            replace(_TRUE, time="inverse-decay"),
        ),
    ),
    tolerances=(
        "early: 2 |F| |h| x with x the turn of the gradients relative to the smallest singular "
        "value; then twice the first rung's constant times the square of the displacement",
        "numerical error of the early gap: the difference of two tolerances, and the absolute part "
        "of the looser one",
        "exponent: 1 %; there is no logarithm, the next order is delta^2 = 10^-3",
        "late: log d / (log(|W*|_* / (d rho^2)) - 1), from the hypentropy that the flow minimises "
        "where all commutes; measured excesses were at least ten times smaller",
        "flow of U and V against that of W: 1e-5, the integrators' 1e-8 amplified near t_g",
    ),
    ladders=ladders,
)
