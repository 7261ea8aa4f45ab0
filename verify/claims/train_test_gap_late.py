"""Late in training the formula for the gap fails: online learning has fitted, the sample has not.

Its coefficient vanishes with the loss of online learning, the memorisation at finite nu does not.
"""

from dataclasses import dataclass, replace
from typing import Literal

from theory.lazy_rich.dmft import MeanField, causal_sweep, online
from theory.lazy_rich.gap import gap_formula
from verify.claims.base import Assertions, Bound, Claim, Rival
from verify.instances.committee import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_dmft import late_instances

STANDARD_ERRORS = 4.0
WITHIN = 0.25
POPULATION = (256, 6)
"""Samples and runs of the solver."""

Order = Literal["online", "own"]


@dataclass(frozen=True)
class Theory:
    """gap = factor * nu^extra_power * formula.

    Attributes:
        order: whose order parameters enter, those of online learning or of the theory at that nu.
    """

    order: Order = "online"
    factor: float = 1.0
    extra_power: float = 0.0


@dataclass(frozen=True)
class LateGap:
    """The gap at the last step but one with its standard error, and the formula both ways."""

    instance: CommitteeInstance
    gap: float
    error: float
    formula: dict[Order, float]


def measure(instance: CommitteeInstance) -> LateGap:
    """The gap of the mean field theory, and what the formula makes of it."""
    problem = MeanField.of(instance.setting)
    found = causal_sweep(problem, *POPULATION)
    gaps = (found.test_losses - found.train_losses)[:, -2]
    formula: dict[Order, float] = {
        "online": float(gap_formula(problem, online(problem).order)[0, -1]),
        "own": float(gap_formula(problem, found.order)[:, -1].mean()),
    }
    error = float(gaps.std()) / POPULATION[1] ** 0.5
    return LateGap(instance, float(gaps.mean()), error, formula)


def assertions(late: LateGap, theory: Theory) -> Assertions:
    ratio = late.instance.setting.sample_ratio
    formula = theory.factor * ratio**theory.extra_power * late.formula[theory.order]
    error = STANDARD_ERRORS * late.error / abs(formula)
    return Assertions((Bound("gap over formula", abs(late.gap / formula - 1.0), WITHIN, error),))


_TRUE = Theory()

CLAIM = Claim(
    id="train-test-gap-late",
    title="The formula for the gap, used late at moderate nu",
    statement=(
        r"\mathcal{L}_{test}(t) - \mathcal{L}_{train}(t) \approx \frac{2\alpha^2}{N \nu}\, dt"
        r" \sum_{s<t} \mathrm{tr}\, R_w(t,s)\, G(s,t) \quad \text{at } t = 8,\ \nu \le 20"
    ),
    source=source_of("train-test-gap-late"),
    assumptions=(
        "D and P large, here in the limit",
        "nu from 5 to 20 at flow time 8",
        "two neurons that can fit the target; where online learning cannot, the formula stays good",
    ),
    instances=late_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("twice", "twice the formula", replace(_TRUE, factor=2.0)),
        Rival("half", "half of the formula", replace(_TRUE, factor=0.5)),
        Rival("below", "the test loss lies below the train loss", replace(_TRUE, factor=-1.0)),
        Rival("own-order", "with the order parameters at that nu", replace(_TRUE, order="own")),
        Rival("second-order", "the gap falls like 1/nu^2", replace(_TRUE, extra_power=-1.0)),
    ),
    tolerances=("within 25 % of the formula; four standard errors of 6 runs",),
    kind=CommitteeInstance,
    families=("late",),
    thrift=2,
    expected="falsified",
)
