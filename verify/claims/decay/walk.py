"""Small weight decay of two-layer nets: a walk on interpolators, and the misfit that it leaves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.integrate import OdeSolution

from theory.backend import Floats
from theory.decay import Walk, decayed_misfit, net_flow, slow_walk
from theory.plain_flow import PlainFlow
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
from verify.strategies.decay import WALK_FAMILIES, DecayedTwoLayer, decayed_two_layer

DECAYS = np.array([2e-3, 8e-4, 3e-4])
LONG = 1e4
"""When a net without decay has ended."""

FARTHEST = 2.0
"""Times s, which the walk is followed to."""


@dataclass(frozen=True, eq=False)
class Walked:
    """Flows at t = s / lambda, for `DECAYS`; where the flow without decay ends, and the walk."""

    told: DecayedTwoLayer
    flows: tuple[PlainFlow, ...]
    walk: Walk

    def read(self, reading: Callable[[Floats, OdeSolution, float], float]) -> Quantity:
        """One number of theta and of the walk at each decay."""
        pairs = []
        for flow, decay in zip(self.flows, DECAYS.tolist(), strict=True):
            tight = reading(flow.tight[0], self.walk.tight, decay)
            loose = reading(flow.loose[0], self.walk.loose, decay)
            pairs.append(Quantity.of(tight, abs(tight - loose)).no_finer(1e-8))
        return Quantity.joined(pairs)

    def slopes(self, theta: Floats) -> Floats:
        return np.asarray(self.told.net.jacobian(theta, self.told.rows))


def measure(
    told: DecayedTwoLayer, more: float = 0.0, method: str = "LSODA", rtol: float = 1e-10
) -> Walked:
    """The flows; in a wrong world the readout decays faster."""
    net, task = told.net, (told.rows, told.targets)
    shares = np.ones(net.parameters)
    shares[: told.width] += more

    def followed(decay: float, time: float) -> PlainFlow:
        return net_flow(
            net, *task, told.start, decay, time, shares=shares, method=method, rtol=rtol
        )

    end = followed(0.0, LONG).tight[0]
    flows = tuple(followed(decay, told.s / decay) for decay in DECAYS.tolist())
    return Walked(told, flows, slow_walk(net, *task, end, FARTHEST * told.s))


Course = Callable[[Walked, OdeSolution, float], Floats]
"""Theta at s."""


def on_interpolators(_: Walked, walk: OdeSolution, s: float) -> Floats:
    return np.asarray(walk(s))


def in_null_space(measured: Walked, walk: OdeSolution, s: float) -> Floats:
    start = np.asarray(walk(0.0))
    return np.asarray(start + np.expm1(-s) * _unseen(measured, start))


def straight(_: Walked, walk: OdeSolution, s: float) -> Floats:
    return np.asarray(np.exp(-s) * walk(0.0))


def least(measured: Walked, walk: OdeSolution, s: float) -> Floats:
    start = np.asarray(walk(0.0))
    return np.asarray(start - _unseen(measured, start))


def _unseen(measured: Walked, theta: Floats) -> Floats:
    """The part that the outputs do not see to first order."""
    slopes = measured.slopes(theta)
    return np.asarray(theta - np.linalg.lstsq(slopes, slopes @ theta, rcond=None)[0])


@dataclass(frozen=True)
class Theory:
    """theta(s / lambda) is on this course at pace s; y - f is lambda by share times D (J J')^-1 y.

    Attributes:
        degree: the factor before (J J')^-1 y.
    """

    course: Course = choice(
        on_interpolators,
        null_space=(in_null_space, "in the null space of J where it first interpolates"),
        straight=(straight, "e^(-s), off the interpolators"),
        least=(least, "least norm in the tangent space at once"),
    )
    pace: float = stated(
        1.0,
        frozen=(0.0, "where the flow without decay ends"),
        half=(0.5, "at s / 2"),
        twice=(2.0, "at 2 s, of the penalty lambda |theta|^2"),
    )
    degree: Callable[[int], float] = choice(
        float,
        ridge=(lambda degree: 1.0, "(J J')^-1 y, as of ridge regression"),
        less_one=(lambda degree: degree - 1.0, "(D-1) (J J')^-1 y"),
    )
    share: float = stated(1.0, half_the_misfit=(0.5, "half of it"))


@dataclass(frozen=True)
class NullSpace:
    """Decay shrinks what the outputs do not see where the net first interpolates."""

    course: Course = choice(
        in_null_space,
        straight=(straight, "all of it shrinks"),
        least=(least, "at once"),
    )
    pace: float = stated(
        1.0,
        frozen=(0.0, "not at all"),
        half=(0.5, "at s / 2"),
        twice=(2.0, "at 2 s"),
    )


def course_laws(measured: Walked, theory: Theory | NullSpace) -> Iterator[Law]:
    s = theory.pace * measured.told.s

    def distance(theta: Floats, walk: OdeSolution, _: float) -> float:
        predicted = theory.course(measured, walk, s)
        return float(np.linalg.norm(theta - predicted) / np.linalg.norm(predicted))

    ladder = Ladder.of("distance from the walk", "lambda", DECAYS, measured.read(distance))
    yield ladder.falls("distance from the walk falls like lambda", 1.0, factor=1.2)
    yield ladder.rate("order of the distance in lambda", 1.0, 0.02, along=np.log10(DECAYS))


def laws(measured: Walked, theory: Theory) -> Iterator[Law]:
    yield from course_laws(measured, theory)
    told, s = measured.told, theory.pace * measured.told.s
    task = told.rows, told.targets
    factor = theory.share * theory.degree(told.net.degree) / told.net.degree

    def off(theta: Floats, walk: OdeSolution, decay: float) -> float:
        predicted = decayed_misfit(told.net, *task, theory.course(measured, walk, s))
        found = (told.targets - told.net.outputs(theta, told.rows)) / decay
        return float(np.linalg.norm(found / factor - predicted) / np.linalg.norm(predicted))

    name = "misfit over lambda, off D (J J')^-1 y"
    ladder = Ladder.of(name, "lambda", DECAYS, measured.read(off))
    yield ladder.falls(f"{name}, falls like lambda", 1.0, factor=1.2)


NETS = Measurement(
    "decayed-two-layer",
    DecayedTwoLayer,
    WALK_FAMILIES,
    decayed_two_layer,
    measure,
    in_words(
        "squared loss",
        "two layers of square or cubic neurons",
        "interpolation by t = 12 without decay",
        "eigenvalues of J J' of at least 1/2 along the walk",
        "the shift off the interpolators is at most lambda |theta|",
    ),
    sabotaged={"the readout decays twice as fast": lambda told: measure(told, more=1.0)},
    independent=lambda told: measure(told, method="Radau", rtol=1e-8),
    thrift=4,
)
ORDER = "order: 1 in lambda, with the constant of the two largest, times 1.2; in the median 0.02"
CLAIMS = (
    Claim(
        id="decay-walks-in-two-layers",
        title="For small decay a two-layer net walks on interpolators, and misfits by D lambda",
        statement=(
            r"\theta(s/\lambda) = \vartheta(s) + O(\lambda), \ \vartheta' = -(1 - J^+ J)"
            r" \vartheta, \quad y - f = \lambda D (J J^\top)^{-1} y + O(\lambda^2)"
        ),
        source=source_of("decay-walks-in-two-layers"),
        measurement=NETS,
        theory=Theory(),
        laws=laws,
        tolerances=(ORDER, "misfit: order 1 in lambda, likewise"),
    ),
    Claim(
        id="decay-in-the-null-space",
        title="As often read: small decay shrinks what the outputs do not see, and nothing else",
        statement=(
            r"\theta(s/\lambda) = \theta_0 - (1 - e^{-s}) (1 - J_0^+ J_0) \theta_0 + O(\lambda)"
        ),
        source=source_of("decay-in-the-null-space"),
        measurement=NETS,
        theory=NullSpace(),
        laws=course_laws,
        tolerances=(ORDER,),
        expected="falsified",
    ),
)
