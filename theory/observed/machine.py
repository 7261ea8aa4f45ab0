"""The kernel machine of the start: what the linearised net would learn, and how far a run is off.

Classification: the hard-margin SVM, min |h|^2 subject to Phi h >= 1 at the weights of the start.
Targets: minimum norm, h = Phi' K^-1 (y - f_0).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from theory.backend import Floats
from theory.errors import OracleFailed
from theory.observed.cone import cone_point
from theory.observed.kernel import MEMORY, gram
from theory.observed.net import Observed
from theory.observed.residuals import LIFT, least_squares

CERTIFIED: Final = 1e-4
"""Largest relative gap of the bounds on the margin; the direction is then known to 1.4e-2, as
|h/|h| - h*/|h*||^2 <= 2 gap."""


REALIZED: Final = 1e-3
"""Largest relative misfit of kernel regression that counts as interpolation."""


@dataclass(frozen=True, eq=False)
class StartMachine:
    """A kernel machine at the weights of the start.

    Attributes:
        kind: "svm" or "regression".
        weights: h, torch `(P,)`.
        margin: gamma = 1 / |h|, of the SVM; None for regression.
        entropy: Shannon entropy of its normalised multipliers.
        certificate: relative gap of the bounds on the margin, or the misfit relative to |y - f_0|.
    """

    kind: str
    weights: Any
    margin: float | None
    entropy: float
    certificate: float


def start_machine(
    observed: Observed, most: int, memory: int = MEMORY, kernel: Floats | None = None
) -> StartMachine:
    """The machine of the loss, with at most so many rows' kernel held.

    Args:
        kernel: of all rows, where it has been made.

    Raises:
        OracleFailed: the task is not separable (not realizable) in the gradients of the start, or
            the solver's certificate is too weak.
    """
    if observed.rows.kind == "targets":
        return _regression(observed, most, memory, kernel)
    ones = observed.values() * 0.0 + 1.0
    found = cone_point(observed, ones, observed.values(), most, memory, kernel=kernel)
    length, total = float(found.point.norm()), float(found.multipliers.sum())
    low = float(found.reached.min()) / length if length else 0.0
    high = length / total if total else float("inf")
    gap = (high - low) / high if high > 0 else float("inf")
    if not gap <= CERTIFIED:
        raise OracleFailed(
            "the data are not separable in the gradients of the start, or no solver could tell: "
            f"the kernel margin lies between {low:.3g} and {high:.3g}"
        )
    weights = found.multipliers.reshape(-1).cpu().numpy() / total
    positive = weights[weights > 0]
    entropy = -float(positive @ np.log(positive))
    return StartMachine("svm", found.point / found.reached.min(), low, entropy, gap)


def _regression(observed: Observed, most: int, memory: int, kernel: Floats | None) -> StartMachine:
    import torch

    rows = np.arange(observed.rows.total)
    aim = observed.rows.labels - observed.values()
    if len(rows) > most:
        weights = torch.as_tensor(
            least_squares(observed, aim, transposed=False), device=observed.theta.device
        )
    else:
        spectrum, modes = np.linalg.eigh(gram(observed, rows, memory) if kernel is None else kernel)
        kept = spectrum > LIFT * spectrum[-1]
        along = modes[:, kept].T @ aim.reshape(-1).cpu().numpy()
        dual = torch.as_tensor(modes[:, kept] @ (along / spectrum[kept])).to(aim)
        weights = observed.pull(dual.reshape(aim.shape))
    misfit = float((observed.push(weights) - aim).norm()) / (float(aim.norm()) or 1.0)
    if not misfit <= REALIZED:
        raise OracleFailed(
            "the net linearised at the start cannot interpolate the targets: its best fit misses "
            f"them by {misfit:.2g} relative"
        )
    return StartMachine("regression", weights, None, 0.0, misfit)


def distance(left: Any, right: Any) -> float:
    """|a - b| / sqrt(|a|^2 + |b|^2): 0 equal, 1 orthogonal or of other orders of size, 2^1/2
    opposite; NaN where both vanish.
    """
    sizes = float(left.norm()) ** 2 + float(right.norm()) ** 2
    return float((left - right).norm()) / sizes**0.5 if sizes > 0 else float("nan")


def shrunk(start: Any, theta: Any) -> float:
    """rho with theta = rho theta_0 + what is orthogonal to theta_0: how far decay has gone."""
    return float(start @ theta) / float(start @ start)


def machine_distance(start: Any, theta: Any, weights: Any) -> float:
    """`distance` of the unit directions of theta's way from the start and of the machine's h.

    Both without their part along the start, along which weight decay shrinks: sqrt(1 - cosine).
    """
    moved = theta - shrunk(start, theta) * start
    aimed = weights - shrunk(start, weights) * start
    lengths = float(moved.norm()), float(aimed.norm())
    if min(lengths) == 0.0 or lengths[0] <= 1e-14 * float(theta.norm()):
        return float("nan")
    return distance(moved / lengths[0], aimed / lengths[1])


def linearized_distance(start: Observed, theta: Any, values: Any, rho: float = 1.0) -> float:
    """`distance` of what the rows gained since rho theta_0 and what the net linearised there gains.

    Args:
        start: the net at theta_0.
        theta: the weights now, `(P,)`.
        values: rows there, `(n, slots)`.
        rho: 1 without weight decay; with it, what decay has left of the start.
    """
    base = rho * start.theta
    gained = values - start.values(base)
    linear = start.push(theta - base, base)
    return distance(gained, linear)
