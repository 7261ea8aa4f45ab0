"""The parts that a claim is put together from."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from verify.claims.base import Ladder


def test_ladder_of_arrays_is_plain_numbers() -> None:
    ladder = Ladder.of("q", "log x", np.arange(3), [1, 2.5, 3], np.float32(0.5))
    assert ladder == Ladder("q", "log x", (0.0, 1.0, 2.0), (1.0, 2.5, 3.0), (0.5, 0.5, 0.5))
    assert json.loads(json.dumps(asdict(ladder)))["predicted"] == [0.5, 0.5, 0.5]


def test_ladder_of_lengths_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="shape mismatch"):
        Ladder.of("q", "log x", [0, 1], [1, 2, 3], 1.0)
