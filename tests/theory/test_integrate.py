"""The integrator wrapper: accuracy, order of times, budget, fallback, distrust of success."""

import numpy as np
import pytest

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.integrate import METHODS, Integration, integrate


def decay(_time: float, state: Floats) -> Floats:
    return -state * np.array([1.0, 50.0])


def decay_jacobian(_time: float, _state: Floats) -> Floats:
    return np.diag([-1.0, -50.0])


def run(method: str | None = None, **options: object) -> Integration:
    start = np.array([1.0, 2.0])
    arguments: dict[str, object] = {"rtol": 1e-9, "atol": 1e-14, **options}
    return integrate(decay, decay_jacobian, 0.0, 2.0, start, [1.0, 0.5], method=method, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [*METHODS, None])
def test_states_come_in_the_order_asked_for(method: str | None) -> None:
    result = run(method)
    exact = [[np.exp(-1.0), 2 * np.exp(-50.0)], [np.exp(-0.5), 2 * np.exp(-25.0)]]
    # hundreds of steps at rtol 1e-9; the second component sits at atol
    np.testing.assert_allclose(result.states, exact, rtol=1e-6, atol=1e-12)
    assert result.final[0] == pytest.approx(np.exp(-2.0), rel=1e-6)
    assert result.method == (method or "LSODA")
    assert 0 < result.evaluations < 10_000


def test_a_time_asked_for_twice_is_answered_twice() -> None:
    result = integrate(
        decay, decay_jacobian, 0.0, 1.0, np.ones(2), [1.0, 1.0], rtol=1e-8, atol=1e-12
    )
    np.testing.assert_array_equal(result.states[0], result.states[1])
    np.testing.assert_array_equal(result.states[0], result.final)


def test_interpolant_and_events_are_returned_when_asked_for() -> None:
    result = run(dense=True, events=[lambda _time, state: float(state[0] - 0.5)])
    assert result.interpolant is not None
    assert result.interpolant(0.7)[0] == pytest.approx(np.exp(-0.7), rel=1e-6)
    np.testing.assert_allclose(result.event_times[0], [np.log(2.0)], rtol=1e-6)
    assert run().interpolant is None


def test_budget_exceeded_names_every_method_tried_and_radau_is_not_after_bdf() -> None:
    spent = "more than 7 evaluations"
    with pytest.raises(IntegrationFailed, match=f"LSODA: {spent}; BDF: {spent}$"):
        run(max_evaluations=7)
    with pytest.raises(IntegrationFailed, match=r": BDF: more than 7 evaluations$"):
        run("BDF", max_evaluations=7)
    with pytest.raises(IntegrationFailed, match=f": BDF: {spent}; LSODA: {spent}$"):
        run(max_evaluations=7, settled=True)


def test_fallback_takes_over_and_counts_what_was_spent() -> None:
    calls = 0

    def stubborn(time: float, state: Floats) -> Floats:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("not today")
        return decay(time, state)

    result = integrate(stubborn, decay_jacobian, 0.0, 2.0, np.ones(2), [2.0], rtol=1e-8, atol=1e-12)
    assert result.method == "BDF"
    assert result.evaluations == calls
    assert result.final[0] == pytest.approx(np.exp(-2.0), rel=1e-5)


def test_a_singularity_is_a_failure_not_a_number() -> None:
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(IntegrationFailed, match="no integrator finished from tau = 0 to 2"),
    ):
        integrate(lambda _t, y: y**2, None, 0.0, 2.0, np.ones(1), [2.0], rtol=1e-8, atol=1e-12)


def test_nan_in_the_states_is_a_failure() -> None:
    with pytest.raises(IntegrationFailed):
        integrate(
            lambda t, y: y * (np.nan if t > 0.5 else 1.0),
            None,
            0.0,
            1.0,
            np.ones(1),
            [1.0],
            rtol=1e-6,
            atol=1e-9,
            max_evaluations=2000,
        )


def test_unknown_method_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(InvalidInput, match="method is 'RK45'; allowed are LSODA, BDF, Radau"):
        run("RK45")
