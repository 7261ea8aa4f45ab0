"""Linear algebra of small systems side by side: W of them along the last axis, compiled.

Rows of numbers are flat, in the order (number, lane). With few lanes sums are formed one by one,
with many all lanes' sums grow together.
"""

from theory.backend import Floats
from theory.compiled import filling

_FEW = 4


@filling
def multiply(matrices: Floats, numbers: Floats, products: Floats) -> None:
    """Products of `(m, n, W)` matrices and `(n W,)` vectors, `(m W,)`."""
    rows, columns, lanes = matrices.shape
    if lanes < _FEW:
        for i in range(rows):
            for b in range(lanes):
                total = 0.0
                for j in range(columns):
                    total += matrices[i, j, b] * numbers[j * lanes + b]
                products[i * lanes + b] = total
        return
    for i in range(rows):
        for b in range(lanes):
            products[i * lanes + b] = 0.0
        for j in range(columns):
            for b in range(lanes):
                products[i * lanes + b] += matrices[i, j, b] * numbers[j * lanes + b]


@filling
def add(shares: Floats, rows: Floats, numbers: Floats) -> None:
    """Add shares `(m,)` of the rows `(m, n)` to `numbers` `(n,)`."""
    for m in range(shares.size):
        for i in range(numbers.size):
            numbers[i] += shares[m] * rows[m, i]


@filling
def congruence(matrices: Floats, diagonals: Floats, products: Floats) -> None:
    """M diag(d) M^T for `(m, n, W)` matrices and `(n W,)` diagonals, `(m, m, W)`."""
    rows, columns, lanes = matrices.shape
    for i in range(rows):
        for j in range(i + 1):
            if lanes < _FEW:
                for b in range(lanes):
                    total = 0.0
                    for k in range(columns):
                        factor = matrices[i, k, b] * matrices[j, k, b]
                        total += factor * diagonals[k * lanes + b]
                    products[i, j, b] = total
            else:
                for b in range(lanes):
                    products[i, j, b] = 0.0
                for k in range(columns):
                    for b in range(lanes):
                        factor = matrices[i, k, b] * matrices[j, k, b]
                        products[i, j, b] += factor * diagonals[k * lanes + b]
            for b in range(lanes):
                products[j, i, b] = products[i, j, b]


@filling
def invert(matrices: Floats, pivot: Floats) -> None:
    """Overwrite W matrices `(n, n, W)` by their inverses; `pivot` `(W,)` is room.

    There is no search for pivots: for matrices whose rows can be scaled to make them symmetric and
    positive definite. For others, numbers may come back that are large or not finite.
    """
    size, _, lanes = matrices.shape
    for k in range(size):
        for b in range(lanes):
            pivot[b] = 1.0 / matrices[k, k, b]
            matrices[k, k, b] = 1.0
        for j in range(size):
            for b in range(lanes):
                matrices[k, j, b] *= pivot[b]
        for i in range(size):
            if i == k:
                continue
            for b in range(lanes):
                pivot[b] = matrices[i, k, b]
                matrices[i, k, b] = 0.0
            for j in range(size):
                for b in range(lanes):
                    matrices[i, j, b] -= pivot[b] * matrices[k, j, b]
