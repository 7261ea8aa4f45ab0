"""Least squares by diagonal nets of any degree, with unequal starts."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from verify.instances.record import Record
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
