"""Kernels of rectifier nets fluctuate more with every layer: exactly (1 + 5/m)^l."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.infinite_width import drawn_kernels, kernel_spread
from verify.language import Claim, Ladder, Law, Measurement, Quantity, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.infinite_width import ACTIVATIONS, TwoInputs, two_inputs

WIDTHS = (24, 48, 96)
DRAWS = (18_000, 14_000, 12_000)
LAYERS = 3


@dataclass(frozen=True, eq=False)
class Spreads:
    """E K(x,x) over that of infinite width, and Var K / (E K)^2: `(9,)`, layers of each width."""

    means: Quantity
    variances: Quantity


def measure(told: TwoInputs, leaky: bool = False, by_weights: bool = False) -> Spreads:
    """In a wrong world neurons come in equal pairs; `by_weights` with fewer nets."""
    rng, phi = np.random.default_rng([told.seed, int(by_weights)]), told.phi
    rows: list[Floats] = []
    errors: list[Floats] = []
    infinite = phi.variance * told.inputs[0] @ told.inputs[0] / 2.0
    for width, most in zip(WIDTHS, DRAWS, strict=True):
        draws = most // (width // 3) if by_weights else most
        used = width // 2 if leaky else width
        drawn, _ = drawn_kernels(rng, phi, told.inputs, used, LAYERS, draws, by_weights=by_weights)
        values = drawn[:, :, 0] / infinite
        mean, variance = values.mean(axis=0), values.var(axis=0)
        relative = variance / mean**2
        off = values / mean - 1.0
        influence = off**2 - relative - 2.0 * relative * off
        rows += [mean, relative]
        errors += [values.std(axis=0), influence.std(axis=0)]
        errors[-2:] = [4.0 * error / np.sqrt(draws) for error in errors[-2:]]
    means = Quantity.of(np.concatenate(rows[::2]), np.concatenate(errors[::2]))
    return Spreads(means, Quantity.of(np.concatenate(rows[1::2]), np.concatenate(errors[1::2])))


@dataclass(frozen=True)
class Theory:
    """E K^2 / (E K)^2 = (1 + each / m)^(l + layers), and E K = mean^l K."""

    each: float = stated(
        5.0,
        gaussian=(3.0, "1 + 3/m"),
        chi_square=(2.0, "1 + 2/m, as of linear neurons"),
        kurtosis=(6.0, "1 + 6/m, with E z^4 for its variance"),
    )
    layers: int = stated(0, one_less=(-1, "(1 + 5/m)^(l-1)"), one_more=(1, "(1 + 5/m)^(l+1)"))
    mean: float = stated(1.0, half=(0.5, "s^2 = 1"))


def laws(measured: Spreads, theory: Theory) -> Iterator[Law | Ladder]:
    widths, layers = np.repeat(WIDTHS, LAYERS), np.tile(np.arange(1, LAYERS + 1), len(WIDTHS))
    predicted = kernel_spread(widths, layers + theory.layers, theory.each) - 1.0
    yield equals("E K over that of infinite width", measured.means, theory.mean**layers, 0.06)
    true = kernel_spread(widths, layers) - 1.0
    found = measured.variances / true
    yield equals("Var K / (E K)^2", found, predicted / true, 0.15, at=widths)
    deepest = slice(LAYERS - 1, None, LAYERS)
    yield Ladder.of(
        "Var K / (E K)^2 after 3 layers",
        "width",
        WIDTHS,
        measured.variances[deepest],
        predicted[deepest],
    )


CLAIM = Claim(
    id="kernel-fluctuations",
    title="Kernels of rectifier nets of width m and depth l have E K^2 / (E K)^2 = (1 + 5/m)^l",
    statement=(
        r"\mathbb{E} K^{(m)}_l(x,x) = K_l(x,x), \quad"
        r" \frac{\mathbb{E} K^{(m)}_l(x,x)^2}{(\mathbb{E} K^{(m)}_l(x,x))^2} = (1 + 5/m)^l"
    ),
    source=source_of("kernel-fluctuations"),
    measurement=Measurement(
        "rectifier-spreads",
        TwoInputs,
        ACTIVATIONS[:1],
        two_inputs,
        measure,
        in_words("rectifiers", "no biases", "normal weights, s^2 = 2"),
        sabotaged={"neurons in equal pairs": lambda told: measure(told, leaky=True)},
        independent=lambda told: measure(told, by_weights=True),
        thrift=3,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "variances: 15 %, four standard errors being up to 10 %",
        "means: 6 %, four standard errors being up to 3 %",
    ),
)
