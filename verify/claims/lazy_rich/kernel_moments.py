"""The moments of the alignment between NTK and target, from the kernel at exact quadrature points.

Kernels are those of the machine by their definition, without any statistic of the weights; what a
theory is made of are their invariants.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Committee, Setting, Training, gradient_descent
from theory.lazy_rich.alignment import AlignmentMoments, Centring, alignment_moments
from theory.lazy_rich.quadrature import Quadrature, fifth_degree
from verify.instances import CommitteeInstance
from verify.language import Measurement, in_words, observed_elsewhere
from verify.strategies.committee_statics import FIXED, aligned_instances

CENTRINGS: Final[tuple[Centring, ...]] = ("none", "both", "one-sided")

_ROTATION_STREAM: Final = 12


@dataclass(frozen=True)
class Moments:
    """E y k y', E k^2 and E y^2 over independent inputs, centred one way; k is K N / alpha^2."""

    numerator: float
    square: float
    label_square: float


@dataclass(frozen=True)
class Invariants:
    """D, eps and B; tr M, tr M^2, beta^T M beta and |wbar|^2 of the weights."""

    dimension: int
    curvature: float
    signal: float
    trace: float
    trace_square: float
    along: float
    mean_square: float


@dataclass(frozen=True)
class Alignments:
    """One machine: its invariants, its moments by quadrature, and those of the formulas."""

    invariants: Invariants
    moments: Mapping[Centring, Moments]
    formulas: Mapping[Centring, AlignmentMoments]


Rule = Callable[[int, float], Quadrature]


def measure(instance: CommitteeInstance, rule: Rule = fifth_degree) -> Alignments:
    """The moments after all steps of descent but the last."""
    setting = instance.setting
    net, beta = _machine(setting), setting.direction()
    over = rule(setting.input_dim, 1.0 / setting.input_dim)
    kernel = net.kernel(over.points) * setting.width / setting.output_scale**2
    labels = 0.5 * (over.points @ beta) ** 2
    moment = np.einsum("ik,il->kl", net.weights, net.weights) / setting.width
    invariants = Invariants(
        setting.input_dim,
        setting.curvature,
        setting.signal,
        float(np.trace(moment)),
        float((moment**2).sum()),
        float(beta @ moment @ beta),
        float((net.weights.sum(0) ** 2).sum()) / setting.width**2,
    )
    return Alignments(
        invariants,
        {centring: _moments(over, kernel, labels, centring) for centring in CENTRINGS},
        {centring: alignment_moments(net, beta, centring) for centring in CENTRINGS},
    )


def _machine(setting: Setting) -> Committee:
    """At its start where there is one step; else as descent has left it."""
    (moment,) = gradient_descent(Training.of([setting]), [setting.steps - 1])
    return Committee(moment.committee.weights[0], setting.output_scale, setting.curvature)


def _moments(over: Quadrature, kernel: Floats, labels: Floats, centring: Centring) -> Moments:
    """Centred by the means of the population."""
    if centring != "none":
        kernel = kernel - over.weights @ kernel
        labels = labels - over.mean(labels)
    square = float(over.mean(over.mean(kernel**2)))
    if centring == "both":
        centred = kernel - over.mean(kernel)[:, None]
        square = float(over.mean(over.mean(centred**2)))
    numerator = over.mean(labels * over.mean(kernel * labels))
    return Moments(float(numerator), square, float(over.mean(labels**2)))


def _turned(instance: CommitteeInstance) -> Alignments:
    """At the same points turned at random."""

    def rule(input_dim: int, variance: float) -> Quadrature:
        return fifth_degree(input_dim, variance).turned(instance.setting.random(_ROTATION_STREAM))

    return measure(instance, rule)


def _bent(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(curvature=1.05 * instance.setting.curvature)


KERNEL_MOMENTS = Measurement(
    "kernel-moments",
    CommitteeInstance,
    (FIXED,),
    lambda families, _: aligned_instances(families),
    measure,
    in_words("quadratic activation", "fixed readouts", "x ~ N(0, I/D)", "y = (beta.x)^2 / 2"),
    sabotaged={"eps 5 % larger": observed_elsewhere(measure, _bent, "moments")},
    independent=_turned,
)
