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


def test_losses_beyond_the_largest_exponential() -> None:
    """log(1 + e^1000) is 1000 to 434 digits, log(1 + 2 e^1000) is 1000 + log 2."""
    loss, margin = mean_cross_entropy([[0, 1000]], [0])
    assert (loss, margin) == (1000.0, -1000.0)
    assert_allclose(loss_bounds(-1000.0, 3, 4), (250.0, 1000.0 + np.log(2.0)), rtol=1e-15)
    loss, _ = mean_cross_entropy(np.array([[0.0, 1e300, 1e300]]), np.array([0]))
    assert loss == 1e300


def test_loss_whose_exponential_underflows() -> None:
    loss, margin = mean_cross_entropy(np.array([[800.0, 0.0], [0.0, 1.0]]), np.array([0, 1]))
    assert_allclose(loss, np.log1p(np.exp(-1.0)) / 2.0, rtol=1e-15)
    assert margin == 1.0


@pytest.mark.parametrize("labels", [[0, 0.7], [0, float("nan")]])
def test_labels_that_are_not_whole(labels: list[float]) -> None:
    with pytest.raises(InvalidInput, match=r"labels (are|holds)"):
        mean_cross_entropy(np.zeros((2, 3)), np.array(labels))


def test_bounds_of_nothing() -> None:
    with pytest.raises(InvalidInput, match=r"shape \(0, 3\)"):
        mean_cross_entropy(np.zeros((0, 3)), np.zeros(0))
    with pytest.raises(InvalidInput, match="classes is 1"):
        loss_bounds(1.0, 1, 4)
    with pytest.raises(InvalidInput, match="samples is 0"):
        loss_bounds(1.0, 2, 0)
    with pytest.raises(InvalidInput, match="margin is nan"):
        loss_bounds(float("nan"), 2, 1)


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0]])
def test_labels_that_do_not_fit(labels: list[int]) -> None:
    with pytest.raises(InvalidInput, match="they must be 2 of 3"):
        mean_cross_entropy(np.zeros((2, 3)), np.array(labels))


def test_counts_and_logits_that_are_none() -> None:
    with pytest.raises(InvalidInput, match=r"classes is 2\.5; it must be a whole number"):
        loss_bounds(1.0, 2.5, 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="margin is 'a'; it must be a number"):
        loss_bounds("a", 2, 1)  # type: ignore[arg-type]
    for wrong in (np.nan, np.inf):
        with pytest.raises(InvalidInput, match="logits holds NaN or infinite"):
            mean_cross_entropy(np.array([[wrong, 0.0]]), np.array([0]))
    with pytest.raises(InvalidInput, match="labels is not a rectangular array of numbers"):
        mean_cross_entropy(np.zeros((1, 2)), np.array(["a"]))
