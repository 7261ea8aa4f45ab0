"""How many quantities the flows of all losses of U V^T keep: orbits of a Lie algebra.

Marcotte, Gribonval, Peyre (NeurIPS 2023). A loss with the gradient A at U V^T moves Q = [U; V] by
M Q, M = -[[0, A], [A^T, 0]]. What all of these keep is constant on the orbit of the algebra that
they generate, and there are as many laws as the orbit lacks dimensions.
"""

from itertools import combinations

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.requests import check_whole


def conserved_count(rows: int, columns: int, width: int) -> int:
    """r (r+1) / 2 for r <= N = n + m, N (2r - N + 1) / 2 beyond, at full rank.

    Raises:
        InvalidInput: a size is not positive.
    """
    _check(rows, columns, width)
    total = rows + columns
    if width <= total:
        return width * (width + 1) // 2
    return total * (2 * width - total + 1) // 2


def generated_algebra(rows: int, columns: int) -> Floats:
    """A basis of the algebra that all M generate, `(k, N, N)`, by commutators until none is new.

    Raises:
        InvalidInput: a size is not positive.
    """
    _check(rows, columns, 1)
    total = rows + columns
    found: list[Floats] = []
    for i in range(rows):
        for j in range(rows, total):
            matrix = np.zeros((total, total))
            matrix[i, j] = matrix[j, i] = 1.0
            found.append(matrix)
    tried = 0
    while tried < len(found):
        for k in range(tried):
            bracket = found[tried] @ found[k] - found[k] @ found[tried]
            stack = np.array([*found, bracket]).reshape(len(found) + 1, -1)
            if np.linalg.matrix_rank(stack) > len(found):
                found.append(bracket)
        tried += 1
    return np.array(found)


def pseudo_orthogonal(rows: int, columns: int) -> Floats:
    """The usual basis of so(n, m), `(N (N-1) / 2, N, N)`.

    Raises:
        InvalidInput: a size is not positive.
    """
    _check(rows, columns, 1)
    total = rows + columns
    basis = np.zeros((total * (total - 1) // 2, total, total))
    for matrix, (i, j) in zip(basis, combinations(range(total), 2), strict=True):
        matrix[i, j] = 1.0
        matrix[j, i] = 1.0 if i < rows <= j else -1.0
    return basis


def missing_dimensions(algebra: Floats, stack: Floats) -> int:
    """Dimensions that the orbit through Q, `(N, r)`, lacks: r N less the rank of all M Q.

    Raises:
        InvalidInput: Q has another shape than the algebra asks for, or is not finite.
    """
    size = algebra.shape[-1]
    if stack.ndim != 2 or len(stack) != size or not np.all(np.isfinite(stack)):
        raise InvalidInput(f"stack has shape {stack.shape}; it must be {size} rows, all finite")
    moved = (algebra @ stack).reshape(len(algebra), -1)
    return int(stack.size - np.linalg.matrix_rank(moved))


def _check(rows: int, columns: int, width: int) -> None:
    for name, size in (("rows", rows), ("columns", columns), ("width", width)):
        check_whole(name, size)
