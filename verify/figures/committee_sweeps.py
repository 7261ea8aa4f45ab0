"""Committee machines on any target of degree 2, many at once, as tables of their curves."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import (
    Committee,
    Linearisation,
    Moment,
    QuadraticForm,
    Training,
    gradient_descent,
)
from verify.figures.base import Table


def stacked(forms: Sequence[QuadraticForm]) -> QuadraticForm:
    """One form a run along a first axis."""
    return QuadraticForm(
        np.stack([form.linear for form in forms]), np.stack([form.quadratic for form in forms])
    )


def by_run(steps: Sequence[int], records: Sequence[Mapping[str, Floats]]) -> Table:
    """One row a run and step, of records of all runs, one a step."""
    runs = len(next(iter(records[0].values())))
    table: Table = {
        "run": [run for run in range(runs) for _ in steps],
        "step": [step for _ in range(runs) for step in steps],
    }
    for name in records[0]:
        table[name] = np.array([record[name] for record in records]).T.ravel().tolist()
    return table


def predictors(training: Training, steps: Sequence[int]) -> Iterator[tuple[Moment, QuadraticForm]]:
    """Gradient descent with its predictors: f, less that at initialization where it is centred."""
    start = training.committee.form()
    for moment in gradient_descent(training, steps):
        form = moment.committee.form()
        yield moment, form - start if training.centred else form


def sweep(training: Training, target: QuadraticForm, steps: Sequence[int]) -> Table:
    """Losses and movement |theta - theta0| / |theta0|, one row a run and step.

    Test losses are those of the population, exact.

    Args:
        training: with one leading batch axis and an activation of degree 2.
        target: one a run.
    """
    records = [
        {
            "train": moment.train_loss,
            "test": (predictor - target).mean_square().total,
            "movement": _movement(training.committee, moment.committee),
        }
        for moment, predictor in predictors(training, steps)
    ]
    return by_run(steps, records)


def _movement(start: Committee, machine: Committee) -> Floats:
    moved = ((machine.weights - start.weights) ** 2).sum((-2, -1))
    size = (start.weights**2).sum((-2, -1))
    if machine.readout is not None and start.readout is not None:
        moved = moved + ((machine.readout - start.readout) ** 2).sum(-1)
        size = size + (start.readout**2).sum(-1)
    share: Floats = np.sqrt(moved / size)
    return share


def linearised(training: Training, target: QuadraticForm, steps: Sequence[int]) -> Table:
    """Losses of the linearisation of every run, and of kernel regression, where it ends.

    Arguments and rows as of `sweep`.
    """
    table: Table = {"linearised_train": [], "linearised_test": [], "kernel_regression": []}
    for twin, aim in _one_by_one(training, target):
        errors = (twin.form(at) - aim for at in (*steps, inf))
        *losses, end = (float(error.mean_square().total) for error in errors)
        table["linearised_train"] += [twin.train_loss(at) for at in steps]
        table["linearised_test"] += losses
        table["kernel_regression"] += [end] * len(steps)
    return table


def _one_by_one(
    training: Training, target: QuadraticForm
) -> Iterator[tuple[Linearisation, QuadraticForm]]:
    """Each run linearised, with what its centred linearised predictor should be."""
    machine, begun = training.committee, training.committee.form()
    numbers = (machine.output_scale, machine.curvature, training.step)
    scales, curvatures, paces = (np.broadcast_to(n, len(machine.weights)) for n in numbers)
    for k, weights in enumerate(machine.weights):
        aim = QuadraticForm(target.linear[k], target.quadratic[k])
        labels = training.targets[k]
        if not training.centred:
            offset = QuadraticForm(begun.linear[k], begun.quadratic[k])
            aim, labels = aim - offset, labels - offset(training.inputs[k])
        readout = None if machine.readout is None else machine.readout[k]
        one = Committee(weights, float(scales[k]), float(curvatures[k]), readout)
        yield Linearisation(one, training.inputs[k], labels, float(paces[k])), aim
