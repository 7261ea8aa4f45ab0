"""Noise of labels is a weight decay: at which rate for each weight, and not the same for all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.noise import DiagonalTask, label_noise, mean_squared_gradients
from verify.language import (
    Claim,
    Ladder,
    Law,
    Measurement,
    Quantity,
    choice,
    equals,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.noise import BATCHES, DiagonalSteps, diagonal_steps

STEP, NOISE = 0.02, 0.5
CHAINS, SETTLING, STEPS_TAKEN = 700, 250, 350


@dataclass(frozen=True, eq=False)
class Shrunk:
    """By how much log(u v) falls per step and 4 eta^2 delta^2, `(d,)`; `batch` samples a step."""

    task: DiagonalTask
    batch: int
    rates: Quantity


def measure(told: DiagonalSteps, noise: float = NOISE) -> Shrunk:
    """From weights that interpolate; in a wrong world the noise is larger than told."""
    batch = 1 if told.steps == BATCHES[0] else 2
    found = label_noise(
        told.fitted,
        STEP,
        noise,
        batch,
        told.rng,
        chains=CHAINS,
        settling=SETTLING,
        steps=STEPS_TAKEN,
    )
    return Shrunk(told.fitted, batch, Quantity.sampled(found * (noise / NOISE) ** 2))


def each(rates: Floats) -> Floats:
    return rates


def alike(rates: Floats) -> Floats:
    return np.full_like(rates, rates.mean())


def over_coordinates(rates: Floats) -> Floats:
    return rates[::-1]


@dataclass(frozen=True)
class Theory:
    """log(u_j v_j) falls by factor 4 eta^2 delta^2 E g_j^2 a step, g_j^2 of x_ij^power.

    Attributes:
        fluctuating: the share of residuals' own fluctuations, of first order in eta.
        batched: the power of the batch over which g^2 is divided.
        coordinates: which rate each weight has.
    """

    factor: float = stated(
        1.0, half=(0.5, "2 eta^2 delta^2 h_j"), twice=(2.0, "8 eta^2 delta^2 h_j")
    )
    power: float = stated(2.0, once=(1.0, "the mean of |x_ij|"))
    fluctuating: float = stated(
        1.0, labels_alone=(0.0, "the noise of labels alone, no residuals of the weights")
    )
    batched: float = stated(
        1.0,
        any_batch=(0.0, "the same for every batch"),
        squared=(2.0, "over the batch squared"),
    )
    coordinates: Callable[[Floats], Floats] = choice(
        each, alike=(alike, "all weights alike"), others=(over_coordinates, "that of another")
    )


def laws(measured: Shrunk, theory: Theory) -> Iterator[Law | Ladder]:
    rates = mean_squared_gradients(
        measured.task,
        measured.batch,
        power=theory.power,
        fluctuating=theory.fluctuating * STEP,
    )
    scaled = theory.factor * measured.batch ** (1.0 - theory.batched) * rates
    predicted = theory.coordinates(scaled)
    yield equals("rate over its prediction", measured.rates / predicted, 1.0, 0.03)
    order = np.argsort(rates)
    sizes = (measured.task.inputs**2).mean(axis=0)[order]
    shown = measured.rates[order]
    yield Ladder.of("fall of log(u v)", "mean of x_ij^2", sizes, shown, predicted[order])


@dataclass(frozen=True)
class Alike:
    """log(u_j v_j) falls by factor 4 eta^2 delta^2 over the batch, times the mean of h."""

    factor: float = stated(
        1.0,
        half=(0.5, "2 eta^2 delta^2 h"),
        twice=(2.0, "8 eta^2 delta^2 h"),
        third_less=(0.67, "a third less"),
        third_more=(1.33, "a third more"),
        tenth_less=(0.9, "a tenth less"),
    )


def laws_alike(measured: Shrunk, theory: Alike) -> Iterator[Law]:
    rates = mean_squared_gradients(measured.task, measured.batch, fluctuating=STEP)
    found = measured.rates / (theory.factor * alike(rates))
    yield equals("rate over its prediction", found, 1.0, 0.03)


LABEL_NOISE = Measurement(
    "label-noise",
    DiagonalSteps,
    BATCHES,
    diagonal_steps,
    measure,
    in_words("u^2 - v^2", "labels off by +-delta, anew at each step", "weights that interpolate"),
    sabotaged={"noise 5 % larger than told": lambda told: measure(told, 1.05 * NOISE)},
    thrift=2,
)
ROOM = (
    "rate: 3 %, for four standard errors of 700 chains of 350 steps (1.3 %) and a second order in "
    "eta of up to 1 % at a step of 1/50"
)
CLAIMS = (
    Claim(
        id="label-noise-decay",
        title="Label noise shrinks u_j v_j at a rate of its own for every weight",
        statement=(
            r"-\mathbb{E}\,\Delta\log(u_j v_j) = \frac{4\eta^2\delta^2}{b} \Big[ h_j"
            r" + \frac{\eta}{2b}\,\mathrm{mean}_i\, x_{ij}^2 K_{ii}"
            r" + \frac{(b-1)\eta}{2bn^2} x_j^\top K x_j \Big] + O(\eta^4), \quad"
            r" h_j = \mathrm{mean}_i\, x_{ij}^2"
        ),
        source=source_of("label-noise-decay"),
        measurement=LABEL_NOISE,
        theory=Theory(),
        laws=laws,
        tolerances=(ROOM,),
    ),
    Claim(
        id="label-noise-decays-all-alike",
        title="As often read: label noise is a weight decay, the same for all weights",
        statement=r"-\mathbb{E}\,\Delta\log(u_j v_j) = 4\eta^2\delta^2 c, \quad j = 1, \dots, d",
        source=source_of("label-noise-decays-all-alike"),
        measurement=LABEL_NOISE,
        theory=Alike(),
        laws=laws_alike,
        tolerances=(ROOM,),
        expected="falsified",
    ),
)
