"""The claims of the mean field theory, on one instance each, and the rivals it tells apart."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from theory.lazy_rich import Setting
from theory.lazy_rich.dmft import MeanField, Terms
from verify.alone import judge_instance, notices
from verify.catalogue import claim_named
from verify.claims.lazy_rich.dmft_curves import STATED, Theory
from verify.claims.lazy_rich.mean_field_curves import Mean, solve
from verify.evidence import Evidence
from verify.examine import examine, examine_all
from verify.instances import CommitteeInstance
from verify.judge import judge
from verify.language.constants import constants_of, detunings_of
from verify.language.law import Status
from verify.search import draw_instances
from verify.strategies.committee_dmft import FAMILIES, MANY, dmft_instances, early_instances

LINEAR = Setting(20, 1, 60, 2.0, 0.0, step=0.2, steps=24, centred=False, overlaps=(0.5,))
ONLINE = Setting(20, 1, 20 * MANY, 2.0, 0.5, step=0.2, steps=24, overlaps=(0.5,))
FINITE = Setting(160, 1, 480, 2.0, 0.5, step=0.2, steps=24, overlaps=(0.5,), seed=1)
EARLY = Setting(20, 2, 500, 2.0, 0.25, step=0.1, steps=10, overlaps=(0.5, -0.4))
LATE = Setting(20, 2, 200, step=0.2, steps=40, centred=False, overlaps=(0.5, -0.4))

CURVES: Any = claim_named("dmft-curves")


def refuted(evidence: Evidence) -> set[str]:
    """The statements, "claim", a rival's id or a detuning, that one instance refutes on its own."""
    assert evidence.outcome == "measured", evidence.message
    return {key for key, laws in evidence.laws.items() if judge_instance(laws) is Status.REFUTED}


@pytest.mark.parametrize(
    ("setting", "rejected"),
    [
        (LINEAR, {"no-memory", "no-noise", "online", "double-ratio", "half-speed", "one-loss"}),
        (ONLINE, {"no-pull", "half-speed", "alpha-squared"}),
        (FINITE, {rival.id for rival in CURVES.rivals} - {"alpha-squared"}),
    ],
    ids=FAMILIES[1:] + FAMILIES[:1],
)
def test_curves_are_kept_and_rivals_told_apart(setting: Setting, rejected: set[str]) -> None:
    evidence = examine(CURVES, CommitteeInstance(setting))
    assert judge_instance(evidence.laws["claim"]) is Status.KEPT
    assert rejected <= refuted(evidence)


def test_many_samples_are_enough_for_a_loss_that_has_fallen_far() -> None:
    """A run at standard refuted it at a sample ratio of 10^6: the loss is 6 10^-5 of the first."""
    fallen = Setting(
        20, 2, 20 * MANY, 1.0, 1.0, step=0.2, steps=24, centred=False, overlaps=(0.5, -0.4)
    )
    evidence = examine(CURVES, CommitteeInstance(fallen), rivals=False)
    assert judge_instance(evidence.laws["claim"]) is Status.KEPT


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
    found = refuted(examine(CURVES, CommitteeInstance(setting)))
    names = set(constants_of(Theory()))
    assert names == {"terms.memory", "terms.noise", "terms.pull", "speed", "scale_power"}
    for detuning in detunings_of(Theory()):
        if detuning.size == 0.05:
            assert (detuning.key in found) == (detuning.constant in felt), detuning.key


def test_a_measurement_of_other_labels_is_noticed() -> None:
    evidence = examine_all((CURVES,), CommitteeInstance(LINEAR), sabotage=True)["dmft-curves"]
    assert [s.noticed for s in evidence.sabotages] == [True]


def test_theories_that_a_problem_does_not_feel_are_the_true_one_for_it() -> None:
    linear, many = MeanField.of(LINEAR), MeanField.of(replace(ONLINE, output_scale=1.0))
    terms = Terms(memory=0.9, noise=0.8, pull=0.7)
    other = Theory(terms=terms, scale_power=2.0)
    assert other.felt(linear) == Theory(terms=replace(terms, pull=1.0), scale_power=2.0)
    assert other.felt(many) == Theory(terms=Terms(pull=0.7))
    one, plain = (solve(replace(linear, terms=t), (128, 1)) for t in (Terms(pull=0.7), Terms()))
    assert one is not None
    assert plain is not None
    # roundings of pushes that nearly depend on each other grow over the steps
    np.testing.assert_allclose(one.values, plain.values, rtol=1e-9)
    assert len(STATED) == 9


def test_what_is_known_of_the_scatter_is_taken_off() -> None:
    rng = np.random.default_rng(0)
    scatter, noise = rng.standard_normal(2000), rng.standard_normal((2000, 3))
    samples = 5.0 + 3.0 * scatter[:, None] + 0.1 * noise
    plain, controlled = Mean.of(samples), Mean.of(samples, scatter)
    np.testing.assert_allclose(plain.errors, 3.0 / np.sqrt(2000), rtol=0.1)
    np.testing.assert_allclose(controlled.errors, 0.1 / np.sqrt(2000), rtol=0.1)
    assert (np.abs(controlled.values - 5.0) < 4.0 * controlled.errors).all()
    assert Mean.of(samples[:1]).errors.tolist() == [0.0, 0.0, 0.0]


def test_the_early_gap_is_kept_and_its_rivals_rejected() -> None:
    claim = claim_named("train-test-gap")
    evidence = examine(claim, CommitteeInstance(EARLY))
    found = refuted(evidence)
    # the orders in nu are rates, which six instances judge
    rates = {"second-order", "square-root"}
    assert found >= {rival.id for rival in claim.rivals} - rates
    assert "claim" not in found
    assert all(notices(evidence.laws[name]) for name in rates)
    many = [evidence] * 6
    assert judge(many, "claim").verdict == "holds"
    for key in (*rates, "factor + 0.05", "factor - 0.05"):
        assert judge(many, key).verdict == "falsified"


@pytest.mark.slow
def test_a_gap_of_other_labels_is_noticed() -> None:
    for name, setting in (("train-test-gap", EARLY), ("train-test-gap-late", LATE)):
        found = examine_all((claim_named(name),), CommitteeInstance(setting), sabotage=True)[name]
        assert [s.noticed for s in found.sabotages] == [True]


def test_the_late_gap_refutes_the_formula_and_all_its_rivals() -> None:
    claim = claim_named("train-test-gap-late")
    assert claim.expected == "falsified"
    found = refuted(examine(claim, CommitteeInstance(LATE)))
    assert {"claim", "twice", "half", "below", "second-order"} <= found


@pytest.mark.parametrize("family", FAMILIES)
def test_families_are_what_their_names_say(family: str) -> None:
    instances: list[Any] = []
    draw_instances(dmft_instances((family,)), 3, 40, instances.append)
    found = [instance.setting for instance in instances]
    assert all((s.curvature == 0) == (family == "linear") for s in found)
    assert all((s.sample_ratio >= 1e4) == (family == "many samples") for s in found)
    assert {s.centred for s in found} == {True, False}
    assert len({s.output_scale for s in found}) == 3


def test_instances_survive_their_json() -> None:
    def check(instance: Any) -> None:
        data = instance.to_json()
        del data["model"]
        assert CommitteeInstance.from_json(data) == instance

    draw_instances(early_instances(("early",)), 1, 10, check)
