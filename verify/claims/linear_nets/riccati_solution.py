"""The flow of a two-layer linear net in closed form, from lambda-balanced starts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.linear_nets import TwoLayers, riccati_product, two_layer_flow
from theory.plain_flow import PlainFlow
from verify.language import Claim, Law, Measurement, Quantity, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.linear_nets import BALANCES, WhiteTask, white_tasks

TIMES = np.array([0.25, 0.5, 1.0, 2.0])


@dataclass(frozen=True, eq=False)
class Solved:
    """The instance and the products W_2 W_1 of its flow at `TIMES`."""

    task: WhiteTask
    flow: PlainFlow


def measure(
    task: WhiteTask, slant: float = 0.0, lift: float = 1.0, stacked: bool = False
) -> Solved:
    """The flow; in wrong worlds with inputs that are not white, or layers out of balance."""
    layers = task.layers
    flow = two_layer_flow(
        TwoLayers(layers.first, lift * layers.second),
        task.correlation,
        TIMES,
        covariance=np.eye(task.inputs) + slant,
        stacked_balance=task.balance if stacked else None,
    )
    return Solved(task, flow)


@dataclass(frozen=True)
class Theory:
    """The closed form at `time` t with `balance` lambda and `gain` in front of Q' G Q."""

    balance: float = stated(
        1.0,
        no_balance=(0.0, "the form for lambda = 0"),
        reversed=(-1.0, "lambda with its sign reversed"),
    )
    time: float = stated(1.0, twice=(2.0, "2t, of a loss without 1/2"), half=(0.5, "t / 2"))
    gain: float = stated(1.0, half_gain=(0.5, "I + Q' G Q / 2"), twice_gain=(2.0, "I + 2 Q' G Q"))


def laws(measured: Solved, theory: Theory) -> Iterator[Law]:
    task, flow = measured.task, measured.flow
    layers, correlation = task.layers, task.correlation
    predicted = [
        riccati_product(
            layers, correlation, theory.balance * task.balance, theory.time * time, theory.gain
        ).ravel()
        for time in TIMES
    ]
    scale = max(1.0, float(np.abs(correlation).max()))
    found = Quantity.paired(lambda w: w.ravel() / scale, flow.tight, flow.loose, 1e-10)
    yield equals("W_2 W_1 over the task", found, np.ravel(predicted) / scale, 1e-8)


CLAIM = Claim(
    id="riccati-solution",
    title="A lambda-balanced two-layer linear net with white inputs is solved in closed form",
    statement=(
        r"Q Q^\top(t) = e^{Ft} Q_0 [I + Q_0^\top G(t) Q_0]^{-1} Q_0^\top e^{Ft}, \quad"
        r" F = \begin{pmatrix} -\lambda/2 & S^\top \\ S & \lambda/2 \end{pmatrix}, \quad"
        r" G = \int_0^t e^{2Fs} ds"
    ),
    source=source_of("riccati-solution"),
    measurement=Measurement(
        "white-flow",
        WhiteTask,
        BALANCES,
        white_tasks,
        measure,
        in_words("two layers", "white inputs", "W_2' W_2 - W_1 W_1' = lambda I"),
        sabotaged={
            "inputs that are not white": lambda task: measure(task, slant=0.1),
            "layers out of balance": lambda task: measure(task, lift=1.1),
        },
        independent=lambda task: measure(task, stacked=True),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("identity: 1e-8 of the task, for flows integrated to 1e-11",),
)
