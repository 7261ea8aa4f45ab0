"""The package's nets at several sizes: batches of flows against LSODA in raw coordinates."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest

from tests.benchmarks import peers
from tests.benchmarks.instances import ACCURACY, AT, regime
from theory import Deep, Problem, TwoLayer, difference_anchor, gradient_flow_batch
from theory.backend import Floats
from theory.nets import HomogeneousNet

BATCH: Final = 4
SCALES: Final = (30.0, 1e3, 1e12)


@dataclass(frozen=True)
class Size:
    """A net on so many samples, and what to call it."""

    name: str
    net: HomogeneousNet
    samples: int

    def problems(self) -> list[Problem]:
        """One for each seed, from a difference anchor."""
        return [self._problem(np.random.default_rng(seed)) for seed in range(BATCH)]

    def _problem(self, rng: np.random.Generator) -> Problem:
        anchor = difference_anchor(self.net, rng)
        inputs = rng.standard_normal((self.samples, self.net.input_dim))
        labels = np.where(rng.random(self.samples) < 0.5, -1.0, 1.0)
        return Problem(self.net, anchor, inputs, labels)


SIZES: Final = (Size("two-layer square, P = 40, n = 5", TwoLayer(8, 4, "square"), 5),)
