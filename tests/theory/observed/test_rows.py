"""Which rows a loss has, and which labels it takes."""

import numpy as np
import pytest
import torch
from modules import observe, task, two_layers

from theory.errors import InvalidInput
from theory.observed import collapsed_fraction, rows_of


@pytest.mark.parametrize(
    ("labels", "outputs", "loss", "kind", "name"),
    [
        ([1, -1], 1, None, "binary", "logistic"),
        ([0, 1], 1, None, "binary", "logistic"),
        ([0.0, 1.0], 1, "exponential", "binary", "exponential"),
        ([0, 2], 3, None, "classes", "cross_entropy"),
        ([0.5, 1.0], 1, None, "targets", "squared"),
        ([0, 2], 3, "squared", "targets", "squared"),
    ],
)
def test_labels_suggest_a_loss(
    labels: list[float], outputs: int, loss: str | None, kind: str, name: str
) -> None:
    rows = rows_of(torch.tensor(labels), outputs, loss)
    assert (rows.kind, rows.loss) == (kind, name)


def test_rows_are_margins_of_each_pair() -> None:
    rows = rows_of(torch.tensor([1, 0]), 3, None)
    outputs = torch.tensor([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0]], dtype=torch.double)
    assert rows.of(outputs).tolist() == [[4.0, 3.0], [4.0, 3.0]]
    for slot in range(2):
        coefficients = rows.coefficients(slot, torch.arange(2))
        assert (coefficients * outputs).sum(1).tolist() == rows.of(outputs)[:, slot].tolist()


def test_zero_and_one_are_minus_and_plus() -> None:
    assert rows_of(torch.tensor([0, 1]), 1, None).labels.tolist() == [-1.0, 1.0]
    assert rows_of(torch.tensor([1, 1]), 1, None).labels.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("labels", "outputs", "loss"),
    [
        ([0, 3], 3, None),
        ([-1, 1], 3, None),
        ([0.0, 2.0], 1, "logistic"),
        ([float("nan"), 1.0], 1, None),
        ([0, 1], 2, "logistic"),
        ([0, 1], 1, "cross_entropy"),
        ([[1.0, 2.0]], 3, "squared"),
    ],
)
def test_labels_that_do_not_go_with_the_net(
    labels: list[float], outputs: int, loss: str | None
) -> None:
    with pytest.raises(InvalidInput, match=r"labels|loss"):
        rows_of(torch.tensor(labels), outputs, loss)


def test_collapse_is_a_zero_of_float32() -> None:
    rows = rows_of(torch.tensor([0, 0, 0]), 3, None)
    gap = 24 * np.log(2.0)  # in whichever order torch adds the others, e^-gap or twice that
    outputs = torch.tensor([[gap - 0.5, 0, 0], [gap + 1.2, 0, 0], [0, 0, 0]], dtype=torch.double)
    assert collapsed_fraction(rows, outputs) == pytest.approx(1 / 3)
    margins = rows_of(torch.tensor([1.0, -1.0]), 1, None)
    assert collapsed_fraction(margins, torch.tensor([[80.0], [-110.0]])) == 0.5


def test_two_classes_are_the_binary_case() -> None:
    inputs, labels = task()
    module = two_layers()
    one = observe(module, inputs, labels)
    double = torch.nn.Sequential(module, torch.nn.Linear(1, 2, bias=False)).double()
    double[1].weight.data = torch.tensor([[-0.5], [0.5]], dtype=torch.double)
    two = observe(double, inputs, (labels > 0).astype(int))
    torch.testing.assert_close(two.values(), one.values())
