"""Gradient descent on committee machines, against autodiff, closed forms and itself on torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput, NumericalFailure
from theory.lazy_rich import Committee, Setting, Training, gradient_descent
from theory.lazy_rich.training import outputs_and_pullback

SHAPES = {
    "wide": Setting(3, 7, 5),
    "narrow": Setting(6, 2, 5),
    "trained readouts": Setting(4, 5, 6, trained_readout=True),
    "uncentred": Setting(3, 7, 5, centred=False),
}
"""Wide machines with fixed readouts go through their moments, all others through their fields."""


def batch(setting: Setting, scales: tuple[float, ...] = (0.5, 1.0, 4.0)) -> Training:
    """One run a scale, each with a curvature, seed and step of its own."""
    return Training.of(
        [
            replace(setting, output_scale=a, curvature=0.2 + 0.1 * k, seed=k, step=0.02 + 0.01 * k)
            for k, a in enumerate(scales)
        ]
    )


def after(training: Training, steps: int) -> Committee:
    (moment,) = gradient_descent(training, [steps])
    return moment.committee


def one_step_by_autodiff(training: Training, run: int) -> tuple[np.ndarray, np.ndarray | None]:
    """w - eta grad of mean (f - y)^2, with f written out once more."""
    machine = training.committee
    start = torch.tensor(machine.weights[run], requires_grad=True)
    readout = None
    if machine.readout is not None:
        readout = torch.tensor(machine.readout[run], requires_grad=True)
    alpha, eps = float(machine.output_scale[run]), float(machine.curvature[run])
    inputs, targets = (torch.tensor(a[run]) for a in (training.inputs, training.targets))

    def f(weights: torch.Tensor, a: torch.Tensor | None) -> torch.Tensor:
        fields = inputs @ weights.T
        if machine.degree == 2:
            active = fields + eps / 2 * fields**2
        else:
            active = fields + eps / 6 * (fields**3 - 3 * fields)
        return alpha * (active if a is None else active * a).mean(1)

    outputs = f(start, readout)
    if training.centred:
        outputs = outputs - outputs.detach()
    ((outputs - targets) ** 2).mean().backward()
    eta = training.step[run] * machine.input_dim * machine.width / (2 * alpha**2)
    moved = (start - eta * start.grad).detach().numpy()
    if readout is None:
        return moved, None
    return moved, (readout - eta * readout.grad).detach().numpy()


@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_is_that_of_autodiff(shape: str, degree: int) -> None:
    training = batch(SHAPES[shape])
    training = replace(training, committee=replace(training.committee, degree=degree))
    moved = after(training, 1)
    for run in range(3):
        weights, readout = one_step_by_autodiff(training, run)
        np.testing.assert_allclose(moved.weights[run], weights, rtol=1e-12, atol=1e-13)
        if readout is not None:
            np.testing.assert_allclose(moved.readout[run], readout, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_torch_agrees_with_numpy(shape: str) -> None:
    agree_on("cpu", replace(batch(SHAPES[shape]), momentum=0.5, weight_decay=0.1))


@pytest.mark.gpu
@pytest.mark.parametrize("shape", SHAPES)
def test_gpu_agrees_with_numpy(shape: str) -> None:
    agree_on("cuda", replace(batch(SHAPES[shape]), momentum=0.5, weight_decay=0.1))


def agree_on(device: str, training: Training) -> None:
    at = [0, 1, 50]
    ours = list(gradient_descent(training, at))
    theirs = list(gradient_descent(training.on(device), at))
    for a, b in zip(ours, theirs, strict=True):
        assert b.committee.weights.device.type == device
        assert b.residuals.dtype == torch.float64
        np.testing.assert_allclose(b.residuals.cpu(), a.residuals, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(b.train_loss.cpu(), a.train_loss, rtol=1e-9)
        np.testing.assert_allclose(b.committee.weights.cpu(), a.committee.weights, rtol=1e-9)
        form = b.committee.form().mean_square().total
        np.testing.assert_allclose(form.cpu(), a.committee.form().mean_square().total, rtol=1e-9)


@given(
    width=st.integers(1, 8),
    dimension=st.integers(1, 6),
    trained=st.booleans(),
    centred=st.booleans(),
    seed=st.integers(0, 99),
)
def test_runs_of_a_batch_do_not_see_each_other(
    width: int, dimension: int, trained: bool, centred: bool, seed: int
) -> None:
    settings = [
        Setting(dimension, width, 4, a, e, centred=centred, trained_readout=trained, seed=seed + k)
        for k, (a, e) in enumerate([(0.5, 0.2), (2.0, 0.7)])
    ]
    together = after(Training.of(settings), 20)
    for k, setting in enumerate(settings):
        alone = after(Training.of([setting]), 20)
        np.testing.assert_allclose(together.weights[k], alone.weights[0], rtol=1e-10, atol=1e-12)


def test_batches_may_have_several_axes_and_none() -> None:
    setting = SHAPES["wide"]
    alone = Training(setting.committee(), setting.inputs(), setting.labels(), setting.step)
    scales = np.array([[0.5, 1.0], [2.0, 4.0], [8.0, 1.0]])
    machine = replace(
        alone.committee,
        weights=np.broadcast_to(alone.committee.weights, (3, 2, 7, 3)),
        output_scale=scales,
    )
    grid = replace(
        alone,
        committee=machine,
        inputs=np.broadcast_to(alone.inputs, (3, 2, 5, 3)),
        targets=np.broadcast_to(alone.targets, (3, 2, 5)),
    )
    many = after(grid, 30).weights
    np.testing.assert_allclose(many[0, 1], after(alone, 30).weights, rtol=1e-12)
    np.testing.assert_allclose(many[2, 1], many[0, 1], rtol=1e-12)
    assert np.abs(many[0, 0] - many[0, 1]).max() > 1e-3


def test_a_linear_machine_has_a_closed_form() -> None:
    """With eps = 0 the residuals are (1 - (dt D / P) X X^T)^k y."""
    setting = Setting(4, 3, 6, output_scale=2.0, curvature=0.0, step=0.05)
    (moment,) = gradient_descent(Training.of([setting]), [40])
    inputs = setting.inputs()
    contraction = np.eye(6) - setting.step * 4 / 6 * inputs @ inputs.T
    expected = np.linalg.matrix_power(contraction, 40) @ setting.labels()
    np.testing.assert_allclose(moment.residuals[0], expected, rtol=1e-11)


def test_momentum_and_decay_are_those_of_the_heavy_ball() -> None:
    training = batch(SHAPES["trained readouts"])
    plain = replace(training, momentum=0.7, weight_decay=0.3)
    machine, velocity = training.committee, [0.0, 0.0]
    offset = machine.outputs(training.inputs)
    for _ in range(3):
        outputs, pullback = outputs_and_pullback(machine, training.inputs)
        pull, turn = pullback(training.targets - outputs + offset)
        gain = training.step * 4 / (6 * machine.output_scale)
        velocity[0] = 0.7 * velocity[0] + gain[:, None, None] * pull
        velocity[1] = 0.7 * velocity[1] + gain[:, None] * turn
        kept = 1 - 0.3 * training.step
        machine = replace(
            machine,
            weights=kept[:, None, None] * machine.weights + velocity[0],
            readout=kept[:, None] * machine.readout + velocity[1],
        )
    found = after(plain, 3)
    np.testing.assert_allclose(found.weights, machine.weights, rtol=1e-13)
    np.testing.assert_allclose(found.readout, machine.readout, rtol=1e-13)


def test_moments_are_those_asked_for_and_runs_can_be_continued() -> None:
    training = batch(SHAPES["uncentred"])
    moments = list(gradient_descent(training, [0, 7, 20]))
    assert [moment.step for moment in moments] == [0, 7, 20]
    np.testing.assert_array_equal(moments[0].committee.weights, training.committee.weights)
    rest = after(replace(training, committee=moments[1].committee), 13)
    np.testing.assert_allclose(rest.weights, moments[2].committee.weights, rtol=1e-13)
    np.testing.assert_allclose(moments[0].train_loss, (moments[0].residuals ** 2).mean(-1))


def test_centred_runs_start_from_the_labels() -> None:
    training = batch(SHAPES["wide"])
    (moment,) = gradient_descent(training, [0])
    np.testing.assert_array_equal(moment.residuals, training.targets)


@pytest.mark.parametrize("at", [[], [3, 1], [1, 1], [-1, 2]])
def test_steps_that_do_not_increase_are_refused(at: list[int]) -> None:
    with pytest.raises(InvalidInput, match="at is"):
        next(gradient_descent(batch(SHAPES["wide"]), at))


def test_runs_that_differ_in_shape_are_refused() -> None:
    with pytest.raises(InvalidInput, match="width"):
        Training.of([Setting(3, 7, 5), Setting(3, 8, 5)])


def test_divergence_is_a_failure_not_a_warning() -> None:
    training = replace(batch(SHAPES["wide"]), step=50.0)
    with pytest.raises(NumericalFailure, match="diverged by step 30"):
        list(gradient_descent(training, [30]))


@pytest.mark.parametrize("at", [[0.5, 2], [1.5], [0, 2.0]])
def test_steps_that_are_not_whole_are_refused(at: list[int]) -> None:
    with pytest.raises(InvalidInput, match="at is"):
        list(gradient_descent(Training.of([SHAPES["wide"]]), at))
