"""The kernel without its Jacobian is the Jacobian's product with itself, for any module."""

from typing import Any

import numpy as np
import pytest
import torch
from modules import dense_jacobian, observe, task, two_layers
from torch import nn

from theory.observed import gram, kernel_alignment, kernel_drift
from theory.observed.kernel import _split


class TwiceUsed(nn.Module):
    """One layer that is passed twice, and one parameter of no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = nn.Linear(3, 3), nn.Linear(3, 1)
        self.scale = nn.Parameter(torch.tensor(1.5))

    def forward(self, x: Any) -> Any:
        return self.scale * self.last(torch.tanh(self.inner(torch.tanh(self.inner(x)))))


class AlsoElsewhere(nn.Module):
    """A linear layer whose weight is used outside it as well."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = nn.Linear(3, 3), nn.Linear(3, 1)

    def forward(self, x: Any) -> Any:
        return self.last(torch.tanh(self.inner(x)) + x @ self.inner.weight)


def normed() -> nn.Module:
    """Batch norm in eval mode, with running statistics that are not the default ones."""
    module = nn.Sequential(
        nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(inplace=True), nn.Linear(5, 3)
    )
    module[1].running_mean.uniform_(-1, 1)
    module[1].running_var.uniform_(0.5, 2)
    return module


def convolved() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(4, 1)
    )


MODULES = {
    "two layers": (two_layers, 2),
    "classes": (lambda: two_layers(outputs=4), 4),
    "batch norm": (normed, 3),
    "convolution": (convolved, 2),
    "used twice": (TwiceUsed, 2),
    "used elsewhere": (AlsoElsewhere, 2),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("memory", [1, 1 << 30])
def test_gram_is_that_of_the_jacobian(name: str, memory: int) -> None:
    torch.manual_seed(1)
    make, classes = MODULES[name]
    observed = observe(make(), *task(classes=classes))
    expected = dense_jacobian(observed)
    rows = np.arange(observed.rows.total)
    found = gram(observed, rows, memory)
    np.testing.assert_allclose(found, expected @ expected.T, rtol=1e-11, atol=1e-12)
    some = rows[1::2]
    np.testing.assert_allclose(gram(observed, some, memory), found[np.ix_(some, some)], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "explicit"),
    [
        ("two layers", set()),
        ("batch norm", {"1.weight", "1.bias"}),
        ("convolution", {"1.weight", "1.bias"}),
        ("used twice", {"inner.weight", "inner.bias", "scale"}),
        ("used elsewhere", {"inner.weight", "inner.bias"}),
    ],
)
def test_layers_whose_products_are_not_their_gradient_are_differentiated(
    name: str, explicit: set[str]
) -> None:
    make, classes = MODULES[name]
    observed = observe(make(), *task(classes=classes))
    _, others = _split(observed, torch.arange(observed.rows.samples))
    assert set(others) == explicit


def test_a_module_that_cannot_be_mapped_is_differentiated_row_by_row() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1.0, 2.0, -0.5]))

        def forward(self, x: Any) -> Any:
            rows = [
                row @ self.weight if float(row[0]) > 0 else row.sum() * self.weight[0] for row in x
            ]
            return torch.stack(rows)

    observed = observe(Branching(), *task())
    expected = dense_jacobian(observed)
    np.testing.assert_allclose(
        gram(observed, np.arange(observed.rows.total)), expected @ expected.T, rtol=1e-12
    )


def test_drift_and_alignment_have_their_ends() -> None:
    kernel = np.diag([1.0, 2.0, 3.0])
    assert kernel_drift(7.0 * kernel, kernel) == pytest.approx(0.0, abs=1e-15)
    assert kernel_drift(np.diag([1.0, 0, 0]), np.diag([0, 1.0, 0])) == 1.0
    labels = np.array([1.0, -1.0, 1.0])
    assert kernel_alignment(np.outer(labels, labels), labels) == pytest.approx(1.0)
    assert kernel_alignment(np.outer(labels, labels), np.array([1.0, 1.0, 0.0])) == 0.0
