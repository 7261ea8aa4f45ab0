"""The margin of logistic regression is approached like C / log t, C an entropy of the support."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.separable import SeparableFlow, entropy_gap
from verify.claims.separable.late_flows import SEPARABLE, LateFlow
from verify.language import Claim, Law, choice, stated
from verify.registry import source_of
from verify.strategies.separable import SeparableData

Constant = Callable[[SeparableData], float]


def entropy_less_least(data: SeparableData) -> float:
    return entropy_gap(data.probabilities)


def entropy(data: SeparableData) -> float:
    p = data.probabilities
    return float(-(p * np.log(p)).sum())


def of_support(data: SeparableData) -> float:
    return float(np.log(len(data.shares)))


def of_samples(data: SeparableData) -> float:
    return float(np.log(len(data.shares) + len(data.margins)))


def least_entropy(data: SeparableData) -> float:
    return float(-np.log(data.probabilities.max()))


def reversed_gap(data: SeparableData) -> float:
    p = data.probabilities
    return float((p * np.log(p / p.min())).sum())


@dataclass(frozen=True)
class Theory:
    """1 - min q / (gamma |w|) = factor C (log t)^-power."""

    constant: Constant = choice(
        entropy_less_least,
        entropy=(entropy, "H(p), without H_inf(p)"),
        log_support=(of_support, "log of the number of support vectors"),
        log_samples=(of_samples, "log n, as the bound by the soft minimum has it"),
        least_entropy=(least_entropy, "H_inf(p)"),
        reversed=(reversed_gap, "sum p_i log(p_i / min p)"),
    )
    factor: float = stated(1.0, half=(0.5, "half of it"), twice=(2.0, "twice of it"))


def laws(measured: LateFlow, theory: Theory) -> Iterator[Law]:
    predicted = theory.factor * theory.constant(measured.data)
    gap = measured.read(SeparableFlow.margin_gap)
    ladder = measured.ladder("margin gap times log t", gap, predicted)
    yield ladder.starts_within("margin gap times log t at 10^100", 0.25)
    yield ladder.approaches("margin gap times log t approaches C", 1.0)


CLAIM = Claim(
    id="separable-margin-constant",
    title="Logistic regression approaches its margin like (H(p) - H_inf(p)) / log t",
    statement=(
        r"1 - \frac{\min_i q_i}{\gamma \|w\|} = \frac{C}{\log t} (1 + O(1 / \log t)), \quad"
        r" C = \sum_i p_i \log \frac{\max p}{p_i}, \quad p = \gamma^2 \alpha"
    ),
    source=source_of("separable-margin-constant"),
    measurement=SEPARABLE,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "at 10^100: 25 %; |rho|^2 gamma^2 / (2 C log t) and 2 C / log t, of residuals up to 5",
        "order: 1 in 1 / log t, with the constant of the two earliest times, times 2",
    ),
)
