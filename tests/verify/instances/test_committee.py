"""Committee instances: exact in JSON, refused with the key and what is allowed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from verify.catalogue import claim_named
from verify.examine import examine
from verify.instances import CommitteeInstance, FlowInstance, instance_from_json

WRITTEN = {"model": "committee", "input_dim": 10, "width": 2, "samples": 30}


@given(
    st.builds(
        Setting,
        input_dim=st.integers(4, 50),
        width=st.integers(2, 3),
        samples=st.integers(1, 100),
        output_scale=st.floats(1e-3, 1e3),
        curvature=st.floats(0, 4),
        overlaps=st.none(),
        centred=st.booleans(),
        trained_readout=st.booleans(),
        seed=st.integers(0, 9),
    )
)
def test_round_trip_is_exact(setting: Setting) -> None:
    for chosen in (setting, replace(setting, width=2, overlaps=(0.5, -0.1))):
        instance = CommitteeInstance(chosen, "ntk-spectrum")
        text = json.dumps(instance.to_json(), allow_nan=False)
        assert instance_from_json(json.loads(text)) == instance
        assert instance_from_json(instance.to_json()) == instance
        assert json.loads(text) == instance.to_json()


def test_numbers_of_numpy_are_written_as_plain_ones() -> None:
    setting = Setting(np.int64(10), 2, 30, np.float64(0.5), overlaps=(np.float64(0.5), 0.1))
    assert instance_from_json(json.loads(json.dumps(CommitteeInstance(setting).to_json())))


def test_what_is_not_given_has_the_defaults_of_a_setting() -> None:
    assert instance_from_json(WRITTEN) == CommitteeInstance(Setting(10, 2, 30))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "perceptron"}, "model is 'perceptron'; allowed are committee"),
        ({"width": "two"}, "width is 'two'"),
        ({"depth": 2}, "unknown keys depth"),
        ({"overlaps": 0.5}, "overlaps is 0.5; it must be a list of numbers"),
        ({"overlaps": [0.5, 0.5, 0.5]}, "it must hold 2 finite numbers"),
        ({"overlaps": [1.0, 0.5]}, "sum of squares 1.25"),
        ({"curvature": -1}, "curvature is -1; it must be finite and at least 0"),
        ({"output_scale": 0}, "output_scale is 0; it must be positive"),
        ({"centred": 1}, "centred is 1; it must be true or false"),
        ({"claim": 3}, "claim is 3; it must be a string"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace("[", r"\[")):
        instance_from_json({**WRITTEN, **change})


def test_missing_keys_are_named() -> None:
    with pytest.raises(InvalidInput, match="instance lacks samples"):
        instance_from_json({key: WRITTEN[key] for key in WRITTEN if key != "samples"})


def test_a_claim_refuses_instances_of_another_kind() -> None:
    with pytest.raises(InvalidInput, match="CommitteeInstance; claim kkt takes a FlowInstance"):
        examine(claim_named("kkt"), CommitteeInstance(Setting(10, 2, 30)))


def test_replay_and_evaluate_say_what_they_take(
    invoke: Callable[..., Any], write: Callable[..., Path]
) -> None:
    write("committee.json", {**WRITTEN, "claim": "kkt"})
    replayed = invoke("replay", "committee.json")
    assert replayed.status == 2
    assert "claim kkt takes a FlowInstance" in replayed.err
    evaluated = invoke("evaluate", "committee.json")
    assert evaluated.status == 2
    assert "evaluate takes a net with weight decay" in evaluated.err


def test_flow_instances_have_no_model_key(instances: dict[str, Any]) -> None:
    assert isinstance(instance_from_json(instances["diagonal"]), FlowInstance)


def test_another_setting_keeps_the_rest() -> None:
    one = CommitteeInstance(Setting(3, 2, 4, curvature=0.5), "ntk-spectrum")
    other = one.but(curvature=0.25)
    assert other == CommitteeInstance(Setting(3, 2, 4, curvature=0.25), "ntk-spectrum")
    with pytest.raises(InvalidInput, match="curvature is -1"):
        one.but(curvature=-1.0)
