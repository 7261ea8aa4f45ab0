"""How a homogeneous net approaches its direction: slower the deeper it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from theory.backend import Floats
from theory.homogeneous import (
    LateHomogeneousFlow,
    direction_constant,
    exponent,
    late_homogeneous_flow,
)
from verify.language import (
    Basis,
    Claim,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.homogeneous import ActiveDiagonal, active_diagonals

RISES = np.array([1e3, 1e4, 1e5])


@dataclass(frozen=True, eq=False)
class Directions:
    """|theta / |theta| - limit|, and the sine of theta and -grad loss, at `RISES`."""

    told: ActiveDiagonal
    distance: Quantity
    sine: Quantity

    @property
    def stratum(self) -> str:
        return f"degree {self.told.degree}"

    @property
    def constant(self) -> float:
        told = self.told
        u, v = np.split(told.problem.anchor, 2)
        return direction_constant(told.limit, told.residual, u, v, told.degree)


def distances(limit: Floats, flow: LateHomogeneousFlow, states: Floats) -> Floats:
    phi = flow.direction(states)
    return np.asarray(np.linalg.norm(phi / np.linalg.norm(phi, axis=1)[:, None] - limit, axis=1))


def measure(told: ActiveDiagonal, slowed: float = 1.0, method: str = "LSODA") -> Directions:
    """The flow; in a wrong world the first copies have another learning rate."""
    rates = np.ones(2 * len(told.weights))
    rates[: len(told.weights)] = slowed
    flow = late_homogeneous_flow(told.problem, RISES, rates=rates, method=method)
    winners = np.sign(told.limit) * np.abs(told.limit) ** (1.0 / told.degree)
    limit = np.concatenate([np.maximum(winners, 0.0), np.maximum(-winners, 0.0)])
    limit = limit / np.linalg.norm(limit)
    states = flow.flow
    gap = Quantity.paired(partial(distances, limit, flow), states.tight, states.loose, 1e-10)
    sine = Quantity.paired(lambda s: flow.readings(s)[2], states.tight, states.loose, 1e-8)
    return Directions(told, gap, sine)


Exponent = Callable[[int], float]


def one(_: int) -> float:
    return 1.0


def two(_: int) -> float:
    return 2.0


def whole(degree: int) -> float:
    return float(degree)


def inverse(degree: int) -> float:
    return 2.0 / degree


@dataclass(frozen=True)
class Theory:
    """The distance is factor K |theta|^-mu, and |theta| like x^power/D."""

    mu: Exponent = choice(
        exponent,
        one=(one, "1 / |theta| for every degree"),
        two=(two, "1 / |theta|^2 for every degree"),
        log=(whole, "1 / log t for every degree"),
        inverse=(inverse, "|theta|^(-2/D)"),
    )
    factor: float = stated(1.0, half=(0.5, "half of K"), twice=(2.0, "2 K"))
    tilt: float = stated(1.0, half_tilt=(0.5, "a sine of half as much"))


def laws(measured: Directions, theory: Theory) -> Iterator[Law]:
    degree, mu = measured.told.degree, theory.mu(measured.told.degree)
    predicted = theory.factor * measured.constant * RISES ** (-mu / degree)
    ladder = Ladder.of("distance to the limit", "log(1/L)", RISES, measured.distance, predicted)
    late = ladder.deviation[-1:]
    yield below("distance over its prediction, at L = e^-100000", late, 0.03, Basis.MEASURED)
    yield ladder.rate(
        "exponent of the distance",
        -mu / degree,
        0.01,
        along=np.log10(RISES),
        stratum=measured.stratum,
    )
    tilt = abs(measured.sine / measured.distance / (theory.tilt * mu) - 1.0)[-1:]
    yield below("sine over distance, over mu", tilt, 0.03, Basis.MEASURED)


@dataclass(frozen=True)
class LogTheory:
    """The distance is like (log t)^-power."""

    power: float = stated(
        1.0,
        square=(2.0, "1 / log^2 t"),
        cube=(3.0, "1 / log^3 t"),
        three_halves=(1.5, "(log t)^(-3/2)"),
        root=(0.5, "1 / sqrt(log t)"),
        constant=(0.0, "not at all"),
    )


def log_laws(measured: Directions, theory: LogTheory) -> Iterator[Law]:
    found = measured.distance * RISES**theory.power
    change = abs(np.log(found.values[-1] / found.values[0]))
    yield below("log of the change of distance over its order", change, np.log(1.5), Basis.MEASURED)


def _measurement(name: str, families: tuple[str, ...]) -> Measurement[ActiveDiagonal, Directions]:
    return Measurement(
        name,
        ActiveDiagonal,
        families,
        active_diagonals,
        measure,
        in_words(
            "as many samples as inputs, all on the margin with positive multipliers",
            "a start near the limit, where its margins even out",
            "exponential loss",
        ),
        sabotaged={"first copies at half the rate": lambda told: measure(told, slowed=0.5)},
        independent=lambda told: measure(told, method="Radau"),
    )


CLAIMS = (
    Claim(
        id="homogeneous-direction",
        title="Diagonal nets approach their direction like (log t)^(-1/D) from degree 3 on",
        statement=(
            r"\left\| \frac{\theta}{\|\theta\|} - \bar\theta \right\| \sim K (\log t)^{-\mu/D},"
            r" \quad \sin(\theta, -\nabla \ell) \sim \mu K (\log t)^{-\mu/D}, \quad"
            r" \mu = 2 \ (D = 2), \ 1 \ (D > 2)"
        ),
        source=source_of("homogeneous-direction"),
        measurement=_measurement("late-directions", ("degree-2", "degree-3", "degree-4")),
        theory=Theory(),
        laws=laws,
        tolerances=(
            "distance, and sine: 3 % at L = e^-100000; corrections are x^(-(D-2)/D), 0.02 for "
            "D = 3, times (v/u)^(D-2) at the start; 1.3 % at most on 80 other nets",
            "exponent: 0.01, the same corrections between x = 1e3 and 1e5; 0.004 at most there",
        ),
    ),
    Claim(
        id="homogeneous-direction-like-one-over-log-t",
        title="As often read: homogeneous nets approach their direction like 1 / log t",
        statement=(r"\left\| \frac{\theta}{\|\theta\|} - \bar\theta \right\| = \Theta(1 / \log t)"),
        source=source_of("homogeneous-direction-like-one-over-log-t"),
        measurement=_measurement("late-deep-directions", ("degree-3", "degree-4")),
        theory=LogTheory(),
        laws=log_laws,
        tolerances=("a factor 1.5 while log t grows from 1e3 to 1e5",),
        expected="falsified",
    ),
)
