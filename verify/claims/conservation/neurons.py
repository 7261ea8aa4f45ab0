"""A two-layer net with homogeneous activation: its flow with weight decay, at three times."""

from dataclasses import dataclass, replace

import numpy as np

from theory.conservation import NeuronTask, neuron_balance, neuron_flow
from theory.plain_flow import PlainFlow
from verify.language import Measurement, Quantity, in_words
from verify.strategies.conservation import DEGREES, TwoLayerNet, two_layer_nets

TIMES = np.array([0.25, 0.5, 1.0])


@dataclass(frozen=True, eq=False)
class Neurons:
    """The task and its flow at `TIMES`."""

    task: NeuronTask
    flow: PlainFlow

    @property
    def scale(self) -> float:
        """The largest term of a balance at first."""
        w = (self.task.hidden**2).sum(axis=1)
        return float(max(w.max(), (self.task.readout**2).max()))

    def balance(self, ratio: float) -> Quantity:
        """|w_k|^2 - ratio a_k^2 at all times, over the scale."""
        width, flow = len(self.task.readout), self.flow
        return Quantity.paired(
            lambda states: neuron_balance(states, width, ratio).ravel() / self.scale,
            flow.tight,
            flow.loose,
            1e-10,
        )

    def predicted(self, ratio: float, decay: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """e^(-decay lambda t) times the first balance, over the scale."""
        start = neuron_balance(self.task.flat[None], len(self.task.readout), ratio)[0]
        return np.outer(np.exp(-decay * self.task.decay * TIMES), start / self.scale).ravel()


def measure(
    net: TwoLayerNet, late: float = 1.0, hidden_decay: float = 1.0, method: str = "DOP853"
) -> Neurons:
    """The flow; in wrong worlds read late, or with another decay of the hidden layer."""
    task = net.task
    rate = hidden_decay * task.decay
    flow = neuron_flow(task, late * TIMES, method=method, hidden_decay=rate)
    return Neurons(task, replace(flow, times=TIMES))


NEURONS = Measurement(
    "neuron-flow",
    TwoLayerNet,
    DEGREES,
    two_layer_nets,
    measure,
    in_words(
        "two layers", "an activation homogeneous of degree p", "the same decay of all weights"
    ),
    sabotaged={
        "a flow read late": lambda net: measure(net, late=1.1),
        "no decay of the hidden layer": lambda net: measure(net, hidden_decay=0.0),
    },
    independent=lambda net: measure(net, method="LSODA"),
)
