"""The figures on networks with an output scale: tiny, they draw; at quick size, they show."""

from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from theory.descent.modular_addition import ModularTask
from verify.experiments import (
    DigitsMLP,
    ModularMLP,
    ModularTransformer,
    Moment,
    StudentTeacher,
)
from verify.figures import digits, figure_named, modular_mlp, student_teacher, transformer
from verify.figures.base import Table
from verify.figures.make import make_figure
from verify.figures.network_curves import (
    Levels,
    Size,
    crossing,
    mean_delays,
    moments_table,
    runs_by_scale,
)

TINY = {
    "student-teacher": (
        student_teacher.SIZES,
        student_teacher.Size(StudentTeacher(width=4, samples=9, test_samples=9), 20, (0.5, 1.0)),
    ),
    "modular-mlp": (
        modular_mlp.SIZES,
        Size(
            ModularMLP(ModularTask(5, fraction=0.8), 10, learning_rate=20.0),
            {0.5: 20, 1.0: 30},
            (0, 1),
        ),
    ),
    "digits": (
        digits.SIZES,
        Size(DigitsMLP(40, 1757, width=8, batch=20), {0.01: 20, 0.1: 30}, (0, 1)),
    ),
    "transformer": (
        transformer.SIZES,
        Size(ModularTransformer(ModularTask(5, fraction=0.8), 8, 2, 8), {0.5: 20, 1.0: 30}, (0,)),
    ),
}


@pytest.mark.parametrize("name", list(TINY))
def test_figures_draw_and_judge_at_toy_size(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, tiny = TINY[name]
    monkeypatch.setitem(sizes, "quick", tiny)  # type: ignore[arg-type]
    made = make_figure(figure_named(name), "quick", tmp_path, lambda _: None)
    assert [path.suffix for path in made.files] == [
        f".{kind}" for kind in ("csv", "png", "svg", "pdf", "json")
    ]
    assert all(path.stat().st_size > 0 for path in made.files)
    assert len(made.outcomes) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TINY))
def test_figures_show_what_they_are_said_to(name: str) -> None:
    figure = figure_named(name)
    tables = {part.name: part.compute() for part in figure.parts("quick")}
    for outcome in figure.outcomes(tables):
        assert outcome.as_expected, outcome.line()


def test_long_figures_come_in_parts() -> None:
    for name in TINY:
        for preset in ("quick", "paper"):
            names = [part.name for part in figure_named(name).parts(preset)]
            assert len(set(names)) == len(names) >= 3


def test_the_paper_preset_has_the_published_sizes() -> None:
    run = transformer.SIZES["paper"].run
    assert (run.task.modulus, run.width, run.heads, run.hidden) == (113, 128, 4, 512)
    assert list(transformer.SIZES["paper"].steps)[::9] == [0.05, 0.5]
    mlp = modular_mlp.SIZES["paper"].run
    assert (mlp.task.modulus, mlp.task.fraction, mlp.width, mlp.learning_rate) == (
        23,
        0.9,
        100,
        100,
    )
    net = digits.SIZES["paper"].run
    assert (net.samples, net.test_samples, net.width, net.weight_scale) == (1000, 2000, 200, 150)
    student = student_teacher.SIZES["paper"].run
    assert (student.width, student.learning_rate, student.weight_decay) == (100, 3e-4, 0.05)


def test_the_paper_preset_of_digits_reads_mnist_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for kind, shape in (("images-idx3", (90, 4, 4)), ("labels-idx1", (90,))):
        values = rng.integers(0, 10, shape).astype(np.uint8)
        header = bytes([0, 0, 8, values.ndim]) + np.array(shape, dtype=">u4").tobytes()
        (tmp_path / f"train-{kind}-ubyte").write_bytes(header + values.tobytes())
    tiny = Size(DigitsMLP(40, 50, width=8, batch=20), {0.01: 5}, (0,))
    monkeypatch.setitem(digits.SIZES, "paper", tiny)
    (stand_in,) = digits.parts("paper")
    monkeypatch.setenv(digits.MNIST, str(tmp_path))
    (mnist,) = digits.parts("paper")
    assert stand_in.name != mnist.name
    assert set(stand_in.compute()["data"]) == {"digits"}
    assert set(mnist.compute()["data"]) == {"MNIST"}


def run_table(train: list[float], test: list[float], scale: float = 1.0, seed: int = 0) -> Table:
    pairs = enumerate(zip(train, test, strict=True))
    moments = (Moment(10**k, 1.0, 1.0, a, b, 1.0) for k, (a, b) in pairs)
    return moments_table(moments, scale=scale, seed=seed)


def test_crossings_are_interpolated_in_the_logarithm() -> None:
    table = run_table([0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.0, 0.4])
    assert crossing(table, "train_accuracy", 0.5) == pytest.approx(10)
    assert crossing(table, "train_accuracy", 0.75) == pytest.approx((11 * 101) ** 0.5 - 1)
    assert crossing(table, "test_accuracy", 0.5) == inf
    assert crossing(table, "test_accuracy", 0.0) == pytest.approx(1)


def test_a_delay_is_a_ratio_and_a_lower_bound_without_generalisation() -> None:
    levels = Levels(train=0.5, test=0.5)
    grokked = run_table([0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.0, 0.5])
    assert levels.delay(grokked) == pytest.approx(100)
    stuck = run_table([0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.0, 0.4], seed=1)
    assert levels.delay(stuck) == pytest.approx(100)
    unfit = run_table([0.0, 0.1, 0.2, 0.3], [0.0, 0.0, 0.0, 0.0])
    assert np.isnan(levels.delay(unfit))
    assert np.isnan(levels.wait(unfit))
    assert levels.wait(grokked) == pytest.approx(990)
    early = run_table([0.0, 0.5, 1.0, 1.0], [0.0, 0.5, 0.5, 0.5], scale=0.5)
    tables = {"a": grokked, "b": stuck, "c": early}
    assert list(runs_by_scale(tables)) == [0.5, 1.0]
    assert mean_delays(tables, levels) == pytest.approx({0.5: 1.0, 1.0: 100.0})


def test_a_longer_delay_at_a_smaller_scale_is_refuted() -> None:
    fast, slow = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]
    fit = [0.0, 1.0, 1.0, 1.0]
    right = {"a": run_table(fit, fast, 0.5), "b": run_table(fit, slow, 1.0)}
    wrong = {"a": run_table(fit, slow, 0.5), "b": run_table(fit, fast, 1.0)}
    assert modular_mlp.outcomes(right)[1].verdict == "holds"
    assert modular_mlp.outcomes(right)[1].rival_rejected
    assert modular_mlp.outcomes(wrong)[1].verdict == "falsified"
    assert replace(modular_mlp.outcomes(wrong)[1], expected="falsified").as_expected
