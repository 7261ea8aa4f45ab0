"""One setting learned from its population, from a sample more, and from many training sets."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np
import torch

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Committee, QuadraticForm, Setting, Training
from theory.lazy_rich.online import Online, online_descent
from theory.lazy_rich.sampling_noise import PopulationRun
from verify.claims.lazy_rich.plain_descent import Descent
from verify.claims.lazy_rich.weights_flow import TOLERANCES, flow_of_weights, order_parameters
from verify.language import Quantity

SETS = ((256, 256), (1024, 128), (4096, 64))
"""Samples P, and how many training sets of that size."""
PROBES = 8
"""Samples by which the population is pulled."""
_STREAM = 10
ROUNDING = 1e-13
_TINY = 1e-100
"""Imaginary share of a sample in the population: a derivative without cancellation."""


@dataclass(frozen=True, eq=False)
class Population:
    """One setting.

    Attributes:
        terms: of the gradient by Stein's lemma, stacked, shape `(5, N, D)`.
        gradient: of the exact loss by automatic differentiation.
        flows: order parameters after the flow in the weights, with each of `TOLERANCES`.
        descent_gap: relative distance of descent in the weights from that in the span.
        noise: sqrt(E psi^2).
        pulled: derivative of the final loss in the share of each probe, `(PROBES,)`.
        response: psi at the probes.
        deviation: root mean square of L_P - L_infinity over sets of each size, `(3,)`, its leading
            part exact, with its standard error.
        remainder: the same of L_P - L_infinity - mean psi.
    """

    online: Online
    until: float
    terms: Floats
    gradient: Floats
    flows: tuple[Floats, Floats]
    descent_gap: float
    noise: float
    pulled: Floats
    response: Floats
    deviation: Quantity
    remainder: Quantity
    known: dict[float, Quantity] = field(default_factory=dict)

    def flow_gap(self, clock: float) -> Quantity:
        """Relative distance of that flow from the order parameters at so many times its time."""
        if clock not in self.known:
            course = self.online.flow([clock * self.until])
            found = self.online.pack(course.states[0])
            gap = Quantity.paired(lambda wanted: relative_gap(found, wanted), *self.flows, 0.0)
            self.known[clock] = gap + Quantity.of(0.0, course.error + TOLERANCES[0])
        return self.known[clock]


def population(setting: Setting, descent: Descent) -> Population:
    online, run = Online.of(setting), PopulationRun(setting)
    beta, last, first = setting.direction(), run.trajectory[-1], setting.weights()
    forces = online.forces(order_parameters(last, setting), last, beta, first)
    unit = 2.0 * setting.output_scale / (setting.width * setting.input_dim)
    named = (forces.linear, forces.curved, forces.trace, forces.target, forces.initial)
    span = next(online_descent(online, setting.step, [setting.steps]))
    until = setting.step * setting.steps
    tight, loose = (online.pack(flow_of_weights(setting, [until], rtol)[0]) for rtol in TOLERANCES)
    probes = setting.random(_STREAM).standard_normal((PROBES, setting.input_dim))
    probes /= sqrt(setting.input_dim)
    deviation, remainder = zip(*_deviations(run, descent), strict=True)
    return Population(
        online,
        until,
        unit * np.stack([np.broadcast_to(term, last.shape) for term in named]),
        _differentiated(run, last),
        (tight, loose),
        relative_gap(last, span.weights(first, beta)),
        sqrt(run.variance),
        _pulled(run, probes),
        run.response(probes),
        Quantity.joined(deviation),
        Quantity.joined(remainder),
    )


def relative_gap(found: Floats, expected: Floats) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _differentiated(run: PopulationRun, weights: Floats) -> Floats:
    """Gradient of the exact population loss, by automatic differentiation."""
    setting = run.setting
    variable = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    constant = setting.target() + run.offset
    form = Committee(variable, setting.output_scale, setting.curvature).form()
    target = QuadraticForm(torch.tensor(constant.linear), torch.tensor(constant.quadratic))
    (form - target).mean_square().total.backward()
    gradient: Floats = variable.grad.numpy()
    return gradient


def _pulled(run: PopulationRun, probes: Floats) -> Floats:
    """Derivative of the final loss in the share h of one sample, the population's being 1 - h.

    Descent itself, written out, with an imaginary share: exact to rounding.
    """
    setting = run.setting
    rate = setting.step * setting.input_dim * setting.width / (2.0 * setting.output_scale**2)
    wanted, share = (setting.target() + run.offset)(probes)[:, None], 1j * _TINY
    weights = np.repeat(setting.weights()[None].astype(complex), len(probes), axis=0)
    for _ in range(setting.steps):
        fields = np.einsum("knd,kd->kn", weights, probes)
        active = fields + 0.5 * setting.curvature * fields**2
        gap = setting.output_scale * active.mean(-1, keepdims=True) - wanted
        push = 2.0 * gap * (1.0 + setting.curvature * fields) * setting.output_scale / setting.width
        sample = push[..., None] * probes[:, None, :]
        weights = weights - rate * ((1.0 - share) * run.gradient(weights) + share * sample)
    losses = run.test_loss(replace(setting.committee(), weights=weights))
    derivative: Floats = np.imag(losses) / _TINY
    return derivative


def _deviations(run: PopulationRun, descent: Descent) -> Iterator[tuple[Quantity, Quantity]]:
    """Train on independent sets of each size, those of one size at once."""
    setting = run.setting
    for index, (samples, sets) in enumerate(SETS):
        drawn = setting.random(_STREAM + 1 + index)
        inputs = drawn.standard_normal((sets, samples, setting.input_dim)) / sqrt(setting.input_dim)
        training = Training(
            setting.committee(), inputs, setting.target()(inputs), setting.step, setting.centred
        )
        last = next(descent(training, [setting.steps]))
        deviations = run.test_loss(last.committee) - run.final_loss
        predicted = run.response(inputs).mean(-1)
        # E predicted^2 is known: only the rest of the mean square is left to chance
        rest = run.variance / samples + deviations**2 - predicted**2
        yield _root_mean(rest), _root_mean((deviations - predicted) ** 2)


def _root_mean(squares: Floats) -> Quantity:
    """sqrt(mean), with its standard error."""
    mean = Quantity.sampled(squares, deviations=1.0)
    if not mean.values[0] > 0.0:
        raise NumericalFailure(f"{len(squares)} training sets do not resolve the deviation")
    root = np.sqrt(mean.values)
    return Quantity.of(root, 0.5 * mean.errors / root)
