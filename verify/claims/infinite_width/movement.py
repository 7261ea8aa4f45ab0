"""What moves in wide nets while they train, in the scaling of the tangent kernel and in muP."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.infinite_width import Scaling, movement
from verify.language import Claim, Ladder, Law, Measurement, Quantity, in_words, stated
from verify.registry import source_of
from verify.strategies.infinite_width import WideTask, wide_tasks

WIDTHS = np.array([64, 128, 256, 512])
NETS, STEPS, RATE = 5, 5, 0.2
WHAT = ("features", "spectral", "frobenius", "output")
MOVED = {
    "features": "change of features",
    "spectral": "|dW2| / |W2|, spectral",
    "frobenius": "|dW2| / |W2|, Frobenius",
    "output": "change of outputs",
}


@dataclass(frozen=True, eq=False)
class Moved:
    """Root mean squares over nets, `(4, 4)`: widths by what `WHAT` lists, for either scaling."""

    tangent: Floats
    maximal: Floats

    def ladder(self, scaling: Scaling, what: str, exponent: float) -> Ladder:
        """One of them with its width, and the power that starts where it does."""
        column = (self.tangent if scaling == "NTP" else self.maximal)[:, WHAT.index(what)]
        # exact for these nets; how nets differ shows in the median over tasks
        known = Quantity.rounded(column, column, 1e4)
        course = column[0] * (WIDTHS / WIDTHS[0]) ** exponent
        return Ladder.of(f"{MOVED[what]}, {scaling}", "width", WIDTHS, known, course)


def measure(task: WideTask, tangent: Scaling = "NTP") -> Moved:
    """In a wrong world nets that are told to be of the tangent kernel's scaling are of muP."""

    def found(scaling: Scaling) -> Floats:
        rows = []
        for width in WIDTHS.tolist():
            nets = [
                movement(
                    np.random.default_rng([task.seed, net]),
                    *task.data,
                    width,
                    scaling,
                    steps=STEPS,
                    rate=RATE,
                )
                for net in range(NETS)
            ]
            table = np.array([[getattr(net, what) for what in WHAT] for net in nets])
            rows.append(np.sqrt((table**2).mean(axis=0)))
        return np.array(rows)

    return Moved(found(tangent), found("muP"))


@dataclass(frozen=True)
class Theory:
    """Exponents in the width of changes of features and of the middle matrix."""

    ntp_features: float = stated(
        -0.5,
        ntp_first_order=(-1.0, "1/m with the tangent kernel's scaling"),
        ntp_slow=(-0.25, "m^(-1/4) with it"),
        ntp_moves=(0.0, "features move with it"),
    )
    ntp_frobenius: float = stated(-1.0, ntp_frobenius_as_spectral=(-0.5, "m^(-1/2) for both norms"))
    mup_features: float = stated(0.0, mup_rests=(-0.5, "features of muP move like m^(-1/2)"))
    mup_frobenius: float = stated(-0.5, mup_frobenius_rests=(-1.0, "1/m in muP"))
    mup_spectral: float = stated(0.0, mup_spectral_rests=(-0.5, "m^(-1/2) in the spectral norm"))


def laws(measured: Moved, theory: Theory) -> Iterator[Law]:
    stated_exponents: tuple[tuple[Scaling, str, float], ...] = (
        ("NTP", "features", theory.ntp_features),
        ("NTP", "frobenius", theory.ntp_frobenius),
        ("muP", "features", theory.mup_features),
        ("muP", "frobenius", theory.mup_frobenius),
        ("muP", "spectral", theory.mup_spectral),
        ("NTP", "output", 0.0),
        ("muP", "output", 0.0),
    )
    for scaling, what, exponent in stated_exponents:
        ladder = measured.ladder(scaling, what, exponent)
        law = f"exponent of {MOVED[what]}, {scaling}"
        yield ladder.rate(law, exponent, 0.05, along=np.log10(WIDTHS))


@dataclass(frozen=True)
class MatricesMove:
    """In muP the middle matrix moves by a share of itself that falls like this power of m."""

    exponent: float = stated(
        0.0,
        first_order=(-1.0, "1/m"),
        slow=(-0.25, "m^(-1/4)"),
        three_quarters=(-0.75, "m^(-3/4)"),
        slower=(-0.125, "m^(-1/8)"),
        growing=(0.5, "sqrt(m)"),
    )


def laws_of_matrices(measured: Moved, theory: MatricesMove) -> Iterator[Law]:
    ladder = measured.ladder("muP", "frobenius", theory.exponent)
    law = f"exponent of {MOVED['frobenius']}, muP"
    yield ladder.rate(law, theory.exponent, 0.05, along=np.log10(WIDTHS))


MOVEMENT = Measurement(
    "wide-training",
    WideTask,
    ("two-hidden-layers",),
    wide_tasks,
    measure,
    in_words("two hidden layers of tanh", "full batches", "initial output subtracted"),
    sabotaged={"muP for the scaling of the tangent kernel": lambda t: measure(t, tangent="muP")},
    thrift=2,
)
ORDERS = ("exponents: 0.05 in the median; of one task 0.04, by five nets of each of four widths",)
CLAIMS = (
    Claim(
        id="feature-movement",
        title="Features move like m^(-1/2) in the tangent kernel's scaling and at order 1 in muP",
        statement=(
            r"\Delta h \sim m^{-1/2}, \ \frac{\|\Delta W_2\|_F}{\|W_2\|_F} \sim m^{-1}"
            r"\ (\mathrm{NTP}); \quad \Delta h \sim \frac{\|\Delta W_2\|}{\|W_2\|} \sim 1,"
            r"\ \frac{\|\Delta W_2\|_F}{\|W_2\|_F} \sim m^{-1/2}\ (\mu\mathrm{P})"
        ),
        source=source_of("feature-movement"),
        measurement=MOVEMENT,
        theory=Theory(),
        laws=laws,
        tolerances=ORDERS,
    ),
    Claim(
        id="feature-movement-of-matrices",
        title="As often read: in muP weight matrices move by a share of themselves at every width",
        statement=r"\frac{\|\Delta W_2\|_F}{\|W_2\|_F} \sim 1 \ (\mu\mathrm{P})",
        source=source_of("feature-movement-of-matrices"),
        measurement=MOVEMENT,
        theory=MatricesMove(),
        laws=laws_of_matrices,
        tolerances=ORDERS,
        expected="falsified",
    ),
)
