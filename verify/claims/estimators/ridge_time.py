"""With ridge the time to generalise is that of forgetting where there are no data."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from theory.errors import AssumptionError
from theory.estimators import RidgeTask, time_to_generalise
from verify.language import (
    Assumption,
    Claim,
    Law,
    Measurement,
    Quantity,
    equals,
    in_words,
    one_changed,
    stated,
)
from verify.registry import source_of
from verify.strategies.estimators import LEVEL, RidgeData, ridge_data


@dataclass(frozen=True, eq=False)
class Generalised:
    """The task, the level of its error, and when that is reached."""

    task: RidgeTask
    level: float
    time: Quantity


INTEGRATED = 1e-7
"""Relative, what integration at rtol 1e-11 leaves of the time; at most 5e-9 over 60 instances."""


def measure(data: RidgeData, decay: float = 1.0, by_integration: bool = False) -> Generalised:
    """By matrix exponentials, or by integration; a wrong world has another decay."""
    task = data.task
    level, expected = LEVEL * task.floor, data.expected
    moved = replace(task, decay=decay * task.decay)
    if by_integration:
        after = expected + np.array([-1.0, 0.0, 1.0])
        logs = np.log(moved.errors(after, by_integration=True) - task.floor)
        slope, offset = np.polyfit(after - expected, logs, 1)
        time = expected + (np.log(level - task.floor) - offset) / slope
        return Generalised(task, level, Quantity.of(time, INTEGRATED * time))
    time = time_to_generalise(moved, level, 3.0 * expected)
    return Generalised(task, level, Quantity.rounded(time, time, 1e4))


def span_has_converged(data: RidgeData) -> None:
    if not data.converged:
        raise AssumptionError(
            "converged-span", "one generalises before the span of the data has converged"
        )


def _strongly_decayed(data: RidgeData) -> st.SearchStrategy[RidgeData]:
    """With a decay that is as large as the eigenvalues."""
    return st.sampled_from((0.5, 1.0, 0.25)).map(lambda decay: replace(data, decay=decay))


@dataclass(frozen=True)
class Theory:
    """t = log(|P w(0)|^2 / (level - floor)) / (rate lambda)."""

    rate: float = stated(2.0, once=(1.0, "over lambda"), fourfold=(4.0, "over 4 lambda"))
    floor: float = stated(
        1.0, no_floor=(0.0, "without what the ridge leaves"), half_floor=(0.5, "half of it")
    )
    whole: float = stated(0.0, whole_start=(1.0, "|w(0)|^2 in the place of |P w(0)|^2"))
    power: float = stated(1.0, root=(0.5, "|P w(0)| in the place of its square"))


def laws(measured: Generalised, theory: Theory) -> Iterator[Law]:
    task = measured.task
    whole = float((task.start**2).sum())
    start = ((1.0 - theory.whole) * task.without_data + theory.whole * whole) ** theory.power
    log = np.log(start / (measured.level - theory.floor * task.floor))
    predicted = log / (theory.rate * task.decay)
    yield equals("time to generalise over its prediction", measured.time / predicted, 1.0, 1e-6)


CLAIM = Claim(
    id="ridge-grokking-time",
    title="With ridge one generalises after log(|P w0|^2 / (eps - floor)) / (2 lambda)",
    statement=(
        r"t_{gen}(\epsilon) = \frac{1}{2\lambda} \log\frac{\|P w_0\|^2}{\epsilon - \epsilon_0},"
        r" \quad \epsilon_0 = \sum_i \Big(\frac{\lambda w^*_i}{\nu_i + \lambda}\Big)^2"
    ),
    source=source_of("ridge-grokking-time"),
    measurement=Measurement(
        "ridge-flow",
        RidgeData,
        ("fewer-samples",),
        ridge_data,
        measure,
        (
            *in_words("w* in the span of the data"),
            Assumption(
                "converged-span",
                "a span of the data that has converged by then",
                span_has_converged,
                one_changed(_strongly_decayed),
            ),
        ),
        sabotaged={"a decay 2 % larger than told": lambda data: measure(data, decay=1.02)},
        independent=lambda data: measure(data, by_integration=True),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "identity: 1e-6; what is left where data are is at most 1e-8 of the error, by its sum",
    ),
)
