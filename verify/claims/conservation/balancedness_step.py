"""One step of (stochastic) gradient descent changes the balance of layers by a known amount."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.conservation import balance
from theory.conservation.layers import Layers
from theory.errors import NumericalFailure
from verify.language import Claim, Law, Measurement, Quantity, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.conservation import DEPTHS, LinearNet, linear_nets

STEPS, NOISE = 5, 0.5
LARGEST: Final = 1e300
"""Square of a weight beyond which products of weights leave float64."""


@dataclass(frozen=True, eq=False)
class Stepped:
    """Balance before and after each step and of the gradients that were used, `(STEPS, k)`.

    Attributes:
        shrink: 1 - eta lambda.
        scale: the largest entry of what D_l is a difference of.
    """

    before: Floats
    after: Floats
    gradients: Floats
    step: float
    shrink: float
    scale: float


def measure(net: LinearNet, momentum: float = 0.0, precise: bool = False) -> Stepped:
    """Steps on random halves of the samples, whose labels are noisy.

    Args:
        momentum: of heavy-ball steps, as in a wrong world.
        precise: compute in `numpy.longdouble`.

    Raises:
        NumericalFailure: steps so large that weights, or their squares, leave float64.
    """
    task, rng = net.task, np.random.default_rng(net.seed)
    kind = np.longdouble if precise else np.float64
    weights: Layers = tuple(layer.astype(kind) for layer in task.weights)
    velocity: Layers = tuple(0.0 * layer for layer in weights)
    shrink = 1.0 - net.step * net.decay
    rows: list[tuple[Floats, Floats, Floats]] = []
    scale = 1.0
    for _ in range(STEPS):
        batch = rng.choice(net.samples, max(1, net.samples // 2), replace=False).tolist()
        noise = NOISE * rng.normal(size=task.targets.shape)
        noisy = type(task)(task.weights, task.inputs, task.targets + noise, task.decay)
        gradients = noisy.gradients(weights, batch)
        velocity = tuple(momentum * v + g for v, g in zip(velocity, gradients, strict=True))
        moved = tuple(shrink * w - net.step * v for w, v in zip(weights, velocity, strict=True))
        squares = [float((w**2).sum()) for w in moved]
        if not all(square < LARGEST for square in squares):
            raise NumericalFailure(f"steps of {net.step:g} diverge: weights leave float64")
        scale = max(scale, *squares)
        rows.append((_flat(weights), _flat(moved), _flat(gradients)))
        weights = moved
    before, after, pairs = (np.array(column) for column in zip(*rows, strict=True))
    return Stepped(before, after, pairs, net.step, shrink, scale)


def _flat(weights: Layers) -> Floats:
    return np.concatenate([pair.ravel() for pair in balance(weights)]).astype(np.float64)


@dataclass(frozen=True)
class Theory:
    """D_l^+ = (1 - eta lambda)^power D_l + factor eta^order (G_{l+1}' G_{l+1} - G_l G_l')."""

    power: int = stated(
        2,
        shrunk_once=(1, "(1 - eta lambda) D_l"),
        not_shrunk=(0, "D_l is not shrunk"),
    )
    factor: float = stated(
        1.0,
        conserved=(0.0, "no term of second order: steps keep balance as the flow does"),
        half=(0.5, "half the term of second order"),
        twice=(2.0, "twice the term of second order"),
        reversed=(-1.0, "the term of second order with its sign reversed"),
    )
    order: int = stated(2, first_order=(1, "a term of first order in eta"))


def laws(measured: Stepped, theory: Theory) -> Iterator[Law]:
    predicted = (
        measured.shrink**theory.power * measured.before
        + theory.factor * measured.step**theory.order * measured.gradients
    )
    # sums of at most eight products, of a gradient and of layers on either side
    found = Quantity.rounded(measured.after.ravel() / measured.scale, 1.0, 64.0)
    yield equals("D_l after a step", found, predicted.ravel() / measured.scale, 1e-13)


CLAIM = Claim(
    id="balancedness-step",
    title="A gradient step changes balance of layers by its own gradients, at second order only",
    statement=(r"D_l^+ = (1-\eta\lambda)^2 D_l + \eta^2 (G_{l+1}^\top G_{l+1} - G_l G_l^\top)"),
    source=source_of("balancedness-step"),
    measurement=Measurement(
        "layer-steps",
        LinearNet,
        DEPTHS,
        linear_nets,
        measure,
        in_words("linear net", "plain steps on any samples with any labels"),
        sabotaged={"momentum": lambda net: measure(net, momentum=0.5)},
        independent=lambda net: measure(net, precise=True),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "identity: 1e-13 of the largest squared norm of a layer, rounding being 64 roundings of it",
    ),
)
