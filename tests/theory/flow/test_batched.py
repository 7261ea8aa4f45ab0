"""Batched flows against the SciPy flow, lane by lane, and the integrator of lanes on its own."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from tests.support.own_two_layer import OwnTwoLayer
from theory.backend import Array
from theory.errors import InvalidInput
from theory.flow import gradient_flow
from theory.flow.batch_lanes import flows_in_lanes
from theory.flow.batch_trajectory import BatchTrajectory
from theory.flow.batched import MAX_STEPS, gradient_flow_batch, paired
from theory.flow.extrapolation import extrapolated_step, extrapolation_weights
from theory.problem import Problem, Regime

AT = (0.7, 1.3)
AGREES = 1e-8
"""Allowed relative difference at rtol 1e-9, a tolerance for each of up to 500 steps."""

REGIMES = [Regime(log10_alpha=log10_alpha, decay_power=1.5) for log10_alpha in (0.5, 2, 5)]

Instance = Callable[..., Problem]


def differences(batch: BatchTrajectory, lane: int, problem: Problem, regime: Regime) -> list[float]:
    """Relative differences from the SciPy flow in each quantity, the largest over times."""
    flow = gradient_flow(problem, regime, batch.at, rtol=1e-11, estimate_error=False)
    pairs = [
        (batch.margins[lane], flow.margins),
        (batch.directions[lane], flow.directions),
        (batch.displacement[lane], flow.displacement),
    ]
    relative = [np.abs(a - b).max(1) / np.abs(b).max(1) for a, b in pairs]
    return [*(r.max() for r in relative), np.abs(batch.log_norm[lane] - flow.log_norm).max()]


Batch = Callable[[list[Problem], list[Regime], Sequence[float]], BatchTrajectory]


def lanes_on_a_cpu(
    problems: list[Problem], regimes: list[Regime], at: Sequence[float]
) -> BatchTrajectory:
    """What a GPU does."""
    return flows_in_lanes(*paired(problems, regimes), np.asarray(at), 1e-9, "cpu", MAX_STEPS)


BOTH = pytest.mark.parametrize("batch_of", [gradient_flow_batch, lanes_on_a_cpu])


@BOTH
def test_every_family_agrees_with_the_scipy_flow(problem: Problem, batch_of: Batch) -> None:
    batch = batch_of([problem], REGIMES, AT)
    assert batch.finished.all()
    for lane, regime in enumerate(REGIMES):
        assert max(differences(batch, lane, problem, regime)) < AGREES


@BOTH
def test_logistic_loss_and_other_times(instance: Instance, batch_of: Batch) -> None:
    problem, at = instance("two-layer square", "logistic"), (1.3, 0.0, 0.2, 1.0)
    batch = batch_of([problem], REGIMES[1:], at)
    flow = gradient_flow(problem, REGIMES[1], at, estimate_error=False)
    np.testing.assert_allclose(batch.margins[0], flow.margins, rtol=AGREES, atol=1e-12)
    np.testing.assert_allclose(batch.directions[0], flow.directions, rtol=0, atol=AGREES)
    np.testing.assert_array_equal(batch.displacement[:, 1], 0.0)
    np.testing.assert_allclose(batch.directions[:, 1], [problem.anchor] * 2, rtol=1e-15)


@BOTH
def test_a_users_net_agrees_with_the_closed_form(instance: Instance, batch_of: Batch) -> None:
    family = instance("two-layer square")
    own = replace(family, net=OwnTwoLayer(4, 3))
    regime = Regime(log10_alpha=1, decay_power=1.5)
    batch = batch_of([own], [regime], AT)
    assert max(differences(batch, 0, family, regime)) < AGREES


def _varied(problem: Problem, count: int) -> list[Problem]:
    generator = np.random.default_rng(7)
    shape = problem.inputs.shape
    return [
        replace(
            problem,
            anchor=problem.anchor * scale,
            inputs=problem.inputs + 0.1 * generator.standard_normal(shape),
        )
        for scale in np.linspace(0.7, 1.4, count)
    ]


@BOTH
def test_lanes_are_independent_and_may_differ_in_everything(
    instance: Instance, batch_of: Batch
) -> None:
    problems = _varied(instance("diagonal, L = 3"), 4)
    powers = ((1, 3), (3, 2), (12, 9), (40, 30))
    regimes = [Regime(log10_alpha=a, log10_lambda=-b) for a, b in powers]
    together = batch_of(problems, regimes, AT)
    for lane, (problem, regime) in enumerate(zip(problems, regimes, strict=True)):
        alone = batch_of([problem], [regime], AT)
        assert alone.steps[0] == together.steps[lane]
        np.testing.assert_allclose(together.margins[lane], alone.margins[0], rtol=1e-11)
        np.testing.assert_allclose(together.directions[lane], alone.directions[0], atol=1e-11)
        assert max(differences(together, lane, problem, regime)) < AGREES


def test_lanes_in_threads_are_those_of_one(instance: Instance) -> None:
    """To the last digit, and what threads share is as it was: filters, threads of others."""
    problems = _varied(instance("two-layer square"), 6)
    regimes = [Regime(log10_alpha=1.0 + lane, decay_power=1.0) for lane in range(6)]
    found, threads, filters = [], torch.get_num_threads(), list(warnings.filters)
    pools = [pool["num_threads"] for pool in threadpool_info()]
    try:
        for workers in (1, 3):
            torch.set_num_threads(workers)
            found.append(gradient_flow_batch(problems, regimes, AT))
    finally:
        torch.set_num_threads(threads)
    alone, together = found
    assert alone.finished.all()
    np.testing.assert_array_equal(alone.margins, together.margins)
    np.testing.assert_array_equal(alone.directions, together.directions)
    assert warnings.filters == filters
    assert [pool["num_threads"] for pool in threadpool_info()] == pools


def test_lanes_in_threads_may_fall_back_on_others(instance: Instance) -> None:
    """Beyond alpha = 10^300 SciPy takes over, whose warnings are silenced thread by thread."""
    problems, filters = _varied(instance("two-layer square"), 4), list(warnings.filters)
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        batch = gradient_flow_batch(problems, [Regime(log10_alpha=400.0, decay_power=1.0)], AT)
    finally:
        torch.set_num_threads(threads)
    assert batch.finished.all()
    assert warnings.filters == filters


@BOTH
def test_factorizations_of_one_batch_may_observe_different_entries(
    instance: Instance, batch_of: Batch
) -> None:
    first = instance("factorization")
    second = replace(first, inputs=np.array([[0, 0], [1, 2], [0, 1]]))
    regime = Regime(log10_alpha=3, decay_power=1)
    batch = batch_of([first, second], [regime], AT)
    for lane, problem in enumerate((first, second)):
        assert max(differences(batch, lane, problem, regime)) < AGREES


@pytest.mark.parametrize(("log10_alpha", "at"), [(300, AT), (10000, (0.7, 0.9))])
def test_huge_alpha(instance: Instance, log10_alpha: float, at: tuple[float, ...]) -> None:
    problem = instance("diagonal, L = 2")
    regime = Regime(log10_alpha=log10_alpha, decay_power=2)
    batch = gradient_flow_batch([problem], [regime], at)
    flow = gradient_flow(problem, regime, at, estimate_error=False)
    np.testing.assert_allclose(batch.margins[0], flow.margins, rtol=AGREES)
    np.testing.assert_allclose(batch.log_norm[0], flow.log_norm, rtol=AGREES)
    early = flow.at < 0.9
    moved = flow.displacement[early]
    close = {"rtol": 0.0, "atol": AGREES * abs(moved).max()}
    np.testing.assert_allclose(batch.displacement[0][early], moved, **close)
    # coordinates that decayed below rounding and came back have lost their sign in both flows
    np.testing.assert_allclose(abs(batch.directions[0]), abs(flow.directions), atol=AGREES)


def test_a_tighter_tolerance_is_more_accurate(instance: Instance) -> None:
    problem = instance("two-layer cube")
    coarse, fine = (
        gradient_flow_batch([problem], REGIMES[1:2], AT, rtol=rtol) for rtol in (1e-5, 1e-9)
    )
    errors = [max(differences(batch, 0, problem, REGIMES[1])) for batch in (coarse, fine)]
    assert errors[0] < 1e-5
    assert errors[1] < min(1e-9, 0.1 * errors[0])
    assert coarse.steps[0] < fine.steps[0]


def test_a_lane_without_budget_is_nan_where_it_did_not_arrive(instance: Instance) -> None:
    problem = instance("two-layer square")
    regimes = [Regime(log10_alpha=scale, decay_power=1.5) for scale in (0.5, 30, 45)]
    whole = gradient_flow_batch([problem], regimes, (0.0, *AT))
    budget = int(whole.steps[0])
    batch = gradient_flow_batch([problem], regimes, (0.0, *AT), max_steps=budget)
    np.testing.assert_array_equal(batch.finished, [True, False, False])
    np.testing.assert_array_equal(batch.steps, budget)
    np.testing.assert_array_equal(batch.margins[0], whole.margins[0])
    for values in (batch.margins, batch.log_norm, batch.directions, batch.displacement):
        assert np.isnan(values[1:, 2]).all()
        assert np.isfinite(values[:, 0]).all()


def test_rejects_what_cannot_share_a_batch(instance: Instance) -> None:
    problem, regime = instance("diagonal, L = 2"), REGIMES[1]
    fewer = replace(problem, inputs=problem.inputs[:2], labels=problem.labels[:2])
    for problems, match in (
        ([problem, instance("diagonal, L = 3")], "problem 1 has net"),
        ([problem, replace(problem, loss="logistic")], "problem 1 has loss"),
        ([problem, fewer], "problem 1 has samples 2"),
        ([replace(problem, loss="squared")], "for the classification losses"),
        ([], "0 problems and 1 regimes"),
    ):
        with pytest.raises(InvalidInput, match=match):
            gradient_flow_batch(problems, [regime], AT)
    with pytest.raises(InvalidInput, match="2 problems and 3 regimes"):
        gradient_flow_batch([problem] * 2, REGIMES, AT)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"at": [-0.1]}, "times must be >= 0"),
        ({"at": []}, "list of finite times"),
        ({"at": [np.nan]}, "list of finite times"),
        ({"rtol": 1e-14}, "rtol is 1e-14"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"device": "abacus"}, "device is 'abacus'"),
    ],
)
def test_rejects_bad_arguments(instance: Instance, arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidInput, match=match):
        gradient_flow_batch([instance("diagonal, L = 2")], REGIMES, **arguments)


class Riccati:
    """y' = -2 t y^2 with y(0) = 1, so y = 1 / (1 + t^2)."""

    def rhs(self, clock: Array, coordinates: Array) -> Array:
        return -2.0 * clock[..., None] * coordinates**2

    def linearize(self, clock: Array, coordinates: Array) -> tuple[Array, Array]:
        return (-4.0 * clock[..., None] * coordinates)[..., None], -2.0 * coordinates**2


@pytest.mark.parametrize("order", [2, 3, 4, 5, 6])
def test_order_of_the_step(order: int) -> None:
    steps = torch.tensor([0.05, 0.025], dtype=torch.float64)
    start = torch.full_like(steps, 1.5)
    exact = [1.0 / (1.0 + (start + length) ** 2) for length in (0.0, steps)]
    increment, _ = extrapolated_step(Riccati(), start, exact[0][:, None], steps, order)
    coarse, fine = abs(increment[:, 0] - (exact[1] - exact[0]))
    assert float(torch.log2(coarse / fine)) == pytest.approx(order + 1, abs=0.5)


def test_weights_reproduce_the_limit_of_every_polynomial() -> None:
    columns = tuple(range(1, 10))
    weights, steps = np.array(extrapolation_weights(columns)), 1.0 / np.array(columns)
    moments = [weights @ steps**power for power in range(len(columns))]
    np.testing.assert_allclose(moments, np.eye(len(columns))[0], atol=1e-10)


class Kink:
    """y' = max(t - 1, 0), the kink being at 1."""

    def rhs(self, clock: Array, coordinates: Array) -> Array:
        return (clock - 1.0).clip(0.0, None)[..., None] + 0.0 * coordinates

    def linearize(self, clock: Array, coordinates: Array) -> tuple[Array, Array]:
        slope = (clock > 1.0).to(clock)[..., None]
        return torch.zeros(*coordinates.shape, 1, dtype=torch.float64), slope + 0.0 * coordinates


@pytest.mark.parametrize("before", [0.005, 0.05, 0.5, 0.95])
def test_a_kink_anywhere_in_the_step_shows_in_the_error_estimate(before: float) -> None:
    start, step = torch.tensor([1.0 - before], dtype=torch.float64), torch.ones(1).double()
    increment, error = extrapolated_step(Kink(), start, torch.ones(1, 1).double(), step)
    committed = abs(float(increment) - 0.5 * (1.0 - before) ** 2)
    assert float(error) > 0.01 * committed > 1e-8


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
def test_gpu_agrees_with_cpu(instance: Instance) -> None:
    for family in ("diagonal, L = 2", "two-layer relu_squared", "deep linear", "factorization"):
        problem = instance(family)
        cpu = lanes_on_a_cpu([problem], REGIMES, AT)
        gpu = gradient_flow_batch([problem], REGIMES, AT, device="cuda")
        np.testing.assert_allclose(gpu.margins, cpu.margins, rtol=AGREES)
        np.testing.assert_allclose(gpu.directions, cpu.directions, rtol=0, atol=AGREES)


def test_what_is_no_list_of_problems_or_regimes_is_refused(instance: Instance) -> None:
    problem: Any = instance("diagonal, L = 2")
    with pytest.raises(InvalidInput, match=r"problems is Problem\(.*; it must be a list of Prob"):
        gradient_flow_batch(problem, REGIMES)
    with pytest.raises(InvalidInput, match=r"regimes is Regime\(.*; it must be a list of Regimes"):
        gradient_flow_batch([problem], REGIMES[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("device", ["meta", "abacus", 3.5])
def test_devices_that_hold_no_numbers_are_refused(device: Any, instance: Instance) -> None:
    with pytest.raises(InvalidInput, match=r"device is .*; torch cannot use it here"):
        gradient_flow_batch([instance("diagonal, L = 2")], REGIMES, device=device)
