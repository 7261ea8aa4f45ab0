"""The knobs of laziness undo each other, and leave every run what it was."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.lazy_rich import Setting, Training, gradient_descent
from theory.lazy_rich.knobs import (
    LABELS,
    WEIGHTS,
    WEIGHTS_AND_READOUTS,
    Knob,
    learning_rate,
    reduced,
    turned,
    with_learning_rate,
)

KNOBS = {
    "labels": (LABELS, False),
    "labels, trained readouts": (LABELS, True),
    "weights": (WEIGHTS, False),
    "weights, trained readouts": (WEIGHTS_AND_READOUTS, True),
}


def runs(trained: bool, centred: bool = True, seed: int = 0) -> Training:
    return Training.of(
        [
            Setting(4, 5, 6, a, step=0.01, centred=centred, trained_readout=trained, seed=seed)
            for a in (0.5, 2.0)
        ]
    )


@pytest.mark.parametrize("name", KNOBS)
@given(
    factor=st.floats(0.2, 5.0),
    centred=st.booleans(),
    momentum=st.sampled_from((0.0, 0.6)),
    decay=st.sampled_from((0.0, 0.5)),
    seed=st.integers(0, 99),
)
def test_every_step_is_equivalent(
    name: str, factor: float, centred: bool, momentum: float, decay: float, seed: int
) -> None:
    knob, trained = KNOBS[name]
    training = replace(runs(trained, centred, seed), momentum=momentum, weight_decay=decay)
    at = [0, 1, 15]
    mine = gradient_descent(training, at)
    its = gradient_descent(turned(training, knob, factor), at)
    for a, b in zip(mine, its, strict=True):
        grown, scale = factor**knob.weights, factor**knob.labels
        tight = {"rtol": 1e-9, "atol": 1e-10}
        np.testing.assert_allclose(b.committee.weights, grown * a.committee.weights, **tight)
        np.testing.assert_allclose(b.residuals / scale, a.residuals, **tight)
        np.testing.assert_allclose(b.train_loss / scale**2, a.train_loss, **tight)
        np.testing.assert_allclose(
            b.committee.form().quadratic, scale * a.committee.form().quadratic, **tight
        )


@pytest.mark.parametrize("name", KNOBS)
def test_a_knob_turned_back_leaves_nothing(name: str) -> None:
    knob, trained = KNOBS[name]
    training = runs(trained)
    back = turned(turned(training, knob, 3.0), knob, 1.0 / 3.0)
    np.testing.assert_allclose(back.committee.output_scale, training.committee.output_scale)
    np.testing.assert_allclose(back.committee.curvature, training.committee.curvature)
    np.testing.assert_allclose(back.committee.weights, training.committee.weights)
    np.testing.assert_allclose(back.step, training.step)
    np.testing.assert_allclose(back.targets, training.targets)


def test_each_run_may_have_a_factor_of_its_own_on_torch_as_well() -> None:
    training, factors = runs(False), np.array([2.0, 0.5])
    ours = turned(training, WEIGHTS, factors)
    theirs = turned(training.on("cpu"), WEIGHTS, torch.as_tensor(factors))
    for k, factor in enumerate(factors):
        alone = turned(training, WEIGHTS, float(factor))
        np.testing.assert_array_equal(ours.committee.weights[k], alone.committee.weights[k])
    np.testing.assert_allclose(theirs.committee.weights, ours.committee.weights)
    np.testing.assert_allclose(theirs.step, ours.step)


def test_a_wrong_power_is_no_equivalence() -> None:
    wrong = Knob(labels=0, weights=1, output_scale=-2, curvature=-1, learning_rate=2)
    training = runs(False)
    (mine,) = gradient_descent(training, [15])
    (its,) = gradient_descent(turned(training, wrong, 2.0), [15])
    assert np.abs(its.residuals - mine.residuals).max() > 1e-2


def test_learning_rate_is_that_of_plain_descent() -> None:
    """dt = 2 lr / D for the learning rate lr N / alpha^2."""
    training = runs(False)
    alpha = training.committee.output_scale
    np.testing.assert_allclose(learning_rate(training), 0.01 * 4 / 2 * 5 / alpha**2)
    again = with_learning_rate(training, 3.0)
    np.testing.assert_allclose(learning_rate(again), 3.0)


def test_weights_and_signal_reduce_to_units() -> None:
    """Labels of signal B and weights of square c0 leave alpha sqrt(c0) / B and eps sqrt(c0)."""
    large = Training.of([Setting(4, 5, 6, 0.7, 0.3, signal=4.0, step=0.01, seed=3)])
    large = replace(
        large, committee=replace(large.committee, weights=1.5 * large.committee.weights)
    )
    unit = reduced(large, 2.25, 4.0)
    plain = Training.of([Setting(4, 5, 6, 0.7 * 1.5 / 4, 0.3 * 1.5, step=0.01, seed=3)])
    for a, b in (
        (unit.committee.output_scale, plain.committee.output_scale),
        (unit.committee.curvature, plain.committee.curvature),
        (unit.committee.weights, plain.committee.weights),
        (unit.targets, plain.targets),
        (unit.step, plain.step),
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), np.array([1.0, 0.0])])
def test_factors_that_are_not_positive_are_refused(factor: float) -> None:
    with pytest.raises(InvalidInput, match="factor is"):
        turned(runs(False), LABELS, factor)


def test_what_has_no_equivalent_is_refused() -> None:
    cubic = runs(False)
    cubic = replace(cubic, committee=replace(cubic.committee, degree=3))
    turned(cubic, LABELS, 2.0)
    with pytest.raises(InvalidInput, match="degree is 3"):
        turned(cubic, WEIGHTS, 2.0)
    with pytest.raises(InvalidInput, match="readout is trained"):
        reduced(runs(True), 1.0, 1.0)
    with pytest.raises(InvalidInput, match="signal"):
        reduced(runs(False), 1.0, 0.0)
