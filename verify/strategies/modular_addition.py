"""Addition mod p: which pairs are seen, by which kernels and nets."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from theory.anchors import difference_anchor, zero_readout_anchor
from theory.backend import Floats, Integers
from theory.modular_addition import (
    PairKernel,
    Phases,
    all_pairs,
    quadratic_net,
    split_pairs,
    symmetric_anchor,
    symmetric_kernel,
    wide_kernel,
)
from theory.nets import TwoLayer
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

Start = Literal["readout 0", "difference"]
KERNELS = ("any", "wide", "net")
STARTS = ("difference", "readout 0")
STATES = ("gaussian", "near-exact")
LINES = ("cancelling",)


@dataclass(frozen=True)
class SeenPairs(Record):
    """A kernel of pairs, and how many pairs of Z_p it sees, drawn by a seed."""

    modulus: int
    seen: int
    seed: int
    none: float
    one: float
    both: float

    @property
    def kernel(self) -> PairKernel:
        return PairKernel(self.none, self.one, self.both)

    def split(self) -> tuple[Integers, Integers]:
        """Seen and unseen pairs."""
        return split_pairs(self.modulus, self.seen, self.seed)


@st.composite
def seen_pairs(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> SeenPairs:
    """Families are those of `KERNELS`; from three to four fifths of all pairs are seen."""
    family = draw(st.sampled_from(families))
    modulus = draw(st.sampled_from((5, 7, 3) if sizes.max_samples < 12 else (5, 7, 11, 3)))
    if family == "wide":
        kernel = wide_kernel(draw(st.sampled_from(("readout 0", "difference"))))
    elif family == "net":
        kernel = symmetric_kernel(modulus)
    else:
        none, single = draw(st.integers(0, 8)), draw(st.integers(1, 4))
        together = draw(st.integers(1, 6))
        kernel = PairKernel(none, none + single, none + 2.0 * single + together)
    seen = round(draw(st.sampled_from((0.6, 0.7, 0.8))) * modulus**2)
    seed = draw(st.integers(0, 999))
    return SeenPairs(modulus, seen, seed, kernel.none, kernel.one, kernel.both)


@dataclass(frozen=True)
class AdditionFlow(Record):
    """A quadratic net on seen pairs of Z_p, from alpha times an anchor, with lambda = 1 / alpha.

    Attributes:
        start: how its output is made zero, or the net whose kernel is symmetric.
        width: how many neurons; those of the symmetric net are p^2.
        seed: of the weights and of the pairs.
    """

    modulus: int
    width: int
    seen: int
    seed: int
    log10_alpha: float
    start: Literal["readout 0", "difference", "symmetric"]

    def split(self) -> tuple[Integers, Integers]:
        """Seen and unseen pairs."""
        if self.seen == self.modulus**2:
            return all_pairs(self.modulus), np.zeros((0, 2), dtype=np.int64)
        return split_pairs(self.modulus, self.seen, self.seed)

    def anchored(self) -> tuple[TwoLayer, Floats]:
        """The net and its anchor."""
        if self.start == "symmetric":
            return symmetric_anchor(self.modulus)
        net = quadratic_net(self.modulus, self.width)
        size = net.parameters // (2 if self.start == "difference" else 1)
        theta = np.random.default_rng(self.seed).standard_normal(size)
        if self.start == "difference":
            return net, difference_anchor(net, theta)
        return net, zero_readout_anchor(net, theta)


@st.composite
def symmetric_flows(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> AdditionFlow:
    """Flows of the symmetric net from a part of the pairs; p = 7 has 1029 parameters, too many."""
    del families, sizes
    modulus = draw(st.sampled_from((3, 3, 5)))
    seen = round(draw(st.sampled_from((0.6, 0.8))) * modulus**2)
    log10_alpha = draw(st.sampled_from((5.0, 4.0, 6.0)))
    return AdditionFlow(
        modulus, modulus**2, seen, draw(st.integers(0, 999)), log10_alpha, "symmetric"
    )


@st.composite
def _random_flows(
    draw: st.DrawFn, families: tuple[str, ...], share: float, width: int
) -> AdditionFlow:
    start: Start = "difference" if draw(st.sampled_from(families)) == "difference" else "readout 0"
    return AdditionFlow(5, width, round(25 * share), draw(st.integers(0, 999)), 8.0, start)


def full_flows(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[AdditionFlow]:
    """All pairs of Z_5; families are those of `STARTS`."""
    del sizes
    return _random_flows(families, 1.0, 16)


def part_flows(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[AdditionFlow]:
    """Four fifths of the pairs of Z_5; families are those of `STARTS`."""
    del sizes
    return _random_flows(families, 0.8, 12)


@dataclass(frozen=True)
class NetState(Record):
    """A quadratic net: Gaussian weights, or those of an exact net put off by a share of them."""

    modulus: int
    width: int
    seed: int
    off: float | None

    def state(self, exact: tuple[TwoLayer, Floats]) -> tuple[TwoLayer, Floats]:
        """The net and its theta `(P,)`; `exact` is the one that is put off."""
        generator = np.random.default_rng(self.seed)
        if self.off is None:
            net = quadratic_net(self.modulus, self.width)
            return net, generator.standard_normal(net.parameters)
        net, theta = exact
        size = float(np.sqrt(np.square(theta).mean()))
        return net, theta + self.off * size * generator.standard_normal(theta.size)


@st.composite
def net_states(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> NetState:
    """Families are those of `STATES`."""
    near = draw(st.sampled_from(families)) == "near-exact"
    off = draw(st.sampled_from((0.01, 0.1, 0.3))) if near else None
    modulus = draw(st.sampled_from((5, 3, 7, 11)))
    width = draw(st.integers(1, max(2, min(sizes.max_width, 16))))
    return NetState(modulus, width, draw(st.integers(0, 999)), off)


@dataclass(frozen=True)
class PhaseLine(Record):
    """Z_p and phases on a line: phi_u = 2 pi j / count, phi_v = step phi_u."""

    modulus: int
    count: int
    step: int

    @property
    def phases(self) -> Phases:
        return Phases(self.count, self.step)


def phase_lines(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[PhaseLine]:
    """Those whose harmonics cancel, of 6 to 12 phases."""
    del families, sizes
    known = [
        (count, step) for count in range(6, 13) for step in range(count) if _cancel(count, step)
    ]
    return st.builds(
        lambda modulus, line: PhaseLine(modulus, *line),
        st.sampled_from((5, 7, 3, 11)),
        st.sampled_from(known),
    )


def _cancel(count: int, step: int) -> bool:
    return Phases(count, step).cancel
