"""Gradient descent approaches the flow at first order in the step, with a predicted constant.

What is proved for the flow is seen by descent up to h |v|: v solves the variational equation of
backward error analysis, so the constant is predicted from the flow alone. The finding says up to
which alpha a fixed step still shows the theorem.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import isfinite

import numpy as np

from theory.backend import Floats
from verify.claims.descent.descents import VISIBLE, Descents, Reference, measure
from verify.claims.early_late.assumptions import OF_THE_NET, SEPARABILITY
from verify.instances import FlowInstance
from verify.language import (
    Assumption,
    Basis,
    Claim,
    Finding,
    Kind,
    Ladder,
    Law,
    Measurement,
    Quantity,
    Rival,
    choice,
    factor,
    power,
    stated,
    unresolved,
)
from verify.registry import source_of
from verify.strategies.descents import descent_instances
from verify.strategies.nets import FAMILIES
from verify.strategies.tasks import problems

MOMENTS = ("(1-c) t_g", "(1+c) t_g")
STEADY = 0.5
"""Slopes between neighbours that differ by more belong to no power law yet."""

LEADS = 0.25
"""Of h v: where h^2 w is more, as after a saddle that descent leaves elsewhere, no order leads."""

JUDGED_STEPS = 2
"""From the coarsest at which it leads: what is left of finer ones the flow may not resolve."""


@dataclass(frozen=True)
class Theory:
    """theta_h(t) = reference(t) + constant * h^order * v(t) + O(h^(order + 1)).

    Attributes:
        extrapolated: the order of 2 theta_(h/2) - theta_h.
        constant: multiplies the v of the modified loss E + (h/4) |grad E|^2.
    """

    order: float = stated(1.0, half_order=power(0.5, "the error falls like h^(1/2)"))
    extrapolated: float = stated(
        2.0, not_extrapolable=power(1.0, "one extrapolation leaves an error of first order")
    )
    constant: float = stated(
        1.0,
        full_modified_loss=factor(2.0, "the modified loss is E + (h/2) |grad E|^2"),
        opposite_modified_loss=factor(-1.0, "the modified loss is E - (h/4) |grad E|^2"),
    )
    reference: Reference = choice(
        Reference.FLOW,
        double_decay=(Reference.DOUBLE_DECAY, "descent follows the flow with decay 2 lambda"),
        no_decay=(Reference.NO_DECAY, "descent follows the flow without weight decay"),
        other_loss=(Reference.OTHER_LOSS, "descent follows the flow of the other loss"),
        sum_of_losses=(Reference.SUM_OF_LOSSES, "descent follows the sum of the losses"),
    )


def laws(descents: Descents, theory: Theory) -> Iterator[Law]:
    theta, margins = descents.references(theory.reference)
    for k, moment in enumerate(MOMENTS):
        yield from _at(descents, theory, k, moment, theta[k], margins[k])


def _at(
    descents: Descents, theory: Theory, k: int, moment: str, theta: Quantity, margins: Quantity
) -> Iterator[Law]:
    steps = descents.steps
    relative, reached = steps / steps[0], descents.descent.theta[:, k]
    size = float(np.linalg.norm(theta.values))
    leading = theory.constant * steps[:, None] ** theory.order * descents.predicted.slope[k]
    course = np.linalg.norm(leading, axis=1)

    def ladder(name: str, measured: Quantity, predicted: object, small: Floats) -> Ladder:
        return Ladder.of(
            f"{name} at {moment}",
            "log2 of the step over the coarsest",
            np.log2(small),
            measured,
            np.asarray(predicted),
            small,
        )

    gaps = _distances(reached, theta)
    errors = ladder("relative error of theta", gaps / size, course / size, relative)
    yield errors.falls(f"theta, {moment}", theory.order)
    yield _next_order(descents, theory, k, moment, reached - leading, theta)
    logs = np.log10(relative)
    name = f"order of theta's error in the step, {moment}"
    yield errors.rate(name, theory.order, 0.05, along=logs, agreement=STEADY)
    found = _distances(descents.descent.margins[:, k], margins)
    outputs = ladder("relative error of the margins", found, np.nan, relative)
    name = f"order of the margins' error in the step, {moment}"
    yield outputs.rate(name, theory.order, 0.05, along=logs, agreement=STEADY)
    once = _distances(2.0 * reached[1:] - reached[:-1], theta)
    left = 2.0 * steps[1:] ** 2 * np.linalg.norm(descents.predicted.curvature[k])
    better = ladder("error after one extrapolation", once, left, relative[1:])
    name = f"order after one extrapolation, {moment}"
    yield better.rate(name, theory.extrapolated, 0.15, along=logs[1:], agreement=STEADY)


def _next_order(
    descents: Descents, theory: Theory, k: int, moment: str, left: Floats, theta: Quantity
) -> Law:
    """What the leading term leaves is h^2 w, to leading order."""
    law = f"error less its leading term, {moment}"
    steps, predicted = descents.steps, descents.predicted
    slope, curvature = (float(np.linalg.norm(x[k])) for x in (predicted.slope, predicted.curvature))
    leads = np.flatnonzero(steps * curvature <= LEADS * slope)[:JUDGED_STEPS]
    if not leads.size:
        return unresolved(law, Kind.BELOW, "the leading term does not lead at any of the steps")
    judged = steps[leads]
    ladder = Ladder.of(
        f"error less its leading term, over that term, at {moment}",
        "log2 of the step over the coarsest",
        np.log2(judged / steps[0]),
        _distances(left[leads], theta) / (slope * judged),
        2.0 * curvature / slope * judged,
    )
    return ladder.stays_below(law, Basis.MEASURED)


def _distances(reached: Floats, reference: Quantity) -> Quantity:
    """|reached - reference| on every rung."""
    return Quantity.joined((row - reference).norm() for row in reached)


def findings(descents: Descents) -> tuple[Finding, ...]:
    """Up to which alpha the coarsest step shows the theorem."""
    lost = [seen for seen in descents.visibility if not seen.early <= VISIBLE]
    if not lost:
        return ()
    first, degree = lost[0], descents.instance.problem.degree
    kept = [seen for seen in descents.visibility if seen.early <= VISIBLE]
    after = (
        f"the margins at (1-c) t_g are off by {first.early:.2g}, at (1+c) t_g by {first.late:.2g}"
        if isfinite(first.early)
        else "descent diverges"
    )
    before = (
        f"at {kept[-1].stiffness:.2g} by {kept[-1].early:.2g}" if kept else "no larger step tried"
    )
    return (
        Finding(
            "a fixed step stops showing the kernel phase as alpha grows",
            f"step {descents.steps[0]:.3g}: at alpha = {10**first.log10_alpha:.3g}, where step "
            f"times sharpness at the start is {first.stiffness:.2g}, {after} ({before}); "
            f"c = {descents.instance.c:g}, degree {degree}",
            min(first.early, 1e6),
        ),
    )


MEASUREMENT = Measurement(
    "descent-follows-flow",
    FlowInstance,
    FAMILIES,
    lambda families, sizes: descent_instances(problems(families, sizes=sizes)),
    measure,
    (
        *OF_THE_NET,
        SEPARABILITY,
        Assumption(
            "a stable step", "the step is at most half the inverse sharpness, all along the flow"
        ),
    ),
    sabotaged={"a descent at 1.05 lambda": partial(measure, decay=1.05)},
)

CLAIM = Claim(
    id="descent-follows-flow",
    title="Gradient descent follows the flow at first order in the step",
    statement=(
        r"\theta_h(t) = \theta(t) + h\, v(t) + O(h^2), \quad"
        r" \dot v = -\nabla^2 E\, v - \tfrac12 \nabla^2 E\, \nabla E, \quad v(0) = 0, \quad"
        r" E = \tfrac1n \sum_i \ell_i + \tfrac{\lambda}{2} \|\theta\|^2"
    ),
    source=source_of("descent-follows-flow"),
    measurement=MEASUREMENT,
    theory=Theory(),
    laws=laws,
    further_rivals=(
        Rival("second-order", "the error falls like h^2", Theory(order=2.0, extrapolated=3.0)),
    ),
    tolerances=(
        "errors: first order with twice the constant of the two coarsest steps",
        "leading term: what it leaves is at most twice the predicted next term, h^2 w, at the two "
        "coarsest steps where that is at most a quarter of it",
        "rates: 5 %, the next order shifts a fitted exponent by about half its share, which is a "
        "few percent at the coarsest step; after extrapolation 0.15",
    ),
    findings=findings,
)
