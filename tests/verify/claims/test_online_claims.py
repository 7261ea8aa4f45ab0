"""Claims on learning from the population: regimes as drawn, verdicts, rivals, counterexamples."""

from math import log, sqrt

import pytest
from hypothesis import given

from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from verify.claims import (
    claim_named,
    escape_time,
    escape_time_outside,
    online_limit,
)
from verify.evidence import examine
from verify.instances import CommitteeInstance
from verify.judge import judge, judge_instance
from verify.profiles import hypothesis_settings
from verify.search import draw_instances
from verify.strategies.committee_online import (
    escape_instances,
    with_overlaps,
)
from verify.strategies.sizes import QUICK

HOLD = ("online-limit", "escape-time")
FALL = ("escape-time-outside",)
ALIGNED = with_overlaps((1, -1), 0.1, 1e-4, 0.01, 1.0)
SATURATED = with_overlaps((1, -1), 1e-5, 0.2, 1.0, 1.0)


def drawn(name: str, family: str, count: int = 2, seed: int = 3) -> list[CommitteeInstance]:
    instances: list[CommitteeInstance] = []
    draw_instances(claim_named(name).instances((family,), QUICK), seed, count, instances.append)
    return instances


@pytest.mark.parametrize("family", ["aligned", "saturated"])
def test_escapes_are_drawn_in_their_regime(family: str) -> None:
    @hypothesis_settings(60, shrink=False)
    @given(escape_instances((family,)))
    def check(instance: CommitteeInstance) -> None:
        setting = instance.setting
        assert escape_time.regime_of(setting) == family
        opposed = sum(setting.overlaps or ()) == pytest.approx(0.0, abs=1e-12)
        assert opposed or setting.output_scale <= 0.11 * setting.curvature
        assert CommitteeInstance.from_json(dropped(instance)).setting == setting

    check()


def dropped(instance: CommitteeInstance) -> dict[str, object]:
    """As read back from a file: lists for tuples, the model's name taken off."""
    data = instance.to_json()
    del data["model"]
    return {k: list(v) if isinstance(v, tuple) else v for k, v in data.items()}


@pytest.mark.parametrize("name", HOLD)
def test_claim_is_kept_on_fresh_instances(name: str) -> None:
    claim = claim_named(name)
    for family in claim.families:
        for instance in drawn(name, family):
            evidence = examine(claim, instance)
            assert evidence.outcome == "measured", evidence.message
            assert judge_instance(evidence.assertions["claim"]) == "kept", instance


@pytest.mark.parametrize("name", FALL)
def test_sentence_of_the_literature_falls_with_its_rivals(name: str) -> None:
    claim = claim_named(name)
    assert claim.expected == "falsified"
    evidence = [examine(claim, i) for i in drawn(name, claim.families[0], 4)]
    for statement in ("claim", *(rival.id for rival in claim.rivals)):
        assert judge(evidence, statement).verdict == "falsified", statement


def test_every_rival_of_the_limit_is_rejected_by_the_claims_own_numbers() -> None:
    claim = online_limit.CLAIM
    instances = [i for family in claim.families for i in drawn(claim.id, family, 3)]
    evidence = [examine(claim, instance) for instance in instances]
    for rival in claim.rivals:
        assert judge(evidence, rival.id).verdict == "falsified", rival.id


def test_escape_slopes_and_absolute_time() -> None:
    aligned = escape_time.measure(CommitteeInstance(ALIGNED))
    predicted = log((sqrt(2.0) - 1.0) * 2.0 / (1e-6 * 0.02)) / 3.0
    assert aligned.predicted[0] == pytest.approx(predicted, rel=1e-12)
    assert aligned.clocks[0] == pytest.approx(predicted, rel=1e-3)
    assert aligned.growth == pytest.approx(1.5, abs=1e-4)
    sizes, clocks, error = escape_time.escape_ladder(SATURATED)
    assert error < 1e-6
    slope = (clocks[2] - clocks[0]) / log(sizes[0] / sizes[2])
    assert slope == pytest.approx(1.0, abs=2e-3)


def test_two_thirds_holds_above_and_fails_below() -> None:
    claim = escape_time_outside.CLAIM
    for setting, verdict in ((ALIGNED, "kept"), (SATURATED, "refuted")):
        evidence = examine(claim, CommitteeInstance(setting))
        assert judge_instance(evidence.assertions["claim"]) == verdict


def test_regime_needs_overlaps() -> None:
    with pytest.raises(InvalidInput, match="overlaps"):
        escape_time.regime_of(Setting(3, 2, 1))
    middle = with_overlaps((1,), 0.1, 0.1, 0.5, 1.0)
    assert escape_time.regime_of(middle) == "between"
