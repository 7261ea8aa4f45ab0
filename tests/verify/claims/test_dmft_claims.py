"""The claims of the mean field theory, on one instance each, and the rivals it tells apart."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from theory.lazy_rich import Setting
from theory.lazy_rich.dmft import MeanField, Terms
from verify.catalogue import claim_named
from verify.claims.dmft_curves import Theory
from verify.evidence import examine
from verify.instances.committee import CommitteeInstance
from verify.judge import judge, judge_instance
from verify.power import constants, statement
from verify.search import draw_instances
from verify.strategies.committee_dmft import FAMILIES, dmft_instances, early_instances

LINEAR = Setting(20, 1, 60, 2.0, 0.0, step=0.2, steps=24, centred=False, overlaps=(0.5,))
ONLINE = Setting(20, 1, 20 * 10**6, 2.0, 0.5, step=0.2, steps=24, overlaps=(0.5,))
FINITE = Setting(160, 1, 480, 2.0, 0.5, step=0.2, steps=24, overlaps=(0.5,), seed=1)
EARLY = Setting(20, 2, 500, 2.0, 0.25, step=0.1, steps=10, overlaps=(0.5, -0.4))
LATE = Setting(20, 2, 200, step=0.2, steps=40, centred=False, overlaps=(0.5, -0.4))


def refuted(claim: Any, setting: Setting) -> set[str]:
    """The statements, "claim" or a rival's id, that one instance refutes on its own."""
    evidence = examine(claim, CommitteeInstance(setting))
    assert evidence.outcome == "measured"
    return {key for key, said in evidence.assertions.items() if judge_instance(said) == "refuted"}


@pytest.mark.parametrize(
    ("setting", "rejected"),
    [
        (LINEAR, {"no-memory", "no-noise", "online", "double-ratio", "half-speed", "one-loss"}),
        (ONLINE, {"no-pull", "half-speed", "alpha-squared"}),
        (FINITE, {rival.id for rival in claim_named("dmft-curves").rivals}),
    ],
    ids=FAMILIES[1:] + FAMILIES[:1],
)
def test_curves_are_kept_and_rivals_told_apart(setting: Setting, rejected: set[str]) -> None:
    claim = claim_named("dmft-curves")
    found = refuted(claim, setting)
    assert "claim" not in found
    assert rejected <= found


@pytest.mark.parametrize(
    ("setting", "felt"),
    [
        (LINEAR, {"terms.memory", "terms.noise", "speed", "scale_power"}),
        (ONLINE, {"terms.pull", "speed", "scale_power"}),
        (replace(ONLINE, output_scale=1.0), {"terms.pull", "speed"}),
        (FINITE, set()),
    ],
    ids=["linear", "online", "alpha = 1", "simulated"],
)
def test_exact_curves_show_an_error_of_a_twentieth(setting: Setting, felt: set[str]) -> None:
    found = refuted(claim_named("dmft-curves"), setting)
    for name in constants(claim_named("dmft-curves")):
        for factor in (0.95, 1.05):
            assert (statement(name, factor) in found) == (name in felt)


def test_theories_that_a_problem_does_not_feel_are_the_true_one_for_it() -> None:
    linear, many = MeanField.of(LINEAR), MeanField.of(replace(ONLINE, output_scale=1.0))
    terms = Terms(memory=0.9, noise=0.8, pull=0.7)
    other = Theory(terms=terms, scale_power=2.0)
    assert other.felt(linear) == Theory(terms=replace(terms, pull=1.0), scale_power=2.0)
    assert other.felt(many) == Theory(terms=Terms(pull=0.7))
    one, plain = (Theory(terms=t).solve(linear, (128, 1)) for t in (Terms(pull=0.7), Terms()))
    assert one is not None
    assert plain is not None
    torch.testing.assert_close(one.train_losses, plain.train_losses, rtol=1e-12, atol=0.0)


def test_the_early_gap_is_kept_and_its_rivals_rejected() -> None:
    claim = claim_named("train-test-gap")
    found = refuted(claim, EARLY)
    # the orders in nu are rates, which three instances judge
    assert "claim" not in found
    assert found >= {rival.id for rival in claim.rivals} - {"second-order", "square-root"}
    assert found >= {statement("factor", factor) for factor in (0.95, 1.05)}
    evidence = [examine(claim, CommitteeInstance(EARLY))] * 3
    assert judge(evidence, "claim").verdict == "holds"
    assert judge(evidence, "second-order").verdict == "falsified"
    assert judge(evidence, "square-root").verdict == "falsified"


def test_the_late_gap_refutes_the_formula_and_all_its_rivals() -> None:
    claim = claim_named("train-test-gap-late")
    assert claim.expected == "falsified"
    assert {"claim", "twice", "half", "below", "second-order"} <= refuted(claim, LATE)


@pytest.mark.parametrize("family", FAMILIES)
def test_families_are_what_their_names_say(family: str) -> None:
    found: list[Setting] = []
    draw_instances(dmft_instances((family,)), 3, 40, lambda i: found.append(i.setting))
    assert all((s.curvature == 0) == (family == "linear") for s in found)
    assert all((s.sample_ratio >= 1e4) == (family == "many samples") for s in found)
    assert {s.centred for s in found} == {True, False}
    assert len({s.output_scale for s in found}) == 3


def test_instances_survive_their_json() -> None:
    def check(instance: CommitteeInstance) -> None:
        data = instance.to_json()
        data["overlaps"] = list(data["overlaps"])
        del data["model"]
        assert CommitteeInstance.from_json(data) == instance

    draw_instances(early_instances(("early",)), 1, 10, check)
