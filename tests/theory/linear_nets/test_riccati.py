"""The closed form of two-layer linear nets against a plain integration of the weights."""

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.linear_nets import TwoLayers, balanced_layers, riccati_product, two_layer_flow

SHAPES = [(3, 2, 4, 0.0), (2, 4, 3, 0.0), (4, 3, 2, 1.5), (3, 3, 3, 0.5), (1, 1, 1, 0.0)]


@pytest.mark.parametrize(("outputs", "hidden", "inputs", "balance"), SHAPES)
def test_closed_form_is_the_flow(outputs: int, hidden: int, inputs: int, balance: float) -> None:
    rng = np.random.default_rng(outputs)
    layers = balanced_layers(rng, outputs, hidden, inputs, balance)
    correlation = rng.normal(size=(outputs, 1)) @ rng.normal(size=(1, inputs))  # of rank one
    product = layers.second.T @ layers.second - layers.first @ layers.first.T
    assert product == pytest.approx(balance * np.eye(hidden), abs=1e-12)
    flow = two_layer_flow(layers, correlation, [0.5, 3.0])
    other = two_layer_flow(layers, correlation, [0.5, 3.0], stacked_balance=balance)
    for index, time in enumerate(flow.times):
        exact = riccati_product(layers, correlation, balance, time).ravel()
        assert flow.tight[index] == pytest.approx(exact, abs=1e-9)
        assert other.tight[index] == pytest.approx(exact, abs=1e-8)


def test_closed_form_starts_at_the_product_and_ends_at_the_task() -> None:
    layers = balanced_layers(np.random.default_rng(0), 3, 2, 2, 0.0)
    correlation = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert riccati_product(layers, correlation, 0.0, 0.0) == pytest.approx(
        layers.second @ layers.first
    )
    assert riccati_product(layers, correlation, 0.0, 18.0) == pytest.approx(correlation, abs=1e-6)


@pytest.mark.parametrize("strengths", [(1.0, 0.1), (1.0, 0.5)])
@pytest.mark.parametrize("hidden", [2, 3, 5])
def test_late_times_are_those_of_the_flow(strengths: tuple[float, float], hidden: int) -> None:
    drawn = balanced_layers(np.random.default_rng(3), 2, hidden, 2, 0.0)
    layers, correlation = TwoLayers(0.1 * drawn.first, 0.1 * drawn.second), np.diag(strengths)
    flow = two_layer_flow(layers, correlation, [20.0, 40.0, 60.0])
    for index, time in enumerate(flow.times):
        exact = riccati_product(layers, correlation, 0.0, time).ravel()
        assert flow.tight[index] == pytest.approx(exact, abs=1e-9)
    assert riccati_product(layers, correlation, 0.0, 1000.0) == pytest.approx(
        correlation, abs=1e-12
    )


def test_balance_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"balance is 1\.0 for 3 hidden units and 2 outputs"):
        balanced_layers(np.random.default_rng(0), 2, 3, 2, 1.0)


def test_stacked_layers() -> None:
    layers = TwoLayers(np.ones((2, 3)), np.zeros((1, 2)))
    assert layers.stacked.shape == (4, 2)
