"""Escape times: regimes as drawn, both routes, the slopes and the absolute time."""

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from verify.alone import judge_instance, notices
from verify.claims.lazy_rich import escape_time, escapes
from verify.examine import examine, stated_laws
from verify.instances import CommitteeInstance
from verify.language import Claim
from verify.language.law import Status
from verify.profiles import hypothesis_settings
from verify.strategies.committee_online import escape_instances, with_overlaps

ALIGNED = with_overlaps((1, -1), 0.1, 1e-4, 0.01, 1.0)
SATURATED = with_overlaps((1, -1), 1e-5, 0.2, 1.0, 1.0)
SINGLE = with_overlaps((1,), 0.1, 0.05, 0.5, 1.0)
TRUE, OUTSIDE = escape_time.CLAIMS


@pytest.mark.parametrize("regime", [escapes.Regime.ALIGNED, escapes.Regime.SATURATED])
def test_escapes_are_drawn_in_their_regime(regime: escapes.Regime) -> None:
    @hypothesis_settings(60, shrink=False)
    @given(escape_instances((regime.value,)))
    def check(instance: CommitteeInstance) -> None:
        setting = instance.setting
        assert escapes.regime_of(setting) is regime
        opposed = sum(setting.overlaps or ()) == pytest.approx(0.0, abs=1e-12)
        assert opposed or setting.output_scale <= 0.11 * setting.curvature

    check()


def test_regime_needs_overlaps() -> None:
    with pytest.raises(InvalidInput, match="overlaps"):
        escapes.regime_of(Setting(3, 2, 1))
    middle = with_overlaps((1,), 0.1, 0.1, 0.5, 1.0)
    assert escapes.regime_of(middle) is escapes.Regime.BETWEEN


def test_slopes_and_absolute_time() -> None:
    aligned = escapes.measure(CommitteeInstance(ALIGNED))
    predicted = log((sqrt(2.0) - 1.0) * 2.0 / (1e-6 * 0.02)) / 3.0
    assert aligned.predicted[0] == pytest.approx(predicted, rel=1e-12)
    assert aligned.clocks.values[0] == pytest.approx(predicted, rel=1e-3)
    assert aligned.growth.values[0] == pytest.approx(1.5, abs=1e-4)
    saturated = escapes.measure(CommitteeInstance(SATURATED))
    slope = np.ptp(saturated.clocks.values) / np.ptp(saturated.logs)
    assert slope == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("setting", [ALIGNED, SATURATED, SINGLE], ids=["a", "s", "single"])
def test_the_flow_of_the_weights_escapes_at_the_same_time(setting: Setting) -> None:
    instance = CommitteeInstance(setting)
    one, other = escapes.measure(instance), escapes.ESCAPES.independent(instance)
    for mine, its in ((one.clocks, other.clocks), (one.growth, other.growth)):
        gap = mine - its
        assert np.all(np.abs(gap.values) <= gap.errors)
    stated = tuple(law for law in escape_time.laws(other, TRUE.theory))
    assert judge_instance(stated) is Status.KEPT


def test_two_thirds_is_refuted_where_the_norm_saturates_first() -> None:
    for setting, status in ((ALIGNED, Status.NOT_APPLICABLE), (SATURATED, Status.REFUTED)):
        evidence = examine(OUTSIDE, CommitteeInstance(setting))
        assert judge_instance(evidence.laws["claim"]) is status


@pytest.mark.parametrize("setting", [ALIGNED, SATURATED, SINGLE], ids=["a", "s", "single"])
def test_a_fast_clock_is_noticed(setting: Setting) -> None:
    claim: Claim[Any, Any] = TRUE
    for measure in claim.measurement.sabotaged.values():
        measured = measure(CommitteeInstance(setting))
        assert notices(stated_laws(claim, measured, claim.theory)[0])
