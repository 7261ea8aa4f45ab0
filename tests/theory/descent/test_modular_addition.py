"""Modular addition: the data, the cross-entropy in log space, and a tiny net that trains."""

from math import inf, log

import numpy as np
import pytest

from theory.descent import FixedStep, LossScaledStep
from theory.descent.modular_addition import (
    ModularRun,
    ModularState,
    ModularTask,
    advance,
    crossing_time,
    initial_state,
)
from theory.errors import InvalidInput, NumericalFailure

TASK = ModularTask(5, fraction=0.6, seed=1)
STEP = LossScaledStep(100.0, norm_power=2.0, largest=0.1 / 1e-3)


@pytest.mark.parametrize(("modulus", "fraction", "count"), [(5, 0.4, 10), (7, 0.5, 24)])
def test_the_split_is_seeded_disjoint_and_complete(
    modulus: int, fraction: float, count: int
) -> None:
    task = ModularTask(modulus, fraction, seed=3)
    train, test = task.split()
    assert len(train) == task.train_pairs == count
    pairs = {tuple(pair) for pair in (*train.tolist(), *test.tolist())}
    assert len(pairs) == modulus**2 == len(train) + len(test)
    assert all(0 <= a < modulus and 0 <= b < modulus for a, b in pairs)
    np.testing.assert_array_equal(train, ModularTask(modulus, fraction, seed=3).split()[0])
    assert not np.array_equal(train, ModularTask(modulus, fraction, seed=4).split()[0])
    np.testing.assert_array_equal(task.sums(train), (train[:, 0] + train[:, 1]) % modulus)


@pytest.mark.parametrize("shared", [True, False])
def test_inputs_are_one_hot(shared: bool) -> None:
    task = ModularTask(5, shared=shared)
    inputs = task.inputs(np.array([[1, 3], [2, 2]]))
    assert inputs.shape == (2, task.input_dim)
    np.testing.assert_array_equal(inputs.sum(axis=1), 2.0)
    assert inputs[0, 1] == inputs[0, 3 if shared else 8] == 1.0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((1,), "modulus"), ((5, 0.0), "fraction"), ((5, 1.0), "fraction"), ((2, 0.05), "fraction")],
)
def test_a_bad_task_is_refused(arguments: tuple[float, ...], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        ModularTask(*arguments)  # type: ignore[arg-type]


def test_one_step_is_that_of_autograd() -> None:
    import torch

    run = ModularRun(3.0, 0.01, FixedStep(0.1))
    state = initial_state(TASK, 6, [run], "float64")
    readout = np.random.default_rng(0).standard_normal(state.readout.shape)
    state = ModularState(readout, state.hidden, state.log_times, 0)
    after = advance(TASK, [run], state, 1)
    train, _ = TASK.split()
    weights = [torch.tensor(array[0], requires_grad=True) for array in (readout, state.hidden)]
    logits = (torch.tensor(TASK.inputs(train)) @ weights[1].T).relu() @ weights[0].T
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(TASK.sums(train)))
    loss.backward()
    for weight, found in zip(weights, (after.readout[0], after.hidden[0]), strict=True):
        expected = weight.detach() * (1 - 0.1 * 0.01) - 0.1 * weight.grad
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-12, atol=1e-14)
    assert after.history["log_loss"][0, 0] == pytest.approx(log(loss.item()), rel=1e-12)
    assert after.log_times[0] == pytest.approx(log(0.1))


def test_a_tiny_net_fits_its_training_pairs_and_resumes_where_it_was() -> None:
    runs = [ModularRun(10.0, 1e-3, STEP), ModularRun(20.0, 1e-3, STEP, seed=1)]
    state = initial_state(TASK, 16, runs)
    whole = advance(TASK, runs, state, 300, record_every=50)
    assert np.all(whole.history["train_accuracy"][-1] == 1.0)
    halves = advance(TASK, runs, state, 150, record_every=50)
    halves = advance(TASK, runs, halves, 150, record_every=50)
    np.testing.assert_array_equal(halves.hidden, whole.hidden)
    for name, column in whole.history.items():
        np.testing.assert_array_equal(halves.history[name], column)
    alone = advance(TASK, runs[1:], initial_state(TASK, 16, runs[1:]), 20)
    together = advance(TASK, runs, state, 20)
    # float32: 20 steps, each rounded to 6e-8 relative, in another order of summation
    np.testing.assert_allclose(together.hidden[1], alone.hidden[0], atol=20 * 6e-8 * 20.0)


def test_without_decay_the_loss_leaves_float64() -> None:
    runs = [ModularRun(5.0, 0.0, LossScaledStep(100.0, norm_power=2.0))]
    state = advance(TASK, runs, initial_state(TASK, 16, runs, "float64"), 2500, record_every=100)
    log_loss = state.history["log_loss"][:, 0]
    assert log_loss[-1] < -300 * log(10.0)
    assert np.all(np.isfinite(state.hidden))
    # log loss -> -margin |theta|^2, up to the logarithm of the number of wrong answers
    scaled = state.history["margin"][-1, 0] * state.history["norm"][-1, 0] ** 2
    assert -log_loss[-1] == pytest.approx(scaled, abs=log(25.0 * 5.0))


def test_crossing_times() -> None:
    log_times = np.log([1.0, 2.0, 3.0])
    assert crossing_time(log_times, np.array([0.0, 0.5, 1.0]), 0.75) == pytest.approx(log(2.5))
    assert crossing_time(log_times, np.array([1.0, 0.5, 0.6]), 0.75) == inf
    assert crossing_time(log_times, np.ones(3), 0.75) == 0.0


def test_bad_runs_are_refused_by_name() -> None:
    run = ModularRun(1.0, 0.0, FixedStep(0.1))
    with pytest.raises(InvalidInput, match="alpha"):
        ModularRun(0.0, 0.0, FixedStep(0.1))
    with pytest.raises(InvalidInput, match="decay"):
        ModularRun(1.0, -1.0, FixedStep(0.1))
    with pytest.raises(InvalidInput, match="runs is empty"):
        initial_state(TASK, 4, [])
    with pytest.raises(InvalidInput, match="width"):
        initial_state(TASK, 0, [run])
    with pytest.raises(InvalidInput, match="precision"):
        initial_state(TASK, 4, [run], "half")
    state = initial_state(TASK, 4, [run])
    with pytest.raises(InvalidInput, match="steps"):
        advance(TASK, [run], state, 0)
    with pytest.raises(InvalidInput, match="state holds 1"):
        advance(TASK, [run, run], state, 1)
    wild = ModularRun(1e6, 0.0, FixedStep(1e30))
    with pytest.raises(NumericalFailure, match="unstable step"):
        advance(TASK, [wild], initial_state(TASK, 4, [wild]), 50)
