"""What the figures `grokking` and `misgrokking` share: tasks with closed-form test accuracy.

The paper's setting (Lyu et al., ICLR 2024): L = 2, all coordinates equal,
|theta(0)| = 128, lambda = 10^-3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import log, log10
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from theory.asymptotics.kernel_phase import log_inverse_decay, plus_logarithm_inverse
from theory.backend import Floats
from theory.flow.diagonal import diagonal_flow
from theory.margin.programmes import l2_max_margin
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.figures.base import Column, Part, Table
from verify.figures.outcomes import Outcome, below

INITIAL_NORM: Final = 128.0
DECAY: Final = 1e-3
RTOL: Final = 1e-7
"""Accuracies and cosines are drawn to 1e-3."""

LOSSES: Final = ("exponential", "logistic")
TIMES: Final = (0.02, *(round(0.05 * k, 2) for k in range(1, 25)), 1.3, 1.4, 1.5, 1.6, 1.8, 2.0)
"""In units of t_g; .02, .2, .4, .5, .55, .6, .65, .7, 1 and 2 among them."""

Accuracy = Callable[[Floats], float]


@dataclass(frozen=True, eq=False)
class Task:
    """Training data, and the test accuracy of a linear predictor w `(d,)` in closed form."""

    inputs: Floats
    labels: Floats
    accuracy: Accuracy


def sparse_task(input_dim: int, samples: int, sparsity: int = 3, seed: int = 0) -> Task:
    """x uniform on {-1, 1}^d, y the majority of its first coordinates."""
    generator = np.random.default_rng(seed)
    inputs = 2.0 * generator.integers(0, 2, (samples, input_dim)).astype(np.float64) - 1.0
    labels = np.sign(inputs[:, :sparsity].sum(axis=1))
    signs = np.array(list(product((-1.0, 1.0), repeat=sparsity)))
    answers = np.sign(signs.sum(axis=1))

    def accuracy(weights: Floats) -> float:
        """Mean over sign patterns of the normal law of the other coordinates' sum."""
        decided = answers * (signs @ weights[:sparsity])
        return float(norm.cdf(decided / np.linalg.norm(weights[sparsity:])).mean())

    return Task(inputs, labels, accuracy)


def wide_margin_task(input_dim: int, samples: int, margin: float, seed: int = 0) -> Task:
    """x = z + (margin / 2) y w*, y = sign <z, w*>, z standard normal, w* a random unit vector."""
    generator = np.random.default_rng(seed)
    teacher = generator.standard_normal(input_dim)
    teacher /= np.linalg.norm(teacher)
    inputs = generator.standard_normal((samples, input_dim))
    labels = np.sign(inputs @ teacher)
    inputs += 0.5 * margin * labels[:, None] * teacher
    nodes, shares = np.polynomial.legendre.leggauss(200)
    distances = 4.5 * (nodes + 1.0)  # |<z, w*>| in [0, 9]: beyond, a probability of 1e-19
    densities = 9.0 * shares * norm.pdf(distances)

    def accuracy(weights: Floats) -> float:
        """The normal law of <w, z> across w*, integrated over |<z, w*>|."""
        along = float(weights @ teacher)
        across = float(np.linalg.norm(weights - along * teacher))
        return float(densities @ norm.cdf(along * (distances + 0.5 * margin) / across))

    return Task(inputs, labels, accuracy)


def parts(task: Callable[[], Task]) -> list[Part]:
    """One part for each loss."""
    return [Part(loss, partial(_course, task, loss)) for loss in LOSSES]


def _course(draw_task: Callable[[], Task], loss: str) -> Table:
    """Accuracies and the cosine with the L2 max-margin classifier along the exact flow."""
    task = draw_task()
    net = Diagonal(task.inputs.shape[1])
    anchor = np.full(2 * net.input_dim, (2.0 * net.input_dim) ** -0.5)
    problem = Problem(net, anchor, task.inputs, task.labels, loss)
    regime = Regime(log10_alpha=log10(INITIAL_NORM), log10_lambda=log10(DECAY))
    flow = diagonal_flow(problem, regime, TIMES, rtol=RTOL, estimate_error=False)
    machine = l2_max_margin(task.inputs, task.labels)
    lengths = np.linalg.norm(flow.weights, axis=1)
    count = len(TIMES)
    return {
        "t over t_g": list(TIMES),
        "train accuracy": [float(np.mean(q > 0)) for q in flow.margins],
        "test accuracy": [task.accuracy(w) for w in flow.weights],
        "cosine with SVM": (flow.weights @ machine.weights / lengths).tolist(),
        "SVM test accuracy": [task.accuracy(machine.weights)] * count,
        "predicted transition": [_transition(problem, regime, machine.margin)] * count,
    }


def _transition(problem: Problem, regime: Regime, margin: float) -> float:
    """t* / t_g, where the kernel machine has grown as large as what is left of the anchor.

    To leading order gamma |eta| = x with x + log x = log(gamma^2 / lam_eff), gamma the margin in
    the kernel's features: 2 sqrt(2) half times the margin of the inputs.
    """
    kernel_margin = 2.0 * 2.0**0.5 * float(problem.anchor[0]) * margin

    def excess(at: float) -> float:
        level = log_inverse_decay(problem, regime, at) + log(problem.samples)
        size = plus_logarithm_inverse(level + 2.0 * log(kernel_margin)) / kernel_margin
        return 2.0 * (1.0 - at) * regime.log_alpha - log(size)

    low, high = 0.0, 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return 0.5 * (low + high)


PLATEAU: Final = 0.01
"""Of accuracy: how near it is to that of the L2 max-margin classifier up to half of t*."""


def shared_outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    """The plateau before the transition and its time, for both losses."""
    early, late, off, twice = [], [], [], []
    width = 1.0 / log(INITIAL_NORM)
    for table in tables.values():
        times, accuracies, cosines = map(
            _column, (table["t over t_g"], table["test accuracy"], table["cosine with SVM"])
        )
        plateau = float(table["SVM test accuracy"][0])
        transition = float(table["predicted transition"][0])
        before = accuracies[times <= transition / 2.0]
        early.append(np.abs(before - plateau).max())
        late.append(np.abs(before - accuracies[-1]).max())
        halfway = 0.5 * (1.0 + cosines[-1])
        # the cosine falls: reversed, as interpolation asks for rising points
        left = float(np.interp(halfway, cosines[::-1], times[::-1]))
        off.append(abs(left - transition))
        twice.append(abs(left - 2.0 * transition))
    return (
        Outcome(
            "up to t*/2 the test accuracy is that of the L2 max-margin classifier",
            (below("off it", float(max(early)), PLATEAU),),
            "it is that of the end from the start",
            (below("off the last", float(max(late)), PLATEAU),),
        ),
        Outcome(
            "the direction is halfway to its end within the width 1 / log(alpha) of t*, in t_g",
            (below("off t*", max(off), width),),
            "at twice t*",
            (below("off 2 t*", max(twice), width),),
        ),
    )


def at_time(table: Table, when: float) -> float:
    """Test accuracy at a time in units of t_g."""
    return float(np.interp(when, _column(table["t over t_g"]), _column(table["test accuracy"])))


def _column(values: Column) -> Floats:
    return np.asarray(values, dtype=float)


def draw(tables: Mapping[str, Table], title: str, late: str) -> Figure:
    """Accuracies above, the cosine below, one column for each loss."""
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    axes = figure.subplots(2, len(tables), sharex=True, sharey="row", squeeze=False)
    for column, (loss, table) in enumerate(tables.items()):
        times, (top, bottom) = table["t over t_g"], axes[:, column]
        plateau, transition = table["SVM test accuracy"][0], float(table["predicted transition"][0])
        top.plot(times, table["train accuracy"], color="0.45", label="train")
        top.plot(times, table["test accuracy"], color="C0", label="test")
        top.axhline(float(plateau), color="C0", ls=":", lw=1, label="predicted plateau: L2 SVM")
        bottom.plot(times, table["cosine with SVM"], color="C1")
        bottom.axhline(1.0, color="C1", ls=":", lw=1)
        for axis in (top, bottom):
            axis.axvline(transition, color="0.2", ls="--", lw=1, label="predicted t*")
            axis.axvline(1.0, color="0.7", ls="-", lw=1, label="t_g")
        top.set_title(f"{loss} loss")
        bottom.set_xlabel("t / t_g")
    axes[0, 0].set_ylabel("accuracy")
    axes[1, 0].set_ylabel("cosine with the L2 SVM")
    axes[1, 0].set_title(late)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle(title)
    return figure
