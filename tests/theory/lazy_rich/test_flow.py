"""Gradient flow: closed forms, the limit of descent, and its own error estimate."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from theory.errors import IntegrationFailed, InvalidInput
from theory.lazy_rich import Setting, Training, flow, gradient_descent
from theory.lazy_rich.flow import gradient_flow

SHAPES = {
    "wide": Setting(3, 7, 5),
    "narrow": Setting(6, 2, 5),
    "trained readouts": Setting(4, 5, 6, trained_readout=True),
    "uncentred": Setting(4, 5, 6, centred=False),
}


def batch(setting: Setting) -> Training:
    return Training.of([replace(setting, output_scale=a, seed=k) for k, a in enumerate((0.5, 2.0))])


def test_a_linear_machine_has_a_closed_form() -> None:
    """With eps = 0 the residuals are exp(-(D/P) X X^T t) y."""
    setting = Setting(4, 3, 6, output_scale=2.0, curvature=0.0)
    inputs = setting.inputs()
    start, later = gradient_flow(Training.of([setting]), [0.0, 3.0], rtol=1e-10)
    np.testing.assert_array_equal(start.residuals[0], setting.labels())
    expected = expm(-4 / 6 * 3.0 * inputs @ inputs.T) @ setting.labels()
    np.testing.assert_allclose(later.residuals[0], expected, rtol=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
def test_descent_tends_to_the_flow_like_dt(shape: str) -> None:
    training = batch(SHAPES[shape])
    (end,) = gradient_flow(training, [1.0], rtol=1e-10)
    gaps = []
    for steps in (200, 400, 800):
        (moment,) = gradient_descent(replace(training, step=1.0 / steps), [steps])
        gaps.append(float(np.abs(moment.residuals - end.residuals).max()))
    assert gaps[0] < 0.05
    np.testing.assert_allclose([gaps[0] / gaps[1], gaps[1] / gaps[2]], 2.0, rtol=0.03)


@pytest.mark.parametrize("shape", SHAPES)
def test_error_estimate_covers_the_error(shape: str) -> None:
    training = batch(SHAPES[shape])
    (precise,) = gradient_flow(training, [1.5], rtol=1e-12)
    (coarse,) = gradient_flow(training, [1.5], rtol=1e-6)
    exact, found = precise.committee.weights, coarse.committee.weights
    assert np.linalg.norm(found - exact) / np.linalg.norm(exact) <= coarse.error < 1e-3
    assert precise.error < 1e-8


def test_decay_without_data_is_exponential() -> None:
    training = batch(SHAPES["trained readouts"])
    flat = replace(training, weight_decay=0.7, inputs=0.0 * training.inputs)
    (end,) = gradient_flow(flat, [2.0])
    factor = np.exp(-1.4)
    np.testing.assert_allclose(end.committee.weights, factor * training.committee.weights, 1e-7)
    np.testing.assert_allclose(end.committee.readout, factor * training.committee.readout, 1e-7)


def test_runs_do_not_see_each_other_and_can_be_continued() -> None:
    training = batch(SHAPES["uncentred"])
    middle, end = gradient_flow(training, [0.5, 1.25])
    (rest,) = gradient_flow(replace(training, committee=middle.committee), [0.75])
    np.testing.assert_allclose(rest.committee.weights, end.committee.weights, atol=1e-6)
    setting = replace(SHAPES["uncentred"], output_scale=2.0, seed=1)
    (alone,) = gradient_flow(Training.of([setting]), [1.25])
    np.testing.assert_allclose(alone.committee.weights[0], end.committee.weights[1], atol=1e-6)
    np.testing.assert_allclose(alone.train_loss[0], end.train_loss[1], rtol=1e-6)


def test_training_loss_never_rises() -> None:
    moments = gradient_flow(batch(SHAPES["wide"]), [0.0, 0.1, 0.3, 1.0, 3.0])
    losses = np.array([moment.train_loss for moment in moments])
    assert (np.diff(losses, axis=0) < 0).all()


@pytest.mark.parametrize("times", [[], [1.0, 0.5], [-1.0]])
def test_times_that_do_not_increase_are_refused(times: list[float]) -> None:
    with pytest.raises(InvalidInput, match="times is"):
        gradient_flow(batch(SHAPES["wide"]), times)


def test_momentum_has_no_flow() -> None:
    with pytest.raises(InvalidInput, match="momentum"):
        gradient_flow(replace(batch(SHAPES["wide"]), momentum=0.5), [1.0])


def test_too_many_evaluations_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MAX_EVALUATIONS", 20)
    with pytest.raises(IntegrationFailed, match="20 evaluations"):
        gradient_flow(batch(SHAPES["wide"]), [5.0])
