"""A deep linear chain leaves zero after a time that is a power of its layers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.linear_nets import half_time
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
from verify.strategies.linear_nets import DEPTHS, Chain, chains

STARTS = np.array([0.2, 0.1, 0.05, 0.025])


@dataclass(frozen=True, eq=False)
class Escapes:
    """The chain and its times to half of its task from layers `STARTS`, `(4,)`."""

    chain: Chain
    times: Quantity


def measure(chain: Chain, unbalance: float = 1.0, exact: bool = False) -> Escapes:
    """By integration of all layers, or of one by quadrature; `unbalance` is of the first layer."""

    def times(rtol: float | None) -> Floats:
        return np.array(
            [
                half_time(chain.depth, a, chain.strength, rtol=rtol, unbalance=unbalance)
                for a in STARTS
            ]
        )

    if exact:
        return Escapes(chain, Quantity.rounded(times(None), times(None), 1e4))
    return Escapes(chain, Quantity.paired(lambda t: t, times(1e-10), times(1e-8), 1e-9))


@dataclass(frozen=True)
class Theory:
    """t = a_0^(power - D) / ((D - divisor) rate s)."""

    power: int = stated(
        2,
        one_layer_less=(1, "a_0^(1-D)"),
        one_layer_more=(3, "a_0^(3-D)"),
    )
    divisor: int = stated(2, whole_depth=(0, "over D s"), depth_less_one=(1, "over (D-1) s"))
    rate: float = stated(1.0, twice=(2.0, "over 2 s"), half=(0.5, "over s / 2"))


def laws(measured: Escapes, theory: Theory) -> Iterator[Law]:
    depth, strength = measured.chain.depth, measured.chain.strength
    divisor = (depth - theory.divisor) * theory.rate * strength
    predicted = STARTS ** (theory.power - depth) / (divisor or np.nan)
    ladder = Ladder.of("escape time", "layers at first", STARTS, measured.times, predicted)
    yield ladder.starts_within("escape time from layers of 0.2", 0.5)
    yield ladder.approaches("escape time approaches its leading term", float(depth - 2))
    final = ladder.deviation[-1:]
    yield below("escape time from layers of 0.025, relatively", final, 0.05, Basis.MEASURED)


@dataclass(frozen=True)
class Logarithm:
    """t = factor log(s / a_0^power) / s, as for D = 2."""

    factor: float = stated(
        0.5,
        quarter=(0.25, "log(s / a_0^2) / (4s)"),
        once=(1.0, "log(s / a_0^2) / s"),
        twice=(2.0, "2 log(s / a_0^2) / s"),
    )
    power: int = stated(2, one=(1, "log(s / a_0)"), four=(4, "log(s / a_0^4)"))


def logarithmic_laws(measured: Escapes, theory: Logarithm) -> Iterator[Law | Ladder]:
    strength = measured.chain.strength
    predicted = theory.factor * np.log(strength / STARTS**theory.power) / strength
    ladder = Ladder.of("escape time", "layers at first", STARTS, measured.times, predicted)
    final = ladder.deviation[-1:]
    yield ladder
    yield below("escape time from layers of 0.025, relatively", final, 0.05, Basis.MEASURED)


ESCAPES = Measurement(
    "chain-escape",
    Chain,
    DEPTHS,
    chains,
    measure,
    in_words("scalar layers, all equal", "D > 2"),
    sabotaged={"a first layer 20 % too large": lambda chain: measure(chain, unbalance=1.2)},
    independent=lambda chain: measure(chain, exact=True),
)
CLAIMS = (
    Claim(
        id="depth-escape",
        title="A deep linear chain leaves zero after a_0^(2-D) / ((D-2) s)",
        statement=r"t = \frac{a_0^{2-D}}{(D-2) s} (1 + O(a_0^{D-2})), \quad D > 2",
        source=source_of("depth-escape"),
        measurement=ESCAPES,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "from layers of 0.2: 50 %; 22 % at most for D = 3 and strengths from 1/2",
            "from layers of 0.025: 5 %, an eighth of 0.2 makes an eighth of 22 % and of twice that",
            "order: D - 2, with the constant of the two largest starts, times 2",
        ),
    ),
    Claim(
        id="depth-escape-logarithmic",
        title="As often read: from small weights a linear net of any depth is slow by a logarithm",
        statement=r"t = \frac{\log(s / a_0^2)}{2 s} \text{ for every depth } D",
        source=source_of("depth-escape-logarithmic"),
        measurement=ESCAPES,
        theory=Logarithm(),
        laws=logarithmic_laws,
        tolerances=("5 %, as for the true statement",),
        expected="falsified",
    ),
)
