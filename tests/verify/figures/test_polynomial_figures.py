"""The figures on polynomial regression at small sizes: what they show, and that it can fail."""

import csv
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import inf
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from theory.lazy_rich import Setting
from verify.figures import (
    curvature_sweep,
    eigenvector_labels,
    goldilocks,
    interpolation,
    laziness_sweep,
    loss_decomposition,
    phase_diagram,
    polynomial_grokking,
)
from verify.figures.base import Table
from verify.figures.committee_runs import (
    Experiment,
    Run,
    curves,
    describe,
    recorded_steps,
    runs_of,
    with_columns,
)
from verify.figures.make import make_figure

PAIR = Setting(20, 2, 60, curvature=0.25, step=0.05, steps=4000, centred=False)

TINY: dict[ModuleType, Any] = {
    polynomial_grokking: Setting(25, 30, 125, curvature=0.1, step=0.2, steps=2500),
    laziness_sweep: laziness_sweep.Sweep(
        Setting(20, 25, 90, curvature=0.25, signal=2.0, step=0.1, steps=3000),
        (0.25, 0.5, 1.0, 64.0),
    ),
    curvature_sweep: curvature_sweep.Sweep(
        Setting(20, 25, 110, step=0.2, steps=5000), (0.1, 0.2, 0.28)
    ),
    phase_diagram: phase_diagram.Grid(
        Setting(20, 25, 110, step=0.4, steps=3000), (0.4, 0.8, 8.0), (0.04, 0.08, 0.28)
    ),
    loss_decomposition: loss_decomposition.Size(
        PAIR, replace(PAIR, step=0.02, trained_readout=True), tuple(range(10))
    ),
    goldilocks: goldilocks.Size(
        Setting(20, 30, 60, curvature=0.5, step=0.2, steps=1000), (25, 60, 200), (0,)
    ),
    interpolation: interpolation.Size(PAIR, (0, 1, 2)),
    eigenvector_labels: eigenvector_labels.Size(
        Setting(50, 2, 50, curvature=0.25, step=0.1, steps=1500),
        (0, 1),
        {"low": (1,), "middle": (37,), "high": (75,)},
    ),
}

COLUMNS = {"part", "run", "step", "train", "test", "linearised_test", "kernel_regression"}

figures = pytest.mark.parametrize("figure", list(TINY), ids=[m.FIGURE.name for m in TINY])


@cache
def tiny_tables(figure: ModuleType) -> Mapping[str, Table]:
    kept = figure.SIZES["quick"]
    figure.SIZES["quick"] = TINY[figure]
    try:
        return {part.name: part.compute() for part in figure.parts("quick")}
    finally:
        figure.SIZES["quick"] = kept


@figures
def test_files_and_outcomes(
    figure: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tiny_tables(figure)
    monkeypatch.setattr(
        "verify.figures.make._load", lambda path: deepcopy(tables[path.stem]) if tables else None
    )
    monkeypatch.setitem(figure.SIZES, "quick", TINY[figure])
    made = make_figure(figure.FIGURE, "quick", tmp_path, lambda _: None)
    assert [path.suffix for path in made.files] == [".csv", ".png", ".svg", ".pdf", ".json"]
    assert all(path.stat().st_size > 0 for path in made.files)
    with made.files[0].open(encoding="utf-8") as stream:
        names = set(csv.DictReader(stream).fieldnames or ())
    cells = {"delay", "output_scale", "curvature", "linearised_test", "kernel_regression"}
    assert names >= (cells if figure is phase_diagram else COLUMNS)
    assert len(made.outcomes) >= 3
    assert [outcome.line() for outcome in made.outcomes if not outcome.as_expected] == []
    assert all(outcome.rival_rejected for outcome in made.outcomes if outcome.expected == "holds")


@figures
def test_tables_of_lazy_networks_fail(figure: ModuleType) -> None:
    tables = {part: dict(table) for part, table in tiny_tables(figure).items()}
    for table in tables.values():
        if figure is phase_diagram:
            table["delay"] = [phase_diagram.NEVER for _ in table["delay"]]
        elif figure is eigenvector_labels:
            # these networks are lazy: nothing is learned late where tests are as good as training
            table["test"] = table["train"]
        else:
            table["test"] = table["linearised_test"]
    outcomes = figure.outcomes(tables)
    assert not all(outcome.as_expected for outcome in outcomes)


@figures
def test_the_presets_and_the_caption(figure: ModuleType) -> None:
    assert set(figure.SIZES) == {"quick", "paper"}
    for preset in figure.SIZES:
        assert len({part.name for part in figure.parts(preset)}) == len(figure.parts(preset))
        assert f"{preset}" in figure.FIGURE.caption
    assert "seed" in figure.FIGURE.caption


@pytest.mark.slow
@figures
def test_the_quick_preset_shows_what_it_is_said_to(figure: ModuleType) -> None:
    tables = {part.name: part.compute() for part in figure.parts("quick")}
    outcomes = figure.outcomes(tables)
    assert [outcome.line() for outcome in outcomes if not outcome.as_expected] == []


@pytest.mark.parametrize("centred", [True, False])
def test_lazy_networks_follow_their_linearisation(centred: bool) -> None:
    base = Setting(8, 12, 20, step=0.2, curvature=0.5, centred=centred)
    scales = (50.0, 100.0) if centred else (500.0, 1000.0)
    table = curves(Experiment.of([replace(base, output_scale=a) for a in scales]), 60)
    gaps = []
    for run in runs_of(table):
        start = float(run["test"][0])
        for name in ("train", "test"):
            assert run[f"linearised_{name}"][0] == pytest.approx(run[name][0], rel=1e-9)
        gaps.append(np.abs(run["test"] - run["linearised_test"]).max() / start)
    if centred:
        # of relative order 1/alpha
        assert gaps[0] < 0.05
        assert gaps[1] == pytest.approx(gaps[0] / 2, rel=0.1)
    else:
        # what is learned, f0, grows with alpha itself: the relative gap stays
        assert gaps[1] == pytest.approx(gaps[0], rel=0.1)


def test_test_losses_against_sampled_ones() -> None:
    setting = Setting(6, 3, 12, curvature=0.5, step=0.1)
    experiment = Experiment.of([setting])
    run = runs_of(curves(experiment, 40))[0]
    points = setting.random(9).standard_normal((400_000, 6)) / np.sqrt(6)
    wanted = setting.target()(points)
    # half of E y^2 at the start, and the kernel regression by its definition
    assert run["test"][0] == pytest.approx(np.mean(wanted**2), rel=0.02)
    machine, inputs = setting.committee(), setting.inputs()
    weights = np.linalg.pinv(machine.kernel(inputs), rcond=1e-12) @ setting.labels()
    found = machine.kernel(points[:100_000], inputs) @ weights
    sampled = np.mean((wanted[:100_000] - found) ** 2)
    assert run.last("kernel_regression") == pytest.approx(sampled, rel=0.05)


def test_weights_that_solve_the_task_start_at_zero_loss() -> None:
    setting = replace(PAIR, steps=1)
    solution = np.array([[1.0], [-1.0]]) * setting.direction() / np.sqrt(setting.curvature)
    run = runs_of(curves(Experiment.of([setting]).starting_at(solution[None]), 5))[0]
    assert run["test"].max() < 1e-25
    assert run["train"].max() < 1e-25


def test_curves_stop_once_all_have_learned() -> None:
    setting = TINY[polynomial_grokking]
    table = curves(Experiment.of([setting]), setting.steps, stop=True)
    run = runs_of(table)[0]
    assert run.learned("test") == run["step"][-1] < setting.steps
    assert run.learned("train") < run.learned("test")


def test_recorded_steps() -> None:
    assert recorded_steps(1) == [0, 1]
    steps = recorded_steps(1000)
    assert steps[:4] == [0, 1, 2, 3]
    assert steps[-1] == 1000
    assert max(b / a for a, b in pairwise(steps[20:])) < 1.1


def test_reading_a_run() -> None:
    table: Table = {
        "run": [0, 0, 0, 0, 1, 1, 1, 1],
        "step": [0, 1, 10, 100] * 2,
        "train": [2.0, 1.0, 0.1, 0.1, 1.0, 1.0, 0.05, 0.0],
        "test": [1.0, 3.0, 1.0, 0.09, 1.0, 1.0, 0.5, 0.2],
    }
    first, second = runs_of(with_columns(table, seed=[7, 8]))
    assert (first.last("seed"), second.last("seed")) == (7, 8)
    assert first.learned("train") == 10
    assert first.learned("train", share=0.9) == 1
    assert (first.delay, first.delay_ratio) == (90, 10)
    assert (second.learned("test"), second.delay, second.delay_ratio) == (inf, inf, inf)
    assert first.at("test", 2) == 1.0
    assert np.isnan(first.at("test", inf))


def test_captions_name_the_sizes() -> None:
    words = describe(Setting(3, 4, 5, seed=6), "curvature")
    assert "D = 3, N = 4, P = 5" in words
    assert "seed = 6" in words
    assert ", eps =" not in words


def test_the_rise_is_taken_apart() -> None:
    columns = {
        "step": [0, 1, 2, 3],
        "test": [1.0, 0.5, 0.9, 0.1],
        "linear_term": [0.5, 0.1, 0.6, 0.0],
        "alignment_term": [0.3, 0.3, 0.25, 0.1],
        "scale_term": [0.2, 0.1, 0.05, 0.0],
    }
    run = Run({name: np.array(values) for name, values in columns.items()})
    found = loss_decomposition.rise(run)
    assert (found.total, found.peak) == (pytest.approx(0.4), 2)
    assert found.terms["linear_term"] == pytest.approx(0.5)
    assert loss_decomposition.fall(run, "alignment_term") == 2
    assert loss_decomposition.fall(run, "scale_term") == 2


def test_low_eigenvectors_are_learned_first() -> None:
    # the labels are an eigenvector of the infinite-width kernel, whose NTK at N = 2 is near
    table = eigenvector_labels._run(TINY[eigenvector_labels].setting, 1)
    assert table["train"][0] + table["test"][0] == pytest.approx(2.0)
    high = eigenvector_labels._run(TINY[eigenvector_labels].setting, 75)
    assert float(table["train"][10]) < 0.5 * float(high["train"][10])


def test_a_run_that_never_learns_leaves_outcomes_undecided() -> None:
    tables = {"run": dict(tiny_tables(polynomial_grokking)["run"])}
    tables["run"]["test"] = [1.0 for _ in tables["run"]["test"]]
    verdicts = {o.verdict for o in polynomial_grokking.outcomes(tables)}
    assert "inconclusive" in verdicts
