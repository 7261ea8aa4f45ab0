"""The loss of a homogeneous net at late times, with its constant and the first corrections."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.homogeneous import LateHomogeneousFlow
from verify.claims.homogeneous.late_flows import LATE, RISES, LateFlow
from verify.language import Basis, Claim, Ladder, Law, below, rate, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory:
    """t L x^(2-2/D) = (x/nu)^mean cos^cosine (1 + (next - 2/D)/x) / (D^degree gt^(margin/D))."""

    degree: float = stated(2.0, no_degree=(0.0, "without D^2"), degree_once=(1.0, "D for D^2"))
    margin: float = stated(
        2.0,
        no_margin=(0.0, "without the margin"),
        margin_once=(1.0, "the 1/D-th power of the margin"),
    )
    mean: float = stated(2.0, no_mean=(0.0, "x for nu"))
    cosine: float = stated(2.0, aligned=(0.0, "as if theta were along the gradient"))
    next: float = stated(2.0, no_next=(0.0, "1 - 2/(D x)"), next_once=(1.0, "1 + (1 - 2/D)/x"))


def laws(measured: LateFlow, theory: Theory) -> Iterator[Law]:
    degree = measured.degree
    found = measured.read(LateHomogeneousFlow.time_loss)
    margin = measured.read(LateHomogeneousFlow.log_margin)
    mean, cosine, _ = measured.flow.readings(measured.flow.flow.tight)
    bare = np.exp(-theory.margin / degree * margin.values) * cosine**theory.cosine
    bare = bare / (degree**theory.degree * mean**theory.mean)
    term = theory.next - 2.0 / degree
    ratio = found / bare
    ladder = Ladder.of("t L over its prediction", "log(1/L)", RISES, ratio / (1.0 + term / RISES))
    late = abs(ladder.measured[-1:] - 1.0)
    yield below("t L over its prediction, at L = e^-2000", late, 1e-3, Basis.MEASURED)
    # where one neuron takes over from another the prediction lags: the median is asked for
    last = (ratio[-1:] - 1.0) * RISES[-1]
    yield rate(
        "coefficient of 1/x, less its prediction",
        last - term,
        0.0,
        0.1,
        "x (t L / bare - 1) at x = 2000",
    )


@dataclass(frozen=True)
class Inverse:
    """t L is like x^power."""

    power: float = stated(
        0.0,
        root=(-0.5, "L = 1 / (t sqrt(log t))"),
        square=(-2.0, "L = 1 / (t log^2 t)"),
        three_halves=(-1.75, "L = 1 / (t (log t)^(7/4))"),
        grows=(1.0, "L = log(t) / t"),
        cube=(-3.0, "L = 1 / (t log^3 t)"),
    )


def inverse_laws(measured: LateFlow, theory: Inverse) -> Iterator[Law]:
    lost = 2.0 - 2.0 / measured.degree
    found = measured.read(LateHomogeneousFlow.time_loss) * RISES**-lost
    late = found.values[-1] / found.values[0]
    grown = (RISES[-1] / RISES[0]) ** theory.power
    change = abs(np.log(late / grown))
    yield below("log of the change of t L over its order", change, np.log(1.5), Basis.MEASURED)


CLAIMS = (
    Claim(
        id="homogeneous-loss-constant",
        title="The loss of a homogeneous net is 1 / (D^2 margin^(2/D) t (log t)^(2-2/D)), refined",
        statement=(
            r"t\, \ell\, x^{2-2/D} = \frac{1}{D^2 \tilde\gamma^{2/D}} \left(\frac{x}{\nu}\right)^2"
            r" \cos^2(\theta, G) \left(1 + \frac{2-2/D}{x}\right) (1 + o(1/x)),"
            r" \quad x = \log \tfrac1\ell"
        ),
        source=source_of("homogeneous-loss-constant"),
        measurement=LATE,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "at L = e^-2000: 1e-3; 2.2e-5 at most on 10 other nets, and a lag of |d log|G|^2 / dx| "
            "where one neuron takes over from another",
            "coefficient: 0.1 of 1 to 1.5, in the median",
        ),
    ),
    Claim(
        id="homogeneous-loss-like-one-over-t",
        title="As often read: the loss of a homogeneous net falls like 1/t",
        statement=r"\ell(t) \sim K / t",
        source=source_of("homogeneous-loss-like-one-over-t"),
        measurement=LATE,
        theory=Inverse(),
        laws=inverse_laws,
        tolerances=("a factor 1.5 while log(1/L) grows from 20 to 2000",),
        expected="falsified",
    ),
)
