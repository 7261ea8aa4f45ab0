"""A theorem that the suite does not have: the smoothed normalized margin never decreases.

Lyu and Li (ICLR 2020), Theorem 4.1: along the gradient flow of loss = sum_i exp(-q_i), without
weight decay, once loss < 1, log(1/loss) / |theta|^L never decreases. docs/adding-a-claim.md goes
through this file.
"""

from itertools import count

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import logsumexp, softmax

from theory import Problem, Regime
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.instances import FlowInstance
from verify.strategies.nets import anchored_nets, grid_arrays, nonzero_arrays


@st.composite
def separated(draw, families):
    """Parameters that separate their data with loss < 1: labels are the signs of the outputs."""
    net = draw(anchored_nets(families)).net
    inputs = np.array(draw(st.lists(grid_arrays((net.input_dim,)), min_size=4, max_size=24)))
    direction = draw(nonzero_arrays((net.parameters,)))
    outputs = net.outputs(direction, inputs)
    assume(outputs.any())
    clear = np.abs(outputs) >= 0.05 * np.abs(outputs).max()
    inputs, outputs = inputs[clear], outputs[clear]
    scales = (k / 8 for k in count(1))
    scale = next(c for c in scales if logsumexp(-(c**net.degree) * np.abs(outputs)) < 0)
    problem = Problem(net, scale * direction, inputs, np.sign(outputs))
    return FlowInstance(problem, Regime(log10_alpha=1, decay_power=1))  # its decay is not used


def measure(instance):
    """What may be monotone, at 301 values of log(1/loss) along the flow, and the error.

    The clock is log(1/loss): the flow follows the same curve as in time, and never stalls.
    """
    problem = instance.problem
    net, start, inputs, labels = problem.net, problem.anchor, problem.inputs, problem.labels

    def velocity(_, theta):
        weights = softmax(-labels * net.outputs(theta, inputs))
        uphill = (weights * labels) @ net.jacobian(theta, inputs)
        return uphill / (uphill @ uphill)

    def solve(rtol):
        return solve_ivp(velocity, clock[[0, -1]], start, "DOP853", clock, rtol=rtol, atol=1e-12).y

    clock = -logsumexp(-labels * net.outputs(start, inputs)) + np.linspace(0, 30, 301)
    theta = solve(1e-11).T
    error = net.degree * np.abs(solve(1e-9).T - theta).max() / np.linalg.norm(start)
    size, margins = np.linalg.norm(theta, axis=1), labels * net.outputs(theta, inputs)
    return {
        "clock": clock,
        "error": error,
        "smoothed": clock / size**net.degree,
        "mean-loss": (clock + np.log(len(labels))) / size**net.degree,
        "one-power-more": clock / size ** (net.degree + 1),
        "largest-entry": clock / np.abs(theta).max(axis=1) ** net.degree,
        "smallest": margins.min(axis=1) / size**net.degree,
    }


def assertions(measured, theory):
    """`theory` names the quantity that never decreases."""
    values = measured[theory]
    drop = (np.maximum.accumulate(values) - values).max() / np.abs(values).max()
    return Assertions((Bound("largest relative drop", drop, 1e-5, measured["error"]),))


def ladders(measured):
    x, y = tuple(measured["clock"]), tuple(measured["smoothed"])
    return (Ladder("smoothed normalized margin", "log 1/loss", x, y, (max(y),) * len(y)),)


CLAIM = Claim(
    id="margin-monotone",
    title="Without weight decay the smoothed normalized margin never decreases",
    statement=r"\frac{d}{dt} \frac{\log(1/\mathcal{L})}{\|\theta\|^L} \ge 0"
    r" \text{ once } \mathcal{L} = \sum_i e^{-q_i} < 1",
    source="Lyu and Li (ICLR 2020), Theorem 4.1",
    assumptions=("homogeneity", "smoothness", "exponential loss, a sum", "loss < 1 at the start"),
    instances=separated,
    measure=measure,
    theory="smoothed",
    assertions=assertions,
    rivals=(
        Rival("mean-loss", "the same for the mean of the exponentials", "mean-loss"),
        Rival("one-power-more", "over |theta|^(L+1)", "one-power-more"),
        Rival("largest-entry", "over max |theta|^L", "largest-entry"),
    ),
    tolerances=("largest relative drop: 1e-5; 0 for the flow, which is integrated to 1e-9",),
    ladders=ladders,
    families=("diagonal", "two_layer"),
)
