"""What the theorems on the squared loss assume of an instance."""

from theory.assumptions import check_realizability
from verify.claims.early_late.assumptions import (
    HOMOGENEITY,
    LARGE_ALPHA,
    POSITIVE_C,
    POWER_OF_ALPHA,
    SMOOTHNESS,
    ZERO_OUTPUT,
)
from verify.instances import FlowInstance
from verify.language import Assumption


def _realizable(instance: FlowInstance) -> None:
    check_realizability(instance.problem)


REALIZABILITY = Assumption(
    "realizability", "the model linearised at the anchor interpolates the targets", _realizable
)

OF_REGRESSION = (
    HOMOGENEITY,
    SMOOTHNESS,
    ZERO_OUTPUT,
    REALIZABILITY,
    POWER_OF_ALPHA,
    LARGE_ALPHA,
    POSITIVE_C,
)
