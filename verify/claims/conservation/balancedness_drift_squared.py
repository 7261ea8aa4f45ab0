"""The drift of balance of layers as often read: of order eta^2, which is right for one step."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verify.claims.conservation.drift import DRIFT, Drift
from verify.language import Claim, Law, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory:
    """The drift after a fixed time is at most of this order in eta."""

    order: float = stated(
        2.0,
        third_order=(3.0, "eta^3"),
        three_halves=(1.5, "eta^(3/2)"),
        four_thirds=(1.33, "eta^(4/3)"),
        fourth_order=(4.0, "eta^4"),
        five_halves=(2.5, "eta^(5/2)"),
    )


def laws(measured: Drift, theory: Theory) -> Iterator[Law]:
    ladder = measured.ladder(np.full_like(measured.drifts, np.nan))
    yield ladder.falls("drift falls at this order", theory.order, factor=1.5)
    yield ladder.rate("order in eta", theory.order, 0.05, along=np.log10(measured.etas))


CLAIM = Claim(
    id="balancedness-drift-squared",
    title="As often read: after a fixed time gradient descent is out of balance at order eta^2",
    statement=r"D_l(t) - e^{-2\lambda t} D_l(0) = O(\eta^2), \quad t = k\eta",
    source=source_of("balancedness-drift-squared"),
    measurement=DRIFT,
    theory=Theory(),
    laws=laws,
    tolerances=("order: 0.05", "bound: the constant of the two largest steps, times 1.5"),
    expected="falsified",
)
