"""Least squares by diagonal nets u^2 - v^2, with the kind of steps that are taken."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.noise import DiagonalTask
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

STEPS = ("full-batch", "one-sample", "noisy-labels")
BATCHES = ("batch-of-one", "batch-of-two")


@dataclass(frozen=True)
class DiagonalSteps(Record):
    """Samples, dimensions without data, the scale of u(0) and v(0), and what a step takes."""

    samples: int
    spare: int
    scale: float
    steps: str
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """Of the steps."""
        return np.random.default_rng([self.seed, 1])

    @property
    def task(self) -> DiagonalTask:
        """Rows of length 1, nearly orthogonal; u(0) and v(0) of any shape."""
        rng = np.random.default_rng(self.seed)
        dimension = self.samples + self.spare
        turned = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0][: self.samples]
        rows = turned + 0.3 * rng.normal(size=turned.shape) / np.sqrt(dimension)
        plus, minus = self.scale * (1.0 + 0.5 * rng.random((2, dimension)))
        return DiagonalTask(
            rows / np.linalg.norm(rows, axis=1, keepdims=True),
            0.7 * rng.normal(size=self.samples),
            plus,
            minus,
        )

    @property
    def fitted(self) -> DiagonalTask:
        """The same with labels that the start fits."""
        task = self.task
        labels = task.inputs @ (task.plus**2 - task.minus**2)
        return DiagonalTask(task.inputs, labels, task.plus, task.minus)


@st.composite
def diagonal_steps(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> DiagonalSteps:
    """Families are of `STEPS` or `BATCHES`; more samples than one, so that they differ."""
    del sizes
    return DiagonalSteps(
        draw(st.integers(2, 3)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from((0.5, 0.375, 0.625))),
        draw(st.sampled_from(families)),
        draw(st.integers(0, 999)),
    )
