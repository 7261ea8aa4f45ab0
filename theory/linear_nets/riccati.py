"""Two-layer linear nets with white inputs: the flow in closed form.

W_1' = W_2^T (S - W_2 W_1), W_2' = (S - W_2 W_1) W_1^T from W_2^T W_2 - W_1 W_1^T = lambda I, which
the flow keeps. Fukumizu (1998); Braun et al. (NeurIPS 2022) for lambda = 0, Domine et al. (2024)
for lambda I. In the form here nothing need be inverted but a positive definite matrix, so that any
widths and ranks are allowed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.gram_flow import gram_root
from theory.plain_flow import PlainFlow, plain_flow


@dataclass(frozen=True, eq=False)
class TwoLayers:
    """W_1 `(h, di)` and W_2 `(do, h)`."""

    first: Floats
    second: Floats

    @property
    def stacked(self) -> Floats:
        """Q = [W_1^T; W_2], `(di + do, h)`."""
        return np.concatenate([self.first.T, self.second])


def balanced_layers(
    rng: np.random.Generator, outputs: int, hidden: int, inputs: int, balance: float
) -> TwoLayers:
    """Random layers with W_2^T W_2 - W_1 W_1^T = balance I.

    Raises:
        InvalidInput: balance is negative, or positive with fewer outputs than hidden units, where
            W_2^T W_2 cannot have full rank.
    """
    if balance < 0.0 or (balance > 0.0 and outputs < hidden):
        raise InvalidInput(
            f"balance is {balance} for {hidden} hidden units and {outputs} outputs; it must be 0, "
            "or positive with as many outputs as hidden units"
        )
    rank = min(hidden, inputs, outputs)
    values = np.zeros(hidden)
    values[:rank] = rng.uniform(0.1, 0.8, rank)
    turned = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0]
    right = np.linalg.qr(rng.normal(size=(inputs, inputs)))[0][:, :rank]
    left = np.linalg.qr(rng.normal(size=(outputs, outputs)))[0]
    kept = min(hidden, outputs)
    lengths = np.sqrt(balance + values**2)[:kept]
    first = (turned[:, :rank] * values[:rank]) @ right.T
    return TwoLayers(first, (left[:, :kept] * lengths) @ turned[:, :kept].T)


def riccati_product(
    layers: TwoLayers, correlation: Floats, balance: float, time: float, gain: float = 1.0
) -> Floats:
    """W_2 W_1 at a time, `(do, di)`, in closed form.

    With Q = [W_1^T; W_2] and F = [[-lambda/2, S^T], [S, lambda/2]], Q Q^T is
    e^(Ft) Q_0 [I + gain Q_0^T G Q_0]^-1 Q_0^T e^(Ft), G the integral of e^(2Fs) from 0 to t, and
    W_2 W_1 its lower left block. Any number of hidden units and any time will do.

    Args:
        correlation: S = E y x^T, `(do, di)`.
        gain: 1 for the flow above.

    Raises:
        InvalidInput: a time before 0 or that is not finite.
    """
    outputs, inputs = correlation.shape
    stack = np.block(
        [
            [-0.5 * balance * np.eye(inputs), correlation.T],
            [correlation, 0.5 * balance * np.eye(outputs)],
        ]
    )
    values, vectors = np.linalg.eigh(stack)
    root = vectors @ gram_root(values, vectors.T @ layers.stacked, time, gain)
    product: Floats = root[inputs:] @ root[:inputs].T
    return product


def two_layer_flow(
    layers: TwoLayers,
    correlation: Floats,
    times: ArrayLike,
    *,
    covariance: Floats | None = None,
    stacked_balance: float | None = None,
    rtol: float = 1e-11,
) -> PlainFlow:
    """The products W_2 W_1, flat `(T, do di)`, of an integration of the weights.

    Args:
        covariance: of the inputs, `(di, di)`; None for white ones.
        stacked_balance: integrate Q' = F Q - Q Q^T Q / 2 with this lambda instead, by another
            method.
    """
    outputs, inputs = correlation.shape
    hidden = layers.first.shape[0]
    white = np.eye(inputs) if covariance is None else covariance

    def plain(_: float, state: Floats) -> Floats:
        first = state[: hidden * inputs].reshape(hidden, inputs)
        second = state[hidden * inputs :].reshape(outputs, hidden)
        error = correlation - second @ first @ white
        return np.append(second.T @ error, error @ first.T)

    def stacked(_: float, state: Floats) -> Floats:
        q = state.reshape(-1, hidden)
        top, bottom = q[:inputs], q[inputs:]
        half = 0.5 * (stacked_balance or 0.0)
        linear = np.concatenate(
            [correlation.T @ bottom - half * top, correlation @ top + half * bottom]
        )
        return np.asarray((linear - 0.5 * q @ (q.T @ q)).ravel())

    def product(states: Floats) -> Floats:
        size = hidden * inputs
        if stacked_balance is not None:
            q = states.reshape(len(states), -1, hidden)
            return np.asarray(
                (q[:, inputs:] @ q[:, :inputs].transpose(0, 2, 1)).reshape(len(q), -1)
            )
        first = states[:, :size].reshape(-1, hidden, inputs)
        second = states[:, size:].reshape(-1, outputs, hidden)
        return np.asarray((second @ first).reshape(len(states), -1))

    if stacked_balance is None:
        flow = plain_flow(plain, np.append(layers.first, layers.second), times, rtol=rtol)
    else:
        start = layers.stacked.ravel()
        flow = plain_flow(stacked, start, times, rtol=rtol, method="LSODA")
    return PlainFlow(flow.times, product(flow.tight), product(flow.loose))
