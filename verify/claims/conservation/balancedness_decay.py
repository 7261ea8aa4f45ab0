"""Layers of a linear net stay balanced, up to a factor that weight decay alone decides."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from theory.backend import Floats
from theory.conservation import LayerTask, balance, layer_flow
from theory.conservation.layers import Layers
from theory.plain_flow import PlainFlow
from verify.language import Claim, Law, Measurement, Quantity, choice, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.conservation import DEPTHS, LinearNet, linear_nets

TIMES = np.array([0.25, 0.5, 1.0])


@dataclass(frozen=True, eq=False)
class Balanced:
    """The task and its flow at `TIMES`."""

    task: LayerTask
    flow: PlainFlow

    def read(self, form: Callable[[Layers], Layers], states: Floats) -> Floats:
        """The entries of all D_l in a form, `(T, k)`."""
        return np.array([_flat(form(self.task.layers(state))) for state in states])


def _flat(pairs: Layers) -> Floats:
    return np.concatenate([pair.ravel() for pair in pairs])


def measure(
    net: LinearNet,
    late: float = 1.0,
    first_only: bool = False,
    comoving: bool = False,
) -> Balanced:
    """The flow, in wrong worlds read late or with decay of the first layer alone."""
    task = net.task
    decays = [task.decay, *[0.0] * (len(task.weights) - 1)] if first_only else None
    flow = layer_flow(task, late * TIMES, decays=decays, comoving=comoving)
    return Balanced(task, replace(flow, times=TIMES))


def transposed(weights: Layers) -> Layers:
    return tuple(
        (above @ above.T)[:1, :1] - (below.T @ below)[:1, :1] for below, above in pairwise(weights)
    )


def summed(weights: Layers) -> Layers:
    return tuple(above.T @ above + below @ below.T for below, above in pairwise(weights))


@dataclass(frozen=True)
class Theory:
    """D_l(t) = e^(-decay lambda t) D_l(0) with D_l = W_{l+1}' W_{l+1} - W_l W_l'."""

    decay: float = stated(
        2.0,
        once=(1.0, "e^(-lambda t)"),
        fourfold=(4.0, "e^(-4 lambda t)"),
        conserved=(0.0, "conserved with decay as well"),
    )
    form: Callable[[Layers], Layers] = choice(
        balance,
        transposed=(transposed, "W_{l+1} W_{l+1}' - W_l' W_l, its first entry"),
        summed=(summed, "W_{l+1}' W_{l+1} + W_l W_l'"),
    )


def laws(measured: Balanced, theory: Theory) -> Iterator[Law]:
    start = _flat(theory.form(measured.task.weights))
    scale = np.abs(_flat(summed(measured.task.weights))).max()
    flow = measured.flow
    kept = Quantity.paired(
        lambda states: measured.read(theory.form, states).ravel() / scale,
        flow.tight,
        flow.loose,
        1e-11,
    )
    shrink = np.exp(-theory.decay * measured.task.decay * TIMES)
    predicted = np.outer(shrink, start / scale).ravel()
    yield equals("D_l over its scale", kept, predicted, 1e-9, at=np.repeat(TIMES, len(start)))


CLAIM = Claim(
    id="balancedness-decay",
    title="The balance of layers of a linear net decays like e^(-2 lambda t), whatever the data",
    statement=(
        r"W_{l+1}^\top W_{l+1} - W_l W_l^\top ="
        r" e^{-2\lambda t}\,(W_{l+1}^\top W_{l+1} - W_l W_l^\top)(0)"
    ),
    source=source_of("balancedness-decay"),
    measurement=Measurement(
        "layer-flow",
        LinearNet,
        DEPTHS,
        linear_nets,
        measure,
        in_words(
            "linear net", "a differentiable loss of the product", "the same decay of all layers"
        ),
        sabotaged={
            "a flow read late": lambda net: measure(net, late=1.1),
            "decay of the first layer only": lambda net: measure(net, first_only=True),
        },
        independent=lambda net: measure(net, comoving=True),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "identity: 1e-9 of the largest entry of W_{l+1}' W_{l+1} + W_l W_l' at first, for flows "
        "integrated to 1e-11; two tolerances differ by less than 1e-10",
    ),
)
