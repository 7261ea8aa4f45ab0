"""U' = (A - U U') U from alpha U0: one rank after the other (Li, Luo, Lyu 2021).

M = U U' solves M' = A M + M A - 2 M^2, so that with P = alpha e^(At) U0

    M(t) = P (I + 2 alpha^2 U0' int_0^t e^(2As) ds U0)^-1 P'.

At T = log(1 / (alpha |u_1|)) / mu_1 + c, u_j the rows of U0 in the eigenbasis of A, the first row
of P has left 0, q = e^(mu_1 c) u_1 / |u_1|, and the others are p_j = alpha e^(mu_j T) u_j. M is off
its first mode by sqrt(2) |q.p_j| / (1 + |q|^2 / mu_1) to leading order, hence by
alpha^(1 - mu_2/mu_1).
"""

import numpy as np

from theory.backend import Floats
from theory.gram_flow import gram_root


def matrix_flow(values: Floats, start: Floats, time: float) -> Floats:
    """M(t), `(d, d)`, in the eigenbasis of A; `start` is alpha U0 there, `(d, h)`.

    Raises:
        InvalidInput: a time before 0 or that is not finite.
    """
    root = gram_root(values, start, time, gain=2.0)
    return np.asarray(root @ root.T)


def beyond_leading(values: Floats, start: Floats, time: float) -> float:
    """Size of the other modes among themselves, |p_j.p_k|, over the share of those of mu_2 in
    `leading_distance`: of order alpha^(1 - mu_2/mu_1), large where u_2 is next to normal to u_1.
    """
    moved = np.exp(values * time)[:, None] * start
    second = values >= values[1]
    own = float(np.linalg.norm(moved[1:] @ moved[1:].T))
    return own / leading_distance(values[second], start[second], time)


def leading_distance(values: Floats, start: Floats, time: float) -> float:
    """|M - M_11 e_1 e_1'| in the Frobenius norm, to leading order in alpha."""
    moved = np.exp(values * time)[:, None] * start
    first, others = moved[0], moved[1:]
    crossed = others @ first / (1.0 + float(first @ first) / values[0])
    return float(np.sqrt(2.0) * np.linalg.norm(crossed))
