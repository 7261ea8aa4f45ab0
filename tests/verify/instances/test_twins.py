"""Twins by their algebra: every closed form of a twin is the one that its original predicts."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.kernel.ntk import gram
from theory.kernel.svm import kernel_svm
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer, TwoLayerReLU
from theory.problem import Problem, Regime
from verify.instances import FlowInstance, instance_from_json
from verify.instances.twins import (
    Twin,
    input_degree,
    interchangeable,
    permuted_parameters,
    permuted_samples,
    relabelled,
    rescaled_anchor,
    rescaled_inputs,
    rescaled_targets,
    turned_inputs,
    twins_of,
)
from verify.instances.with_bias import WithBias
from verify.strategies.nets import FAMILIES
from verify.strategies.regression import regression_problems
from verify.strategies.tasks import problems

ROUNDING = 1e-10
"""Sums of at most 40 numbers of either sign, powers of at most 9, SVMs certified to 1e-10."""


@st.composite
def instances(draw: st.DrawFn) -> FlowInstance:
    problem = draw(st.one_of(problems(), regression_problems()))
    scale, power = draw(st.floats(1.5, 12)), draw(st.sampled_from((0.5, 2.0)))
    return FlowInstance(problem, Regime(log10_alpha=scale, decay_power=power), 0.3)


@st.composite
def twins(draw: st.DrawFn) -> Twin:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    return draw(st.sampled_from(list(twins_of(draw(instances()), random))))


def close(found: object, expected: object, size: float | None = None) -> None:
    expected = np.asarray(expected)
    size = float(np.abs(expected).max()) if size is None else size
    np.testing.assert_allclose(found, expected, rtol=ROUNDING, atol=ROUNDING * size)


def some_theta(problem: Problem) -> np.ndarray:
    return np.random.default_rng(0).normal(size=problem.parameters)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_smoothed_rectifiers_have_all_twins(seed: int) -> None:
    random = np.random.default_rng(seed)
    net = TwoLayerReLU(4, 3, 0.25, 0.125)
    labels = np.array([1.0, -1.0, 1.0])
    problem = Problem(net, random.normal(size=16), random.normal(size=(3, 3)), labels)
    instance = FlowInstance(problem, Regime(log10_alpha=8.0, decay_power=2.0))
    found = list(twins_of(instance, random))
    assert len(found) == 6
    for twin in found:
        theta, after = some_theta(problem), twin.instance.problem
        outputs = after.net.outputs(twin.theta(theta), after.inputs)
        close(outputs, twin.outputs(net.outputs(theta, problem.inputs)), size=10.0)
        gradients = net.jacobian(problem.anchor, problem.inputs)
        close(after.net.jacobian(after.anchor, after.inputs), twin.gradients(gradients))


@given(twins())
@settings(max_examples=150)
def test_gradients_and_kernels_at_the_anchor(twin: Twin) -> None:
    before, after = twin.original.problem, twin.instance.problem
    gradients = before.net.jacobian(before.anchor, before.inputs)
    found = after.net.jacobian(after.anchor, after.inputs)
    close(found, twin.gradients(gradients))
    close(gram(found), twin.kernel(gram(gradients)))
    if before.loss_function.classifies:
        margin = twin.kernel_margin(kernel_svm(before).margin)
        assert kernel_svm(after).margin == pytest.approx(margin, rel=1e-8)


@given(twins())
@settings(max_examples=100)
def test_outputs_everywhere(twin: Twin) -> None:
    before, after = twin.original.problem, twin.instance.problem
    theta = some_theta(before)
    outputs = before.net.outputs(theta, before.inputs)
    found = after.net.outputs(twin.theta(theta), after.inputs)
    size = float(np.abs(before.net.jacobian(theta, before.inputs)).sum() * np.abs(theta).max())
    size *= 10.0**twin.log10_target
    close(found, twin.outputs(outputs), size)
    if before.loss_function.classifies:
        close(after.labels * found, twin.margins(before.labels * outputs), size)
    lengths = [np.linalg.norm(t) for t in (theta, twin.theta(theta))]
    factor = 10.0**twin.log10_normalized_margin
    assert (lengths[0] / lengths[1]) ** before.degree == pytest.approx(factor, rel=1e-9)


@given(twins())
@settings(max_examples=100)
def test_start_is_the_image_of_the_start(twin: Twin) -> None:
    before, after = twin.original, twin.instance
    start = twin.theta(before.problem.anchor)
    ratio = after.regime.log10_alpha - before.regime.log10_alpha
    close(10.0**ratio * after.problem.anchor, start)


def velocity(instance: FlowInstance, theta: np.ndarray) -> np.ndarray:
    """Of the flow of the mean loss with weight decay, in units of time."""
    problem = instance.problem
    outputs = problem.net.outputs(theta, problem.inputs)
    force = problem.loss_function.force(np.array(0.0), outputs, problem.labels)
    pull = problem.net.jacobian(theta, problem.inputs).T @ force / problem.samples
    return np.asarray(pull - exp(instance.regime.log_lambda) * theta)


@given(twins())
@settings(max_examples=100)
def test_velocity_is_the_image_of_the_velocity(twin: Twin) -> None:
    theta = some_theta(twin.original.problem) / 4.0
    found = velocity(twin.instance, twin.theta(theta)) * 10.0**twin.log10_time
    close(found, twin.theta(velocity(twin.original, theta)))


@given(twins(), st.floats(0.1, 2.0))
def test_moments_are_the_same_decay_time(twin: Twin, at: float) -> None:
    """alpha, lambda and t_g are the same as the problem counts them: lambda t = at * log alpha."""
    before, after = twin.original, twin.instance
    assert after.own.log10_alpha == pytest.approx(before.own.log10_alpha, rel=1e-11)
    assert after.own.log10_lambda == pytest.approx(before.own.log10_lambda, abs=1e-11)
    decay_time = before.told(at) * before.regime.log_alpha
    assert after.told(at) * after.regime.log_alpha == pytest.approx(decay_time, rel=1e-11)
    gone = 10.0 ** (before.regime.log10_lambda - after.regime.log10_lambda)
    assert gone == pytest.approx(10.0**twin.log10_time, rel=1e-9)


def test_anchors_keep_lambda_and_change_alpha() -> None:
    instance = FlowInstance(SMALL, Regime(log10_alpha=10, decay_power=2), 0.3)
    twin = rescaled_anchor(instance, 100.0)
    assert twin.instance.regime.log10_alpha == 8.0
    assert twin.instance.regime.log10_lambda == -20.0


def test_targets_change_alpha_and_lambda() -> None:
    problem = replace(SMALL, loss="squared", labels=np.array([0.5, -1.0]))
    instance = FlowInstance(problem, Regime(log10_alpha=10, decay_power=2), 0.3)
    twin = rescaled_targets(instance, 1e-4)
    assert twin.instance.problem.labels.tolist() == pytest.approx([0.5e-4, -1e-4])
    assert twin.instance.regime.log10_alpha == 8.0
    # lambda Y^(2 - 2/L)
    assert twin.instance.regime.log10_lambda == pytest.approx(-24.0)
    assert twin.log10_gradients == pytest.approx(0.0)


SMALL = Problem(Diagonal(2), np.ones(4) / 2, np.array([[1.0, 0.5], [-0.25, 1.0]]), [1.0, -1.0])


def test_inputs_keep_alpha_and_change_lambda() -> None:
    instance = FlowInstance(SMALL, Regime(log10_alpha=10, decay_power=2), 0.3)
    twin = rescaled_inputs(instance, 1e8)
    assert twin.instance.regime.log10_alpha == 10.0
    assert twin.instance.regime.log10_lambda == pytest.approx(-20.0 + 8.0)
    assert twin.instance.problem.anchor_norm == pytest.approx(1e-4)
    assert twin.log10_time == pytest.approx(-8.0)
    assert twin.log10_gradients == pytest.approx(4.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_sort_of_twin_is_made(family: str) -> None:
    sorts = {"samples permuted", "relabelled", "parameters permuted", "anchor rescaled"}
    sorts |= {"inputs rescaled"} if family != "factorization" else set()
    sorts |= {"inputs turned"} if family in ("two_layer", "deep") else set()
    net = {
        "diagonal": Diagonal(2),
        "two_layer": TwoLayer(2, 2, "cube"),
        "deep": Deep((2, 2, 2, 1), "square"),
        "factorization": Factorization(2, 2),
    }[family]
    inputs = np.array([[0.0, 1.0], [1.0, 1.0]])
    problem = Problem(net, np.ones(net.parameters), inputs, [1.0, 1.0])
    instance = FlowInstance(problem, Regime(log10_alpha=8, decay_power=2))
    assert {twin.name for twin in twins_of(instance, np.random.default_rng(0))} == sorts


@given(twins())
@settings(max_examples=30)
def test_twins_survive_their_files(twin: Twin) -> None:
    written = twin.instance.to_json()
    assert instance_from_json(written).to_json() == written


@pytest.mark.parametrize(
    ("net", "degree"),
    [
        (Diagonal(2, 3), 1),
        (TwoLayer(1, 2, "relu"), 1),
        (TwoLayer(1, 2, "relu_cubed"), 3),
        (Deep((2, 2, 2, 1)), 1),
        (Deep((2, 2, 2, 1), "square"), 4),
        (Deep((2, 2, 2, 2, 1), "square"), 8),
        (Factorization(2, 2), None),
        (WithBias(Diagonal(2)), None),
    ],
    ids=str,
)
def test_degree_in_the_inputs(net: HomogeneousNet, degree: int | None) -> None:
    assert input_degree(net) == degree
    if degree is None:
        return
    theta, inputs = np.linspace(0.5, 1.5, net.parameters), np.array([[1.0, 0.5], [-0.25, 1.0]])
    close(net.outputs(theta, 3.0 * inputs), 3.0**degree * net.outputs(theta, inputs))


def test_what_has_no_twin_is_refused() -> None:
    instance = FlowInstance(SMALL, Regime(log10_alpha=2, decay_power=2))
    biased = FlowInstance(
        Problem(WithBias(SMALL.net), np.append(SMALL.anchor, 0.0), SMALL.inputs, SMALL.labels),
        instance.regime,
    )
    for refused, said in (
        (lambda: relabelled(biased), "no symmetry that turns its outputs round"),
        (lambda: rescaled_inputs(biased, 2.0), "no degree in its inputs"),
        (lambda: turned_inputs(instance, np.eye(2)), "only dense first layers"),
        (lambda: permuted_samples(instance, [0, 0]), "order is .*; it must be an order of 0 to 1"),
        (lambda: permuted_parameters(instance, [[0, 2]]), "orders is .*; it must be an order"),
        (lambda: permuted_parameters(instance, []), "orders holds 0 orders"),
        (lambda: rescaled_anchor(instance, -1.0), "factor is -1.0; it must be positive"),
        (lambda: rescaled_anchor(instance, 1e3), "log10_alpha"),
        (lambda: rescaled_targets(instance, 2.0), "only targets of 'squared' have units"),
    ):
        with pytest.raises(InvalidInput, match=said):
            refused()
    assert interchangeable(biased.problem.net) == ()
    assert [t.name for t in twins_of(biased, np.random.default_rng(0))] == [
        "samples permuted",
        "anchor rescaled",
    ]
