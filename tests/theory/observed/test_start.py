"""Degrees, balances, distances and times of observed nets."""

from math import cos, exp, log, pi

import numpy as np
import pytest
import torch
from modules import dense_jacobian, observe, task, two_layers
from torch import nn

import theory.observed.transition
from theory import Problem, Regime, TwoLayer, difference_anchor, gradient_flow, kernel_svm
from theory.asymptotics.transition import transition_decay_time
from theory.errors import InvalidInput
from theory.observed import (
    TURN,
    DecayRun,
    balance_of,
    distance,
    grokking_time,
    layer_degrees,
    linear_chain,
    linearized_distance,
    machine_distance,
    net_degree,
    transition_time,
)
from theory.observed.degrees import at_random


def test_degrees_of_homogeneous_layers() -> None:
    observed = observe(two_layers(), *task())
    assert net_degree(observed).exact
    assert net_degree(observed).rounded == 2.0
    assert {k: d.rounded for k, d in layer_degrees(observed, observed.values()).items()} == {
        "0": 1.0,
        "2": 1.0,
    }


def test_a_bias_behind_the_first_layer_is_told() -> None:
    module = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 1)).double()
    observed = observe(module, *task())
    assert not net_degree(observed).exact
    probe = at_random(observed)
    degrees = layer_degrees(probe, probe.values())
    assert not degrees["0"].exact
    assert degrees["2"].exact


def test_balances_of_a_chain() -> None:
    observed = observe(two_layers(), *task())
    found = balance_of(observed, layer_degrees(observed, observed.values()))
    hidden, readout = (p.detach().numpy() for p in observed.net.module.parameters())
    expected = (readout**2).sum() - (hidden**2).sum()
    np.testing.assert_allclose(found.differences(), [expected])
    np.testing.assert_allclose(found.neurons[0], readout[0] ** 2 - (hidden**2).sum(1))
    assert found.deviation(found, 1.0) == 0.0
    assert found.deviation(found, 0.0) > 0.1


def test_linear_layers_keep_whole_matrices() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1, bias=False)).double()
    observed = observe(module, *task())
    found = balance_of(observed, {})
    hidden, bias, readout = (p.detach().numpy() for p in module.parameters())
    expected = readout.T @ readout - hidden @ hidden.T - np.outer(bias, bias)
    np.testing.assert_allclose(found.neurons[0], expected)


def test_other_modules_are_no_chain() -> None:
    assert linear_chain(nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))) is None
    assert linear_chain(nn.Linear(2, 1)) is None


def test_distance_has_its_ends() -> None:
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 5.0])
    assert distance(one, one) == 0.0
    assert distance(one, other) == pytest.approx(1.0)
    assert distance(one, -one) == pytest.approx(2**0.5)


def test_linearisation_is_exact_where_the_net_is_linear() -> None:
    observed = observe(nn.Linear(3, 1).double(), *task())
    moved = observed.theta + 1.0
    values = observed.values(moved)
    assert linearized_distance(observed, moved, values) == pytest.approx(0.0, abs=1e-12)


def test_the_way_to_the_machine_is_no_distance_from_it() -> None:
    observed = observe(two_layers(), *task())
    start = observed.theta
    aim = torch.from_numpy(dense_jacobian(observed).sum(0))
    aim = aim - (aim @ start) / (start @ start) * start
    moved = 0.3 * start + 0.01 * aim
    assert machine_distance(start, moved, aim) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(machine_distance(start, 0.3 * start, aim))


def problem(seed: int = 0) -> Problem:
    generator = np.random.default_rng(seed)
    net = TwoLayer(8, 3, "square")
    anchor = difference_anchor(net, generator.standard_normal(16))
    inputs = generator.standard_normal((5, 3))
    return Problem(net, anchor, inputs, np.sign(generator.standard_normal(5)), "logistic")


def decay_run(task: Problem, regime: Regime) -> DecayRun:
    svm = kernel_svm(task)
    alpha = exp(regime.log_alpha)
    weights = svm.dual[svm.dual > 0] / svm.dual.sum()
    return DecayRun(
        norm=alpha,
        decay=exp(regime.log_lambda),
        degree=task.degree,
        samples=task.samples,
        margin=svm.margin * alpha ** (task.degree - 1),
        entropy=-float(weights @ np.log(weights)),
    )


@pytest.mark.parametrize("log10_alpha", [3, 6])
def test_transition_is_that_of_the_asymptotics(
    log10_alpha: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which ask for 45 degrees."""
    monkeypatch.setattr(theory.observed.transition, "TURN", pi / 4)
    task, regime = problem(), Regime(log10_alpha=log10_alpha, decay_power=1.5)
    expected = transition_decay_time(kernel_svm(task), task, regime)
    run = decay_run(task, regime)
    assert transition_time(run) * run.decay == pytest.approx(expected, rel=1e-9)
    assert grokking_time(run.norm, run.decay) * run.decay == pytest.approx(log(run.norm))


@pytest.mark.slow
def test_flow_turns_when_it_is_predicted() -> None:
    """To 5 % at alpha = 10^6, a step of the times: what is left is of order 1 / log alpha."""
    task, regime = problem(), Regime(log10_alpha=6, decay_power=1.5)
    predicted = transition_time(decay_run(task, regime)) * exp(regime.log_lambda)
    times = np.linspace(0.7, 1.3, 13)
    flow = gradient_flow(task, regime, at=times)
    cosines = np.array([state.anchor_cosine for state in flow.states])
    turned = times[np.argmax(cosines < cos(TURN))] * regime.log_alpha
    assert turned == pytest.approx(predicted, rel=0.07)


def test_a_small_start_has_no_transition() -> None:
    with pytest.raises(InvalidInput, match="too small for a kernel phase"):
        transition_time(DecayRun(1.1, 1e-3, 2.0, 10, 0.5, 1.0))
    for norm, decay in ((0.5, 1e-3), (5.0, 0.0)):
        with pytest.raises(InvalidInput):
            grokking_time(norm, decay)
