"""Neural collapse with cross entropy: the size of the simplex frame, its norms, its threshold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from verify.claims.neural_collapse.minima import CROSS_ENTROPY, EITHER_SIDE, Minima
from verify.language import Basis, Claim, Kind, Law, below, choice, equals, stated, unresolved
from verify.registry import source_of
from verify.strategies.features import Features

Mean = Callable[[Features], float]


def geometric(told: Features) -> float:
    weight, feature = told.decays
    return float(np.sqrt(told.samples * weight * feature))


def arithmetic(told: Features) -> float:
    return float(np.sqrt(told.samples) * sum(told.decays) / 2.0)


def without_samples(told: Features) -> float:
    return geometric(told) / float(np.sqrt(told.samples))


def all_samples(told: Features) -> float:
    return geometric(told) * float(np.sqrt(told.samples))


@dataclass(frozen=True)
class OfDecays:
    """What c is of the decays."""

    mean: Mean = choice(
        geometric,
        arithmetic=(arithmetic, "the arithmetic mean of the decays"),
        no_samples=(without_samples, "sqrt(lW lH) without n"),
        all_samples=(all_samples, "n in the place of sqrt(n)"),
    )


@dataclass(frozen=True)
class Theory(OfDecays):
    """s = log(1/c - K + offset), and |W|^2 = s (K-1) (n lH / lW)^balance."""

    offset: int = stated(1, all_classes=(0, "log(1/c - K)"))
    trace: int = stated(-1, whole_trace=(0, "s K for s (K - 1) in the norms"))
    balance: float = stated(0.5, no_balance=(0.0, "|W| = |H| / sqrt(n)"))


def size_of(told: Features, c: float, offset: int) -> float:
    inner = 1.0 / c - told.classes + offset
    return float(np.log(inner)) if inner > 1.0 else 0.0


def laws(measured: Minima, theory: Theory) -> Iterator[Law]:
    told, k = measured.told, measured.told.classes
    c = theory.mean(told)
    s = size_of(told, c, theory.offset)
    frame = s * (np.eye(k) - 1.0 / k)
    yield equals("logits of class means", measured.read("outputs"), frame.ravel(), 1e-5)
    yield below("spread within classes", measured.read("within"), 1e-5, Basis.IDENTITY)
    loss = np.log1p((k - 1) * np.exp(-s)) + c * (k - 1) * s
    yield equals("loss with its penalties", measured.read("loss"), loss, 1e-7)
    weight, feature = told.decays
    trace = s * (k + theory.trace)
    ratio = (told.samples * feature / weight) ** theory.balance
    yield equals("|W|^2", measured.read("weights"), trace * ratio, 1e-5)
    whole = trace * told.samples / ratio
    yield equals("|H|^2", measured.read("features"), whole, 1e-5)


SEEN = 0.01
"""Logits above this do not vanish: an eighth below the threshold they are 0.12 and more."""


@dataclass(frozen=True)
class Threshold:
    """Logits are zero from (K + classes) c^power = factor on, and not below."""

    factor: float = stated(
        1.0, half=(0.5, "K c = 1/2"), twice=(2.0, "K c = 2"), none=(1e9, "no threshold")
    )
    classes: int = stated(0, one_less=(-1, "(K - 1) c = 1"))
    power: float = stated(1.0, squared=(2.0, "K c^2 = 1"), root=(0.5, "K sqrt(c) = 1"))


def threshold_laws(measured: Minima, theory: Threshold) -> Iterator[Law]:
    told = measured.told
    reached = (told.classes + theory.classes) * geometric(told) ** theory.power
    largest = abs(measured.read("outputs")).largest()
    seen = largest.values > SEEN
    if abs(largest.values[0] - SEEN) <= largest.errors[0]:
        yield unresolved("whether logits vanish", Kind.EQUALS, "logits of the size that is judged")
        return
    yield equals(
        "whether logits vanish", 1.0 - float(seen[0]), float(reached >= theory.factor), 0.0
    )


TOLERANCES = (
    "logits, spread, norms: 1e-5, loss: 1e-7; descents to gradients of 1e-10 agree to 1e-6",
)
CLAIMS = (
    Claim(
        id="neural-collapse",
        title="With cross entropy features collapse to a simplex frame of known size and norms",
        statement=(
            r"W H = s (I - \tfrac1K J) \otimes 1_n^\top, \quad s = \log(1/c - K + 1), \quad"
            r" c = \sqrt{n \lambda_W \lambda_H}, \quad"
            r" \|W\|^2 = s (K-1) \sqrt{n \lambda_H / \lambda_W}"
        ),
        source=source_of("neural-collapse"),
        measurement=CROSS_ENTROPY,
        theory=Theory(),
        laws=laws,
        tolerances=TOLERANCES,
    ),
    Claim(
        id="neural-collapse-threshold",
        title="With cross entropy features vanish altogether from K sqrt(n lW lH) = 1 on",
        statement=r"W H = 0 \iff K \sqrt{n \lambda_W \lambda_H} \ge 1",
        source=source_of("neural-collapse-threshold"),
        measurement=EITHER_SIDE,
        theory=Threshold(),
        laws=threshold_laws,
        tolerances=(
            "logits: 0.01 is none; they are 0 or 0.12 and more an eighth from the threshold",
        ),
    ),
)
