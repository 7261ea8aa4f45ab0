"""The interpolating flow of a balanced factorization, written in its product.

For W = U U^T - V V^T with U = V = rho_0 I at the start, U^T V = rho^2 I is conserved up to the
decay, so the flow closes on W: with X = U U^T one has V V^T = rho^4 X^-1, W = X - rho^4 X^-1 and

    W' = -2 W + G B + B G,      B = U U^T + V V^T = (W^2 + 4 rho^4)^(1/2),

in decay time, G supported on the observed entries. As lambda -> 0 the flow interpolates, and G is
what keeps W_ij = y_ij there: n linear equations. The error of this limit is O(n lambda |m|).

Times are e-folds T after the one when alpha |anchor| e^-s is 1, so that rho^2 = e^(-2T) / (2 d):
whatever the norm of the anchor. For a unit anchor they count from log(alpha) / lambda.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.flow.compiled_completion import (
    Entries,
    gram_of_entries,
    half_of_pairs,
    pull_of_entries,
    slope_of_completion,
)
from theory.problem import Problem
from theory.requests import check_rtol, check_whole, finite_numbers, number_array, shortened

_START = 1e6
"""The flow starts where rho^2 is this many times |y|: W is the zero-fill to 1e-12, relatively."""

ABSOLUTE = 1e-3
"""The absolute tolerance of W is this many times the relative one, in units of max |y|. Where W
does not move, steps are as long as stability allows, the same at any two tolerances, and noise
grows to this level."""


@dataclass(frozen=True, eq=False)
class Completion:
    """A symmetric matrix observed at some entries.

    Attributes:
        rows, columns: of the observed pairs, rows <= columns, each pair once, shape `(n,)`.
        values: y, shape `(n,)`.

    Raises:
        InvalidInput: arrays of other shapes, values that are not finite, pairs that are no indices
            below `size`, a pair observed twice.
    """

    size: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Floats

    def __post_init__(self) -> None:
        check_whole("size", self.size)
        rows, columns = number_array("rows", self.rows), number_array("columns", self.columns)
        if rows.ndim != 1 or rows.shape != columns.shape:
            raise InvalidInput(
                f"rows has shape {rows.shape} and columns {columns.shape}; both must be (n,)"
            )
        object.__setattr__(self, "values", finite_numbers("values", self.values, rows.shape))
        given = np.stack([rows, columns], axis=1)
        if not np.array_equal(given, np.round(given)):
            raise InvalidInput("observed pairs must be whole numbers")
        pairs = given.astype(np.int64)
        if pairs.size == 0 or pairs.min() < 0 or pairs.max() >= self.size:
            raise InvalidInput(f"observed pairs must be indices from 0 to {self.size - 1}")
        ordered = np.sort(pairs, axis=1)
        if len(np.unique(ordered, axis=0)) != len(ordered):
            raise InvalidInput("some pair is observed twice, (i, j) and (j, i) being the same one")
        object.__setattr__(self, "rows", ordered[:, 0])
        object.__setattr__(self, "columns", ordered[:, 1])

    @classmethod
    def of(cls, size: int, pairs: Floats, values: Floats) -> "Completion":
        """From index pairs `(n, 2)` and their values `(n,)`."""
        given = number_array("pairs", pairs)
        if given.ndim != 2 or given.shape[1] != 2:
            raise InvalidInput(f"pairs has shape {given.shape}; it must be (n, 2)")
        rows, columns = given.T
        return cls(size, rows, columns, values)

    @property
    def entries(self) -> Entries:
        """As compiled code takes them."""
        return self.rows, self.columns, self.values

    @cached_property
    def zero_fill(self) -> Floats:
        """The observed entries, at (i, j) and (j, i), and zero elsewhere: the early predictor."""
        return self.symmetric(self.values)

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """True at unobserved entries on and above the diagonal, shape `(d, d)`."""
        observed = self.symmetric(np.ones(len(self.values))) > 0
        return np.triu(~observed)

    def symmetric(self, entries: Floats) -> Floats:
        """The symmetric matrix with the given numbers at the observed entries, zero elsewhere."""
        if np.shape(entries) != self.rows.shape:
            raise InvalidInput(
                f"entries has shape {np.shape(entries)}; it must be {self.rows.shape}"
            )
        matrix = np.zeros((self.size, self.size))
        matrix[self.rows, self.columns] = matrix[self.columns, self.rows] = entries
        return matrix

    def gram(self, metric: Floats) -> Floats:
        """The kernel of the observed entries at B = `metric` `(d, d)`, shape `(n, n)`."""
        if np.shape(metric) != (self.size, self.size):
            raise InvalidInput(
                f"metric has shape {np.shape(metric)}; it must be {(self.size, self.size)}"
            )
        return gram_of_entries(self.rows, self.columns, metric)

    def dual_matrix(self, multipliers: Floats) -> Floats:
        """The symmetric Z with <Z, W> = sum m_ij W_ij, each observed pair counted once."""
        if np.shape(multipliers) != self.rows.shape:
            raise InvalidInput(
                f"multipliers has shape {np.shape(multipliers)}; it must be {self.rows.shape}"
            )
        return half_of_pairs(self.rows, self.columns, multipliers, self.size)


@dataclass(frozen=True, eq=False)
class CompletionState:
    """W after T e-folds, shape `(d, d)`, with the multipliers of the flow, shape `(n,)`."""

    efolds: float
    matrix: Floats
    multipliers: Floats

    @cached_property
    def nuclear_norm(self) -> float:
        """The sum of the singular values of W."""
        return float(np.abs(np.linalg.eigvalsh(self.matrix)).sum())


def completion_flow(
    completion: Completion, efolds: Sequence[float], *, rtol: float = 1e-9
) -> tuple[CompletionState, ...]:
    """The flow at the given e-folds T, in increasing order; early ones are negative.

    Raises:
        InvalidInput: e-folds that do not increase or are not finite, a bad rtol, values of zero.
        IntegrationFailed: the integrator gave up, or the kernel became singular.
    """
    check_rtol(rtol)
    asked = finite_numbers("efolds", efolds, np.shape(efolds))
    if asked.ndim != 1 or asked.size == 0 or not np.all(np.diff(asked) > 0):
        raise InvalidInput(f"efolds is {shortened(efolds)}; it must be a list that increases")
    scale = float(np.abs(completion.values).max())
    if scale == 0:
        raise InvalidInput("all observed values are zero")
    start = min(-0.5 * log(_START * 2.0 * completion.size * scale), efolds[0] - 1.0)
    free = completion.free

    i, j = np.nonzero(free)
    observed, told = completion.zero_fill, completion.entries

    def unpack(entries: Floats) -> Floats:
        matrix = observed.copy()
        matrix[i, j] = matrix[j, i] = entries
        return matrix

    def rhs(time: float, entries: Floats) -> Floats:
        log_metric = log_metric_scale(completion, time)
        return slope_of_completion(told, log_metric, unpack(entries))[i, j]

    if not free.any():
        states = [completion.zero_fill] * len(efolds)
    else:
        try:
            solution = solve_ivp(
                rhs,
                (start, float(efolds[-1])),
                np.zeros(int(free.sum())),
                method="DOP853",
                t_eval=np.asarray(efolds, dtype=np.float64),
                rtol=rtol,
                atol=ABSOLUTE * rtol * scale,
            )
        except ValueError as error:  # of compiled eigenvalues; NumPy's LinAlgError is one
            raise IntegrationFailed(f"matrix completion: {error}") from error
        if not solution.success or not np.all(np.isfinite(solution.y)):
            raise IntegrationFailed(f"matrix completion: {solution.message}")
        states = [unpack(column) for column in solution.y.T]
    return tuple(
        CompletionState(time, matrix, _pull(completion, time, matrix)[1])
        for time, matrix in zip(efolds, states, strict=True)
    )


def log_metric_scale(completion: Completion, efolds: float) -> float:
    """log rho^2: U^T V = rho^2 I = e^(-2T) / (2 d) I."""
    return -2.0 * efolds - log(2.0 * completion.size)


def _pull(completion: Completion, efolds: float, matrix: Floats) -> tuple[Floats, Floats]:
    """B, and the multipliers m with (J J^T) m = 2 y."""
    return pull_of_entries(completion.entries, log_metric_scale(completion, efolds), matrix)


def completion_of(problem: Problem) -> Completion:
    """The completion task of a problem on a factorization."""
    size = getattr(problem.net, "size", None)
    if size is None or problem.loss_function.classifies:
        raise InvalidInput("matrix completion needs a factorization with the squared loss")
    return Completion.of(size, problem.inputs, problem.labels)
