"""The algebra of products is so(n, m), and laws are counted by what orbits lack."""

import numpy as np
import pytest

from theory.conservation import (
    balance_after_step,
    conserved_count,
    generated_algebra,
    missing_dimensions,
    pseudo_orthogonal,
)
from theory.errors import InvalidInput


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 1), (2, 3), (3, 3)])
def test_commutators_generate_so(rows: int, columns: int) -> None:
    total = rows + columns
    signature = np.diag([1.0] * rows + [-1.0] * columns)
    generated, basis = generated_algebra(rows, columns), pseudo_orthogonal(rows, columns)
    for matrix in (*generated, *basis):
        assert matrix.T @ signature + signature @ matrix == pytest.approx(np.zeros((total, total)))
    assert len(generated) == len(basis) == total * (total - 1) // 2
    both = np.concatenate([generated, basis]).reshape(2 * len(basis), -1)
    assert np.linalg.matrix_rank(both) == len(basis)


@pytest.mark.parametrize("width", [1, 3, 5, 6, 9])
def test_count_is_what_orbits_lack(width: int) -> None:
    stack = np.random.default_rng(width).normal(size=(5, width))
    assert missing_dimensions(pseudo_orthogonal(2, 3), stack) == conserved_count(2, 3, width)


def test_both_forms_meet_where_the_width_is_that_of_all() -> None:
    assert conserved_count(2, 3, 5) == 15 == 5 * (2 * 5 - 5 + 1) // 2


def test_sizes_are_positive() -> None:
    with pytest.raises(InvalidInput, match="rows is 0"):
        conserved_count(0, 1, 2)
    for basis in (generated_algebra, pseudo_orthogonal):
        with pytest.raises(InvalidInput, match="rows is 0"):
            basis(0, 2)


@pytest.mark.parametrize("stack", [np.ones((4, 2)), np.full((5, 2), np.nan), np.ones(5)])
def test_stacks_that_are_none_are_refused(stack: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="stack has shape"):
        missing_dimensions(pseudo_orthogonal(2, 3), stack)


def test_counts_that_are_not_whole_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"rows is 1\.5; it must be a whole number"):
        conserved_count(1.5, 1, 1)  # type: ignore[arg-type]
    layers = (np.eye(2), np.eye(2))
    with pytest.raises(InvalidInput, match="weights are 2 layers and gradients 3"):
        balance_after_step(layers, (*layers, np.eye(2)), 0.1, 0.1)
    with pytest.raises(InvalidInput, match="step is nan"):
        balance_after_step(layers, layers, float("nan"), 0.1)
