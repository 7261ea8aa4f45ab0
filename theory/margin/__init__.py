"""The max-margin programme and its optimality conditions."""

from theory.margin.kkt import KKTResidual, complementarity, kkt_residual
from theory.margin.programmes import MarginOptimum, l1_max_margin, l2_max_margin

__all__ = [
    "KKTResidual",
    "MarginOptimum",
    "complementarity",
    "kkt_residual",
    "l1_max_margin",
    "l2_max_margin",
]
