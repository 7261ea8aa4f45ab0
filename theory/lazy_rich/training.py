"""Gradient descent on committee machines, many runs at once, in numpy or torch.

The loss is the mean of (f - y)^2 without a factor 1/2. One step is the flow time dt: the learning
rate is dt D N / (2 alpha^2), so that the first steps do not depend on alpha in function space.

Source: Kumar et al. (2023), eq. 3 and 26.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Array
from theory.errors import InvalidInput, NumericalFailure
from theory.lazy_rich.committee import Committee, spread
from theory.lazy_rich.setting import Setting


@dataclass(frozen=True, eq=False)
class Training:
    """Independent runs along the leading batch axes.

    Attributes:
        committee: at initialization.
        inputs: shape `(..., P, D)`.
        targets: shape `(..., P)`.
        step: dt of one step, a number or shape `(...)`.
        centred: the initial predictor is subtracted.
        momentum: mu of the heavy ball, v <- mu v + gradient.
        weight_decay: every step multiplies the weights by 1 - dt * weight_decay.
    """

    committee: Committee
    inputs: Array
    targets: Array
    step: Array | float
    centred: bool = True
    momentum: float = 0.0
    weight_decay: Array | float = 0.0

    @classmethod
    def of(cls, settings: Sequence[Setting]) -> "Training":
        """The runs of settings of one shape, stacked along a first axis, in numpy.

        Raises:
            InvalidInput: settings that differ in input_dim, width, samples, centred or
                trained_readout.
        """
        for name in ("input_dim", "width", "samples", "centred", "trained_readout"):
            found = sorted({getattr(setting, name) for setting in settings})
            if len(found) != 1:
                raise InvalidInput(f"settings have {name} {found}; runs of one batch share it")
        machines = [setting.committee() for setting in settings]
        readouts = [machine.readout for machine in machines]
        trained = settings[0].trained_readout
        return cls(
            Committee(
                np.stack([machine.weights for machine in machines]),
                np.array([setting.output_scale for setting in settings]),
                np.array([setting.curvature for setting in settings]),
                np.stack([r for r in readouts if r is not None]) if trained else None,
            ),
            np.stack([setting.inputs() for setting in settings]),
            np.stack([setting.labels() for setting in settings]),
            np.array([setting.step for setting in settings]),
            settings[0].centred,
        )


@dataclass(frozen=True, eq=False)
class Moment:
    """The runs after some steps.

    Attributes:
        step: how many steps were taken.
        committee: the machines.
        residuals: y - f, shape `(..., P)`.
    """

    step: int
    committee: Committee
    residuals: Array

    @property
    def train_loss(self) -> Array:
        """Shape `(...)`."""
        return (self.residuals**2).mean(-1)


def gradient_descent(training: Training, at: Sequence[int]) -> Iterator[Moment]:
    """Full-batch gradient descent; yields the runs after each number of steps in `at`.

    Raises:
        InvalidInput: `at` is not an increasing sequence of whole numbers from 0 on.
        NumericalFailure: a run has diverged (found where it is yielded).
    """
    if list(at) != sorted(set(at)) or not at or at[0] < 0:
        raise InvalidInput(f"at is {list(at)[:5]}...; it must increase from 0 or more")
    machine, inputs = training.committee, training.inputs
    offset = machine.outputs(inputs) if training.centred else 0.0
    gain = training.step * machine.input_dim / (inputs.shape[-2] * machine.output_scale)
    shrink = 1.0 - training.step * training.weight_decay
    velocity: Array = 0.0
    readout_velocity: Array = 0.0
    wanted = set(at)
    for step in range(at[-1] + 1):
        fields = machine.fields(inputs)
        residuals = training.targets - (machine.outputs_of(fields) - offset)
        if step in wanted:
            moment = Moment(step, machine, residuals)
            if not bool((moment.train_loss < np.inf).all()):
                raise NumericalFailure(f"gradient descent has diverged by step {step}")
            yield moment
        push = residuals[..., None] * machine.slope(fields)
        if machine.readout is not None:
            push = push * machine.readout[..., None, :]
        forward = spread(gain, 2) * (push.swapaxes(-1, -2) @ inputs)
        velocity = forward if training.momentum == 0 else training.momentum * velocity + forward
        readout = machine.readout
        if readout is not None:
            active = residuals[..., None, :] @ machine.activation(fields)
            turn = spread(gain, 1) * active[..., 0, :]
            readout_velocity = training.momentum * readout_velocity + turn
            readout = spread(shrink, 1) * readout + readout_velocity
        weights = spread(shrink, 2) * machine.weights + velocity
        machine = replace(machine, weights=weights, readout=readout)
