"""Gradient descent of u.v / sqrt(m) on one sample is a map of two numbers, at every width."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.catapult import net_start, net_state, net_step
from verify.language import (
    Basis,
    Claim,
    Kind,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    equals,
    in_words,
    not_applicable,
    stated,
    unresolved,
)
from verify.registry import source_of
from verify.strategies.catapult import NetStart, net_starts

COMPARED = 30
LIMIT = 50_000
GONE, LARGE = 1e-24, 1e6


@dataclass(frozen=True, eq=False)
class Descent:
    """k and z of the first steps, `(T, 2)`; k at the end; whether z went to 0.

    `converged` is None where `LIMIT` steps do not tell: from k next to 2 convergence is slow.
    """

    told: NetStart
    states: Floats
    last: float
    converged: bool | None


def measure(told: NetStart, factor: float = 1.0) -> Descent:
    """Descent of the net itself; in a wrong world its step is another than told."""
    u, v = net_start(told.k, told.z, told.width, told.eta, told.seed)
    states = [net_state(u, v, told.eta)]
    for _ in range(LIMIT):
        u, v = net_step(u, v, factor * told.eta)
        states.append(net_state(u, v, told.eta))
        k, z = states[-1]
        if z > LARGE or (z < GONE and k < 2.0):
            break
    k, z = states[-1]
    converged = True if z < GONE else False if z > LARGE else None
    return Descent(told, np.array(states[: COMPARED + 1]), k, converged)


@dataclass(frozen=True)
class Map:
    """k+ = k + gain z (k - edge) (1 + 1/m), z+ = z (1 - slope k + back z)^2."""

    edge: float = stated(4.0, two=(2.0, "k + z (k - 2)"))
    gain: float = stated(1.0, half=(0.5, "half of the change of k"), frozen=(0.0, "a fixed k"))
    slope: float = stated(1.0, half_slope=(0.5, "1 - k/2 + z"))
    back: float = stated(1.0, lazy=(0.0, "(1 - k)^2, the lazy step"))
    width: float = stated(0.0, width=(1.0, "1 + 1/m times the change of k"))


def map_laws(measured: Descent, theory: Map) -> Iterator[Law]:
    k, z = measured.states[:-1].T
    change = theory.gain * z * (k - theory.edge) * (1.0 + theory.width / measured.told.width)
    predicted = np.stack([k + change, z * (1.0 - theory.slope * k + theory.back * z) ** 2])
    # u.v adds up terms as large as k, however small sqrt(z) is
    size = np.stack([k + z * (k + 4.0), k * np.sqrt(z) * (1.0 + k + z) ** 2])
    found = (measured.states[1:].T - predicted) / size
    yield equals(
        "step less that of the map", Quantity.rounded(found.ravel(), 1.0, 64.0), 0.0, 1e-12
    )


Bound = Callable[[NetStart], float]


def two(_: NetStart) -> float:
    return 2.0


@dataclass(frozen=True)
class Threshold:
    """Converges for k < threshold (1 + width / m), to k <= limit."""

    threshold: float = stated(
        4.0, two=(2.0, "2, as with a fixed curvature"), three=(3.0, "3"), six=(6.0, "6")
    )
    width: float = stated(0.0, wider=(1.0, "4 (1 + 1/m)"), narrower=(-0.5, "4 (1 - 1/(2m))"))
    limit: Bound = choice(
        two,
        mirrored=(lambda told: 4.0 - told.k, "4 - k"),
        lower=(lambda told: told.k - 2.0, "k - 2"),
        one=(lambda _: 1.0, "1"),
    )


@dataclass(frozen=True)
class Fixed(Threshold):
    """The threshold of a fixed curvature."""

    threshold: float = stated(
        2.0, one=(1.0, "1"), three=(3.0, "3"), half=(2.5, "2.5"), three_halves=(1.5, "1.5")
    )
    width: float = stated(0.0, narrower=(-0.5, "2 (1 - 1/(2m))"))
    limit: Bound = two


OUTCOME = "converges below the threshold only"
LAST = "k at the end less its bound"


def threshold_laws(measured: Descent, theory: Threshold) -> Iterator[Law]:
    told = measured.told
    if measured.converged is None:
        for law, kind in ((OUTCOME, Kind.EQUALS), (LAST, Kind.BELOW)):
            yield unresolved(law, kind, f"{LIMIT} steps do not tell whether it converges")
        return
    below_threshold = told.k < theory.threshold * (1.0 + theory.width / told.width)
    found = Quantity.of(float(measured.converged), 0.0)
    yield equals(OUTCOME, found, float(below_threshold), 0.5)
    if measured.converged:
        over = Quantity.rounded(measured.last - theory.limit(told), 1.0, 1e4)
        yield below(LAST, over, 1e-9, Basis.DERIVED)
    else:
        yield not_applicable(LAST, Kind.BELOW, "it diverges")


NETS = Measurement(
    "catapult-descent",
    NetStart,
    ("converging", "diverging"),
    net_starts,
    measure,
    in_words("one sample", "target 0", "two linear layers", "full-batch descent"),
    sabotaged={"steps that make k 8 - k": lambda told: measure(told, factor=8.0 / told.k - 1.0)},
)
CLAIMS = (
    Claim(
        id="catapult-map",
        title="Descent of u.v on one sample is a map of curvature and loss, at every width",
        statement=(
            r"z^+ = z (1 - k + z)^2, \quad k^+ = k + z (k - 4), \quad"
            r" k = \frac{\eta}{m} (\|u\|^2 + \|v\|^2), \ z = \frac{\eta^2 f^2}{m}"
        ),
        source=source_of("catapult-map"),
        measurement=NETS,
        theory=Map(),
        laws=map_laws,
        tolerances=(
            "step: 1e-12 of the terms that it adds up; sums over 1000 neurons round to 1e-13",
        ),
    ),
    Claim(
        id="catapult-threshold",
        title="Descent converges for k < 4 and diverges for k > 4, at every width, to k <= 2",
        statement=(
            r"k_0 < 4 \Rightarrow f \to 0, \ k_\infty \le 2; \quad k_0 > 4 \Rightarrow |f| \to"
            r" \infty \text{ but for a null set}"
        ),
        source=source_of("catapult-threshold"),
        measurement=NETS,
        theory=Threshold(),
        laws=threshold_laws,
        tolerances=(
            "outcome: exact, an eighth away from 4",
            "k at the end: 1e-9 for rounding over at most 50000 steps",
        ),
    ),
    Claim(
        id="catapult-threshold-of-fixed-curvature",
        title="As often read: descent diverges once the step exceeds 2 over the curvature",
        statement=r"k_0 > 2 \Rightarrow |f| \to \infty",
        source=source_of("catapult-threshold-of-fixed-curvature"),
        measurement=NETS,
        theory=Fixed(),
        laws=threshold_laws,
        tolerances=("outcome: exact",),
        expected="falsified",
    ),
)
