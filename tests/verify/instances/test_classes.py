"""Instance files of several classes, and what `evaluate` says of them."""

import json
from typing import Any

import numpy as np
import pytest

from tests.theory.flow.several_classes import NETS, several_classes
from theory.errors import InvalidInput
from theory.flow import gradient_flow
from theory.nets import ConstantFeature, TwoLayer
from theory.problem import Regime
from verify.evaluate import evaluate_instance
from verify.instances import FlowInstance, instance_from_json
from verify.instances.twins import permuted_parameters, relabelled, twins_of
from verify.report.trajectories import data_plot


def instance(name: str, loss: str = "cross_entropy") -> FlowInstance:
    return FlowInstance(several_classes(name, 0, loss), Regime(log10_alpha=4.0, decay_power=2.0))


@pytest.mark.parametrize("name", NETS)
def test_instances_go_to_json_and_back(name: str) -> None:
    original = instance(name)
    data = json.loads(json.dumps(original.to_json()))
    assert data["classes"] == 3
    assert all(isinstance(label, int) for label in data["labels"])
    read = instance_from_json(data)
    assert isinstance(read, FlowInstance)
    assert read.problem.net == original.problem.net
    assert read.problem.classes == 3
    np.testing.assert_array_equal(read.problem.labels, original.problem.labels)
    assert json.loads(json.dumps(read.to_json())) == data


def test_a_file_written_by_hand() -> None:
    data = {
        "net": {
            "kind": "two_layer", "width": 2, "input_dim": 1, "activation": "square",
            "outputs": 3, "bias": True,
        },
        "anchor": [0, 0, 0, 0, 0, 0, 1, 0.5, 1, -0.5],
        "inputs": [[1], [-1], [0.5]],
        "labels": [0, 2, 1],
        "classes": 3,
        "loss": "cross_entropy",
        "regime": {"log10_alpha": 3, "decay_power": 2},
    }  # fmt: skip
    read = instance_from_json(data)
    assert isinstance(read, FlowInstance)
    assert read.problem.net == ConstantFeature(TwoLayer(2, 2, "square", 3))
    assert read.to_json()["net"] == data["net"]


@pytest.mark.parametrize("loss", ["cross_entropy", "exponential"])
def test_evaluate_gives_the_margins_of_pairs(loss: str) -> None:
    one = instance("two-layer square", loss).at_alpha(12.0)
    found = evaluate_instance(one, [0.7, 1.3])
    flow = gradient_flow(one.problem, one.regime, [0.7, 1.3])
    for entry, state in zip(found["times"], flow.states, strict=True):
        np.testing.assert_allclose(entry["margins"], state.margins, rtol=1e-12)
        outputs = state.outputs(one.problem.inputs)
        pairs = [
            outputs[i, int(y)] - outputs[i, j]
            for i, y in enumerate(one.problem.labels)
            for j in range(3)
            if j != int(y)
        ]
        np.testing.assert_allclose(entry["margins"], pairs, rtol=1e-8)
    early, late = found["times"]
    assert early["lazy_flow"]["gap"] < 1e-3
    assert early["kernel_svm"]["direction_gap"] < 0.2
    assert late["kkt"]["stationarity"] < 0.3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 2.5}, "classes is 2.5; it must be a whole number"),
        ({"classes": 2}, "classes is 2; .* has 3 outputs"),
        ({"labels": [0, 1, 2, 7]}, r"labels holds \[7.0\]"),
        ({"loss": "squared"}, "loss is 'squared'; of several classes allowed are"),
    ],
)
def test_bad_files_are_refused(changes: dict[str, Any], message: str) -> None:
    data = {**instance("diagonal, L = 2").to_json(), **changes}
    with pytest.raises(InvalidInput, match=message):
        instance_from_json(data)


def test_bad_outputs_and_biases_are_refused() -> None:
    data = instance("two-layer square").to_json()
    with pytest.raises(InvalidInput, match="bias is 1; it must be true or false"):
        instance_from_json({**data, "net": {**data["net"], "bias": 1}})
    with pytest.raises(InvalidInput, match="outputs is 'three'; it must be a whole number"):
        instance_from_json({**data, "net": {**data["net"], "outputs": "three"}})


@pytest.mark.parametrize("name", ["diagonal, L = 2", "two-layer square", "deep linear"])
def test_twins_have_the_margins_of_the_instance(name: str) -> None:
    one = instance(name)
    margins = one.flow([0.7, 1.3], rtol=1e-11).margins
    twins = list(twins_of(one, np.random.default_rng(0), decades=2.0))
    assert {"samples permuted", "inputs rescaled", "anchor rescaled"} <= {t.name for t in twins}
    for twin in twins:
        found = twin.instance.flow([0.7, 1.3], rtol=1e-11).margins
        by_sample = margins.reshape(2, one.problem.samples, -1)[:, twin.order]
        np.testing.assert_allclose(found, by_sample.reshape(2, -1), rtol=1e-6)


def test_twins_of_two_classes_alone_are_refused() -> None:
    with pytest.raises(InvalidInput, match="classes is 3; only two labels can be exchanged"):
        relabelled(instance("two-layer square"))
    with pytest.raises(InvalidInput, match="classes is 3; units are exchanged"):
        permuted_parameters(instance("two-layer square"), [[0, 1, 2, 3]])


def test_data_are_drawn_by_class() -> None:
    plot = data_plot(instance("two-layer square"), "key")
    assert "4 samples, 2 of 4 input dimensions" in str(plot)
