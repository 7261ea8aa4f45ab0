"""Weight decay of wide nets for as long as log m: their kernel is still that of infinite width."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from theory.backend import Floats
from theory.decay import degrees, mirrored, wide_course
from verify.claims.decay.wide import WIDER, Net, Seen, followed, reader
from verify.language import Claim, Ladder, Law, Measurement, Quantity, choice, in_words, stated
from verify.registry import source_of
from verify.strategies.decay import NEURONS, WIDE_FAMILIES, LongDecayed, long_decayed


@dataclass(frozen=True, eq=False)
class LongFaded:
    """Widened nets, each at lambda t = s log m."""

    told: LongDecayed
    nets: tuple[Net, ...]

    @property
    def widths(self) -> Floats:
        return np.array([net.width for net in self.nets])

    def deviations(self, rate: float) -> Quantity:
        """|e^(rate lambda t) Theta - Theta(0)| / |Theta(0)|, `(4,)`."""

        def deviation(net: Net, seen: Seen) -> float:
            start = net.start.tangent
            grown = net.width ** (rate * self.told.s)
            return float(np.linalg.norm(grown * seen[1] - start) / np.linalg.norm(start))

        return Quantity.joined(map(reader(deviation), self.nets))


def measure(told: LongDecayed, undecayed: bool = True, readout_alone: bool = False) -> LongFaded:
    """The flows; in a wrong world the readout alone decays."""
    net, first = told.net(NEURONS), told.first
    nets = [mirrored(net, first * wider) for wider in WIDER]
    options = {"undecayed": undecayed, "readout_alone": readout_alone}
    return LongFaded(
        told, tuple(followed(told, each, told.time(each.width), **options) for each in nets)
    )


@lru_cache(maxsize=64)
def _coefficients(measured: LongFaded) -> Floats:
    """O3 and O4 in c, `(4, 2, n, n)`, over |Theta(0)|."""
    told, narrowest = measured.told, measured.nets[0]
    found = [
        wide_course(
            narrowest.width,
            narrowest.start,
            told.targets,
            told.decay,
            told.time(width),
            degrees(told.degree),
        )
        for width in measured.widths.tolist()
    ]
    scale = np.linalg.norm(narrowest.start.tangent)
    return np.asarray(np.array([(each.third, each.fourth) for each in found]) / scale)


Power = Callable[[int], float]


def squared_if_linear(degree: int) -> float:
    return 2.0 if degree == 2 else 0.0


@dataclass(frozen=True)
class Theory:
    """The deviation is of order (log m)^power / m^order at lambda t = s log m.

    Attributes:
        rate: how Theta decays, over (D-1) lambda.
        share: how much of what O4 gives is counted.
    """

    power: Power = choice(
        squared_if_linear,
        bounded=(lambda degree: 0.0, "bounded by C / m at every degree"),
        linear=(lambda degree: squared_if_linear(degree) / 2.0, "log m / m for D = 2"),
        squared=(lambda degree: 2.0, "(log m)^2 / m at every degree"),
        fourth=(lambda degree: 2.0 * squared_if_linear(degree), "(log m)^4 / m for D = 2"),
    )
    order: float = stated(
        1.0, lost=(0.0, "of order 1 by t of order log m"), root=(0.5, "1 / sqrt(m) by then")
    )
    rate: float = stated(2.0, once=(1.0, "Theta like e^(-(D-1) lambda t)"))
    share: float = stated(1.0, half_of_fourth=(0.5, "half of what O4 gives"))


def laws(measured: LongFaded, theory: Theory) -> Iterator[Law]:
    degree, widths = measured.told.degree, measured.widths
    parts = _coefficients(measured)
    sizes = np.linalg.norm(parts[:, 0] + theory.share * parts[:, 1], axis=(1, 2))
    found = measured.deviations(theory.rate * (degree - 1.0))
    grown = np.log(widths) ** theory.power(degree)
    ladder = Ladder.of(
        "deviation at lambda t = s log m",
        "m",
        widths,
        found,
        sizes / widths,
        small=np.log(widths) ** squared_if_linear(degree) / widths,
    )
    yield ladder.approaches("deviation approaches c(t) / m", 1.0)
    law = "order of the deviation in 1/m"
    yield ladder.rate(
        law, theory.order, 0.05, along=-np.log10(widths), per=grown, stratum=f"D = {degree}"
    )


CLAIM = Claim(
    id="kernel-decay-at-long-times",
    title="The law of the fading kernel outlasts log m, but for (log m)^2 / m if D = 2, 1/m beyond",
    statement=(
        r"\lambda t = s \log m: \quad e^{2(D-1)\lambda t}\Theta(t) = \Theta(0) + c(t)/m\,"
        r"(1 + o(1)), \quad c(t) = O(t^2) \ (D = 2), \ O(1) \ (D > 2)"
    ),
    source=source_of("kernel-decay-at-long-times"),
    measurement=Measurement(
        "long-decayed-wide",
        LongDecayed,
        WIDE_FAMILIES,
        long_decayed,
        measure,
        in_words(
            "two layers of square or linear neurons",
            "the scaling of the tangent kernel",
            "decay of 1/2 or 1, whatever the width",
            "wide enough: what is of order 1/m is a sixteenth",
        ),
        sabotaged={
            "the readout alone decays": lambda t: measure(t, undecayed=False, readout_alone=True)
        },
        independent=lambda told: measure(told, undecayed=False),
        thrift=3,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "c(t) / m: order 1 in (log m)^2 / m or 1/m, with twice the constant of the two narrowest",
        "order: 0.05 in the median; for D = 2 what is linear in t makes 0.02",
    ),
)
