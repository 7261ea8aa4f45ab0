"""Norms of neurons bound the margin on all pairs, for every net; few neurons do best."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.modular_addition import (
    addition_problem,
    ascended_neuron,
    closed_form_net,
    effective_neurons,
    largest_margin,
    largest_neuron_margin,
    neuron_margins,
    neuron_norms,
    quadratic_net,
)
from theory.nets import TwoLayer
from verify.language import (
    Basis,
    Claim,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    equals,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.modular_addition import STATES, NetState, net_states

ROUNDING = 1e-11
"""Of margins, relative to the largest; those of 10^4 additions."""


@dataclass(frozen=True, eq=False)
class Margins:
    """Of one net on all pairs, each margin in units of |theta|^3.

    Attributes:
        least, mean: of all p^2 (p-1) margins.
        of_neurons: sum of the mean margins of neurons, by their formula.
        cubes: sum r^3, in the same units.
        effective: M_eff.
    """

    least: float
    mean: float
    of_neurons: float
    cubes: float
    effective: float


@dataclass(frozen=True, eq=False)
class Bounds:
    """The net of the instance, an exact one, and the best neuron that ascent finds."""

    told: NetState
    net: Margins
    exact: Margins
    neuron: float


def margins_of(net: TwoLayer, theta: Floats, pairs: slice) -> Margins:
    """On a part of all pairs; all of them but in a wrong world."""
    problem = addition_problem(net, theta)
    found = np.asarray(problem.row_net.outputs(theta, problem.inputs))
    margins = found.reshape(problem.samples, -1)[pairs]
    norms, size = neuron_norms(net, theta), float(np.linalg.norm(theta))
    return Margins(
        float(margins.min()) / size**3,
        float(margins.mean()) / size**3,
        float(neuron_margins(net, theta).sum()) / size**3,
        float((norms**3).sum()) / size**3,
        effective_neurons(norms),
    )


def measure(told: NetState, of_pairs: float = 1.0) -> Bounds:
    """In a wrong world margins are those of some of the pairs."""
    pairs = slice(None, int(of_pairs * told.modulus**2))
    exact = closed_form_net(told.modulus)
    start = np.random.default_rng(told.seed).standard_normal((3, told.modulus))
    neuron = ascended_neuron(start)[0].ravel()
    alone = margins_of(quadratic_net(told.modulus, 1), neuron, pairs)
    own = margins_of(*told.state(exact), pairs)
    return Bounds(told, own, margins_of(*exact, pairs), alone.mean)


def root_of_all(modulus: int) -> float:
    return largest_neuron_margin(modulus) * (modulus - 1) / modulus


def power_of_others(modulus: int) -> float:
    return largest_neuron_margin(modulus) / float(np.sqrt(modulus - 1.0))


def of_cubes(margins: Margins) -> float:
    return margins.cubes


def as_one_neuron(margins: Margins) -> float:
    del margins
    return 1.0


def over_neurons(margins: Margins) -> float:
    return 1.0 / margins.effective


@dataclass(frozen=True)
class Theory:
    """q_min <= factor gamma_1 sum r^3."""

    factor: float = stated(
        1.0,
        one_27th=(np.sqrt(0.5), "sqrt(1/27)"),
        two_thirds=(3.0, "sqrt(2/3), with |w| = |u| = |v| = 1"),
    )
    gamma: Callable[[int], float] = choice(
        largest_neuron_margin,
        root_of_all=(root_of_all, "sqrt(2/27) / p^(3/2)"),
        power_of_others=(power_of_others, "sqrt(2/27) / (sqrt(p) (p-1)^(3/2))"),
    )
    norm: Callable[[Margins], float] = choice(
        of_cubes,
        l2=(as_one_neuron, "|theta|^3, as if neurons were one"),
        over_neurons=(over_neurons, "|theta|^3 / M_eff"),
    )


def laws(measured: Bounds, theory: Theory) -> Iterator[Law]:
    gamma = theory.factor * theory.gamma(measured.told.modulus)

    def share(margin: float, net: Margins) -> Quantity:
        return Quantity.of(margin / (gamma * theory.norm(net)), ROUNDING)

    net, exact = measured.net, measured.exact
    room = 1.0 + 2.0 * ROUNDING
    yield below("smallest margin over its bound", share(net.least, net), room, Basis.DERIVED)
    yield below("mean margin over its bound", share(net.mean, net), room, Basis.DERIVED)
    formula = Quantity.of((net.of_neurons - net.mean) / gamma, ROUNDING)
    yield equals("mean margin is the sum over neurons", formula, 0.0, 1e-9)
    neuron = Quantity.of(measured.neuron / gamma, ROUNDING)
    yield equals("largest mean margin of a neuron, by ascent", neuron, 1.0, 1e-9)
    yield equals("share of its bound that an exact net has", share(exact.least, exact), 1.0, 1e-9)
    count = largest_margin(measured.told.modulus, net.effective)
    ratio = gamma * theory.norm(net) / count
    yield equals("bound by norms is that by M_eff", ratio, 1.0, 1e-9, error=ROUNDING)


CLAIM = Claim(
    id="modular-margin-bound",
    title="The margin of addition mod p is at most gamma_1 times the sum of r^3 over neurons",
    statement=(
        r"\min q \le \gamma_1 \sum_m r_m^3, \quad"
        r" \gamma_1 = \frac{\sqrt{2/27}}{\sqrt{p} (p-1)}, \quad"
        r" \frac{\min q}{\|\theta\|^3} \le \frac{\gamma_1}{\sqrt{M_{\mathrm{eff}}}}, \quad"
        r" M_{\mathrm{eff}} = \frac{(\sum r^2)^3}{(\sum r^3)^2}"
    ),
    source=source_of("modular-margin-bound"),
    measurement=Measurement(
        "modular-margin",
        NetState,
        STATES,
        net_states,
        measure,
        in_words("all p^2 pairs", "p odd", "a quadratic net, a class for each sum"),
        sabotaged={"margins of three quarters of the pairs": lambda told: measure(told, 0.75)},
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "margins over their bounds: 1, proved; rounding of 1e-11",
        "identities and the ascent: 1e-9; ascent ends at 1 within 1e-14",
    ),
)
