"""Matrix completion by U U^T - V V^T, U = V = alpha I: zero-fill first, then least nuclear norm."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Floats
from theory.margin.nuclear import nuclear_norm
from verify.claims.regression.assumptions import OF_INTERPOLATION
from verify.claims.regression.completion_flows import (
    DISPLACEMENTS,
    FULL_SIZE,
    CompletionFlows,
    Transition,
    measure,
)
from verify.instances import FlowInstance
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Measurement,
    below,
    choice,
    equals,
    in_words,
    not_applicable,
    observed_elsewhere,
    power,
    stated,
)
from verify.registry import source_of
from verify.strategies.completion import completion_instances


def zero_fill(flows: CompletionFlows) -> Floats:
    """The observed entries, at (i, j) and (j, i), and zero elsewhere."""
    return flows.completion.zero_fill


def half_fill(flows: CompletionFlows) -> Floats:
    """Off the diagonal, half of an entry at (i, j) and half at (j, i)."""
    filled = flows.completion.zero_fill
    return np.asarray(0.5 * (filled + np.diag(np.diag(filled))))


def mean_fill(flows: CompletionFlows) -> Floats:
    """The mean of the observed entries elsewhere."""
    completion = flows.completion
    unobserved = completion.free | completion.free.T
    return np.where(unobserved, completion.values.mean(), completion.zero_fill)


def nuclear_fill(flows: CompletionFlows) -> Floats:
    """A completion of least nuclear norm."""
    return flows.nuclear.matrix


def over_symmetric(flows: CompletionFlows) -> tuple[float, float]:
    """The least nuclear norm and its relative uncertainty."""
    return flows.nuclear.low, flows.nuclear.certificate


def over_all(flows: CompletionFlows) -> tuple[float, float]:
    """The same with (j, i) unobserved."""
    return flows.nonsymmetric.low, flows.nonsymmetric.certificate


def of_zero_fill(flows: CompletionFlows) -> tuple[float, float]:
    """That of the least Frobenius norm."""
    return nuclear_norm(flows.completion.zero_fill), 0.0


@dataclass(frozen=True)
class Theory:
    """Early W is `filled`, but for alpha^(-order c L); late |W|_* is `norm`."""

    filled: Callable[[CompletionFlows], Floats] = choice(
        zero_fill,
        early_nuclear=(nuclear_fill, "least nuclear norm already early"),
        early_half_fill=(half_fill, "early, y_ij shared between (i, j) and (j, i)"),
        early_mean_fill=(mean_fill, "early, unobserved entries at the mean of the observed ones"),
    )
    norm: Callable[[CompletionFlows], tuple[float, float]] = choice(
        over_symmetric,
        late_frobenius=(of_zero_fill, "late still the least Frobenius norm, the zero-fill"),
        late_nonsymmetric=(over_all, "late the least nuclear norm over all matrices"),
    )
    order: float = stated(2.0, first_order=power(1.0, "the early gap falls like alpha^(-cL)"))
    excess: float = stated(1.0)
    transition: Transition = choice(
        Transition.LOG_ALPHA,
        half_time=(Transition.HALF, "t_g = log(alpha) / (2 lambda)"),
        time_of_inverse_decay=(Transition.INVERSE_DECAY, "t_g = log(1/lambda) / lambda"),
    )


def laws(flows: CompletionFlows, theory: Theory) -> Iterator[Law]:
    gaps, logs, unit = flows.gaps(theory.filled(flows)), flows.early_logs, -2.0 * flows.instance.c
    name, axis = "distance to the zero-fill at (1-c) t_g", "log10 alpha"
    bounded = Ladder.of(name, axis, logs, gaps, flows.early_bounds, DISPLACEMENTS)
    yield bounded.stays_below("W against the early predictor", Basis.DERIVED)
    course = gaps.values[0] * (DISPLACEMENTS / DISPLACEMENTS[0]) ** 2
    gap = Ladder.of(name, axis, logs, gaps, course, DISPLACEMENTS)
    yield gap.falls("early gap", theory.order)
    law = "exponent of the early gap over c L"
    if gaps.resolved(1.0).any():
        yield gap.rate(law, theory.order, 0.02, along=logs, unit=unit, agreement=-0.2 * unit)
    else:
        yield not_applicable(law, Kind.RATE, "the free entries stay zero")

    found = flows.excess(*theory.norm(flows), theory.transition)
    name, bounds = "excess of the nuclear norm at (1+c) t_g", theory.excess * flows.late_bounds
    late = Ladder.of(name, axis, flows.late_logs, found, bounds)
    yield late.stays_below("the nuclear norm is least", Basis.DERIVED)
    yield from _twin(flows, theory)
    law = "flow of U, V against the flow of W"
    if flows.completion.size <= FULL_SIZE:
        yield equals(law, flows.full_gap, 0.0, 1e-5)
    else:
        yield not_applicable(law, Kind.EQUALS, f"more than {FULL_SIZE} rows")


def _twin(flows: CompletionFlows, theory: Theory) -> Iterator[Law]:
    diagonal, excess = "diagonal of the circulant twin", "excess of the circulant twin"
    if flows.twin is None:
        reason = "nothing is observed off the diagonal"
        yield not_applicable(diagonal, Kind.EQUALS, reason)
        yield not_applicable(excess, Kind.BELOW, reason)
        return
    yield equals(diagonal, flows.twin.diagonal, flows.twin.predicted_diagonal, 1e-7)
    yield below(excess, flows.twin.excess, theory.excess, Basis.DERIVED)


def _larger_entries(instance: FlowInstance) -> FlowInstance:
    problem = instance.problem
    return replace(instance, problem=replace(problem, labels=1.05 * problem.labels))


MEASUREMENT = Measurement(
    "matrix-completion",
    FlowInstance,
    ("factorization",),
    lambda families, sizes: completion_instances(families, sizes),
    measure,
    (
        *OF_INTERPOLATION,
        *in_words("symmetric observations", "U = V a multiple of the identity", "alpha large"),
    ),
    sabotaged={"entries 5 % larger": observed_elsewhere(measure, _larger_entries, "early", "late")},
)

CLAIM = Claim(
    id="matrix-completion",
    title="A factorization from the identity fills with zeros, then finds the least nuclear norm",
    statement=(
        r"W((1-c)t_g) \to P_\Omega(M), \quad"
        r" \frac{\|W((1+c)t_g)\|_*}{\min\{\|W\|_* : W = W^T, W_\Omega = M_\Omega\}} - 1"
        r" \le \frac{\log d}{2 c \log\alpha + O(1)}"
    ),
    source=source_of("matrix-completion"),
    measurement=MEASUREMENT,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "early: 2 |F| |h| x with x the turn of the gradients relative to the smallest singular "
        "value; then twice the constant of two rungs times the square of the displacement",
        "numerical error of the early gap: the difference of two tolerances, and the absolute part "
        "of the looser one",
        "exponent: 1 %; there is no logarithm, the next order is delta^2 = 10^-3",
        "late: log d / (log(|W*|_* / (d rho^2)) - 1), from the hypentropy that the flow minimises "
        "where all commutes; measured excesses were at least ten times smaller",
        "circulant twin: W to 10^-7 of max |y|, the integrator's error; its excess against the "
        "bound by spectral entropies, of which it takes up to three quarters",
        "flow of U and V against that of W: 1e-5, the integrators' 1e-8 amplified near t_g",
    ),
)
