"""Late in training the formula for the gap fails: online learning has fitted, the sample has not.

Its coefficient vanishes with the loss of online learning, the memorisation at finite nu does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from theory.lazy_rich.dmft import MeanField, causal_sweep, online
from theory.lazy_rich.gap import gap_formula
from verify.instances import CommitteeInstance
from verify.language import (
    Basis,
    Claim,
    Law,
    Measurement,
    Quantity,
    choice,
    equals,
    in_words,
    observed_elsewhere,
    stated,
)
from verify.registry import source_of
from verify.strategies.committee_dmft import late_instances

WITHIN = 0.25
POPULATION = (256, 6)
"""Samples and runs of the solver."""


@dataclass(frozen=True)
class LateGap:
    """The gap at the last step but one, to four standard errors, and what the formula makes of it
    with the order parameters of online learning and with those of the theory at that nu."""

    sample_ratio: float
    gap: Quantity
    online: float
    own: float


def measure(instance: CommitteeInstance) -> LateGap:
    """By the mean field theory."""
    problem = MeanField.of(instance.setting)
    found = causal_sweep(problem, *POPULATION)
    gaps = (found.test_losses - found.train_losses)[:, -2].numpy().astype(np.float64)
    return LateGap(
        problem.sample_ratio,
        Quantity.sampled(gaps[:, None]),
        float(gap_formula(problem, online(problem).order)[0, -1]),
        float(gap_formula(problem, found.order)[:, -1].mean()),
    )


@dataclass(frozen=True)
class Theory:
    """gap = factor * nu^extra_power * formula, with the order parameters of `order`."""

    order: Literal["online", "own"] = choice(
        "online", own_order=("own", "with the order parameters at that nu")
    )
    factor: float = stated(
        1.0,
        twice=(2.0, "twice the formula"),
        half=(0.5, "half of the formula"),
        below=(-1.0, "the test loss lies below the train loss"),
    )
    extra_power: float = stated(0.0, second_order=(-1.0, "the gap falls like 1/nu^2"))


def laws(late: LateGap, theory: Theory) -> Iterator[Law]:
    """The gap over the formula."""
    formula = late.own if theory.order == "own" else late.online
    predicted = theory.factor * late.sample_ratio**theory.extra_power * formula
    yield equals("gap over formula", late.gap / predicted, 1.0, WITHIN, Basis.MEASURED)


def _louder(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(signal=1.1 * instance.setting.signal)


CLAIM = Claim(
    id="train-test-gap-late",
    title="The formula for the gap, used late at moderate nu",
    statement=(
        r"\mathcal{L}_{test}(t) - \mathcal{L}_{train}(t) \approx \frac{2\alpha^2}{N \nu}\, dt"
        r" \sum_{s<t} \mathrm{tr}\, R_w(t,s)\, G(s,t) \quad \text{at } t = 8,\ \nu \le 20"
    ),
    source=source_of("train-test-gap-late"),
    measurement=Measurement(
        "late-gaps",
        CommitteeInstance,
        ("late",),
        late_instances,
        measure,
        in_words(
            "D and P large, here in the limit",
            "nu from 5 to 20 at flow time 8",
            "two neurons that can fit the target; where online learning cannot, the formula stays "
            "good",
        ),
        sabotaged={"labels 10 % larger": observed_elsewhere(measure, _louder, "gap")},
        thrift=2,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("within 25 % of the formula; four standard errors of 6 runs",),
    expected="falsified",
)
