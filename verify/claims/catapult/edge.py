"""The toy of the edge of stability: its energy grows, and orbits spiral outwards."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Floats
from theory.catapult import toy_energy, toy_gain, toy_lowest, toy_path
from verify.language import (
    Basis,
    Claim,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.catapult import EdgeStart, edge_starts

STEPS = np.array([0.02, 0.01, 0.005, 0.0025])
TIME = 8.0


@dataclass(frozen=True, eq=False)
class Spirals:
    """Gains of H over eta^2 times the sum of each term, and the largest |y|, at `STEPS`.

    Attributes:
        gains: H at time 8 less H at first, over eta, `(4,)`.
        terms: eta times the sums of the three terms, `(4, 3)`.
        reached: the largest |y| by then, `(4,)`.
    """

    told: EdgeStart
    gains: Quantity
    terms: Floats
    reached: Floats

    @property
    def energy(self) -> float:
        """H at first."""
        start = np.array([[self.told.x, self.told.y]])
        return float(toy_energy(start, self.told.push)[0])


def measure(told: EdgeStart, factor: float = 1.0) -> Spirals:
    """Descent; in a wrong world its step is larger than told."""
    gains, terms, reached = [], [], []
    for eta in STEPS:
        states = toy_path(told.x, told.y, told.push, factor * eta, round(TIME / eta))
        energy = toy_energy(states, told.push)
        gains.append((energy[-1] - energy[0]) / eta)
        terms.append(eta * toy_gain(states[:-1], told.push).sum(axis=0))
        reached.append(np.abs(states[:, 1]).max())
    known = Quantity.of(gains, 1e-13 / STEPS)
    return Spirals(told, known, np.array(terms), np.array(reached))


@dataclass(frozen=True)
class Theory:
    """H gains eta^2 [product x^2 y^2/4 + slope a y^2/2 + pull (a - x^2/2)^2/2] each step."""

    product: float = stated(1.0, no_product=(0.0, "without x^2 y^2 / 4"))
    slope: float = stated(1.0, no_slope=(0.0, "without a y^2 / 2"))
    pull: float = stated(
        1.0, no_pull=(0.0, "without (a - x^2/2)^2 / 2"), twice_pull=(2.0, "(a - x^2/2)^2")
    )
    power: float = stated(0.0, conserved=(1.0, "eta^3, as if it were the flow's to second order"))


def laws(measured: Spirals, theory: Theory) -> Iterator[Law]:
    weights = np.array([theory.product, theory.slope, theory.pull])
    predicted = measured.terms @ weights * STEPS**theory.power
    ladder = Ladder.of("gain of H over eta", "eta", STEPS, measured.gains, predicted)
    # log(1 + s) is s - s^2/2 but for |s|^3 / (3 (1 - |s|)), s = eta y; the gain is a s^2/2 or more
    turn = STEPS * measured.reached
    bound = 2.0 / 3.0 * turn / (1.0 - turn)
    off = below("gain of H over its prediction", ladder.deviation, bound, Basis.DERIVED, at=STEPS)
    yield replace(off, ladder=ladder)
    yield below("loss of H", -measured.gains, 1e-9, Basis.DERIVED, at=STEPS)


@dataclass(frozen=True)
class Envelope:
    """max |y| = factor sqrt(2 (H(0) - H_min)), for (1 + growth eta t)."""

    factor: float = stated(1.0, half=(0.5, "half of it"), twice=(2.0, "twice of it"))
    power: float = stated(0.5, linear=(1.0, "2 (H - H_min)"), quarter=(0.25, "its fourth root"))
    lowest: float = stated(1.0, no_lowest=(0.0, "without H_min"))


def envelope_laws(measured: Spirals, theory: Envelope) -> Iterator[Law]:
    height = measured.energy - theory.lowest * toy_lowest(measured.told.push)
    predicted = theory.factor * abs(2.0 * height) ** theory.power
    found = Quantity.rounded(measured.reached / predicted, 1.0, 1e4)
    yield below("largest |y| over its bound", found, 1.01, Basis.MEASURED, at=STEPS)
    low = 1.0 - found
    yield below("bound over the largest |y|", low, 0.02, Basis.MEASURED, at=STEPS)


TOYS = Measurement(
    "edge-of-stability-toy",
    EdgeStart,
    ("toy",),
    edge_starts,
    measure,
    in_words("the toy loss x^2 (2/eta + y) / 2 - a y", "small eta at fixed eta k"),
    sabotaged={"a step a tenth larger than told": lambda told: measure(told, factor=1.1)},
)
CLAIMS = (
    Claim(
        id="edge-of-stability-drift",
        title="At the edge of stability the toy's energy grows by eta^2 of three squares a step",
        statement=(
            r"H^+ - H = \eta^2 \left[ \frac{x^2 y^2}{4} + \frac{a y^2}{2} +"
            r" \frac{(a - x^2/2)^2}{2} \right] + O(\eta^3), \quad H = \frac{y^2}{2} +"
            r" \frac{x^2}{4} - a \log|x|"
        ),
        source=source_of("edge-of-stability-drift"),
        measurement=TOYS,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "gain: 2/3 eta |y|, derived: terms of third order are -a eta^3 y^3 / 3, beside a gain "
            "of a eta^2 y^2 / 2 at least",
        ),
    ),
    Claim(
        id="edge-of-stability-envelope",
        title="As often read: the toy oscillates within the level of H at its start",
        statement=r"\max_t |y| = \sqrt{2 (H(0) - H_{\min})}",
        source=source_of("edge-of-stability-envelope"),
        measurement=TOYS,
        theory=Envelope(),
        laws=envelope_laws,
        tolerances=("1 % above and 2 % below, up to eta k = 8",),
        expected="falsified",
    ),
)
