"""The predicted risk on the cube: near in terms of the target, but not in terms of itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.kernel_ridge import Curve
from verify.language import (
    Basis,
    Claim,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    in_words,
    ordered,
    stated,
)
from verify.registry import source_of
from verify.strategies.kernel_ridge import CubeTask, cube_tasks

SAMPLES = np.array([8, 16, 32])
DRAWS = (2500, 3500, 4000)


@dataclass(frozen=True, eq=False)
class OnTheCube:
    """Mean risks of a target of size 1, `(3,)`."""

    task: CubeTask
    risks: Quantity


def measure(task: CubeTask, gain: float = 1.0) -> OnTheCube:
    """In a wrong world there are fewer samples than told."""
    rng, cube = np.random.default_rng(task.seed), task.cube
    found = [
        Quantity.sampled(cube.risks(rng, round(gain * n), task.ridge, draws)[:, None])
        for n, draws in zip(SAMPLES.tolist(), DRAWS, strict=True)
    ]
    return OnTheCube(task, Quantity.joined(found))


@dataclass(frozen=True)
class Theory:
    """|risk - E_0^amplified (1 - L)^power| <= 1 / n for samples times `samples`."""

    power: float = stated(2.0, once=(1.0, "1 - L"), fourth=(4.0, "(1 - L)^4"))
    amplified: float = stated(1.0, twice=(2.0, "E_0^2"))
    samples: float = stated(1.0, half=(0.5, "half as many samples"), double=(2.0, "twice as many"))


def laws(measured: OnTheCube, theory: Theory) -> Iterator[Law | Ladder]:
    spectrum = measured.task.cube.spectrum(measured.task.ridge)
    curves = [Curve(spectrum, round(theory.samples * n)) for n in SAMPLES.tolist()]
    predicted = np.array(
        [
            c.amplification**theory.amplified
            * float(((1.0 - c.learnabilities) ** theory.power * spectrum.target).sum())
            for c in curves
        ]
    )
    off = abs(measured.risks - predicted)
    bounds = 1.0 / SAMPLES
    yield below("risk off its prediction", off, bounds, Basis.MEASURED, at=SAMPLES)
    yield Ladder.of("risk on the cube", "n", SAMPLES, measured.risks, predicted)


@dataclass(frozen=True)
class Relative:
    """n^order |risk / prediction - 1| does not rise with n."""

    order: float = stated(
        1.0,
        half_order=(0.5, "1 / sqrt(n)"),
        second_order=(2.0, "1 / n^2"),
        three_halves=(1.5, "n^(-3/2)"),
        quarter_order=(0.25, "n^(-1/4)"),
        eighth_order=(0.125, "n^(-1/8)"),
    )


def laws_of_the_relative_error(measured: OnTheCube, theory: Relative) -> Iterator[Law]:
    spectrum = measured.task.cube.spectrum(measured.task.ridge)
    predicted = np.array([Curve(spectrum, n).test for n in SAMPLES.tolist()])
    off = abs(measured.risks / predicted - 1.0) * SAMPLES**theory.order
    yield ordered("n^order |risk / prediction - 1| does not rise", -off)


ON_THE_CUBE = Measurement(
    "kernel-on-the-cube",
    CubeTask,
    ("one-coordinate",),
    cube_tasks,
    measure,
    in_words("a kernel of inner products", "uniform points of the cube", "a target of level 1"),
    sabotaged={"three quarters of the samples told": lambda task: measure(task, gain=0.75)},
    thrift=3,
)
CLAIMS = (
    Claim(
        id="omniscient-risk-on-the-cube",
        title="On the cube the predicted risk is off by at most 1/n of the target's size",
        statement=r"|\mathbb{E}\,R_n - E_0 (1 - L)^2| \le 1/n, \quad \|f^*\| = 1",
        source=source_of("omniscient-risk-on-the-cube"),
        measurement=ON_THE_CUBE,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "1/n; n times the deviation is largest near n = 40, and there 0.89 in the worst of all "
            "12 pairs of a kernel and a ridge that are drawn (40,000 draws each)",
        ),
    ),
    Claim(
        id="omniscient-risk-relative",
        title="As often read: the predicted risk becomes exact in proportion as samples are added",
        statement=r"\mathbb{E}\,R_n = E_0 (1 - L)^2 (1 + O(1/n))",
        source=source_of("omniscient-risk-relative"),
        measurement=ON_THE_CUBE,
        theory=Relative(),
        laws=laws_of_the_relative_error,
        tolerances=("an order: nothing is left to errors but four standard errors of the means",),
        expected="falsified",
    ),
)
