"""The gap between test and train loss at leading order in 1 / nu.

A sample that is trained on pushes the weights towards its own label, and the weights return the
push: h = u + r / nu. Its residual is smaller than that of a new sample by what this moves f.

Source: Kumar et al. (arXiv 2310.06110, before v3), eq. 7 and 37-38.
"""

import torch

from theory.backend import Array
from theory.lazy_rich.dmft.mean_field import MeanField
from theory.lazy_rich.dmft.online import online
from theory.lazy_rich.dmft.order_parameters import OrderParameters


def gap_formula(problem: MeanField, order: OrderParameters) -> Array:
    """L_test - L_train after 0, ..., T - 1 steps, shape `(runs, T)`.

    (2 alpha^2 / (N nu)) dt sum_{s<t} sum_ij Rw_ij(t,s) G_ij(t,s), with the order parameters given;
    Rw(t,s) is 0 from s = t on.
    """
    response = order.weight_response[:, : problem.steps]
    product = torch.einsum("rtisj,rtisj->rt", response, order.noise)
    gain = 2.0 * problem.output_scale**2 * problem.step / problem.width
    return gain / problem.sample_ratio * product


def online_gap(problem: MeanField) -> Array:
    """The formula with the order parameters of online learning, exact; shape `(T,)`.

    The leading order in 1 / nu at fixed time; it fails once the online loss has fallen to the
    order 1 / nu itself.
    """
    return gap_formula(problem, online(problem).order)[0]
