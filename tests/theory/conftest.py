"""Instances that many tests share: one small random problem for each family of nets."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pytest

from theory.anchors import balanced_anchor, difference_anchor, zero_readout_anchor
from theory.backend import Floats
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer
from theory.problem import Problem

SEED: Final = 20240


def _two_layer(activation: str) -> tuple[TwoLayer, Floats]:
    net = TwoLayer(4, 3, activation)
    half = np.random.default_rng(SEED).standard_normal(net.parameters // 2)
    return net, difference_anchor(net, half)


def _diagonal(degree: int) -> tuple[Diagonal, Floats]:
    net = Diagonal(3, degree)
    return net, balanced_anchor(net, np.random.default_rng(SEED).uniform(0.5, 1.5, 3))


def _deep(activation: str) -> tuple[Deep, Floats]:
    net = Deep((3, 3, 3, 1), activation)
    theta = np.random.default_rng(SEED).standard_normal(net.parameters)
    return net, zero_readout_anchor(net, theta)


def _factorization() -> tuple[Factorization, Floats]:
    net = Factorization(3, 2)
    return net, balanced_anchor(net, np.random.default_rng(SEED).standard_normal(6))


_BUILDERS: Final[dict[str, Callable[[], tuple[HomogeneousNet, Floats]]]] = {
    "diagonal, L = 2": lambda: _diagonal(2),
    "diagonal, L = 3": lambda: _diagonal(3),
    "two-layer square": lambda: _two_layer("square"),
    "two-layer cube": lambda: _two_layer("cube"),
    "two-layer relu_squared": lambda: _two_layer("relu_squared"),
    "two-layer relu_cubed": lambda: _two_layer("relu_cubed"),
    "deep linear": lambda: _deep("linear"),
    "deep square": lambda: _deep("square"),
    "factorization": _factorization,
}

FAMILY_NAMES: Final = tuple(_BUILDERS)


def build(family: str, loss: str = "exponential") -> Problem:
    """The shared instance of a family: three separable samples."""
    net, anchor = _BUILDERS[family]()
    if isinstance(net, Factorization):
        inputs = np.array([[0, 1], [2, 2], [1, 2]])
    else:
        inputs = np.array([[1.0, 0.5, -0.3], [-0.25, 1.0, 0.8], [0.4, -0.6, 1.1]])
    return Problem(net, anchor, inputs, np.array([1.0, -1.0, 1.0]), loss)


@pytest.fixture(scope="session")
def instance() -> Callable[..., Problem]:
    """`instance(family, loss="exponential")`."""
    return build


@pytest.fixture(scope="session", params=FAMILY_NAMES)
def family(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def problem(family: str) -> Problem:
    """The shared instance of each family in turn, with the exponential loss."""
    return build(family)
