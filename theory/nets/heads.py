"""Nets of several outputs, each the one output of a scalar net on some of the parameters.

f_c(theta; x) = g(theta_c; x) with theta_c the entries of theta that output c depends on: its own
row of the last layer, and what all outputs share. Outputs have shape `(..., n, K)`, Jacobians
`(..., n, K, P)`, and the weights of a Hessian `(..., n, K)`.
"""

from typing import Protocol

import numpy as np

from theory.backend import Array, Integers, zeros
from theory.nets.base import HomogeneousNet
from theory.requests import check_whole


class Headed(Protocol):
    """A net of K outputs."""

    @property
    def head(self) -> HomogeneousNet:
        """g, the net of one output."""

    @property
    def heads(self) -> Integers:
        """Which entries of theta are theta_c, shape `(K, P of g)`."""


def check_output_dim(output_dim: int) -> None:
    """`InvalidInput` unless there is at least one output."""
    check_whole("output_dim", output_dim)


def rows_and_shared(own: int, output_dim: int, shared: int, *, first: bool) -> Integers:
    """`heads` of a theta that holds K rows of `own` numbers and, after or before, shared ones."""
    rows = np.arange(output_dim * own).reshape(output_dim, own)
    common = np.tile(np.arange(shared), (output_dim, 1))
    parts = [rows, common + rows.size] if first else [common, rows + shared]
    return np.concatenate(parts, axis=1).astype(np.int64)


def jacobian_of_heads(net: Headed, theta: Array, inputs: Array) -> Array:
    """As `HomogeneousNet.jacobian`, shape `(..., n, K, P)`."""
    found = [net.head.jacobian(theta[..., own], inputs) for own in net.heads]
    whole = zeros(found[0], *found[0].shape[:-1], len(found), theta.shape[-1])
    for c, own in enumerate(net.heads):
        whole[..., c, own] = found[c]
    return whole


def hessian_of_heads(net: Headed, theta: Array, inputs: Array, weights: Array) -> Array:
    """As `HomogeneousNet.weighted_hessian`, of weights `(..., n, K)`."""
    whole = zeros(theta, *theta.shape, theta.shape[-1])
    for c, own in enumerate(net.heads):
        bent = net.head.weighted_hessian(theta[..., own], inputs, weights[..., c])
        whole[..., own[:, None], own] += bent
    return whole
