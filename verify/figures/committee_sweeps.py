"""Committee machines on any target of degree 2, many at once, as tables of their curves."""

from collections.abc import Sequence

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Committee, Linearisation, QuadraticForm, Training, gradient_descent
from verify.figures.base import Table


def stacked(forms: Sequence[QuadraticForm]) -> QuadraticForm:
    """One form a run along a first axis."""
    return QuadraticForm(
        np.stack([form.linear for form in forms]), np.stack([form.quadratic for form in forms])
    )


def sweep(training: Training, target: QuadraticForm, steps: Sequence[int]) -> Table:
    """Losses and movement |theta - theta0| / |theta0|, one row a run and step.

    Test losses are those of the population, exact.

    Args:
        training: with one leading batch axis and an activation of degree 2.
        target: one a run.
    """
    start = training.committee
    offset = start.form()
    columns: dict[str, list[Floats]] = {"train": [], "test": [], "movement": []}
    for moment in gradient_descent(training, steps):
        machine = moment.committee
        predictor = machine.form() - offset if training.centred else machine.form()
        columns["train"].append(moment.train_loss)
        columns["test"].append((predictor - target).mean_square().total)
        columns["movement"].append(_movement(start, machine))
    runs = len(training.inputs)
    table: Table = {
        "run": [run for run in range(runs) for _ in steps],
        "step": [step for _ in range(runs) for step in steps],
    }
    for name, values in columns.items():
        table[name] = [float(value) for value in np.array(values).T.ravel()]
    return table


def _movement(start: Committee, machine: Committee) -> Floats:
    moved = ((machine.weights - start.weights) ** 2).sum((-2, -1))
    size = (start.weights**2).sum((-2, -1))
    if machine.readout is not None and start.readout is not None:
        moved = moved + ((machine.readout - start.readout) ** 2).sum(-1)
        size = size + (start.readout**2).sum(-1)
    share: Floats = np.sqrt(moved / size)
    return share


def linearised(training: Training, target: QuadraticForm, steps: Sequence[int]) -> Table:
    """Losses of the linearisations of centred machines with fixed readouts; rows as of `sweep`."""
    machine = training.committee
    runs = len(training.inputs)
    numbers = (machine.output_scale, machine.curvature, training.step)
    scales, curvatures, paces = (np.broadcast_to(number, runs) for number in numbers)
    table: Table = {"linearised_train": [], "linearised_test": []}
    for k in range(runs):
        one = Committee(machine.weights[k], float(scales[k]), float(curvatures[k]))
        twin = Linearisation(one, training.inputs[k], training.targets[k], float(paces[k]))
        aim = QuadraticForm(target.linear[k], target.quadratic[k])
        table["linearised_train"] += [twin.train_loss(at) for at in steps]
        errors = [twin.form(at) - aim for at in steps]
        table["linearised_test"] += [float(error.mean_square().total) for error in errors]
    return table
