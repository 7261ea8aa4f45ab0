"""Pairs differ in the assumption that they name: their tests tell them apart, and no other does."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory import AssumptionError
from verify.catalogue import all_claims, instance_of
from verify.examine import check_assumptions
from verify.language import Measurement
from verify.strategies.sizes import QUICK

MEASUREMENTS = {c.measurement.id: c.measurement for c in all_claims().values()}
CLAIMS = {c.measurement.id: c for c in all_claims().values()}
VIOLABLE = [
    (name, assumption.id)
    for name, measurement in MEASUREMENTS.items()
    for assumption in measurement.assumptions
    if assumption.violated is not None
]


def test_the_theorems_can_be_violated_in_every_assumption() -> None:
    theorems = {"homogeneity", "smoothness", "zero output", "separability", "alpha large", "c > 0"}
    for measurement in ("kernel-phase", "late-phase"):
        named = {name for of, name in VIOLABLE if of == measurement}
        assert named == theorems | {"lambda a power of alpha"}


@pytest.mark.parametrize(("name", "assumption"), VIOLABLE)
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_named_assumption_alone_is_violated(
    name: str, assumption: str, data: st.DataObject
) -> None:
    measurement: Measurement = MEASUREMENTS[name]  # type: ignore[type-arg]
    (own,) = (a for a in measurement.assumptions if a.id == assumption)
    assert own.violated is not None
    drawn = own.violated(measurement.instances(measurement.families, QUICK))
    violating, restored = data.draw(drawn)
    check_assumptions(measurement, restored)
    check_assumptions(measurement, violating, without=assumption)
    assert violating.to_json() != restored.to_json()
    for instance in (violating, restored):
        told = instance.to_json()
        assert instance_of(CLAIMS[name], json.loads(json.dumps(told))).to_json() == told
    if own.test is not None:
        with pytest.raises(AssumptionError):
            own.test(violating)
