"""How far weights go: of a machine, of its linearisation, and of the interpolant with K0."""

from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Committee, Setting, Training, gradient_descent
from theory.lazy_rich.hard_tasks import (
    least_norm_form,
    linearised_movement,
    monomials,
    norm_of_form,
    samples_for_all,
)
from verify.instances import CommitteeInstance
from verify.language import Measurement, Quantity, in_words, observed_elsewhere
from verify.strategies.committee_training import lazy_instances

LADDER = (1, 2, 4, 8)
"""Multiples of the instance's alpha."""

ROUNDING = 1e-12
"""Of square movements of the linearised model, relative; below 1e-13 over 64 instances."""

DIFFERENCES = 4.0 * np.finfo(np.float64).eps
"""Times |theta| / |theta_k - theta_0| and |f_0| / |y|, what rounding of weights and of centred
outputs leaves of the network's square movement; at most 0.2 of it over 60 instances."""

GRADIENT_STEPS = 20
"""Steps of descent on the linearised model, parameter by parameter."""

AMPLIFIED = 32.0 * np.finfo(np.float64).eps
"""Times a condition number, what rounding leaves of a square norm; at most 5 eps over 64
instances."""


@dataclass(frozen=True, eq=False)
class Movement:
    """Square movements, and the kernel and the targets that predict them.

    Attributes:
        kernel, targets: the NTK `(P, P)` and the labels `(P,)`.
        rate: c = 2 eta / P.
        descended: |theta_k - theta_0|^2 of descent on the linearised model, k = `GRADIENT_STEPS`.
        least: square norm of its least interpolant.
        scales, moved: alpha, and the network's own square movements after all steps.
        rkhs: square norm of the interpolant of K0, at D (D + 3) / 2 samples, over
            (N/alpha^2) |beta|^4 / eps^2.
    """

    setting: Setting
    kernel: Floats
    targets: Floats
    rate: float
    descended: Quantity
    least: Quantity
    scales: Floats
    moved: Quantity
    rkhs: Quantity

    def predicted(
        self, steps: float, factor: float, power: float, exponent: float, kernel: float
    ) -> float:
        """factor y^T (kernel K)^-power (1 - (1 - c kernel K)^k)^exponent y."""
        matrix = kernel * self.kernel
        if power == 1 and exponent == 2:
            return factor * linearised_movement(matrix, self.targets, self.rate, steps)
        values, vectors = np.linalg.eigh(matrix)
        left = (1.0 - self.rate * values) ** steps if np.isfinite(steps) else 0.0 * values
        terms = (vectors.T @ self.targets) ** 2 * (1.0 - left) ** exponent
        return factor * float((terms / values**power).sum())


def measure(instance: CommitteeInstance) -> Movement:
    """By descent parameter by parameter, and least squares on Jacobian and features."""
    setting = instance.setting
    training = Training.of(_laddered(setting))
    (moment,) = gradient_descent(training, [setting.steps])
    moved = ((moment.committee.weights - training.committee.weights) ** 2).sum((-1, -2))
    machine, inputs, labels = setting.committee(), setting.inputs(), setting.labels()
    jacobian, rate = _jacobian(machine, inputs), _speed(setting) / setting.output_scale**2
    theta = np.zeros(jacobian.shape[1])
    for _ in range(GRADIENT_STEPS):
        theta += rate * jacobian.T @ (labels - jacobian @ theta)
    least = float((np.linalg.lstsq(jacobian, labels, rcond=1e-10)[0] ** 2).sum())
    enough = replace(setting, samples=samples_for_all(setting.input_dim))
    form = least_norm_form(enough.inputs(), enough.labels(), setting.curvature)
    unit = float((setting.direction() ** 2).sum()) ** 2 / setting.curvature**2
    rkhs = norm_of_form(form, setting.curvature) / unit
    features = monomials(enough.inputs(), setting.curvature)
    kernel, square = machine.kernel(inputs), float(theta @ theta)
    return Movement(
        setting,
        kernel,
        labels,
        rate,
        Quantity.of(square, ROUNDING * square),
        Quantity.of(least, AMPLIFIED * np.linalg.cond(kernel) * least),
        setting.output_scale * np.array(LADDER),
        Quantity.of(moved, moved * np.maximum(ROUNDING, _rounding(setting, moved))),
        Quantity.of(rkhs, AMPLIFIED * np.linalg.cond(features) * rkhs),
    )


def _laddered(setting: Setting) -> list[Setting]:
    return [replace(setting, output_scale=setting.output_scale * k) for k in LADDER]


def _rounding(setting: Setting, moved: Floats) -> Floats:
    """Of square movements, one for each multiple of alpha, relative to themselves."""
    machine = setting.committee()
    steps = np.linalg.norm(machine.weights) / np.sqrt(moved)
    start = np.linalg.norm(machine.outputs(setting.inputs())) * np.array(LADDER)
    return np.asarray(DIFFERENCES * (steps + start / np.linalg.norm(setting.labels())))


def _speed(setting: Setting) -> float:
    return setting.step * setting.input_dim * setting.width / setting.samples


def _jacobian(machine: Committee, inputs: Floats) -> Floats:
    """Of f at the inputs in the weights, shape `(P, N D)`, fixed readouts."""
    slopes = machine.slope(machine.fields(inputs)) * machine.output_scale / machine.width
    jacobian: Floats = (slopes[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1)
    return jacobian


def in_function_space(instance: CommitteeInstance) -> Movement:
    """By the Gram matrix of the Jacobian; the network's descents by themselves, step by step."""
    setting, found = instance.setting, measure(instance)
    jacobian = _jacobian(setting.committee(), setting.inputs())
    gram, dual = jacobian @ jacobian.T, np.zeros(len(found.targets))
    for _ in range(GRADIENT_STEPS):
        dual += found.rate * (found.targets - gram @ dual)
    moved = np.array([_own_movement(one) for one in _laddered(setting)])
    return replace(
        found,
        descended=Quantity.of(dual @ gram @ dual, found.descended.errors),
        least=Quantity.of(found.targets @ np.linalg.solve(gram, found.targets), found.least.errors),
        moved=Quantity.of(moved, found.moved.errors),
    )


def _own_movement(setting: Setting) -> float:
    start, inputs = setting.committee(), setting.inputs()
    labels, net = setting.labels() + start.outputs(inputs), start
    for _ in range(setting.steps):
        pull = (labels - net.outputs(inputs)) @ _jacobian(net, inputs)
        step = _speed(setting) / setting.output_scale**2 * pull
        net = replace(net, weights=net.weights + step.reshape(net.weights.shape))
    return float(((net.weights - start.weights) ** 2).sum())


def _slower(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(step=0.9 * instance.setting.step)


def _louder(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(signal=1.05 * instance.setting.signal)


LAZY_MOVEMENT = Measurement(
    "lazy-movement",
    CommitteeInstance,
    ("fixed-readouts",),
    lazy_instances,
    measure,
    in_words(
        "centred predictor, fixed readouts",
        "fewer samples than parameters, y in the range of K",
        "for the limit: D (D + 3) / 2 samples, infinite width",
    ),
    sabotaged={
        "linearised descent in steps 10 % shorter": observed_elsewhere(
            measure, _slower, "descended"
        ),
        "descent in steps 10 % shorter": observed_elsewhere(measure, _slower, "moved"),
        "least norm of labels 5 % larger": observed_elsewhere(measure, _louder, "least"),
    },
    independent=in_function_space,
)
