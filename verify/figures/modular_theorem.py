"""Addition mod p as the theorems have it: a kernel machine that is wrong, then the margin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.backend import Floats, Integers
from theory.flow import FlowState, gradient_flow
from theory.kernel import kernel_svm
from theory.modular_addition import (
    FEWEST_PHASES,
    addition_problem,
    classes_ahead,
    effective_neurons,
    largest_margin,
    lead,
    neuron_norms,
    neurons_of,
    normalised_margin,
    one_hot,
    sums,
    ten_neuron_net,
)
from theory.nets import TwoLayer
from theory.problem import Problem, Regime
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.outcomes import Outcome, below, ordered
from verify.strategies.modular_addition import AdditionFlow

TIMES = np.concatenate([np.linspace(0.05, 1.5, 59), np.linspace(1.6, 3.0, 15)])
"""In units of t_g."""

RTOL = 1e-6
EARLY, BEFORE, END = 0.7, 1.0, 3.0
SEEN = 0.8
ALPHA_BY_MODULUS = 8.0


@dataclass(frozen=True)
class Size:
    """One preset: p and width of the flows at all alphas, and (p, width) of those at 10^8."""

    modulus: int
    width: int
    log10_alphas: tuple[float, ...]
    moduli: tuple[tuple[int, int], ...]


SIZES = {
    "quick": Size(5, 16, (2.0, 4.0, 8.0, 16.0, 50.0), ((5, 16), (7, 24))),
    "paper": Size(7, 24, (2.0, 4.0, 8.0, 16.0, 50.0), ((5, 16), (7, 24), (11, 40))),
}


def _problem(told: AdditionFlow) -> Problem:
    net, anchor = told.anchored()
    return addition_problem(net, anchor, told.split()[0])


def _compute(told: AdditionFlow) -> Table:
    """One flow, at all times; what is said of unseen pairs is -1 where all are seen."""
    problem, unseen = _problem(told), told.split()[1]
    regime = Regime(log10_alpha=told.log10_alpha, decay_power=1.0)
    flow = gradient_flow(problem, regime, at=TIMES.tolist(), rtol=RTOL, estimate_error=False)
    inputs, classes = one_hot(told.modulus, unseen), sums(told.modulus, unseen)
    rows = [_row(state, inputs, classes) for state in flow.states]
    names = ("train accuracy", "test accuracy", "ahead", "margin", "bound")
    count = len(TIMES)
    return {
        "modulus": [told.modulus] * count,
        "log10_alpha": [told.log10_alpha] * count,
        "at": TIMES.tolist(),
        **{name: [row[k] for row in rows] for k, name in enumerate(names)},
        "ahead by machine": [_of_machine(problem, inputs, classes)] * count,
    }


def _row(state: FlowState, inputs: Floats, classes: Integers) -> tuple[float, ...]:
    """Accuracies, the share of wrong classes ahead of the true one, and the margin and its bound
    over gamma_1 / sqrt(3 (p-1)).
    """
    net = state.problem.net
    assert isinstance(net, TwoLayer)
    p = net.output_dim
    best = largest_margin(p, neurons_of(p, FEWEST_PHASES))
    margins = state.margins.reshape(-1, p - 1)
    smallest = float(margins.min() * np.exp(-3.0 * state.log_norm))
    bound = largest_margin(p, effective_neurons(neuron_norms(net, state.direction)))
    train = float((margins.min(axis=1) > 0).mean())
    return train, *_of_unseen(state.outputs(inputs), classes), smallest / best, bound / best


def _of_unseen(scores: Floats, classes: Integers) -> tuple[float, float]:
    if not len(classes):
        return -1.0, -1.0
    ahead = classes_ahead(scores, classes).mean() / (scores.shape[1] - 1)
    return float((lead(scores, classes) > 0).mean()), float(ahead)


def _of_machine(problem: Problem, inputs: Floats, classes: Integers) -> float:
    """The share of wrong classes that the kernel machine of the anchor has ahead."""
    if not len(classes):
        return -1.0
    gradients = np.asarray(problem.net.jacobian(problem.anchor, inputs))
    return _of_unseen(gradients @ kernel_svm(problem).weights, classes)[1]


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    p, seen = size.modulus, round(SEEN * size.modulus**2)
    found = []
    for log10 in size.log10_alphas:
        every = AdditionFlow(p, size.width, p**2, 0, log10, "difference")
        some = AdditionFlow(p, p**2, seen, 0, log10, "symmetric")
        found.append(Part(f"all-pairs-{log10:g}", partial(_compute, every)))
        found.append(Part(f"seen-pairs-{log10:g}", partial(_compute, some)))
    for modulus, width in size.moduli:
        count = round(SEEN * modulus**2)
        told = AdditionFlow(modulus, width, count, 0, ALPHA_BY_MODULUS, "difference")
        found.append(Part(f"modulus-{modulus}", partial(_compute, told)))
    return found


@dataclass(frozen=True)
class _Run:
    """Columns of one part."""

    columns: Mapping[str, Floats]

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name]

    def at(self, name: str, time: float) -> float:
        """A column at the last of the times that is not later."""
        return float(self[name][np.searchsorted(self["at"], time + 1e-9) - 1])

    def first(self, name: str, level: float) -> float:
        """The first time at which a column comes to a level, between those that are known."""
        above = np.flatnonzero(self[name] >= level)
        if not above.size:
            return inf
        known = slice(max(above[0] - 1, 0), above[0] + 1)
        return float(np.interp(level, self[name][known], self["at"][known]))

    @property
    def alpha(self) -> float:
        return float(self["log10_alpha"][0])


def _of_ten_neurons() -> float:
    """Their margin at p = 5 over gamma_1 / sqrt(3 (p-1))."""
    best = largest_margin(5, neurons_of(5, FEWEST_PHASES))
    return normalised_margin(*ten_neuron_net()) / best


def _runs(tables: Mapping[str, Table], kind: str) -> list[_Run]:
    return [
        _Run({key: np.array(column, dtype=np.float64) for key, column in table.items()})
        for name, table in tables.items()
        if name.startswith(kind)
    ]


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(11.0, 3.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_seen(left, _runs(tables, "seen-pairs"))
    _draw_margins(middle, _runs(tables, "all-pairs"))
    _draw_moduli(right, _runs(tables, "modulus"))
    for axes in (left, middle, right):
        axes.axvline(1.0, color="0.7", linewidth=0.8)
        axes.set_xlabel(r"$t / t_g$")
        axes.set_xlim(0.0, END)
    return figure


def _colors(count: int) -> Sequence[tuple[float, ...]]:
    return [tuple(color) for color in colormaps["viridis"](np.linspace(0.0, 0.88, count))]


def _draw_seen(axes: Axes, runs: Sequence[_Run]) -> None:
    for run, color in zip(runs, _colors(len(runs)), strict=True):
        label = rf"$\alpha = 10^{{{run.alpha:g}}}$"
        axes.plot(run["at"], run["train accuracy"], color=color, linewidth=2.5, alpha=0.5)
        axes.plot(run["at"], run["ahead"], color=color, linewidth=1.0, label=label)
        axes.plot(run["at"], run["test accuracy"], ":", color=color)
    predicted = runs[-1].at("ahead by machine", EARLY)
    axes.plot([0.0, 1.0], [predicted] * 2, "k--", linewidth=1.0, label="predicted, early")
    axes.plot([0.0, 1.0], [0.0, 0.0], "k--", linewidth=1.0)
    p = int(runs[0]["modulus"][0])
    axes.axhline(1.0 / p, color="0.6", linewidth=0.6)
    axes.set_title(
        f"p = {p}, 80 % of the pairs. Wide: train accuracy,\n"
        "thin: wrong classes ahead, dotted: test accuracy",
    )
    axes.legend(loc="center right")


def _draw_margins(axes: Axes, runs: Sequence[_Run]) -> None:
    for run, color in zip(runs, _colors(len(runs)), strict=True):
        axes.plot(run["at"], run["margin"], color=color)
        axes.plot(run["at"], run["bound"], ":", color=color, linewidth=0.8)
    axes.axhline(1.0, color="k", linestyle="--", linewidth=1.0, label="predicted, late")
    axes.set_ylim(-0.02, 1.25)
    axes.set_title(
        f"p = {int(runs[0]['modulus'][0])}, all pairs. Margin and (dotted) its bound\n"
        r"$\gamma_1 / \sqrt{M_{\mathrm{eff}}}$, over $\gamma_1 / \sqrt{3(p-1)}$",
    )
    axes.legend(loc="lower right")


def _draw_moduli(axes: Axes, runs: Sequence[_Run]) -> None:
    for k, run in enumerate(runs):
        color, p = f"C{k}", int(run["modulus"][0])
        axes.plot(run["at"], run["test accuracy"], color=color, label=f"p = {p}")
        axes.plot(run["at"], run["train accuracy"], "--", color=color, linewidth=0.8)
        axes.axhline(1.0 / p, color=color, linestyle=":", linewidth=0.6)
    axes.set_ylim(-0.02, 1.05)
    axes.set_title(
        r"$\alpha = 10^8$, 80 % of the pairs. Test accuracy," + "\n"
        "dashed: train accuracy, dotted: 1/p",
    )
    axes.legend()


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    seen, every = _runs(tables, "seen-pairs"), _runs(tables, "all-pairs")
    p = int(seen[0]["modulus"][0])
    train = min(run.at("train accuracy", EARLY) for run in seen)
    test = max(run.at("test accuracy", EARLY) for run in seen)
    largest, far = seen[-1], [run for run in every if run.alpha >= 8.0]
    predicted = largest.at("ahead by machine", EARLY)
    ahead = largest.at("ahead", EARLY)
    over = max(float((run["margin"] - run["bound"]).max()) for run in every)
    margins = [run.at("margin", END) for run in far]
    known = max(*margins, _of_ten_neurons() if p == 5 else 0.0)
    halves = [abs(run.first("margin", 0.5) - 1.0) for run in every]
    names = tuple(f"10^{run.alpha:g}" for run in every)
    moduli = _runs(tables, "modulus")
    small = [run for run in moduli if run["modulus"][0] <= 7]
    late = min(run.at("test accuracy", END) for run in small)
    found = [
        Outcome(
            "at 0.7 t_g all seen pairs are right and no other, at every alpha",
            (
                below("seen pairs that are wrong", 1.0 - train, 0.0),
                below("unseen pairs that are right", test, 0.0),
            ),
            "unseen pairs are guessed",
            (below("1/p, against the test accuracy", 1.0 / p, test),),
        ),
        Outcome(
            "at 0.7 t_g and the largest alpha as many classes are ahead as by the kernel machine",
            (below("difference of their shares", abs(ahead - predicted), 0.05),),
            "half of them are",
            (below("difference from 1/2", abs(ahead - 0.5), 0.05),),
        ),
        Outcome(
            "the margin is never above gamma_1 / sqrt(M_eff), and from alpha = 10^8 on within "
            "10 % of gamma_1 / sqrt(3 (p-1)) at 3 t_g",
            (
                below("margin less its bound", over, 1e-9),
                below("0.9, against the smallest margin", 0.9, min(margins)),
                below("largest margin", max(margins), 1.1),
            ),
            "it comes to gamma_1",
            (below("0.9 sqrt(3 (p-1)), against it", 0.9 * (3 * (p - 1)) ** 0.5, max(margins)),),
        ),
        Outcome(
            "gamma_1 / sqrt(3 (p-1)) is the largest margin",
            (below("largest that is known", known, 1.0 + 1e-9),),
            "gamma_1 / sqrt(4 (p-1)) is",
            (below("it over that", known * (4.0 / 3.0) ** 0.5, 1.0 + 1e-9),),
            expected="falsified",
        ),
        Outcome(
            "the larger alpha, the nearer to t_g is the margin at half of its maximum",
            ordered(names[::-1], tuple(halves[::-1])),
            "the transition stays as wide as it is",
            (below("distance at the smallest alpha", halves[0], halves[-1]),),
        ),
        Outcome(
            "from 80 % of the pairs the late phase generalises for p = 5 and 7",
            (below("1/2, against the smallest test accuracy at 3 t_g", 0.5, late),),
            "it generalises in full",
            (below("1, against it", 1.0, late),),
            expected="falsified",
        ),
    ]
    return found + [_of_eleven(run) for run in moduli if run["modulus"][0] == 11]


def _of_eleven(run: _Run) -> Outcome:
    early, late = run.at("test accuracy", EARLY), run.at("test accuracy", END)
    return Outcome(
        "from 80 % of the pairs of Z_11 most of the others are learned after t_g, and none before",
        (
            below("1/2, against the test accuracy at 3 t_g", 0.5, late),
            below("that at 0.7 t_g, against chance", early, 1.0 / 11.0),
        ),
        "they stay at chance",
        (below("test accuracy at 3 t_g", late, 1.0 / 11.0),),
    )


FIGURE = FigureSpec(
    name="modular-theorem",
    title="Addition mod p: what the theorems say of it",
    caption=(
        "Quadratic nets with an output for each residue, cross-entropy, lambda = 1/alpha, exact "
        "flow; one seed. Left: a net of p^2 neurons whose NTK knows only which summands agree, "
        "on 80 % of the pairs; predicted before t_g: a test accuracy of 0, and as many classes "
        "ahead of the true one as the kernel machine has. Middle: difference trick, all pairs; "
        "predicted after t_g: about gamma_1 / sqrt(3 (p-1)); nets at rest may have 2 to 4 % more. "
        "Right: difference trick, 80 % of the pairs. quick: p = 5, 16 neurons; right also p = 7. "
        "paper: p = 7, 24 neurons; right also p = 11 with 40."
    ),
    source="this project, of Lyu et al. (ICLR 2024), Theorems 3.4 and 3.5, and Morwani et al. "
    "(ICLR 2024)",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
