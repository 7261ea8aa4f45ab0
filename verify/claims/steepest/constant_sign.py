"""Sign descent at a constant step may cycle, and then it reaches no margin at all."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.steepest import steepest_path, two_sample_margin
from verify.language import Basis, Claim, Law, Measurement, Quantity, below, in_words, stated
from verify.registry import source_of
from verify.strategies.steepest import TwoSamples, two_samples

COUNTS = np.array([100, 400, 1600])


@dataclass(frozen=True, eq=False)
class Signed:
    """min q / |w|_inf over the largest margin, after `COUNTS` steps, with sums of steps."""

    told: TwoSamples
    shares: Quantity
    sums: np.ndarray[tuple[int], np.dtype[np.float64]]


def measure(told: TwoSamples, factor: float = 1.0) -> Signed:
    """At a constant step; in a wrong world inputs are larger than told."""
    rows = told.rows
    weights = steepest_path(rows, np.inf, np.full(COUNTS[-1], told.step), COUNTS)
    sizes = np.abs(weights).max(axis=1)
    outputs = factor * (weights @ rows.T).min(axis=1)
    # a cycle may pass through 0
    margins = np.divide(outputs, sizes, out=np.zeros(len(sizes)), where=sizes > 0.0)
    shares = Quantity.rounded(margins / two_sample_margin(rows), 1.0, 1e4)
    return Signed(told, shares, told.step * COUNTS)


@dataclass(frozen=True)
class Theory:
    """1 - margin / gamma <= factor log 2 / (sum eta)^power."""

    factor: float = stated(
        1.0, twice=(2.0, "2 log n"), fivefold=(5.0, "5 log n"), tenfold=(10.0, "10 log n")
    )
    power: float = stated(1.0, root=(0.5, "over sqrt(sum eta)"), third=(0.75, "over S^(3/4)"))


def laws(measured: Signed, theory: Theory) -> Iterator[Law]:
    rows, sums = measured.told.rows, measured.sums
    bound = theory.factor * np.log(2.0) / sums**theory.power / two_sample_margin(rows)
    gap = 1.0 - measured.shares
    yield below("gap of the margin", gap[1:], bound[1:], Basis.MEASURED, at=COUNTS[1:])
    yield below("margin over the largest", measured.shares, 1.0 + 1e-9, Basis.IDENTITY, at=COUNTS)


CLAIM = Claim(
    id="sign-descent-at-constant-step",
    title="As often read: sign descent reaches the l-infinity margin at any constant step",
    statement=r"1 - \frac{\min q}{\gamma \|w_k\|_\infty} \le \frac{\log n}{\gamma \eta k}",
    source=source_of("sign-descent-at-constant-step"),
    measurement=Measurement(
        "constant-sign-descent",
        TwoSamples,
        ("two-samples",),
        two_samples,
        measure,
        in_words("separable data", "exponential loss", "w(0) = 0", "a constant step"),
        sabotaged={"inputs a tenth larger than told": lambda told: measure(told, factor=1.1)},
        examples=(TwoSamples((3, -2), (-1, 3), 0.5), TwoSamples((2, -1), (-2, 3), 0.5)),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("gap: the bound of the flow, without the term of sum eta^2 that steps add",),
    expected="falsified",
)
