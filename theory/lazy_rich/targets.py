"""Targets beyond one quadratic index: several directions, higher Hermite degrees."""

from math import factorial, sqrt

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich.committee import hermite
from theory.lazy_rich.quadratic_form import QuadraticForm


def multi_index_target(directions: Floats) -> QuadraticForm:
    """y = sum_k (beta_k.x)^2 / (2 K), the mean over K directions of shape `(K, D)`."""
    if directions.ndim != 2 or directions.size == 0:
        raise InvalidInput(f"directions has shape {directions.shape}; it must be (K, D)")
    count, dimension = directions.shape
    return QuadraticForm(np.zeros(dimension), directions.T @ directions / count)


def orthogonal_directions(count: int, input_dim: int, rng: np.random.Generator) -> Floats:
    """K orthogonal directions with |beta_k|^2 = D, shape `(K, D)`.

    Raises:
        InvalidInput: more directions than dimensions.
    """
    if not 1 <= count <= input_dim:
        raise InvalidInput(f"count is {count}; it must be from 1 to input_dim = {input_dim}")
    frame, _ = np.linalg.qr(rng.standard_normal((input_dim, count)))
    directions: Floats = sqrt(input_dim) * frame.T
    return directions


def hermite_labels(degree: int, direction: Floats, inputs: Floats) -> Floats:
    """y = He_k(u) / sqrt(k!) with u = sqrt(D) b.x standard normal, so that E y^2 = 1.

    Args:
        direction: any length but 0, shape `(D,)`.
        inputs: of N(0, I/D), shape `(P, D)`.

    Raises:
        InvalidInput: a degree outside 1 to 8, or a direction of zeros.
    """
    if not 1 <= degree <= 8:
        raise InvalidInput(f"degree is {degree}; it must be from 1 to 8")
    if not np.any(direction):
        raise InvalidInput("direction is zero; it must point somewhere")
    unit = direction / np.linalg.norm(direction)
    values: Floats = hermite(degree, sqrt(len(unit)) * (inputs @ unit)) / sqrt(factorial(degree))
    return values
