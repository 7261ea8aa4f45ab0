"""What the theorems on the squared loss assume of an instance."""

from theory.assumptions import check_realizability
from verify.claims.early_late.assumptions import OF_THE_NET, OF_THE_REGIME
from verify.instances import FlowInstance
from verify.language import Assumption, one_changed
from verify.strategies.violations import contradictory


def _realizable(instance: FlowInstance) -> None:
    check_realizability(instance.problem)


REALIZABILITY = Assumption(
    "realizability",
    "the model linearised at the anchor interpolates the targets",
    _realizable,
)
OF_INTERPOLATION = (*OF_THE_NET, REALIZABILITY)
OF_REGRESSION = (
    *OF_THE_NET,
    REALIZABILITY.violable(one_changed(contradictory)),
    *OF_THE_REGIME,
)
