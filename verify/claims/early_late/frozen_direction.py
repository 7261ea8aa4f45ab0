"""Before the transition the direction of theta does not move."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from verify.claims.early_late.kernel_phase import (
    KERNEL_PHASE,
    KernelPhase,
    Time,
    approaches_lazily,
    delta_ladder,
    quadratic_order,
    starts_lazily,
)
from verify.language import Claim, Law, choice, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory:
    """1 - cos(theta, anchor) = constant * delta^2, delta = (alpha e^(-decay_rate s))^-L |eta|.

    Its exponent in alpha is order * c * (L - degree_offset).
    """

    constant: float = stated(0.5, no_half=(1.0, "1 - cos = delta^2, without 1/2"))
    order: float = stated(2.0, first_order=(1.0, "1 - cos falls like alpha^(-cL)"))
    degree_offset: int = stated(0, degree_minus_one=(1, "1 - cos falls like alpha^(-2c(L-1))"))
    decay_rate: float = stated(
        1.0,
        twice_the_decay=(2.0, "rho = alpha e^(-2 lambda t), the other convention of weight decay"),
    )
    time: Time = choice(Time.EARLY, late=(Time.LATE, "still frozen at (1+c) t_g"))


def predicted_change(phase: KernelPhase, theory: Theory) -> Floats:
    """On each rung."""
    decay_times = np.array([rung.flow.state.decay_time for rung in phase.rungs])
    growth = phase.degree * (theory.decay_rate - 1.0) * decay_times
    squared = (phase.delta * np.exp(np.minimum(growth, 300.0))) ** 2
    return np.asarray(theory.constant * squared)


def laws(phase: KernelPhase, theory: Theory) -> Iterator[Law]:
    measured = phase.read(lambda state: state.direction_change, theory.time)
    predicted = predicted_change(phase, theory)
    ladder = delta_ladder("1 - cos(theta, anchor)", phase, measured, predicted)
    yield starts_lazily("1 - cos over its prediction on the first rung", ladder, phase)
    yield approaches_lazily("1 - cos approaches its prediction", ladder, phase)
    yield quadratic_order(
        "order of 1 - cos in alpha, over c L", ladder, phase, theory.order, theory.degree_offset
    )


CLAIM = Claim(
    id="frozen-direction",
    title="Before the transition the direction of theta does not move",
    statement=(
        r"1 - \cos\angle\big(\theta((1-c)t_g), \bar\theta\big)"
        r" = \tfrac12 \delta^2 (1 + o(1)), \quad"
        r" \delta = \alpha^{-cL} \frac{|\eta|}{|\bar\theta|} \to 0"
    ),
    source=source_of("frozen-direction"),
    measurement=KERNEL_PHASE,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "first rung: within a factor 2 of the prediction at delta of about 10^-2, either way, or "
        "what its distance to the lazy flow makes of a square where that is more",
        "later rungs: the deviation falls at least like delta (delta^2 with an odd involution), "
        "with 3 times the constant of the first rung within a tenth of the lazy flow "
        "(and at least 2 L times its distance to that flow, for where orders cancel or add up); a "
        "rung 60 % off it, of a deep net of degree 3 at 10^-1.6, had one 3 times too small",
        "rate: 1 % of the exponent; on the three last rungs of 48 instances the fitted ones spread "
        "by 0.1 % (quartiles) and at most 0.3 %",
    ),
)
