"""Formats and numbers of classes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.softmax import Format
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

SPREADS = ("spread", "alike", "alone")
FORMATS = ("float32", "float64", "float16")


@dataclass(frozen=True)
class Classes(Record):
    """K classes whose logits are numbers of a format."""

    format: Literal["float16", "float32", "float64"]
    classes: int

    @property
    def form(self) -> Format:
        return Format(self.format)


@dataclass(frozen=True)
class Logits(Record):
    """Logits with margins about `margin`: all alike, one far below all others, or spread."""

    samples: int
    classes: int
    margin: float
    spread: str
    seed: int

    @property
    def labels(self) -> Floats:
        return np.asarray(np.arange(self.samples) % self.classes, dtype=np.float64)

    @property
    def drawn(self) -> Floats:
        """`(n, K)`, with a shift of its own for every sample."""
        rng = np.random.default_rng(self.seed)
        shape = (self.samples, self.classes)
        margins = np.full(shape, self.margin)
        if self.spread == "spread":
            margins = margins + rng.exponential(size=shape)
        if self.spread == "alone":
            margins = margins + 20.0
            margins[0, self.classes - 1] = self.margin
        margins[np.arange(self.samples), self.labels.astype(int)] = 0.0
        return np.asarray(rng.normal(size=(self.samples, 1)) - margins)


@st.composite
def logits(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Logits:
    """Families are those of `SPREADS`; margins in quarters, negative ones among them."""
    return Logits(
        draw(st.integers(2, sizes.max_samples)),
        draw(st.integers(3, 12)),
        draw(st.integers(-4, 40)) / 4,
        draw(st.sampled_from(families)),
        draw(st.integers(0, 999)),
    )


@st.composite
def classes(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Classes:
    """Families are those of `FORMATS`."""
    del sizes
    name = draw(st.sampled_from(families))
    count = draw(st.one_of(st.integers(2, 12), st.integers(13, 128)))
    return Classes("float16" if name == "float16" else _wide(name), count)


def _wide(name: str) -> Literal["float32", "float64"]:
    return "float32" if name == "float32" else "float64"
