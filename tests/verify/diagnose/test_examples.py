"""The runs that ship: each trains, and is told for what it is."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verify.diagnose import Diagnosis, diagnose
from verify.diagnose.data import load_data
from verify.diagnose.model import load_model
from verify.user_modules import load_file

EXAMPLES = Path(__file__).parents[3] / "examples" / "diagnose"


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What an example's file adds to the path of modules is gone after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("nets", None)


def told(name: str, net: str, folder: Path, **options: Any) -> Diagnosis:
    """Train an example in a folder and diagnose it; `training` are arguments of its `train`."""
    training = options.pop("training", {})
    load_file(str(EXAMPLES / f"{name}.py")).train(folder, **training)
    train, test = (load_data(str(folder / f"{part}.npz")) for part in ("train", "test"))
    return diagnose(
        load_model(f"{EXAMPLES}/nets.py:{net}"),
        train.inputs,
        train.labels,
        str(folder / "step-*.pt"),
        test=(test.inputs, test.labels),
        sharpness=False,
        **options,
    )


def test_a_tiny_run_of_each_is_measured(tmp_path: Path) -> None:
    for name, net, training in (
        ("digits", "parity", {"classes": 2, "samples": 20, "steps": 4}),
        ("digits", "digits", {"classes": 10, "samples": 20, "steps": 4}),
        ("modular_addition", "Addition", {"steps": 2, "checkpoints": 2, "share": 0.1}),
    ):
        options = {"loss": "squared"} if net == "Addition" else {}
        found = told(name, net, tmp_path / net, training=training, max_rows=200, **options)
        assert all(entry["norm"] is not None for entry in found.checkpoints)
        assert all(0.0 <= entry["test_accuracy"] <= 1.0 for entry in found.checkpoints)


@pytest.mark.slow
def test_decay_is_predicted_before_it_happens(tmp_path: Path) -> None:
    """From the start alone: the turn of the weights, and the rise of test accuracy, to 15 %."""
    found = told("weight_decay", "Diagonal", tmp_path / "all", decay=1e-4)
    transition = found.data["transition"]
    assert transition["observed"] == pytest.approx(transition["predicted"], rel=0.15)
    assert transition["generalised"] == pytest.approx(transition["predicted"], rel=0.15)
    assert found.checkpoints[1]["test_accuracy"] < 0.75
    assert found.checkpoints[-1]["test_accuracy"] > 0.99
    regimes = [entry["regime"] for entry in found.checkpoints]
    assert regimes[0] == "start"
    assert set(regimes[1:9]) == {"kernel"}
    assert regimes[-1] == "kkt"
    assert transition["predicted"] < 0.8 * found.data["t_g"]
    early = diagnose(
        load_model(f"{EXAMPLES}/nets.py:Diagonal"),
        *_train(tmp_path / "all"),
        sorted((tmp_path / "all").glob("step-*.pt"))[:8],
        decay=1e-4,
        sharpness=False,
    )
    assert early.data["transition"]["predicted"] == transition["predicted"]
    assert early.data["transition"]["observed"] is None


def _train(folder: Path) -> tuple[Any, Any]:
    with np.load(folder / "train.npz") as held:
        return held["inputs"], held["labels"]


@pytest.mark.slow
def test_digits_leave_the_kernel_regime(tmp_path: Path) -> None:
    parity = told("digits", "parity", tmp_path / "parity", training={"steps": 1024})
    assert parity.data["net"]["degree"] == 3.0
    assert parity.checkpoints[-1]["regime"] == "fitted"
    assert parity.checkpoints[-1]["kkt"]["stationarity"] < 0.8
    classes = told(
        "digits", "digits", tmp_path / "digits", training={"classes": 10, "steps": 1024},
        max_rows=1000,
    )  # fmt: skip
    assert classes.data["net"]["degree"] is None
    assert classes.data["reasons"]["net.degree"]
    assert classes.checkpoints[-1]["accuracy"] > 0.99


@pytest.mark.slow
def test_addition_groks_after_it_has_left_the_kernel(tmp_path: Path) -> None:
    found = told("modular_addition", "Addition", tmp_path, loss="squared", max_rows=500)
    fitted = next(entry for entry in found.checkpoints if entry["accuracy"] > 0.95)
    assert fitted["test_accuracy"] < 0.3
    assert fitted["kernel"]["linearized_distance"] > 0.5
    assert found.checkpoints[-1]["test_accuracy"] > 0.95
    transition = found.data["transition"]
    assert transition["observed"] < transition["generalised"]
