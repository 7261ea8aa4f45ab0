"""Small homogeneous nets with random weights, for what their flows keep."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.conservation import LayerTask, NeuronTask
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

DEPTHS = ("depth-2", "depth-3", "depth-4")
WIDTHS = ("narrow", "wide")
DEGREES = ("degree-1", "degree-2", "degree-3")
SEEDS = st.integers(0, 999)
DECAYS = (0.5, 0.25, 1.0)


@dataclass(frozen=True)
class LinearNet(Record):
    """A linear net with normal weights, sized so that its product is of order one.

    Attributes:
        widths: of inputs, hidden layers and outputs.
        decay: lambda.
        step: eta of a gradient step, where one is taken.
    """

    widths: tuple[int, ...]
    samples: int
    decay: float
    step: float
    seed: int

    @property
    def task(self) -> LayerTask:
        rng = np.random.default_rng(self.seed)
        weights = tuple(
            rng.normal(size=(above, below)) / np.sqrt(below)
            for below, above in zip(self.widths[:-1], self.widths[1:], strict=True)
        )
        inputs = rng.normal(size=(self.samples, self.widths[0]))
        targets = rng.normal(size=(self.samples, self.widths[-1]))
        return LayerTask(weights, inputs, targets, self.decay)


@dataclass(frozen=True)
class TwoLayerNet(Record):
    """sum_k a_k sigma(w_k.x) with normal weights; sigma is of `degree` p."""

    width: int
    input_dim: int
    samples: int
    degree: int
    decay: float
    seed: int

    @property
    def task(self) -> NeuronTask:
        rng = np.random.default_rng(self.seed)
        return NeuronTask(
            rng.normal(size=self.width),
            rng.normal(size=(self.width, self.input_dim)),
            rng.normal(size=(self.samples, self.input_dim)),
            rng.normal(size=self.samples),
            self.degree,
            self.decay,
        )


@dataclass(frozen=True)
class Product(Record):
    """U V' of U `(rows, width)` and V `(columns, width)`, both normal."""

    rows: int
    columns: int
    width: int
    seed: int

    @property
    def stack(self) -> Floats:
        """[U; V], `(rows + columns, width)`."""
        rng = np.random.default_rng(self.seed)
        return rng.normal(size=(self.rows + self.columns, self.width))


@st.composite
def products(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Product:
    """Families are those of `WIDTHS`: at most, or more than rows and columns together."""
    del sizes
    rows, columns, seed = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(SEEDS)
    total = rows + columns
    if draw(st.sampled_from(families)) == "narrow":
        return Product(rows, columns, draw(st.integers(1, total)), seed)
    return Product(rows, columns, total + draw(st.integers(1, 4)), seed)


@st.composite
def linear_nets(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> LinearNet:
    """Families are those of `DEPTHS`."""
    depth = int(draw(st.sampled_from(families)).removeprefix("depth-"))
    width = st.integers(1, min(5, sizes.max_width))
    return LinearNet(
        tuple(draw(width) for _ in range(depth + 1)),
        draw(st.integers(2, sizes.max_samples)),
        draw(st.sampled_from(DECAYS)),
        draw(st.sampled_from((0.125, 0.0625, 0.25))),
        draw(SEEDS),
    )


@st.composite
def two_layer_nets(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> TwoLayerNet:
    """Families are those of `DEGREES`."""
    return TwoLayerNet(
        draw(st.integers(1, min(4, sizes.max_width))),
        draw(st.integers(1, min(5, sizes.max_input_dim))),
        draw(st.integers(2, sizes.max_samples)),
        int(draw(st.sampled_from(families)).removeprefix("degree-")),
        draw(st.sampled_from(DECAYS)),
        draw(SEEDS),
    )
