"""Learning from the population: exact laws on one setting of each kind, and what breaks them."""

from dataclasses import replace

import pytest

from theory.lazy_rich import Setting
from verify.alone import judge_instance, notices
from verify.claims.lazy_rich import online_limit
from verify.examine import stated_laws
from verify.instances import CommitteeInstance
from verify.language.constants import detunings_of
from verify.language.law import Basis, Status

SETTING = Setting(3, 2, 1, step=0.05, steps=5, centred=False, seed=4)
MEASURED = {
    centred: online_limit.measure(CommitteeInstance(replace(SETTING, centred=centred)))
    for centred in (False, True)
}


@pytest.mark.parametrize("centred", [False, True])
def test_exact_laws_are_kept_and_notice_two_percent(centred: bool) -> None:
    claim, measured = online_limit.CLAIM, MEASURED[centred]
    stated = stated_laws(claim, measured, claim.theory)[0]
    assert judge_instance(stated) is Status.KEPT
    exact = {law.id for law in stated if law.basis is Basis.IDENTITY}
    assert len(exact) == 4
    for detuning in detunings_of(claim.theory):
        if detuning.constant.endswith("order") or (detuning.constant == "initial" and not centred):
            continue
        laws = stated_laws(claim, measured, detuning.theory)[0]
        assert notices(tuple(law for law in laws if law.id in exact)), detuning.key


def test_a_wrong_curvature_is_noticed() -> None:
    claim = online_limit.CLAIM
    for measure in claim.measurement.sabotaged.values():
        measured = measure(CommitteeInstance(SETTING))
        assert notices(stated_laws(claim, measured, claim.theory)[0])


def test_both_routes_train_the_same_sets() -> None:
    other = online_limit.CLAIM.measurement.independent(CommitteeInstance(SETTING))
    one = MEASURED[False]
    assert other.deviation.values == pytest.approx(one.deviation.values, rel=1e-9)
    assert other.remainder.values == pytest.approx(one.remainder.values, rel=1e-9)
