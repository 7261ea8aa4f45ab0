"""Least squares with decay: by diagonal nets with unequal starts, and by wide nets."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.decay import WideNet, degrees, wide_course, wide_kernels
from verify.instances.record import Record
from verify.strategies.seeds import first_that_serves
from verify.strategies.sizes import Sizes


@dataclass(frozen=True)
class DecayedNet(Record):
    """Degree, samples, inputs beyond them, scale of the start, and the time s = lambda t."""

    degree: int
    samples: int
    spare: int
    scale: float
    s: float
    seed: int

    @property
    def rows(self) -> Floats:
        """Nearly orthogonal, of length about 1, `(n, d)`."""
        rng = np.random.default_rng(self.seed)
        size = self.samples + self.spare
        turned = np.linalg.qr(rng.normal(size=(size, size)))[0][: self.samples]
        return np.asarray(turned + 0.2 * rng.normal(size=turned.shape) / np.sqrt(size))

    @property
    def targets(self) -> Floats:
        signs = np.random.default_rng(self.seed + 1000).choice([-1.0, 1.0], self.samples)
        sizes = np.random.default_rng(self.seed + 2000).uniform(0.5, 1.5, self.samples)
        return np.asarray(signs * sizes)

    @property
    def start(self) -> tuple[Floats, Floats]:
        """a and b, unequal."""
        rng = np.random.default_rng(self.seed + 3000)
        drawn = self.scale * (1.0 + 0.5 * rng.random((2, self.samples + self.spare)))
        return drawn[0], drawn[1]


@st.composite
def decayed_nets(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> DecayedNet:
    """Families are degrees: "degree-2" and so on."""
    return DecayedNet(
        int(draw(st.sampled_from(families)).removeprefix("degree-")),
        draw(st.integers(1, max(2, sizes.max_samples // 3))),
        draw(st.integers(2, max(2, sizes.max_input_dim // 2))),
        draw(st.sampled_from((0.5, 0.75, 1.0))),
        draw(st.sampled_from((0.5, 0.75, 1.0))),
        draw(st.integers(0, 999)),
    )


WIDE_FAMILIES = ("wide-2", "wide-3")
NEURONS = 16
RANDOM_WIDTH = 1024

SMALL = 1 / 16
"""The term of order 1/m, over what it is added to, in the narrowest net that is followed."""


@dataclass(frozen=True)
class WideDecayed(Record):
    """A net of `NEURONS` normal neurons that is widened, inputs of length 1, and s = lambda t."""

    degree: int
    samples: int
    dimension: int
    decay: float
    s: float
    seed: int

    @property
    def rows(self) -> Floats:
        """`(n, d)`."""
        drawn = np.random.default_rng(self.seed).normal(size=(self.samples, self.dimension))
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))

    @property
    def targets(self) -> Floats:
        rng = np.random.default_rng(self.seed + 1000)
        return np.asarray(
            rng.choice([-1.0, 1.0], self.samples) * rng.uniform(0.5, 1.5, self.samples)
        )

    @property
    def time(self) -> float:
        return self.s / self.decay

    def net(self, neurons: int) -> WideNet:
        """Independent ones."""
        rng = np.random.default_rng([self.seed, neurons])
        hidden = rng.normal(size=(neurons, self.dimension))
        return WideNet(rng.normal(size=neurons), hidden, np.ones(neurons), self.degree)

    @property
    def first(self) -> int:
        """How many times, squared, the narrowest net is widened: until what is next is `SMALL`."""
        needed = self._next(self.net(NEURONS)) / SMALL
        return int(2 ** max(0, np.ceil(np.log2(needed) / 2.0)))

    @property
    def clear(self) -> bool:
        """16 times as wide in either dimension is enough, and so is `RANDOM_WIDTH` at random."""
        return self.first <= 16 and self._next(self.net(RANDOM_WIDTH)) <= SMALL

    def _next(self, net: WideNet) -> float:
        start = wide_kernels(net, self.rows)
        found = wide_course(
            net.width, start, self.targets, self.decay, self.time, degrees(self.degree), rtol=1e-6
        )
        moved = np.linalg.norm(found.moved, axis=1).sum() / np.linalg.norm(self.targets)
        return float(max(found.size / np.linalg.norm(start.tangent), moved) / net.width)


@st.composite
def wide_decayed(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> WideDecayed:
    """Families are degrees: "wide-2" and "wide-3"; the first seed from the one drawn on that is
    clear.
    """
    found = WideDecayed(
        int(draw(st.sampled_from(families)).removeprefix("wide-")),
        draw(st.integers(1, 3)),
        draw(st.integers(2, max(2, sizes.max_input_dim // 2))),
        draw(st.sampled_from((0.5, 0.25, 1.0))),
        draw(st.sampled_from((0.5, 0.75, 1.0, 1.5))),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.clear, found)
