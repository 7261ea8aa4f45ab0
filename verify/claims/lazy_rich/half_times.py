"""When the losses of machines are at half of their start, at every step and between them."""

from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Setting, Training
from verify.claims.lazy_rich.plain_descent import Descent
from verify.language import Quantity


@dataclass(frozen=True, eq=False)
class Halves:
    """Flow times of machines of one setting, the richest first.

    Attributes:
        scales: alpha of each, `(R,)`.
        train, test: when each loss is at half; NaN where it never is within the steps.
    """

    scales: Floats
    train: Quantity
    test: Quantity

    @property
    def delay(self) -> Quantity:
        return self.test - self.train


def scaled(setting: Setting, multiple: float) -> Setting:
    """At so many times alpha; rich machines sharpen like 1 / alpha, and train as much faster."""
    step = setting.step * min(1.0, 4.0 * multiple)
    return replace(setting, output_scale=setting.output_scale * multiple, step=step)


def half_times(
    descent: Descent, setting: Setting, multiples: tuple[float, ...], steps: int
) -> Halves:
    """Of machines at these multiples of alpha, trained together."""
    settings = [scaled(setting, multiple) for multiple in multiples]
    training, target = Training.of(settings), setting.target()
    moments = list(descent(training, range(steps + 1)))
    start = training.committee.form()
    weights = np.stack([moment.committee.weights for moment in moments])
    forms = replace(training.committee, weights=weights).form()
    train = np.stack([moment.train_loss for moment in moments])
    test = (forms - start - target).mean_square().total
    step = np.array([one.step for one in settings])
    scales = np.array([one.output_scale for one in settings])
    return Halves(scales, _halves(train) * step, _halves(test) * step)


def _halves(losses: Floats) -> Quantity:
    """Steps at which `(T, R)` losses are at half of their start.

    What has fallen grows exponentially and saturates: between steps its log odds are a parabola
    through three points about the crossing; that one step earlier tells the error.
    """
    fallen = np.clip(1.0 - losses / losses[0], 1e-12, 1.0 - 1e-12)
    odds = np.log(fallen / (1.0 - fallen))

    def read(before: int) -> list[float]:
        return [_crossing(column, before) for column in odds.T]

    return Quantity.paired(read, 1, 2, floor=1e-9)


def _crossing(course: Floats, before: int) -> float:
    """Where a course first rises above 0, by the parabola from so many steps before on."""
    above = np.flatnonzero(course > 0.0)
    if not len(above):
        return np.nan
    first = min(max(int(above[0]) - before, 0), len(course) - 3)
    points = course[first : first + 3]
    gaps = np.subtract.outer(points, points) + np.eye(3)
    shares = [np.prod(np.delete(-points, j)) / np.prod(gaps[j]) for j in range(3)]
    return float(np.dot(shares, np.arange(first, first + 3)))
