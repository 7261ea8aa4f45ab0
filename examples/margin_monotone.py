"""Lyu and Li (ICLR 2020): a normalized margin never decreases. See docs/adding-a-claim.md."""

import numpy as np

from theory.flow import undecayed_flow
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.strategies import undecayed_instances


def measure(instance):
    """The flow until log(1/loss) has risen by 30, at 301 moments."""
    return undecayed_flow(instance.problem, at=np.linspace(0, 30, 301))


def assertions(flow, quantity):
    """The theory is a quantity of the flow: the one that never decreases."""
    values, error = quantity(flow), flow.error_of(quantity)
    drop, size = (np.maximum.accumulate(values) - values).max(), np.abs(values).max()
    return Assertions((Bound("largest relative drop", drop / size, 1e-5, 2 * error / size),))


def smoothed(flow):
    return flow.normalized(-flow.log_loss)  # log(1/loss) / |theta|^L


def ladders(flow):
    rise, margin = -flow.log_loss, smoothed(flow)
    return (Ladder.of("smoothed normalized margin", "log 1/loss", rise, margin, margin.max()),)


CLAIM = Claim(
    id="margin-monotone",
    title="Without weight decay the smoothed normalized margin never decreases",
    statement=r"\frac{d}{dt} \frac{-\log \ell}{\|\theta\|^L} \ge 0, \ \ell = \sum_i e^{-q_i} < 1",
    source="Lyu and Li (ICLR 2020), Theorem 4.1",
    assumptions=("homogeneity", "smoothness", "exponential loss, a sum", "loss < 1 at the start"),
    instances=undecayed_instances,
    measure=measure,
    theory=smoothed,
    assertions=assertions,
    rivals=(
        Rival("mean-loss", "a mean loss", lambda f: f.normalized(np.log(f.samples) - f.log_loss)),
        Rival("one-power-more", "over |theta|^(L+1)", lambda f: smoothed(f) / f.norm),
        Rival("largest-entry", "over max |theta|^L", lambda f: f.normalized(-f.log_loss, np.inf)),
        Rival("each-margin", "every q_i / |theta|^L", lambda f: f.normalized(f.margins)),
        Rival("mean-margin", "their mean in the gradient", lambda f: f.normalized(f.mean_margin)),
    ),
    tolerances=("largest relative drop: 1e-5; 0 for the flow, which is integrated to 1e-9",),
    ladders=ladders,
    families=("diagonal", "two_layer"),
)
