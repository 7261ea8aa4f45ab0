"""The claims on diagonal nets: their bounds, their rivals, and the families that they speak of."""

from math import log

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.claims import claim_named, diagonal_l1_late, diagonal_l2_early
from verify.evidence import CLAIM, examine
from verify.instances import FlowInstance
from verify.judge import judge, judge_instance
from verify.search import draw_instances
from verify.shards import plan_shards
from verify.strategies.wide_diagonal import early_instances, late_instances

CLAIMS = ("diagonal-l2-early", "diagonal-l1-late")


def gaussian(degree: int, seed: int = 0, d: int = 9, n: int = 3) -> Problem:
    generator = np.random.default_rng(seed)
    net = Diagonal(d, degree)
    inputs = generator.standard_normal((n, d))
    labels = np.where(generator.random(n) < 0.5, -1.0, 1.0)
    return Problem(net, balanced_anchor(net, np.ones(d)), inputs, labels)


@pytest.mark.parametrize("name", CLAIMS)
def test_only_diagonal_nets_are_drawn(name: str) -> None:
    shards = plan_shards(claim_named(name), 24, 0)
    assert {shard.family for shard in shards} == {"diagonal"}
    assert sum(shard.count for shard in shards) == 24
    spread = {shard.family for shard in plan_shards(claim_named("kernel-svm"), 24, 0)}
    assert spread == {"diagonal", "two_layer", "deep", "factorization"}


def test_instances_are_wide_and_mostly_accepted() -> None:
    for strategy in (early_instances(), late_instances()):
        drawn: list[FlowInstance] = []
        discarded = draw_instances(strategy, 3, 12, drawn.append)
        assert discarded <= 6
        assert all(i.problem.inputs.shape[1] >= 3 * i.problem.samples for i in drawn)
        assert {i.problem.degree for i in drawn} == {2, 3, 4}


@pytest.mark.parametrize("degree", [2, 3])
def test_early_margins_are_those_of_l2(degree: int) -> None:
    problem = gaussian(degree)
    evidence = examine(
        claim_named("diagonal-l2-early"),
        FlowInstance(problem, Regime(log10_alpha=12.0, decay_power=2.0), c=0.4),
    )
    assert judge_instance(evidence.assertions[CLAIM]) == "kept"
    for rival in ("l1", "gamma-of-l1", "norm-of-l1", "late", "time-of-inverse-decay"):
        assert judge([evidence], rival).verdict == "falsified", rival


@pytest.mark.parametrize("degree", [3, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_residual_in_w_is_at_most_that_of_the_flow(degree: int, seed: int) -> None:
    instance = FlowInstance(gaussian(degree, seed), Regime(log10_alpha=9.0, decay_power=1.5), c=0.6)
    measured = diagonal_l1_late.measure(instance)
    for moment in measured.window:
        assert moment.state is not None
        residual = diagonal_l1_late.kkt_residual_in_weights(
            instance.problem, moment, diagonal_l1_late.Theory()
        )
        shares = np.sum(np.abs(moment.weights) ** (2.0 / degree))
        ratio = np.linalg.norm(moment.state.theta) / np.sqrt(shares)
        bound = 2.0 ** (0.5 - 1.0 / degree) * ratio * moment.state.stationarity
        assert residual <= bound + diagonal_l1_late._resolution((moment,))
    assert min(diagonal_l1_late.residual_bounds(measured)) < 0.05


def test_late_margins_are_those_of_l1() -> None:
    instance = FlowInstance(gaussian(2), Regime(log10_alpha=12.0, decay_power=2.0), c=0.5)
    evidence = examine(claim_named("diagonal-l1-late"), instance)
    assert judge_instance(evidence.assertions[CLAIM]) == "kept"
    for rival in ("l2", "gamma-of-l2", "norm-of-l2", "early", "half-time"):
        assert judge([evidence], rival).verdict == "falsified", rival


@pytest.mark.parametrize("degree", [3, 4])
def test_late_weights_satisfy_kkt_of_the_quasi_norm(degree: int) -> None:
    instance = FlowInstance(gaussian(degree), Regime(log10_alpha=12.0, decay_power=2.0), c=0.5)
    measured = diagonal_l1_late.measure(instance)
    true = diagonal_l1_late.Theory()
    last = measured.window[-1]
    # slow modes decay like e^(-c log alpha) = 1e-6
    assert diagonal_l1_late.kkt_residual_in_weights(measured.problem, last, true) < 1e-4
    for exponent, power in ((1.0, 0.0), (0.5, 1.0)):
        theory = diagonal_l1_late.Theory(exponent=exponent, exponent_degree_power=power)
        assert diagonal_l1_late.kkt_residual_in_weights(measured.problem, last, theory) > 0.05
    # written out: L g_j = sign(w_j) |w_j|^(2/L - 1) where w_j is not zero
    active = np.abs(last.weights) > 1e-3 * np.abs(last.weights).max()
    pulled = degree * last.pull[active]
    weights = last.weights[active]
    expected = np.sign(weights) * np.abs(weights) ** (2.0 / degree - 1.0)
    np.testing.assert_allclose(pulled, expected, rtol=1e-3)


def test_the_certificate_of_the_l1_deficit_is_an_upper_bound_at_any_time() -> None:
    instance = FlowInstance(gaussian(2, seed=5), Regime(log10_alpha=8.0, decay_power=2.0), c=0.6)
    measured = diagonal_l1_late.measure(instance)
    for moment in (*measured.window, *measured.mistaken.values()):
        deficit = 1.0 - diagonal_l1_late.relative_margin(measured, moment)
        assert deficit <= diagonal_l1_late.certified_deficit(moment) + 1e-8


def test_the_margin_bound_is_log_n_over_the_depth() -> None:
    instance = FlowInstance(gaussian(2), Regime(log10_alpha=1000.0, decay_power=2.0), c=0.4)
    measured = diagonal_l2_early.measure(instance)
    rung = measured.rungs[-1]
    leading = log(3) / (2.0 * 1.4 * rung.regime.log_alpha)  # D = (p + 2 c (L-1)) log alpha
    assert diagonal_l2_early.margin_bound(measured, rung) == pytest.approx(leading, rel=0.01)
