"""What is said of a checkpoint, and what only where it was measured."""

from typing import Any

import pytest

from verify.diagnose.verdict import verdict

NOTHING = {"predicted": None, "observed": None, "reached": None, "generalised": None}


def checkpoint(linear: float | None, drift: float | None, smallest: float) -> dict[str, Any]:
    return {
        "norm": 1.0,
        "kernel": {"linearized_distance": linear, "drift": drift, "svm_distance": None},
        "kkt": {"stationarity": 0.9, "feasibility": None, "complementarity": 0.0},
        "min_margin": smallest,
        "accuracy": None,
        "direction_cosine": 0.9,
        "collapsed_fraction": 0.0,
    }


@pytest.mark.parametrize("smallest", [1.0, -1.0], ids=["fitted", "not fitted"])
@pytest.mark.parametrize(
    ("linear", "drift", "left"),
    [(0.5, None, True), (None, 0.5, True), (0.05, None, False), (None, None, False)],
)
def test_a_net_has_left_the_kernel_regime_where_that_was_measured(
    linear: float | None, drift: float | None, left: bool, smallest: float
) -> None:
    said = verdict([checkpoint(linear, drift, smallest)], NOTHING, None)
    assert ("left the kernel regime" in said) == left
    assert ("fits the data" in said) == (smallest > 0)
