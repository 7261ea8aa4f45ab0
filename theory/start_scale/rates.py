"""Limits of u^D - v^D from u = v = alpha on least squares, to leading order in alpha.

Small alpha. Let w* be the only interpolator of least |w|_1, on n coordinates S, and c = X' nu with
c_S = sgn w*_S, |c| < 1 elsewhere. Then |w|_1 - |w*|_1 = sum |w_i| (1 - |c_i|) over those off S:

    D = 2:  |w_i| ~ alpha^(2 (1 - |c_i|)) exp(sgn(c_i) x_i.nu_1),  nu_1 = X_S'^-1 (sgn w* log|w*|),
            less alpha^(2 (1 + |c_i|)) over that exponential, which counts where c_i is next to 0,
    D > 2:  |w_i| ~ alpha^D [(1 - |c_i|)^-e - (1 + |c_i|)^-e],     e = D / (D - 2).

Large alpha. With w_2 the shortest interpolator and P the projection on the row space,
w - w_2 ~ kappa (I - P) w_2^3, kappa = alpha^-4 / 24 for D = 2 and
alpha^(-2D) (e + 1)(e + 2) / (24 e^2) beyond. Woodworth et al. (COLT 2020) have the limits.
"""

import numpy as np

from theory.backend import Flags, Floats
from theory.errors import InvalidInput
from theory.requests import check_whole


def certificate(inputs: Floats, weights: Floats) -> Floats:
    """c, `(d,)`, of w* `(d,)` with as many entries that are not 0 as there are samples.

    Raises:
        InvalidInput: inputs are not `(n, d)`, w* has not n entries that are not 0, or the inputs
            there are dependent.
    """
    on = weights != 0.0
    count = int(on.sum())
    if inputs.shape != (count, on.size):
        raise InvalidInput(
            f"inputs has shape {inputs.shape}; of weights with {count} of {on.size} entries that "
            f"are not 0 it must have {(count, on.size)}"
        )
    if count and np.linalg.matrix_rank(inputs[:, on]) < count:
        raise InvalidInput("inputs are dependent where weights are not 0; they have no certificate")
    found = _extended(inputs, on, np.sign(weights[on]))
    found[on] = np.sign(weights[on])
    return found


def _extended(inputs: Floats, on: Flags, values: Floats) -> Floats:
    """x_i.nu of all inputs, `(d,)`, of the nu with which they are `values` on S."""
    return np.asarray(inputs.T @ np.linalg.solve(inputs[:, on].T, values))


def _dual(inputs: Floats, weights: Floats) -> Floats:
    """c of the inputs off S.

    Raises:
        InvalidInput: as `certificate`; w* is not the only interpolator of least |w|_1.
    """
    dual = np.asarray(certificate(inputs, weights)[weights == 0.0])
    if np.any(np.abs(dual) >= 1.0):
        raise InvalidInput(
            f"weights are not the only ones of least sum: their certificate is {dual} off them"
        )
    return dual


def _signs(dual: Floats) -> Floats:
    """sgn c, 1 where c is 0."""
    return np.asarray(np.where(dual < 0.0, -1.0, 1.0))


def _logarithms(inputs: Floats, weights: Floats, dual: Floats) -> Floats:
    """sgn(c_i) x_i.nu_1 of the inputs off S."""
    on = weights != 0.0
    logs = np.sign(weights[on]) * np.log(np.abs(weights[on]))
    return np.asarray(_signs(dual) * _extended(inputs, on, logs)[~on])


def sparse_excess(
    inputs: Floats, weights: Floats, alphas: Floats, degree: int, *, constants: float = 1.0
) -> Floats:
    """|w|_1 - |w*|_1 for each small alpha, `(T,)`.

    Args:
        constants: 0 leaves nu_1 out (D = 2), or takes e for 1 (D > 2).

    Raises:
        InvalidInput: as `certificate`; w* is not the only interpolator of least |w|_1; a degree
            that is not a whole number, at least 2.
    """
    check_whole("degree", degree, 2)
    dual = _dual(inputs, weights)
    room = 1.0 - np.abs(dual)
    if degree == 2:
        moved = np.exp(constants * _logarithms(inputs, weights, dual))
        sizes = alphas[:, None] ** (2.0 * room) * moved
        # the copy that loses counts where c is next to 0, and may win there
        sizes = sizes - alphas[:, None] ** (4.0 - 2.0 * room) / moved
        return np.asarray((np.abs(sizes) - np.abs(dual) * sizes).sum(axis=1))
    power = 1.0 + constants * 2.0 / (degree - 2.0)
    sizes = alphas[:, None] ** degree * (room**-power - (1.0 + np.abs(dual)) ** -power)
    return np.asarray(sizes @ room)


def support_moves(inputs: Floats, weights: Floats, alpha: float) -> float:
    """What comes next to `sparse_excess` for D = 2, over it: weights off S move those on it.

    w_S moves by dw = -K w_off, K = X_S^-1 X_off, log|w_S| by dw / |w_S|, and so every x_i.nu_1.

    Raises:
        InvalidInput: as `sparse_excess`; there are no weights off S.
    """
    pulls, off, slopes, excess = _off_support(inputs, weights, alpha)
    moved = -pulls @ off / np.abs(weights[weights != 0.0])
    return float(slopes @ (pulls.T @ moved) / excess)


def support_moves_at_most(inputs: Floats, weights: Floats, alpha: float) -> float:
    """The same if nothing in it cancelled."""
    pulls, off, slopes, excess = _off_support(inputs, weights, alpha)
    moved = np.abs(pulls) @ np.abs(off) / np.abs(weights[weights != 0.0])
    return float(np.abs(slopes) @ (np.abs(pulls).T @ moved) / excess)


def _off_support(
    inputs: Floats, weights: Floats, alpha: float
) -> tuple[Floats, Floats, Floats, float]:
    """K, w_off, the slopes of the excess in their x_i.nu_1, and the excess."""
    on = weights != 0.0
    dual = _dual(inputs, weights)
    if dual.size == 0:
        raise InvalidInput("weights are nowhere 0; there are none off their support to move it")
    signs, share = _signs(dual), np.abs(dual)
    moved = np.exp(_logarithms(inputs, weights, dual))
    wins, loses = alpha ** (2.0 - 2.0 * share) * moved, alpha ** (2.0 + 2.0 * share) / moved
    sizes = wins - loses
    slopes = (np.sign(sizes) - share) * (wins + loses) * signs
    pulls = np.asarray(np.linalg.solve(inputs[:, on], inputs[:, ~on]), dtype=np.float64)
    return pulls, signs * sizes, slopes, float((np.abs(sizes) - share * sizes).sum())


def dense_excess(inputs: Floats, targets: Floats, alphas: Floats, degree: int) -> Floats:
    """w - w_2 for each large alpha, `(T, d)`.

    Raises:
        InvalidInput: targets are not one for each sample; a degree that is not a whole number, at
            least 2.
    """
    check_whole("degree", degree, 2)
    if targets.shape != inputs.shape[:1]:
        raise InvalidInput(f"targets has shape {targets.shape}; it must have {inputs.shape[:1]}")
    inverse = np.linalg.pinv(inputs)
    shortest = inverse @ targets
    cube = shortest**3
    outside = cube - inverse @ (inputs @ cube)
    e = degree / (degree - 2.0) if degree > 2 else np.inf
    ratio = (1.0 + 1.0 / e) * (1.0 + 2.0 / e) / 24.0
    return np.asarray(np.outer(ratio * alphas ** (-2.0 * degree), outside))
