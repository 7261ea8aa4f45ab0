"""Matrix completion from a vanishing start: how nearly it follows one trajectory of rank one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.saddles import RankOne, masked_flow
from verify.language import Claim, Ladder, Law, Measurement, Quantity, choice, in_words, stated
from verify.registry import source_of
from verify.strategies.saddles import LARGEST_ALPHA, MASKED_FAMILIES, MaskedTask, masked_tasks

ALPHAS = LARGEST_ALPHA * 10.0 ** -np.array([0.0, 0.75, 1.5, 2.25])

SEEN = 0.01
"""Off the leading term at the largest alpha; where it is less, rungs after it are soon exact."""


@dataclass(frozen=True, eq=False)
class Completed:
    """|U U' - u u'| at T(alpha), for `ALPHAS`, `(4,)`, and to leading order."""

    told: MaskedTask
    trajectory: RankOne
    distances: Quantity
    leading: Floats


def measure(
    told: MaskedTask, observed: bool = False, method: str = "DOP853", rtol: float = 1e-12
) -> Completed:
    """By following U; in a wrong world every entry is observed."""
    trajectory, start, matrix = told.trajectory, told.start, told.matrix
    mask = np.ones_like(matrix) if observed else told.mask
    limit = np.outer(trajectory.weights, trajectory.weights)

    def distance(states: Floats) -> float:
        factor = states[0].reshape(start.shape)
        return float(np.linalg.norm(factor @ factor.T - limit))

    flows = [
        masked_flow(
            matrix,
            mask,
            alpha * start,
            trajectory.time(alpha, start),
            method=method,
            rtol=rtol,
        )
        for alpha in ALPHAS.tolist()
    ]
    pairs = [Quantity.paired(distance, flow.tight, flow.loose, 1e-11) for flow in flows]
    leading = np.array([trajectory.leading(alpha, start) for alpha in ALPHAS.tolist()])
    # the trajectory is integrated to 1e-12 as well
    distances = Quantity.joined(pairs).no_finer(1e-11)
    return Completed(told, trajectory, distances, leading)


Exponent = Callable[[Completed], float]


def gap(measured: Completed) -> float:
    first, second = measured.trajectory.values[:2].tolist()
    return float(1.0 - second / first)


def floored(measured: Completed) -> float:
    return min(gap(measured), 1.0)


def of_matrix(measured: Completed) -> float:
    first, second = np.linalg.eigvalsh(measured.told.matrix)[:-3:-1].tolist()
    return float(1.0 - second / first)


def square(measured: Completed) -> float:
    return 1.0 - (1.0 - gap(measured)) ** 2


@dataclass(frozen=True)
class Theory:
    """The distance is factor K alpha^(times exponent)."""

    exponent: Exponent = choice(
        gap,
        floored=(floored, "1 - max(mu_2, 0) / mu_1"),
        of_matrix=(of_matrix, "eigenvalues of A, of which not every entry is observed"),
        quarter=(lambda measured: gap(measured) / 4.0, "(mu_1 - mu_2) / (4 mu_1)"),
        square=(square, "1 - (mu_2 / mu_1)^2"),
    )
    times: float = stated(1.0, twice=(2.0, "2 (1 - mu_2/mu_1)"), half=(0.5, "half of it"))
    factor: float = stated(1.0, root=(2.0**-0.5, "K / sqrt(2)"), twice_k=(2.0, "2 K"))


def laws(measured: Completed, theory: Theory) -> Iterator[Law]:
    truth = gap(measured)
    power = theory.times * theory.exponent(measured)
    predicted = theory.factor * measured.leading * ALPHAS ** (power - truth)
    ladder = Ladder.of("distance from rank one", "alpha", ALPHAS, measured.distances, predicted)
    # after alpha^(2 (1 - mu_2/mu_1)) comes alpha^2, by which the trajectory is reached later
    law = "distance from rank one approaches its prediction"
    yield ladder.approaches(law, min(truth, 2.0 - truth), factor=4.0, at_least=SEEN)
    yield ladder.rate("exponent in alpha", power, 0.03, along=np.log10(ALPHAS))


CLAIM = Claim(
    id="greedy-completion",
    title="Completion from alpha U0 is on a trajectory of rank one up to alpha^(1 - mu_2/mu_1)",
    statement=(
        r"U' = (A - UU^\top)_M U, \ U(0) = \alpha U_0: \quad \| UU^\top - u u^\top \| = K"
        r" \alpha^{1 - \mu_2/\mu_1} (1 + o(1)) \quad \text{at} \quad T = \frac{1}{\mu_1}"
        r" \log\frac{1}{\alpha \|U_0^\top e_1\|} + c, \quad \mu_j \text{ of } A_M"
    ),
    source=source_of("greedy-completion"),
    measurement=Measurement(
        "greedy-completion",
        MaskedTask,
        MASKED_FAMILIES,
        masked_tasks,
        measure,
        in_words(
            "the diagonal observed, other entries or not",
            "-1/2 <= mu_2 / mu_1 <= 3/4",
            "U0 generic: at the largest alpha the second mode is four times what comes next",
        ),
        sabotaged={"every entry is observed": lambda told: measure(told, observed=True)},
        independent=lambda told: measure(told, method="LSODA", rtol=1e-10),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "order of what is left: 1 - mu_2/mu_1, or 1 + mu_2/mu_1 where that is less, with the "
        "constant of the two largest alpha, of 1 % at least, times 4",
        "exponent: 0.03 in the median",
    ),
)
