"""Flows in log t against plain ones in t, limits against flows, and data that are what they say."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.errors import InvalidInput
from theory.kernel import max_margin
from theory.separable import (
    SeparableFlow,
    entropy_gap,
    orthogonal_growth,
    residual_in_span,
    separable_flow,
)
from verify.strategies.separable import SeparableData

DATA = SeparableData((1, 3, 2), (1.5,), (0.7, 1.4), 1, 0.75, "logistic", 0.0, 7)


def flow(data: SeparableData, log_times: list[float]) -> SeparableFlow:
    rows, margins = data.rows()
    logistic = data.loss == "logistic"
    return separable_flow(rows, data.direction, margins, log_times, logistic=logistic)


def test_data_have_the_maximum_margin_that_they_are_made_from() -> None:
    rows, margins = DATA.rows()
    machine = max_margin(rows)
    assert machine.weights == pytest.approx(DATA.direction, abs=1e-10)
    assert machine.dual == pytest.approx([*DATA.multipliers, 0.0], abs=1e-10)
    assert rows @ DATA.direction == pytest.approx(margins)
    spread = np.linalg.eigvalsh(rows[:3].T @ (DATA.multipliers[:, None] * rows[:3]))
    assert spread[1:] == pytest.approx([0.7, 1.0, 1.4])


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_flow_in_log_t_is_the_flow_in_t(loss: str) -> None:
    rows, margins = DATA.rows()
    logistic = loss == "logistic"

    def field(_: float, w: np.ndarray) -> np.ndarray:
        q = rows @ w
        return (1.0 / (1.0 + np.exp(q)) if logistic else np.exp(-q)) @ rows

    times = np.array([10.0, 1000.0])
    plain = solve_ivp(field, (0, 1000), np.zeros(4), "LSODA", times, rtol=1e-10, atol=1e-12).y.T
    found = separable_flow(rows, DATA.direction, margins, np.log(times), logistic=logistic)
    weights = np.outer(np.log(times), DATA.direction) + found.flow.tight
    assert weights == pytest.approx(plain, abs=1e-7)
    q = plain @ rows.T
    losses = (np.log1p(np.exp(-q)) if logistic else np.exp(-q)).sum(axis=1)
    assert found.loss_times_time(found.flow.tight) == pytest.approx(times * losses, rel=1e-6)
    size = np.linalg.norm(plain, axis=1)
    unit = plain / size[:, None] - DATA.direction / np.linalg.norm(DATA.direction)
    assert found.direction_gap(found.flow.tight) == pytest.approx(np.linalg.norm(unit, axis=1))
    gap = 1.0 - q.min(axis=1) / (0.75 * size)
    assert found.margin_gap(found.flow.tight) == pytest.approx(gap, abs=1e-8)


def test_limits() -> None:
    late = flow(DATA, [100.0, 1e4])
    support = late.rows[:3]
    residual = support @ residual_in_span(support, DATA.multipliers)
    assert residual == pytest.approx(-np.log(DATA.multipliers))
    assert late.flow.tight[1] @ support.T == pytest.approx(residual, abs=1e-8)
    assert late.loss_times_time(late.flow.tight)[1] == pytest.approx(1 / 0.75**2, rel=1e-8)
    scaled = late.margin_gap(late.flow.tight)[1] * 1e4
    assert scaled == pytest.approx(entropy_gap(DATA.probabilities), rel=1e-2)


def test_a_sample_that_supports_nothing_grows_across() -> None:
    data = SeparableData((1, 2), (), (0.7,), 1, 0.5, "exponential", 2.0, 1)
    late = flow(data, [1e3, 1e5])
    predicted = orthogonal_growth(late.log_times, data.coefficients, data.multipliers, 1.0)
    gaps = np.abs(late.flow.tight[:, -1] - predicted)
    assert gaps[1] == pytest.approx(gaps[0] / 100, rel=0.1)  # O(1 / log t) is left
    assert gaps[0] < 0.01


def test_uniform_multipliers_leave_no_gap() -> None:
    assert entropy_gap(np.full(4, 0.25)) == 0.0


def test_shares_of_zero_count_for_nothing() -> None:
    assert entropy_gap(np.array([0.5, 0.5, 0.0])) == 0.0
    # 3/4 log 1 + 1/4 log 3
    assert entropy_gap(np.array([0.75, 0.0, 0.25])) == pytest.approx(0.25 * np.log(3.0))


def test_limits_refuse_what_has_no_meaning() -> None:
    for shares in ([0.0, 0.0], [-0.5, 1.5], [np.nan, 1.0], [np.inf], []):
        with pytest.raises(InvalidInput, match="probabilities are"):
            entropy_gap(np.array(shares))
    for multipliers in (np.zeros(2), -np.ones(2), np.full(2, np.nan), np.ones(0)):
        with pytest.raises(InvalidInput, match="multipliers are"):
            residual_in_span(np.eye(2), multipliers)
    with pytest.raises(InvalidInput, match="support has shape"):
        residual_in_span(np.nan * np.eye(2), np.ones(2))
    with pytest.raises(InvalidInput, match="log_times is"):
        orthogonal_growth(np.zeros(1), np.ones(1), np.ones(1), 1.0)
    with pytest.raises(InvalidInput, match="size is"):
        orthogonal_growth(np.ones(1), np.ones(1), np.ones(1), 0.0)


@pytest.mark.parametrize("size", [1e170, 1e8, 1e6, 1e3, 1e-3, 1e-8, 1e-170])
def test_one_sample_of_any_size_has_the_output_of_its_formula(size: float) -> None:
    rows, direction = np.array([[size]]), np.array([1.0 / size])
    times = [1e-3, 1.0, 100.0, 1e4]
    found = separable_flow(rows, direction, np.ones(1), times)
    exact = np.logaddexp(0.0, np.array(times) + 2.0 * np.log(size))
    assert found.outputs(found.flow.tight)[:, 0] == pytest.approx(exact, rel=1e-10, abs=1e-10)
    assert found.margin_gap(found.flow.tight)[-1] == pytest.approx(0.0, abs=1e-10)
    assert found.direction_gap(found.flow.tight)[-1] == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize("log_weight", [1000.0, 30.0, -30.0, -1000.0])
def test_one_sample_of_any_weight_has_the_output_of_its_formula(log_weight: float) -> None:
    times = [1e-3, 1.0, 100.0, 1e4]
    found = separable_flow(np.eye(1), np.ones(1), np.ones(1), times, log_weights=log_weight)
    exact = np.logaddexp(0.0, np.array(times) + log_weight)
    assert found.outputs(found.flow.tight)[:, 0] == pytest.approx(exact, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("size", [1e3, 1e12])
def test_rows_in_other_units_are_the_same_flow_at_another_time(size: float) -> None:
    rows, margins = DATA.rows()
    shift = 2.0 * np.log(size)
    times = np.array([1.0, 30.0, 1e3])
    large = separable_flow(size * rows, DATA.direction / size, margins, times, logistic=True)
    small = separable_flow(rows, DATA.direction, margins, times + shift, logistic=True)
    outputs = small.outputs(small.flow.tight)
    assert large.outputs(large.flow.tight) == pytest.approx(outputs, abs=1e-8)
    weighted = separable_flow(
        rows, DATA.direction, margins, times, logistic=True, log_weights=shift
    )
    assert weighted.outputs(weighted.flow.tight) == pytest.approx(outputs, abs=1e-8)


def test_what_is_refused() -> None:
    rows, margins = DATA.rows()
    direction = DATA.direction
    with pytest.raises(InvalidInput, match="at least 1"):
        separable_flow(rows, direction, 0.5 * margins, [1.0])
    with pytest.raises(InvalidInput, match="at least 1"):
        separable_flow(rows, direction, np.nan * margins, [1.0])
    with pytest.raises(InvalidInput, match="rows have shape"):
        separable_flow(np.nan * rows, direction, margins, [1.0])
    with pytest.raises(InvalidInput, match="rows have shape"):
        separable_flow(rows[:0], direction, margins[:0], [1.0])
    with pytest.raises(InvalidInput, match="rows have shape"):
        separable_flow(0.0 * rows, direction, margins, [1.0])
    with pytest.raises(InvalidInput, match="direction is"):
        separable_flow(rows, direction[1:], margins, [1.0])
    with pytest.raises(InvalidInput, match="log_weights are"):
        separable_flow(rows, direction, margins, [1.0], log_weights=np.nan)
    for times in ([], [0.0], [2.0, 1.0], [np.nan], [1.0, np.inf]):
        with pytest.raises(InvalidInput, match="increase from 0"):
            separable_flow(rows, direction, margins, times)
