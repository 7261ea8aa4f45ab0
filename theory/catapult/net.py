"""Two linear layers u, v of width m on one sample: f = u.v / sqrt(m), loss (f - y)^2 / 2."""

import numpy as np

from theory.backend import Floats


def net_start(k: float, z: float, width: int, eta: float, seed: int) -> tuple[Floats, Floats]:
    """u and v, `(m,)` each, with the given k >= 2 sqrt(z) and z (see `theory.catapult.map`)."""
    rng = np.random.default_rng(seed)
    total, product = k * width / eta, width * z**0.5 / eta
    common, opposite = rng.normal(size=(2, width))
    common = common / np.linalg.norm(common) * np.sqrt(total / 4.0 + product / 2.0)
    opposite = opposite / np.linalg.norm(opposite) * np.sqrt(total / 4.0 - product / 2.0)
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
