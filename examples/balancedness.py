"""Du, Hu, Lee (NeurIPS 2018): neurons stay balanced; weight decay shrinks their unbalance."""

from dataclasses import dataclass

import numpy as np

from theory import Regime, gradient_flow
from theory.flow import undecayed_flow
from verify.instances import FlowInstance
from verify.language import Claim, Measurement, Quantity, equals, in_words, stated
from verify.strategies import problems

REGIME, AT = Regime(log10_alpha=1, decay_power=1), np.array([0.2, 0.5, 0.8])


def measure(instance, late=1.0):
    flow = gradient_flow(instance.problem, REGIME, at=late * AT, rtol=1e-11)
    return instance.problem, flow, undecayed_flow(instance.problem, at=[0.0, 1.0, 2.0, 4.0])


@dataclass(frozen=True)
class Theory:
    """|w_k|^2 - ratio * p^power * a_k^2 decays like e^(-decay s), p the activation's degree."""

    ratio: float = stated(1.0, twice=(2.0, "|w|^2 - 2 p a^2"), half=(0.5, "|w|^2 - p a^2 / 2"))
    power: int = stated(1, no_degree=(0, "|w|^2 - a^2 for every activation"))
    decay: float = stated(2.0, conserved=(0.0, "conserved with decay"), slow=(1.0, "e^(-lambda t)"))


def laws(measured, theory):
    problem, decayed, free = measured
    scales = np.exp(theory.decay * AT * REGIME.log_alpha) / 100

    def unbalance(thetas):
        a, w = np.split(np.asarray(thetas), [problem.net.width], axis=1)
        w_squared = (w.reshape(*a.shape, -1) ** 2).sum(-1)
        return w_squared - theory.ratio * (problem.degree - 1) ** theory.power * a**2

    def scaled(states):
        return np.ravel(unbalance([s.theta for s in states]) * scales[:, None])

    start = np.ravel(unbalance([problem.anchor]))
    kept = Quantity.paired(scaled, decayed.states, decayed.loose, 1e-10)
    yield equals("unbalance over e^(-2 lambda t)", kept, np.tile(start, 3), 1e-6)
    kept = Quantity.paired(lambda f: np.ravel(unbalance(f.theta)), free, free.looser, 1e-10)
    yield equals("unbalance without decay", kept, np.tile(start, 4), 1e-6)


TASKS, MET = ("two_layer",), in_words("two layers", "homogeneous activation")
DRAWN = problems(TASKS).map(lambda problem: FlowInstance(problem, REGIME))
WRONG = {"a flow read late": lambda instance: measure(instance, 1.1)}
CLAIM = Claim(
    id="neuron-balancedness",
    title="Each neuron keeps |w|^2 - p a^2, up to weight decay",
    statement=r"\|w_k\|^2 - p a_k^2 = e^{-2\lambda t} c_k",
    source="Du, Hu, Lee (NeurIPS 2018), Theorem 2.1",
    measurement=Measurement("neurons", FlowInstance, TASKS, lambda *_: DRAWN, measure, MET, WRONG),
    theory=Theory(),
    laws=laws,
    tolerances=("identity: 1e-6 of the unit anchor, for flows integrated to 1e-9 or better",),
)
