"""Small losses: what the lazy phase costs in curvature, and when the catapult throws."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.catapult import catapult_time, lazy_loss, net_start, net_state, net_step, settled
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
    rate,
    stated,
)
from verify.registry import source_of
from verify.strategies.catapult import SmallStart, small_starts

SIZES = np.array([1e-2, 1e-3, 1e-4, 1e-5])
DIGITS = np.array([40.0, 80.0, 160.0, 300.0])
WIDTH = 3


@dataclass(frozen=True, eq=False)
class Small:
    """What k loses over z at z = `SIZES`, and steps to the peak at z = 10^-`DIGITS`."""

    told: SmallStart
    losses: Quantity
    peaks: Quantity


def measure(told: SmallStart, factor: float = 1.0) -> Small:
    """By the map; in a wrong world the step is larger than told."""
    k = factor * told.lazy
    losses = np.array([settled(k, z)[2] / z for z in SIZES])
    peaks = [settled(factor * told.catapult, 10.0**-digits)[3] for digits in DIGITS]
    # a peak is a whole number of steps
    return Small(told, Quantity.rounded(losses, losses, 1e3), Quantity.of(peaks, 0.5))


def by_net(told: SmallStart) -> Small:
    """The lazy part by descent of a net of width 3."""
    losses = []
    for z in SIZES:
        u, v = net_start(told.lazy, z, WIDTH, 1.0, told.seed)
        first = net_state(u, v, 1.0)[0]
        while net_state(u, v, 1.0)[1] > 1e-24:
            u, v = net_step(u, v, 1.0)
        losses.append((first - net_state(u, v, 1.0)[0]) / z)
    known = Quantity.of(losses, 1e-13 / SIZES)
    return Small(told, known, measure(told).peaks)


Time = Callable[[SmallStart], float]


def thrown(told: SmallStart) -> float:
    """Steps a unit of log(1/z)."""
    return catapult_time(told.catapult, np.exp(-1.0))


def of_curvature(told: SmallStart) -> float:
    return 1.0 / (2.0 * float(np.log(told.catapult)))


def linear(told: SmallStart) -> float:
    return 1.0 / (2.0 * (told.catapult - 2.0))


Loss = Callable[[float], float]


@dataclass(frozen=True)
class Theory:
    """k - k_inf = z loss(k), and the peak comes after time log(1/z) / rate."""

    loss: Loss = choice(
        lazy_loss,
        none=(lambda _: 1e-9, "k stays"),
        first_step=(lambda k: 4.0 - k, "4 - k, the loss of the first step"),
        unlimited=(lambda k: (4.0 - k) / (k * (4.0 - k) / 2.0), "2 / k"),
        whole=(lambda k: 4.0 / (k * (2.0 - k)), "4 / (k (2 - k))"),
    )
    time: Time = choice(
        thrown,
        curvature=(of_curvature, "log k in the place of log(k - 1)"),
        linear=(linear, "k - 2 in the place of log(k - 1)"),
    )
    rate: float = stated(1.0, half=(0.5, "without the 2"), twice=(2.0, "4 for 2"))


def laws(measured: Small, theory: Theory) -> Iterator[Law]:
    told = measured.told
    ladder = Ladder.of("loss of k over z", "z", SIZES, measured.losses, theory.loss(told.lazy))
    yield ladder.approaches("loss of k over z approaches its limit", 1.0)
    last = ladder.deviation[-1:]
    yield below("loss of k over z, at z = 1e-5", last, 2e-3, Basis.MEASURED)
    units = np.log(10.0) * DIGITS
    # O(1) is common to both ends
    slope = float(measured.peaks.values[-1] - measured.peaks.values[0]) / (units[-1] - units[0])
    relative = slope / thrown(told)
    error = 1.0 / (units[-1] - units[0]) / thrown(told)
    predicted = theory.time(told) / thrown(told) / theory.rate
    method = "between z = 1e-40 and 1e-300"
    yield rate("steps a unit of log(1/z)", relative, predicted, 0.02, method, error=error)


CLAIM = Claim(
    id="catapult-small-losses",
    title="Small losses: k falls by z (4 - k) / (k (2 - k)), or after log(1/z) / (2 log(k - 1))",
    statement=(
        r"k_0 < 2: \ k_0 - k_\infty = z_0 \frac{4 - k_0}{k_0 (2 - k_0)} + O(z_0^2); \quad"
        r" 2 < k_0 < 4: \ t_{peak} = \frac{\log(1/z_0)}{2 \log(k_0 - 1)} + O(1)"
    ),
    source=source_of("catapult-small-losses"),
    measurement=Measurement(
        "catapult-small",
        SmallStart,
        ("small",),
        small_starts,
        measure,
        in_words("one sample", "target 0", "two linear layers", "small loss at first"),
        sabotaged={"a step 5 % larger than told": lambda told: measure(told, factor=1.05)},
        independent=by_net,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "order: 1 in z, with the constant of the two largest z, times 2; at z = 1e-5: 2e-3, 1.2e-4 "
        "at most on 8 others, and like 1 / (k (2 - k))^2 at the ends",
        "steps: 2 % in the median; a step more or less is 0.5 % over 260 digits",
    ),
)
