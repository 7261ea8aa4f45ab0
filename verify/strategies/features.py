"""Unconstrained features: classes, samples, dimensions, and decays on a side of the threshold."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from verify.instances.record import Record
from verify.strategies.sizes import Sizes

BIASES = ("no-bias", "free-bias")
SIDES = ("below", "above")


@dataclass(frozen=True)
class Features(Record):
    """K classes of n samples.

    Attributes:
        spare: dimensions of features beyond K.
        threshold: K c, c = sqrt(n lW lH).
        log2_ratio: of lW over lH.
        bias: whether there is a free bias.
    """

    classes: int
    samples: int
    spare: int
    threshold: float
    log2_ratio: int
    bias: bool
    seed: int

    @property
    def decays(self) -> tuple[float, float]:
        """lW and lH."""
        mean = self.threshold / self.classes / np.sqrt(self.samples)
        root = 2.0 ** (self.log2_ratio / 2)
        return float(mean * root), float(mean / root)


@st.composite
def _features(
    draw: st.DrawFn, sizes: Sizes, thresholds: tuple[float, ...], bias: bool, least: int
) -> Features:
    return Features(
        draw(st.integers(2, 5)),
        draw(st.integers(2, max(2, min(5, sizes.max_samples // 2)))),
        draw(st.integers(least, 2)),
        draw(st.sampled_from(thresholds)),
        draw(st.sampled_from((2, -2, 1, 3))),
        bias,
        draw(st.integers(0, 999)),
    )


def features(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[Features]:
    """Families are those of `BIASES`; decays are well below the threshold."""
    return st.sampled_from(families).flatmap(
        lambda family: _features(sizes, (0.5, 0.25, 0.75), family == "free-bias", 0)
    )


def either_side(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[Features]:
    """Families are those of `SIDES`, of the threshold."""
    values = {"below": (0.875, 0.75), "above": (1.125, 1.25, 2.0)}
    return st.sampled_from(families).flatmap(
        lambda family: _features(sizes, values[family], False, 0)
    )
