"""Problems to which biases are added are strict by what is left of them, not by throwing away."""

from typing import Any

import pytest

from theory.kernel.svm import kernel_svm
from verify.search import draw_instances
from verify.strategies.biases import FAMILIES, MOST_SAMPLES, before_t_g
from verify.strategies.rectifiers import strict
from verify.strategies.sizes import QUICK


@pytest.mark.parametrize("family", FAMILIES)
def test_most_draws_serve_and_all_of_them_are_strict(family: str) -> None:
    found: list[Any] = []
    discarded = draw_instances(before_t_g((family,), QUICK), 0, 8, found.append)
    assert discarded < len(found) == 8
    for instance in found:
        assert 2 <= instance.problem.samples <= MOST_SAMPLES
        assert strict(kernel_svm(instance.problem))
