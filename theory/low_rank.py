"""BDF for large nets on few samples, whose Jacobian is a multiple of the identity and a low rank.

d(dy/dtau)/dy = -kappa - G^T C G + (curvature of the net), with gradients G of shape (n, P) and C
the curvatures of the loss. The last term is not stiff: at the tolerances of exact flows steps are
so short that Newton's iteration converges as fast without it (6201 right-hand sides instead of 6419
at P = 40). What is left is solved in n dimensions instead of P.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from scipy.integrate import BDF

from theory.backend import Floats

FEWEST_PARAMETERS: Final = 400
"""LSODA's dense factorisations are cheaper below."""

SHARE: Final = 0.5
"""Largest n / P at which a solve in n dimensions saves time."""


@dataclass(frozen=True, eq=False)
class LowRank:
    """-(decay + B^T B) times `factor`, with B `(n, P)`."""

    decay: float
    rows: Floats

    __array_ufunc__ = None  # so that a numpy number times this is left to this

    @cached_property
    def spectrum(self) -> tuple[Floats, Floats]:
        """Eigenvalues of B B^T `(n,)`, and B in their coordinates."""
        values, vectors = np.linalg.eigh(self.rows @ self.rows.T)
        return np.maximum(values, 0.0), vectors.T @ self.rows

    def __rmul__(self, step: float) -> "tuple[float, LowRank]":
        return float(step), self

    def solve(self, step: float, target: Floats) -> Floats:
        """(1 - step J)^-1 target, shape `(P,)`."""
        values, rows = self.spectrum
        scale = 1.0 + step * self.decay
        return np.asarray(
            (target - (step / (scale + step * values) * (rows @ target)) @ rows) / scale
        )


LowRankJacobian = Callable[[float, Floats], LowRank]
"""Of clock and coordinates."""


class _Identity:
    def __sub__(self, scaled: tuple[float, LowRank]) -> tuple[float, LowRank]:
        return scaled


class LowRankBDF(BDF):  # type: ignore[misc]
    """SciPy's BDF with a Jacobian that returns a `LowRank`."""

    def __init__(self, fun: Any, t0: float, y0: Floats, t_bound: float, **options: Any) -> None:
        super().__init__(fun, t0, y0, t_bound, **options)
        self.I = _Identity()
        self.lu = self._kept
        self.solve_lu = _solved

    def _validate_jac(self, jac: LowRankJacobian, sparsity: Any) -> Any:
        def counted(clock: float, coordinates: Floats, slope: Any = None) -> LowRank:
            self.njev += 1
            return jac(clock, coordinates)

        return counted, counted(self.t, self.y)

    def _kept(self, scaled: tuple[float, LowRank]) -> tuple[float, LowRank]:
        self.nlu += 1
        return scaled


def _solved(scaled: tuple[float, LowRank], target: Floats) -> Floats:
    step, jacobian = scaled
    return jacobian.solve(step, target)
