"""The claims on diagonal nets: their bounds, their rivals, and the families that they speak of."""

from functools import partial
from math import log
from typing import Any

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.alone import judge_instance
from verify.catalogue import claim_named
from verify.claims.diagonal import early, late
from verify.claims.diagonal.l1_late import Theory, certified_deficit, residual
from verify.claims.diagonal.margins import Norm
from verify.claims.diagonal.mean_pull import growth_bound, mean_pull
from verify.claims.diagonal.moments import by_all_parameters, by_dual_variables, moments
from verify.evidence import CLAIM
from verify.examine import examine
from verify.instances import FlowInstance
from verify.judge import judge
from verify.language.law import Status
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


def instance(degree: int, scale: float, c: float, seed: int = 0) -> FlowInstance:
    return FlowInstance(gaussian(degree, seed), Regime(log10_alpha=scale, decay_power=2.0), c=c)


@pytest.mark.parametrize("name", CLAIMS)
def test_only_diagonal_nets_are_drawn(name: str) -> None:
    shards = plan_shards((claim_named(name),), 24, 0)
    assert {shard.family for shard in shards} == {"diagonal"}
    assert sum(shard.count for shard in shards) == 24
    spread = {shard.family for shard in plan_shards((claim_named("kernel-svm"),), 24, 0)}
    assert spread >= {"diagonal", "two_layer", "deep", "factorization"}


def test_instances_are_wide_and_mostly_accepted() -> None:
    for strategy in (early_instances(), late_instances()):
        drawn: list[FlowInstance] = []
        discarded = draw_instances(strategy, 3, 12, drawn.append)
        assert discarded <= 6
        assert all(i.problem.inputs.shape[1] >= 3 * i.problem.samples for i in drawn)
        assert {i.problem.degree for i in drawn} == {2, 3, 4}


def judged(name: str, given: FlowInstance, *rivals: str) -> Any:
    """Evidence that keeps the claim and refutes the rivals."""
    evidence = examine(claim_named(name), given)
    assert judge_instance(evidence.laws[CLAIM]) is Status.KEPT
    for rival in rivals:
        assert judge([evidence], rival).verdict == "falsified", rival
    return evidence


@pytest.mark.parametrize("degree", [2, 3])
def test_early_margins_are_those_of_l2(degree: int) -> None:
    rivals = ("l1", "gamma-of-l1", "norm-of-l1", "late", "time-of-inverse-decay")
    judged("diagonal-l2-early", instance(degree, 12.0, 0.4), *rivals)


def test_late_margins_are_those_of_l1() -> None:
    rivals = ("l2", "gamma-of-l2", "norm-of-l2", "early", "half-time")
    evidence = judged("diagonal-l1-late", instance(2, 12.0, 0.5), *rivals)
    constant = next(law for law in evidence.laws[CLAIM] if "times mean q" in law.id)
    assert constant.estimate.fitted == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("degree", [3, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_residual_in_w_is_at_most_that_of_the_flow(degree: int, seed: int) -> None:
    measured = late.measure(instance(degree, 9.0, 0.6, seed))
    for moment in measured.windows[0]:
        w = moment.tight
        assert w.state is not None
        ratio = np.linalg.norm(w.state.theta) / np.sqrt(late.shares_of(w, degree).sum())
        bound = 2.0 ** (0.5 - 1.0 / degree) * ratio * w.state.stationarity
        error = moment.read(lambda p: residual(p, Theory())).errors[0]
        assert residual(w, Theory()) <= bound + error + 1e-9
    assert min(measured.residual_bounds()) < 0.05


@pytest.mark.parametrize("degree", [3, 4])
def test_late_weights_satisfy_kkt_of_the_quasi_norm(degree: int) -> None:
    last = late.measure(instance(degree, 12.0, 0.5)).windows[0][-1].tight
    # slow modes decay like e^(-c log alpha) = 1e-6
    assert residual(last, Theory()) < 1e-4
    for exponent, power in ((1.0, 0.0), (0.5, 1.0)):
        wrong = Theory(exponent=exponent, exponent_degree_power=power)
        assert residual(last, wrong) > 0.05
    # written out: L g_j = sign(w_j) |w_j|^(2/L - 1) where w_j is not zero
    active = np.abs(last.weights) > 1e-3 * np.abs(last.weights).max()
    weights = last.weights[active]
    expected = np.sign(weights) * np.abs(weights) ** (2.0 / degree - 1.0)
    np.testing.assert_allclose(degree * last.pull[active], expected, rtol=1e-3)


def test_the_certificate_of_the_l1_deficit_is_an_upper_bound_at_any_time() -> None:
    measured = late.measure(instance(2, 8.0, 0.6, seed=5))
    for moment in (*measured.windows[0], *measured.proposed.values()):
        w = moment.tight
        deficit = 1.0 - w.margins.min() / (measured.gamma * Norm.L1.of(w.weights))
        assert deficit <= certified_deficit(w) + 1e-8


def test_the_mean_pull_is_what_log_weights_grow_by() -> None:
    # dual variables know the size of a weight that has decayed by 10^-30
    phase = late.measure(instance(2, 8.0, 0.6), route=by_dual_variables)
    for window in phase.windows[:2]:
        first, last = window[0].tight, window[-1].tight
        pulls = mean_pull(window)
        log_alpha, rung = window[0].rung.regime.log_alpha, window[0].rung
        start, end = (rung.told(moment.at) * log_alpha for moment in (window[0], window[-1]))
        # u v = (rho half)^2, and half of log(u / v) moves by the sum of 2 g
        products = first.problem.anchor[:9] ** 2 * np.exp(2.0 * (log_alpha - start))
        passed = end - start
        moved = np.arcsinh(last.weights / (2.0 * products * np.exp(-2.0 * passed)))
        moved -= np.arcsinh(first.weights / (2.0 * products))
        assert np.all(np.abs(0.5 * moved / passed - pulls.values) <= pulls.errors + 1e-9)


@pytest.mark.parametrize("decay", [1.0, 1.1])
def test_multipliers_of_another_lambda_pull_beyond_what_weights_grow_by(decay: float) -> None:
    phase = late.measure(instance(2, 8.0, 0.6), decay=decay)
    pulls = [mean_pull(window) for window in phase.windows]
    allowed = [growth_bound(w, p.values) for w, p in zip(phase.windows, pulls, strict=True)]
    beyond = [np.any(np.abs(p.values) - 1.0 > a) for p, a in zip(pulls, allowed, strict=True)]
    assert beyond == [decay > 1.0] * len(beyond)


def test_the_margin_bound_is_log_n_over_the_depth() -> None:
    measured = early.measure(instance(2, 1000.0, 0.4))
    rung = measured.rungs[-1]
    leading = log(3) / (2.0 * 1.4 * rung.own.log_alpha)  # D = (p + 2 c (L-1)) log alpha
    assert measured.deficit_bound(rung) == pytest.approx(leading, rel=0.01)


def test_both_routes_find_one_predictor() -> None:
    given = instance(2, 9.0, 0.4)
    routes = (by_dual_variables, partial(by_all_parameters, method="BDF"))
    dual, full = (moments(given, [0.6, 1.4], 1e-10, route) for route in routes)
    for one, other in zip(dual, full, strict=True):
        gap = np.abs(one.tight.weights - other.tight.weights).max()
        assert gap <= 1e-7 * np.abs(one.tight.weights).max()


def test_a_flow_at_another_lambda_leaves_a_residual() -> None:
    wrong = late.measure(instance(2, 12.0, 0.5), decay=1.1).rungs[-1].tight
    assert residual(wrong, Theory()) == pytest.approx(0.1, rel=0.1)


def test_a_flow_that_is_read_late_is_told_as_read_in_time() -> None:
    given = instance(2, 12.0, 0.4)
    told, right = early.measure(given, shift=1.02).rungs[-1], early.measure(given).rungs[-1]
    assert told.at == right.at == 0.6
    assert np.linalg.norm(told.tight.weights) < 0.999 * np.linalg.norm(right.tight.weights)
