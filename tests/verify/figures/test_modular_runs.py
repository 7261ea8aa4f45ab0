"""The figures on modular addition at toy size: they resume, fit and draw."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from theory.descent.modular_addition import ModularState, ModularTask
from verify.checkpoints import Checkpoint
from verify.figures import (
    modular_addition,
    modular_decay,
    modular_no_decay,
    modular_runs,
    modular_scale,
)
from verify.figures.make import make_figure
from verify.figures.modular_addition import mirrored
from verify.figures.modular_runs import SIZES, Size, fit_lines, run_of, run_until

TINY = Size(
    ModularTask(5, fraction=0.6, seed=0, shared=True),
    width=16,
    alpha=20.0,
    decay=1e-3,
    alphas=(10.0, 20.0, 40.0, 80.0),
    decays=(1e-3, 2e-3, 4e-3, 8e-3),
    seeds=(0, 1),
    max_steps=500,
)


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    runs = [run_of(TINY, 20.0, 1e-3)]
    seen: list[int] = []

    def stop_at(limit: int, state: ModularState) -> bool:
        seen.append(state.step)
        if state.step >= limit:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        run_until("x", TINY, runs, lambda s: stop_at(250, s), folder=tmp_path)
    assert list(tmp_path.glob("x-*.npz"))
    seen.clear()
    resumed = run_until("x", TINY, runs, lambda s: stop_at(1000, s), folder=tmp_path)
    assert seen[0] == 250
    assert not tmp_path.exists() or not any(tmp_path.iterdir())
    whole = run_until("y", TINY, runs, lambda _: False, folder=tmp_path)
    np.testing.assert_array_equal(resumed.hidden, whole.hidden)


def test_an_unreadable_checkpoint_counts_as_none(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "a", 1)
    assert checkpoint.load() is None
    checkpoint.path.write_bytes(b"no archive")
    assert checkpoint.load() is None
    checkpoint.save({"x": np.arange(3)})
    loaded = checkpoint.load()
    assert loaded is not None
    np.testing.assert_array_equal(loaded["x"], np.arange(3))
    assert Checkpoint(tmp_path, "a", 2).load() is None


@pytest.mark.parametrize("figure", [modular_addition, modular_scale, modular_decay])
def test_figures_draw_at_toy_size(
    figure: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(modular_runs.SIZES, "quick", replace(TINY, max_steps=250))
    made = make_figure(figure.FIGURE, "quick", tmp_path, lambda _: None)  # type: ignore[attr-defined]
    files = made.files
    assert [path.suffix for path in files] == [".csv", ".png", ".svg", ".pdf", ".json"]
    assert all(path.stat().st_size > 0 for path in files)
    # nothing groks in 250 steps
    assert made.outcomes[0].verdict != "holds"


def test_the_figure_without_decay_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(modular_runs.SIZES, "quick", replace(TINY, seeds=(0,)))
    monkeypatch.setitem(modular_no_decay.STEPS, "quick", 250)
    assert make_figure(modular_no_decay.FIGURE, "quick", tmp_path, lambda _: None).files


def test_only_a_shared_embedding_cannot_tell_mirrored_pairs() -> None:
    shared = ModularTask(5, fraction=0.6, seed=0, shared=True)
    train, test = shared.split()
    pairs = {(int(a), int(b)) for a, b in train}
    expected = sum((int(b), int(a)) in pairs for a, b in test) / len(test)
    assert mirrored(shared) == pytest.approx(expected)
    assert 0.0 < expected < 1.0
    assert mirrored(replace(shared, shared=False)) == 0.0


def grokking_run(delay: float) -> dict[str, list[float | int | str]]:
    """A made-up record: pairs are learned at lambda t = 1e-3, others `delay` times as late."""
    time = np.geomspace(1e-5, 20.0, 400)
    norm = np.maximum(100.0 * np.exp(-time), 20.0)
    columns = {
        "run": np.zeros(400),
        "alpha": np.full(400, 100.0),
        "decay": np.full(400, 1e-3),
        "known": np.full(400, 0.3),
        "log_time": np.log(time / 1e-3),
        "train_accuracy": np.where(time >= 1e-3, 1.0, 0.5),
        "test_accuracy": np.where(time >= 1e-3 * delay, 0.98, 0.3),
        "norm": norm,
    }
    return {name: column.tolist() for name, column in columns.items()}


def test_outcomes_of_modular_addition_are_judged() -> None:
    found = modular_addition.outcomes({"runs": grokking_run(4000.0)})
    assert [(o.verdict, o.as_expected) for o in found] == [("holds", True)] * 4
    early = modular_addition.outcomes({"runs": grokking_run(3.0)})
    assert early[0].verdict == "falsified"
    assert early[2].verdict == "falsified"


def test_the_sizes_are_those_of_the_paper() -> None:
    paper = SIZES["paper"]
    assert (paper.task.modulus, paper.width, paper.task.fraction) == (97, 1024, 0.4)
    for size in SIZES.values():
        assert min(len(size.alphas), len(size.decays)) >= 4


def test_one_slope_is_fitted_to_all_groups() -> None:
    x = [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]
    y = [1.0, 3.1, 5.0, 11.0, 12.9, 15.0]
    lines = fit_lines(x, y, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    assert lines is not None
    assert lines.slope == pytest.approx(2.0)
    assert lines.low < 2.0 < lines.high < 2.2
    assert lines.intercepts[1.0] - lines.intercepts[0.0] == pytest.approx(9.933, abs=1e-3)
    assert fit_lines([0.0, 1.0], [0.0, 1.0], [0.0, 0.0]) is None
