"""Matrix factorisation from a vanishing start: how long it is of rank one, and how nearly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.plain_flow import plain_flow
from theory.saddles import leading_distance, matrix_flow
from verify.language import (
    Claim,
    Ladder,
    Law,
    Measurement,
    Quantity,
    choice,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.saddles import LARGEST_ALPHA, RankTask, rank_tasks

ALPHAS = LARGEST_ALPHA * 10.0 ** -np.array([0.0, 2.0, 4.0, 6.0])


@dataclass(frozen=True, eq=False)
class Ranks:
    """|U U' - its first mode| at T(alpha), for `ALPHAS`, `(4,)`, and to leading order."""

    told: RankTask
    distances: Quantity
    leading: Floats


def beyond_first(product: Floats) -> float:
    rest = product.copy()
    rest[0, 0] = 0.0
    return float(np.linalg.norm(rest))


def measure(told: RankTask, second: float = 1.0) -> Ranks:
    """By the closed form; in a wrong world all but the first eigenvalue are other than told."""
    values, start = np.array(told.eigenvalues), told.start
    moved = values * np.append(1.0, np.full(len(values) - 1, second))
    pairs = list(zip(ALPHAS, map(told.time, ALPHAS), strict=True))
    found = np.array([beyond_first(matrix_flow(moved, a * start, t)) for a, t in pairs])
    leading = np.array([leading_distance(values, a * start, t) for a, t in pairs])
    return Ranks(told, Quantity.rounded(found, found, 1e3), leading)


def by_integration(told: RankTask) -> Ranks:
    """By following U itself."""
    values, start = np.array(told.eigenvalues), told.start

    def field(_: float, flat: Floats) -> Floats:
        u = flat.reshape(start.shape)
        return np.asarray((values[:, None] * u - u @ (u.T @ u)).ravel())

    found = []
    for alpha, time in zip(ALPHAS, map(told.time, ALPHAS), strict=True):
        last = plain_flow(field, alpha * start.ravel(), [time]).tight[0].reshape(start.shape)
        found.append(beyond_first(last @ last.T))
    return Ranks(told, Quantity.of(found, 1e-8 * np.array(found) + 1e-9), measure(told).leading)


Exponent = Callable[[float, float], float]


def gap(first: float, second: float) -> float:
    return 1.0 - second / first


def quarter(first: float, second: float) -> float:
    return (first - second) / (4.0 * first)


def difference(first: float, second: float) -> float:
    return first - second / 2.0


def square(first: float, second: float) -> float:
    return 1.0 - (second / first) ** 2


@dataclass(frozen=True)
class Theory:
    """The distance is factor K alpha^(times exponent)."""

    exponent: Exponent = choice(
        gap,
        quarter=(quarter, "(mu_1 - mu_2) / (4 mu_1), as a bound has it"),
        difference=(difference, "mu_1 - mu_2 / 2"),
        square=(square, "1 - (mu_2 / mu_1)^2"),
        one=(lambda first, second: 1.0, "alpha itself"),
    )
    times: float = stated(1.0, twice=(2.0, "2 (1 - mu_2/mu_1)"), half=(0.5, "half of it"))
    factor: float = stated(1.0, root=(2.0**-0.5, "K / sqrt(2)"), twice_k=(2.0, "2 K"))


def laws(measured: Ranks, theory: Theory) -> Iterator[Law]:
    first, second = measured.told.eigenvalues[:2]
    truth = gap(first, second)
    power = theory.times * theory.exponent(first, second)
    predicted = theory.factor * measured.leading * ALPHAS ** (power - truth)
    ladder = Ladder.of("distance from rank one", "alpha", ALPHAS, measured.distances, predicted)
    yield ladder.approaches("distance from rank one approaches its prediction", truth, factor=4.0)
    yield ladder.rate("exponent in alpha", power, 0.03, along=np.log10(ALPHAS))


CLAIM = Claim(
    id="greedy-low-rank",
    title="From alpha U0 a factorisation is of rank one up to alpha^(1 - mu_2/mu_1)",
    statement=(
        r"U' = (A - UU^\top) U, \ U(0) = \alpha U_0: \quad \| UU^\top - m\, e_1 e_1^\top \| = K"
        r" \alpha^{1 - \mu_2/\mu_1} (1 + o(1)) \quad \text{at} \quad T = \frac{1}{\mu_1}"
        r" \log\frac{1}{\alpha \|u_1\|} + c"
    ),
    source=source_of("greedy-low-rank"),
    measurement=Measurement(
        "greedy-rank",
        RankTask,
        ("full",),
        rank_tasks,
        measure,
        in_words(
            "every entry observed",
            "mu_2 <= 3/4 mu_1",
            "U0 generic: what leads is four times what comes next at the largest alpha",
        ),
        sabotaged={"smaller other eigenvalues": lambda told: measure(told, second=0.9)},
        independent=by_integration,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "order of what is left: 1 - mu_2/mu_1, with the constant of the two largest alpha, times 4",
        "exponent: 0.03 in the median",
    ),
)
