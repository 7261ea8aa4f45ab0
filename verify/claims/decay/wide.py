"""Weight decay of wide nets: their tangent kernel fades like e^(-2(D-1) lambda t)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from theory.backend import Floats
from theory.decay import (
    Kernels,
    Rates,
    WideCourse,
    WideNet,
    mirrored,
    outputs_and_kernel,
    wide_course,
    wide_flow,
    wide_kernels,
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
from verify.strategies.decay import (
    NEURONS,
    RANDOM_WIDTH,
    WIDE_FAMILIES,
    WideDecayed,
    WideTask,
    wide_decayed,
)

WIDER = (1, 2, 4, 8)
"""Times, squared, that of the narrowest."""

RTOL = 1e-12
"""Of the flows; what is read of them is known to ten times that, relatively."""

Seen = tuple[Floats, Floats]
"""f `(n,)` and Theta `(n, n)`."""


@dataclass(frozen=True, eq=False)
class Net:
    """One net at t = s / lambda, by a tight and by a looser integration, and its start."""

    width: float
    start: Kernels
    tight: Seen
    loose: Seen


@dataclass(frozen=True, eq=False)
class Faded:
    """Widened nets, with one start, and a net of `RANDOM_WIDTH` neurons at random."""

    told: WideDecayed
    widened: tuple[Net, ...]
    random: Net

    @property
    def narrowest(self) -> Net:
        return self.widened[0]

    @property
    def widths(self) -> Floats:
        return np.array([net.width for net in self.widened])

    def read(self, reading: "Reading") -> Quantity:
        """One number of each widened net."""
        return Quantity.joined(map(reader(reading), self.widened))


Reading = Callable[[Net, Seen], float]


def reader(reading: Reading) -> Callable[[Net], Quantity]:
    """A number of a net and of what is seen of it, by both integrations."""
    return lambda net: Quantity.paired(
        lambda seen: reading(net, seen), net.tight, net.loose, 10.0 * RTOL
    )


def followed(told: WideTask, net: WideNet, time: float, **options: bool) -> Net:
    """One net; options are those of `wide_flow`."""
    rows = told.rows
    flow = wide_flow(net, rows, told.targets, told.decay, time, rtol=RTOL, **options)
    ends = [outputs_and_kernel(net.at(states[0]), rows) for states in (flow.tight, flow.loose)]
    return Net(net.width, wide_kernels(net, rows), *ends)


def measure(told: WideDecayed, undecayed: bool = False, readout_alone: bool = False) -> Faded:
    """The flows; in a wrong world the readout alone decays."""

    options = {"undecayed": undecayed, "readout_alone": readout_alone}
    net, first, time = told.net(NEURONS), told.first, told.time
    widened = tuple(
        followed(told, mirrored(net, first * wider), time, **options) for wider in WIDER
    )
    return Faded(told, widened, followed(told, told.net(RANDOM_WIDTH), time, **options))


Rate = Callable[[int], float]


def gradients(degree: int) -> float:
    return 2.0 * degree - 2.0


def linear(degree: int) -> float:
    return float(degree)


def doubled(degree: int) -> float:
    return 2.0 * degree


def once(degree: int) -> float:
    return degree - 1.0


def frozen(_: int) -> float:
    return 0.0


def one(_: int) -> float:
    return 1.0


def third(degree: int) -> float:
    return 3.0 * degree - 4.0


def three_gradients(degree: int) -> float:
    return 3.0 * degree - 3.0


def fourth(degree: int) -> float:
    return 4.0 * degree - 6.0


def four_gradients(degree: int) -> float:
    return 4.0 * degree - 4.0


@dataclass(frozen=True)
class Theory:
    """What Theta, f, O3 and O4 decay with, over lambda, and the share that O4 has of c."""

    kernel: Rate = choice(
        gradients,
        output_squared=(doubled, "e^(-2 D lambda t), as f^2"),
        one_gradient=(once, "e^(-(D-1) lambda t)"),
        as_output=(linear, "e^(-D lambda t)"),
        constant=(frozen, "a constant kernel"),
    )
    output: Rate = choice(
        linear,
        as_weights=(one, "f decays like a weight"),
        as_gradient=(once, "f decays with its gradient"),
        kept=(frozen, "decay acts on f by the kernel alone"),
    )
    third: Rate = choice(third, three_gradients=(three_gradients, "O3 of degree 3 (D-1)"))
    fourth: Rate = choice(fourth, four_gradients=(four_gradients, "O4 of degree 4 (D-1)"))
    share: float = stated(
        1.0, kept_third=(0.0, "O3 as at the start"), half=(0.5, "half of what O4 gives")
    )

    @property
    def pull(self) -> Rate:
        return frozen


@dataclass(frozen=True)
class Ridge:
    """The net that is linearised at its start, with decay to 0: f' = -Theta (f - y) - lambda f
    - pull lambda f(0).
    """

    kernel: Rate = choice(
        frozen,
        as_weights=(one, "a kernel that decays like a weight"),
        half=(lambda degree: 0.5, "like the root of one"),
        fivefold=(lambda degree: 5.0, "e^(-5 lambda t)"),
    )
    output: Rate = choice(one, kept=(frozen, "no ridge"), twice=(lambda degree: 2.0, "twice it"))
    pull: Rate = choice(once, to_start=(lambda degree: -1.0, "decay to the start"))


@lru_cache(maxsize=256)
def _course(measured: Faded, net: Net, rates: Rates, pull: float) -> WideCourse:
    told = measured.told
    return wide_course(net.width, net.start, told.targets, told.decay, told.time, rates, pull=pull)


def _rates(degree: int, theory: Theory | Ridge) -> Rates:
    kernel, output = theory.kernel(degree), theory.output(degree)
    if isinstance(theory, Ridge):
        return Rates(output, kernel, third(degree), fourth(degree))
    return Rates(output, kernel, theory.third(degree), theory.fourth(degree))


def limit_laws(measured: Faded, theory: Theory | Ridge) -> Iterator[Law]:
    """Theta and f come to their limits like 1/m."""
    told = measured.told
    rates, widths = _rates(told.degree, theory), measured.widths
    found = _course(measured, measured.narrowest, rates, theory.pull(told.degree))
    grown = np.exp(rates.tangent * told.s)

    def of_kernel(net: Net, seen: Seen) -> float:
        start = net.start.tangent
        return float(np.linalg.norm(grown * seen[1] - start) / np.linalg.norm(start))

    def of_output(_: Net, seen: Seen) -> float:
        return float(np.linalg.norm(seen[0] - found.outputs) / np.linalg.norm(told.targets))

    for what, reading in (("kernel", of_kernel), ("outputs", of_output)):
        off = measured.read(reading)
        ladder = Ladder.of(f"deviation of the {what}", "m", widths, off, small=1.0 / widths)
        yield ladder.falls(f"deviation of the {what} falls like 1/m", 1.0, factor=1.5)
        law = f"order of the deviation of the {what} in 1/m"
        yield ladder.rate(law, 1.0, 0.02, along=-np.log10(widths))


def laws(measured: Faded, theory: Theory) -> Iterator[Law]:
    """Beside the limits, the coefficients of 1/m."""
    yield from limit_laws(measured, theory)
    told = measured.told
    rates, widths = _rates(told.degree, theory), measured.widths
    grown = np.exp(rates.tangent * told.s)

    def course_of(net: Net) -> WideCourse:
        # what widened nets start from is the same, m O3 and m O4 included
        alike = measured.random if net is measured.random else measured.narrowest
        return _course(measured, alike, rates, 0.0)

    def rest(net: Net, seen: Seen) -> float:
        by = course_of(net)
        moved = net.width * (grown * seen[1] - net.start.tangent)
        return float(np.linalg.norm(moved - by.third - theory.share * by.fourth) / by.size)

    def rest_of_output(net: Net, seen: Seen) -> float:
        by = course_of(net)
        predicted = by.moved[0] + theory.share * by.moved[1]
        size = np.linalg.norm(by.moved, axis=1).sum()
        return float(np.linalg.norm(net.width * (seen[0] - by.outputs) - predicted) / size)

    for what, reading in (("kernel", rest), ("outputs", rest_of_output)):
        off = measured.read(reading)
        name = f"m times the deviation of the {what}, off its coefficient"
        ladder = Ladder.of(name, "m", widths, off, small=1.0 / widths)
        yield ladder.falls(f"{name}, falls like 1/m", 1.0)
    off = reader(rest)(measured.random)
    yield below("the same of the kernel of independent neurons", off, 0.1, Basis.MEASURED)


WIDE = Measurement(
    "decayed-wide",
    WideDecayed,
    WIDE_FAMILIES,
    wide_decayed,
    measure,
    in_words(
        "two layers of square or linear neurons",
        "normal weights",
        "the scaling of the tangent kernel",
        "wide enough: what is of order 1/m is a sixteenth",
    ),
    sabotaged={"the readout alone decays": lambda told: measure(told, readout_alone=True)},
    independent=lambda told: measure(told, undecayed=True),
    thrift=3,
)
ORDERS = (
    "orders: 1 in 1/m, with the constant of the two narrowest, times 1.5; in the median 0.02",
    "coefficients: order 1 in 1/m, with the constant of the two narrowest, times 2",
)
CLAIMS = (
    Claim(
        id="kernel-decay",
        title="With decay the tangent kernel of a wide net fades like e^(-2(D-1) lambda t)",
        statement=(
            r"\Theta(t) = e^{-2(D-1)\lambda t} \left( \Theta(0) + c(t)/m + O(m^{-2}) \right),"
            r" \quad f' = -e^{-2(D-1)\lambda t} \Theta(0)(f - y) - D \lambda f + O(1/m)"
        ),
        source=source_of("kernel-decay"),
        measurement=WIDE,
        theory=Theory(),
        laws=laws,
        tolerances=(
            *ORDERS,
            "independent neurons: a tenth of the coefficient at m = 1024; on 60 other instances "
            "0.024 at most",
        ),
    ),
    Claim(
        id="kernel-decay-as-ridge",
        title="As often read: a wide net with decay is the ridge regression of its tangent kernel",
        statement=(
            r"\Theta(t) = \Theta(0) + O(1/m), \quad"
            r" f' = -\Theta(0)(f - y) - \lambda (f + (D-1) f(0)) + O(1/m)"
        ),
        source=source_of("kernel-decay-as-ridge"),
        measurement=WIDE,
        theory=Ridge(),
        laws=limit_laws,
        tolerances=ORDERS[:1],
        expected="falsified",
    ),
)
