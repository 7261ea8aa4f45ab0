"""Before the transition the flow is the kernel machine: all seen pairs right, all others wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.flow import FlowState
from theory.modular_addition import addition_machine, one_hot, sums, symmetric_kernel
from theory.modular_addition.data import is_true
from verify.claims.modular_addition.flows import EARLY_FLOW, RTOL, EarlyFlows, Flow
from verify.language import Basis, Claim, Ladder, Law, below, choice, equals
from verify.registry import source_of

Scores = Callable[[Flow], Floats]


def of_machine(measured: Flow) -> Floats:
    """At unseen pairs, of the machine of the symmetric kernel."""
    modulus = measured.told.modulus
    seen, unseen = measured.told.split()
    return addition_machine(symmetric_kernel(modulus), modulus, seen).scores(unseen)


def of_opposite(measured: Flow) -> Floats:
    return -of_machine(measured)


def of_true_classes(measured: Flow) -> Floats:
    modulus = measured.told.modulus
    classes = sums(modulus, measured.unseen)
    return is_true(np.zeros((len(classes), modulus)), classes).astype(np.float64)


def direction(scores: Floats) -> Floats:
    """Scores `(m, p)` without the mean of each row, all of unit norm."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.linalg.norm(centred))


@dataclass(frozen=True)
class Theory:
    """The accuracy at unseen pairs is guesses / p, and outputs are along the scores."""

    guesses: float = choice(
        0.0, chance=(1.0, "an accuracy of 1/p"), twice_chance=(2.0, "an accuracy of 2/p")
    )
    generalises: bool = choice(False, right=(True, "unseen pairs are right"))
    scores: Scores = choice(
        of_machine,
        opposite=(of_opposite, "the opposite of the machine"),
        true_classes=(of_true_classes, "1 at the true class"),
    )


def laws(measured: EarlyFlows, theory: Theory) -> Iterator[Law]:
    modulus = measured.first.told.modulus
    least = measured.read(lambda state: float(state.margins.min() / np.abs(state.margins).max()))
    yield below("smallest margin at seen pairs is positive", -least, 0.0, Basis.DERIVED)
    expected = 1.0 if theory.generalises else theory.guesses / modulus
    yield equals("accuracy at unseen pairs", measured.accuracy(), expected, 0.0)
    predicted = direction(theory.scores(measured.first))
    inputs = one_hot(modulus, measured.first.unseen)

    def distance(state: FlowState) -> float:
        return float(np.linalg.norm(direction(state.outputs(inputs)) - predicted))

    decays = measured.log_inverse_decays
    off, small = measured.read(distance).no_finer(RTOL), np.log(decays) / decays
    ladder = Ladder.of("outputs off the machine's", "Lam", decays, off, small=small)
    yield ladder.falls("outputs approach the machine's", 1.0, factor=1.5)


CLAIM = Claim(
    id="modular-early-flow",
    title="At (1-c) t_g the flow knows all pairs of Z_p that it sees, and none of the others",
    statement=(
        r"t = (1-c) t_g: \min_{\text{seen}} q > 0, \ \text{test accuracy } 0, \quad"
        r" f(\theta(t); a, b) \propto s(a, b)"
    ),
    source=source_of("modular-early-flow"),
    measurement=EARLY_FLOW,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "accuracy: 0 exactly, of 1 to 10 unseen pairs",
        "outputs approach the machine's: log(Lam) / Lam, as some multipliers are 1e-3 of "
        "the largest, with the constant of the two smaller alphas, times 1.5; directions are "
        f"known to {RTOL:g}, the tolerance of flows, and where symmetry makes them the machine's "
        "at any Lam, none is off",
    ),
)
