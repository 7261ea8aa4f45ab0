"""What moves in wide nets: a net with two hidden layers of tanh, by a few steps of descent.

NTP: f = a . h2 / sqrt(m), steps of size eta. muP: f = a . h2 / m, steps of size eta m. Yang and Hu
(ICML 2021). All weights are standard normal, hidden ones are divided by the root of their inputs.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput

Scaling = Literal["NTP", "muP"]


@dataclass(frozen=True)
class Movement:
    """Root mean square change of h2 on the samples; |dW2| / |W2|, spectral and Frobenius; |df|."""

    features: float
    spectral: float
    frobenius: float
    output: float


def movement(
    rng: np.random.Generator,
    inputs: Floats,
    labels: Floats,
    width: int,
    scaling: Scaling,
    *,
    steps: int,
    rate: float,
) -> Movement:
    """After full-batch steps on the mean of (f - f(0) - y)^2 / 2.

    Args:
        inputs: `(n, d)`.
        labels: `(n,)`.

    Raises:
        InvalidInput: another scaling.
    """
    if scaling not in get_args(Scaling):
        raise InvalidInput(f"scaling is {scaling!r}; allowed are {', '.join(get_args(Scaling))}")
    rooted, root = inputs / np.sqrt(inputs.shape[1]), np.sqrt(width)
    shrink, eta = (1.0 / root, rate) if scaling == "NTP" else (1.0 / width, rate * width)
    below = rng.normal(size=(width, inputs.shape[1]))
    middle, readout = rng.normal(size=(width, width)), rng.normal(size=width)
    first_middle, previous, states = middle, middle, []
    for _ in range(steps + 1):
        one = np.tanh(rooted @ below.T)
        two = np.tanh(one @ middle.T / root)
        output = shrink * two @ readout
        states.append((two, output))
        gap = (output - states[0][1] - labels) / len(labels)
        back = shrink * gap[:, None] * readout * (1.0 - two**2) / root
        down = back @ middle * (1.0 - one**2)
        readout = readout - eta * shrink * gap @ two
        previous, middle = middle, middle - eta * back.T @ one
        below = below - eta * down.T @ rooted
    change, begin, last = previous - first_middle, states[0], states[-1]
    return Movement(
        features=float(np.sqrt(((last[0] - begin[0]) ** 2).mean())),
        spectral=_spectral_norm(change) / _spectral_norm(first_middle),
        frobenius=float(np.linalg.norm(change) / np.linalg.norm(first_middle)),
        output=float(np.sqrt(((last[1] - begin[1]) ** 2).mean())),
    )


def _spectral_norm(matrix: Floats) -> float:
    """By power iterations on a fixed start; 40 leave less than a per cent of a random matrix."""
    vector = np.ones(matrix.shape[1])
    for _ in range(40):
        vector = matrix.T @ (matrix @ vector)
        vector /= np.linalg.norm(vector)
    return float(np.linalg.norm(matrix @ vector))
