"""Gradient descent beside its flow: how the balance of layers drifts with the step size."""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.conservation import balance, descent, drift_coefficient
from theory.conservation.layers import Layers, LayerTask, layer_flow
from verify.language import Ladder, Measurement, Quantity, in_words
from verify.strategies.conservation import DEPTHS, LinearNet, linear_nets

TIME = 0.5
STEPS = np.array([100, 200, 400, 800])
STATES = 9
"""Of the flow, at which the sharpness is looked at."""


@dataclass(frozen=True, eq=False)
class Drift:
    """D_l(k eta) - e^(-2 lambda t) D_l(0) after t = `TIME`, for each step size.

    Attributes:
        drifts: `(4, k)`; `errors`, `(4,)`, of their norms by rounding.
        integral, shrinking: the parts of the predicted drift over eta, `(k,)`.
        sharpness: the largest of the flow, over this time.
    """

    etas: Floats
    drifts: Floats
    errors: Floats
    integral: Floats
    shrinking: Floats
    sharpness: float

    def ladder(self, predicted: Floats) -> Ladder:
        """The norm of the drift against that of a prediction of all its entries, `(4, k)`."""
        size = Quantity.of(np.linalg.norm(self.drifts, axis=1), self.errors)
        sizes = np.linalg.norm(predicted, axis=1)
        return Ladder.of("|drift of D|", "step size", self.etas, size, sizes, self.etas)


def _flat(weights: Layers) -> Floats:
    return np.concatenate([pair.ravel() for pair in balance(weights)])


def measure(net: LinearNet, gain: float = 1.0) -> Drift:
    """Four step sizes; in a wrong world steps are `gain` times as long, over the same time."""
    task = net.task
    start, shrink = _flat(task.weights), np.exp(-2.0 * task.decay * TIME)
    ends = [descent(task, gain * TIME / k, round(k / gain)) for k in STEPS.tolist()]
    drifts = np.array([_flat(weights) - shrink * start for weights in ends])
    # each step rounds its entries once; roundings of one sign are the worst case
    errors = np.finfo(np.float64).eps * STEPS * np.linalg.norm(task.flat(task.weights)) ** 2
    return Drift(TIME / STEPS, drifts, errors, *drift_coefficient(task, TIME), _sharpness(task))


def _sharpness(task: LayerTask) -> float:
    later = layer_flow(task, np.linspace(0.0, TIME, STATES)[1:]).tight
    return max(map(task.sharpness, (task.weights, *map(task.layers, later))))


DRIFT = Measurement(
    "layer-drift",
    LinearNet,
    DEPTHS,
    linear_nets,
    measure,
    in_words("linear net", "full gradients", "a fixed time t = k eta"),
    sabotaged={"steps twice as long as told": lambda net: measure(net, gain=2.0)},
)
