"""Where descent on a diagonal net ends, with steps of any size and noise: exactly."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Floats
from theory.noise import DiagonalTask, descend
from verify.language import Claim, Ladder, Law, Measurement, Quantity, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.noise import STEPS, DiagonalSteps, diagonal_steps

STEP, NOISE, NOISY_STEPS = 0.05, 0.5, 200


@dataclass(frozen=True, eq=False)
class Ended:
    """Where the steps have led, with the sums A and E of `Theory`, `(d,)` each."""

    task: DiagonalTask
    weights: Quantity
    shrinking: Floats
    shift: Floats


def measure(told: DiagonalSteps, gain: float = 1.0, precise: bool = False) -> Ended:
    """In a wrong world u and v begin `gain` times as large as told."""
    task = told.task
    begun = replace(task, plus=gain * task.plus, minus=gain * task.minus)
    found = descend(
        begun,
        STEP,
        rng=None if told.steps == "full-batch" else told.rng,
        noise=NOISE,
        noisy_steps=NOISY_STEPS if told.steps == "noisy-labels" else 0,
        precise=precise,
    )
    # residuals of 4e-13 at most over a least singular value of 0.4 or so
    weights = Quantity.of(found.weights, 1e-12)
    return Ended(task, weights, found.shrinking, found.shift)


@dataclass(frozen=True)
class Theory:
    """log u and log v begin at log a, log b plus (shrinking A +- shift E) / 2.

    A sums log(1 - 4 eta^2 g^2), E sums log((1 - 2 eta g) / (1 + 2 eta g)) + 4 eta g.
    """

    shrinking: float = stated(
        1.0,
        unchanged=(0.0, "the limit of the flow"),
        twice=(2.0, "twice the exponent"),
        half=(0.5, "half the exponent"),
    )
    shift: float = stated(
        1.0,
        no_shift=(0.0, "u / v of the flow"),
        reversed=(-1.0, "u / v moved the other way"),
    )


def laws(measured: Ended, theory: Theory) -> Iterator[Law | Ladder]:
    even, odd = theory.shrinking * measured.shrinking / 2.0, theory.shift * measured.shift / 2.0
    predicted, flow = measured.task.limit(even + odd, even - odd), measured.task.limit()
    size = float(np.linalg.norm(predicted))
    yield equals("where descent ends", measured.weights / size, predicted / size, 1e-9)
    moved, expected = (measured.weights - flow).norm(), float(np.linalg.norm(predicted - flow))
    exponent = -measured.shrinking.mean()
    yield Ladder.of(
        "distance from the flow's limit", "mean of -log(1 - 4 eta^2 g^2)", exponent, moved, expected
    )


CLAIM = Claim(
    id="descent-limit",
    title="Descent on diagonal nets ends where the flow does from a start that steps have moved",
    statement=(
        r"w_\infty = \mathrm{argmin}_{Xw = y} Q_{a,b}, \quad"
        r" \log a, \log b = \log u_0, \log v_0 + \tfrac12 (A \pm E), \quad"
        r" A = \sum \log(1 - 4\eta^2 g^2), \ E = \sum \log\frac{1 - 2\eta g}{1 + 2\eta g} + 4\eta g"
    ),
    source=source_of("descent-limit"),
    measurement=Measurement(
        "diagonal-steps",
        DiagonalSteps,
        STEPS,
        diagonal_steps,
        measure,
        in_words("u^2 - v^2", "any batch and any labels, as long as it interpolates at last"),
        sabotaged={"a start 2 % larger than told": lambda told: measure(told, gain=1.02)},
        independent=lambda told: measure(told, precise=True),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("limit: 1e-9 of its norm; residuals are 1e-13 at last",),
)
