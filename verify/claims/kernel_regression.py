"""Theorem 1 for the squared loss: at (1-c) t_g the model is kernel regression at the anchor.

There is no logarithm here: what is left is a power of alpha, alpha^(-kcL) from the curvature of the
net (k = 2 with an odd involution, else 1) and alpha^-(p + 2c(L-1)) from the weight decay, a ridge.
Both are measured, the second on the training samples, where only it shows.
"""

from dataclasses import dataclass, replace
from math import log, log10

import numpy as np

from theory.assumptions import check_assumptions
from theory.backend import Floats
from theory.errors import IntegratorsDisagree
from theory.flow import FlowState, gradient_flow
from theory.kernel import max_margin
from theory.kernel.regression import (
    KernelRegression,
    kernel_drift,
    kernel_regression,
    lagging_regression,
    lazy_order,
    log_effective_ridge,
    relative_displacement,
)
from theory.problem import LOG_10, Regime
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.claims.fits import RESOLVED, falls_like, log_slope, rate, slopes
from verify.claims.kernel_machines import features_of_kernel, probe_inputs
from verify.claims.kernel_phase import states_for_rivals
from verify.instances import FlowInstance
from verify.registry import source_of
from verify.strategies.regression import kernel_regression_instances

RTOL = 1e-12
LOOSER_RTOL = 1e-10
ROUNDING = 1e-13
"""Of f near y, relative to y, which the difference of two integrations does not see: outputs are
increments divided by eps, and lose what |J| |h| exceeds |y| by."""

MAX_ERROR = 1e-6
"""A flow whose two integrations differ by more, relative to the outputs, is evidence of nothing."""

STEPS = {1: (1.0, 0.1, 0.01), 2: (1.0, 10.0**-0.5, 0.1, 10.0**-1.5)}
"""Rungs by lazy order, in eps relative to the instance's own: gaps from 10^-4 down to 10^-7."""


@dataclass(frozen=True)
class Theory:
    """Theorem 1 for regression in constants.

    Attributes:
        kernel: "ntk", "elsewhere", "inputs", "one-layer".
        machine: "min-norm", "ridge" (one that does not go to zero), "max-margin".
        lazy_order: k relative to the true one, or "exchanged".
        degree_offset: the gap falls like alpha^(-k c (L - degree_offset)).
        degree_in_decay: lam_eff = L^degree_in_decay * lambda * rho^(-2 (L-1)).
        growth_in_decay: lam_eff = L lambda rho^(-2 (L-1) * growth_in_decay).
        decay_rate: rho = alpha e^(-decay_rate s).
        time: "early" is (1-c) t_g; "late" (1+c) t_g; "inverse-decay" t_g = log(1/lambda)/lambda.
    """

    kernel: str = "ntk"
    machine: str = "min-norm"
    lazy_order: str = "true"
    degree_offset: int = 0
    degree_in_decay: float = 1.0
    growth_in_decay: float = 1.0
    decay_rate: float = 1.0
    time: str = "early"


@dataclass(frozen=True, eq=False)
class Rung:
    """One flow stopped at (1-c) t_g.

    Attributes:
        outputs: f on training inputs, then probes.
        linear: the same of the flow of the linearised model.
        misfit, ridge_misfit: y - f on the training inputs, and of the linearised model.
        displacement: delta; `drift`: how far the gradients have turned, see `kernel_drift`.
        error, misfit_error: difference of two integrations in `outputs` and `misfit`, absolute.
    """

    regime: Regime
    outputs: Floats
    linear: Floats
    misfit: Floats
    ridge_misfit: Floats
    displacement: float
    drift: float
    error: float
    misfit_error: float


@dataclass(frozen=True, eq=False)
class Measured:
    """The ladder of one instance, and two moments that rivals mistake for early."""

    instance: FlowInstance
    regression: KernelRegression
    probes: Floats
    lazy_order: int
    rungs: tuple[Rung, ...]
    mistaken: dict[str, FlowState]

    @property
    def inputs(self) -> Floats:
        """Training inputs, then probes."""
        return np.concatenate([self.instance.problem.inputs, self.probes])


def measure(instance: FlowInstance) -> Measured:
    problem = instance.problem
    check_assumptions(problem)
    regression, probes = kernel_regression(problem), probe_inputs(problem)
    everywhere = np.concatenate([problem.inputs, probes])
    order = lazy_order(regression, probes)
    per_decade = problem.degree * instance.c
    rungs = tuple(
        _rung(
            instance.at_alpha(instance.regime.log10_alpha - log10(step) / per_decade),
            regression,
            everywhere,
        )
        for step in STEPS[order]
    )
    last = instance.at_alpha(rungs[-1].regime.log10_alpha)
    inverse_decay = (1.0 - instance.c) * instance.regime.decay_power
    times = {"late": 1.0 + instance.c, "inverse-decay": inverse_decay}
    mistaken = states_for_rivals(last, times)
    return Measured(instance, regression, probes, order, rungs, mistaken)


def _rung(instance: FlowInstance, regression: KernelRegression, inputs: Floats) -> Rung:
    problem, regime, at = instance.problem, instance.regime, 1.0 - instance.c
    tight, loose = (
        gradient_flow(problem, regime, [at], rtol=rtol, estimate_error=False).states[0]
        for rtol in (RTOL, LOOSER_RTOL)
    )
    outputs = tight.outputs(inputs)
    difference = np.abs(outputs - loose.outputs(inputs))
    error = float(difference.max())
    if not error <= MAX_ERROR * float(np.abs(outputs).max()):
        raise IntegratorsDisagree(
            f"two tolerances differ by {error:.1e} at log10 alpha = {regime.log10_alpha:.6g}"
        )
    lagging = lagging_regression(problem, regime, at)
    displacement = relative_displacement(regression, regime, at)
    epsilon = displacement * problem.anchor_norm / regression.norm
    return Rung(
        regime,
        outputs,
        lagging.outputs(inputs),
        problem.labels - outputs[: problem.samples],
        lagging.misfit,
        displacement,
        epsilon * kernel_drift(regression),
        error,
        float(difference[: problem.samples].max() + ROUNDING * np.abs(problem.labels).max()),
    )


def assertions(measured: Measured, theory: Theory) -> Assertions:
    outputs = _outputs_level(measured, theory)
    nonlinear = _nonlinear_level(measured, theory)
    ridge = _ridge_level(measured, theory)
    return Assertions(
        (*outputs, *nonlinear.bounds, *ridge.bounds), (*nonlinear.rates, *ridge.rates)
    )


def _outputs_level(measured: Measured, theory: Theory) -> tuple[Bound, ...]:
    """f on training inputs and probes: |F (eta - h)| <= |F| |eta - h| <= |F| 2 x |h|."""
    problem, regression = measured.instance.problem, measured.regression
    features = np.asarray(problem.net.jacobian(problem.anchor, measured.inputs))
    reach = 2.0 * float(np.linalg.norm(features, 2)) * regression.norm
    wrong = _wrong_machine(measured, theory)
    bounds = []
    for j, rung in enumerate(measured.rungs):
        outputs = rung.outputs
        if theory.time != "early" and rung is measured.rungs[-1]:
            if theory.time not in measured.mistaken:
                return ()
            outputs = measured.mistaken[theory.time].outputs(measured.inputs)
        gap = outputs - (rung.linear if wrong is None else wrong)
        bounds.append(
            Bound(
                f"f against kernel regression, rung {j}",
                float(np.linalg.norm(gap)),
                reach * (rung.drift + _ridge_truncation(measured, rung)) + 4.0 * rung.error,
                rung.error * len(gap) ** 0.5,
            )
        )
    return tuple(bounds)


def _ridge_truncation(measured: Measured, rung: Rung) -> float:
    """(r / k)^2, the order that the linearised flow's prediction leaves out."""
    problem, at = measured.instance.problem, 1.0 - measured.instance.c
    smallest = float(np.linalg.svd(measured.regression.features, compute_uv=False).min()) ** 2
    log_ridge = log_effective_ridge(problem, rung.regime, at)
    return float(np.exp(min(2.0 * (log_ridge - log(smallest)), 0.0))) * problem.degree**2


def _wrong_machine(measured: Measured, theory: Theory) -> Floats | None:
    """Outputs on all inputs of a rival's kernel machine; None for the right one."""
    if theory.kernel == "ntk" and theory.machine == "min-norm":
        return None
    problem = measured.instance.problem
    train, test = features_of_kernel(problem, measured.probes, theory.kernel)
    targets = problem.labels
    if theory.machine == "max-margin":
        weights: Floats = max_margin(train / targets[:, None]).weights
    elif theory.machine == "ridge":
        kernel = train @ train.T
        ridge = 0.1 * float(np.trace(kernel)) / len(kernel)
        weights = np.asarray(
            train.T @ np.linalg.solve(kernel + ridge * np.eye(len(kernel)), targets)
        )
    else:
        weights = np.asarray(np.linalg.lstsq(train, targets, rcond=None)[0])
    return np.concatenate([train @ weights, test @ weights])


def _nonlinear_level(measured: Measured, theory: Theory) -> Assertions:
    """max |f - f_linear| on the probes falls like eps^k = alpha^(-k c L), without a logarithm."""
    problem, c, rungs = measured.instance.problem, measured.instance.c, measured.rungs
    true_order, degree = measured.lazy_order, problem.degree
    order = true_order if theory.lazy_order == "true" else 3 - true_order
    probes = slice(problem.samples, None)
    gaps = [float(np.abs(rung.outputs[probes] - rung.linear[probes]).max()) for rung in rungs]
    sizes = float(np.abs(measured.regression.outputs(measured.inputs)).max())
    errors = [
        rung.error + (_ridge_truncation(measured, rung) * 1e-1 + 1e-14) * sizes for rung in rungs
    ]
    displacements = [rung.displacement for rung in rungs]
    bounds: tuple[Bound, ...] = ()
    if true_order == 2:  # at order 1 outputs may cancel between orders
        bounds = falls_like("gap on the probes", displacements, gaps, errors, order)
    exponent = true_order * degree * c
    fitted = log_slope(
        [rung.regime.log10_alpha for rung in rungs[-3:]],
        gaps[-3:],
        errors[-3:],
        agreement=0.1 * exponent,
    )
    scale = (1.0 - theory.decay_rate * (1.0 - c)) / c
    label = "with" if true_order == 2 else "without"
    rates = rate(
        f"exponent of the gap over c L, {label} an odd involution",
        order * scale * (degree - theory.degree_offset) / degree,
        None if fitted is None else -fitted / (c * degree),
        tolerance=0.01 * true_order,
        method=slopes(len(gaps[-3:])),
    )
    return Assertions(bounds, rates)


def _ridge_level(measured: Measured, theory: Theory) -> Assertions:
    """y - f on the training samples is that of kernel ridge regression with n lam_eff.

    In the norm |J^T v| the relative deviation is at most 2 x + O(x^2) (`kernel_drift`).
    """
    instance, problem = measured.instance, measured.instance.problem
    degree, c, power = problem.degree, instance.c, instance.regime.decay_power
    features = measured.regression.features
    resolved = [
        rung
        for rung in measured.rungs
        if float(np.abs(rung.misfit).max()) > RESOLVED * rung.misfit_error
    ]
    bounds = []
    for rung in resolved:
        log_rho = c * rung.regime.log_alpha
        factor = degree ** (theory.degree_in_decay - 1.0) * np.exp(
            2.0 * (degree - 1) * (1.0 - theory.growth_in_decay) * log_rho
        )
        predicted = features.T @ (factor * rung.ridge_misfit)
        size = float(np.linalg.norm(predicted))
        gap = float(np.linalg.norm(features.T @ rung.misfit - predicted)) / size
        noise = float(np.linalg.norm(features, 2)) * rung.misfit_error * problem.samples**0.5 / size
        limit = 4.0 * rung.drift + _ridge_truncation(measured, rung) + 4.0 * noise
        name = f"misfit against that of ridge, log10 alpha = {rung.regime.log10_alpha:.4g}"
        bounds.append(Bound(name, gap, limit, noise))
    fitted = log_slope(
        [rung.regime.log10_alpha for rung in resolved],
        [float(np.linalg.norm(features.T @ rung.misfit)) for rung in resolved],
        [float(np.linalg.norm(features, 2)) * rung.misfit_error for rung in resolved],
        agreement=0.1,
    )
    scale = (1.0 - theory.decay_rate * (1.0 - c)) / c
    growth = 2.0 * c * scale * (degree - 1) * theory.growth_in_decay
    exponent = power + growth
    true = power + 2.0 * c * (degree - 1)
    rates = rate(
        "exponent of the misfit over p + 2 c (L - 1)",
        exponent / true,
        None if fitted is None else -fitted / true,
        tolerance=0.01,
        method=slopes(len(measured.rungs)),
    )
    return Assertions(tuple(bounds), rates)


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    problem, rungs = measured.instance.problem, measured.rungs
    probes = slice(problem.samples, None)
    gaps = [float(np.abs(rung.outputs[probes] - rung.linear[probes]).max()) for rung in rungs]
    logs = tuple(rung.regime.log10_alpha for rung in rungs)
    exponent = measured.lazy_order * problem.degree * measured.instance.c
    return (
        Ladder(
            "gap to kernel regression on the probes",
            "log10 alpha",
            logs,
            tuple(max(gap, 1e-16) for gap in gaps),
            tuple(
                max(gaps[0], 1e-16) * float(np.exp(-exponent * LOG_10 * (scale - logs[0])))
                for scale in logs
            ),
        ),
        Ladder(
            "misfit on the training samples",
            "log10 alpha",
            logs,
            tuple(float(np.linalg.norm(rung.misfit)) + 1e-16 for rung in rungs),
            tuple(float(np.linalg.norm(rung.ridge_misfit)) + 1e-16 for rung in rungs),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="kernel-regression",
    title="With the squared loss, at (1-c) t_g the model is kernel regression at its anchor",
    statement=(
        r"f(\theta((1-c)t_g); x) = K(x, X) (K + n \lambda_{\mathrm{eff}})^{-1} y"
        r" + O(\alpha^{-kcL}), \quad"
        r" \lambda_{\mathrm{eff}} = L \lambda \alpha^{-2c(L-1)}"
    ),
    source=source_of("kernel-regression"),
    assumptions=(
        "homogeneity",
        "smoothness",
        "zero output",
        "realizability",
        "lambda a power of alpha",
        "alpha large",
        "c > 0",
    ),
    instances=kernel_regression_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("input-kernel", "the kernel of the raw inputs", replace(_TRUE, kernel="inputs")),
        Rival(
            "ntk-elsewhere", "the NTK at another random point", replace(_TRUE, kernel="elsewhere")
        ),
        Rival("one-layer-ntk", "the NTK of one layer only", replace(_TRUE, kernel="one-layer")),
        Rival(
            "fixed-ridge",
            "kernel ridge regression with a ridge that does not go to zero",
            replace(_TRUE, machine="ridge"),
        ),
        Rival(
            "max-margin",
            "least norm subject to y_i f_i >= y_i^2 instead of f = y",
            replace(_TRUE, machine="max-margin"),
        ),
        Rival(
            "orders-exchanged",
            "gap alpha^(-cL) with an odd involution, alpha^(-2cL) without",
            replace(_TRUE, lazy_order="exchanged"),
        ),
        Rival("degree-minus-one", "gap alpha^(-kc(L-1))", replace(_TRUE, degree_offset=1)),
        Rival(
            "no-degree-in-decay",
            "ridge n lambda rho^(-2(L-1)), without the factor L",
            replace(_TRUE, degree_in_decay=0.0),
        ),
        Rival(
            "ridge-without-scale",
            "ridge n L lambda, without alpha^(-2c(L-1))",
            replace(_TRUE, growth_in_decay=0.0),
        ),
        Rival(
            "twice-the-decay",
            "rho = alpha e^(-2 lambda t), the other convention of weight decay",
            replace(_TRUE, decay_rate=2.0),
        ),
        Rival(
            "time-of-inverse-decay",
            "t_g = log(1/lambda) / lambda",
            replace(_TRUE, time="inverse-decay"),
        ),
        Rival("late", "still kernel regression at (1+c) t_g", replace(_TRUE, time="late")),
    ),
    tolerances=(
        "f against kernel regression: 2 |F| |h| x, with x the turn of the gradients relative to "
        "the smallest singular value; |eta - h| <= x |h| to first order, doubled for the rest",
        "gap on the probes, with an odd involution: twice the constant of the first rung, eps^2",
        "misfit: 2 x to first order by perturbation of (J J^T)^-1 in the norm |J^T v|, doubled; "
        "(L r / k)^2 for what the second order in the ridge leaves",
        "rates: 1 %; there is no logarithm, and medians over 24 instances came within 0.1 %",
    ),
    ladders=ladders,
)
