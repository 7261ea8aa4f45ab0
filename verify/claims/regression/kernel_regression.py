"""Theorem 1 for the squared loss: at (1-c) t_g the model is kernel regression at its anchor.

There is no logarithm here: what is left is a power of alpha, alpha^(-kcL) from the curvature of the
net (k = 2 with an odd involution, else 1) and alpha^-(p + 2c(L-1)) from the weight decay, a ridge.
Both are measured, the second on the training samples, where only it shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from verify.claims.early_late.kernel_machines import Kernel
from verify.claims.early_late.kernel_phase import Time
from verify.claims.regression import machines
from verify.claims.regression.assumptions import OF_REGRESSION
from verify.claims.regression.kernel_flows import INDEPENDENT_RTOL, KernelFlows, measure
from verify.claims.regression.lag import RIDGES
from verify.instances import FlowInstance
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Measurement,
    Quantity,
    Rival,
    choice,
    factor,
    not_applicable,
    observed_elsewhere,
    power,
    separately,
    stated,
)
from verify.registry import source_of
from verify.strategies.nets import FAMILIES, RESCALED
from verify.strategies.regression import kernel_regression_instances

DECAY = "exponent of the misfit over p + 2 c (L - 1)"
GAP = "exponent of the gap over c L"
FALL = "gap on the probes"
RIDGE = "misfit against that of ridge"


@dataclass(frozen=True)
class Theory:
    """f = `predicted` but for alpha^(-k c (L - degree_offset)), rho = alpha e^(-decay_rate s), and
    lam_eff = L^degree_in_decay lambda rho^(-2 (L-1) growth_in_decay), behind which f lags."""

    predicted: machines.Predictor = choice(
        machines.linearised,
        input_kernel=(
            partial(machines.least_norm, kernel=Kernel.INPUTS),
            "kernel of the raw inputs",
        ),
        ntk_elsewhere=(
            partial(machines.least_norm, kernel=Kernel.ELSEWHERE),
            "NTK at another point",
        ),
        one_layer_ntk=(
            partial(machines.least_norm, kernel=Kernel.ONE_LAYER),
            "NTK of one layer only",
        ),
        fixed_ridge=(machines.with_fixed_ridge, "kernel ridge regression, whose ridge stays"),
        max_margin=(machines.largest_margin, "least norm with y_i f_i >= y_i^2, not f = y"),
    )
    time: Time = choice(
        Time.EARLY,
        late=(Time.LATE, "still kernel regression at (1+c) t_g"),
        time_of_inverse_decay=(Time.INVERSE_DECAY, "t_g = log(1/lambda) / lambda"),
    )
    order_with_involution: float = stated(2.0)
    order_without: float = stated(1.0)
    degree_offset: int = stated(0, degree_minus_one=(1, "gap alpha^(-kc(L-1))"))
    degree_in_decay: float = stated(1.0, no_degree_in_decay=power(0.0, "ridge without factor L"))
    growth_in_decay: float = stated(
        1.0, ridge_without_scale=power(0.0, "ridge n L lambda, without alpha^(-2c(L-1))")
    )
    decay_rate: float = stated(1.0, twice_the_decay=factor(2.0, "rho = alpha e^(-2 lambda t)"))
    lag: float = stated(1.0, no_lag=factor(0.0, "ridge regression, to second order as well"))


def _ladder(flows: KernelFlows, name: str, measured: Quantity, predicted: object) -> Ladder:
    course = np.asarray(predicted)
    return Ladder.of(name, "log10 alpha", flows.logs, measured, course, flows.displacements)


def prediction_law(flows: KernelFlows, theory: Theory) -> Law:
    """|f - predicted|: |F (eta - h)| <= |F| |eta - h|, and |eta - h| <= 2 x |h|."""
    outputs, predicted = flows.outputs_when(theory.time), theory.predicted(flows)
    gaps = Quantity.joined((f - p).norm() for f, p in zip(outputs, predicted, strict=True))
    off = _ladder(flows, "f less its prediction", gaps, 2.0 * flows.reach * flows.drifts)
    return off.stays_below("f against kernel regression", Basis.DERIVED)


def turn_law(flows: KernelFlows, _: Theory) -> Law:
    turned = _ladder(flows, "turn of the gradients", flows.turns, flows.drifts)
    return turned.approaches("the gradients turn as they do along h", 1.0)


def gap_laws(flows: KernelFlows, theory: Theory) -> Iterator[Law]:
    """The gap on the probes falls like alpha^(-kcL)."""
    degree, c, small = flows.problem.degree, flows.instance.c, flows.displacements
    involution = flows.lazy_order == 2
    order = theory.order_with_involution if involution else theory.order_without
    stratum = f"{'with' if involution else 'without'} an odd involution"
    if not flows.curved:
        reason = "f follows from its values on the samples: curvature leaves no gap"
        yield not_applicable(FALL, Kind.APPROACHES, reason)
        yield not_applicable(GAP, Kind.RATE, reason, stratum)
        return
    course = flows.gaps.values[0] * (small / small[0]) ** flows.lazy_order
    gap = _ladder(flows, "gap to kernel regression on the probes", flows.gaps, course)
    yield gap.falls(FALL, order)
    yield (gap if involution else _without_first(gap)).rate(
        GAP,
        order * _pace(flows, theory) * (degree - theory.degree_offset) / degree,
        0.01 * flows.lazy_order,
        along=flows.logs if involution else flows.logs[1:],
        unit=-c * degree,
        agreement=0.1 * flows.lazy_order * degree * c,
        stratum=stratum,
    )


def _pace(flows: KernelFlows, theory: Theory) -> float:
    """Exponents in alpha^-c of what falls like rho at (1-c) t_g."""
    c = flows.instance.c
    return (1.0 - theory.decay_rate * (1.0 - c)) / c


def lag_law(flows: KernelFlows, theory: Theory) -> Law:
    unexplained = flows.lag.unexplained(theory.lag)
    lag = Ladder.of("misfit beside the lag", "ridge over eigenvalue", RIDGES, unexplained)
    return lag.falls("the linearised flow lags behind its ridge", 2.0)


def _without_first(ladder: Ladder) -> Ladder:
    rest = slice(1, None)
    x, measured, predicted = ladder.x[rest], ladder.measured[rest], ladder.predicted[rest]
    return Ladder.of(ladder.name, ladder.x_label, x, measured, predicted, ladder.small[rest])


def misfit_laws(flows: KernelFlows, theory: Theory) -> Iterator[Law]:
    """In the norm |J^T v| it deviates from that of ridge by at most 2 x + O(x^2), relatively."""
    seen, growth = flows.seen, 2.0 * flows.instance.c * (flows.problem.degree - 1)
    if seen.sum() < 3:
        reason = "the ridge leaves less than float64 resolves beside the targets"
        yield not_applicable(RIDGE, Kind.BELOW, reason)
        yield not_applicable(DECAY, Kind.RATE, reason)
        return
    factors = flows.problem.degree ** (theory.degree_in_decay - 1.0) * 10.0 ** (
        growth * (1.0 - theory.growth_in_decay) * flows.logs
    )
    sizes = factors * flows.ridge_misfits
    gaps = flows.misfits(less=factors) / sizes
    name, logs = "misfit less that of ridge, relatively", flows.logs[seen]
    off = Ladder.of(name, "log10 alpha", logs, gaps[seen], 4.0 * flows.drifts[seen])
    yield off.stays_below(RIDGE, Basis.DERIVED)
    name = "misfit on the training samples"
    left = Ladder.of(name, "log10 alpha", logs, flows.misfits()[seen], sizes[seen])
    power = flows.instance.own.decay_power
    exponent = (power + growth * _pace(flows, theory) * theory.growth_in_decay) / (power + growth)
    yield left.rate(DECAY, exponent, 0.01, along=logs, unit=-power - growth, agreement=0.1)


def _other_targets(instance: FlowInstance) -> FlowInstance:
    return replace(
        instance, problem=replace(instance.problem, labels=1.05 * instance.problem.labels)
    )


MEASUREMENT = Measurement(
    "kernel-regression",
    FlowInstance,
    (*FAMILIES, *RESCALED),
    lambda families, sizes: kernel_regression_instances(families, sizes),
    measure,
    OF_REGRESSION,
    sabotaged={
        "targets 5 % larger": observed_elsewhere(measure, _other_targets, "tight", "loose"),
        "an e-fold that passes before": partial(measure, later=1.0),
    },
    independent=partial(measure, method="BDF", rtol=INDEPENDENT_RTOL),
)

CLAIM = Claim(
    id="kernel-regression",
    title="With the squared loss, at (1-c) t_g the model is kernel regression at its anchor",
    statement=(
        r"f(\theta((1-c)t_g); x) = K(x, X) (K + n \lambda_{\mathrm{eff}})^{-1} y"
        r" + O(\alpha^{-kcL}), \quad"
        r" \lambda_{\mathrm{eff}} = L \lambda \alpha^{-2c(L-1)}"
    ),
    source=source_of("kernel-regression"),
    measurement=MEASUREMENT,
    theory=Theory(),
    laws=separately(prediction_law, turn_law, gap_laws, misfit_laws, lag_law),
    further_rivals=(
        Rival(
            "orders-exchanged",
            "gap alpha^(-cL) with an odd involution, alpha^(-2cL) without",
            Theory(order_with_involution=1.0, order_without=2.0),
        ),
    ),
    tolerances=(
        "f against kernel regression: 2 |F| |h| x, with x the turn of the gradients relative to "
        "the smallest singular value; |eta - h| <= x |h| to first order, doubled for the rest",
        "gap on the probes: twice the constant of the first two rungs",
        "turn of the gradients: first order in the displacement, by as much as eta is not h",
        "misfit: 2 x to first order by perturbation of (J J^T)^-1 in the norm |J^T v|, doubled",
        "lag: second order in the ridge, by the exact solution of the linearised flow",
        "rates: 1 %; there is no logarithm, and medians over 24 instances came within 0.1 %",
    ),
)
