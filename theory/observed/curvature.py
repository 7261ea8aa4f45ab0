"""Sharpness: the largest eigenvalue of the Hessian of the mean loss, by Lanczos on its products."""

from typing import Any, Final

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from theory.backend import Floats
from theory.errors import OracleFailed
from theory.observed.net import Observed

VECTORS: Final = 10
"""Of the Krylov space between restarts; with 20, twice the products gave the same digits."""


def sharpness(observed: Observed, tolerance: float = 1e-2, products: int = 400) -> float:
    """The largest eigenvalue, without weight decay, to about the square of a relative `tolerance`.

    Gradient descent of step h is stable below 2 / h.

    Raises:
        OracleFailed: not settled within so many products.
    """
    import torch

    count = observed.parameters
    if count == 1:
        return float(observed.curve(torch.ones_like(observed.theta))[0])

    def product(vector: Floats) -> Any:
        direction = torch.as_tensor(vector.reshape(-1).copy(), device=observed.theta.device)
        return observed.curve(direction).cpu().numpy()

    start = np.random.default_rng(0).standard_normal(count)
    if not product(start).any():
        return 0.0
    vectors = min(count, VECTORS)
    if count <= vectors:
        matrix = np.stack([product(row) for row in np.eye(count)])
        return float(np.linalg.eigvalsh(0.5 * (matrix + matrix.T))[-1])
    operator = LinearOperator((count, count), matvec=product, dtype=np.float64)
    try:
        found = eigsh(
            operator,
            k=1,
            which="LA",
            v0=start,
            tol=tolerance,
            ncv=vectors,
            maxiter=products // vectors,
            return_eigenvectors=False,
        )
    except ArpackError as error:
        raise OracleFailed(f"Lanczos did not settle within {products} products") from error
    return float(found[0])
