"""Starts of the catapult by its two numbers, and of the toy of the edge of stability."""

from dataclasses import dataclass

from hypothesis import strategies as st

from verify.instances.record import Record
from verify.strategies.sizes import Sizes

WIDTHS = (1, 3, 10, 100, 1000)
PARTS = 997
"""A prime: no z of so many parts of its largest value is taken to 0 by a step."""


@dataclass(frozen=True)
class NetStart(Record):
    """k, z as parts of its largest value k^2 / 4, width, step and seed of the directions."""

    k: float
    part: int
    width: int
    eta: float
    seed: int

    @property
    def z(self) -> float:
        return self.part / PARTS * self.k**2 / 4.0


@dataclass(frozen=True)
class SmallStart(Record):
    """k of the lazy phase, and k of the catapult; z is small."""

    lazy: float
    catapult: float
    seed: int


@dataclass(frozen=True)
class EdgeStart(Record):
    """Where the toy starts, and its push a."""

    x: float
    y: float
    push: float


@st.composite
def net_starts(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> NetStart:
    """Families are "converging", k < 4, and "diverging", k > 4, by an eighth at least.

    The nearer to 4 the simpler: there theories of the threshold differ.
    """
    del sizes
    side = 1.0 if draw(st.sampled_from(families)) == "diverging" else -1.0
    return NetStart(
        4.0 + side * draw(st.integers(1, 31)) / 8.0,
        draw(st.integers(1, PARTS - 1)),
        draw(st.sampled_from(WIDTHS)),
        draw(st.sampled_from((1.0, 0.5, 0.125))),
        draw(st.integers(0, 999)),
    )


@st.composite
def small_starts(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> SmallStart:
    """In 64ths, clear of 0, 2 and 4."""
    del families, sizes
    lazy, catapult = draw(st.integers(16, 112)), draw(st.integers(148, 244))
    return SmallStart(lazy / 64.0, catapult / 64.0, draw(st.integers(0, 999)))


@st.composite
def edge_starts(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> EdgeStart:
    """In eighths, off the fixed point x^2 = 2a."""
    del families, sizes
    return EdgeStart(
        draw(st.sampled_from((1.0, 0.5, 1.5, 0.75))),
        draw(st.integers(1, 8)) / 8.0 * draw(st.sampled_from((1.0, -1.0))),
        draw(st.integers(2, 8)) / 8.0,
    )
