"""What a diagnosis says: of a run, of the same run in other words, and of no run at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import verify
from theory.errors import InvalidInput
from verify.diagnose import Recorder, diagnose
from verify.diagnose.states import natural, state_of
from verify.diagnose.table import at_path

COMPARED = (
    "direction_cosine",
    "kernel.drift",
    "kernel.alignment",
    "kernel.linearized_distance",
    "kernel.svm_distance",
    "kkt.stationarity",
    "kkt.complementarity",
    "kkt.feasibility",
    "conserved.deviation",
)


def net(outputs: int = 1) -> Any:
    return torch.nn.Sequential(
        torch.nn.Linear(3, 16, bias=False),
        torch.nn.ReLU(),
        torch.nn.Linear(16, outputs, bias=False),
    )


def files(trained: Any) -> list[Path]:
    return sorted((trained.folder / "runs").glob("*.pt"))


@pytest.fixture(scope="module")
def found(trained: Any) -> Any:
    return diagnose(
        net(), trained.inputs, trained.labels, files(trained), decay=1e-3, step_size=0.05
    )


def test_facade_leads_here() -> None:
    assert verify.diagnose.diagnose is diagnose


def test_a_run_begins_in_the_kernel_regime_and_ends_near_kkt(found: Any) -> None:
    assert [entry["regime"] for entry in found.checkpoints][:2] == ["start", "kernel"]
    last = found.checkpoints[-1]
    assert last["regime"] == "kkt", last
    assert "near a KKT point" in found.verdict
    assert last["conserved"]["deviation"] < 1e-3


@pytest.mark.parametrize("small", [True, False])
def test_small_work_is_done_on_one_thread(
    trained: Any, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not small:
        monkeypatch.setattr("verify.diagnose.run.SMALL", 0)
    seen, before = set(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        diagnose(
            net(),
            trained.inputs,
            trained.labels,
            files(trained)[:2],
            progress=lambda *_: seen.add(torch.get_num_threads()),
        )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == {1 if small else 2}


def test_predicted_balance_is_what_steps_keep(found: Any) -> None:
    """(1 - h lambda)^2 a step and the squares of the step, which are of order h."""
    for entry in found.checkpoints:
        kept = entry["conserved"]
        scale = sum(kept["groups"])
        np.testing.assert_allclose(kept["differences"], kept["predicted"], atol=0.02 * scale)


def test_order_of_samples_does_not_count(trained: Any, found: Any) -> None:
    order = np.random.default_rng(1).permutation(len(trained.inputs))
    again = diagnose(
        net(), trained.inputs[order], trained.labels[order], files(trained), decay=1e-3,
        step_size=0.05,
    )  # fmt: skip
    _assert_same(again, found)


def test_zero_and_one_are_the_same_labels(trained: Any, found: Any) -> None:
    labels = (trained.labels > 0).astype(int)
    again = diagnose(net(), trained.inputs, labels, files(trained), decay=1e-3, step_size=0.05)
    _assert_same(again, found)


def test_weights_in_other_units_are_the_same_net(trained: Any, found: Any) -> None:
    """theta -> 2 theta at every checkpoint: directions, kernels and conditions do not know."""
    scaled = []
    for path in files(trained):
        state = torch.load(path, weights_only=True)
        weights = {key: 2.0 * value for key, value in state["state_dict"].items()}
        scaled.append({**state, "state_dict": weights})
    again = diagnose(net(), trained.inputs, trained.labels, scaled, decay=1e-3, step_size=0.05)
    _assert_same(again, found, without=("kkt.complementarity",))  # the loss weighs by margins


def test_classes_may_be_renamed() -> None:
    generator = np.random.default_rng(0)
    inputs, labels = generator.standard_normal((9, 3)), generator.integers(0, 3, 9)
    torch.manual_seed(0)
    one, other = net(3).state_dict(), net(3).state_dict()
    order = torch.tensor([2, 0, 1])

    def renamed(state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "2.weight": state["2.weight"][torch.argsort(order)]}

    found = diagnose(net(3), inputs, labels, [one, other], step_size=1.0)
    again = diagnose(
        net(3), inputs, order.numpy()[labels], [renamed(one), renamed(other)], step_size=1.0
    )
    _assert_same(again, found)


def _assert_same(one: Any, other: Any, without: tuple[str, ...] = ()) -> None:
    for left, right in zip(one.checkpoints, other.checkpoints, strict=True):
        for path in COMPARED:
            if path in without:
                continue
            a, b = at_path(left, path), at_path(right, path)
            assert (a is None) == (b is None), path
            assert a is None or a == pytest.approx(b, abs=1e-6), path


def test_shuffled_weights_are_told_unrelated(trained: Any) -> None:
    first = torch.load(files(trained)[0], weights_only=True)
    generator = torch.Generator().manual_seed(5)
    shuffled = {
        key: value.reshape(-1)[torch.randperm(value.numel(), generator=generator)].reshape(
            value.shape
        )
        for key, value in first["state_dict"].items()
    }
    found = diagnose(
        net(),
        trained.inputs,
        trained.labels,
        [first, {"state_dict": shuffled, "step": 1}],
        decay=1e-3,
        step_size=0.05,
    )
    last = found.checkpoints[-1]
    assert last["regime"] == "unrelated"
    assert last["kernel"]["linearized_distance"] > 0.7
    assert last["kkt"]["stationarity"] > 0.7
    assert "unrelated" in found.verdict


def test_other_labels_are_no_fit(trained: Any) -> None:
    labels = -trained.labels
    found = diagnose(net(), trained.inputs, labels, files(trained), decay=1e-3, step_size=0.05)
    last = found.checkpoints[-1]
    assert last["kkt"]["feasibility"] == 1.0
    assert last["regime"] not in ("kkt", "fitted")


def test_conserved_quantities_that_do_not_decay_are_seen(trained: Any, found: Any) -> None:
    """The wrong decay, e^(-2 lambda t) with twice lambda, misses what the true one meets."""
    wrong = diagnose(
        net(), trained.inputs, trained.labels, files(trained), decay=2e-3, step_size=0.05
    )
    k = 2
    right = found.checkpoints[k]["conserved"]["deviation"]
    assert wrong.checkpoints[k]["conserved"]["deviation"] > 10 * max(right, 1e-3)


def test_the_linearisation_is_that_of_the_start(trained: Any, found: Any) -> None:
    early, late = found.checkpoints[1], found.checkpoints[-1]
    early_distance = early["kernel"]["linearized_distance"]
    assert early_distance < 0.05
    assert late["kernel"]["linearized_distance"] > 10 * early_distance
    assert early["kernel"]["drift"] < late["kernel"]["drift"]


def test_recorder_keeps_what_it_is_asked_for(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "runs", every=10, step_size=0.5)
    module = net()
    assert recorder(3, module) is None
    path = recorder(20, module)
    assert recorder.checkpoints == [path]
    held = torch.load(path, weights_only=True)
    assert (held["step"], held["time"]) == (20, 10.0)
    for arguments in ({"every": 0}, {"step_size": -1.0}):
        with pytest.raises(InvalidInput):
            Recorder(tmp_path, **arguments)


def test_numbers_in_names_are_numbers() -> None:
    assert sorted(["a-10.pt", "a-9.pt", "a.pt"], key=natural) == ["a-9.pt", "a-10.pt", "a.pt"]


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "_orig_mod.module."])
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_wrappers_of_a_state_are_seen_through(prefix: str, key: str | None) -> None:
    module = net()
    weights = {prefix + name: value for name, value in module.state_dict().items()}
    held = weights if key is None else {key: weights, "global_step": 7}
    state = state_of(held, "epoch=3-step=40.ckpt", list(module.state_dict()))
    assert set(state.weights) == set(module.state_dict())
    assert state.step == (40.0 if key is None else 7.0)


def test_unknown_options_are_named() -> None:
    with pytest.raises(InvalidInput, match="colour"):
        diagnose(net(), np.ones((2, 3)), [1, -1], [net().state_dict()], colour="red")
    with pytest.raises(InvalidInput, match="checkpoints"):
        diagnose(net(), np.ones((2, 3)), [1, -1], [])
    with pytest.raises(InvalidInput, match="model"):
        diagnose(3, np.ones((2, 3)), [1, -1], [net().state_dict()])


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_sizes_whose_squares_leave_float64_are_refused_by_name(size: float) -> None:
    inputs, model = np.random.default_rng(0).standard_normal((4, 3)), net()
    states = [model.state_dict()]
    with pytest.raises(InvalidInput, match=r"inputs has .*e[+-](200|199) as its largest"):
        diagnose(model, size * inputs, [1, -1, 1, -1], states)
    with pytest.raises(InvalidInput, match=r"labels has .* as its largest"):
        diagnose(model, inputs, size * np.ones(4), states, loss="squared")
    large = {name: value.double() * size**0.5 for name, value in states[0].items()}
    with pytest.raises(InvalidInput, match=r"model's output has .* as its largest"):
        diagnose(model, inputs, [1, -1, 1, -1], [large])
    found = diagnose(model, inputs, [1, -1, 1, -1], [states[0], large])
    assert "model's output has" in found.checkpoints[1]["reasons"]["file"]


@pytest.mark.parametrize("size", [1e60, 1e-60])
def test_permuted_weights_are_no_start_at_sizes_that_are_allowed(size: float) -> None:
    inputs, model = np.random.default_rng(0).standard_normal((4, 3)), net()
    states = [model.state_dict(), net().state_dict()]
    found = diagnose(model, size * inputs, [1, -1, 1, -1], states, sharpness=False)
    assert [entry["regime"] for entry in found.checkpoints][1:] != ["start"]
    assert found.checkpoints[1]["kernel"]["drift"] > 1e-3
