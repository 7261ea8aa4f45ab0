"""Cross entropy and its bounds against torch and against the cases in which they are attained."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from theory.errors import InvalidInput
from theory.softmax import loss_bounds, mean_cross_entropy


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_cross_entropy_is_that_of_torch(scale: float) -> None:
    rng = np.random.default_rng(0)
    logits, labels = scale * rng.normal(size=(6, 4)), rng.integers(4, size=6)
    expected = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(labels))
    loss, margin = mean_cross_entropy(logits, labels)
    assert_allclose(loss, float(expected), rtol=1e-12)
    gaps = [logits[k, y] - np.delete(logits[k], y).max() for k, y in enumerate(labels.tolist())]
    assert_allclose(margin, min(gaps))
    low, high = loss_bounds(margin, 4, 6)
    assert low <= loss <= high


def test_small_losses_keep_their_digits() -> None:
    loss, margin = mean_cross_entropy(np.array([[60.0, 0.0, 0.0]]), np.array([0]))
    assert_allclose(loss, 2.0 * np.exp(-60.0), rtol=1e-12)
    assert_allclose(loss_bounds(margin, 3, 1)[1], loss, rtol=1e-12)


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0]])
def test_labels_that_do_not_fit(labels: list[int]) -> None:
    with pytest.raises(InvalidInput, match="they must be 2 of 3"):
        mean_cross_entropy(np.zeros((2, 3)), np.array(labels))
