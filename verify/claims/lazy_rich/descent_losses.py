"""Test losses of a committee machine along a few steps of descent, and the terms of their formula.

Losses come from the machine's outputs alone, by quadrature that is exact for them: over a grid in
few dimensions, and by a rule of degree 5 at ten times the dimension.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Committee, Moment, QuadraticForm, Setting, Training, gradient_descent
from theory.lazy_rich.online import Online, OrderParameters
from theory.lazy_rich.quadratic_form import Decomposition
from theory.lazy_rich.quadrature import Quadrature, fifth_degree, gauss_hermite
from verify.instances import CommitteeInstance
from verify.language import Measurement, in_words, observed_elsewhere
from verify.strategies.committee_statics import READOUTS, static_instances

LARGER: Final = 10
"""The larger machine has so many times the instance's dimension."""

DIVERGED: Final = 1e6
"""A train loss beyond this is that of a descent that diverges."""

_ROTATION_STREAM: Final = 11


@dataclass(frozen=True, eq=False)
class Terms:
    """The three terms, each `(k,)` for k machines."""

    scale: Floats
    alignment: Floats
    linear: Floats

    @classmethod
    def of(cls, parts: list[Decomposition]) -> "Terms":
        """One machine an entry."""
        rows = [(part.scale, part.alignment, part.linear) for part in parts]
        return cls(*np.array(rows, dtype=np.float64).T)


@dataclass(frozen=True, eq=False)
class Losses:
    """One instance, measured.

    Attributes:
        setting: of the machine.
        exact: its test loss after each step of descent, from its outputs, `(k,)`.
        trained: by S and wbar of the trained predictor; `overlaps` by C and A, for fixed readouts.
        of_weights: by S and wbar of the weights, whatever was subtracted.
        without_readouts: by S and wbar as if readouts were 1.
        large_setting, large_exact, large: the same at `LARGER` times the dimension, after all
            steps, `(1,)`; terms by S and wbar.
    """

    setting: Setting
    exact: Floats
    trained: Terms
    overlaps: Terms | None
    of_weights: Terms
    without_readouts: Terms
    large_setting: Setting
    large_exact: Floats
    large: Terms

    def of_opposite_neurons(self, norm: float) -> float:
        """Exact loss of w = +-beta sqrt(norm / (alpha eps)), not centred."""
        setting = replace(self.setting, centred=False)
        arm = setting.direction() * np.sqrt(norm / (setting.output_scale * setting.curvature))
        readout = np.ones(2) if setting.trained_readout else None
        rows = np.stack([arm, -arm])
        net = Committee(rows, setting.output_scale, setting.curvature, readout)
        return _loss(setting, net, net, fifth_degree)


Rule = Callable[[int, float], Quadrature]


def grid(input_dim: int, variance: float) -> Quadrature:
    """Exact for polynomials of degree 5 in each coordinate."""
    return gauss_hermite(input_dim, 3, variance)


def measure(instance: CommitteeInstance, few: Rule = grid, many: Rule = fifth_degree) -> Losses:
    """Descend in the instance's dimension, by the rule `few`, and in a larger one, by `many`."""
    setting = instance.setting
    machines = list(_descent(setting))
    start = machines[0]
    bare = [replace(net, readout=None) for net in machines]
    # the same P / D
    larger = replace(
        setting, input_dim=LARGER * setting.input_dim, samples=LARGER * setting.samples
    )
    large_start, *_, large_end = _descent(larger)
    return Losses(
        setting,
        np.array([_loss(setting, start, net, few) for net in machines]),
        _terms([_trained(setting, start, net) for net in machines], setting),
        _overlap_terms(setting, machines),
        _terms([net.form() for net in machines], setting),
        _terms([_trained(setting, bare[0], net) for net in bare], setting),
        larger,
        np.array([_loss(larger, large_start, large_end, many)]),
        _terms([_trained(larger, large_start, large_end)], larger),
    )


def _descent(setting: Setting) -> Iterator[Committee]:
    """The machine after each step.

    Raises:
        NumericalFailure: descent has begun to diverge.
    """
    moments: Iterator[Moment] = gradient_descent(
        Training.of([setting]), tuple(range(setting.steps + 1))
    )
    for moment in moments:
        if not float(moment.train_loss[0]) < DIVERGED:
            raise NumericalFailure(f"descent diverges: train loss {moment.train_loss[0]:g}")
        net = moment.committee
        readout = None if net.readout is None else net.readout[0]
        yield Committee(net.weights[0], setting.output_scale, setting.curvature, readout)


def _trained(setting: Setting, start: Committee, now: Committee) -> QuadraticForm:
    return now.form() - start.form() if setting.centred else now.form()


def _loss(setting: Setting, start: Committee, now: Committee, rule: Rule) -> float:
    """E (f - y)^2 from the machine's outputs, without any statistic."""
    over = rule(setting.input_dim, 1.0 / setting.input_dim)
    outputs = now.outputs(over.points) - (start.outputs(over.points) if setting.centred else 0.0)
    misfit = outputs - 0.5 * (over.points @ setting.direction()) ** 2
    return float(over.mean(misfit**2))


def _terms(forms: list[QuadraticForm], setting: Setting) -> Terms:
    return Terms.of([(form - setting.target()).mean_square() for form in forms])


def _overlap_terms(setting: Setting, machines: list[Committee]) -> Terms | None:
    """Without D: by overlaps of neurons with each other, with their start and with beta."""
    if setting.trained_readout:
        return None
    online, beta, start = Online.of(setting), setting.direction(), machines[0].weights
    rows = [net.weights for net in machines]
    overlaps = [(w @ w.T, w @ beta, w @ start.T) for w in rows]
    states = [OrderParameters(*(one / setting.input_dim for one in found)) for found in overlaps]
    return Terms.of([online.loss(state) for state in states])


def _turned(instance: CommitteeInstance) -> Losses:
    """By one rule in all dimensions, its points turned at random: another set of points."""

    def rule(input_dim: int, variance: float) -> Quadrature:
        return fifth_degree(input_dim, variance).turned(instance.setting.random(_ROTATION_STREAM))

    return measure(instance, rule, rule)


def _louder(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(signal=1.05 * instance.setting.signal)


DESCENT_LOSSES = Measurement(
    "descent-losses",
    CommitteeInstance,
    READOUTS,
    static_instances,
    measure,
    in_words("quadratic activation", "x ~ N(0, I/D)", "y = (beta.x)^2 / 2"),
    sabotaged={
        "losses of labels 5 % larger": observed_elsewhere(measure, _louder, "exact"),
        "losses of labels 5 % larger in the larger dimension": observed_elsewhere(
            measure, _louder, "large_exact"
        ),
    },
    independent=_turned,
)
