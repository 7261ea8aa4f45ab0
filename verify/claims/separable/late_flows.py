"""Logistic regression on separable data at times up to 10^10000."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from theory.backend import Floats
from theory.separable import SeparableFlow, separable_flow
from verify.language import Ladder, Measurement, Quantity, in_words
from verify.strategies.separable import LOSSES, SeparableData, degenerate_data, separable_data

LOG10_TIMES = np.array([100.0, 300.0, 1000.0, 3000.0, 10000.0])

DEGENERATE_LATER = 40.0
"""Corrections are log log t / log t there, in the place of 1 / log t."""


@dataclass(frozen=True, eq=False)
class LateFlow:
    """The data and their flow; rungs are in 1 / log t."""

    data: SeparableData
    flow: SeparableFlow

    def read(self, reading: Callable[[SeparableFlow, Floats], Floats]) -> Quantity:
        """A reading of the residuals at all times, known to 1e-10 at best."""
        flow = self.flow.flow
        return Quantity.paired(partial(reading, self.flow), flow.tight, flow.loose, 1e-10)

    def ladder(self, name: str, measured: Quantity, predicted: float) -> Ladder:
        """A quantity times log t that tends to `predicted`."""
        times = self.flow.log_times
        return Ladder.of(name, "1 / log t", 1.0 / times, measured * times, predicted, 1.0 / times)


def measure(data: SeparableData, weight: float = 1.0, method: str = "LSODA") -> LateFlow:
    """The flow; in a wrong world the first sample counts `weight` times in the loss."""
    rows, margins = data.rows()
    flow = separable_flow(
        rows,
        data.direction,
        margins,
        np.log(10.0) * LOG10_TIMES * (DEGENERATE_LATER if data.across else 1.0),
        logistic=data.loss == "logistic",
        log_weights=np.log(weight) * (np.arange(len(rows)) == 0),
        method=method,
    )
    return LateFlow(data, flow)


def _measurement(name: str, degenerate: bool) -> Measurement[SeparableData, LateFlow]:
    return Measurement(
        name,
        SeparableData,
        LOSSES,
        degenerate_data if degenerate else separable_data,
        measure,
        in_words(
            "separable data",
            "linearly independent support vectors",
            "one sample of margin 1 supports nothing"
            if degenerate
            else "strict complementarity: other margins are 1.25 at least",
            "the sum of losses",
        ),
        sabotaged={"a support vector that counts twice": lambda data: measure(data, weight=2.0)},
        independent=lambda data: measure(data, method="Radau"),
    )


SEPARABLE = _measurement("separable-flow", degenerate=False)
DEGENERATE = _measurement("degenerate-flow", degenerate=True)
