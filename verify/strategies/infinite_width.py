"""Two inputs of wide nets at random, and small tasks on which wide nets are trained."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.infinite_width import Activation
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

ACTIVATIONS = ("relu", "erf")


@dataclass(frozen=True)
class TwoInputs(Record):
    """Lengths of two inputs and the cosine between them, in two dimensions."""

    activation: str
    lengths: tuple[float, float]
    cosine: float
    seed: int

    @property
    def phi(self) -> Activation:
        return Activation[self.activation.upper()]

    @property
    def inputs(self) -> Floats:
        """`(2, 2)`."""
        sine = np.sqrt(1.0 - self.cosine**2)
        first, second = self.lengths
        return np.array([[first, 0.0], [second * self.cosine, second * sine]])


@dataclass(frozen=True)
class WideTask(Record):
    """Normal inputs and labels for nets of several widths."""

    samples: int
    dimension: int
    seed: int

    @property
    def data(self) -> tuple[Floats, Floats]:
        rng = np.random.default_rng(self.seed)
        return rng.normal(size=(self.samples, self.dimension)), rng.normal(size=self.samples)


@st.composite
def two_inputs(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> TwoInputs:
    """Families are those of `ACTIVATIONS`; cosines up to 3/4 either way."""
    del sizes
    lengths = draw(st.integers(4, 12)) / 4, draw(st.integers(4, 12)) / 4
    cosine = draw(st.integers(-6, 6)) / 8
    return TwoInputs(draw(st.sampled_from(families)), lengths, cosine, draw(st.integers(0, 999)))


@st.composite
def wide_tasks(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> WideTask:
    del families, sizes
    return WideTask(draw(st.integers(2, 4)), draw(st.integers(3, 6)), draw(st.integers(0, 999)))
