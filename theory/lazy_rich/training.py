"""Gradient descent on committee machines, many runs at once, in numpy or torch.

The loss is the mean of (f - y)^2 without a factor 1/2. One step is the flow time dt: the learning
rate is dt D N / (2 alpha^2), so that the first steps do not depend on alpha in function space.

Source: Kumar et al. (ICLR 2024), eq. 3; flow time is that of its preprint.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from theory.backend import Array
from theory.errors import InvalidInput, NumericalFailure
from theory.lazy_rich.committee import Committee, spread
from theory.lazy_rich.setting import Setting
from theory.requests import check_increasing, check_whole


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
        inputs = [setting.inputs() for setting in settings]
        trained = settings[0].trained_readout
        return cls(
            Committee(
                np.stack([machine.weights for machine in machines]),
                np.array([setting.output_scale for setting in settings]),
                np.array([setting.curvature for setting in settings]),
                np.stack([r for r in readouts if r is not None]) if trained else None,
            ),
            np.stack(inputs),
            np.stack([s.target()(own) for s, own in zip(settings, inputs, strict=True)]),
            np.array([setting.step for setting in settings]),
            settings[0].centred,
        )

    def on(self, device: str) -> "Training":
        """The same runs in torch, in float64, on a device ("cpu", "cuda")."""
        import torch

        def move(array: Array) -> Array:
            if array is None or isinstance(array, (int, float)):
                return array
            return torch.as_tensor(array, dtype=torch.float64, device=device)

        machine = self.committee
        return replace(
            self,
            committee=Committee(
                move(machine.weights),
                move(machine.output_scale),
                move(machine.curvature),
                move(machine.readout),
                machine.degree,
            ),
            inputs=move(self.inputs),
            targets=move(self.targets),
            step=move(self.step),
            weight_decay=move(self.weight_decay),
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

    @cached_property
    def train_loss(self) -> Array:
        """Shape `(...)`."""
        with np.errstate(over="ignore"):
            return (self.residuals**2).mean(-1)


Pullback = Callable[[Array], tuple[Array, Array | None]]


def outputs_and_pullback(machine: Committee, inputs: Array) -> tuple[Array, Pullback]:
    """f at the inputs, and the map from residuals to (N/alpha) sum_mu residual_mu grad f(x_mu).

    The gradient is that of the weights `(..., N, D)` and of the readouts `(..., N)`, None where
    they are fixed. Wide machines with fixed readouts and a quadratic activation go through wbar and
    M, in which every neuron obeys the same affine map: no array of P x N numbers is made.
    """
    if machine.readout is None and machine.degree == 2 and machine.width > machine.input_dim:
        return machine.form()(inputs), partial(_pull_all_alike, machine, inputs)
    fields = machine.fields(inputs)
    return machine.outputs_of(fields), partial(_pull_each, machine, inputs, fields)


def _pull_all_alike(machine: Committee, inputs: Array, residuals: Array) -> tuple[Array, None]:
    weighted = residuals[..., None] * inputs
    bent = machine.weights @ (inputs.swapaxes(-1, -2) @ weighted)
    return weighted.sum(-2)[..., None, :] + spread(machine.curvature, 2) * bent, None


def _pull_each(
    machine: Committee, inputs: Array, fields: Array, residuals: Array
) -> tuple[Array, Array | None]:
    push = residuals[..., None] * machine.slope(fields)
    if machine.readout is None:
        return push.swapaxes(-1, -2) @ inputs, None
    push = push * machine.readout[..., None, :]
    turn = (residuals[..., None, :] @ machine.activation(fields))[..., 0, :]
    return push.swapaxes(-1, -2) @ inputs, turn


def speed(training: Training) -> Array | float:
    """(2/(alpha P)) (D/2): what turns a pullback into d theta / dt of the flow time t."""
    machine = training.committee
    return machine.input_dim / (training.inputs.shape[-2] * machine.output_scale)


def gradient_descent(training: Training, at: Sequence[int]) -> Iterator[Moment]:
    """Full-batch gradient descent; yields the runs after each number of steps in `at`.

    Raises:
        InvalidInput: `at` is not an increasing sequence of whole numbers from 0 on.
        NumericalFailure: a run has diverged (found where it is yielded).
    """
    check_increasing("at", at)
    for count in at:
        check_whole("at", count, 0)
    state = _State(training.committee)
    offset = outputs_and_pullback(state.machine, training.inputs)[0] if training.centred else 0.0
    gain, shrink = training.step * speed(training), 1.0 - training.step * training.weight_decay
    wanted = set(at)
    for step in range(at[-1] + 1):
        residuals, following = _advanced(training, state, offset, gain, shrink)
        if step in wanted:
            moment = Moment(step, state.machine, residuals)
            if not bool((moment.train_loss < np.inf).all()):
                raise NumericalFailure(f"gradient descent has diverged by step {step}")
            yield moment
        state = following


@dataclass(frozen=True, eq=False)
class _State:
    machine: Committee
    velocity: Array = 0.0
    readout_velocity: Array = 0.0


@np.errstate(over="ignore", invalid="ignore")
def _advanced(
    training: Training, state: _State, offset: Array, gain: Array | float, shrink: Array | float
) -> tuple[Array, _State]:
    """The residuals, and the state one step later; a run that diverges goes to infinity or NaN."""
    machine, momentum = state.machine, training.momentum
    outputs, pullback = outputs_and_pullback(machine, training.inputs)
    residuals = training.targets - (outputs - offset)
    pull, turn = pullback(residuals)
    velocity = spread(gain, 2) * pull
    if momentum:
        velocity = velocity + momentum * state.velocity
    weights = spread(shrink, 2) * machine.weights + velocity
    if machine.readout is None or turn is None:
        return residuals, _State(replace(machine, weights=weights), velocity)
    readout_velocity = spread(gain, 1) * turn
    if momentum:
        readout_velocity = readout_velocity + momentum * state.readout_velocity
    readout = spread(shrink, 1) * machine.readout + readout_velocity
    following = replace(machine, weights=weights, readout=readout)
    return residuals, _State(following, velocity, readout_velocity)
