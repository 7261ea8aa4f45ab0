"""Neural collapse with the squared loss: an orthogonal frame, or a simplex where a bias is free."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verify.claims.neural_collapse.cross_entropy import TOLERANCES, OfDecays
from verify.claims.neural_collapse.minima import SQUARED, Minima
from verify.language import Basis, Claim, Law, below, choice, equals, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory(OfDecays):
    """W H = (1 - (K + classes) c)_+ (I - J/K), with J/K weighed as told with and without a bias."""

    classes: int = stated(0, one_less=(-1, "1 - (K - 1) c"))
    with_bias: float = stated(1.0, orthogonal=(0.0, "an orthogonal frame with a bias too"))
    without_bias: float = choice(0.0, simplex=(1.0, "a simplex frame without a bias too"))


@dataclass(frozen=True)
class AlwaysSimplex(Theory):
    """The same with a simplex frame whether or not there is a bias."""

    with_bias: float = stated(1.0, half=(0.5, "half of J/K with a bias"))
    without_bias: float = choice(1.0, half_without=(0.5, "half of J/K without a bias"))


def laws(measured: Minima, theory: Theory) -> Iterator[Law]:
    told, k = measured.told, measured.told.classes
    scale = max(0.0, 1.0 - (k + theory.classes) * theory.mean(told))
    share = theory.with_bias if told.bias else theory.without_bias
    frame = scale * (np.eye(k) - share / k)
    yield equals("outputs of class means", measured.read("outputs"), frame.ravel(), 1e-5)
    yield below("spread within classes", measured.read("within"), 1e-5, Basis.IDENTITY)


CLAIMS = (
    Claim(
        id="neural-collapse-squared",
        title="With the squared loss features collapse to an orthogonal frame, centred by a bias",
        statement=(
            r"W H = (1 - Kc)_+ I \otimes 1_n^\top \text{ without a bias}, \quad"
            r" (1 - Kc)_+ (I - \tfrac1K J) \otimes 1_n^\top \text{ with a free one}"
        ),
        source=source_of("neural-collapse-squared"),
        measurement=SQUARED,
        theory=Theory(),
        laws=laws,
        tolerances=TOLERANCES,
    ),
    Claim(
        id="neural-collapse-squared-simplex",
        title="As often read: with the squared loss features collapse to a simplex frame",
        statement=r"W H = (1 - Kc)_+ (I - \tfrac1K J) \otimes 1_n^\top",
        source=source_of("neural-collapse-squared-simplex"),
        measurement=SQUARED,
        theory=AlwaysSimplex(),
        laws=laws,
        tolerances=TOLERANCES,
        expected="falsified",
    ),
)
