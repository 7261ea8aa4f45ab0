"""Linear systems in compiled code, in place: of few unknowns without the price of a library call.

There is no search for pivots: for matrices that have a positive definite symmetric part, or would
with other factors of rows and columns. Factors of 25 unknowns take 1.9 us, with pivots 2.8, and an
inverse of LAPACK 17; of 250 they take as long as those of LAPACK.
"""

from typing import Final

from theory.backend import Floats
from theory.compiled import compiled, inlined, summing

BLOCK: Final = 32
"""Columns at a time; what they do to the others is one product of matrices. Of 250 unknowns that
takes half the time, of 1,170 two fifths."""


@compiled
def factorize(matrix: Floats) -> None:
    """Overwrite a square matrix `(n, n)` by its factors L U.

    Where a pivot vanishes, numbers are left that are not finite.
    """
    size = len(matrix)
    for first in range(0, size, BLOCK):
        last = min(first + BLOCK, size)
        _factorize_columns(matrix, first, last)
        if last == size:
            return
        for k in range(first, last):
            for i in range(k + 1, last):
                share = matrix[i, k]
                for j in range(last, size):
                    matrix[i, j] -= share * matrix[k, j]
        below, right = matrix[last:, first:last].copy(), matrix[first:last, last:].copy()
        products = below @ right
        for i in range(last, size):
            for j in range(last, size):
                matrix[i, j] -= products[i - last, j - last]


@inlined
def _factorize_columns(matrix: Floats, first: int, last: int) -> None:
    """Some columns from their diagonal on, four rows at a time."""
    size = len(matrix)
    for k in range(first, last):
        inverse, i = 1.0 / matrix[k, k], k + 1
        while i + 3 < size:
            a, b = matrix[i, k] * inverse, matrix[i + 1, k] * inverse
            c, d = matrix[i + 2, k] * inverse, matrix[i + 3, k] * inverse
            matrix[i, k], matrix[i + 1, k], matrix[i + 2, k], matrix[i + 3, k] = a, b, c, d
            for j in range(k + 1, last):
                pivot = matrix[k, j]
                matrix[i, j] -= a * pivot
                matrix[i + 1, j] -= b * pivot
                matrix[i + 2, j] -= c * pivot
                matrix[i + 3, j] -= d * pivot
            i += 4
        while i < size:
            a = matrix[i, k] * inverse
            matrix[i, k] = a
            for j in range(k + 1, last):
                matrix[i, j] -= a * matrix[k, j]
            i += 1


@summing
def solve(factors: Floats, vector: Floats) -> None:
    """Overwrite `vector` `(n,)` by the solution of the system in factors."""
    size = vector.size
    for i in range(size):
        total = 0.0
        for j in range(i):
            total += factors[i, j] * vector[j]
        vector[i] -= total
    for i in range(size - 1, -1, -1):
        total = 0.0
        for j in range(i + 1, size):
            total += factors[i, j] * vector[j]
        vector[i] = (vector[i] - total) / factors[i, i]


@summing
def multiply(rows: Floats, vector: Floats, products: Floats) -> None:
    """Fill `products` `(m,)` with those of `rows` `(m, n)` and `vector` `(n,)`."""
    for i in range(products.size):
        total = 0.0
        for j in range(vector.size):
            total += rows[i, j] * vector[j]
        products[i] = total


@summing
def squares(rows: Floats, norms: Floats) -> None:
    """Fill `norms` `(m,)` with the squared lengths of `rows` `(m, n)`."""
    for i in range(norms.size):
        total = 0.0
        for j in range(rows.shape[1]):
            total += rows[i, j] ** 2
        norms[i] = total
