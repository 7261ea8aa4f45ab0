"""Each neuron keeps |w|^2 - p a^2 up to weight decay; |w|^2 - a^2 only for p = 1."""

from collections.abc import Iterator
from dataclasses import dataclass

from verify.claims.conservation.neurons import NEURONS, Neurons
from verify.language import Claim, Law, equals, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory:
    """|w|^2 - ratio p^power a^2 decays like e^(-decay lambda t)."""

    ratio: float = stated(
        1.0,
        twice=(2.0, "|w|^2 - 2 p a^2"),
        half=(0.5, "|w|^2 - p a^2 / 2"),
        summed=(-1.0, "|w|^2 + p a^2"),
    )
    power: int = stated(1, inverse=(-1, "|w|^2 - a^2 / p"), squared=(2, "|w|^2 - p^2 a^2"))
    decay: float = stated(
        2.0, conserved=(0.0, "conserved with decay as well"), once=(1.0, "e^(-lambda t)")
    )


def laws(measured: Neurons, theory: Theory) -> Iterator[Law]:
    ratio = theory.ratio * float(measured.task.degree) ** theory.power
    predicted = measured.predicted(ratio, theory.decay)
    yield equals("balance of neurons over its scale", measured.balance(ratio), predicted, 1e-8)


@dataclass(frozen=True)
class WithoutDegree:
    """|w|^2 - ratio a^2 decays like e^(-decay lambda t), for every degree p."""

    ratio: float = stated(
        1.0,
        half=(0.5, "|w|^2 - a^2 / 2"),
        twice=(2.0, "|w|^2 - 2 a^2"),
        summed=(-1.0, "|w|^2 + a^2"),
        hidden_alone=(0.0, "|w|^2 alone"),
    )
    decay: float = stated(2.0, conserved=(0.0, "conserved with decay as well"))


def laws_without_degree(measured: Neurons, theory: WithoutDegree) -> Iterator[Law]:
    predicted = measured.predicted(theory.ratio, theory.decay)
    found = measured.balance(theory.ratio)
    yield equals("balance of neurons over its scale", found, predicted, 1e-8)


TOLERANCE = (
    "identity: 1e-8 of the largest term, for flows integrated to 1e-11; max(z, 0)^p has a kink in "
    "its p-th derivative, across which two tolerances differ by up to 1e-9"
)
CLAIMS = (
    Claim(
        id="neuron-conservation",
        title="Each neuron of degree p keeps |w|^2 - p a^2, up to e^(-2 lambda t)",
        statement=r"\|w_k\|^2 - p\,a_k^2 = e^{-2\lambda t} (\|w_k\|^2 - p\,a_k^2)(0)",
        source=source_of("neuron-conservation"),
        measurement=NEURONS,
        theory=Theory(),
        laws=laws,
        tolerances=(TOLERANCE,),
    ),
    Claim(
        id="neuron-conservation-without-degree",
        title="As often read: each neuron keeps |w|^2 - a^2 for every homogeneous activation",
        statement=r"\|w_k\|^2 - a_k^2 = e^{-2\lambda t} (\|w_k\|^2 - a_k^2)(0)",
        source=source_of("neuron-conservation-without-degree"),
        measurement=NEURONS,
        theory=WithoutDegree(),
        laws=laws_without_degree,
        tolerances=(TOLERANCE,),
        expected="falsified",
    ),
)
