"""Balance of neurons: its degree, and that another degree is not kept."""

from dataclasses import replace

import numpy as np
import pytest

from theory.conservation import NeuronTask, neuron_balance, neuron_flow
from theory.errors import InvalidInput
from theory.plain_flow import plain_flow


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_balance_decays_with_the_degree_of_the_activation(degree: int) -> None:
    rng = np.random.default_rng(degree)
    task = NeuronTask(
        rng.normal(size=3),
        rng.normal(size=(3, 2)),
        rng.normal(size=(4, 2)),
        np.ones(4),
        degree,
        0.2,
    )
    flow = neuron_flow(task, [0.5, 1.5])
    start = neuron_balance(task.flat[None], 3, degree)
    for ratio, kept in ((degree, True), (degree + 1, False)):
        start = neuron_balance(task.flat[None], 3, ratio)[0]
        found = neuron_balance(flow.tight, 3, ratio)
        off = np.abs(found - np.exp(-0.4 * flow.times)[:, None] * start).max()
        assert (off < 1e-8) == kept


def test_plain_flow_of_a_rotation() -> None:
    flow = plain_flow(lambda _, y: np.array([-y[1], y[0]]), np.array([1.0, 0.0]), [1.0, 2.0])
    assert flow.tight == pytest.approx(
        np.stack([np.cos([1.0, 2.0]), np.sin([1.0, 2.0])], 1), abs=1e-9
    )
    assert 0 < np.abs(flow.tight - flow.loose).max() < 1e-7


def test_times_and_methods_are_checked() -> None:
    with pytest.raises(InvalidInput, match="increase from 0"):
        plain_flow(lambda _, y: y, np.ones(1), [1.0, 1.0])
    with pytest.raises(InvalidInput, match="must be finite"):
        plain_flow(lambda _, y: y, np.ones(1), [np.nan])
    for start in (np.ones(0), np.array([np.nan])):
        with pytest.raises(InvalidInput, match="start is"):
            plain_flow(lambda _, y: y, start, [1.0])
    with pytest.raises(InvalidInput, match="method is 'Euler'"):
        plain_flow(lambda _, y: y, np.ones(1), [1.0], method="Euler")


def test_tasks_that_do_not_fit_are_refused() -> None:
    task = NeuronTask(np.ones(2), np.ones((2, 3)), np.ones((4, 3)), np.ones(4), 1, 0.0)
    for name, wrong, word in (
        ("readout", np.ones(3), "hidden and readout"),
        ("targets", np.ones(3), "inputs and targets"),
        ("inputs", np.ones((4, 2)), "hidden has 3 columns"),
        ("inputs", np.full((4, 3), np.nan), "inputs has shape"),
        ("hidden", np.ones((0, 3)), "hidden has shape"),
        ("degree", 0, "degree is 0"),
        ("decay", np.inf, "decay is inf"),
    ):
        with pytest.raises(InvalidInput, match=word):
            replace(task, **{name: wrong})
    with pytest.raises(InvalidInput, match="hidden_decay is nan"):
        neuron_flow(task, [1.0], hidden_decay=np.nan)
