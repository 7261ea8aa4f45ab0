"""Scaled weights: the limit at large curvature, and the collapse that is none at small."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from theory.lazy_rich import Setting
from verify.alone import judge_instance
from verify.claims.lazy_rich import sigma_squared_collapse as collapse
from verify.claims.lazy_rich import sigma_squared_limit as limit
from verify.examine import examine
from verify.instances import CommitteeInstance
from verify.language.law import Status
from verify.search import shrink_counterexample
from verify.strategies.sizes import QUICK

SETTING = Setting(4, 10, 6, curvature=32.0, step=0.02, steps=100, seed=1)


def test_the_collapse_shrinks_to_a_small_counterexample() -> None:
    claim: Any = collapse.CLAIM
    found = shrink_counterexample(claim, claim.instances(("gaussian",), QUICK), 1, 8, 3.0, 30)
    assert found is not None
    instance, severity = found
    assert severity > 1.0
    assert instance.setting.curvature == 0.01
    assert instance.setting.input_dim <= 5


def test_errors_of_ratios_cover_the_other_route() -> None:
    instance = CommitteeInstance(SETTING)
    one, other = limit.measure(instance), limit.CLAIM.measurement.independent(instance)
    for power in (1, 2, 3):
        gap = one.ratio(power) - other.ratio(power)
        assert np.all(np.abs(gap.values) <= gap.errors)


@pytest.mark.parametrize(("curvature", "kept"), [(32.0, True), (0.02, False)])
def test_the_limit_is_one_of_large_curvature(curvature: float, kept: bool) -> None:
    setting = replace(SETTING, curvature=curvature)
    evidence = examine(limit.CLAIM, CommitteeInstance(setting))
    assert (judge_instance(evidence.laws["claim"]) is Status.KEPT) is kept
