"""The further figures on committee machines: tiny ones appear whole, and outcomes can fail."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf, sqrt
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from theory.lazy_rich import Setting, Training
from theory.lazy_rich.training import gradient_descent
from verify.figures import (
    hermite_degrees,
    laziness_knobs,
    lazy_weight_decay,
    momentum,
    multi_index,
)
from verify.figures.base import Table
from verify.figures.committee_runs import with_columns
from verify.figures.committee_sweeps import linearised, stacked, sweep
from verify.figures.make import make_figure

MODULES = (laziness_knobs, multi_index, hermite_degrees, momentum, lazy_weight_decay)

SETTING = Setting(4, 4, 8, curvature=0.25, step=0.05, steps=20)

TINY = {
    laziness_knobs: laziness_knobs.Size(SETTING, (0.6, 1.2), (0.5, 1.0, 2.0), 20),
    multi_index: multi_index.Size(SETTING, (0, 1)),
    hermite_degrees: hermite_degrees.Size(
        replace(SETTING, trained_readout=True, step=0.01), (6, 12), 50, (0, 1)
    ),
    momentum: momentum.Size(replace(SETTING, steps=100), (0, 1)),
    lazy_weight_decay: lazy_weight_decay.Size(
        replace(SETTING, centred=False), (2.0, 8.0), (0.0, 0.1), (0, 1)
    ),
}

COLUMNS = {
    laziness_knobs: {"output_scale", "sigma", "movement"},
    multi_index: {"linearised_train", "linearised_test"},
    hermite_degrees: {"degree", "samples", "seed", "test_error"},
    momentum: {"momentum"},
    lazy_weight_decay: {"seed", "output_scale", "decay"},
}


def course(train: float, test: float, *, peak: float = 1.3, end: float = 1e-3) -> Table:
    """Losses of one run that cross a tenth at these steps, the test loss after a peak."""
    steps = [0, 1, 2, *np.geomspace(4, 10_000, 60).round().astype(int).tolist()]

    def falling(at: float) -> list[float]:
        return [max(end, min(1.0, 0.1 * at / max(step, 1))) for step in steps]

    losses = falling(test)
    losses[2] = peak
    return {
        "run": [0] * len(steps),
        "step": steps,
        "train": falling(train),
        "test": losses,
        "test_error": [0.0] * len(steps),
        "movement": [0.0] * len(steps),
        "linearised_train": [0.5] * len(steps),
        "linearised_test": [1.0] * len(steps),
    }


def course_of(tables: Mapping[str, float], **columns: float) -> Table:
    return with_columns(course(**tables), **{name: [value] for name, value in columns.items()})


def joined(*tables: Table) -> Table:
    """Tables of one run each as one table."""
    return {
        name: [
            run if name == "run" else value
            for run, table in enumerate(tables)
            for value in table[name]
        ]
        for name in tables[0]
    }


def tables_of_momentum(rescaled: bool = True) -> dict[str, Table]:
    pace = {mu: 1.0 - mu if rescaled else 1.0 for mu in momentum.MOMENTA}
    return {
        f"momentum-{mu:g}": course_of(
            {"train": 400 * pace[mu], "test": 4000 * pace[mu], "peak": 1.2 + mu}, momentum=mu
        )
        for mu in momentum.MOMENTA
    }


def tables_of_multi_index(second: float = 2000.0) -> dict[str, Table]:
    times = {1: 1000.0, 2: second, 3: 4000.0}
    return {f"directions-{k}": course(100.0, times[k]) for k in multi_index.DIRECTIONS}


def tables_of_weight_decay(slower: bool = False) -> dict[str, Table]:
    scales, decays = (2.0, 4.0, 8.0), (0.0, 1e-3, 3e-3)
    helped = {0.0: 10.0, 1e-3: 8.0, 3e-3: 5.0}
    tables = {
        f"decay-{decay:g}": joined(
            *(
                course_of(
                    {"train": 5 * s, "test": 10 * s * s * (15 - h if slower else h)},
                    output_scale=s,
                    decay=decay,
                    seed=0,
                )
                for s in scales
            )
        )
        for decay, h in helped.items()
    }
    for decay in (decays[0], decays[-1]):
        numbers = {"train": 20.0, "test": 400.0, "end": 0.1 if decay else 0.05}
        tables[f"fixed-decay-{decay:g}"] = course_of(numbers, output_scale=2.0, decay=decay, seed=0)
    return tables


def tables_of_hermite(hardest: int = 5) -> dict[str, Table]:
    found = {}
    for degree in hermite_degrees.DEGREES:
        rank = {2: 0, hardest: 2}.get(degree, 1)
        for k, samples in enumerate((40, 80, 160)):
            end = 0.01 * 4.0 ** (rank + 2 - k + (2 if rank == 2 else 0))
            numbers = {"train": 10.0, "test": 1000.0, "end": end}
            found[f"degree-{degree}-samples-{samples}"] = course_of(
                numbers, degree=degree, samples=samples, seed=0
            )
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.FIGURE.name)
def test_a_tiny_figure_appears_whole(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.SIZES, "quick", TINY[module])
    made = make_figure(module.FIGURE, "quick", tmp_path, lambda line: None)
    name = module.FIGURE.name
    assert [path.name for path in made.files] == [
        f"{name}.{kind}" for kind in ("csv", "png", "svg", "pdf", "json")
    ]
    rows = list(csv.DictReader((tmp_path / f"{name}.csv").read_text().splitlines()))
    assert {"part", "run", "step", "train", "test"} | COLUMNS[module] <= set(rows[0])
    assert {row["part"] for row in rows} == {part.name for part in module.FIGURE.parts("quick")}
    written = json.loads((tmp_path / f"{name}.json").read_text())["outcomes"]
    assert [entry["statement"] for entry in written] == [o.statement for o in made.outcomes]
    assert len(written) >= 3


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.FIGURE.name)
def test_the_presets_are_described(module: ModuleType) -> None:
    assert set(module.SIZES) == {"quick", "paper"}
    for preset, size in module.SIZES.items():
        assert f"{preset}: D = {size.setting.input_dim}, " in module.FIGURE.caption
        assert len(module.FIGURE.parts(preset)) >= 3


@pytest.mark.parametrize(
    ("module", "good", "bad"),
    [
        (momentum, tables_of_momentum, lambda: tables_of_momentum(rescaled=False)),
        (multi_index, tables_of_multi_index, lambda: tables_of_multi_index(second=9000.0)),
        (lazy_weight_decay, tables_of_weight_decay, lambda: tables_of_weight_decay(slower=True)),
        (hermite_degrees, tables_of_hermite, lambda: tables_of_hermite(hardest=3)),
    ],
    ids=lambda value: value.FIGURE.name if isinstance(value, ModuleType) else "",
)
def test_outcomes_stand_and_fall_with_the_numbers(
    module: ModuleType,
    good: Callable[[], dict[str, Table]],
    bad: Callable[[], dict[str, Table]],
) -> None:
    for outcome in module.FIGURE.outcomes(good()):
        assert outcome.as_expected, outcome.line()
    assert not all(outcome.as_expected for outcome in module.FIGURE.outcomes(bad()))


@pytest.mark.parametrize("part", ["label-scale", "weight-scale"])
def test_an_equivalent_run_may_not_differ(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(laziness_knobs.SIZES, "quick", TINY[laziness_knobs])
    tables = {p.name: p.compute() for p in laziness_knobs.parts("quick")}
    which = 0 if part == "label-scale" else 1
    assert laziness_knobs.outcomes(tables)[which].as_expected
    tables[part]["test"][-1] = float(tables[part]["test"][-1]) * 1.001
    assert laziness_knobs.outcomes(tables)[which].verdict == "falsified"


def test_the_sweep_starts_at_the_known_losses_and_moves_as_descent_does() -> None:
    settings = [replace(SETTING, output_scale=alpha) for alpha in (0.5, 2.0)]
    training = Training.of(settings)
    table = sweep(training, stacked([s.target() for s in settings]), [0, 5])
    assert table["run"] == [0, 0, 1, 1]
    assert table["step"] == [0, 5, 0, 5]
    # E y^2 = 3 B^2 / 4
    np.testing.assert_allclose([table["test"][0], table["test"][2]], 0.75, rtol=1e-12)
    np.testing.assert_allclose(table["train"][0], np.mean(settings[0].labels() ** 2), rtol=1e-12)
    assert table["movement"][0] == 0.0
    *_, last = gradient_descent(Training.of(settings[1:]), [5])
    begun = settings[1].weights()
    moved = np.linalg.norm(last.committee.weights[0] - begun) / np.linalg.norm(begun)
    np.testing.assert_allclose(table["movement"][3], moved, rtol=1e-12)


def test_trained_readouts_count_in_the_movement() -> None:
    setting = replace(SETTING, trained_readout=True)
    training = Training.of([setting])
    *_, last = gradient_descent(training, [5])
    start = training.committee
    square = ((last.committee.weights - start.weights) ** 2).sum() + (
        (last.committee.readout - start.readout) ** 2
    ).sum()
    size = (start.weights**2).sum() + (start.readout**2).sum()
    table = sweep(training, stacked([setting.target()]), [0, 5])
    np.testing.assert_allclose(table["movement"][1], sqrt(square / size), rtol=1e-12)


def test_the_linearisation_follows_its_kernel_step_by_step() -> None:
    settings = [SETTING, replace(SETTING, output_scale=2.0, curvature=0.5)]
    training = Training.of(settings)
    table = linearised(training, stacked([s.target() for s in settings]), [0, 1, 3])
    for k, setting in enumerate(settings):
        kernel = setting.committee().kernel(setting.inputs())
        eta = setting.step * setting.input_dim * setting.width / (2 * setting.output_scale**2)
        residuals = setting.labels()
        losses = []
        for _ in range(4):
            losses.append(np.mean(residuals**2))
            residuals = residuals - 2 * eta / setting.samples * kernel @ residuals
        found = table["linearised_train"][3 * k : 3 * k + 3]
        np.testing.assert_allclose(found, [losses[0], losses[1], losses[3]], rtol=1e-10)
        np.testing.assert_allclose(table["linearised_test"][3 * k], 0.75, rtol=1e-12)


@pytest.mark.parametrize("count", multi_index.DIRECTIONS)
def test_several_directions_have_the_second_moment_of_their_mean(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(multi_index.SIZES, "quick", TINY[multi_index])
    table = multi_index.parts("quick")[count - 1].compute()
    # the mean of K independent z^2 / 2 has the second moment (1 + 2 / K) / 4
    np.testing.assert_allclose(table["test"][0], (1 + 2 / count) / 4, rtol=1e-12)


def test_paired_neurons_cancel_and_are_trained_apart() -> None:
    setting = replace(SETTING, trained_readout=True, centred=False)
    training = lazy_weight_decay.paired(Training.of([setting]))
    assert np.abs(training.committee.outputs(training.inputs)).max() < 1e-14
    *_, last = gradient_descent(training, [5])
    assert np.abs(last.committee.outputs(training.inputs)).max() > 0.01


def test_sample_sizes_are_interpolated() -> None:
    assert hermite_degrees.needed((10, 40), (1.0, 0.25)) == pytest.approx(20.0)
    assert hermite_degrees.needed((10, 40), (0.4, 0.1)) == 10.0
    assert hermite_degrees.needed((10, 40), (3.0, 2.0)) == inf


def test_activations_of_every_degree_have_slopes_of_one_variance() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    for degree in hermite_degrees.DEGREES:
        setting = replace(SETTING, input_dim=1, width=1, samples=len(nodes))
        training = hermite_degrees._training([setting], degree)
        machine = replace(training.committee, weights=np.ones((1, 1)))
        slopes = machine.slope(nodes[:, None])[:, 0]
        variance = weights @ slopes**2 - (weights @ slopes) ** 2
        assert variance == pytest.approx(setting.curvature**2, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.FIGURE.name)
def test_the_quick_preset_shows_what_is_said(module: ModuleType, tmp_path: Path) -> None:
    for outcome in make_figure(module.FIGURE, "quick", tmp_path, lambda line: None).outcomes:
        assert outcome.as_expected, outcome.line()
