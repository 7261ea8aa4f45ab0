"""Student and teacher: the net against torch's own layers, the errors, and what a seed fixes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from theory.errors import InvalidInput
from verify.experiments.optimization import Draw
from verify.experiments.student_teacher import (
    StudentTeacher,
    accuracy,
    layers,
    outputs,
    train,
)

SMALL = StudentTeacher(width=8, samples=20, test_samples=30, learning_rate=1e-2)


def test_the_net_is_that_of_torch_layers() -> None:
    weights = layers(SMALL, Draw(0))
    modules: list[torch.nn.Module] = []
    for k in (1, 2, 3):
        linear = torch.nn.Linear(weights[f"W{k}"].shape[1], weights[f"W{k}"].shape[0])
        with torch.no_grad():
            linear.weight.copy_(weights[f"W{k}"])
            linear.bias.copy_(weights[f"b{k}"])
        modules += [linear, torch.nn.Tanh()]
    inputs = Draw(1).normal(7, 5)
    with torch.no_grad():
        expected = torch.nn.Sequential(*modules[:-1])(inputs)
    torch.testing.assert_close(outputs(weights, inputs), expected)


def test_a_student_that_is_the_teacher_has_no_error() -> None:
    # the loss of weights equal to the teacher's is 0: the draws of both have one law
    teacher = layers(SMALL, Draw(0))
    inputs = Draw(1).normal(7, 5)
    assert (outputs(teacher, inputs) - outputs(layers(SMALL, Draw(0)), inputs)).abs().max() == 0


def test_training_lowers_the_error_and_repeats() -> None:
    first, last = train(SMALL, [0, 300])
    assert first.train.shape == (20,)
    assert first.test.shape == (30,)
    assert last.train.mean() < 0.05 * first.train.mean()
    (again,) = train(SMALL, [300])
    np.testing.assert_array_equal(again.train, last.train)
    (other,) = train(replace(SMALL, seed=1), [0])
    assert other.train.mean() != first.train.mean()


def test_the_output_scale_multiplies_the_student_only() -> None:
    # at scale s the error is (s f - y)^2: quadratic in s, so that three scales give the fourth
    errors = [
        next(train(replace(SMALL, output_scale=scale), [0])).train for scale in (1.0, 2.0, 3.0, 4.0)
    ]
    third_difference = errors[3] - 3 * errors[2] + 3 * errors[1] - errors[0]
    np.testing.assert_allclose(third_difference, 0.0, atol=1e-4 * errors[3].max())
    assert not np.allclose(errors[0], errors[3])


def test_accuracy_counts_errors_below_the_threshold() -> None:
    assert accuracy(np.array([1e-4, 1e-3, 1e-2, 1.0]), 5e-3) == 0.5
    assert accuracy(np.array([1.0]), 1.0) == 0.0


def test_bad_sizes_are_named() -> None:
    with pytest.raises(InvalidInput, match="width=0"):
        StudentTeacher(width=0)
    with pytest.raises(InvalidInput, match=r"output_scale is -1\.0"):
        StudentTeacher(output_scale=-1.0)
