"""Linear networks: the law of Marchenko and Pastur, and descent on drawn data."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from theory.lazy_rich.dmft import MeanField, causal_sweep, simulate
from theory.lazy_rich.linear_net import linear_curves, marchenko_pastur


@pytest.mark.parametrize("ratio", [0.5, 1.5, 3.0, 10.0])
def test_moments_of_the_law(ratio: float) -> None:
    nodes, weights = marchenko_pastur(ratio)
    q = 1.0 / ratio
    moments = [float(weights @ nodes**k) for k in range(4)]
    np.testing.assert_allclose(
        moments, [min(1.0, ratio), 1.0, 1.0 + q, 1.0 + 3.0 * q + q**2], rtol=1e-9
    )


def test_at_ratio_one_the_weights_still_add_up() -> None:
    _, weights = marchenko_pastur(1.0)
    assert float(weights.sum()) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("ratio", "centred"), [(0.5, True), (1.5, False), (4.0, False)])
def test_curves_follow_descent_on_drawn_data(ratio: float, centred: bool) -> None:
    setting = Setting(
        200, 1, int(200 * ratio), 1.5, 0.0, step=0.2, steps=15, centred=centred, overlaps=(0.3,)
    )
    found, exact = simulate(setting, 40), linear_curves(MeanField.of(setting))
    for loss in ("train", "test"):
        losses = getattr(found, f"{loss}_losses")
        error = 4.0 * losses.std(0) / 40**0.5
        mean, expected = losses.mean(0), torch.as_tensor(getattr(exact, loss))
        assert bool(((mean - expected).abs() < error + 0.02 * expected).all())


@pytest.mark.parametrize("centred", [False, True])
def test_the_mean_field_theory_agrees(centred: bool) -> None:
    problem = MeanField(
        1.5, np.eye(2), np.array([0.5, -0.4]), curvature=0.0, steps=15, centred=centred
    )
    exact, found = linear_curves(problem), causal_sweep(problem, 512, 8)
    np.testing.assert_allclose(found.train.numpy(), exact.train, rtol=0.02)
    np.testing.assert_allclose(found.test.numpy(), exact.test, rtol=0.02)
    assert not np.allclose(linear_curves(replace(problem, sample_ratio=3.0)).test, exact.test)


def test_a_ratio_of_zero_has_no_law() -> None:
    with pytest.raises(InvalidInput, match="sample_ratio is"):
        marchenko_pastur(0.0)
