"""Claims on how alignment begins: regimes as drawn, verdicts, rivals, counterexamples."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from theory.lazy_rich import Setting
from theory.lazy_rich.escape import coherence
from theory.lazy_rich.online import Online
from verify.catalogue import claim_named
from verify.claims.lazy_rich import first_alignment
from verify.examine import examine_all
from verify.instances import CommitteeInstance
from verify.judge import judge
from verify.profiles import hypothesis_settings
from verify.search import draw_instances, shrink_counterexample
from verify.strategies.committee_online import AGREEING, CENTRED, COHERENT, coherent_instances
from verify.strategies.sizes import QUICK

TRUE, FALSE = "alignment-first-decreases", "alignment-first-decreases-centred"


@pytest.mark.parametrize("family", COHERENT)
def test_coherence_keeps_clear_of_its_threshold(family: str) -> None:
    @hypothesis_settings(40, shrink=False)
    @given(coherent_instances((family,)))
    def check(instance: CommitteeInstance) -> None:
        setting = instance.setting
        online = Online.of(setting)
        threshold = 1.5 * setting.curvature * setting.signal / setting.output_scale
        blurred = setting.curvature**2 * (
            0.5 * np.trace(online.gram) / setting.width
            + np.linalg.norm(online.gram, 2) / setting.width
        )
        gap = coherence(online.alignment) - threshold
        # a machine may happen to lie in the gap of Gaussian weights, not of orthogonal ones
        assert abs(gap) > blurred or setting.overlaps is None
        assert setting.centred is (family in (CENTRED, AGREEING))
        assert gap > blurred or family != AGREEING

    check()


def test_both_claims_share_instances_and_come_to_their_verdicts() -> None:
    claims: tuple[Any, Any] = (claim_named(TRUE), claim_named(FALSE))
    instances: list[Any] = []
    for family in COHERENT:
        draw_instances(coherent_instances((family,)), 3, 6, instances.append)
    evidence = [examine_all(claims, instance) for instance in instances]
    for claim, verdict in zip(claims, ("holds", "falsified"), strict=True):
        own = [found[claim.id] for found in evidence]
        assert judge(own, "claim").verdict == verdict == claim.expected
        for rival in claim.rivals:
            assert judge(own, rival.id).verdict == "falsified", rival.id


@pytest.mark.parametrize("centred", [False, True])
def test_wrong_worlds_are_noticed_and_the_flow_of_the_weights_agrees(centred: bool) -> None:
    claim = claim_named(TRUE)
    setting = Setting(3, 2, 1, 1.0, 0.05, centred=centred, overlaps=(0.3, 0.1))
    found = examine_all((claim,), CommitteeInstance(setting), sabotage=True, independent=True)
    assert [s.noticed for s in found[TRUE].sabotages] == [True, True]
    assert len(found[TRUE].comparisons) > 2
    assert all(pair.agrees for pair in found[TRUE].comparisons)


def test_counterexamples_shrink_to_two_neurons_that_agree() -> None:
    claim = claim_named(FALSE)
    found = shrink_counterexample(claim, claim.instances((AGREEING,), QUICK), 1, 8, 1.2, 40)
    assert found is not None
    instance: Any = found[0]
    assert instance.setting.overlaps == (0.1, 0.1)


@pytest.mark.parametrize(("output_scale", "falls"), [(1.0, True), (0.02, False)])
def test_sign_of_the_first_change(output_scale: float, falls: bool) -> None:
    """Overlaps 0.3 and 0.1 agree to 0.8: they fall where eps B / alpha < 0.53."""
    setting = Setting(3, 2, 1, output_scale, 0.05, centred=False, overlaps=(0.3, 0.1))
    measured = first_alignment.measure(CommitteeInstance(setting))
    assert measured.coherence == pytest.approx(0.8)
    assert (measured.rate < 0) is falls
    assert bool(measured.course.values.min() < 0.5) is falls
    assert measured.course.values[-1] > 1.0
    centred = first_alignment.measure(CommitteeInstance(replace(setting, centred=True)))
    assert centred.rate == pytest.approx(3.0 * centred.ratio, rel=1e-9)
    assert centred.course.values.min() > 1.0
