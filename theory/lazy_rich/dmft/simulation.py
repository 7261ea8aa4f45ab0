"""Direct simulation of what the mean field theory describes, at finite dimension."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from theory.backend import Array, Floats
from theory.errors import InvalidInput
from theory.lazy_rich.dmft.mean_field import MeanField
from theory.lazy_rich.dmft.order_parameters import population_loss
from theory.lazy_rich.setting import Setting
from theory.lazy_rich.training import Training, gradient_descent

CACHED = 2**20
"""Numbers of the inputs that are trained on at a time: memory is slower than arithmetic here."""

SEEDS = 1000
"""Room for the seeds of one setting, so that those of another share none."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """Independent runs of gradient descent at the times 0, ..., T; torch, float64.

    Attributes:
        covariance: C of each run, shape `(runs, T+1, N, T+1, N)`.
        overlap: A, shape `(runs, T+1, N)`.
        train_losses, test_losses: shape `(runs, T+1)`; the test loss is that of the population.
    """

    covariance: Array
    overlap: Array
    train_losses: Array
    test_losses: Array


def simulate(setting: Setting, runs: int, first: int = 0) -> Simulation:
    """Gradient descent of a setting with `runs` seeds, from `first` on.

    All runs start with the overlaps of the setting, and differ in the directions and the data.

    Raises:
        InvalidInput: a setting whose runs would start with different overlaps.
        NumericalFailure: a run has diverged.
    """
    if setting.overlaps is None:
        raise InvalidInput("overlaps is None; runs that start alike need them given")
    if runs < 1 or first < 0 or first + runs > SEEDS:
        raise InvalidInput(f"runs {first} to {first + runs}; they must lie within 0 to {SEEDS}")
    seeds = range(setting.seed * SEEDS + first, setting.seed * SEEDS + first + runs)
    settings = [replace(setting, seed=seed) for seed in seeds]
    together = max(CACHED // (setting.samples * setting.input_dim), 1)
    parts = [_trained(settings[k : k + together]) for k in range(0, runs, together)]
    weights, train_losses = (np.concatenate(each) for each in zip(*parts, strict=True))
    targets = np.stack([s.direction() for s in settings])
    flat = weights.reshape(runs, -1, setting.input_dim)
    gram = flat @ flat.swapaxes(-1, -2) / setting.input_dim
    points = weights.shape[1:3]
    covariance = torch.as_tensor(gram.reshape(runs, *points, *points))
    along = np.einsum("rtid,rd->rti", weights, targets) / setting.input_dim
    overlap = torch.as_tensor(along)
    return Simulation(
        covariance,
        overlap,
        torch.as_tensor(train_losses),
        population_loss(MeanField.of(setting), covariance, overlap),
    )


def _trained(settings: Sequence[Setting]) -> tuple[Floats, Floats]:
    """Weights `(runs, T+1, N, D)` and train losses `(runs, T+1)`."""
    moments = list(gradient_descent(Training.of(settings), range(settings[0].steps + 1)))
    weights = np.stack([moment.committee.weights for moment in moments], 1)
    return weights, np.stack([moment.train_loss for moment in moments], 1)
