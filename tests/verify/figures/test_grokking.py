"""Grokking and misgrokking at small size; test accuracies in closed form against sampled ones."""

import numpy as np
import pytest

from theory.backend import Floats
from theory.flow.diagonal import diagonal_flow
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.figures import all_figures, figure_named
from verify.figures.base import FigureSpec
from verify.figures.sparse_and_wide import Task, parts, sparse_task, wide_margin_task

SAMPLED = 20_000
"""A standard error of 0.0035 at accuracy 1/2."""


def course(task: Task, log10_alpha: float, at: list[float]) -> tuple[list[float], Floats]:
    """Test accuracies and training margins along the flow, lambda = 1 / alpha."""
    dimension = task.inputs.shape[1]
    anchor = np.full(2 * dimension, (2.0 * dimension) ** -0.5)
    problem = Problem(Diagonal(dimension), anchor, task.inputs, task.labels)
    regime = Regime(log10_alpha=log10_alpha, decay_power=1.0)
    flow = diagonal_flow(problem, regime, at, rtol=1e-7, estimate_error=False)
    return [task.accuracy(w) for w in flow.weights], flow.margins


def test_sparse_labels_grok() -> None:
    # d = 4000, n = 128 at alpha = 10^30: a plateau up to 0.9 t_g, all right from t_g on
    accuracies, margins = course(sparse_task(4000, 128), 30.0, [0.3, 0.7, 0.9, 1.0, 1.2])
    assert margins.min() > 0
    plateau = accuracies[0]
    assert plateau < 0.6
    np.testing.assert_allclose(accuracies[1:3], plateau, atol=0.01)
    assert min(accuracies[3:]) > 0.98


def test_data_of_large_margin_misgrok() -> None:
    # gamma = 10, n = 32: 0.998 falls to about 0.65
    accuracies, margins = course(wide_margin_task(4000, 32, 10.0), 30.0, [0.3, 0.8, 1.5])
    assert margins.min() > 0
    assert min(accuracies[:2]) > 0.99
    assert accuracies[2] < 0.75


def test_closed_form_of_sparse_labels() -> None:
    dimension, generator = 60, np.random.default_rng(1)
    weights = generator.standard_normal(dimension)
    weights[:3] = 2.0, 3.0, 1.0
    inputs = np.where(generator.random((SAMPLED, dimension)) < 0.5, -1.0, 1.0)
    sampled = np.mean(np.sign(inputs[:, :3].sum(axis=1)) * (inputs @ weights) > 0)
    # the normal law of 57 signs is off by about 1/57
    assert sparse_task(dimension, 4).accuracy(weights) == pytest.approx(sampled, abs=0.02)


def test_closed_form_of_large_margins() -> None:
    task = wide_margin_task(30, SAMPLED, 1.0)
    weights = np.random.default_rng(2).standard_normal(30)
    weights += task.labels @ task.inputs / SAMPLED
    sampled = np.mean(task.labels * (task.inputs @ weights) > 0)
    assert task.accuracy(weights) == pytest.approx(sampled, abs=0.015)


@pytest.mark.parametrize("name", ["grokking", "misgrokking"])
def test_figures_have_both_presets_and_draw(name: str) -> None:
    figure = figure_named(name)
    for preset in ("quick", "paper"):
        assert [part.name for part in figure.parts(preset)] == ["exponential", "logistic"]
    tables = {part.name: part.compute() for part in parts(lambda: sparse_task(200, 16))}
    for table in tables.values():
        assert set(table["train accuracy"]) == {1.0}
        assert 0.4 < float(table["predicted transition"][0]) < 1.0
        assert float(table["cosine with SVM"][0]) > 0.999
    assert len(figure.draw(tables).axes) == 4
    assert len(figure.outcomes(tables)) == 3


@pytest.mark.parametrize("name", ["grokking", "misgrokking", "multiplication-table"])
def test_figures_show_what_they_are_said_to(name: str) -> None:
    figure = figure_named(name)
    tables = {part.name: part.compute() for part in figure.parts("quick")}
    outcomes = figure.outcomes(tables)
    assert len(outcomes) == 3
    for outcome in outcomes:
        assert outcome.as_expected, outcome.line()


def test_every_figure_is_judged() -> None:
    for name, figure in all_figures().items():
        assert figure.outcomes is not FigureSpec.__dataclass_fields__["outcomes"].default, name
