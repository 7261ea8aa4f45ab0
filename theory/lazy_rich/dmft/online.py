"""The limit of infinitely many samples, nu to infinity, where nothing has to be sampled.

No sample is seen twice: there is neither memory nor noise, the weights stay in the span of their
initial values and beta, and the order parameters obey a closed recursion.

Source: Kumar et al. (arXiv 2310.06110, before v3), eq. 30-35; Saad and Solla (1995), on-line
learning.
"""

from dataclasses import replace
from itertools import product
from math import inf, prod

import numpy as np
import torch

from theory.backend import Array
from theory.lazy_rich.dmft.mean_field import MeanField
from theory.lazy_rich.dmft.order_parameters import (
    MeanFieldSolution,
    OrderParameters,
    population_loss,
)

DEGREE_SEVEN = 4
"""Nodes of Gauss-Hermite rules; the covariance of two pushes is a moment of degree 6."""


def online(problem: MeanField) -> MeanFieldSolution:
    """The mean field theory at sample_ratio infinity, exact; a solution of one run.

    Its train loss is its test loss. The noise G is that of a single sample's push, which enters
    the dynamics only at finite sample_ratio.
    """
    problem = replace(problem, sample_ratio=inf)
    steps, width, eps = problem.steps, problem.width, problem.curvature
    unit = torch.eye(width, dtype=torch.float64)
    start, overlaps = torch.as_tensor(problem.covariance), torch.as_tensor(problem.overlaps)
    # w(t) = carried w(0) + drift beta
    carried, drift = [unit], [torch.zeros(width, dtype=torch.float64)]
    weight_response = unit.new_zeros(steps + 1, width, steps, width)
    gradient_response = unit.new_zeros(steps, width, steps, width)
    pull = unit.new_zeros(steps, width)
    for t in range(steps):
        overlap = carried[t] @ overlaps + problem.signal * drift[t]
        first = carried[t] @ start + torch.outer(drift[t], overlaps)
        now = first @ carried[t].T + torch.outer(overlap, drift[t])
        size = now.trace() - (start.trace() if problem.centred else 0.0)
        residual = 0.5 * (problem.signal - problem.output_scale * eps / width * size)
        local = eps * residual / problem.output_scale * unit - (1.0 + eps**2 * now) / width
        pull[t] = problem.terms.pull * eps * overlap / problem.output_scale
        gradient_response[t, :, t] = local
        change, turn = local @ carried[t], local @ drift[t] + pull[t]
        if problem.centred:
            offset = (1.0 + eps**2 * first) / width
            gradient_response[t, :, 0] += offset
            change = change + offset
        weight_response[t + 1] = weight_response[t] + problem.step * torch.einsum(
            "ij,jsk->isk", local, weight_response[t]
        )
        weight_response[t + 1, :, t] = unit
        carried.append(carried[t] + problem.step * change)
        drift.append(drift[t] + problem.step * turn)
    combination = torch.cat([torch.stack(drift)[..., None], torch.stack(carried)], -1)
    joint = torch.as_tensor(problem.start())
    covariance = torch.einsum("tia,ab,sjb->tisj", combination, joint, combination)
    overlap = combination @ joint[:, 0]
    order = OrderParameters(
        covariance[None],
        overlap[None],
        _noise(problem, combination)[None],
        weight_response[None],
        gradient_response[None],
        pull[None],
    )
    loss = population_loss(problem, order.covariance, order.overlap)
    return MeanFieldSolution(order, loss, loss)


def _noise(problem: MeanField, combination: Array) -> Array:
    """<g_i(t) g_j(s)> by quadrature over (h_*, h(0)), exact; shape `(T, N, T, N)`."""
    values, chances = np.polynomial.hermite_e.hermegauss(DEGREE_SEVEN)
    chances = chances / chances.sum()
    dimensions = problem.width + 1
    nodes = torch.tensor(list(product(values, repeat=dimensions)), dtype=torch.float64)
    weights = torch.tensor([prod(c) for c in product(chances, repeat=dimensions)])
    spread, vectors = torch.linalg.eigh(torch.as_tensor(problem.start()))
    start = (vectors * spread.clamp_min(0.0).sqrt()) @ nodes.T
    fields = (combination @ start)[:-1]
    residual = problem.residual(fields, start[1:], start[0])
    pushes = residual[:, None] * problem.slope(fields) / problem.output_scale
    return torch.einsum("tia,sja->tisj", weights * pushes, pushes)
