"""Misgrokking: a large L2 margin that the kernel machine finds and the L1 margin loses."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from verify.figures import sparse_and_wide
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.outcomes import Outcome, below
from verify.figures.sparse_and_wide import TIMES, at_time, shared_outcomes, wide_margin_task

SIZES = {"quick": (4000, 32, 10.0), "paper": (100_000, 256, 25.0)}
"""input_dim, samples and gamma; at d = 4000 the paper's gamma = 25 is too easy to be lost."""


def parts(preset: str) -> list[Part]:
    input_dim, samples, margin = SIZES[preset]
    return sparse_and_wide.parts(lambda: wide_margin_task(input_dim, samples, margin))


def draw(tables: Mapping[str, Table]) -> Figure:
    return sparse_and_wide.draw(
        tables, "Misgrokking: data of large L2 margin", "after t*: towards L1, which is sparse"
    )


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    reached = max(at_time(table, TIMES[-1]) for table in tables.values())
    plateau = min(float(table["SVM test accuracy"][0]) for table in tables.values())
    return (
        *shared_outcomes(tables),
        Outcome(
            f"at {TIMES[-1]:g} t_g a tenth of what the L2 machine has right is lost",
            (below("right", reached, 0.9 * plateau),),
            "nothing is lost, as the training data stay right",
            (below("lost", plateau - reached, 0.01),),
        ),
    )


FIGURE = FigureSpec(
    name="misgrokking",
    title="Misgrokking of a diagonal net on data of large L2 margin",
    caption=(
        "A diagonal net of degree 2 on x = z + (gamma/2) y w*, y = sign <z, w*>, z normal, "
        "|theta(0)| = 128, lambda = 0.001, exact flow. Test accuracy in closed form. Dotted: the "
        "accuracy of the L2 max-margin classifier, predicted before the transition; dashed: the "
        "predicted transition; grey: t_g. "
        + "; ".join(
            f"{preset}: d = {d}, n = {n}, gamma = {g:g}" for preset, (d, n, g) in SIZES.items()
        )
        + "."
    ),
    source="Lyu et al. (ICLR 2024), misgrokking of large-margin classification",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
