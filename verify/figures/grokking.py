"""Grokking: three relevant coordinates among many, which the L1 margin finds and L2 does not."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from verify.figures import sparse_and_wide
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.outcomes import Outcome, below
from verify.figures.sparse_and_wide import at_time, shared_outcomes, sparse_task

SIZES = {"quick": (4000, 128), "paper": (100_000, 256)}
"""input_dim and samples."""


def parts(preset: str) -> list[Part]:
    input_dim, samples = SIZES[preset]
    return sparse_and_wide.parts(lambda: sparse_task(input_dim, samples))


def draw(tables: Mapping[str, Table]) -> Figure:
    return sparse_and_wide.draw(
        tables, "Grokking: sparse labels", "after t*: towards the L1 max-margin classifier"
    )


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    reached = min(at_time(table, 1.0) for table in tables.values())
    plateau = max(float(table["SVM test accuracy"][0]) for table in tables.values())
    return (
        *shared_outcomes(tables),
        Outcome(
            "at t_g at least 98 % of the test labels are right",
            (below("wrong", 1.0 - reached, 0.02),),
            "no more than the L2 max-margin classifier has right",
            (below("right", reached, plateau),),
        ),
    )


FIGURE = FigureSpec(
    name="grokking",
    title="Grokking of a diagonal net on sparse labels",
    caption=(
        "A diagonal net of degree 2 on x uniform on {-1, 1}^d, labels the majority of 3 of them, "
        "|theta(0)| = 128, lambda = 0.001, exact flow. Test accuracy in closed form. Dotted: the "
        "accuracy of the L2 max-margin classifier, predicted before the transition; dashed: the "
        "predicted transition; grey: t_g. "
        + "; ".join(f"{preset}: d = {d}, n = {n}" for preset, (d, n) in SIZES.items())
        + "."
    ),
    source="Lyu et al. (ICLR 2024), grokking of sparse linear classification",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
