"""Linear algebra on one thread for small matrices, and as the user has set it afterwards."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tests.theory.conftest import build
from theory import Regime, gradient_flow
from theory import threads as of_threads
from theory.flow import gradient
from theory.threads import SMALL, both, threads_for


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


@pytest.mark.parametrize("cores", [1, 2])
def test_two_tolerances_are_the_same_numbers_on_any_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    problem, regime = build("two-layer square"), Regime(log10_alpha=2.0, decay_power=2.0)
    usual = gradient_flow(problem, regime)
    monkeypatch.setattr(of_threads, "cores", lambda: cores)
    flow = gradient_flow(problem, regime)
    np.testing.assert_array_equal(flow.margins, usual.margins)
    np.testing.assert_array_equal(flow.error_estimate, usual.error_estimate)
    assert flow.evaluations == usual.evaluations


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("failing", [0, 1])
def test_of_two_computations_either_may_fail(
    monkeypatch: pytest.MonkeyPatch, cores: int, failing: int
) -> None:
    def fails() -> int:
        raise ArithmeticError("no")

    monkeypatch.setattr(of_threads, "cores", lambda: cores)
    pair = [lambda: 1, lambda: 2]
    assert both(pair[0], pair[1]) == (1, 2)
    pair[failing] = fails
    with pytest.raises(ArithmeticError, match="no"):
        both(pair[0], pair[1])
