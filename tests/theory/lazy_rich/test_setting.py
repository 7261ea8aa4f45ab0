"""Settings: every refusal names its argument; the arrays have exactly the stated statistics."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.lazy_rich import Setting

SETTING = Setting(5, 3, 7, seed=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *(
            ({name: value}, f"{name} is .*; it must be a whole number, at least 1")
            for name in ("input_dim", "width", "samples", "steps")
            for value in (0, -2, 1.5, "3", True, None)
        ),
        *(
            ({name: value}, f"{name} is .*; it must be positive and finite")
            for name in ("output_scale", "step", "signal")
            for value in (0, -1.0, float("nan"), float("inf"), "1", True, None)
        ),
        *(
            ({"curvature": value}, "curvature is .*; it must be finite and at least 0")
            for value in (-0.1, float("nan"), float("inf"), "1", True, None)
        ),
        *(
            ({name: value}, f"{name} is .*; it must be true or false")
            for name in ("centred", "trained_readout")
            for value in (1, "yes", None)
        ),
        *(
            ({"seed": value}, "seed is .*; it must be a whole number, at least 0")
            for value in (-1, 1.0, True, None)
        ),
        ({"overlaps": (0.1, 0.2)}, "overlaps is .* it must hold 3 finite numbers"),
        ({"overlaps": (0.1, 0.2, float("nan"))}, "overlaps is .* it must hold 3 finite numbers"),
        ({"overlaps": (0.1, 0.2, "0.3")}, "overlaps is .* it must hold 3 finite numbers"),
        ({"overlaps": (0.9, 0.9, 0.0)}, "overlaps have the sum of squares 1.62.* signal = 1"),
        ({"overlaps": (0.1, 0.1, 0.1), "input_dim": 3}, "width is 3; with overlaps it must be"),
    ],
)
def test_refusals_name_the_argument(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        replace(SETTING, **change)


@given(
    overlaps=st.lists(st.sampled_from((0.0, 0.5, -0.4, 0.1)), min_size=1, max_size=3),
    spare=st.integers(1, 4),
    signal=st.sampled_from((1.0, 2.0, 0.75)),
    seed=st.integers(0, 999),
)
def test_overlaps_are_exact(overlaps: list[float], spare: int, signal: float, seed: int) -> None:
    setting = Setting(
        len(overlaps) + spare, len(overlaps), 1, signal=signal, overlaps=tuple(overlaps), seed=seed
    )
    weights, beta = setting.weights(), setting.direction()
    dimension = setting.input_dim
    np.testing.assert_allclose(weights @ weights.T / dimension, np.eye(len(overlaps)), atol=1e-12)
    np.testing.assert_allclose(weights @ beta / dimension, overlaps, atol=1e-12)


def test_the_largest_overlaps_are_possible() -> None:
    setting = replace(SETTING, overlaps=(0.6, 0.8, 0.0))
    gram = setting.weights() @ setting.weights().T / 5
    np.testing.assert_allclose(gram, np.eye(3), atol=1e-7)


@given(
    dimension=st.integers(1, 30), signal=st.sampled_from((1.0, 0.5, 3.0)), seed=st.integers(0, 99)
)
def test_direction_and_labels(dimension: int, signal: float, seed: int) -> None:
    setting = Setting(dimension, 2, 4, signal=signal, seed=seed)
    beta = setting.direction()
    assert beta @ beta == pytest.approx(signal * dimension, rel=1e-13)
    expected = 0.5 * (setting.inputs() @ beta) ** 2
    np.testing.assert_allclose(setting.labels(), expected, rtol=1e-10, atol=1e-14)


def test_arrays_follow_the_seed_and_do_not_share_numbers() -> None:
    other = replace(SETTING, seed=3)
    for name in ("weights", "direction", "inputs"):
        drawn = getattr(SETTING, name)()
        np.testing.assert_array_equal(drawn, getattr(SETTING, name)())
        assert not np.isin(drawn, getattr(other, name)()).any()
    wide = Setting(50, 40, 40, trained_readout=True)
    readout = wide.committee().readout
    streams = [wide.weights().ravel(), wide.inputs().ravel() * np.sqrt(50), readout]
    for k, first in enumerate(streams):
        for second in streams[k + 1 :]:
            shared = min(len(first), len(second))
            assert abs(np.corrcoef(first[:shared], second[:shared])[0, 1]) < 5.0 / np.sqrt(shared)


def test_scales_of_the_draws() -> None:
    wide = Setting(100, 200, 300)
    assert wide.weights().var() == pytest.approx(1.0, rel=0.05)
    assert wide.inputs().var() == pytest.approx(0.01, rel=0.05)
    assert wide.sample_ratio == 3.0
    assert wide.committee().readout is None
    readout = replace(wide, trained_readout=True).committee().readout
    assert readout.shape == (200,)
    assert readout.var() == pytest.approx(1.0, rel=0.5)
