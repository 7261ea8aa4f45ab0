"""The object of `evaluate --json`, and what must hold between its numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theory.flow import gradient_flow
from verify.evaluate import _margins_in_words, evaluate_instance, format_evaluation
from verify.instances import FlowInstance

FAMILIES = ("diagonal", "two_layer", "deep", "factorization")

Number = (float, int)
CONTRACT: dict[str, Any] = {
    "problem": {"degree": int, "samples": int, "parameters": int, "kernel_margin": Number},
    "grokking_log10_time": Number,
    "times": [
        {
            "at": Number,
            "log_norm": Number,
            "direction_cosine": Number,
            "margins": [Number],
            "normalized_margin": Number,
            "kernel_svm": {"gap": Number, "direction_gap": Number},
            "lazy_flow": {"gap": Number},
            "kkt": {"stationarity": Number, "complementarity": Number, "feasibility": Number},
            "numerics": {"error_estimate": Number, "evaluations": int, "chart": str},
        }
    ],
}


def assert_matches(data: Any, contract: Any, where: str = "") -> None:
    """Every key of the contract with its type; null is no number."""
    if isinstance(contract, dict):
        assert set(contract) <= set(data), f"{where} lacks {set(contract) - set(data)}"
        for key, inner in contract.items():
            assert_matches(data[key], inner, f"{where}.{key}")
    elif isinstance(contract, list):
        assert isinstance(data, list), where
        assert data, where
        for entry in data:
            assert_matches(entry, contract[0], f"{where}[]")
    else:
        assert isinstance(data, contract), f"{where} is {data!r}"
        assert not isinstance(data, bool), where


def strict(text: str) -> Any:
    """Parse JSON without NaN and Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("family", FAMILIES)
def test_object_has_the_keys_and_types_of_the_contract(
    family: str, instances: dict[str, Any], invoke: Callable[..., Any], write: Callable[..., Path]
) -> None:
    write("instance.json", instances[family])
    answer = invoke("evaluate", "instance.json", "--json", "--at", "0.7", "--at", "0.9")
    assert (answer.status, answer.err) == (0, "")
    measured = strict(answer.out)
    assert_matches(measured, CONTRACT)
    assert [entry["at"] for entry in measured["times"]] == [0.7, 0.9]
    assert set(measured) == set(CONTRACT)
    assert set(measured["times"][0]) == set(CONTRACT["times"][0])
    assert len(measured["times"][0]["margins"]) == measured["problem"]["samples"] == 2


def test_user_net_gets_the_same_object(
    instances: dict[str, Any], invoke: Callable[..., Any], write: Callable[..., Path]
) -> None:
    instance = {**instances["module"], "regime": {"log10_alpha": 1, "decay_power": 2}}
    write("instance.json", instance)
    answer = invoke("evaluate", "instance.json", "--json", "--at", "0.1")
    assert (answer.status, answer.err) == (0, "")
    measured = strict(answer.out)
    assert_matches(measured, CONTRACT)
    assert measured["problem"] == {
        "degree": 3,
        "samples": 2,
        "parameters": 3,
        "kernel_margin": pytest.approx(0.25),  # (1 - 1/2)^2, the smaller square of w . x
    }


def test_default_times_are_before_and_after_the_transition(
    instances: dict[str, Any], invoke: Callable[..., Any], write: Callable[..., Path]
) -> None:
    write("instance.json", {**instances["diagonal"], "c": 0.2})
    measured = strict(invoke("evaluate", "instance.json", "--json").out)
    assert [entry["at"] for entry in measured["times"]] == [0.8, 1.2]


def test_times_come_back_in_the_order_asked_for(instances: dict[str, Any]) -> None:
    measured = evaluate_instance(FlowInstance.from_json(instances["diagonal"]), [1.3, 0.2, 0.7])
    assert [entry["at"] for entry in measured["times"]] == [1.3, 0.2, 0.7]
    norms = [entry["log_norm"] for entry in measured["times"]]
    assert norms[1] > norms[2] > norms[0]  # weight decay shrinks theta until the transition


def test_margins_are_those_of_the_flow(instances: dict[str, Any]) -> None:
    instance = FlowInstance.from_json(instances["diagonal"])
    measured = evaluate_instance(instance, [0.7])["times"][0]
    flow = gradient_flow(instance.problem, instance.regime, at=[0.7])
    np.testing.assert_array_equal(measured["margins"], flow.states[0].margins)
    assert measured["log_norm"] == flow.states[0].log_norm
    assert measured["numerics"]["evaluations"] == flow.evaluations


def test_kernel_svm_describes_the_model_before_the_transition_only(
    instances: dict[str, Any],
) -> None:
    instance = FlowInstance.from_json(instances["diagonal"])
    early, late = evaluate_instance(instance, [0.7, 1.3])["times"]
    # the limit is reached like 1/Lam, Lam about 76 here, up to log Lam
    assert early["kernel_svm"]["gap"] < 0.1
    assert early["kernel_svm"]["refined_gap"] < early["kernel_svm"]["gap"]
    assert early["kernel_svm"]["direction_gap"] < 0.1
    assert early["lazy_flow"]["gap"] < 1e-6  # alpha^(-2 c L) = 10^-14, times |eta|^2
    assert early["direction_cosine"] > 1 - 1e-6 > late["direction_cosine"]
    # f(theta) turns to the max-margin solution: the residual is O(1/log alpha), log alpha = 28
    assert late["kkt"]["stationarity"] < 0.1 < early["kkt"]["stationarity"]


def test_gaps_are_finite_numbers_at_all_times_before_the_transition(
    instances: dict[str, Any],
) -> None:
    for family in FAMILIES:
        times = [0.05, 0.3, 0.6, 0.95]
        for entry in evaluate_instance(FlowInstance.from_json(instances[family]), times)["times"]:
            gaps = [*entry["kernel_svm"].values(), *entry["lazy_flow"].values()]
            assert all(isinstance(gap, float) and gap >= 0 for gap in gaps), (family, entry)


def test_normalized_margin_is_the_smallest_margin_over_a_power_of_the_norm(
    instances: dict[str, Any],
) -> None:
    measured = evaluate_instance(FlowInstance.from_json(instances["deep"]), [1.3])
    entry = measured["times"][0]
    expected = min(entry["margins"]) / np.exp(entry["log_norm"]) ** measured["problem"]["degree"]
    assert entry["normalized_margin"] == pytest.approx(expected, rel=1e-12)


def test_beginning_of_the_flow(
    instances: dict[str, Any], invoke: Callable[..., Any], write: Callable[..., Path]
) -> None:
    write("instance.json", instances["two_layer"])
    answer = invoke("evaluate", "instance.json", "--json", "--at", "0")
    assert (answer.status, answer.err) == (0, "")
    entry = strict(answer.out)["times"][0]
    anchor = instances["two_layer"]["anchor"]
    assert entry["log_norm"] == pytest.approx(12 * np.log(10) + np.log(np.linalg.norm(anchor)))
    assert entry["direction_cosine"] == pytest.approx(1.0, abs=1e-15)
    assert entry["margins"] == [0.0, 0.0]
    assert entry["normalized_margin"] == 0.0
    assert entry["lazy_flow"] is None
    assert entry["kernel_svm"]["direction_gap"] is None
    assert entry["numerics"]["evaluations"] == 0


@pytest.mark.parametrize("at", [0.0, 0.5, 1.2])
def test_squared_loss_has_nulls_where_classification_has_numbers(
    at: float, instances: dict[str, Any], invoke: Callable[..., Any], write: Callable[..., Path]
) -> None:
    regression = {**instances["diagonal"], "loss": "squared", "labels": [0.5, -2.0]}
    write("instance.json", regression)
    answer = invoke("evaluate", "instance.json", "--json", "--at", str(at))
    assert (answer.status, answer.err) == (0, "")
    measured = strict(answer.out)
    assert measured["problem"]["kernel_margin"] is None
    entry = measured["times"][0]
    assert set(entry) == set(CONTRACT["times"][0])
    assert (entry["kernel_svm"], entry["lazy_flow"]) == (None, None)
    assert set(entry["kkt"].values()) == {None}
    assert all(isinstance(margin, float) for margin in entry["margins"])
    assert invoke("evaluate", "instance.json", "--at", str(at)).status == 0


def test_number_beyond_float64_is_null(instances: dict[str, Any]) -> None:
    """At alpha = 10^1000 the first force exceeds float64, and strict JSON has no infinity."""
    huge = {**instances["diagonal"], "regime": {"log10_alpha": 1000, "decay_power": 2}}
    measured = evaluate_instance(FlowInstance.from_json(huge), [0.0])
    assert measured["times"][0]["kkt"]["flow_stationarity"] is None
    json.dumps(measured, allow_nan=False)
    assert "the flow's own" not in format_evaluation(measured)


def test_norm_to_a_huge_power_does_not_overflow(instances: dict[str, Any]) -> None:
    """|theta|^-100 is e^829 at 1.3 t_g, if decay wins: beyond float64, on its own."""
    steep = {
        **instances["diagonal"],
        "net": {"kind": "diagonal", "degree": 100, "input_dim": 3},
        "regime": {"log10_alpha": 12, "log10_lambda": 60},
    }
    entry = evaluate_instance(FlowInstance.from_json(steep), [1.3])["times"][0]
    assert entry["log_norm"] < -8
    assert entry["normalized_margin"] == 0.0


def test_text_for_a_person_names_every_quantity(
    instances: dict[str, Any], invoke: Callable[..., Any], write: Callable[..., Path]
) -> None:
    write("instance.json", instances["diagonal"])
    answer = invoke("evaluate", "instance.json", "--at", "0.7")
    assert (answer.status, answer.err) == (0, "")
    for words in (
        "A net of degree 2 with 6 parameters, on 2 samples.",
        "The kernel SVM at its anchor has margin 1.633.",
        "t_g = 10^25.4",
        "At 0.7 t_g (co-moving chart",
        "cosine with the anchor is 1 (1 unmoved, 0 turned)",
        "margins are positive on 2 of 2",
        "normalized margin",
        "f / Z is off the kernel SVM",
        "margins are off linearised training",
        "stationarity, best multipliers",
        "(0 equal, 1 unrelated)",
    ):
        assert words in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


def test_many_margins_are_summarised() -> None:
    few, many = ([float(k) for k in range(-1, count)] for count in (3, 99))
    assert next(iter(_margins_in_words(few))) == "  margins are -1, 0, 1, 2"
    assert list(_margins_in_words(many)) == [
        "  100 margins from -1 to 98, the middle one 48.5",
        "  margins are positive on 98 of 100",
    ]
