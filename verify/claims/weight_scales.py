"""Relative movement of machines whose weights or whose outputs are scaled, in the sweeps' steps."""

from dataclasses import replace

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Training, gradient_descent
from theory.lazy_rich.knobs import learning_rate, with_learning_rate


def movement_of_weight_scale(training: Training, sigma: Floats, steps: int) -> Floats:
    """|theta - theta_0| / |theta_0| with weights sigma w_i and the learning rate eta / sigma^2.

    Runs and sigma are of shape `(R,)`.
    """
    machine = training.committee
    large = replace(machine, weights=sigma[:, None, None] * machine.weights)
    rate = learning_rate(training) / sigma**2
    return _movement(with_learning_rate(replace(training, committee=large), rate), steps)


def movement_of_output_scale(training: Training, factor: Floats, steps: int) -> Floats:
    """The same with the output scale factor * alpha and the learning rate eta / factor^2."""
    machine = training.committee
    lazy = replace(machine, output_scale=factor * machine.output_scale)
    rate = learning_rate(training) / factor**2
    return _movement(with_learning_rate(replace(training, committee=lazy), rate), steps)


def _movement(training: Training, steps: int) -> Floats:
    start = training.committee.weights
    (moment,) = gradient_descent(training, [steps])
    moved = ((moment.committee.weights - start) ** 2).sum((-1, -2))
    relative: Floats = np.sqrt(moved / (start**2).sum((-1, -2)))
    return relative
