"""Flows know no units, no order of samples or parameters, and no sign."""

import numpy as np
import pytest

from tests.theory.flow.twins import compare

SEEDS = range(24)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flow_and_its_twin_agree_within_their_told_errors(seed: int) -> None:
    finding = compare(seed)
    assert not finding.failure
    assert np.all(finding.gap <= finding.told), str(finding)
