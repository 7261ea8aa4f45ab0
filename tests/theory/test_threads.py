"""Linear algebra on one thread for small matrices, and as the user has set it afterwards."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tests.theory.conftest import build
from theory import Regime, gradient_flow
from theory.flow import gradient
from theory.threads import SMALL, threads_for


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_small_matrices_have_one_thread_and_large_ones_the_users() -> None:
    with threadpool_limits(2, user_api="blas"):
        usual = threads()
        with threads_for(SMALL):
            assert threads() == {1}
        assert threads() == usual
        with threads_for(SMALL + 1):
            assert threads() == usual


def test_a_flow_is_integrated_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    integrate = gradient.integrate

    def watched(*args: object, **options: object) -> object:
        seen.append(threads())
        return integrate(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(gradient, "integrate", watched)
    with threadpool_limits(2, user_api="blas"):
        flow = gradient_flow(build("two-layer square"), Regime(log10_alpha=2.0, decay_power=2.0))
    assert np.isfinite(flow.margins).all()
    assert seen
    assert all(pools == {1} for pools in seen)
