"""Lyu and Li (ICLR 2020): a normalized margin never decreases. See docs/adding-a-claim.md."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from theory.flow import undecayed_flow
from verify.instances import FlowInstance
from verify.language import Basis, Claim, Measurement, below, choice, in_words
from verify.strategies import undecayed_instances


def measure(instance):
    """The flow until log(1/loss) has risen by 30, at 301 moments."""
    return undecayed_flow(instance.problem, at=np.linspace(0, 30, 301))


def backwards(flow):
    return flow and replace(flow, theta=flow.theta[::-1], looser=backwards(flow.looser))


def smoothed(flow):
    return flow.normalized(-flow.log_loss)  # log(1/loss) / |theta|^L


@dataclass(frozen=True)
class Theory:
    quantity: Callable = choice(
        smoothed,
        mean_loss=(lambda f: f.normalized(np.log(f.samples) - f.log_loss), "a mean loss"),
        one_power_more=(lambda f: smoothed(f) / f.norm, "over |theta|^(L+1)"),
        largest_entry=(lambda f: f.normalized(-f.log_loss, np.inf), "over max |theta|^L"),
        each_margin=(lambda f: f.normalized(f.margins), "every q_i / |theta|^L"),
        mean_margin=(lambda f: f.normalized(f.mean_margin), "their mean in the gradient"),
    )


def laws(flow, theory):
    values, error = theory.quantity(flow), flow.error_of(theory.quantity)
    drop, size = (np.maximum.accumulate(values) - values).max(), np.abs(values).max()
    yield below("largest relative drop", drop / size, 1e-5, Basis.IDENTITY, error=2 * error / size)


CLAIM = Claim(
    id="margin-monotone",
    title="Without weight decay the smoothed normalized margin never decreases",
    statement=r"\frac{d}{dt} \frac{-\log \ell}{\|\theta\|^L} \ge 0, \ \ell = \sum_i e^{-q_i} < 1",
    source="Lyu and Li (ICLR 2020), Theorem 4.1",
    measurement=Measurement(
        "undecayed-flow",
        FlowInstance,
        ("diagonal", "two_layer"),
        undecayed_instances,
        measure,
        assumptions=in_words("homogeneity", "smoothness", "exponential loss", "loss < 1 at first"),
        sabotaged={"time running backwards": lambda i: backwards(measure(i))},
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("largest relative drop: 1e-5; 0 for the flow, which is integrated to 1e-9",),
)
