"""Two linear layers u, v of width m on one sample: f = u.v / sqrt(m), loss (f - y)^2 / 2."""

import numpy as np

from theory.backend import Floats
from theory.catapult.map import check_start
from theory.requests import check_positive, check_whole


def net_start(k: float, z: float, width: int, eta: float, seed: int) -> tuple[Floats, Floats]:
    """u and v, `(m,)` each, with the given k >= 2 sqrt(z) and z (see `theory.catapult.map`).

    Raises:
        InvalidInput: k < 2 sqrt(z) or z < 0, which no u and v have; a width below 1; a learning
            rate that is not positive and finite.
    """
    check_start(k, z)
    check_whole("width", width)
    check_positive("eta", eta)
    rng = np.random.default_rng(seed)
    root, quarter = z**0.5, width / (4.0 * eta)
    common, opposite = rng.normal(size=(2, width))
    common = common / np.linalg.norm(common) * np.sqrt(quarter * (k + 2.0 * root))
    opposite = opposite / np.linalg.norm(opposite) * np.sqrt(quarter * (k - 2.0 * root))
    return common + opposite, common - opposite


def net_step(
    u: Floats, v: Floats, eta: float, target: float = 0.0, decay: float = 0.0
) -> tuple[Floats, Floats]:
    """One step of gradient descent, with weight decay where it is asked for."""
    root = np.sqrt(len(u))
    pull = eta * (float(u @ v) / root - target) / root
    kept = 1.0 - eta * decay
    return kept * u - pull * v, kept * v - pull * u


def net_state(u: Floats, v: Floats, eta: float) -> tuple[float, float]:
    """k and z."""
    width = len(u)
    return eta * float(u @ u + v @ v) / width, (eta * float(u @ v) / width) ** 2
