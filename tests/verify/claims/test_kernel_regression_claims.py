"""Claims on lazy machines: how far they move, and how many samples decide the target."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.lazy_rich import Setting
from theory.lazy_rich.hard_tasks import least_norm_form, linearised_movement
from verify.alone import judge_instance
from verify.catalogue import claim_named
from verify.claims.lazy_rich import enough_samples, kernel_counts, lazy_movement
from verify.examine import examine, examine_all
from verify.instances import CommitteeInstance
from verify.judge import judge
from verify.language import Quantity
from verify.language.law import Status
from verify.profiles import hypothesis_settings
from verify.search import draw_instances
from verify.strategies.committee_training import counted_instances, lazy_instances
from verify.strategies.sizes import QUICK

NAMES = ("hard-tasks", "enough-samples")

Patch = pytest.MonkeyPatch


def drawn(name: str, count: int = 8) -> list[Any]:
    claim, found = claim_named(name), list[Any]()
    for family in claim.families:
        draw_instances(claim.instances((family,), QUICK), 7, count, found.append)
    return found


@pytest.mark.parametrize(("name", "count"), [("hard-tasks", 8), ("enough-samples", 40)])
def test_claim_holds_and_every_rival_falls(name: str, count: int) -> None:
    claim = claim_named(name)
    evidence = [examine(claim, instance) for instance in drawn(name, count)]
    assert judge(evidence, "claim").verdict == "holds"
    verdicts = {rival.id: judge(evidence, rival.id).verdict for rival in claim.rivals}
    assert set(verdicts.values()) == {"falsified"}, verdicts


@pytest.mark.parametrize("name", NAMES)
def test_wrong_worlds_are_noticed_and_another_route_agrees(name: str) -> None:
    claim = claim_named(name)
    (instance,) = drawn(name, 1)
    found = examine_all((claim,), instance, sabotage=True, independent=True)[name]
    assert [s.noticed for s in found.sabotages] == [True] * len(claim.measurement.sabotaged)
    assert len(found.comparisons) > 3
    assert all(pair.agrees for pair in found.comparisons), found.comparisons


def movement_without_its_square(patch: Patch) -> None:
    patch.setattr(
        lazy_movement, "linearised_movement", lambda *a: float(np.sqrt(linearised_movement(*a)))
    )


def one_sample_lost(patch: Patch) -> None:
    patch.setattr(
        kernel_counts,
        "least_norm_form",
        lambda inputs, labels, eps: least_norm_form(inputs[:-1], labels[:-1], eps),
    )


@pytest.mark.parametrize(
    ("name", "fault"),
    [("hard-tasks", movement_without_its_square), ("enough-samples", one_sample_lost)],
)
def test_a_fault_keeps_the_claim_from_holding(
    name: str, fault: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    fault(monkeypatch)
    evidence = [examine(claim_named(name), instance) for instance in drawn(name, 4)]
    assert judge(evidence, "claim").verdict == "falsified"


def test_strategies_stay_in_their_domains() -> None:
    @hypothesis_settings(40, shrink=False)
    @given(st.tuples(counted_instances((4, 8)), lazy_instances(("fixed-readouts",))))
    def check(instances: tuple[CommitteeInstance, ...]) -> None:
        counted, lazy = (i.setting for i in instances)
        assert counted.width > counted.input_dim in (4, 8)
        assert not lazy.trained_readout
        assert lazy.output_scale >= 64
        assert lazy.samples < lazy.width * lazy.input_dim

    check()


@pytest.mark.parametrize(
    ("theory", "wrong"),
    [
        (enough_samples.Theory(), False),
        (enough_samples.Theory(quadratic=0.49), True),
        (enough_samples.Theory(quadratic=0.51), True),
        (enough_samples.Theory(linear=1.425), True),
        (enough_samples.Theory(linear=1.575), True),
        # 151.52 samples are 152 again
        (enough_samples.Theory(linear=1.47), False),
    ],
)
def test_a_count_that_is_off_by_one_sample_is_refuted(
    theory: enough_samples.Theory, wrong: bool
) -> None:
    measured = kernel_counts.measure(CommitteeInstance(Setting(16, 17, 48)))
    found = judge_instance(enough_samples.laws(measured, theory))
    assert found is (Status.REFUTED if wrong else Status.KEPT)


def test_a_machine_of_width_d_whose_target_is_blind_is_not_alone() -> None:
    """Of seed 739 the NTK misses a direction of cosine 6e-9 to the target."""
    setting = Setting(16, 32, 48, seed=739)
    narrow = replace(setting, width=16, samples=168)
    alone = kernel_counts.relative_loss(narrow, kernel_counts._by_kernel(narrow))
    assert alone < enough_samples.POSITIVE
    assert kernel_counts.measure(CommitteeInstance(setting)).narrow.values[0] > 1e-6


def test_near_singular_kernels_decide_nothing() -> None:
    """seed 455: a condition number of 3.5e12, where the NTK's own loss is rounding."""
    good = kernel_counts.measure(CommitteeInstance(Setting(12, 13, 36, seed=0)))
    rough = kernel_counts.measure(CommitteeInstance(Setting(12, 13, 36, seed=455)))
    assert rough.finite.values[-1] > 0.1
    for measured, expected in ((good, Status.KEPT), (rough, Status.UNRESOLVED)):
        stated = {law.id: law for law in enough_samples.laws(measured, enough_samples.Theory())}
        assert stated[enough_samples.FINITE].status is expected
    wrong = replace(good, finite=Quantity.of(rough.finite.values, good.finite.errors))
    assert judge_instance(enough_samples.laws(wrong, enough_samples.Theory())) is Status.REFUTED
