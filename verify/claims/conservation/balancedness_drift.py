"""Per unit of time gradient descent loses balance at first order in the step size, not second."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verify.claims.conservation.drift import DRIFT, Drift
from verify.language import Basis, Claim, Ladder, Law, Quantity, below, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory:
    """D_l - e^(-2 lambda t) D_l(0) = eta (factor I - shrinking lambda^2 t e^(-2 lambda t) D_l(0)).

    I is the integral of e^(-2 lambda (t-s)) (G'G - GG'); `order` is that in eta.
    """

    order: float = stated(1.0, half_order=(0.5, "sqrt(eta)"), three_halves=(1.5, "eta^(3/2)"))
    factor: float = stated(
        1.0,
        half=(0.5, "half the integral"),
        twice=(2.0, "twice the integral"),
        reversed=(-1.0, "G G' - G' G"),
    )
    shrinking: float = stated(1.0, no_shrinking=(0.0, "without the term of (1 - eta lambda)^2"))


def laws(measured: Drift, theory: Theory) -> Iterator[Law]:
    coefficient = theory.factor * measured.integral + theory.shrinking * measured.shrinking
    predicted = np.outer(measured.etas, coefficient)
    ladder = measured.ladder(predicted)
    yield ladder.rate("order in eta", theory.order, 0.05, along=np.log10(measured.etas))
    left = Quantity.of(np.linalg.norm(measured.drifts - predicted, axis=1), measured.errors)
    # of either term, since the two may cancel
    terms = measured.etas * sum(map(np.linalg.norm, (measured.integral, measured.shrinking)))
    share, bound = (left / terms)[-1:], measured.etas[-1] * measured.sharpness
    name = "share that is not predicted, over eta times the sharpness"
    yield below(name, share, bound, Basis.MEASURED)
    rest = Ladder.of("drift less its prediction", "step size", measured.etas, left)
    yield rest.falls("what is not predicted is of second order", 2.0, factor=1.5)


CLAIM = Claim(
    id="balancedness-drift",
    title="Gradient descent loses balance of layers at order eta per unit of time",
    statement=(
        r"D_l(t) - e^{-2\lambda t} D_l(0) = \eta \Big[ \int_0^t e^{-2\lambda(t-s)}"
        r" (G_{l+1}^\top G_{l+1} - G_l G_l^\top) ds - \lambda^2 t e^{-2\lambda t} D_l(0) \Big]"
        r" + O(\eta^2), \quad t = k\eta"
    ),
    source=source_of("balancedness-drift"),
    measurement=DRIFT,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "order: 0.05; step sizes of 1/200 to 1/1600 leave less than 0.02 of second order",
        "share of both terms that is not predicted, at a step of 1/1600: eta times the sharpness "
        "along the flow, of which it was half at most on 200 nets",
        "what is not predicted: like eta^2 with the constant of the two largest steps, times 1.5",
    ),
)
