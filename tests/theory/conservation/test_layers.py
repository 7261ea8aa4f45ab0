"""Balance of layers: gradients against differences, one step in long double, drift by descent."""

from dataclasses import replace

import numpy as np
import pytest

from theory.conservation import (
    LayerTask,
    balance,
    balance_after_step,
    descent,
    drift_coefficient,
    layer_flow,
)
from theory.errors import InvalidInput, NumericalFailure
from verify.strategies.conservation import LinearNet


@pytest.fixture
def task() -> LayerTask:
    rng = np.random.default_rng(3)
    shapes = [(3, 2), (4, 3), (2, 4)]
    weights = tuple(rng.normal(size=shape) / 2 for shape in shapes)
    return LayerTask(weights, rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), 0.3)


def test_gradients_are_differences_of_the_loss(task: LayerTask) -> None:
    flat, gradient = task.flat(task.weights), task.flat(task.gradients(task.weights))
    h = 1e-6
    for index in range(len(flat)):
        shift = np.zeros(len(flat))
        shift[index] = h
        up, down = (task.loss(task.layers(flat + s)) for s in (shift, -shift))
        assert gradient[index] == pytest.approx((up - down) / (2 * h), abs=1e-8)


def test_a_step_on_a_batch_changes_balance_as_told(task: LayerTask) -> None:
    gradients = task.gradients(task.weights, [0, 3])
    moved = tuple(
        (1 - 0.1 * 0.3) * w - 0.1 * g for w, g in zip(task.weights, gradients, strict=True)
    )
    told = balance_after_step(task.weights, gradients, 0.1, 0.3)
    for found, predicted in zip(balance(moved), told, strict=True):
        assert found == pytest.approx(predicted, abs=1e-14)


def test_flow_keeps_balance_up_to_decay_on_both_routes(task: LayerTask) -> None:
    for comoving in (False, True):
        flow = layer_flow(task, [0.5, 2.0], comoving=comoving)
        for time, state in zip(flow.times, flow.tight, strict=True):
            for now, before in zip(balance(task.layers(state)), balance(task.weights), strict=True):
                assert now == pytest.approx(np.exp(-0.6 * time) * before, abs=1e-9)


def test_drift_of_small_steps_tends_to_its_coefficient(task: LayerTask) -> None:
    predicted = sum(drift_coefficient(task, 1.0))
    start = np.concatenate([pair.ravel() for pair in balance(task.weights)])
    gaps = []
    for steps in (500, 1000):
        after = balance(descent(task, 1.0 / steps, steps))
        drift = np.concatenate([pair.ravel() for pair in after]) - np.exp(-0.6) * start
        gaps.append(np.abs(steps * drift - predicted).max())
    assert gaps[0] < 0.02 * np.abs(predicted).max()
    assert gaps[1] == pytest.approx(gaps[0] / 2, rel=0.05)


def test_one_layer_has_no_balance(task: LayerTask) -> None:
    with pytest.raises(InvalidInput, match="two at least"):
        balance(task.weights[:1])


def test_the_sharpness_is_that_of_second_differences_of_the_loss(task: LayerTask) -> None:
    flat = task.flat(task.weights)

    def energy(at: np.ndarray) -> float:
        return task.loss(task.layers(at)) + 0.5 * task.decay * float(at @ at)

    h, size = 1e-4, flat.size
    moves = h * np.eye(size)
    hessian = np.empty((size, size))
    for i, a in enumerate(moves):
        for j, b in enumerate(moves):
            plus, minus = energy(flat + a + b) + energy(flat - a - b), energy(flat + a - b)
            hessian[i, j] = (plus - minus - energy(flat - a + b)) / (4.0 * h**2)
    largest = np.abs(np.linalg.eigvalsh(hessian)).max()
    assert task.sharpness(task.weights) == pytest.approx(largest, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_the_sharpness_of_no_weights(task: LayerTask, unit: float) -> None:
    """Of two layers the Hessian at 0 is -E y x^T between them, of more it is 0."""
    inputs, targets = task.inputs, unit * task.targets
    two = (np.zeros((3, 2)), np.zeros((2, 3)))
    largest = np.linalg.svd(targets.T @ inputs / len(inputs))[1][0]
    flat = LayerTask(two, inputs, targets, 0.0)
    assert flat.sharpness(two) == pytest.approx(largest, rel=1e-8)
    three = tuple(0.0 * layer for layer in task.weights)
    assert LayerTask(three, inputs, targets, 0.3).sharpness(three) == pytest.approx(0.3)
    one = (np.zeros((2, 2)),)
    square = np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1]
    for wanted in (targets, 0.0 * targets):
        assert LayerTask(one, inputs, wanted, 0.0).sharpness(one) == pytest.approx(square, rel=1e-8)
    assert LayerTask(two, inputs, 0.0 * targets, 0.0).sharpness(two) == 0.0


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-170, 1e-8, 1.0, 1e100])
def test_the_sharpness_of_one_layer_is_that_of_its_inputs(size: float) -> None:
    inputs = np.random.default_rng(0).normal(size=(6, 3))
    task = LayerTask((np.full((1, 3), size),), inputs, np.ones((6, 1)), 0.25)
    largest = np.linalg.eigvalsh(inputs.T @ inputs / 6)[-1] + 0.25
    assert task.sharpness(task.weights) == pytest.approx(largest, rel=1e-12)


def test_the_sharpness_of_two_layers_at_zero_is_that_of_the_targets() -> None:
    # -X'Y / n is all that couples the layers there: its singular values are eigenvalues, +-
    inputs, targets = np.eye(3), np.array([[3.0], [0.0], [4.0]])
    task = LayerTask((np.zeros((2, 3)), np.zeros((1, 2))), inputs, targets, 0.0)
    assert task.sharpness(task.weights) == pytest.approx(5.0 / 3.0, rel=1e-12)


def test_tasks_that_do_not_fit_are_refused(task: LayerTask) -> None:
    first, second, third = task.weights
    for weights, word in (
        ((), "no layers"),
        ((first, third), "do not fit"),
        ((first, second), "weights take"),
        ((first, np.nan * second, third), "layer 2"),
    ):
        with pytest.raises(InvalidInput, match=word):
            replace(task, weights=weights)
    for name, wrong in (("inputs", np.inf), ("targets", np.nan)):
        with pytest.raises(InvalidInput, match=f"{name} have shape"):
            replace(task, **{name: np.full((5, 2), wrong)})
    with pytest.raises(InvalidInput, match="inputs have shape"):
        replace(task, inputs=np.zeros((0, 2)), targets=np.zeros((0, 2)))
    with pytest.raises(InvalidInput, match="targets are 4 rows"):
        replace(task, targets=np.ones((4, 2)))
    with pytest.raises(InvalidInput, match="decay is nan"):
        replace(task, decay=np.nan)
    with pytest.raises(InvalidInput, match="do not fit"):
        balance((first, third))
    with pytest.raises(InvalidInput, match="decays are"):
        layer_flow(task, [1.0], decays=[0.1])
    with pytest.raises(InvalidInput, match="steps is -3"):
        descent(task, 0.1, -3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_descent_that_diverges_fails_as_a_number() -> None:
    with pytest.raises(NumericalFailure, match=r"20 steps of 1e\+06 diverge"):
        descent(LinearNet((3, 4, 2), 5, 0.1, 0.1, 0).task, 1e6, 20)


def test_layers_that_decay_each_at_its_own_rate_by_both_routes() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    task = LayerTask(weights, rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), 0.1)
    at_rest = layer_flow(task, [0.5], decays=[0.1, 0.5]).tight
    comoving = layer_flow(task, [0.5], decays=[0.1, 0.5], comoving=True).tight
    assert comoving == pytest.approx(at_rest, abs=1e-9)
    for options in ({"comoving": True}, {"decays": [0.1, 0.5]}):
        with pytest.raises(InvalidInput, match="with_drift is true"):
            layer_flow(task, [0.5], with_drift=True, **options)  # type: ignore[arg-type]
