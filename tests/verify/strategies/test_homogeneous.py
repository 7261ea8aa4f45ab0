"""Diagonal nets whose margins even out: no draw looks for ever for one that does."""

import pytest

from verify.search import draw_instances
from verify.strategies.homogeneous import EVEN, ActiveDiagonal, active_diagonals
from verify.strategies.sizes import QUICK


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_every_draw_ends_with_a_net_that_evens_out_or_without_one(degree: int) -> None:
    drawn: list[ActiveDiagonal] = []
    for seed in range(30):
        draw_instances(active_diagonals((f"degree-{degree}",), QUICK), seed, 4, drawn.append)
    assert len(drawn) >= 100
    assert min(told.relaxation for told in drawn) >= EVEN
