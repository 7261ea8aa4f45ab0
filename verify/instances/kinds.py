"""Kinds of instances that are drawn on purpose, read off the instance and not off the draw.

A claim that holds on plain instances alone is a claim about plain instances. So the kinds have
names, and a run can be asked how often it met each of them.
"""

from collections.abc import Callable
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.errors import AssumptionError, OracleFailed
from theory.kernel.svm import KernelSVM, kernel_svm
from theory.nets import Factorization
from theory.problem import Problem

NEAR = 2e-3
"""Relative distance of inputs that count as nearly equal."""

COLUMN_RATIO = 50.0
"""Largest over smallest column of the inputs from which on their units differ."""

UNIT_FACTOR = 9.0
"""Inputs whose largest entry, or anchors whose norm, is off 1 by more than this are in other units;
plain inputs have entries up to 2 and plain anchors norm 1."""

ON_MARGIN = 1e-9
"""Relative excess over the margin up to which a sample lies on it; a certified SVM has 1e-10."""

RANK_TOLERANCE = 1e-9
"""Singular values of the rows on the margin below this share of the largest are dependences."""


class Kind(StrEnum):
    """What is special about an instance; it can be of several kinds."""

    PLAIN = "plain"
    ONE_SAMPLE = "one sample"
    OFF_MARGIN = "a sample off the margin"
    SEVERAL_SUPPORTS = "several support sets"
    DUPLICATES = "duplicated samples"
    NEAR_DUPLICATES = "nearly equal inputs"
    INPUT_UNITS = "inputs in other units"
    COLUMN_UNITS = "columns in different units"
    ANCHOR_UNITS = "an anchor of another norm"


UNITS = (Kind.INPUT_UNITS, Kind.COLUMN_UNITS, Kind.ANCHOR_UNITS)


def kinds_of(problem: Problem) -> frozenset[Kind]:
    """The kinds that a problem is of; `Kind.PLAIN` alone where it is of none of the others."""
    found = {kind for kind, is_of in _SEEN.items() if is_of(problem)} | _margin_kinds(problem)
    return frozenset(found or {Kind.PLAIN})


def _one_sample(problem: Problem) -> bool:
    return problem.samples == 1


def _duplicates(problem: Problem) -> bool:
    rows = np.column_stack([problem.inputs, problem.labels])
    return len(np.unique(rows, axis=0)) < len(rows)


def _near_duplicates(problem: Problem) -> bool:
    if isinstance(problem.net, Factorization):
        return False
    return any(0 < _distance(a, b) <= NEAR for a, b in combinations(problem.inputs, 2))


def _distance(first: Floats, second: Floats) -> float:
    size = float(max(np.linalg.norm(first), np.linalg.norm(second)))
    return float(np.linalg.norm(first - second)) / size if size > 0 else 0.0


def _input_units(problem: Problem) -> bool:
    if isinstance(problem.net, Factorization):
        return False
    largest = float(np.abs(problem.inputs).max())
    return not 1 / UNIT_FACTOR <= largest <= UNIT_FACTOR


def _column_units(problem: Problem) -> bool:
    if isinstance(problem.net, Factorization):
        return False
    columns = np.abs(problem.inputs).max(axis=0)
    columns = columns[columns > 0]
    return bool(columns.size) and bool(columns.max() >= COLUMN_RATIO * columns.min())


def _anchor_units(problem: Problem) -> bool:
    return not 1 / UNIT_FACTOR <= problem.anchor_norm <= UNIT_FACTOR


_SEEN: dict[Kind, Callable[[Problem], bool]] = {
    Kind.ONE_SAMPLE: _one_sample,
    Kind.DUPLICATES: _duplicates,
    Kind.NEAR_DUPLICATES: _near_duplicates,
    Kind.INPUT_UNITS: _input_units,
    Kind.COLUMN_UNITS: _column_units,
    Kind.ANCHOR_UNITS: _anchor_units,
}


def _margin_kinds(problem: Problem) -> set[Kind]:
    """What the kernel SVM says: none for regression, nor where the task is not separable."""
    if not problem.loss_function.classifies:
        return set()
    try:
        svm = kernel_svm(problem)
    except (AssumptionError, OracleFailed):
        return set()
    active = svm.margins <= svm.margin * (1 + ON_MARGIN)
    found = set() if active.all() else {Kind.OFF_MARGIN}
    return found | {Kind.SEVERAL_SUPPORTS} if _dependent(svm, active) else found


def _dependent(svm: KernelSVM, active: NDArray[np.bool_]) -> bool:
    """Whether the samples on the margin are dependent, so that multipliers are not unique."""
    rows = svm.features[active]
    singular = np.linalg.svd(rows, compute_uv=False)
    rank = int((singular > RANK_TOLERANCE * singular[0]).sum())
    return rank < len(rows)
