"""The nets of the examples, each a module or a function that makes one: --model nets.py:NAME."""

from typing import Any

import torch
from torch import nn

PIXELS = 64
MODULUS, NEURONS = 23, 100
DIMENSION, NORM = 200, 1000.0


def parity() -> nn.Module:
    """Two hidden layers of rectifiers and one output, without biases: degree 3."""
    return nn.Sequential(
        nn.Linear(PIXELS, 64, bias=False),
        nn.ReLU(),
        nn.Linear(64, 64, bias=False),
        nn.ReLU(),
        nn.Linear(64, 1, bias=False),
    )


def digits() -> nn.Module:
    """One hidden layer of rectifiers and ten outputs, with biases: not homogeneous."""
    return nn.Sequential(nn.Linear(PIXELS, 64), nn.ReLU(), nn.Linear(64, 10))


class Addition(nn.Module):
    """W2 (W1 x)^2 / (D N) of one-hot pairs x in D = 2p dimensions: degree 3 (Kumar et al. 2024)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2 * MODULUS, NEURONS, bias=False)
        self.readout = nn.Linear(NEURONS, MODULUS, bias=False)
        for layer in (self.hidden, self.readout):
            nn.init.normal_(layer.weight)

    def forward(self, x: Any) -> Any:
        return self.readout(self.hidden(x).square()) / (2 * MODULUS * NEURONS)


class Diagonal(nn.Module):
    """<u^2 - v^2, x>, of degree 2, from u = v of equal entries and norm `NORM` together."""

    def __init__(self) -> None:
        super().__init__()
        size = torch.full((DIMENSION,), NORM / (2 * DIMENSION) ** 0.5, dtype=torch.float64)
        self.u, self.v = nn.Parameter(size), nn.Parameter(size.clone())

    def forward(self, x: Any) -> Any:
        return x @ (self.u**2 - self.v**2)
