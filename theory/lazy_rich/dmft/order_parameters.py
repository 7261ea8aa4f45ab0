"""Order parameters of the mean field theory, and what follows from them without sampling."""

from dataclasses import dataclass

import torch

from theory.backend import Array
from theory.lazy_rich.dmft.mean_field import MeanField


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """Order parameters at the times 0, ..., T of the steps, of several runs; torch, float64.

    Attributes:
        covariance: C_ij(t,s) = w_i(t).w_j(s) / D, shape `(runs, T+1, N, T+1, N)`.
        overlap: A_i(t) = w_i(t).beta / D, shape `(runs, T+1, N)`.
        noise: G_ij(t,s) = <g_i(t) g_j(s)> over the data, shape `(runs, T, N, T, N)`.
        weight_response: Rw_ij(t,s), of w_i(t) to a push at step s, shape `(runs, T+1, N, T, N)`.
        gradient_response: Rg_ij(t,s) = <dg_i(t) / du_j(s)>, shape `(runs, T, N, T, N)`.
        pull: b_i(t) = <dg_i(t) / dh_*>, shape `(runs, T, N)`.
    """

    covariance: Array
    overlap: Array
    noise: Array
    weight_response: Array
    gradient_response: Array
    pull: Array


def population_loss(problem: MeanField, covariance: Array, overlap: Array) -> Array:
    """E (y - f)^2 at a new point at all times, shape `(..., T+1)`.

    The residual is a quadratic form l.z + z^T Q z / 2 in the Gaussian fields
    z = (h(t), h(0), h_*), so that its mean square is (tr Q S)^2 / 4 + tr(Q S Q S) / 2 + l^T S l
    with S their covariance.

    Args:
        covariance: C, shape `(..., T+1, N, T+1, N)`.
        overlap: A, shape `(..., T+1, N)`.
    """
    width = overlap.shape[-1]
    now = torch.einsum("...titj->...tij", covariance)
    since_start = covariance[..., 0, :]
    start = now[..., :1, :, :].expand(now.shape)
    along = overlap[..., None]
    start_along = along[..., :1, :, :].expand(along.shape)
    signal = torch.full_like(along[..., :1, :], problem.signal)
    rows = (
        torch.cat([now, since_start, along], -1),
        torch.cat([since_start.mT, start, start_along], -1),
        torch.cat([along.mT, start_along.mT, signal], -1),
    )
    fields = torch.cat(rows, -2)
    gain = problem.output_scale / width
    offset = gain if problem.centred else 0.0
    linear = fields.new_tensor([-gain] * width + [offset] * width + [0.0])
    curved = problem.curvature * linear
    curved[-1] = 1.0
    spread = curved[:, None] * fields
    trace = torch.einsum("...ii->...", spread)
    square = torch.einsum("...ij,...ji->...", spread, spread)
    return 0.25 * trace**2 + 0.5 * square + torch.einsum("i,...ij,j->...", linear, fields, linear)


def training_loss(
    problem: MeanField, trained: Array, untrained: Array, target: Array, exact: Array
) -> Array:
    """<Delta^2> over the training data at all times, shape `(runs, T+1)`.

    The squared residual of the untrained fields u has a known mean, the test loss; it serves as
    control variate, with the coefficient that the samples themselves make best.

    Args:
        trained: h, shape `(runs, T+1, N, S)`.
        untrained: u, the fields of the same sample had it not been trained on.
        target: h_*, shape `(runs, S)`.
        exact: the test loss, shape `(runs, T+1)`.
    """
    first, star = untrained[:, :1], target[:, None]
    seen = problem.residual(trained, first, star) ** 2
    unseen = problem.residual(untrained, first, star) ** 2
    centred = unseen - unseen.mean(-1, keepdim=True)
    variance = (centred**2).mean(-1)
    shared = (centred * seen).mean(-1)
    best = torch.where(variance > 0, shared / variance.clamp_min(1e-300), 0.0)
    return seen.mean(-1) - best * (unseen.mean(-1) - exact)


@dataclass(frozen=True, eq=False)
class MeanFieldSolution:
    """What a solver found, over independent runs that estimate its Monte Carlo error.

    Attributes:
        order: the order parameters.
        train_losses, test_losses: at the times 0, ..., T, shape `(runs, T+1)`.
    """

    order: OrderParameters
    train_losses: Array
    test_losses: Array

    @property
    def train(self) -> Array:
        """Mean over runs, shape `(T+1,)`."""
        return self.train_losses.mean(0)

    @property
    def test(self) -> Array:
        """Mean over runs, shape `(T+1,)`."""
        return self.test_losses.mean(0)

    @property
    def train_error(self) -> Array:
        """Standard error of `train`; NaN of a single run."""
        return _standard_error(self.train_losses)

    @property
    def test_error(self) -> Array:
        """Standard error of `test`; NaN of a single run."""
        return _standard_error(self.test_losses)


def _standard_error(losses: Array) -> Array:
    runs = len(losses)
    if runs == 1:
        return torch.full_like(losses[0], float("nan"))
    return losses.std(0) / runs**0.5
