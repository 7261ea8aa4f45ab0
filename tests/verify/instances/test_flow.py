"""Instance files: what is written is read again, digit by digit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.nets import (
    ConstantFeature,
    Deep,
    Diagonal,
    Factorization,
    HomogeneousNet,
    TwoLayer,
    TwoLayerReLU,
)
from verify.instances import DEFAULT_C, FlowInstance, net_from_json, net_to_json, read_instance
from verify.strategies.regimes import kernel_phase_instances, late_phase_instances


def through_text(instance: FlowInstance) -> FlowInstance:
    return FlowInstance.from_json(json.loads(json.dumps(instance.to_json(), allow_nan=False)))


@settings(max_examples=40)
@given(st.one_of(kernel_phase_instances(), late_phase_instances()))
def test_round_trip_is_exact(instance: FlowInstance) -> None:
    again = through_text(instance)
    assert again.problem.net == instance.problem.net
    for name in ("anchor", "inputs", "labels"):
        np.testing.assert_array_equal(
            getattr(again.problem, name), getattr(instance.problem, name), strict=True
        )
    assert again.problem.loss == instance.problem.loss
    assert again.regime == instance.regime
    assert (again.c, again.claim) == (instance.c, instance.claim)


def test_example_of_the_documentation_loads(
    instances: dict[str, Any], write: Callable[..., Path]
) -> None:
    instance = read_instance(write("example.json", instances["diagonal"]))
    assert instance.problem.net == Diagonal(input_dim=3, degree=2)
    assert instance.problem.anchor.tolist() == [0.408248] * 6
    assert instance.problem.labels.tolist() == [1.0, -1.0]
    assert (instance.regime.log10_alpha, instance.regime.log10_lambda) == (12.0, -24.0)
    assert instance.c == DEFAULT_C


def test_either_form_of_the_decay_gives_the_same_regime(instances: dict[str, Any]) -> None:
    by_power = FlowInstance.from_json(instances["diagonal"])
    by_value = FlowInstance.from_json(
        {**instances["diagonal"], "regime": {"log10_alpha": 12, "log10_lambda": -24}}
    )
    assert by_power.regime == by_value.regime


def test_claim_survives_the_round_trip_and_a_name_may_be_given(instances: dict[str, Any]) -> None:
    data = {**instances["diagonal"], "claim": "kkt", "name": "by hand", "c": 0.25}
    again = through_text(FlowInstance.from_json(data))
    assert (again.claim, again.c) == ("kkt", 0.25)


@pytest.mark.parametrize(
    "net",
    [
        Diagonal(3, 4),
        TwoLayer(2, 3, "relu_squared"),
        TwoLayerReLU(2, 3, 0.25, 0.01),
        ConstantFeature(TwoLayerReLU(2, 3)),
        Deep((2, 3, 4, 1), "square"),
        Factorization(4, 2),
    ],
    ids=lambda net: type(net).__name__,
)
def test_nets_round_trip(net: HomogeneousNet) -> None:
    assert net_from_json(json.loads(json.dumps(net_to_json(net)))) == net


@pytest.mark.parametrize(
    ("data", "net"),
    [
        ({"kind": "diagonal", "input_dim": 3}, Diagonal(3, 2)),
        ({"kind": "diagonal", "input_dim": 3.0, "degree": 3.0}, Diagonal(3, 3)),
        ({"kind": "relu", "width": 2, "input_dim": 1}, TwoLayerReLU(2, 1)),
        (
            {"kind": "relu", "width": 2, "input_dim": 1, "slope": 0.25, "smoothing": 0.5},
            TwoLayerReLU(2, 1, 0.25, 0.5),
        ),
        ({"kind": "deep", "widths": [2, 1, 1, 1]}, Deep((2, 1, 1, 1), "linear")),
    ],
)
def test_defaults_and_whole_floats(data: dict[str, Any], net: HomogeneousNet) -> None:
    assert net_from_json(data) == net


def test_net_of_an_unknown_class_is_not_saved() -> None:
    class Own(HomogeneousNet):
        degree = 2

        def forward(self, theta: Any, inputs: Any) -> Any:
            return theta

    with pytest.raises(InvalidInput, match="net is a Own; load it as kind 'module'"):
        net_to_json(Own())


def test_user_net_is_found_beside_its_instance_file(
    instances: dict[str, Any],
    write: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    instance = read_instance(write("user.json", instances["module"]))
    assert instance.problem.degree == 3
    theta, inputs = np.array([1.0, 2.0, 3.0]), np.array([[1.0, 1.0]])
    assert instance.problem.net.outputs(theta, inputs).tolist() == [27.0]
    assert instance.problem.net.jacobian(theta, inputs).tolist() == [[18.0, 18.0, 9.0]]
    assert net_to_json(instance.problem.net) == {"kind": "module", "path": "nets.py:Cubic"}


def test_file_beside_the_instance_wins_over_the_working_folder(
    instances: dict[str, Any],
    write: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "nets.py").write_text("raise RuntimeError('the wrong file')")
    monkeypatch.chdir(elsewhere)
    assert read_instance(write("user.json", instances["module"])).problem.degree == 3


def test_faster_jacobian_of_a_user_net_is_used(tmp_path: Path, write: Callable[..., Path]) -> None:
    write(
        "fast.py",
        "import numpy as np\n"
        "from theory import HomogeneousNet\n"
        "class Fast(HomogeneousNet):\n"
        "    degree = 2\n"
        "    def forward(self, theta, inputs):\n"
        "        return (inputs @ theta) ** 2\n"
        "    def jacobian(self, theta, inputs):\n"
        "        return np.full((len(inputs), theta.size), 42.0)\n",
    )
    net = net_from_json({"kind": "module", "path": "fast.py:Fast"}, tmp_path)
    assert net.jacobian(np.ones(1), np.ones((1, 1))).tolist() == [[42.0]]
