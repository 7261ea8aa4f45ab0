"""Learning a multiplication table from some of its entries: the memorised ones first, then all."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import log
from typing import Final, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from theory.backend import Floats
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.outcomes import Outcome, below, ordered

Mask: TypeAlias = NDArray[np.bool_]

ALPHA: Final = 10.0
DECAYS: Final = {"quick": 1e-3, "paper": 1e-4}
SEED: Final = 0
MOMENTS: Final = 80

SIZES: Final = {"quick": 23, "paper": 97}
SHARES: Final = {"quick": (0.1, 0.2, 0.4), "paper": (0.05, 0.1, 0.2)}
LAST: Final = {"quick": 2.5, "paper": 4.0}
"""In units of t_g; with 5 % observed at alpha = 10 the transition ends after 2.5 t_g only."""

MOVED: Final = 0.9
"""Of the unseen error: what is left once they have begun to move."""

STABILITY: Final = 0.6
"""Step times 8 alpha^2 / n, the largest eigenvalue of the initial kernel: below 2 is stable, and
the rest is for the growth of W."""


def table_of(size: int) -> Floats:
    """i j / size^2, 1 <= i, j <= size: rank one, root mean square about 1/3."""
    indices = np.arange(1.0, size + 1.0)
    return np.asarray(np.outer(indices, indices) / size**2)


def observed_pairs(size: int, share: float) -> Mask:
    """A random mask of ordered pairs, shape `(size, size)`, boolean."""
    generator = np.random.default_rng(SEED)
    count = round(share * size * size)
    mask = np.zeros(size * size, dtype=bool)
    mask[generator.permutation(size * size)[:count]] = True
    return mask.reshape(size, size)


def descend(size: int, share: float, decay: float, last: float) -> Table:
    """Gradient descent with weight decay on W = U U^T - V V^T from U = V = alpha I.

    The loss is (1/n) sum (W - M)^2 / 2 over observed ordered pairs. Relative mean squares, on
    observed entries and on those whose mirror image is unobserved too.
    """
    target, observed = table_of(size), observed_pairs(size, share)
    unseen = ~(observed | observed.T)
    first, second = ALPHA * np.eye(size), ALPHA * np.eye(size)
    count = int(observed.sum())
    length = STABILITY * count / (8.0 * ALPHA**2)
    grokking_time = log(ALPHA) / decay
    steps = int(last * grokking_time / length)
    due = {round(k * steps / MOMENTS) for k in range(1, MOMENTS + 1)}
    weights = (observed.astype(float) + observed.T) * length / count
    rows: Table = {"time over t_g": [], "observed": [], "unseen": [], "share": []}
    shrink = 1.0 - length * decay
    for step in range(1, steps + 1):
        error = first @ first.T - second @ second.T - target
        pull = weights * error
        first, second = shrink * first - pull @ first, shrink * second + pull @ second
        if step in due:
            error = first @ first.T - second @ second.T - target
            rows["time over t_g"].append(step * length / grokking_time)
            rows["observed"].append(_relative(error, target, observed))
            rows["unseen"].append(_relative(error, target, unseen))
            rows["share"].append(share)
    return rows


def _relative(error: Floats, target: Floats, where: Mask) -> float:
    return float((error[where] ** 2).sum() / (target[where] ** 2).sum())


def transition(size: int, share: float) -> float:
    """t* / t_g = 1 - log(|h| / |anchor|) / (L log alpha), h the least-norm kernel regression.

    At U = V = I the kernel is diagonal: 4 for i != j, 8 for i = j, per unordered pair.
    """
    target, observed = table_of(size), observed_pairs(size, share)
    seen = np.triu(observed | observed.T)
    kernel = np.where(np.eye(size) > 0, 8.0, 4.0)
    squared = float((target[seen] ** 2 / kernel[seen]).sum())
    ratio = np.sqrt(squared / (2.0 * size))
    return float(1.0 - np.log(ratio) / (2.0 * log(ALPHA)))


def parts(preset: str) -> list[Part]:
    size, decay, last = SIZES[preset], DECAYS[preset], LAST[preset]
    return [
        Part(f"{size} x {size}, {share:.0%} observed", partial(descend, size, share, decay, last))
        for share in SHARES[preset]
    ]


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    for k, (name, table) in enumerate(tables.items()):
        size, share, colour = int(name.split(" x ")[0]), float(table["share"][0]), f"C{k}"
        axes.semilogy(table["time over t_g"], table["unseen"], color=colour, label=name)
        axes.semilogy(table["time over t_g"], table["observed"], color=colour, ls=":")
        axes.axvline(transition(size, share), color=colour, lw=0.8, ls="--")
    axes.axvline(1.0, color="0.6", lw=0.8)
    axes.set_xlabel("time / t_g,  t_g = log(alpha) / lambda")
    axes.set_ylabel("relative mean squared error")
    axes.set_ylim(1e-8, 3.0)
    axes.legend(title="solid: unseen, dotted: observed,\ndashed: predicted transition")
    figure.suptitle("A multiplication table from some of its entries")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    """What is fitted and what is not at t_g / 2, when unseen entries move, and where they end."""
    fitted, unmoved, early, late, double, ends = [], [], [], [], [], []
    for name, table in tables.items():
        times, observed, unseen = (
            np.asarray(table[key], dtype=float) for key in ("time over t_g", "observed", "unseen")
        )
        half = times <= 0.5
        fitted.append(float(observed[half].max()))
        unmoved.append(float(1.0 - unseen[half].min()))
        predicted = transition(int(name.split(" x ")[0]), float(table["share"][0]))
        # unseen falls: reversed, as interpolation asks for rising points
        moved = float(np.interp(MOVED, unseen[::-1], times[::-1]))
        early.append(0.5 * predicted - moved)
        late.append(moved - predicted)
        double.append(2.0 * predicted - moved)
        ends.append(float(unseen[-1]))
    names = tuple(tables)
    return (
        Outcome(
            "up to t_g / 2 observed entries are fitted and unseen ones are left at zero",
            (
                below("error of observed", max(fitted), 1e-3),
                below("error lost of unseen", max(unmoved), 0.02),
            ),
            "unseen entries are learned with the observed ones",
            (below("error kept of unseen", 1.0 - max(unmoved), 0.5),),
        ),
        Outcome(
            "a tenth of the unseen error is gone by the predicted transition, not by half of it",
            (
                below("later than predicted, in t_g", max(late), 0.0),
                below("earlier than half of it", max(early), 0.0),
            ),
            "it takes twice the predicted time at least",
            (below("earlier than twice as late", max(double), 0.0),),
        ),
        Outcome(
            "the more entries are observed, the less is wrong of the others at the end",
            ordered(names[::-1], tuple(ends[::-1])),
            "the less",
            ordered(names, tuple(ends)),
        ),
    )


FIGURE = FigureSpec(
    name="multiplication-table",
    title="Grokking a multiplication table",
    caption=(
        "Gradient descent on U U^T - V V^T from U = V = 10 I with weight decay. "
        "Observed entries are fitted at once; unseen ones, where (j, i) is unseen too, stay at "
        "zero until about the predicted transition and then follow the least nuclear norm. "
        + "; ".join(
            f"{preset}: {SIZES[preset]} x {SIZES[preset]}, decay {DECAYS[preset]:g}"
            for preset in SIZES
        )
        + "."
    ),
    source="Lyu et al. (ICLR 2024), matrix completion",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
