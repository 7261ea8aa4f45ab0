"""The test loss of the committee machine is a sum of three squares: scale, alignment, linear part.

Each machine is followed through a few steps of descent. Its loss is measured by exact quadrature
over inputs, from its outputs alone, and at ten times the dimension by sampled inputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Committee, Moment, QuadraticForm, Setting, Training, gradient_descent
from theory.lazy_rich.quadrature import gauss_hermite
from verify.claims.base import Assertions, Bound, Claim, Rival
from verify.instances import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_statics import READOUTS, static_instances

ROUNDING: Final = 1e-10
"""Relative to the loss and E y^2 together; float64 loses less than 1e-13 of them."""

POINTS: Final = 20_000
LARGER: Final = 10
"""The machine with sampled inputs has so many times the instance's dimension."""

STANDARD_ERRORS: Final = 6.0
"""The standard error is that of the exact variance. Squares of quadratic forms have a skewness of
about 10, which is 0.07 for their mean over so many points: it stays close to a Gaussian."""

NORMS: Final = (1.0, 2.0)
"""|w|^2 / D of the two neurons of a machine without loss, over B / (alpha eps)."""

_POINTS_STREAM: Final = 11


@dataclass(frozen=True)
class Theory:
    """L = scale (tr S / D)^2 / 4 + alignment |S|^2 / (2 D^2) + linear alpha^2 |wbar|^2 / D.

    Attributes:
        scale, alignment, linear: factors of the three terms; 1 as stated.
        correction: c of a factor D / (D + c) in the alignment.
        with_output_scale: the linear term has its alpha^2.
        as_trained: wbar and M are those by which the trained predictor differs from its start;
            else those of the weights, also for centred machines.
        with_readouts: wbar and M have the readouts in them.
        minimum: |w|^2 / D of a machine without loss, over B / (alpha eps).
    """

    scale: float = 1.0
    alignment: float = 1.0
    linear: float = 1.0
    correction: float = 0.0
    with_output_scale: bool = True
    as_trained: bool = True
    with_readouts: bool = True
    minimum: float = 1.0


@dataclass(frozen=True)
class Terms:
    """The three terms."""

    scale: float
    alignment: float
    linear: float


@dataclass(frozen=True)
class State:
    """One machine after some steps.

    Attributes:
        exact: its test loss by quadrature.
        terms: by S and wbar, those of the trained predictor.
        overlaps: the same by C and A.
        of_weights: by S and wbar of the weights, whatever was subtracted.
        without_readouts: by S and wbar as if readouts were 1.
    """

    exact: float
    terms: Terms
    overlaps: Terms
    of_weights: Terms
    without_readouts: Terms


@dataclass(frozen=True)
class Losses:
    """One instance, measured.

    Attributes:
        setting: of the machine.
        states: at every step of its descent.
        large: the same machine in more dimensions at the end of its descent: terms alone.
        sampled, standard_error: its loss on sampled inputs; the error by the exact variance.
        minima: exact loss of two opposite neurons along beta, at each of `NORMS`.
    """

    setting: Setting
    states: tuple[State, ...]
    large: Terms
    sampled: float
    standard_error: float
    minima: tuple[float, ...]


def measure(instance: CommitteeInstance) -> Losses:
    setting = instance.setting
    large = _larger(setting)
    start, *_, end = _descent(large)
    error = _trained(large, start, end) - large.target()
    points = large.random(_POINTS_STREAM).standard_normal((POINTS, large.input_dim))
    losses = _misfit(large, start, end, points / np.sqrt(large.input_dim)) ** 2
    exact = error.mean_square()
    variance = fourth_moment(error) - float(exact.total) ** 2
    machines = list(_descent(setting))
    return Losses(
        setting,
        tuple(_state(setting, machines[0], machine) for machine in machines),
        Terms(float(exact.scale), float(exact.alignment), float(exact.linear)),
        float(losses.mean()),
        float(np.sqrt(variance / POINTS)),
        tuple(_opposite_neurons(setting, norm) for norm in NORMS),
    )


def _larger(setting: Setting) -> Setting:
    """The same setting in `LARGER` times the dimension, at the same P / D."""
    return replace(setting, input_dim=LARGER * setting.input_dim, samples=LARGER * setting.samples)


def _descent(setting: Setting) -> Iterator[Committee]:
    """The machine after each step.

    Raises:
        NumericalFailure: descent has begun to diverge.
    """
    moments: Iterator[Moment] = gradient_descent(
        Training.of([setting]), tuple(range(setting.steps + 1))
    )
    for moment in moments:
        if not float(moment.train_loss[0]) < 1e6:
            raise NumericalFailure(f"descent diverges: train loss {moment.train_loss[0]:g}")
        net = moment.committee
        readout = None if net.readout is None else net.readout[0]
        yield Committee(net.weights[0], setting.output_scale, setting.curvature, readout)


def _trained(setting: Setting, start: Committee, now: Committee) -> QuadraticForm:
    return now.form() - start.form() if setting.centred else now.form()


def _misfit(setting: Setting, start: Committee, now: Committee, inputs: Floats) -> Floats:
    """f - y from the machine's outputs, without any statistic."""
    outputs = now.outputs(inputs) - (start.outputs(inputs) if setting.centred else 0.0)
    misfit: Floats = outputs - 0.5 * (inputs @ setting.direction()) ** 2
    return misfit


def _state(setting: Setting, start: Committee, now: Committee) -> State:
    over = gauss_hermite(setting.input_dim, 3, 1.0 / setting.input_dim)
    plain, plain_start = replace(now, readout=None), replace(start, readout=None)
    return State(
        float(over.mean(_misfit(setting, start, now, over.points) ** 2)),
        _terms(_trained(setting, start, now), setting),
        _overlap_terms(setting, start, now),
        _terms(now.form(), setting),
        _terms(_trained(setting, plain_start, plain), setting),
    )


def _terms(form: QuadraticForm, setting: Setting) -> Terms:
    parts = (form - setting.target()).mean_square()
    return Terms(float(parts.scale), float(parts.alignment), float(parts.linear))


def _overlap_terms(setting: Setting, start: Committee, now: Committee) -> Terms:
    """Without D: by overlaps of neurons with each other and with beta.

    What was subtracted counts as further neurons, with readouts of the other sign.
    """
    machines = ((1.0, now), (-1.0, start)) if setting.centred else ((1.0, now),)
    weights = np.concatenate([net.weights for _, net in machines])
    ones = np.ones(setting.width)
    signs = np.concatenate(
        [sign * (ones if net.readout is None else net.readout) for sign, net in machines]
    )
    C = weights @ weights.T / setting.input_dim
    A = weights @ setting.direction() / setting.input_dim
    B = setting.signal
    scale = setting.output_scale / setting.width
    bent = scale * setting.curvature
    return Terms(
        float((bent * (signs @ np.diag(C)) - B) ** 2 / 4.0),
        float((bent**2 * (signs @ C**2 @ signs) - 2.0 * bent * (signs @ A**2) + B**2) / 2.0),
        float(scale**2 * (signs @ C @ signs)),
    )


def fourth_moment(form: QuadraticForm) -> float:
    """E f(x)^4 over x ~ N(0, I/D), from the cumulants of f along the eigenvectors of Q."""
    dimension = len(form.linear)
    values, vectors = np.linalg.eigh(form.quadratic)
    bent = values / dimension
    straight = (form.linear @ vectors) ** 2 / dimension
    mean, second, third, fourth = (
        0.5 * bent.sum(),
        0.5 * (bent**2).sum() + straight.sum(),
        (bent**3).sum() + 3.0 * (straight * bent).sum(),
        3.0 * (bent**4).sum() + 12.0 * (straight * bent**2).sum(),
    )
    moment = fourth + 4.0 * third * mean + 3.0 * second**2 + 6.0 * second * mean**2 + mean**4
    return float(moment)


def _opposite_neurons(setting: Setting, norm: float) -> float:
    """Exact loss of w = +-beta sqrt(norm / (alpha eps)), by quadrature, not centred."""
    beta = setting.direction()
    arm = beta * np.sqrt(norm / (setting.output_scale * setting.curvature))
    readout = np.ones(2) if setting.trained_readout else None
    net = Committee(np.stack([arm, -arm]), setting.output_scale, setting.curvature, readout)
    over = gauss_hermite(setting.input_dim, 3, 1.0 / setting.input_dim)
    plain = replace(setting, centred=False)
    return float(over.mean(_misfit(plain, net, net, over.points) ** 2))


def _total(terms: Terms, theory: Theory, setting: Setting) -> float:
    dimension = setting.input_dim
    linear = theory.linear if theory.with_output_scale else theory.linear / setting.output_scale**2
    return (
        theory.scale * terms.scale
        + theory.alignment * dimension / (dimension + theory.correction) * terms.alignment
        + linear * terms.linear
    )


def assertions(losses: Losses, theory: Theory) -> Assertions:
    setting = losses.setting
    label_square = 0.75 * setting.signal**2
    bounds: list[Bound] = []
    for step, state in enumerate(losses.states):
        terms = state.terms if theory.as_trained else state.of_weights
        if not theory.with_readouts:
            terms = state.without_readouts
        stated = {"S": terms}
        if theory.as_trained and theory.with_readouts:
            stated["C and A"] = state.overlaps
        for name, entry in stated.items():
            error = abs(_total(entry, theory, setting) - state.exact)
            # C and A cancel in the alignment, in terms as large as the loss and E y^2
            size = state.exact + label_square
            bounds.append(Bound(f"loss by {name}, step {step}", error / size, ROUNDING))
    sampled = abs(losses.sampled - _total(losses.large, theory, _larger(setting)))
    minimum = losses.minima[NORMS.index(theory.minimum)]
    return Assertions(
        (
            *bounds,
            Bound(
                "sampled loss, in standard errors",
                sampled / losses.standard_error,
                STANDARD_ERRORS,
            ),
            Bound("loss of opposite neurons along beta", minimum / label_square, ROUNDING),
        )
    )


_TRUE = Theory()

CLAIM = Claim(
    id="loss-decomposition",
    title="The test loss is scale + alignment + linear term, exactly",
    statement=(
        r"L = \left(\tfrac{\mathrm{tr}\,S}{2D}\right)^2 + \tfrac{\|S\|_F^2}{2D^2}"
        r" + \tfrac{\alpha^2 |\bar w|^2}{D}, \quad S = \alpha\epsilon M - \beta\beta^\top"
    ),
    source=source_of("loss-decomposition"),
    assumptions=("quadratic activation", "x ~ N(0, I/D)", "y = (beta.x)^2 / 2"),
    instances=static_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("no-scale", "alignment and linear term alone", replace(_TRUE, scale=0.0)),
        Rival("no-linear", "scale and alignment alone", replace(_TRUE, linear=0.0)),
        Rival("no-half", "the alignment is |S|^2 / D^2", replace(_TRUE, alignment=2.0)),
        Rival(
            "finite-dimension",
            "the alignment is |S|^2 / (2 D (D + 2))",
            replace(_TRUE, correction=2.0),
        ),
        Rival(
            "without-output-scale",
            "the linear term is |wbar|^2 / D",
            replace(_TRUE, with_output_scale=False),
        ),
        Rival("scale-not-halved", "the scale is (tr S / D)^2", replace(_TRUE, scale=4.0)),
        Rival(
            "statistics-of-the-weights",
            "wbar and M of the weights also where the initial predictor is subtracted",
            replace(_TRUE, as_trained=False),
        ),
        Rival(
            "readouts-left-out",
            "wbar and M without the trained readouts",
            replace(_TRUE, with_readouts=False),
        ),
        Rival(
            "summed-minimum",
            "no loss at w = +-beta sqrt(2 / (alpha eps))",
            replace(_TRUE, minimum=2.0),
        ),
    ),
    tolerances=(
        f"identities: {ROUNDING:g} of the loss and E y^2; float64 loses less than 1e-13",
        f"sampled loss: {STANDARD_ERRORS:g} standard errors of {POINTS} points, from the exact "
        "fourth moment",
    ),
    families=READOUTS,
    kind=CommitteeInstance,
)
