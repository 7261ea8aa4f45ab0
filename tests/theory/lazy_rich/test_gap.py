"""The gap at leading order: exact coefficients, one step by hand, the mean field theory."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from theory.lazy_rich.dmft import MeanField, causal_sweep, online
from theory.lazy_rich.gap import gap_formula, online_gap

TWO = MeanField(50.0, np.eye(2), np.array([0.5, -0.4]), steps=12)


def test_reference_values() -> None:
    # from a separate implementation with sampled order parameters, to the digits it gave
    gap = online_gap(replace(TWO, sample_ratio=10.0))
    assert float(gap[2]) == pytest.approx(0.0740, abs=2e-4)
    assert float(gap[10]) == pytest.approx(0.1220, abs=4e-4)


def test_the_first_step_by_hand() -> None:
    # linear machine of one neuron: 2 dt <Delta(1) Delta(0)> / nu, where h(1) = (1 - dt) h(0)
    problem = replace(TWO, curvature=0.0, covariance=np.eye(1), overlaps=np.array([0.2]))
    assert float(online_gap(problem)[0]) == 0.0
    assert float(online_gap(problem)[1]) == pytest.approx(2.0 * 0.2 * (0.75 + 0.8) / 50.0)


def test_noise_is_that_of_many_samples() -> None:
    exact = online(TWO).order.noise
    sampled = causal_sweep(replace(TWO, sample_ratio=1e300), 2048, 8).order.noise
    error = sampled.std(0) / 8**0.5
    assert bool(((sampled.mean(0) - exact[0]).abs() < 5.0 * error + 1e-6).all())


@pytest.mark.parametrize("centred", [False, True])
def test_it_is_the_gap_of_the_theory_at_many_samples(centred: bool) -> None:
    problem = replace(TWO, sample_ratio=1e6, centred=centred)
    found = causal_sweep(problem, 1024, 4)
    gaps = (found.test_losses - found.train_losses)[:, :-1]
    own = gap_formula(problem, found.order)
    # with its own pushes for G the noise drops out, but for the control variate's share
    torch.testing.assert_close(gaps.mean(0), own.mean(0), rtol=0.05, atol=1e-9)
    torch.testing.assert_close(own.mean(0), online_gap(problem), rtol=0.1, atol=1e-9)
