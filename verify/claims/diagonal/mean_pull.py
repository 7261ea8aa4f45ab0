"""How hard weights of a diagonal net are pulled on average over [t_g, (1+c) t_g], for L = 2.

u_j' = u_j (2 g_j - 1) in units of the decay, v_j with -g_j. No parameter exceeds what the energy at
t_g allows, u^2 <= |theta|^2 + (2 / lambda) mean loss, so that over a time T, for either sign,

    mean of 2 |g_j| - 1  <=  log((|theta|^2 + (2 / lambda) mean loss) / u_j^2) / (2 T)   at t_g.

The mean multipliers are feasible for the dual of the L1 programme up to that. At single times a
weight that has decayed, and grows again, is pulled by more: by as much as it is to grow until then.
"""

from collections.abc import Sequence

import numpy as np
from scipy.integrate import simpson

from theory.backend import Floats
from verify.claims.diagonal.moments import Moment, Predictor
from verify.language import Quantity

_NODES = np.linspace(0.0, 1.0, 65)
_SHARES = _NODES**4
"""Of a window: dense after t_g, where multipliers change within an e-fold."""

_WEIGHTS = 4.0 * _NODES**3


def times(c: float) -> list[float]:
    """At which a window is to be read, in units of t_g."""
    return [1.0 + c * float(share) for share in _SHARES]


def mean_pull(window: Sequence[Moment]) -> Quantity:
    """The mean of 2 g over a window read at `times`, `(d,)`."""
    tight, loose = [m.tight for m in window], [m.loose for m in window]
    floor = max(moment.of_multipliers for moment in window)
    coarse = np.abs(_mean(tight) - _mean(tight, every=2))
    return Quantity.paired(_mean, tight, loose, floor).no_finer(coarse)


def _mean(window: Sequence[Predictor], every: int = 1) -> Floats:
    pulls = 2.0 * _WEIGHTS[:, None] * np.array([w.pull for w in window])
    return np.asarray(simpson(pulls[::every], x=_NODES[::every], axis=0))


def growth_bound(window: Sequence[Moment], direction: Floats) -> Floats:
    """What |mean of 2 g| - 1 is at most, `(d,)`, in the direction of the given signs."""
    first, last = window[0], window[-1]
    problem, regime, weights = first.tight.problem, first.rung.regime, first.tight.weights
    start, end = (first.rung.told(m.at) * regime.log_alpha for m in (first, last))
    half = problem.anchor[: weights.size]
    # |theta|^2 sums u^2 + v^2; u v decays as it did from the anchor
    sums = np.hypot(weights, 2.0 * half**2 * np.exp(2.0 * (regime.log_alpha - start)))
    # -log(sigmoid) and e^-q are losses of which the second is never the less
    loss = float(np.exp(-first.tight.margins - regime.log_lambda).mean())
    largest = float(sums.sum()) + 2.0 * loss
    squares = 0.5 * (sums + np.sign(direction) * weights)
    return np.asarray(np.log(largest / squares) / (2.0 * (end - start)))
