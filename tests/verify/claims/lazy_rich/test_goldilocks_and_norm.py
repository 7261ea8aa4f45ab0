"""The middle sample size, and the norm without weight decay: what is no evidence, both routes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from theory.errors import NumericalFailure
from theory.lazy_rich import Setting
from theory.lazy_rich.hard_tasks import samples_for_all
from verify.alone import notices
from verify.claims.lazy_rich import goldilocks_middle as middle
from verify.claims.lazy_rich import norm_grows_without_decay as norm
from verify.examine import examine, stated_laws
from verify.instances import CommitteeInstance
from verify.language import Claim

MIDDLE = Setting(12, 24, 36, step=0.1, steps=1500)
SHRINKING = Setting(5, 12, 40, 8.0, step=0.3, steps=4000, centred=False, seed=1)
"""alpha eps = 4: the solution has mean square weight 1/4, below that of the start."""


def test_the_middle_size_fails_where_enough_samples_do_not() -> None:
    measured = middle.CLAIM.measurement.measure(CommitteeInstance(MIDDLE))
    assert measured.left(middle.Machine.NETWORK, 3).values > 0.1
    enough = replace(MIDDLE, samples=samples_for_all(12))
    form = measured._learned(enough) - enough.target()
    assert form.mean_square().total < 0.02 * enough.target().mean_square().total


def test_a_run_that_has_not_fitted_is_no_counterexample() -> None:
    short = CommitteeInstance(replace(MIDDLE, steps=20))
    with pytest.raises(NumericalFailure, match="not yet fitted"):
        middle.CLAIM.measurement.measure(short)
    assert examine(middle.CLAIM, short).outcome == "numerical failure"


def test_a_target_that_is_not_learned_says_nothing_of_the_norm() -> None:
    short = CommitteeInstance(Setting(4, 8, 28, 0.5, step=0.3, steps=40))
    with pytest.raises(NumericalFailure, match="test loss is at"):
        norm.measure(short)


def test_uncentred_weights_shrink_where_they_are_large() -> None:
    measured = norm.measure(CommitteeInstance(SHRINKING))
    assert measured.square[-1] == pytest.approx(0.25, rel=0.1)
    assert measured.square[-1] < 0.5 * measured.square[0]
    centred = norm.measure(CommitteeInstance(replace(SHRINKING, centred=True)))
    assert centred.square[-1] - centred.square[0] == pytest.approx(0.25, rel=0.1)


@pytest.mark.parametrize("centred", [False, True])
def test_both_routes_differ_by_less_than_is_told(centred: bool) -> None:
    instance = CommitteeInstance(replace(SHRINKING, centred=centred))
    one, other = norm.measure(instance), norm.CLAIM.measurement.independent(instance)
    assert np.abs(other.square / one.square - 1.0).max() < 0.1 * norm.ROUNDING
    assert np.abs(other.test - one.test).max() < 0.1 * norm.ROUNDING * one.test[0]


@pytest.mark.parametrize("claim", [middle.CLAIM, norm.CLAIM], ids=lambda claim: claim.id)
def test_wrong_worlds_are_noticed(claim: Claim[Any, Any]) -> None:
    setting = MIDDLE if claim is middle.CLAIM else replace(SHRINKING, centred=True)
    for measure in claim.measurement.sabotaged.values():
        measured = measure(CommitteeInstance(setting))
        assert notices(stated_laws(claim, measured, claim.theory)[0])
