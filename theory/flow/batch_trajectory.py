"""Many flows at the same times, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from theory.backend import Flags, Floats, Integers
from theory.problem import Problem


@dataclass(frozen=True, eq=False)
class BatchTrajectory:
    """B flows at T times, as numpy arrays; NaN at every time that a lane did not reach.

    Attributes:
        at: times in units of t_g, shape `(T,)`.
        margins: q_i = y_i f_i, shape `(B, T, n)`, or `(B, T, n (K - 1))` of K classes.
        log_norm: log |theta|, shape `(B, T)`.
        directions: theta / |theta|, shape `(B, T, P)`.
        displacement: eta with theta = rho (anchor + rho^-L eta), shape `(B, T, P)`.
        steps: of extrapolation or of dual variables, tried ones, or as much work, shape `(B,)`.
        finished: whether the lane reached all its times, shape `(B,)`.
    """

    at: Floats
    margins: Floats
    log_norm: Floats
    directions: Floats
    displacement: Floats
    steps: Integers
    finished: Flags

    def lanes(self, chosen: Flags) -> "BatchTrajectory":
        """Some of the lanes, by a mask `(B,)`."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _BY_LANE})


_BY_LANE = tuple(field.name for field in fields(BatchTrajectory) if field.name != "at")


def merged(parts: Sequence[BatchTrajectory], lanes: Sequence[int]) -> BatchTrajectory:
    """One trajectory in the order of the lanes, whose indices follow one another in `parts`."""
    order = np.argsort(lanes)
    joined = {n: np.concatenate([getattr(part, n) for part in parts])[order] for n in _BY_LANE}
    return BatchTrajectory(at=parts[0].at, **joined)


def log_theta_units(problems: Sequence[Problem]) -> Floats:
    """log of theta in the units of each problem over theta itself, shape `(B, 1)`."""
    return np.array([[problem.units.log_theta] for problem in problems])


def displacement_told(problems: Sequence[Problem], own: Floats) -> Floats:
    """eta `(B, T, P)` from those in the units of each problem."""
    pairs = zip(problems, own, strict=True)
    return np.array([problem.units.displacement(rows) for problem, rows in pairs])
